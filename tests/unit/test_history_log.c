/* The log of an hour and the queries of a conversation. */
#include "core/history_log.h"
#include "publish_fixture.h"

#include "base/zone.h"

#define HOUR INT64_C(3600000)
#define START INT64_C(1642750828920) /* 2022-01-21 07:40:28.920 UTC */

static struct history_log hour;
static json_t *lines[16];
static size_t line_count;

struct span {
    int64_t from_ms, to_ms;
};

static enum result do_log(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct span *s = arg;
    enum result rc;

    (void)who;
    do
        rc = history_log_lines(tx, s->from_ms, s->to_ms, out.count, &hour, &out);
    while (rc == RESULT_OK && out.more);
    return rc;
}

static void forget_lines(void)
{
    for (size_t i = 0; i < line_count; i++)
        json_decref(lines[i]);
    line_count = 0;
}

/* Reads the log, every line as JSON. */
static void read_log(int64_t from_ms, int64_t to_ms)
{
    const struct span s = {from_ms, to_ms};

    forget_lines();
    assert_int_equal(act(NULL, do_log, &s), RESULT_OK);
    for (size_t at = 0; at < hour.len;) {
        const char *end = memchr(hour.p + at, '\n', hour.len - at);

        assert_non_null(end);
        assert_true(line_count < 16);
        lines[line_count] = json_loadb(hour.p + at, (size_t)(end - (hour.p + at)), 0, NULL);
        assert_non_null(lines[line_count++]);
        at = (size_t)(end - hour.p) + 1;
    }
}

static int stop_log(void **state)
{
    forget_lines();
    history_log_free(&hour);
    return stop(state);
}

#define LOG_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop_log)

static int64_t number_in(json_t *object, const char *key)
{
    assert_true(json_is_integer(json_object_get(object, key)));
    return json_integer_value(json_object_get(object, key));
}

static void test_a_line_as_rongcloud_writes_it(void **state)
{
    struct zone *utc = config->apps[0].time_zone, *east = zone_create("+08:00");
    char uid[72];

    (void)state;
    config->apps[0].time_zone = east;
    clock_ms = START;
    say(PUBLISH_PRIVATE, "ann", "ben", uid);
    read_log(START - HOUR, START + 1);
    config->apps[0].time_zone = utc;
    zone_free(east);
    assert_int_equal(line_count, 1);
    assert_string_equal(text_in(lines[0], "fromUserId"), "ann");
    assert_string_equal(text_in(lines[0], "targetId"), "ben");
    assert_int_equal(number_in(lines[0], "targetType"), 1);
    assert_string_equal(text_in(lines[0], "GroupId"), "");
    assert_string_equal(text_in(lines[0], "classname"), "RC:TxtMsg");
    assert_string_equal(text_in(json_object_get(lines[0], "content"), "content"), "hello");
    assert_string_equal(text_in(lines[0], "dateTime"), "2022-01-21 15:40:28.920");
    assert_int_equal(number_in(lines[0], "timestamp"), START);
    assert_int_equal(number_in(lines[0], "sentTime"), START);
    assert_string_equal(text_in(lines[0], "msgUID"), uid);
    assert_string_equal(text_in(lines[0], "appId"), "demo-app-key");
}

static void test_the_hour_is_half_open_and_ordered(void **state)
{
    char first[72], second[72], third[72];

    (void)state;
    assert_int_equal(make_group("g1", "ann", "ben"), RESULT_OK);
    clock_ms = START;
    say(PUBLISH_GROUP, "ann", "g1", first);
    clock_ms = START + 5;
    say(PUBLISH_PRIVATE, "ann", "ben", second);
    clock_ms = START + HOUR;
    say(PUBLISH_GROUP, "ann", "g1", third);
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 2);
    assert_string_equal(text_in(lines[0], "msgUID"), first);
    assert_string_equal(text_in(lines[0], "GroupId"), "g1");
    assert_string_equal(text_in(lines[1], "msgUID"), second);
    read_log(START + HOUR, START + 2 * HOUR);
    assert_int_equal(line_count, 1);
    read_log(START + 2 * HOUR, START + 3 * HOUR);
    assert_int_equal(line_count, 0);
}

