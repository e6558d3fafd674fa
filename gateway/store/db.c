#include "store/db.h"

#include "store/db_backend.h"
#include "store/db_sqlite.h"

#include <stdio.h>
#include <string.h>

struct db *db_open(const struct db_options *options, char *error, size_t error_size)
{
    const struct db_backend *known[] = {db_sqlite_backend()};

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        const size_t n = strlen(known[i]->scheme);

        if (strncmp(options->uri, known[i]->scheme, n) == 0)
            return known[i]->open(options->uri + n, options, error, error_size);
    }
    /* A uri may carry a password: only its scheme is repeated. */
    snprintf(error, error_size, "the store \"%.*s:\" is not supported by this build: use sqlite:PATH",
             (int)strcspn(options->uri, ":"), options->uri);
    return NULL;
}

void db_close(struct db *db)
{
    if (db != NULL)
        db->backend->close(db);
}

enum db_status db_status(const struct db *db)
{
    return db->status;
}

const char *db_error(const struct db *db)
{
    return db->error;
}

enum result db_status_result(enum db_status status)
{
    switch (status) {
    case DB_OK:
        return RESULT_OK;
    case DB_FULL:
    case DB_READONLY:
    case DB_BUSY:
    case DB_INTERRUPTED:
        return RESULT_UNAVAILABLE;
    case DB_CORRUPT:
    case DB_IO:
    case DB_CONSTRAINT:
    case DB_OTHER:
        break;
    }
    return RESULT_INTERNAL;
}

const char *db_status_text(enum db_status status)
{
    switch (status) {
    case DB_OK:
        return "ok";
    case DB_FULL:
        return "full";
    case DB_READONLY:
        return "readonly";
    case DB_CORRUPT:
        return "corrupt";
    case DB_BUSY:
        return "busy";
    case DB_IO:
        return "io";
    case DB_CONSTRAINT:
        return "constraint";
    case DB_INTERRUPTED:
        return "interrupted";
    case DB_OTHER:
        break;
    }
    return "other";
}

struct db_stmt *db_statement(struct db *db, unsigned index)
{
    return db->backend->statement(db, index);
}

void db_bind_int(struct db_stmt *s, int at, int64_t value)
{
    s->db->backend->bind_int(s, at, value);
}

void db_bind_text(struct db_stmt *s, int at, struct str value)
{
    s->db->backend->bind_text(s, at, value);
}

void db_bind_blob(struct db_stmt *s, int at, struct str value)
{
    s->db->backend->bind_blob(s, at, value);
}

void db_bind_zeros(struct db_stmt *s, int at, size_t n)
{
    s->db->backend->bind_zeros(s, at, n);
}

bool db_step(struct db_stmt *s)
{
    return s->db->backend->step(s);
}

int64_t db_insert(struct db_stmt *s)
{
    return s->db->backend->insert(s);
}

int64_t db_int(struct db_stmt *s, int column)
{
    return s->db->backend->column_int(s, column);
}

struct str db_bytes(struct db_stmt *s, int column)
{
    return s->db->backend->column_bytes(s, column);
}

void db_reset(struct db_stmt *s)
{
    s->db->backend->reset(s);
}

bool db_exec(struct db *db, const char *sql)
{
    return db->backend->exec(db, sql);
}

static void forget(struct db *db)
{
    db->status = DB_OK;
    db->error[0] = '\0';
}

bool db_begin_write(struct db *db)
{
    forget(db);
    return db->backend->begin(db, true);
}

bool db_begin_read(struct db *db)
{
    forget(db);
    return db->backend->begin(db, false);
}

bool db_commit(struct db *db, bool *wrote)
{
    return db->backend->commit(db, wrote);
}

bool db_commit_soon(struct db *db, bool *wrote, bool *owed)
{
    *owed = false;
    return db->backend->commit_soon != NULL ? db->backend->commit_soon(db, wrote, owed) : db->backend->commit(db, wrote);
}

bool db_sync(struct db *db)
{
    return db->backend->sync == NULL || db->backend->sync(db);
}

void db_rollback(struct db *db)
{
    db->backend->rollback(db);
}

int db_has_table(struct db *db, const char *name)
{
    return db->backend->has_table(db, name);
}

unsigned db_log_pages(const struct db *db)
{
    return db->backend->log_pages(db);
}

bool db_checkpoint(struct db *db, bool erase)
{
    forget(db);
    return db->backend->checkpoint(db, erase);
}

void db_release_memory(struct db *db)
{
    db->backend->release_memory(db);
}

void db_interrupt(struct db *db)
{
    db->backend->interrupt(db);
}
