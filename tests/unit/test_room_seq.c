/* The numbers that the writer keeps for rooms: against a model, over many rooms, commits, failures and rollbacks. */
#include "store_transact.h"

#define ROOMS ((int)ROOM_SEQS + 700) /* more than the writer keeps */
#define BATCHES 400
#define EVENTS 60

static struct fixture f;

struct numbers {
    int64_t seq, recalled;
};

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
    const int64_t any = 1 + (int64_t)(next_random(random) % (uint64_t)ROOMS);

    return next_random(random) % 3 == 0 ? any : 1 + any % 2 + (int64_t)ROOM_SEQS * (any % 3 % 2);
}

static void add(struct store_conn *c, int64_t room, int64_t seq, bool recall)
{
    static int messages;
    const struct event_row event = {
        .room_key = room, .seq = seq, .type = recall ? EVENT_RECALL : EVENT_EDIT, .subject = STR("m"), .time_ms = seq};
    struct message_row message = {.room_key = room, .seq = seq, .type = STR("text"), .created_ms = seq, .unlisted = messages % 3 == 0};

    if (recall || messages++ % 4 == 0) {
        store_event_add(c, &event);
        return;
    }
    message.id = arena_printf(&c->arena, "m%d", messages);
    store_message_add(c, 1, &message);
}

/* One transaction; what it counted stands in `now`. */
static void batch(struct store_conn *c, uint64_t *random, struct numbers now[static 1])
{
    for (uint64_t i = next_random(random) % EVENTS; i > 0; i--) {
        const int64_t room = some_room(random), looked_at = some_room(random);
        const bool recall = next_random(random) % 4 == 0;
        struct room_row row;

        assert_int_equal(store_room_next_seq(c, room), ++now[room].seq);
        if (recall)
            now[room].recalled = now[room].seq;
        add(c, room, now[room].seq, recall);
        assert_true(store_room_by_key(c, looked_at, &row));
        assert_int_equal(row.seq, now[looked_at].seq);
        assert_int_equal(store_recall_last_seq(c, looked_at, row.seq), now[looked_at].recalled);
        if (next_random(random) % 16 == 0 && now[room].seq > 2) { /* the log may even lose its last event */
            store_event_trim(c, room, now[room].seq + 1);
            assert_int_equal(store_recall_last_seq(c, room, now[room].seq), now[room].recalled);
            assert_int_equal(store_room_next_seq(c, room), ++now[room].seq);
            add(c, room, now[room].seq, false);
        }
    }
}

static void begin(struct store_conn *c)
{
    fixture_make(&f);
    open_writer(&f, c);
    assert_true(conn_begin(c));
    for (int i = 1; i <= ROOMS; i++)
        assert_int_equal(fixture_room(c, 1, arena_printf(&c->arena, "room %d", i).p).key, i);
    assert_true(conn_commit(c, NULL));
}

static void end(struct store_conn *c)
{
    conn_close(c);
    fixture_free(&f);
}

static void numbers_are_those_that_were_committed(void **unused)
{
    const size_t size = (size_t)(ROOMS + 1) * sizeof(struct numbers);
    struct numbers *committed = test_calloc((size_t)ROOMS + 1, sizeof(*committed)), *now = test_malloc(size);
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);
    struct store_conn c;

    (void)unused;
    begin(&c);
    for (int i = 0; i < BATCHES; i++) {
        const uint64_t how = next_random(&random) % 4;

        assert_true(conn_begin(&c));
        memcpy(now, committed, size);
        batch(&c, &random, now);
        if (how == 0) /* a job of the batch fails: for no room is there a number, and the empty place is none */
            assert_int_equal(store_room_next_seq(&c, next_random(&random) % 2 == 0 ? 0 : ROOMS + 1), 0);
        if (how > 1) {
            assert_true(conn_commit(&c, NULL));
            memcpy(committed, now, size);
        } else {
            assert_int_equal(how == 1 || !conn_commit(&c, NULL), true);
            conn_rollback(&c);
        }
        arena_reset(&c.arena);
    }
    conn_rollback(&c); /* from here on the rows alone speak */
    assert_true(conn_begin(&c));
    for (int64_t i = 1; i <= ROOMS; i++) {
        struct room_row row;

        assert_true(store_room_by_key(&c, i, &row));
        assert_int_equal(row.seq, committed[i].seq);
        assert_int_equal(store_recall_last_seq(&c, i, row.seq), committed[i].recalled);
        assert_int_equal(room_seq_last(&c, i, -1), committed[i].seq);
    }
    conn_rollback(&c);
    end(&c);
    test_free(committed);
    test_free(now);
}