static void test_a_recall_is_a_line_beside_an_empty_place(void **state)
{
    const struct recall_command c = {.broadcast = true, .sender = STR("admin"), .is_admin = true, .is_delete = true, .extra = STR("why")};
    struct recall_command recall = c;
    json_t *content;
    char uid[72];

    (void)state;
    clock_ms = START;
    recall.message = str_c(say(PUBLISH_BROADCAST, "admin", NULL, uid));
    clock_ms = START + 1000;
    assert_int_equal(act(NULL, do_recall, &recall), RESULT_OK);
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 2);
    assert_string_equal(text_in(lines[0], "msgUID"), uid);
    assert_string_equal(text_in(lines[0], "classname"), "RC:TxtMsg");
    assert_int_equal(json_object_size(json_object_get(lines[0], "content")), 0);
    assert_string_equal(text_in(lines[1], "classname"), "RC:RcCmd");
    assert_int_equal(strlen(text_in(lines[1], "msgUID")), 19);
    assert_string_not_equal(text_in(lines[1], "msgUID"), uid);
    assert_string_equal(text_in(lines[1], "targetId"), "admin");
    content = json_object_get(lines[1], "content");
    assert_string_equal(text_in(content, "messageUId"), uid);
    assert_int_equal(number_in(content, "sentTime"), START);
    assert_int_equal(number_in(content, "conversationType"), 6);
    assert_true(json_is_true(json_object_get(content, "isAdmin")));
    assert_true(json_is_true(json_object_get(content, "isDelete")));
    assert_true(json_is_false(json_object_get(content, "disableUpdateLastMsg")));
    assert_string_equal(text_in(content, "extra"), "why");
    assert_string_equal(text_in(content, "originalFromUserId"), "admin");
    assert_string_equal(text_in(json_object_get(content, "user"), "id"), "admin");
    assert_null(memmem(hour.p, hour.len, "hello", 5));
}

static enum result do_create(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_create(tx, who, arg, &out);
}

static enum result do_send(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return message_send(tx, who, arg, &out);
}

static enum result do_delete(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return message_delete(tx, who, str_c(n->room), str_c(n->user), 0, 0, &out);
}

/* A direct room of IMKit with a text, an image and a quote of the text. */
static void talk_in_imkit(void)
{
    const struct str ben = STR("ben");
    const struct room_command direct = {.id = STR("d1"), .type = STR("direct"), .opening = -1, .members = &ben, .member_count = 1};
    const struct message_command text = {.room = STR("d1"), .id = STR("m1"), .body = STR("\"words\"")};
    const struct message_command image = {.room = STR("d1"), .id = STR("m2"), .type = STR("image"), .body = STR("\"\""),
                                          .content = STR("{\"originalUrl\":\"http://x/1.png\"}")};
    const struct message_command quote = {.room = STR("d1"), .id = STR("m3"), .body = STR("\"yes\""), .reply = STR("m1")};

    assert_int_equal(act("ann", do_create, &direct), RESULT_OK);
    clock_ms = START;
    assert_int_equal(act("ann", do_send, &text), RESULT_OK);
    assert_int_equal(act("ann", do_send, &image), RESULT_OK);
    clock_ms = START + 10;
    assert_int_equal(act("ben", do_send, &quote), RESULT_OK);
}

static void test_imkit_messages_have_an_object_name(void **state)
{
    json_t *content;

    (void)state;
    talk_in_imkit();
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 3);
    assert_string_equal(text_in(lines[0], "classname"), "RC:TxtMsg");
    assert_string_equal(text_in(json_object_get(lines[0], "content"), "content"), "words");
    assert_string_equal(text_in(lines[0], "targetId"), "d1");
    assert_string_equal(text_in(lines[1], "classname"), "RC:ImgMsg");
    assert_string_equal(text_in(json_object_get(lines[1], "content"), "originalUrl"), "http://x/1.png");
    assert_string_equal(text_in(lines[2], "classname"), "RC:ReferenceMsg");
    content = json_object_get(lines[2], "content");
    assert_string_equal(text_in(content, "content"), "yes");
    assert_string_equal(text_in(content, "referMsgUid"), "m1");
    assert_string_equal(text_in(content, "referMsgUserId"), "ann");
    assert_string_equal(text_in(json_object_get(content, "referMsg"), "content"), "words");
    assert_int_equal(number_in(content, "referMsgStatus"), 0);
    /* Recalled: its words are gone from the place and from the quote. */
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "m1"), RESULT_OK);
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 4);
    content = json_object_get(lines[2], "content");
    assert_null(json_object_get(content, "referMsg"));
    assert_int_equal(number_in(content, "referMsgStatus"), 2);
    assert_null(memmem(hour.p, hour.len, "words", 5));
    /* What IMKit deletes is not there at all. */
    assert_int_equal(act(NULL, do_delete, N2("d1", "m2")), RESULT_OK);
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 3);
}

static void test_not_persisted_is_not_history(void **state)
{
    const struct str ben = STR("ben");
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", &ben);
    char uid[72];

    (void)state;
    clock_ms = START;
    c.not_persisted = true;
    assert_int_equal(publish(&c), RESULT_OK);
    memcpy(uid, sent_rows[0].message, sizeof(uid));
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 0);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
}

static void test_content_that_is_no_object(void **state)
{
    struct publish_command c = text_to(PUBLISH_BROADCAST, "ann", NULL);

    (void)state;
    clock_ms = START;
    c.object_name = STR("app:x");
    c.content = STR("two\nlines");
    assert_int_equal(publish(&c), RESULT_OK);
    c.content = STR("{\n  \"pretty\": 1\n}");
    assert_int_equal(publish(&c), RESULT_OK);
    read_log(START, START + HOUR);
    assert_int_equal(line_count, 2);
    assert_string_equal(text_in(lines[0], "content"), "two\nlines");
    assert_int_equal(number_in(json_object_get(lines[1], "content"), "pretty"), 1);
}

