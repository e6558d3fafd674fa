/* Recalls that come in RongCloud's way: conversations, authors, windows, quotes, recall-first. */
#include "publish_fixture.h"

static void test_the_conversation_must_be_the_messages(void **state)
{
    char uid[72];

    (void)state;
    assert_int_equal(make_group("g1", "ann", "ben"), RESULT_OK);
    say(PUBLISH_PRIVATE, "ann", "ben", uid);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "cho", uid), RESULT_NO_MESSAGE);
    assert_int_equal(take_back(CONVERSATION_GROUP, "ann", "g1", uid), RESULT_NO_MESSAGE);
    assert_int_equal(take_back(CONVERSATION_SYSTEM, "ann", "ben", uid), RESULT_NO_MESSAGE);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "0000-0000-0000-0000"), RESULT_NO_MESSAGE);
    assert_int_equal(look_at("~private/ann/ben", uid).seq, 2);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
    assert_int_equal(out.seq, 3);
    assert_true(out.erased);
}

static void test_every_kind_can_be_recalled(void **state)
{
    char uid[72];

    (void)state;
    assert_int_equal(make_group("g1", "ann", "ben"), RESULT_OK);
    say(PUBLISH_GROUP, "ann", "g1", uid);
    assert_int_equal(take_back(CONVERSATION_GROUP, "ann", "g1", uid), RESULT_OK);
    say(PUBLISH_GROUP, "ann", "g1", uid);
    assert_int_equal(take_back(CONVERSATION_ULTRAGROUP, "ann", "g1", uid), RESULT_OK);
    say(PUBLISH_SYSTEM, "ann", "ben", uid);
    assert_int_equal(take_back(CONVERSATION_SYSTEM, "ann", "ben", uid), RESULT_OK);
    assert_string_equal(look_at("~system/ben", uid).objname, "RC:TxtMsg");
}

static enum result recall_broadcast(const char *from, const char *uid)
{
    const struct recall_command c = {.broadcast = true, .sender = str_c(from), .message = str_c(uid), .require_author = true};

    return act(NULL, do_recall, &c);
}

static void test_a_broadcast_recall_is_for_broadcasts(void **state)
{
    char uid[72], other[72];

    (void)state;
    say(PUBLISH_BROADCAST, "admin", NULL, uid);
    say(PUBLISH_SYSTEM, "admin", "ann", other);
    assert_int_equal(recall_broadcast("admin", other), RESULT_NO_MESSAGE);
    assert_int_equal(recall_broadcast("ann", uid), RESULT_FORBIDDEN);
    assert_int_equal(recall_broadcast("admin", uid), RESULT_OK);
    assert_int_equal(out.seq, 2);
    assert_int_equal(recall_broadcast("admin", uid), RESULT_OK);
    assert_int_equal(out.seq, 0);
}

static void test_only_the_author_unless_admin(void **state)
{
    struct recall_command c = {.conversation = CONVERSATION_PRIVATE,
                               .sender = STR("ben"),
                               .target = STR("ann"),
                               .require_author = true};
    char uid[72];

    (void)state;
    c.message = str_c(say(PUBLISH_PRIVATE, "ann", "ben", uid));
    assert_int_equal(act(NULL, do_recall, &c), RESULT_FORBIDDEN);
    assert_non_null(strstr(out.text, "isAdmin"));
    c.require_author = false;
    c.is_admin = true;
    assert_int_equal(act(NULL, do_recall, &c), RESULT_OK);
    assert_string_equal(text_in(json_object_get(result, "sender"), "_id"), "ben");
    /* The author is still the author to a repeat. */
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
    assert_int_equal(out.seq, 0);
}

static void test_an_administrator_need_not_be_of_the_two(void **state)
{
    struct recall_command c = {.conversation = CONVERSATION_PRIVATE, .sender = STR("boss"), .target = STR("ben"), .require_author = true};
    char uid[72];

    (void)state;
    c.message = str_c(say(PUBLISH_PRIVATE, "ann", "ben", uid));
    assert_int_equal(act(NULL, do_recall, &c), RESULT_FORBIDDEN);
    c.require_author = false;
    c.is_admin = true;
    c.target = STR("cho");
    assert_int_equal(act(NULL, do_recall, &c), RESULT_NO_MESSAGE);
    c.target = STR("ben");
    assert_int_equal(act(NULL, do_recall, &c), RESULT_OK);
}

static void test_without_the_rule_anyone_named_may(void **state)
{
    struct recall_command c = {.conversation = CONVERSATION_PRIVATE, .sender = STR("ben"), .target = STR("ann")};
    char uid[72];

    (void)state;
    c.message = str_c(say(PUBLISH_PRIVATE, "ann", "ben", uid));
    assert_int_equal(act(NULL, do_recall, &c), RESULT_OK);
}

static void test_the_platforms_window_is_for_authors(void **state)
{
    const struct recall_command plain = {.room = STR("~private/ann/ben")};
    struct recall_command c = {.conversation = CONVERSATION_PRIVATE,
                               .sender = STR("ann"),
                               .target = STR("ben"),
                               .is_admin = true};
    struct recall_command imkit = plain;
    char first[72], second[72], third[72];

    (void)state;
    clock_ms = INT64_C(1772323200000);
    say(PUBLISH_PRIVATE, "ann", "ben", first);
    say(PUBLISH_PRIVATE, "ann", "ben", second);
    say(PUBLISH_PRIVATE, "ann", "ben", third);
    clock_ms += 61000;
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", third), RESULT_OK); /* none unless set */
    config->apps[0].recall_window_platform = 60;
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", third), RESULT_OK); /* a repeat is not late */
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", first), RESULT_FORBIDDEN);
    assert_non_null(strstr(out.text, "recall_window_platform"));
    c.message = str_c(first);
    assert_int_equal(act(NULL, do_recall, &c), RESULT_OK);
    imkit.message = str_c(second);
    imkit.sender = STR("ann");
    assert_int_equal(act(NULL, do_recall, &imkit), RESULT_FORBIDDEN);
    imkit.sender = STR_NULL; /* as the platform, in nobody's name */
    assert_int_equal(act(NULL, do_recall, &imkit), RESULT_OK);
}

