/* The numbers that the writer keeps for rooms: against a model, over many rooms, commits, failures and rollbacks. */
#include "store_transact.h"

#define ROOMS 1300 /* more than twice as many as the writer keeps */
#define BATCHES 400
#define EVENTS 60

static struct fixture f;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

/* Mostly one of a few that share places with each other, so that they take them from one another again and again. */
static int64_t some_room(uint64_t *random)
{
    const int64_t any = 1 + (int64_t)(next_random(random) % ROOMS);

    return next_random(random) % 3 == 0 ? any : 1 + any % 2 + (int64_t)ROOM_SEQS * (any % 3 % 2);
}

/* One transaction; what it counted stands in `now`. */
static void batch(struct store_conn *c, uint64_t *random, int64_t now[static ROOMS + 1])
{
    for (uint64_t i = next_random(random) % EVENTS; i > 0; i--) {
        const int64_t room = some_room(random), looked_at = some_room(random);
        struct room_row row;

        assert_int_equal(store_room_next_seq(c, room), ++now[room]);
        assert_true(store_room_by_key(c, looked_at, &row));
        assert_int_equal(row.seq, now[looked_at]);
    }
}

static void numbers_are_those_that_were_committed(void **unused)
{
    const struct db_options writer = {.uri = f.uri, .role = DB_WRITER, .sql = sql_texts(), .sql_count = SQL_COUNT};
    static int64_t committed[ROOMS + 1], now[ROOMS + 1];
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    char error[256];
    struct db *db;
    struct store_conn c;

    (void)unused;
    fixture_make(&f);
    db = db_open(&writer, error, sizeof(error));
    assert_non_null(db);
    assert_true(schema_migrate(db, f.uri, error, sizeof(error)));
    conn_init(&c, db, STR("e"), true);
    assert_true(conn_begin(&c));
    for (int i = 1; i <= ROOMS; i++)
        assert_int_equal(fixture_room(&c, 1, arena_printf(&c.arena, "room %d", i).p).key, i);
    assert_true(conn_commit(&c, NULL));
    for (int i = 0; i < BATCHES; i++) {
        const uint64_t end = next_random(&random) % 4;

        assert_true(conn_begin(&c));
        memcpy(now, committed, sizeof(now));
        batch(&c, &random, now);
        if (end == 0) /* a job of the batch fails: for no room is there a number, and the empty place is none */
            assert_int_equal(store_room_next_seq(&c, next_random(&random) % 2 == 0 ? 0 : ROOMS + 1), 0);
        if (end > 1) {
            assert_true(conn_commit(&c, NULL));
            memcpy(committed, now, sizeof(now));
        } else {
            assert_int_equal(end == 1 || !conn_commit(&c, NULL), true);
            conn_rollback(&c);
        }
        arena_reset(&c.arena);
    }
    conn_rollback(&c); /* from here on the rows alone speak */
    assert_true(conn_begin(&c));
    for (int64_t i = 1; i <= ROOMS; i++) {
        struct room_row row;

        assert_true(store_room_by_key(&c, i, &row));
        assert_int_equal(row.seq, committed[i]);
    }
    conn_rollback(&c);
    conn_close(&c);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_that_were_committed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
