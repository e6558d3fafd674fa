/* Messages that are for some users alone: by which call who sees them. */
#include "audience_fixture.h"

#include <sqlite3.h>

/* --- the text --- */

static enum audience_answer ask(const char *text, const char *user)
{
    struct audience *a = audience_parse(text != NULL ? str_c(text) : STR_NULL);
    const enum audience_answer answer = audience_of(a, user != NULL ? str_c(user) : STR_NULL);

    audience_unref(a);
    return answer;
}

static void the_text_says_who_it_is_for(void **unused)
{
    (void)unused;
    assert_int_equal(ask(NULL, "ann"), AUDIENCE_YES);
    assert_int_equal(ask("{\"users\":[\"cho\",\"ann\",\"b\"]}", "ann"), AUDIENCE_YES);
    assert_int_equal(ask("{\"users\":[\"cho\",\"ann\",\"b\"]}", "b"), AUDIENCE_YES);
    assert_int_equal(ask("{\"users\":[\"cho\",\"ann\",\"b\"]}", "be"), AUDIENCE_NO);
    assert_int_equal(ask("{\"users\":[\"cho\",\"ann\",\"b\"]}", "an"), AUDIENCE_NO);
    assert_int_equal(ask("{\"tag\":[\"a\"]}", "ann"), AUDIENCE_ASK);
    assert_int_equal(ask("{\"tag_or\":[\"a\"]}", "ann"), AUDIENCE_ASK);
    assert_int_equal(ask("{\"packageName\":\"p\"}", "ann"), AUDIENCE_ASK);
    /* The platform sees everything; a text that says nothing is seen by nobody else. */
    assert_int_equal(ask("{\"users\":[]}", NULL), AUDIENCE_YES);
    assert_int_equal(ask("{\"users\":[]}", "ann"), AUDIENCE_NO);
    assert_int_equal(ask("{}", "ann"), AUDIENCE_NO);
    assert_int_equal(ask("{\"tag\":[]}", "ann"), AUDIENCE_NO);
    assert_int_equal(ask("{\"users\":[\"ann\"]", "ann"), AUDIENCE_NO);
    assert_int_equal(ask("{\"users\":[1,null]}", "ann"), AUDIENCE_NO);
}

static void texts_are_written_in_one_way(void **unused)
{
    const struct str users[] = {STR("cho"), STR("a\"b"), STR("cho"), STR("ann")}, tags[] = {STR("x"), STR("y")};
    struct arena arena = {0};

    (void)unused;
    assert_true(str_eq(audience_users(&arena, users, 4), STR("{\"users\":[\"a\\\"b\",\"ann\",\"cho\"]}")));
    assert_true(str_eq(audience_users(&arena, NULL, 0), STR("{\"users\":[]}")));
    assert_true(str_eq(audience_push(&arena, tags, 2, tags, 1, STR("p")),
                       STR("{\"tag\":[\"x\",\"y\"],\"tag_or\":[\"x\"],\"packageName\":\"p\"}")));
    assert_null(audience_push(&arena, NULL, 0, NULL, 0, STR_NULL).p);
    arena_free(&arena);
}

static void only_what_is_for_the_same_users_is_quoted(void **unused)
{
    const struct str ann = STR("{\"users\":[\"ann\"]}"), tag = STR("{\"tag\":[\"x\"]}");

    (void)unused;
    assert_true(audience_covers(STR_NULL, STR_NULL) && audience_covers(ann, STR_NULL) && audience_covers(ann, ann));
    assert_false(audience_covers(STR_NULL, ann) || audience_covers(tag, ann));
    assert_false(audience_covers(tag, tag)); /* the tag was others' then, perhaps */
}

/* Lists are searched as texts; whatever an id looks like, it is the same as parsing them. */
static void a_list_is_searched_as_it_would_be_parsed(void **unused)
{
    static const char *const names[] = {"ann", "an", "nn", "a", ",ann", "[ann", "\"ann", "ann\"", ",\"ann\",", "users",
                                        "{\"users\":[", "\\", "x,", "<b>", "\xE2\x80\xA8", "\xC3\xA4nn", "a.n-n_@"};
    const size_t n = sizeof(names) / sizeof(names[0]);
    struct arena arena = {0};

    (void)unused;
    for (unsigned set = 0; set < 1U << n; set += 7) {
        struct str in[sizeof(names) / sizeof(names[0])];
        struct message_row m = {.id = STR("m")};
        struct audience *a;
        size_t count = 0;

        for (size_t i = 0; i < n; i++)
            if ((set >> i & 1U) != 0)
                in[count++] = str_c(names[i]);
        m.audience = audience_users(&arena, in, count);
        a = audience_parse(m.audience);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(audience_sees(NULL, str_c(names[i]), &m), audience_of(a, str_c(names[i])) == AUDIENCE_YES);
        audience_unref(a);
        arena_reset(&arena);
    }
    arena_free(&arena);
}