static enum result do_create(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_create(tx, who, arg, &out);
}

static enum result do_send(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return message_send(tx, who, arg, &out);
}

static void test_a_message_of_the_other_dialect(void **state)
{
    const struct str ben = STR("ben");
    const struct room_command direct = {.id = STR("d1"), .type = STR("direct"), .opening = -1, .members = &ben, .member_count = 1};
    const struct message_command m = {.room = STR("d1"), .id = STR("m1"), .body = STR("\"imkit words\"")};

    (void)state;
    assert_int_equal(act("ann", do_create, &direct), RESULT_OK);
    assert_int_equal(act("ann", do_send, &m), RESULT_OK);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "cho", "m1"), RESULT_NO_MESSAGE);
    assert_int_equal(take_back(CONVERSATION_GROUP, "ann", "d1", "m1"), RESULT_NO_MESSAGE);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "m1"), RESULT_OK);
    assert_string_equal(look_at("d1", "m1").objname, "RC:TxtMsg");
    assert_int_equal(look_at("~private/ann/ben", NULL).seq, -1); /* no room was made for it */
}

static enum result do_delete(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return message_delete(tx, who, str_c(n->room), str_c(n->user), 0, 0, &out);
}

static void test_a_deleted_message_is_unknown(void **state)
{
    char uid[72];

    (void)state;
    say(PUBLISH_PRIVATE, "ann", "ben", uid);
    assert_int_equal(act(NULL, do_delete, N2("~private/ann/ben", uid)), RESULT_OK);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_NO_MESSAGE);
}

static void test_a_client_recalls_what_the_platform_sent_for_it(void **state)
{
    struct recall_command c = {.room = STR("~private/ann/ben")};
    char uid[72];

    (void)state;
    c.message = str_c(say(PUBLISH_PRIVATE, "ann", "ben", uid));
    assert_int_equal(act("ben", do_recall, &c), RESULT_FORBIDDEN);
    assert_int_equal(act("cho", do_recall, &c), RESULT_NOT_MEMBER);
    assert_int_equal(act("ann", do_recall, &c), RESULT_OK);
}

static void test_what_was_said_is_gone(void **state)
{
    const struct str ben = STR("ben");
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", &ben);
    char uid[72], content[256];
    json_t *quote;

    (void)state;
    c.content = STR("{\"content\":\"WORDSTOERASE\",\"extra\":\"EXTRATOERASE\"}");
    c.push_content = STR("PUSHTOERASE");
    assert_int_equal(publish(&c), RESULT_OK);
    memcpy(uid, sent_rows[0].message, sizeof(uid));
    snprintf(content, sizeof(content), "{\"content\":\"so\",\"referMsg\":{\"content\":\"WORDSTOERASE\"},\"referMsgUid\":\"%s\"}", uid);
    c = text_to(PUBLISH_PRIVATE, "ann", &ben);
    c.object_name = STR("RC:ReferenceMsg");
    c.content = str_c(content);
    assert_int_equal(publish(&c), RESULT_OK);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
    quote = json_object_get(message_in("~private/ann/ben", sent_rows[0].message), "reply");
    assert_string_equal(text_in(quote, "messageType"), "recall");
    store_close(store.store);
    store.store = NULL;
    assert_false(fixture_file_holds(&store, "", "TOERASE") || fixture_file_holds(&store, "-wal", "TOERASE"));
}

static void test_recall_before_the_message(void **state)
{
    const struct message_command late = {.room = STR("~private/ann/ben"), .id = STR("m9"), .sender = STR("ann"), .body = STR("\"late\"")};
    const struct message_command anothers = {.room = STR("~private/ann/ben"), .id = STR("m9"), .sender = STR("ben"), .body = STR("\"x\"")};

    (void)state;
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "m9"), RESULT_NO_MESSAGE);
    config->apps[0].recall_unseen = CONFIG_RECALL_UNSEEN_PLATFORM;
    assert_int_equal(take_back(CONVERSATION_GROUP, "ann", "missing", "m9"), RESULT_NO_ROOM);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "m9"), RESULT_OK);
    assert_int_equal(out.seq, 2); /* the room was made for it */
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", "m9"), RESULT_OK);
    assert_int_equal(out.seq, 0);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ben", "ann", "m9"), RESULT_FORBIDDEN);
    assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "cho", "m9"), RESULT_NO_MESSAGE);
    assert_int_equal(act(NULL, do_send, &anothers), RESULT_CONFLICT);
    assert_int_equal(act(NULL, do_send, &late), RESULT_OK);
    assert_string_equal(text_at("messageType"), "recall");
    assert_string_equal(text_at("message"), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_the_conversation_must_be_the_messages),
        TEST(test_every_kind_can_be_recalled),
        TEST(test_a_broadcast_recall_is_for_broadcasts),
        TEST(test_only_the_author_unless_admin),
        TEST(test_an_administrator_need_not_be_of_the_two),
        TEST(test_without_the_rule_anyone_named_may),
        TEST(test_the_platforms_window_is_for_authors),
        TEST(test_a_message_of_the_other_dialect),
        TEST(test_a_deleted_message_is_unknown),
        TEST(test_a_client_recalls_what_the_platform_sent_for_it),
        TEST(test_what_was_said_is_gone),
        TEST(test_recall_before_the_message),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
