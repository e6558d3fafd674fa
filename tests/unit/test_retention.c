/* How far a log reaches back, by count and by age, whatever its events are and whatever became of transactions. */
#include "store_transact.h"

#include "core/retention.h"

#define DAY INT64_C(86400000)
#define STEPS 1500
#define BATCH 5

static struct fixture f;
static struct store_conn c;
static struct config_app app;
static struct core_tx tx = {.conn = &c, .app = &app, .app_id = 1};
static int64_t times[STEPS + 1]; /* by seq */
static struct room_row room;

static int begin(void **unused)
{
    (void)unused;
    fixture_make(&f);
    open_writer(&f, &c);
    tx.now_ms = INT64_C(1700000000000);
    assert_true(conn_begin(&c));
    room = fixture_room(&c, 1, "r");
    assert_true(conn_commit(&c, NULL));
    arena_reset(&c.arena);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    conn_close(&c);
    fixture_free(&f);
    return 0;
}

/* Three of four are messages, some of which no list shows. */
static void add(void)
{
    const int64_t seq = store_room_next_seq(&c, room.key);
    const struct event_row event = {.room_key = room.key, .seq = seq, .type = EVENT_ROOM, .data = STR("{}"), .time_ms = tx.now_ms};
    struct message_row m = {.room_key = room.key,
                            .id = arena_printf(&c.arena, "m%lld", (long long)seq),
                            .type = STR("text"),
                            .created_ms = tx.now_ms,
                            .updated_ms = tx.now_ms,
                            .seq = seq,
                            .unlisted = fixture_below(3) == 0};

    times[seq] = tx.now_ms;
    if (fixture_below(4) == 0)
        store_event_add(&c, &event);
    else
        store_message_add(&c, 1, &m);
    assert_true(store_room_by_key(&c, room.key, &room));
    retention_apply(&tx, &room, seq);
}

/* The first number that is kept, as settled.md and the header have it. */
static int64_t expected(int64_t min_seq, int64_t seq)
{
    int64_t first = min_seq;
    int looked = 0;

    if (app.retention_count > 0 && seq - min_seq + 1 > app.retention_count + app.retention_count / 8)
        first = seq - app.retention_count + 1;
    while (app.retention_days > 0 && looked++ < (int)RETENTION_STEP && first <= seq && times[first] < tx.now_ms - app.retention_days * DAY)
        first++;
    return first;
}

static void the_log_begins_where_count_and_age_let_it(void **unused)
{
    int64_t min_seq = 1, seq = 0;
    bool by_age = false, by_count = false;

    (void)unused;
    while (seq < STEPS - BATCH) {
        const int64_t before = min_seq, head = seq, clock_ms = tx.now_ms;

        if (fixture_below(7) == 0) {
            app.retention_days = (int64_t)fixture_below(3) * 7;
            app.retention_count = (int64_t)fixture_below(3) * 20;
        }
        assert_true(conn_begin(&c));
        for (int i = 0; i < BATCH; i++) {
            struct event_row oldest;

            tx.now_ms += (int64_t)fixture_below(fixture_below(10) == 0 ? 20 * DAY : DAY / 2);
            add();
            seq++;
            by_count = by_count || (app.retention_days == 0 && expected(min_seq, seq) > min_seq);
            by_age = by_age || (app.retention_count == 0 && expected(min_seq, seq) > min_seq);
            min_seq = expected(min_seq, seq);
            assert_int_equal(room.min_seq, min_seq);
            assert_int_equal(store_event_page(&c, room.key, 0, &oldest, 1), 1);
            assert_int_equal(oldest.seq, min_seq);
        }
        if (fixture_below(4) == 0) { /* it did not happen */
            conn_rollback(&c);
            min_seq = before;
            seq = head;
            tx.now_ms = clock_ms;
            room.min_seq = before;
        } else {
            assert_true(conn_commit(&c, NULL));
        }
        arena_reset(&c.arena);
    }
    assert_true(by_age && by_count);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(the_log_begins_where_count_and_age_let_it, begin, end)};

    return cmocka_run_group_tests_name("retention", tests, NULL, NULL);
}