static void every_call_shows_a_message_to_those_it_is_for(void **unused)
{
    (void)unused;
    make_room("r1"); /* 1: ann, ben, cho */
    clock_ms = T0;
    (void)put("r1", "m1", NULL);
    clock_ms++;
    (void)put("r1", "m2", ANN);
    clock_ms++;
    (void)put("r1", "m3", NULL);
    assert_string_equal(numbers("ann", "r1"), "1 2 3 4 ");
    assert_string_equal(numbers("ben", "r1"), "1 2 4 ");
    assert_string_equal(numbers(NULL, "r1"), "1 2 3 4 ");
    assert_string_equal(history("ann", "r1", 10, NULL), "m3 m2 m1 ");
    assert_int_equal(total(), 3);
    assert_string_equal(history("ben", "r1", 10, NULL), "m3 m1 ");
    assert_int_equal(total(), 2);
    assert_string_equal(history(NULL, "r1", 10, NULL), "m3 m2 m1 ");
    /* A page is as long as it was asked for, whatever was left out of it. */
    assert_string_equal(history("ben", "r1", 2, NULL), "m3 m1 ");
    assert_string_equal(history("ben", "r1", 1, "m3"), "m1 ");
    assert_string_equal(history("ben", "r1", 1, "m2"), "refused");
    assert_int_equal(act("ben", do_around, N2("r1", "m3")), RESULT_OK);
    assert_string_equal(ids(), "m1 m3 ");
    assert_int_equal(act("ann", do_around, N2("r1", "m2")), RESULT_OK);
    assert_string_equal(ids(), "m1 m2 m3 ");
    assert_int_equal(act("ben", do_around, N2("r1", "m2")), RESULT_NO_MESSAGE);
    assert_int_equal(act("ben", do_read, N2("r1", "m2")), RESULT_NO_MESSAGE);
    assert_int_equal(act("ben", do_hide, N2("r1", "m2")), RESULT_NO_MESSAGE);
    assert_int_equal(act("ben", do_reply, N3("r1", "b1", "m2")), RESULT_NO_MESSAGE);
    assert_int_equal(act("ann", do_hide, N2("r1", "m2")), RESULT_OK);
    assert_string_equal(history("ann", "r1", 10, NULL), "m3 m1 ");
    assert_int_equal(total(), 2);
}

static enum result do_put_many(struct core_tx *tx, const struct principal *who, const void *arg)
{
    for (int i = 0; i < *(const int *)arg; i++) {
        const struct sending s = {.room = "r1", .id = arena_printf(tx->arena, "x%d", i).p, .audience = ANN};

        (void)do_put(tx, who, &s);
        tx->now_ms++;
    }
    return RESULT_OK;
}

/* One walk, not one for each message that the page still lacks: the fixture's patience would end before it. */
static void a_page_passes_thousands_that_are_for_others(void **unused)
{
    const int many = 4000;

    (void)unused;
    make_room("r1");
    clock_ms = T0;
    (void)put("r1", "m1", NULL);
    clock_ms = T0 + 1;
    assert_int_equal(act(NULL, do_put_many, &many), RESULT_OK);
    clock_ms = T0 + many + 1;
    (void)put("r1", "m2", NULL);
    assert_string_equal(history("ben", "r1", 10, NULL), "m2 m1 ");
    assert_int_equal(total(), 2);
    assert_string_equal(history("ben", "r1", 1, "m2"), "m1 ");
    assert_string_equal(history("ann", "r1", 2, "x2"), "x1 x0 ");
    assert_int_equal(act("ben", do_around, N2("r1", "m1")), RESULT_OK);
    assert_string_equal(ids(), "m1 m2 ");
    assert_string_equal(numbers("ben", "r1"), "1 2 4003 ");
}

static int64_t unread(const char *user)
{
    assert_int_equal(act(user, do_room, N1("r1")), RESULT_OK);
    return json_integer_value(json_object_get(result, "unread"));
}

static const char *last(const char *user)
{
    assert_int_equal(act(user, do_room, N1("r1")), RESULT_OK);
    return json_string_value(json_object_get(json_object_get(result, "lastMessage"), "_id"));
}

