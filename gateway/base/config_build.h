/*
 * gateway/base/config_build.h - a configuration while it is put together; for base/config*.c alone.
 *
 * Owns:    where each setting came from, until config_build_free. The configuration itself is the loader's.
 * Fails:   the first error is kept in `err`, later ones are not told.
 * Thread:  the loading one.
 */
#ifndef RECALLD_BASE_CONFIG_BUILD_H
#define RECALLD_BASE_CONFIG_BUILD_H

#include "base/config_value.h"

#define CONFIG_BUILD_NAME_MAX 40 /* characters of an app's name */

/* Where the settings of a section came from: 0 the default, a line of the file, or below 0 the environment.
 */
struct config_build_places {
    int section; /* the line of its heading */
    int setting[CONFIG_TABLE_MAX];
};

struct config_build {
    struct config *config;
    struct config_error *err;
    const char *path; /* NULL: no file */
    bool failed;
    struct config_build_places server;
    struct config_build_places *apps; /* one for each of config->apps */
};

/* Keeps a first error, with what stands before it. */
void config_build_fail(struct config_build *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for a setting: "FILE:LINE: [app NAME] setting: …", or with the environment's or no place. `app`
 * NULL: the server's. */
void config_build_fail_at(struct config_build *b, const struct config_app *app, const char *setting,
                          const char *format, ...) __attribute__((format(printf, 4, 5)));
/* Adds an app with every default; NULL, and the error told, if it cannot be. The earlier apps may move. */
struct config_app *config_build_app(struct config_build *b, const char *name, int line);
/* Sets one value; `line` as in config_build_places. Errors are told. */
void config_build_set(struct config_build *b, struct config_app *app, const char *setting, const char *value,
                      int line);
/* What can be checked only when everything is there. */
void config_build_check(struct config_build *b);
void config_build_free(struct config_build *b);

/* config_read.c: the file. */
void config_read_file(struct config_build *b);
/* config_env.c: the environment. */
void config_env_apply(struct config_build *b, char *const *env);

#endif
