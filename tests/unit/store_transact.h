/*
 * tests/unit/store_transact.h - one transaction on a store's database without the store's threads.
 *
 * Owns nothing. Fails by failing the test, which is why it exists: an assertion on another thread could not.
 */
#ifndef RECALLD_TESTS_STORE_TRANSACT_H
#define RECALLD_TESTS_STORE_TRANSACT_H

#include "store_fixture.h"

#include "store/conn.h"
#include "store/schema.h"

static inline struct db *open_as(const struct fixture *f, enum db_role role)
{
    const struct db_options options = {.uri = f->uri, .role = role, .sql = sql_texts(), .sql_count = SQL_COUNT};
    char error[256];
    struct db *db = db_open(&options, error, sizeof(error));

    if (db == NULL)
        fail_msg("%s", error);
    return db;
}

/* The writer's connection, the database brought to this version's tables. */
static inline void open_writer(const struct fixture *f, struct store_conn *c)
{
    char error[256];

    conn_init(c, open_as(f, DB_WRITER), STR("e"), true);
    if (!schema_migrate(c->db, f->uri, error, sizeof(error)))
        fail_msg("%s", error);
}

/* The work in a transaction of the test's own thread, so that its assertions are the test's; tells whether
 * it committed. */
static inline bool transact(const struct fixture *f, enum db_role role,
                            void (*work)(struct store_conn *, int64_t, struct task *))
{
    char error[256], epoch[SCHEMA_EPOCH_SIZE] = "e";
    struct db *db = open_as(f, role);
    struct store_conn c;
    bool committed;

    assert_true(role == DB_READER || (schema_migrate(db, f->uri, error, sizeof(error)) &&
                                      schema_epoch(db, epoch, error, sizeof(error))));
    conn_init(&c, db, str_c(epoch), role == DB_WRITER);
    assert_true(conn_begin(&c));
    c.now_ms = INT64_C(1700000000000);
    work(&c, c.now_ms, NULL);
    committed = conn_commit(&c, NULL);
    if (!committed)
        conn_rollback(&c);
    conn_close(&c);
    return committed;
}

#endif
