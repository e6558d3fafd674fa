#include "store/conn.h"


#include <stddef.h>
#include <string.h>

void conn_init(struct store_conn *c, struct db *db, struct str epoch, bool writer)
{
    memset(c, 0, sizeof(*c));
    c->db = db;
    c->epoch = epoch;
    c->writer = writer;
    c->effects_end = &c->effects;
}

void conn_close(struct store_conn *c)
{
    db_close(c->db);
    c->db = NULL;
    arena_free(&c->arena);
    room_seq_forget(&c->room_seqs);
    row_cache_clear(c);
}

bool conn_begin(struct store_conn *c)
{
    c->failed = false;
    c->erases = false;
    return c->writer ? db_begin_write(c->db) : db_begin_read(c->db);
}

bool conn_commit(struct store_conn *c, bool *wrote)
{
    return !c->failed && room_seq_whole(c) && db_commit(c->db, wrote);
}

bool conn_commit_soon(struct store_conn *c, bool *wrote, bool *owed)
{
    *owed = false;
    return !c->failed && room_seq_whole(c) && db_commit_soon(c->db, wrote, owed);
}

void conn_forget(struct store_conn *c)
{
    room_seq_forget(&c->room_seqs);
    row_cache_clear(c);
}

void conn_rollback(struct store_conn *c)
{
    db_rollback(c->db);
    conn_forget(c);
    c->erases = false;
}

bool conn_run_job(struct store_conn *c, struct job *job, int64_t now_ms)
{
    c->now_ms = now_ms;
    job->run(job, c, now_ms);
    arena_reset(&c->arena);
    return !c->failed;
}

struct effect *conn_take_effects(struct store_conn *c)
{
    struct effect *first = c->effects;

    c->effects = NULL;
    c->effects_end = &c->effects;
    return first;
}

void conn_settle(struct effect *first, bool committed)
{
    struct effect *next;

    for (struct effect *e = first; e != NULL; e = next) {
        next = e->next; /* the call may free it */
        if (committed)
            e->commit(e);
        else
            e->discard(e);
    }
}

struct db_stmt *conn_query(struct store_conn *c, enum sql_id id)
{
    struct db_stmt *s = c->failed ? NULL : db_statement(c->db, id);

    if (s == NULL)
        c->failed = true;
    return s;
}

bool conn_row(struct store_conn *c, struct db_stmt *s)
{
    if (db_step(s))
        return true;
    if (db_status(c->db) != DB_OK)
        c->failed = true;
    return false;
}

void conn_end(struct store_conn *c, struct db_stmt *s)
{
    db_reset(s);
    if (db_status(c->db) != DB_OK)
        c->failed = true;
}

void conn_write(struct store_conn *c, struct db_stmt *s)
{
    (void)conn_row(c, s);
    conn_end(c, s);
}

int64_t conn_insert(struct store_conn *c, struct db_stmt *s)
{
    const int64_t key = db_insert(s);

    conn_end(c, s);
    return c->failed ? 0 : key;
}

int64_t conn_number(struct store_conn *c, struct db_stmt *s, int64_t none)
{
    int64_t value = none;

    if (conn_row(c, s))
        value = db_int(s, 0);
    conn_end(c, s);
    return c->failed ? none : value;
}

void conn_fail(struct store_conn *c)
{
    c->failed = true;
}

struct str conn_text(struct store_conn *c, struct db_stmt *s, int column)
{
    return arena_str(&c->arena, db_bytes(s, column));
}
