/* Every query of messages: what they give, what a recall leaves, the last line, unread counts, history in pages. */
#include "store_transact.h"

/* What an edit, a recall and a deletion leave of m1, which m2 quotes. */
static void changes(struct store_conn *c, const struct message_row *m, const struct message_row *quote)
{
    struct message_row got = *m, list[2];

    got.type = STR("image");
    got.body = STR_NULL;
    got.content = STR("{}");
    got.updated_ms = 30;
    got.version = 2;
    store_message_edit(c, &got);
    store_message_touch(c, quote, 31);
    assert_true(store_message_get(c, 2, STR("m1"), &got));
    ASSERT_STR(got.type, "image");
    ASSERT_ABSENT(got.body);
    ASSERT_STR(got.content, "{}");
    assert_int_equal(got.updated_ms, 30);
    assert_int_equal(got.version, 2);
    assert_true(store_message_get(c, 2, STR("m2"), &got));
    assert_int_equal(got.updated_ms, 31);

    store_message_recall(c, quote, 40);
    assert_int_equal(store_message_quoting(c, 2, STR("m1"), list, 2), 0);
    store_message_recall(c, m, 41);
    assert_true(store_message_get(c, 2, STR("m1"), &got));
    assert_int_equal(got.state, MESSAGE_RECALLED);
    ASSERT_ABSENT(got.body);
    ASSERT_ABSENT(got.content);
    ASSERT_ABSENT(got.batch);
    ASSERT_STR(got.type, "image");
    ASSERT_STR(got.sender, "ann");
    assert_int_equal(got.updated_ms, 41);
    store_message_delete(c, m, 42);
    assert_true(store_message_get(c, 2, STR("m1"), &got));
    assert_int_equal(got.state, MESSAGE_DELETED);
    assert_int_equal(store_message_count(c, 2), 1);
}

/* As the room's next event. */
static void add(struct store_conn *c, int64_t app, struct message_row *m)
{
    m->seq = store_room_next_seq(c, m->room_key);
    store_message_add(c, app, m);
}

static void messages(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct room_row room = fixture_room(c, 2, "messages");
    struct message_row m = {.room_key = room.key,
                            .id = STR("m1"),
                            .sender = STR("ann"),
                            .type = STR("text"),
                            .body = STR("\"hi\""),
                            .content = STR("{\"extra\":1}"),
                            .batch = STR("b"),
                            .client_msg_id = STR("uuid"),
                            .time_ms = 10,
                            .created_ms = 11,
                            .updated_ms = 12,
                            .version = 1};
    struct message_row quote = {.room_key = room.key,
                                .id = STR("m2"),
                                .type = STR("text"),
                                .reply = STR("m1"),
                                .time_ms = 20,
                                .created_ms = 20,
                                .updated_ms = 20,
                                .version = 1};
    struct message_row got, list[2];

    (void)now_ms;
    (void)task;
    add(c, 2, &m);
    add(c, 2, &quote);
    assert_true(m.key > 0);
    assert_true(store_message_get(c, 2, STR("m1"), &got));
    assert_int_equal(got.key, m.key);
    assert_int_equal(got.room_key, room.key);
    ASSERT_STR(got.room, "messages");
    ASSERT_STR(got.id, "m1");
    ASSERT_STR(got.sender, "ann");
    ASSERT_STR(got.type, "text");
    ASSERT_STR(got.body, "\"hi\"");
    ASSERT_STR(got.content, "{\"extra\":1}");
    ASSERT_ABSENT(got.reply);
    ASSERT_STR(got.batch, "b");
    ASSERT_STR(got.client_msg_id, "uuid");
    assert_int_equal(got.time_ms, 10);
    assert_int_equal(got.created_ms, 11);
    assert_int_equal(got.updated_ms, 12);
    assert_int_equal(got.seq, 1);
    assert_int_equal(got.version, 1);
    assert_int_equal(got.state, MESSAGE_LIVE);
    assert_false(store_message_get(c, 1, STR("m1"), &got));
    assert_true(store_message_by_client_id(c, 2, STR("ann"), STR("uuid"), &got));
    assert_int_equal(got.key, m.key);
    assert_false(store_message_by_client_id(c, 2, STR("ben"), STR("uuid"), &got));
    assert_int_equal(store_message_quoting(c, 2, STR("m1"), list, 2), 1);
    ASSERT_STR(list[0].id, "m2");
    ASSERT_ABSENT(list[0].sender);
    ASSERT_ABSENT(list[0].body);
    changes(c, &m, &quote);
}

