/* A room's history in each order, its totals, and what is unread: what the rows say, by whatever indexes they are found. */
#include "store_transact.h"

#include <sqlite3.h>

#define ROOMS 3
#define USERS 3
#define LIMIT 12
#define BATCHES 120
#define STEPS 12
#define LOOKS 40
#define MESSAGES 2000

static struct fixture f;
static struct store_conn c;
static sqlite3 *raw;
static int64_t now_ms = INT64_C(1700000000000);
static int messages;

static int begin(void **unused)
{
    (void)unused;
    fixture_make(&f);
    open_writer(&f, &c);
    assert_true(conn_begin(&c));
    for (int i = 1; i <= ROOMS; i++)
        assert_int_equal(fixture_room(&c, 1, arena_printf(&c.arena, "r%d", i).p).key, i);
    assert_true(conn_commit(&c, NULL));
    assert_int_equal(sqlite3_open_v2(f.file, &raw, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    sqlite3_close(raw);
    conn_close(&c);
    fixture_free(&f);
    return 0;
}

/* --- what changes a room --- */

static struct str user(uint64_t n)
{
    return arena_printf(&c.arena, "u%d", (int)n);
}

static void add(void)
{
    const uint64_t kind = fixture_below(10);
    const struct str id = arena_printf(&c.arena, "m%d", messages);
    struct message_row m = {.room_key = (int64_t)fixture_below(ROOMS) + 1,
                            .id = id,
                            .sender = user(fixture_below(USERS)),
                            .type = STR("text"),
                            .body = STR("1"),
                            .time_ms = now_ms - (int64_t)fixture_below(50),
                            .created_ms = now_ms,
                            .updated_ms = now_ms,
                            .version = 1,
                            .unlisted = kind == 0,
                            .not_counted = kind == 1,
                            .audience = kind == 2 ? STR("{\"users\":[\"u1\"]}") : STR_NULL};

    if (kind == 3 || kind == 4) {
        const struct recall_row recall = {
            .message = id, .room_key = m.room_key, .time_ms = now_ms - 1, .is_delete = kind == 3, .sent_ms = 0};

        store_recall_put(&c, 1, &recall);
        m.state = MESSAGE_RECALLED;
    }
    m.seq = store_room_next_seq(&c, m.room_key);
    store_message_add(&c, 1, &m);
    messages++;
}

static void change(void)
{
    const int n = (int)fixture_below((uint64_t)messages);
    const struct str id = arena_printf(&c.arena, "m%d", n);
    struct message_row m;

    assert_true(store_message_get(&c, 1, id, &m));
    if (m.state != MESSAGE_LIVE)
        return;
    switch (fixture_below(6)) {
    case 0:
        m.updated_ms = now_ms;
        store_message_edit(&c, &m);
        break;
    case 1:
        store_message_touch(&c, &m, now_ms);
        break;
    case 2:
        store_message_delete(&c, &m, now_ms);
        break;
    case 3:
        store_hidden_put(&c, 1, user(fixture_below(USERS)), m.room_key, id, now_ms);
        break;
    default: {
        const struct recall_row recall = {
            .message = id, .room_key = m.room_key, .time_ms = now_ms, .is_delete = fixture_below(2) == 0, .sent_ms = 1};

        store_message_recall(&c, &m, now_ms);
        store_recall_put(&c, 1, &recall);
    }
    }
}

/* --- what the rows say, looked at one by one --- */

static void ask(char *out, size_t size, const char *sql)
{
    sqlite3_stmt *s = NULL;
    size_t n = 0;

    out[0] = '\0';
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW)
        n += (size_t)snprintf(out + n, size - n, "%s ", (const char *)sqlite3_column_text(s, 0));
    assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
}

static void where(char *out, size_t size, const struct message_page *page, const char *column)
{
    size_t n = (size_t)snprintf(out, size,
                                "FROM message m NOT INDEXED WHERE m.room_key = %lld AND m.state <> 2 AND NOT EXISTS (SELECT 1 FROM hidden h "
                                "WHERE h.room_key = m.room_key AND h.user_id = '%.*s' AND h.message = m.id)",
                                (long long)page->room_key, (int)page->user.n, page->user.p != NULL ? page->user.p : "");

    if (page->has_min_ms)
        n += (size_t)snprintf(out + n, size - n, " AND m.%s >= %lld", column, (long long)page->min_ms);
    assert_true(n < size);
}

static bool sees_all_but_odd(void *ctx, const struct message_row *row)
{
    (void)ctx;
    return row->seq % 2 == 0;
}

/* The ids that the rows of `page` have in order; `and` chooses among them. */
static void expect(char *out, size_t size, const struct message_page *page, const char *column, const char *from, const char *and)
{
    const char *direction = page->ascending ? "ASC" : "DESC";
    char sql[1500], beyond[120] = "";

    if (page->has_from)
        snprintf(beyond, sizeof(beyond), " AND (m.%s, m.key) %s (%lld, %lld)", column, page->ascending ? ">" : "<", (long long)page->from_ms,
                 (long long)page->from_key);
    snprintf(sql, sizeof(sql), "SELECT m.id %s%s%s ORDER BY m.%s %s, m.key %s LIMIT %zu", from, beyond, and, column, direction, direction,
             page->limit);
    ask(out, size, sql);
}

static void are(const struct message_row *found, size_t n, const char *expected)
{
    char got[300] = "";

    for (size_t i = 0; i < n; i++)
        snprintf(got + strlen(got), sizeof(got) - strlen(got), "%.*s ", (int)found[i].id.n, found[i].id.p);
    assert_string_equal(got, expected);
}

static void page_is_that_of_the_rows(const struct message_page *page)
{
    static const char *const columns[] = {"updated_ms", "created_ms", "time_ms"};
    const char *column = columns[page->order];
    char from[600], sql[700], expected[300];
    struct message_row found[LIMIT];

    where(from, sizeof(from), page, column);
    snprintf(sql, sizeof(sql), "SELECT count(*) %s", from);
    ask(expected, sizeof(expected), sql);
    assert_int_equal(store_message_page_total(&c, page), atoll(expected));
    expect(expected, sizeof(expected), page, column, from, "");
    are(found, store_message_page(&c, page, found), expected);
    expect(expected, sizeof(expected), page, column, from, " AND (m.audience IS NULL OR m.seq % 2 = 0)");
    are(found, store_message_page_seen(&c, page, sees_all_but_odd, NULL, found), expected);
}

static void look(void)
{
    const int at = (int)fixture_below((uint64_t)messages);
    struct message_page page = {.app = 1,
                                .room_key = (int64_t)fixture_below(ROOMS) + 1,
                                .order = (enum message_order)fixture_below(3),
                                .ascending = fixture_below(2) == 0,
                                .user = fixture_below(2) == 0 ? user(fixture_below(USERS)) : STR_NULL,
                                .limit = 1 + fixture_below(LIMIT),
                                .has_from = fixture_below(3) != 0,
                                .has_min_ms = fixture_below(3) == 0};
    struct message_row m;

    assert_true(store_message_get(&c, 1, arena_printf(&c.arena, "m%d", at), &m));
    page.from_ms = page.order == MESSAGE_BY_UPDATED ? m.updated_ms : page.order == MESSAGE_BY_CREATED ? m.created_ms : m.time_ms;
    page.from_key = m.key;
    page.min_ms = page.from_ms - (int64_t)fixture_below(60);
    page_is_that_of_the_rows(&page);
}

static void unread_and_last_are_those_of_the_rows(void)
{
    const int room = (int)fixture_below(ROOMS) + 1, who = (int)fixture_below(USERS);
    const int64_t read = (int64_t)fixture_below(60), limit = fixture_below(2) == 0 ? 99 : 3;
    char sql[700], expected[64];
    struct message_row last;
    int64_t unread;

    snprintf(sql, sizeof(sql),
             "SELECT count(*) FROM message m NOT INDEXED WHERE m.room_key = %d AND m.state = 0 AND m.counted = 1 AND m.seq > %lld AND m.sender "
             "<> 'u%d' AND NOT EXISTS (SELECT 1 FROM hidden h WHERE h.room_key = m.room_key AND h.user_id = 'u%d' AND h.message = m.id)",
             room, (long long)read, who, who);
    ask(expected, sizeof(expected), sql);
    unread = atoll(expected);
    assert_int_equal(store_message_unread(&c, room, user((uint64_t)who), read, limit), unread < limit ? unread : limit);
    snprintf(sql, sizeof(sql), "SELECT m.id FROM message m NOT INDEXED WHERE m.room_key = %d AND m.listed = 1 ORDER BY m.seq DESC LIMIT 1", room);
    ask(expected, sizeof(expected), sql);
    if (store_message_last(&c, 1, room, STR_NULL, &last))
        snprintf(sql, sizeof(sql), "%.*s ", (int)last.id.n, last.id.p);
    else
        sql[0] = '\0';
    assert_string_equal(sql, expected);
}

static void every_page_and_count_is_that_of_the_rows(void **unused)
{
    (void)unused;
    for (int batch = 0; batch < BATCHES; batch++) {
        assert_true(conn_begin(&c));
        for (int step = 0; step < STEPS; step++) {
            now_ms += (int64_t)fixture_below(3); /* often none: many share a time */
            if (messages < 10 || (fixture_below(2) == 0 && messages < MESSAGES))
                add();
            else
                change();
        }
        assert_true(conn_commit(&c, NULL));
        assert_true(conn_begin(&c));
        for (int i = 0; i < LOOKS && !c.failed; i++) {
            look();
            unread_and_last_are_those_of_the_rows();
        }
        assert_true(conn_commit(&c, NULL));
        arena_reset(&c.arena);
    }
}

/* --- how they are found --- */

/* Rare ones, which say so. */
static bool may_read_all(enum sql_id id)
{
    return id == SQL_MESSAGE_COUNT || id == SQL_LOG_MESSAGES;
}

/* True if a step of the plan of statement `id` begins with `what` and ends with `end`. */
static bool plan_has(int id, const char *what, const char *end)
{
    sqlite3_stmt *s = NULL;
    char sql[6000];
    bool has = false;

    snprintf(sql, sizeof(sql), "EXPLAIN QUERY PLAN %s", sql_texts()[id]);
    assert_int_equal(sqlite3_prepare_v2(raw, sql, -1, &s, NULL), SQLITE_OK);
    while (sqlite3_step(s) == SQLITE_ROW) {
        const char *step = (const char *)sqlite3_column_text(s, 3);
        const size_t n = strlen(step);

        has = has || (strncmp(step, what, strlen(what)) == 0 && n >= strlen(end) && strcmp(step + n - strlen(end), end) == 0);
    }
    sqlite3_finalize(s);
    return has;
}

static void no_query_reads_all_messages_or_those_of_an_app(void **unused)
{
    (void)unused;
    for (int id = 0; id < SQL_COUNT; id++) {
        const bool all = plan_has(id, "SCAN m", "") || plan_has(id, "SEARCH m", "(app=?)");

        if (all != may_read_all((enum sql_id)id)) /* so the test sees it where it is */
            fail_msg("statement %d: %s", id, sql_texts()[id]);
    }
}

static void the_history_by_change_and_the_last_message_are_not_sorted(void **unused)
{
    static const enum sql_id ids[] = {SQL_PAGE_UPDATED_DESC, SQL_PAGE_UPDATED_ASC, SQL_KEYS_UPDATED_DESC,
                                      SQL_KEYS_UPDATED_ASC,  SQL_MESSAGE_LAST,     SQL_MESSAGE_LAST_ANY};

    (void)unused;
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        if (plan_has((int)ids[i], "USE TEMP B-TREE", ""))
            fail_msg("statement %d sorts: %s", (int)ids[i], sql_texts()[ids[i]]);
    }
    assert_true(plan_has(SQL_PAGE_TIME_DESC, "USE TEMP B-TREE", "")); /* the test sees it where it is */
}

