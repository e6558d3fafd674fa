/* A room's log: its messages and its other events by number, as a list beside it has them, whatever becomes of the messages. */
#include "store_transact.h"

#include <sqlite3.h>

#define ROOMS 3
#define BATCHES 150
#define STEPS 12
#define LOOKS 40
#define EVENTS 2000
#define PAGE 7

/* The room as it should be: log[seq]. */
struct model {
    int64_t head, min_seq;
    struct {
        enum event_type type;
        int message; /* the number in its id; EVENT_ROOM: -1 */
        int64_t time_ms;
    } log[EVENTS];
};

static struct fixture f;
static struct store_conn c;
static struct model rooms[ROOMS + 1], committed[ROOMS + 1];
static int64_t now_ms;
static int messages;

static int begin(void **unused)
{
    (void)unused;
    memset(rooms, 0, sizeof(rooms));
    now_ms = INT64_C(1700000000000);
    messages = 0;
    fixture_make(&f);
    open_writer(&f, &c);
    assert_true(conn_begin(&c));
    for (int i = 1; i <= ROOMS; i++) {
        assert_int_equal(fixture_room(&c, 1, arena_printf(&c.arena, "r%d", i).p).key, i);
        rooms[i].min_seq = 1;
    }
    assert_true(conn_commit(&c, NULL));
    memcpy(committed, rooms, sizeof(rooms));
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    conn_close(&c);
    fixture_free(&f);
    return 0;
}

/* --- what changes a room --- */

static struct str id_of(int message)
{
    return arena_printf(&c.arena, "m%d", message);
}

static int64_t next(int room, enum event_type type, int message)
{
    struct model *m = &rooms[room];
    const int64_t seq = store_room_next_seq(&c, room);

    assert_int_equal(seq, ++m->head);
    m->log[seq].type = type;
    m->log[seq].message = message;
    m->log[seq].time_ms = now_ms;
    return seq;
}

static void add_message(int room)
{
    const uint64_t kind = fixture_below(8);
    struct message_row m = {.room_key = room,
                            .id = id_of(messages),
                            .type = STR("text"),
                            .body = STR("1"),
                            .time_ms = now_ms - 5, /* the sender's may be another */
                            .created_ms = now_ms,
                            .updated_ms = now_ms,
                            .version = 1,
                            .unlisted = kind == 0,
                            .audience = kind == 1 ? STR("{\"users\":[\"u1\"]}") : STR_NULL};

    if (kind == 2) { /* its recall came first */
        const struct recall_row recall = {.message = m.id, .room_key = room, .time_ms = now_ms - 1, .is_delete = fixture_below(2) == 0};

        store_recall_put(&c, 1, &recall);
        m.state = MESSAGE_RECALLED;
    }
    m.seq = next(room, EVENT_MESSAGE, messages++);
    store_message_add(&c, 1, &m);
}

static void add_event(int room, enum event_type type, int message)
{
    const struct event_row event = {
        .room_key = room, .seq = next(room, type, message), .type = type, .subject = message < 0 ? STR_NULL : id_of(message), .time_ms = now_ms};

    store_event_add(&c, &event);
}

static void change_message(void)
{
    const int message = (int)fixture_below((uint64_t)messages);
    struct message_row m;

    assert_true(store_message_get(&c, 1, id_of(message), &m));
    if (m.state != MESSAGE_LIVE)
        return;
    m.updated_ms = now_ms;
    switch (fixture_below(4)) {
    case 0:
        store_message_edit(&c, &m);
        add_event((int)m.room_key, EVENT_EDIT, message);
        break;
    case 1:
        store_message_delete(&c, &m, now_ms);
        add_event((int)m.room_key, EVENT_RECALL, message);
        break;
    default: {
        const struct recall_row recall = {
            .message = m.id, .room_key = m.room_key, .time_ms = now_ms, .is_delete = fixture_below(2) == 0, .sent_ms = m.time_ms};

        store_message_recall(&c, &m, now_ms);
        store_recall_put(&c, 1, &recall);
        add_event((int)m.room_key, EVENT_RECALL, message);
    }
    }
}

static void change(void)
{
    const int room = (int)fixture_below(ROOMS) + 1;
    const uint64_t what = fixture_below(16);
    struct model *m = &rooms[room];

    now_ms += (int64_t)fixture_below(3);
    if (m->head + 1 == EVENTS)
        return;
    if (what < 9 || messages == 0) {
        add_message(room);
    } else if (what == 9) {
        add_event(room, EVENT_ROOM, -1);
    } else if (what == 10 && m->head > m->min_seq) {
        m->min_seq += 1 + (int64_t)fixture_below((uint64_t)(m->head - m->min_seq + 1)); /* the log may be left empty */
        store_event_trim(&c, room, m->min_seq);
    } else {
        change_message();
    }
}