static void recall_of(struct store_conn *c, int64_t room_key, const char *id, bool is_delete, int64_t sent_ms)
{
    const struct recall_row recall = {
        .message = str_c(id), .room_key = room_key, .time_ms = 50, .is_delete = is_delete, .sent_ms = sent_ms};

    store_recall_put(c, 3, &recall);
}

static void last_and_unread(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct room_row room = fixture_room(c, 3, "last");
    struct message_row m[6], got;
    char id[16];

    (void)task;
    for (int i = 1; i < 6; i++) {
        snprintf(id, sizeof(id), "l%d", i);
        m[i] = fixture_message(c, 3, room.key, id, i == 2 ? "ann" : "ben", "1");
    }
    assert_int_equal(store_message_unread(c, room.key, STR("ann"), 0, 9999), 4);
    assert_int_equal(store_message_unread(c, room.key, STR("ann"), m[3].seq, 9999), 2);
    store_message_delete(c, &m[5], now_ms);
    assert_true(store_message_last(c, 3, room.key, STR_NULL, &got));
    ASSERT_STR(got.id, "l4");
    store_hidden_put(c, 3, STR("ann"), room.key, STR("l4"), now_ms);
    assert_true(store_message_last(c, 3, room.key, STR("ann"), &got));
    ASSERT_STR(got.id, "l3");
    assert_int_equal(store_message_unread(c, room.key, STR("ann"), 0, 9999), 2);
    assert_true(store_message_last(c, 3, room.key, STR("ben"), &got));
    ASSERT_STR(got.id, "l4");
    store_message_recall(c, &m[4], now_ms); /* a gray bar is shown */
    recall_of(c, room.key, "l4", false, 1);
    assert_true(store_message_last(c, 3, room.key, STR_NULL, &got));
    ASSERT_STR(got.id, "l4");
    store_message_recall(c, &m[4], now_ms);
    recall_of(c, room.key, "l4", true, 1); /* and this leaves nothing, whichever of the two calls comes first */
    recall_of(c, room.key, "l3", true, 1);
    store_message_recall(c, &m[3], now_ms);
    assert_true(store_message_last(c, 3, room.key, STR_NULL, &got));
    ASSERT_STR(got.id, "l2");
    assert_int_equal(store_message_unread(c, room.key, STR("ann"), 0, 9999), 1);

    /* recalled before it came: stored without content, shown or not as its recall says */
    recall_of(c, room.key, "early", true, 0);
    recall_of(c, room.key, "gray", false, 0);
    assert_int_equal(store_recall_unseen_count(c, 3, 49), 2);
    assert_int_equal(store_recall_unseen_count(c, 3, 50), 0);
    m[0] = (struct message_row){.room_key = room.key,
                                .id = STR("early"),
                                .type = STR("text"),
                                .body = STR("\"secret\""),
                                .reply = STR("l1"),
                                .version = 1,
                                .state = MESSAGE_RECALLED};
    add(c, 3, &m[0]);
    assert_true(store_message_last(c, 3, room.key, STR_NULL, &got));
    ASSERT_STR(got.id, "l2");
    m[0].id = STR("gray");
    add(c, 3, &m[0]);
    assert_true(store_message_last(c, 3, room.key, STR_NULL, &got));
    ASSERT_STR(got.id, "gray");
    ASSERT_ABSENT(got.body);
    ASSERT_ABSENT(got.reply);
}

