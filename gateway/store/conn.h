/*
 * gateway/store/conn.h - what a job sees of the database: a connection in a transaction, an arena, the
 * effects so far.
 *
 * Owns:    its database connection, its arena, and what it keeps of the rows.
 * Borrows: the epoch's text; effects, from store_conn_effect until one of their two functions is called.
 * Bounds:  as the arena's and the jobs' own.
 * Fails:   once a statement failed, `failed` stays set until the transaction is over, and conn_query gives
 *          NULL.
 * Thread:  the one thread that runs the jobs. Inside gateway/store only; the core sees store.h and query.h.
 */
#ifndef RECALLD_STORE_CONN_H
#define RECALLD_STORE_CONN_H

#include "base/arena.h"
#include "store/db.h"
#include "store/job.h"
#include "store/room_seq.h"
#include "store/row_cache.h"
#include "store/rows.h"
#include "store/sql.h"
#include "store/store.h"

struct store_conn {
    struct db *db;
    struct arena arena;
    struct str epoch;
    bool writer;
    bool failed;
    bool erases;    /* something in this transaction was erased */
    int64_t now_ms; /* as given to the job that runs */
    struct effect *effects;
    struct effect **effects_end;
    struct room_seqs room_seqs; /* the writer's, as is the next */
    struct row_cache *rows;     /* NULL: none kept */
};

/* Takes over `db`. */
void conn_init(struct store_conn *c, struct db *db, struct str epoch, bool writer);
/* Closes the database connection and frees the arena; also one that is all zeros. */
void conn_close(struct store_conn *c);

/* A transaction: begin, jobs, then commit or rollback. Begin and commit return false on failure
 * (db_status); after a failed one, rollback. */
bool conn_begin(struct store_conn *c);
bool conn_commit(struct store_conn *c, bool *wrote);
/* As db_commit_soon. */
bool conn_commit_soon(struct store_conn *c, bool *wrote, bool *owed);
void conn_rollback(struct store_conn *c);
/* What is kept in memory of the rows may not be so any more; part of conn_rollback. */
void conn_forget(struct store_conn *c);
/* Runs one job in the transaction; afterwards the arena is empty. False: the transaction must be rolled
 * back. */
bool conn_run_job(struct store_conn *c, struct job *job, int64_t now_ms);
/* The effects so far, which are the caller's from here on. */
struct effect *conn_take_effects(struct store_conn *c);
/* Calls the `commit` or `discard` of each, in order. */
void conn_settle(struct effect *first, bool committed);

/* For the queries. A statement to bind; NULL if the transaction failed already. Afterwards one of:
 * conn_row and conn_end, or conn_write. */
struct db_stmt *conn_query(struct store_conn *c, enum sql_id id);
/* The next row: true. Notes a failure. */
bool conn_row(struct store_conn *c, struct db_stmt *s);
void conn_end(struct store_conn *c, struct db_stmt *s);
/* Runs a statement that gives no rows. */
void conn_write(struct store_conn *c, struct db_stmt *s);
/* Runs an INSERT and gives the key that the database made; 0 after a failure. */
int64_t conn_insert(struct store_conn *c, struct db_stmt *s);
/* Runs a statement that gives at most one number, which comes back; `none` without a row. */
int64_t conn_number(struct store_conn *c, struct db_stmt *s, int64_t none);
/* Marks the transaction as failed where the rows themselves are not what they must be. */
void conn_fail(struct store_conn *c);
/* A copy of a text or blob column in the arena; NULL stays absent. */
struct str conn_text(struct store_conn *c, struct db_stmt *s, int column);

#endif