static void lists_and_counts_know_nothing_of_it(void **unused)
{
    const struct sending unlisted = {.room = "r1", .id = "m3", .unlisted = true};
    const struct sending silent = {.room = "r1", .id = "m4", .not_counted = true};

    (void)unused;
    make_room("r1");
    (void)put("r1", "m1", NULL);
    (void)put("r1", "m2", ANN);
    assert_string_equal(last("ann"), "m1");
    assert_string_equal(last(NULL), "m1");
    assert_int_equal(unread("ann"), 1);
    /* What no list shows counts as unread; what is not counted is shown. */
    assert_int_equal(act(NULL, do_put, &unlisted), RESULT_OK);
    assert_string_equal(last("ann"), "m1");
    assert_int_equal(unread("ben"), 2);
    assert_int_equal(act(NULL, do_put, &silent), RESULT_OK);
    assert_string_equal(last("ben"), "m4");
    assert_int_equal(unread("ben"), 2);
    assert_int_equal(act(NULL, do_recall, N3("r1", "m3", "")), RESULT_OK);
    assert_int_equal(unread("ben"), 1);
    assert_string_equal(last("ben"), "m4");
}

/* The frame of event `seq`, as its reader gets it. */
static const json_t *event(int64_t seq)
{
    size_t i;
    json_t *e;

    json_array_foreach(json_object_get(result, "events"), i, e)
        if (json_integer_value(json_object_get(e, "seq")) == seq)
            return e;
    return NULL;
}

static void a_recall_is_for_those_who_got_the_message(void **unused)
{
    const struct sending same = {.room = "r1", .id = "m3", .audience = ANN, .reply = "m2"};
    const struct sending quoting = {.room = "r1", .id = "m4", .audience = ANN, .reply = "m1"};
    const struct sending open = {.room = "r1", .id = "m5", .reply = "m2"};
    const json_t *e;

    (void)unused;
    make_room("r1");
    (void)put("r1", "m1", NULL); /* 2 */
    (void)put("r1", "m2", ANN);  /* 3 */
    assert_int_equal(act(NULL, do_put, &same), RESULT_OK);
    assert_int_equal(act(NULL, do_put, &quoting), RESULT_OK);
    assert_int_equal(act(NULL, do_put, &open), RESULT_OK); /* 6 */
    assert_string_equal(numbers("ben", "r1"), "1 2 6 ");
    assert_true(json_is_null(json_object_get(json_object_get(event(6), "message"), "reply")));
    assert_string_equal(numbers("ann", "r1"), "1 2 3 4 5 6 ");
    assert_non_null(json_object_get(json_object_get(json_object_get(event(4), "message"), "reply"), "_id"));
    assert_true(json_is_null(json_object_get(json_object_get(event(6), "message"), "reply")));
    assert_int_equal(act("ann", do_recall, N3("r1", "m2", "")), RESULT_OK); /* 7: the owner's */
    assert_int_equal(act("ann", do_recall, N3("r1", "m1", "")), RESULT_OK); /* 8 */
    /* The ledger tells a member whom it is not for no more than that there is no such message. */
    assert_int_equal(ledger("ben", "r1", "m1"), RESULT_FORBIDDEN);
    assert_int_equal(ledger("ben", "r1", "m2"), RESULT_NO_MESSAGE);
    assert_string_equal(out.text, "This room has no message \"m2\"");
    assert_int_equal(ledger("ben", "r1", "m3"), RESULT_NO_MESSAGE);
    assert_string_equal(out.text, "This room has no message \"m3\"");
    assert_int_equal(ledger("ann", "r1", "m2"), RESULT_OK);
    assert_string_equal(numbers("ben", "r1"), "1 2 6 8 ");
    e = event(8);
    assert_int_equal(json_array_size(json_object_get(e, "quotedBy")), 0);
    assert_string_equal(numbers("ann", "r1"), "1 2 3 4 5 6 7 8 ");
    assert_int_equal(json_array_size(json_object_get(event(7), "quotedBy")), 2);
}

/* --- tags and packages --- */