static void ids_are(struct store_conn *c, const struct message_page *page, const char *expected)
{
    struct message_row rows[10];
    char ids[64] = "";
    const size_t n = store_message_page(c, page, rows);

    for (size_t i = 0; i < n; i++)
        strncat(ids, rows[i].id.p, rows[i].id.n);
    assert_string_equal(ids, expected);
}

static void history(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct room_row room = fixture_room(c, 4, "history");
    struct message_page page = {.app = 4, .room_key = room.key, .limit = 10};
    struct message_row m[5];
    struct str hidden[3];
    static const char *const names[] = {"a", "b", "c", "d", "e"};

    (void)now_ms;
    (void)task;
    for (int i = 0; i < 5; i++) {
        m[i] = (struct message_row){.room_key = room.key,
                                    .id = str_c(names[i]),
                                    .type = STR("text"),
                                    .body = STR("1"),
                                    .time_ms = 50 - i,
                                    .created_ms = 10 + i / 2,
                                    .updated_ms = 20 + i,
                                    .version = 1};
        add(c, 4, &m[i]);
    }
    store_message_touch(c, &m[0], 99);
    ids_are(c, &page, "aedcb");
    page.ascending = true;
    ids_are(c, &page, "bcdea");
    page.has_min_ms = true;
    page.min_ms = 23;
    ids_are(c, &page, "dea");
    assert_int_equal(store_message_page_total(c, &page), 3);
    page.has_from = true;
    page.from_ms = 23;
    page.from_key = m[3].key;
    ids_are(c, &page, "ea");
    page = (struct message_page){.app = 4, .room_key = room.key, .limit = 2, .order = MESSAGE_BY_CREATED};
    ids_are(c, &page, "ed");
    page.has_from = true;
    page.from_ms = 11;
    page.from_key = m[3].key; /* created in the same ms as c */
    page.limit = 10;
    ids_are(c, &page, "cba");
    page.ascending = true;
    ids_are(c, &page, "e");
    page = (struct message_page){.app = 4, .room_key = room.key, .limit = 10, .order = MESSAGE_BY_TIME};
    ids_are(c, &page, "abcde");
    page.ascending = true;
    ids_are(c, &page, "edcba");

    store_hidden_put(c, 4, STR("ann"), room.key, STR("b"), 1);
    store_hidden_put(c, 4, STR("ann"), room.key, STR("d"), 2);
    store_hidden_put(c, 4, STR("ann"), room.key, STR("d"), 3);
    page.user = STR("ann");
    ids_are(c, &page, "eca");
    assert_int_equal(store_hidden_list(c, 4, STR("ann"), room.key, hidden, 3), 2);
    ASSERT_STR(hidden[0], "d");
    assert_int_equal(store_message_page_total(c, &page), 3);
    store_message_delete(c, &m[3], 100);
    assert_int_equal(store_message_page_total(c, &page), 3); /* hidden and deleted counts once */
    page.user = STR_NULL;
    assert_int_equal(store_message_page_total(c, &page), 4);
}

static void seen_by_reader(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct message_row m;

    (void)now_ms;
    (void)task;
    assert_true(store_message_get(c, 3, STR("l1"), &m));
    ASSERT_STR(m.body, "1");
}

static void (*const works[])(struct store_conn *, int64_t, struct task *) = {messages, last_and_unread,
                                                                             history};

static void every_query_of_messages(void **state)
{
    struct fixture f;

    (void)state;
    fixture_make(&f);
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        assert_true(transact(&f, DB_WRITER, works[i]));
    assert_non_null(fixture_open(&f, NULL)); /* creates what a reader shares with the writer */
    assert_true(transact(&f, DB_READER, seen_by_reader));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query_of_messages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
