/*
 * gateway/store/db.h - one SQL connection, whatever the database behind it.
 *
 * Owns:    the connection, its prepared statements and, for the writing connection of an SQLite file, the
 *          lock on the file.
 * Borrows: the statement texts of db_options, until db_close; bound texts, until db_reset.
 * Bounds:  one prepared statement for each text, made at its first use and kept.
 * Fails:   a failure is noted in the connection (db_status, db_error) and stays noted until the next
 *          db_begin_*; db_step then returns false as it does at the end of the rows, so a caller looks at
 *          db_status once, at the end.
 * Thread:  one thread at a time, except db_interrupt.
 *
 * The texts are SQL that SQLite and PostgreSQL both take, with ?1, ?2 … for parameters (a PostgreSQL backend
 * writes them as $1, $2 …). A backend is a struct db_backend (db_backend.h); db.c finds it by the scheme of
 * the uri.
 */
#ifndef RECALLD_STORE_DB_H
#define RECALLD_STORE_DB_H

#include "base/result.h"
#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct db;
struct db_stmt;

enum db_status {
    DB_OK = 0,
    DB_FULL,        /* no room left on the disk */
    DB_READONLY,    /* the file, its folder or this connection takes no writes */
    DB_CORRUPT,     /* the file is damaged, or no database at all */
    DB_BUSY,        /* another process holds a lock */
    DB_IO,          /* the kernel reported an error on read, write or fsync */
    DB_CONSTRAINT,  /* a unique key is taken, a type is wrong */
    DB_INTERRUPTED, /* db_interrupt */
    DB_OTHER
};

enum db_role { DB_WRITER, DB_READER };

struct db_options {
    const char *uri;
    enum db_role role; /* the writer opens first: it creates and locks the database; readers cannot write */
    const char *const *sql; /* statement texts, found by their index */
    unsigned sql_count;
};

/* Opens a connection. NULL, and a sentence for people in `error`, when it cannot. */
struct db *db_open(const struct db_options *options, char *error, size_t error_size);
/* Gives back everything, rolling back what was not committed. NULL is legal. */
void db_close(struct db *db);

/* The first failure since the last db_begin_*, and what the database said about it (no bound value is ever
 * in it). */
enum db_status db_status(const struct db *db);
const char *db_error(const struct db *db);
/* What a failure means for the caller of a job: try again later (RESULT_UNAVAILABLE), or a fault
 * (RESULT_INTERNAL). */
enum result db_status_result(enum db_status status);
/* A word for logs and metrics: "full", "readonly", … Static. */
const char *db_status_text(enum db_status status);

/* The statement with this index, ready to be bound. NULL after a failure. Every parameter must be bound:
 * it keeps its last value otherwise. Not to be used again before db_reset. */
struct db_stmt *db_statement(struct db *db, unsigned index);
/* Parameters count from 1. An absent text or a NULL blob binds NULL. */
void db_bind_int(struct db_stmt *s, int at, int64_t value);
void db_bind_text(struct db_stmt *s, int at, struct str value);
void db_bind_blob(struct db_stmt *s, int at, struct str value);
/* A blob of `n` zero bytes. */
void db_bind_zeros(struct db_stmt *s, int at, size_t n);
/* True: there is a row. False: no more rows, or a failure. A statement that writes has done so after the
 * first call. */
bool db_step(struct db_stmt *s);
/* Runs an INSERT of one row into a table whose `key` the database makes, and returns that key; 0 after a
 * failure. The text has no RETURNING clause: SQLite builds a temporary table for each, which costs more
 * than the insert; a PostgreSQL backend adds it. */
int64_t db_insert(struct db_stmt *s);
/* Columns count from 0. A text or blob lives until the next db_step or db_reset; NULL comes back as
 * absent, or 0. */
int64_t db_int(struct db_stmt *s, int column);
struct str db_bytes(struct db_stmt *s, int column);
void db_reset(struct db_stmt *s);

/* Runs a text without parameters and without rows that is not worth keeping prepared (schema changes). */
bool db_exec(struct db *db, const char *sql);

/* Begin a transaction and forget the failure noted before. A reader's sees one snapshot from its first
 * statement on. */
bool db_begin_write(struct db *db);
bool db_begin_read(struct db *db);
/* True: what was written is on the disk, fsync included; *wrote tells whether there was anything (nothing
 * written costs no fsync). False: the transaction is still to be rolled back; db_status tells why. */
bool db_commit(struct db *db, bool *wrote);
/* The same, but where the backend can it does not wait for the disk: then *owed is true, readers see what was written and a power cut
 * would undo it, until db_sync returned true. Several commits may be owed at a time. */
bool db_commit_soon(struct db *db, bool *wrote, bool *owed);
/* Waits until every commit that was owed when it was called is on the disk. On one other thread at a time, also while this connection's
 * thread goes on. False, with errno: nobody knows what the disk holds. */
bool db_sync(struct db *db);
/* Ends the transaction, if one is open, without keeping anything. Keeps the noted failure. */
void db_rollback(struct db *db);

/* Whether the database has a table of this name; of any name if NULL. 1, 0, or -1 after a failure. */
int db_has_table(struct db *db, const char *name);

/* Pages in the write-ahead log that this connection wrote since the log last began anew. 0 where there is
 * no such log. */
unsigned db_log_pages(const struct db *db);
/* Moves the log's pages into the database file. `erase`: also empties the log, so that nothing which was
 * overwritten or deleted before is left on the disk; false with DB_BUSY while someone still reads from the
 * log. Never waits for readers. Writer only, outside a transaction. */
bool db_checkpoint(struct db *db, bool erase);
/* Gives back memory that only makes later statements faster; outside a transaction. */
void db_release_memory(struct db *db);

/* Makes the statement that is running, or the next one of this transaction, fail with DB_INTERRUPTED. Any
 * thread, while `db` lives. */
void db_interrupt(struct db *db);

#endif