static void sql(const char *format, ...)
{
    char text[300];
    va_list args;
    sqlite3 *db;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    assert_int_equal(sqlite3_open(store.file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_busy_timeout(db, 2000), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void tag(const char *user, const char *name, int from, int64_t to)
{
    sql("INSERT INTO tag (app, user_id, tag, from_seq, to_seq) VALUES (%d, '%s', '%s', %d, %lld)", (int)app_id, user, name, from,
        (long long)to);
}

static void tags_count_as_they_were_at_the_message(void **unused)
{
    (void)unused;
    tag("ann", "vip", 0, INT64_MAX);
    tag("ben", "vip", 0, 1); /* taken away after the first */
    tag("ben", "old", 0, INT64_MAX);
    tag("cho", "vip", 1, INT64_MAX); /* given after the first */
    (void)put("~broadcast", "p1", "{\"tag\":[\"vip\"]}");
    (void)put("~broadcast", "p2", "{\"tag\":[\"vip\"]}");
    (void)put("~broadcast", "p3", "{\"tag_or\":[\"vip\",\"old\"]}");
    (void)put("~broadcast", "p4", "{\"tag\":[\"vip\"],\"tag_or\":[\"old\"]}");
    (void)put("~broadcast", "p5", "{\"tag\":[\"vip\",\"old\"]}");
    (void)put("~broadcast", "p6", NULL);
    assert_string_equal(numbers("ann", "~broadcast"), "1 2 3 6 ");
    assert_string_equal(numbers("ben", "~broadcast"), "1 3 6 ");
    assert_string_equal(numbers("cho", "~broadcast"), "2 3 6 ");
    assert_string_equal(numbers("dan", "~broadcast"), "6 ");
    /* The recall comes to those who got the message, not to those who have the tag by then. */
    assert_int_equal(act(NULL, do_recall, N3("~broadcast", "p1", "")), RESULT_OK);
    assert_string_equal(numbers("ann", "~broadcast"), "1 2 3 6 7 ");
    assert_string_equal(numbers("ben", "~broadcast"), "1 3 6 7 ");
    assert_string_equal(numbers("cho", "~broadcast"), "2 3 6 ");
    assert_string_equal(history("ben", "~broadcast", 10, NULL), "p6 p3 p1 ");
    assert_string_equal(history("dan", "~broadcast", 10, NULL), "p6 ");
    assert_int_equal(total(), 1);
}

static enum result do_seen_package(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    (void)who;
    device_seen(tx, str_c(n->room), str_c(n->user), STR("recall"), str_c(n->value), 1, DAYS);
    return RESULT_OK;
}

static void a_package_counts_from_when_a_device_named_it(void **unused)
{
    (void)unused;
    clock_ms = T0;
    assert_int_equal(act(NULL, do_seen_package, N3("ann", "a", "shop")), RESULT_OK);
    (void)put("~broadcast", "p1", "{\"packageName\":\"shop\"}");
    assert_int_equal(act(NULL, do_seen_package, N3("ben", "b", "shop")), RESULT_OK);
    assert_int_equal(act(NULL, do_seen_package, N3("cho", "c", "other")), RESULT_OK);
    (void)put("~broadcast", "p2", "{\"packageName\":\"shop\"}");
    assert_int_equal(act(NULL, do_seen_package, N3("ben", "b", "other")), RESULT_OK); /* beside the first */
    (void)put("~broadcast", "p3", "{\"packageName\":\"other\"}");
    assert_string_equal(numbers("ann", "~broadcast"), "1 2 ");
    assert_string_equal(numbers("ben", "~broadcast"), "2 3 ");
    assert_string_equal(numbers("cho", "~broadcast"), "3 ");
    /* Seen within device_days of the message. */
    clock_ms = T0 + DEVICE_MS + 1;
    (void)put("~broadcast", "p4", "{\"packageName\":\"shop\"}");
    assert_string_equal(numbers("ann", "~broadcast"), "1 2 ");
    assert_int_equal(act(NULL, do_recall, N3("~broadcast", "p1", "")), RESULT_OK);
    assert_string_equal(numbers("ann", "~broadcast"), "1 2 5 ");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_text_says_who_it_is_for),
        cmocka_unit_test(texts_are_written_in_one_way),
        cmocka_unit_test(only_what_is_for_the_same_users_is_quoted),
        cmocka_unit_test(a_list_is_searched_as_it_would_be_parsed),
        CASE(every_call_shows_a_message_to_those_it_is_for),
        CASE(a_page_passes_thousands_that_are_for_others),
        CASE(lists_and_counts_know_nothing_of_it),
        CASE(a_recall_is_for_those_who_got_the_message),
        CASE(tags_count_as_they_were_at_the_message),
        CASE(a_package_counts_from_when_a_device_named_it),
    };

    return cmocka_run_group_tests_name("audiences", tests, NULL, NULL);
}
