/*
 * gateway/store/db_backend.h - what a database must be able to do: the functions behind db.h, one struct for
 * each backend.
 *
 * Owns nothing; included by db.c and the db_*.c backends alone. The contract of each function is that of its
 * namesake in db.h. A backend's own structures begin with struct db and struct db_stmt.
 */
#ifndef RECALLD_STORE_DB_BACKEND_H
#define RECALLD_STORE_DB_BACKEND_H

#include "store/db.h"

struct db_backend {
    const char *scheme; /* of the uri, with its colon */
    /* `target`: the uri after the scheme */
    struct db *(*open)(const char *target, const struct db_options *options, char *error, size_t error_size);
    void (*close)(struct db *db);
    struct db_stmt *(*statement)(struct db *db, unsigned index);
    void (*bind_int)(struct db_stmt *s, int at, int64_t value);
    void (*bind_text)(struct db_stmt *s, int at, struct str value);
    void (*bind_blob)(struct db_stmt *s, int at, struct str value);
    void (*bind_zeros)(struct db_stmt *s, int at, size_t n);
    bool (*step)(struct db_stmt *s);
    int64_t (*insert)(struct db_stmt *s);
    int64_t (*column_int)(struct db_stmt *s, int column);
    struct str (*column_bytes)(struct db_stmt *s, int column);
    void (*reset)(struct db_stmt *s);
    bool (*exec)(struct db *db, const char *sql);
    bool (*begin)(struct db *db, bool write);
    bool (*commit)(struct db *db, bool *wrote);
    bool (*commit_soon)(struct db *db, bool *wrote, bool *owed); /* NULL with `sync`: every commit waits */
    bool (*sync)(struct db *db);
    void (*rollback)(struct db *db);
    int (*has_table)(struct db *db, const char *name);
    unsigned (*log_pages)(const struct db *db);
    bool (*checkpoint)(struct db *db, bool erase);
    void (*release_memory)(struct db *db);
    void (*interrupt)(struct db *db);
};

struct db {
    const struct db_backend *backend;
    enum db_status status;
    char error[200];
};

struct db_stmt {
    struct db *db;
};

#endif
