/*
 * gateway/base/config_table.h - the table of settings; for base/config*.c alone.
 *
 * Owns:    the tables are static and constant. Bounds: CONFIG_TABLE_MAX settings a section. Never fails; any
 *          thread.
 */
#ifndef RECALLD_BASE_CONFIG_TABLE_H
#define RECALLD_BASE_CONFIG_TABLE_H

#include "base/config.h"

#define CONFIG_TABLE_MAX 40 /* settings of one section */

enum config_table_kind {
    CONFIG_TABLE_INT,     /* int64_t within [min, max] */
    CONFIG_TABLE_BOOL,    /* bool: on, off, true, false, yes, no, 1, 0 */
    CONFIG_TABLE_CHOICE,  /* an enum whose values follow `choices` */
    CONFIG_TABLE_TEXT,    /* char *: UTF-8 without control characters, NULL if empty */
    CONFIG_TABLE_KEY,     /* char *: 1..256 printable ASCII characters: it travels in headers */
    CONFIG_TABLE_SECRET,  /* char *: 1..1024 bytes */
    CONFIG_TABLE_LISTEN,  /* host:port, into three members of the server */
    CONFIG_TABLE_STORE,   /* char *: sqlite:PATH, postgresql://… */
    CONFIG_TABLE_BUS,     /* char *: local, pg, nats://… */
    CONFIG_TABLE_ORIGINS, /* the app's list of origins */
    CONFIG_TABLE_ZONE     /* the app's zone, and its name */
};

struct config_table_setting {
    const char *name;
    enum config_table_kind kind;
    size_t offset; /* of the member that holds it */
    int64_t min, max;
    const char *const *choices; /* ends with NULL */
    const char *initial;        /* the default as it would be written; NULL: none */
    const char *help;           /* with the unit */
    bool live;                  /* takes effect on SIGHUP */
};

/* A section's settings. */
struct config_table {
    const struct config_table_setting *settings;
    size_t count;
};
extern const struct config_table config_table_server;
extern const struct config_table config_table_app;

/* The setting of that name; NULL. */
const struct config_table_setting *config_table_find(const struct config_table *table, const char *name);
/* The name nearest to one that is unknown, by edit distance. Never NULL. */
const char *config_table_nearest(const struct config_table *table, const char *name);
/* The number of edits (insert, delete, replace) from a to b; texts are compared up to 63 bytes. */
size_t config_table_distance(const char *a, const char *b);

#endif