/* --- what the log says --- */

/* Room, message and other texts are those of the model; `conn` may be a reader's. */
static void page_is_that_of_the_model(struct store_conn *conn, int room)
{
    const struct model *m = &rooms[room];
    const int64_t after = (int64_t)fixture_below((uint64_t)m->head + 2);
    int64_t seq = after + 1 > m->min_seq ? after + 1 : m->min_seq;
    struct event_row page[PAGE], times[PAGE];
    const size_t limit = 1 + fixture_below(PAGE), n = store_event_page(conn, room, after, page, limit);

    assert_int_equal(store_event_times(conn, room, after, times, limit), n);
    for (size_t i = 0; i < n; i++, seq++) {
        struct message_row message = {.id = page[i].subject};

        assert_int_equal(page[i].seq, seq);
        assert_int_equal(page[i].type, m->log[seq].type);
        assert_int_equal(page[i].message_key != 0, page[i].type == EVENT_MESSAGE);
        if (page[i].message_key != 0)
            assert_true(store_message_by_key(conn, page[i].message_key, &message));
        if (m->log[seq].message >= 0)
            assert_true(str_eq(message.id, id_of(m->log[seq].message)));
        assert_int_equal(times[i].seq, seq);
        assert_int_equal(times[i].time_ms, m->log[seq].time_ms);
    }
    assert_true(n == limit || seq > m->head);
}

static int64_t recalled(const struct model *m, int64_t seq)
{
    while (seq > 0 && m->log[seq].type != EVENT_RECALL)
        seq--;
    return seq;
}

static void numbers_are_those_of_the_model(struct store_conn *conn, int room)
{
    const struct model *m = &rooms[room];
    const int64_t from = m->min_seq - 1, seq = from + (int64_t)fixture_below((uint64_t)(m->head - from + 1));
    struct room_row row;

    assert_true(store_room_by_key(conn, room, &row));
    assert_int_equal(row.seq, m->head);
    assert_int_equal(row.min_seq, m->min_seq);
    assert_int_equal(store_recall_last_seq(conn, room, seq), recalled(m, seq));
}

static void look(struct store_conn *conn)
{
    for (int i = 0; i < LOOKS; i++) {
        const int room = (int)fixture_below(ROOMS) + 1;

        page_is_that_of_the_model(conn, room);
        numbers_are_those_of_the_model(conn, room);
    }
    assert_false(conn->failed);
    arena_reset(&c.arena);
}

/* Asked twice, as the second answer is from memory. */
static void the_first_time_is_that_of_the_model(void)
{
    for (int i = 0; i < 6; i++) {
        const int room = (int)fixture_below(ROOMS) + 1;
        const struct model *m = &rooms[room];
        const int64_t first = m->min_seq + (int64_t)fixture_below((uint64_t)(m->head - m->min_seq + 2));
        const int64_t time_ms = first > m->head ? 0 : m->log[first].time_ms;

        assert_int_equal(store_event_first_ms(&c, room, first), time_ms);
        assert_int_equal(store_event_first_ms(&c, room, first), time_ms);
        assert_int_equal(store_event_first_ms(&c, room, m->min_seq), m->min_seq > m->head ? 0 : m->log[m->min_seq].time_ms);
    }
}

static void look_as_a_reader(void)
{
    struct store_conn reader;

    conn_init(&reader, open_as(&f, DB_READER), STR("e"), false);
    assert_true(conn_begin(&reader));
    look(&reader);
    conn_close(&reader);
}

static void run(void)
{
    for (int batch = 0; batch < BATCHES; batch++) {
        assert_true(conn_begin(&c));
        for (int step = 0; step < STEPS; step++) {
            change();
            the_first_time_is_that_of_the_model();
        }
        look(&c);
        if (fixture_below(5) == 0) {
            conn_rollback(&c);
            memcpy(rooms, committed, sizeof(rooms));
            for (messages = 0; messages < EVENTS; messages++) { /* their ids are free again */
                struct message_row m;

                assert_true(messages != 0 || conn_begin(&c));
                if (!store_message_get(&c, 1, id_of(messages), &m))
                    break;
            }
        }
        assert_true(conn_commit(&c, NULL));
        memcpy(committed, rooms, sizeof(rooms));
        arena_reset(&c.arena);
    }
    look_as_a_reader();
}

