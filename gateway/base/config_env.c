#include "base/config_build.h"

#include <stdlib.h>
#include <string.h>

#define PREFIX "RECALLD_"
#define NAME_MAX_ 160

static char upper(char c)
{
    if (c >= 'a' && c <= 'z') {
        return (char)(c - 'a' + 'A');
    }
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ? c : '_';
}

static void to_lower(const char *in, char *out, size_t cap)
{
    size_t i = 0;
    for (; in[i] != '\0' && i + 1 < cap; i++) {
        out[i] = in[i] >= 'A' && in[i] <= 'Z' ? (char)(in[i] - 'A' + 'a') : in[i];
    }
    out[i] = '\0';
}

static void set_server(struct config_build *b, const char *variable, const char *key, const char *value)
{
    char setting[NAME_MAX_];
    char nearest[NAME_MAX_] = "";
    to_lower(key, setting, sizeof setting);
    if (config_table_find(&config_table_server, setting) != NULL) {
        config_build_set(b, NULL, setting, value, -1);
        return;
    }
    const char *name = config_table_nearest(&config_table_server, setting);
    for (size_t i = 0; name[i] != '\0'; i++) {
        nearest[i] = upper(name[i]);
    }
    config_build_fail(b, "environment: %.100s: unknown setting; the nearest is RECALLD_SERVER_%s", variable,
                      nearest);
}

/* What follows the app's name and '_' in "NAME_KEY"; NULL if the name is another. */
static const char *after_app(const struct config_app *app, const char *rest)
{
    size_t i = 0;
    for (; app->name[i] != '\0'; i++) {
        if (rest[i] != upper(app->name[i])) {
            return NULL;
        }
    }
    return rest[i] == '_' ? rest + i + 1 : NULL;
}

/* The app whose name, as a variable's, is nearest to how `rest` begins. */
static const struct config_app *nearest_app(const struct config_build *b, const char *rest)
{
    const struct config_app *nearest = NULL;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < b->config->app_count; i++) {
        const struct config_app *app = &b->config->apps[i];
        char begin[NAME_MAX_];
        char name[NAME_MAX_];
        size_t len = strlen(app->name);
        (void)snprintf(begin, sizeof begin, "%.*s", (int)len, rest);
        for (size_t j = 0; j <= len; j++) {
            name[j] = app->name[j] != '\0' ? upper(app->name[j]) : '\0';
        }
        size_t distance = config_table_distance(begin, name);
        if (distance < least) {
            least = distance;
            nearest = app;
        }
    }
    return nearest;
}

static void set_app(struct config_build *b, const char *variable, const char *rest, const char *value)
{
    struct config_app *found = NULL;
    const struct config_app *named = NULL;
    char setting[NAME_MAX_];
    char wanted[NAME_MAX_];
    for (size_t i = 0; i < b->config->app_count; i++) {
        struct config_app *app = &b->config->apps[i];
        const char *key = after_app(app, rest);
        if (key == NULL) {
            continue;
        }
        named = app;
        to_lower(key, wanted, sizeof wanted);
        if (config_table_find(&config_table_app, wanted) == NULL) {
            continue;
        }
        if (found != NULL) {
            config_build_fail(b, "environment: %.100s: could mean [app %s] or [app %s]; set it in the file",
                              variable, found->name, app->name);
            return;
        }
        found = app;
        (void)snprintf(setting, sizeof setting, "%s", wanted);
    }
    if (found != NULL) {
        config_build_set(b, found, setting, value, -1);
        return;
    }
    if (named != NULL) {
        to_lower(after_app(named, rest), wanted, sizeof wanted);
        config_build_fail(b, "environment: %.100s: unknown setting of [app %s]; the nearest is %s", variable,
                          named->name, config_table_nearest(&config_table_app, wanted));
        return;
    }
    const struct config_app *app = nearest_app(b, rest);
    config_build_fail(b, "environment: %.100s: there is no such app; the nearest is [app %s]", variable,
                      app != NULL ? app->name : "NAME");
}

/* RECALLD_X without a second part may be anybody's (a test's path to the program), but not if X is a setting
 * whose section was forgotten. */
static void other_section(struct config_build *b, const char *variable, const char *rest)
{
    char lowered[NAME_MAX_];
    to_lower(rest, lowered, sizeof lowered);
    if (config_table_find(&config_table_server, lowered) != NULL) {
        config_build_fail(b, "environment: %.100s: the section is missing; write RECALLD_SERVER_%.100s",
                          variable, rest);
        return;
    }
    char *second = strchr(lowered, '_');
    if (second == NULL) {
        return;
    }
    *second = '\0';
    bool app = config_table_distance(lowered, "app") < config_table_distance(lowered, "server");
    config_build_fail(b, "environment: %.100s: unknown section; the nearest is %s", variable,
                      app ? "RECALLD_APP_<NAME>_" : "RECALLD_SERVER_");
}

void config_env_apply(struct config_build *b, char *const *env)
{
    for (; env != NULL && *env != NULL && !b->failed; env++) {
        char variable[NAME_MAX_];
        const char *equals = strchr(*env, '=');
        if (strncmp(*env, PREFIX, sizeof PREFIX - 1) != 0 || equals == NULL) {
            continue;
        }
        (void)snprintf(variable, sizeof variable, "%.*s", (int)(equals - *env), *env);
        const char *rest = variable + sizeof PREFIX - 1;
        if (strncmp(rest, "SERVER_", 7) == 0) {
            set_server(b, variable, rest + 7, equals + 1);
        } else if (strncmp(rest, "APP_", 4) == 0) {
            set_app(b, variable, rest + 4, equals + 1);
        } else {
            other_section(b, variable, rest);
        }
    }
}