/* A number that no event has would be given again after a restart. */
static void a_number_without_its_event_is_not_committed(void **unused)
{
    struct store_conn c;

    (void)unused;
    begin(&c);
    assert_true(conn_begin(&c));
    assert_int_equal(store_room_next_seq(&c, 1), 1);
    assert_false(conn_commit(&c, NULL));
    conn_rollback(&c);
    assert_true(conn_begin(&c));
    assert_int_equal(store_room_next_seq(&c, 1), 1);
    assert_int_equal(store_room_next_seq(&c, 2), 0);
    assert_true(store_conn_failed(&c));
    conn_rollback(&c);
    assert_true(conn_begin(&c));
    assert_int_equal(store_room_next_seq(&c, 1), 1);
    add(&c, 1, 2, false); /* not the one that was given */
    assert_true(store_conn_failed(&c));
    conn_rollback(&c);
    assert_true(conn_begin(&c));
    assert_int_equal(store_room_next_seq(&c, 1), 1);
    add(&c, 1, 1, false);
    assert_true(conn_commit(&c, NULL));
    end(&c);
}

/* The recalls between two places in the log, the newest first, each once. */
static void recalls_between_two_places_are_found_along_the_log(void **unused)
{
    struct recall_row found[4];
    struct store_conn c;

    (void)unused;
    begin(&c);
    assert_true(conn_begin(&c));
    for (int64_t seq = 1; seq <= 9; seq++) {
        assert_int_equal(store_room_next_seq(&c, 1), seq);
        add(&c, 1, seq, seq == 2 || seq == 5 || seq == 6);
    }
    assert_int_equal(store_recall_between(&c, 1, 0, 9, found, 4), 3);
    assert_int_equal(found[0].seq, 6);
    assert_int_equal(found[0].time_ms, 6);
    assert_int_equal(found[0].room_key, 1);
    ASSERT_STR(found[0].message, "m");
    assert_int_equal(found[1].seq, 5);
    assert_int_equal(found[2].seq, 2);
    assert_int_equal(store_recall_between(&c, 1, 2, 5, found, 4), 1);
    assert_int_equal(found[0].seq, 5);
    assert_int_equal(store_recall_between(&c, 1, 6, 9, found, 4), 0);
    assert_int_equal(store_recall_between(&c, 1, 0, 9, found, 2), 2);
    assert_int_equal(store_recall_last_seq(&c, 1, 1), 0);
    assert_int_equal(store_recall_last_seq(&c, 1, 4), 2);
    assert_int_equal(store_recall_last_seq(&c, 1, 100), 6);
    store_event_trim(&c, 1, 6); /* what retention took is not found, and ends the walk */
    assert_int_equal(store_recall_between(&c, 1, 0, 9, found, 4), 1);
    assert_int_equal(found[0].seq, 6);
    assert_int_equal(store_recall_last_seq(&c, 1, 5), 5); /* but that there was one is known */
    store_event_trim(&c, 1, 8);
    assert_int_equal(store_recall_last_seq(&c, 1, 9), 6);
    assert_int_equal(store_recall_last_seq(&c, 1, 5), 0);
    assert_int_equal(store_recall_between(&c, 1, 0, 9, found, 4), 0);
    assert_false(store_conn_failed(&c));
    conn_rollback(&c);
    end(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_those_that_were_committed),
        cmocka_unit_test(a_number_without_its_event_is_not_committed),
        cmocka_unit_test(recalls_between_two_places_are_found_along_the_log),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