/* What statement `id` costs in the room `key`, in steps of SQLite's machine. */
static int steps_of(enum sql_id id, int64_t key)
{
    const int64_t end = id == SQL_PAGE_UPDATED_ASC ? INT64_MIN : INT64_MAX;
    sqlite3_stmt *s = NULL;
    int steps;

    assert_int_equal(sqlite3_prepare_v2(raw, sql_texts()[id], -1, &s, NULL), SQLITE_OK);
    sqlite3_bind_int64(s, 1, key);
    sqlite3_bind_text(s, 2, "u1", 2, SQLITE_STATIC);
    sqlite3_bind_int64(s, 3, id == SQL_MESSAGE_UNREAD ? 0 : end); /* where the member has read to */
    sqlite3_bind_int64(s, 4, id == SQL_MESSAGE_UNREAD ? 99 : end);
    sqlite3_bind_int64(s, 5, INT64_MIN);
    sqlite3_bind_int64(s, 6, 10);
    while (sqlite3_step(s) == SQLITE_ROW)
        continue;
    steps = sqlite3_stmt_status(s, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(s);
    return steps;
}

/* `unseen` of the recalled ones leave nothing. */
static struct room_row add_room_of(const char *name, int live, int gray, bool unseen)
{
    const struct room_row room = fixture_room(&c, 1, name);
    struct recall_row recall = {.room_key = room.key, .is_delete = true, .sent_ms = 1};

    for (int i = 0; i < live + gray; i++) {
        const struct str id = arena_printf(&c.arena, "%s-%d", name, i);
        struct message_row m = fixture_message(&c, 1, room.key, id.p, "u1", "1");

        if (i >= gray)
            continue;
        store_message_recall(&c, &m, m.created_ms + live + gray);
        recall.message = id;
        if (unseen)
            store_recall_put(&c, 1, &recall);
    }
    return room;
}

static void a_page_of_a_room_where_nearly_all_was_recalled_costs_no_more(void **unused)
{
    static const enum sql_id ids[] = {SQL_PAGE_UPDATED_DESC, SQL_PAGE_UPDATED_ASC, SQL_MESSAGE_LAST};
    struct room_row few, many, unseen;

    (void)unused;
    assert_true(conn_begin(&c));
    few = add_room_of("few", 50, 0, false);
    many = add_room_of("many", 50, 2000, false);
    unseen = add_room_of("unseen", 50, 2000, true);
    assert_true(conn_commit(&c, NULL));
    arena_reset(&c.arena);
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
        assert_in_range(steps_of(ids[i], many.key), 10, 2 * (unsigned)steps_of(ids[i], few.key));
    assert_true(steps_of(SQL_MESSAGE_UNREAD, many.key) > 2000); /* the test sees it where it is: each after what was read is looked at */
    assert_in_range(steps_of(SQL_MESSAGE_UNREAD, unseen.key), 10, 2 * (unsigned)steps_of(SQL_MESSAGE_UNREAD, few.key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_page_and_count_is_that_of_the_rows),
        cmocka_unit_test(no_query_reads_all_messages_or_those_of_an_app),
        cmocka_unit_test(the_history_by_change_and_the_last_message_are_not_sorted),
        cmocka_unit_test(a_page_of_a_room_where_nearly_all_was_recalled_costs_no_more),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