/* --- queries --- */

struct ask {
    enum conversation kind;
    const char *user, *target;
    int64_t start_ms, end_ms;
    size_t limit;
};

static enum result do_query(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct ask *a = arg;

    (void)who;
    return history_query(tx, a->kind, str_c(a->user), str_c(a->target), a->start_ms, a->end_ms, a->limit, &out);
}

static void query(enum conversation kind, const char *user, const char *target, int64_t start_ms, int64_t end_ms, size_t limit)
{
    const struct ask a = {kind, user, target, start_ms, end_ms, limit};

    assert_int_equal(act(NULL, do_query, &a), RESULT_OK);
}

static json_t *item(size_t i)
{
    return json_array_get(result, i);
}

static void test_a_query_pages_in_both_directions(void **state)
{
    char uids[4][72];

    (void)state;
    for (int i = 0; i < 4; i++) {
        clock_ms = START + i;
        say(PUBLISH_PRIVATE, i % 2 ? "ben" : "ann", i % 2 ? "ann" : "ben", uids[i]);
    }
    query(CONVERSATION_PRIVATE, "ben", "ann", START, START + 3, 3);
    assert_int_equal(json_array_size(result), 3);
    assert_string_equal(text_in(item(0), "messageUID"), uids[0]);
    assert_string_equal(text_in(item(0), "targetId"), "ben");
    assert_string_equal(text_in(item(1), "targetId"), "ann");
    assert_string_equal(text_in(item(0), "content"), "{\"content\":\"hello\"}");
    assert_string_equal(text_in(item(0), "objectName"), "RC:TxtMsg");
    assert_int_equal(number_in(item(0), "msgTime"), START);
    query(CONVERSATION_PRIVATE, "ann", "ben", START + 2, START + 1, 100);
    assert_int_equal(json_array_size(result), 2);
    assert_string_equal(text_in(item(0), "messageUID"), uids[2]);
    assert_string_equal(text_in(item(1), "messageUID"), uids[1]);
    query(CONVERSATION_PRIVATE, "ann", "cho", START, 0, 100);
    assert_int_equal(json_array_size(result), 0);
    query(CONVERSATION_GROUP, "ann", "missing", START, 0, 100);
    assert_int_equal(json_array_size(result), 0);
}

static void test_a_query_covers_both_dialects_and_recalls(void **state)
{
    char uid[72];

    (void)state;
    talk_in_imkit();
    clock_ms = START + 5;
    say(PUBLISH_PRIVATE, "ann", "ben", uid);
    clock_ms = START + 20;
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
    query(CONVERSATION_PRIVATE, "ann", "ben", START, 0, 100);
    assert_int_equal(json_array_size(result), 5);
    assert_string_equal(text_in(item(2), "messageUID"), uid);
    assert_string_equal(text_in(item(2), "content"), "{}");
    assert_string_equal(text_in(item(3), "objectName"), "RC:ReferenceMsg");
    assert_string_equal(text_in(item(4), "objectName"), "RC:RcCmd");
    assert_non_null(strstr(text_in(item(4), "content"), uid));
}

static void test_a_query_fills_its_page(void **state)
{
    const struct str ben = STR("ben");
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", &ben);

    (void)state;
    for (int i = 0; i < 7; i++) {
        clock_ms = START + i;
        c.not_persisted = i < 5;
        assert_int_equal(publish(&c), RESULT_OK);
    }
    query(CONVERSATION_PRIVATE, "ann", "ben", START, 0, 2);
    assert_int_equal(json_array_size(result), 2);
    assert_int_equal(number_in(item(0), "msgTime"), START + 5);
}

static void test_page_sizes(void **state)
{
    const struct ask none = {CONVERSATION_PRIVATE, "ann", "ben", 0, 0, 0}, many = {CONVERSATION_PRIVATE, "ann", "ben", 0, 0, 101};

    (void)state;
    assert_int_equal(act(NULL, do_query, &none), RESULT_INVALID_BODY);
    assert_int_equal(act(NULL, do_query, &many), RESULT_INVALID_BODY);
    assert_non_null(strstr(out.text, "pageSize"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LOG_TEST(test_a_line_as_rongcloud_writes_it),
        LOG_TEST(test_the_hour_is_half_open_and_ordered),
        LOG_TEST(test_a_recall_is_a_line_beside_an_empty_place),
        LOG_TEST(test_imkit_messages_have_an_object_name),
        LOG_TEST(test_not_persisted_is_not_history),
        LOG_TEST(test_content_that_is_no_object),
        LOG_TEST(test_a_query_pages_in_both_directions),
        LOG_TEST(test_a_query_covers_both_dialects_and_recalls),
        LOG_TEST(test_a_query_fills_its_page),
        LOG_TEST(test_page_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