static void the_log_is_each_message_and_each_other_event_by_number(void **unused)
{
    (void)unused;
    run();
}

static void sql(const char *text)
{
    char *error = NULL;
    sqlite3 *raw;

    assert_int_equal(sqlite3_open(f.file, &raw), SQLITE_OK);
    if (sqlite3_exec(raw, text, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s", error);
    assert_int_equal(sqlite3_close(raw), SQLITE_OK);
}

static void a_log_of_version_4_is_the_same_afterwards(void **unused)
{
    (void)unused;
    run();
    conn_close(&c);
    /* As version 4 had it: a row for each message that retention left, and in each row the last recall. */
    sql("INSERT INTO event (room_key, seq, type, subject, version, time_ms) SELECT m.room_key, m.seq, 1, m.id, 1, m.created_ms FROM message m JOIN "
        "room r ON r.key = m.room_key WHERE m.seq >= r.min_seq;"
        "UPDATE event SET recalled = coalesce((SELECT e.recalled FROM event e WHERE e.room_key = event.room_key AND e.seq < event.seq AND "
        "e.type <> 1 ORDER BY e.seq DESC LIMIT 1), (SELECT r.recalled FROM room r WHERE r.key = event.room_key)) WHERE type = 1;"
        "UPDATE room SET recalled = 0, seq = coalesce((SELECT max(e.seq) FROM event e WHERE e.room_key = room.key), seq);"
        "ALTER TABLE room DROP COLUMN recalled; DROP INDEX message_unlisted; DROP INDEX message_quiet;"
        "CREATE INDEX message_quiet ON message (room_key, seq) WHERE listed = 0 AND state = 0 AND counted = 1;"
        "UPDATE meta SET value = '4' WHERE name = 'schema'");
    open_writer(&f, &c);
    assert_true(conn_begin(&c));
    for (int i = 1; i <= ROOMS; i++) /* of an empty log it was not known, nor of one that begins with a recall */
        if (rooms[i].min_seq > rooms[i].head || rooms[i].log[rooms[i].min_seq].type == EVENT_RECALL)
            for (int64_t seq = 1; seq < rooms[i].min_seq; seq++)
                rooms[i].log[seq].type = EVENT_EDIT;
    for (int room = 1; room <= ROOMS; room++)
        numbers_are_those_of_the_model(&c, room);
    look(&c);
    assert_true(conn_commit(&c, NULL));
    memcpy(committed, rooms, sizeof(rooms));
}

static void a_message_is_no_second_event(void **unused)
{
    const struct event_row event = {.room_key = 1, .seq = 1, .type = EVENT_MESSAGE, .subject = STR("m")};

    (void)unused;
    assert_true(conn_begin(&c));
    assert_int_equal(store_room_next_seq(&c, 1), 1);
    store_event_add(&c, &event);
    assert_false(conn_commit(&c, NULL));
    conn_rollback(&c);
}

/* The page ends after `limit`, however long the log is. */
static void a_page_is_not_sorted(void **unused)
{
    static const enum sql_id ids[] = {SQL_EVENT_PAGE, SQL_EVENT_TIMES, SQL_ROOM_SEQ, SQL_ROOM_GET};
    sqlite3 *raw;

    (void)unused;
    assert_int_equal(sqlite3_open_v2(f.file, &raw, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        sqlite3_stmt *s = NULL;
        char text[4000];

        snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql_texts()[ids[i]]);
        assert_int_equal(sqlite3_prepare_v2(raw, text, -1, &s, NULL), SQLITE_OK);
        while (sqlite3_step(s) == SQLITE_ROW) {
            const char *step = (const char *)sqlite3_column_text(s, 3);

            if (strstr(step, "TEMP B-TREE") != NULL || strncmp(step, "SCAN m", 6) == 0 || strncmp(step, "SCAN e", 6) == 0)
                fail_msg("%s: %s", step, text);
        }
        sqlite3_finalize(s);
    }
    sqlite3_close(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_log_is_each_message_and_each_other_event_by_number, begin, end),
        cmocka_unit_test_setup_teardown(a_log_of_version_4_is_the_same_afterwards, begin, end),
        cmocka_unit_test_setup_teardown(a_message_is_no_second_event, begin, end),
        cmocka_unit_test_setup_teardown(a_page_is_not_sorted, begin, end),
    };

    return cmocka_run_group_tests_name("the log", tests, NULL, NULL);
}
