/* Sends in RongCloud's manner: rooms, contents, quotes, idempotence, refusals; groups and chatrooms. */
#include "publish_fixture.h"

/* --- rooms --- */

static void test_private_send_makes_the_room_of_the_two(void **state)
{
    char uid[72], again[72];
    json_t *m;

    (void)state;
    say(PUBLISH_PRIVATE, "zed", "ann", uid);
    assert_string_equal(sent_rows[0].target, "ann");
    m = message_in("~private/ann/zed", uid);
    assert_string_equal(text_in(m, "message"), "hello");
    assert_string_equal(text_in(m, "messageType"), "text");
    assert_string_equal(text_in(m, "objectName"), "RC:TxtMsg");
    assert_string_equal(text_in(json_object_get(m, "content"), "content"), "hello");
    assert_string_equal(text_in(json_object_get(m, "sender"), "_id"), "zed");
    /* "created", then the message; the other direction is the same room. */
    assert_int_equal(look_at("~private/ann/zed", uid).seq, 2);
    say(PUBLISH_PRIVATE, "ann", "zed", again);
    assert_string_not_equal(uid, again);
    assert_int_equal(look_at("~private/ann/zed", NULL).seq, 3);
    assert_int_equal(out.seq, 3);
}

static enum result do_room_of(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_get(tx, who, str_c(arg), &out);
}

static void test_private_room_has_both_as_members(void **state)
{
    char uid[72];

    (void)state;
    say(PUBLISH_PRIVATE, "ben", "ann", uid);
    assert_int_equal(act("ann", do_room_of, "~private/ann/ben"), RESULT_OK);
    assert_true(has_member("ann") && has_member("ben"));
    assert_string_equal(text_at("roomType"), "direct");
    assert_int_equal(json_integer_value(json_object_get(result, "unread")), 1);
    assert_int_equal(act("cho", do_room_of, "~private/ann/ben"), RESULT_NOT_MEMBER);
}

static void test_users_with_slashes_never_share_a_room(void **state)
{
    const struct str c = STR("c"), bc = STR("b/c");
    struct publish_command command = text_to(PUBLISH_PRIVATE, "a/b", &c);

    (void)state;
    assert_int_equal(publish(&command), RESULT_OK);
    command = text_to(PUBLISH_PRIVATE, "a", &bc);
    assert_int_equal(publish(&command), RESULT_CONFLICT);
    assert_int_equal(look_at("~private/a/b/c", NULL).seq, 2);
}

static void test_each_kind_has_its_room(void **state)
{
    char uid[72];

    (void)state;
    assert_int_equal(make_group("g1", "ann", "ghost"), RESULT_OK);
    say(PUBLISH_GROUP, "nobody", "g1", uid); /* the sender need not be a member, nor exist */
    assert_true(look_at("g1", uid).found);
    say(PUBLISH_SYSTEM, "admin", "ann", uid);
    assert_int_equal(look_at("~system/ann", uid).row.seq, 1);
    say(PUBLISH_BROADCAST, "admin", NULL, uid);
    assert_int_equal(look_at("~broadcast", uid).row.seq, 1);
    assert_true(look_at("~broadcast", uid).found);
}

static void test_group_and_chatroom_must_exist(void **state)
{
    const struct str target = STR("g1");
    struct publish_command c = text_to(PUBLISH_GROUP, "ann", &target);
    const struct str both[2] = {STR("g1"), STR("g2")};

    (void)state;
    assert_int_equal(publish(&c), RESULT_NO_ROOM);
    c.kind = PUBLISH_CHATROOM;
    assert_int_equal(publish(&c), RESULT_NO_ROOM);
    /* One that is missing refuses all: nothing is sent to the other. */
    assert_int_equal(make_group("g1", "ann", NULL), RESULT_OK);
    c = text_to(PUBLISH_GROUP, "ann", both);
    c.target_count = 2;
    assert_int_equal(publish(&c), RESULT_NO_ROOM);
    assert_int_equal(look_at("g1", NULL).seq, 1);
}

static enum result do_chatroom(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    (void)who;
    return n->value != NULL ? chatroom_destroy(tx, str_c(n->room), &out) : chatroom_create(tx, str_c(n->room), str_c(n->user), &out);
}

static void test_chatrooms_open_and_close(void **state)
{
    const struct str target = STR("c1");
    const struct publish_command c = text_to(PUBLISH_CHATROOM, "ann", &target);
    char uid[72];

    (void)state;
    assert_int_equal(act(NULL, do_chatroom, N2("c1", "Lounge")), RESULT_OK);
    say(PUBLISH_CHATROOM, "ann", "c1", uid);
    assert_int_equal(look_at("~chatroom/c1", uid).row.seq, 1);
    assert_int_equal(act("ben", do_room_of, "~chatroom/c1"), RESULT_OK);
    assert_string_equal(text_at("name"), "Lounge");
    assert_int_equal(act(NULL, do_chatroom, N3("c1", NULL, "end")), RESULT_OK);
    assert_int_equal(act(NULL, do_chatroom, N3("c1", NULL, "end")), RESULT_OK);
    assert_int_equal(act(NULL, do_chatroom, N3("never", NULL, "end")), RESULT_OK);
    assert_int_equal(publish(&c), RESULT_NO_ROOM);
    assert_int_equal(act("ben", do_room_of, "~chatroom/c1"), RESULT_NOT_MEMBER);
    /* What was said there can be taken back all the same. */
    assert_int_equal(take_back(CONVERSATION_CHATROOM, "ann", "c1", uid), RESULT_OK);
    assert_int_equal(act(NULL, do_chatroom, N1("c1")), RESULT_OK);
    assert_int_equal(publish(&c), RESULT_OK);
}

/* --- what is sent --- */

static void test_many_targets_once_each(void **state)
{
    struct str targets[SENT_MAX] = {STR_NULL};
    char names[SENT_MAX][8];
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", targets);

    (void)state;
    for (size_t i = 0; i < SENT_MAX; i++) {
        snprintf(names[i], sizeof(names[i]), "u%zu", i % 999); /* the last is the first again */
        targets[i] = str_c(names[i]);
    }
    c.target_count = SENT_MAX;
    assert_int_equal(publish(&c), RESULT_OK);
    assert_string_equal(sent_rows[998].target, "u998");
    assert_string_equal(sent_rows[999].message, sent_rows[0].message);
    assert_string_not_equal(sent_rows[998].message, sent_rows[0].message);
    assert_true(look_at("~private/ann/u998", sent_rows[998].message).found);
    assert_int_equal(look_at("~private/ann/u0", NULL).seq, 2);
    c.target_count = SENT_MAX + 1;
    assert_int_equal(publish(&c), RESULT_INVALID_BODY);
}

static void test_random_makes_a_send_idempotent(void **state)
{
    const struct str both[2] = {STR("ben"), STR("cho")};
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", both);
    char first[2][72];

    (void)state;
    c.random = STR("r-1");
    assert_int_equal(publish(&c), RESULT_OK);
    memcpy(first[0], sent_rows[0].message, 72);
    c.target_count = 2; /* ben got it already, cho did not */
    assert_int_equal(publish(&c), RESULT_OK);
    assert_int_equal(out.seq, 2);
    assert_string_equal(sent_rows[0].message, first[0]);
    memcpy(first[1], sent_rows[1].message, 72);
    assert_string_not_equal(first[0], first[1]);
    assert_int_equal(publish(&c), RESULT_OK);
    assert_int_equal(out.seq, 0);
    assert_string_equal(sent_rows[1].message, first[1]);
    assert_int_equal(look_at("~private/ann/ben", NULL).seq, 2);
    c.from = STR("dan"); /* another sender's is another's */
    assert_int_equal(publish(&c), RESULT_OK);
    assert_string_not_equal(sent_rows[0].message, first[0]);
}

static enum result do_repeated(struct core_tx *tx, const struct principal *who, const void *arg)
{
    struct publish_sent sent;

    (void)who;
    if (!publish_repeated(tx, arg, &sent))
        return tx_fail(&out, RESULT_NO_MESSAGE, "nothing was sent with it before");
    keep_sent(&sent, 1);
    return RESULT_OK;
}

static void test_a_repeated_broadcast_is_known(void **state)
{
    struct publish_command c = text_to(PUBLISH_BROADCAST, "ann", NULL);
    char first[72];

    (void)state;
    c.random = STR("r");
    assert_int_equal(act(NULL, do_repeated, &c), RESULT_NO_MESSAGE);
    assert_int_equal(publish(&c), RESULT_OK);
    memcpy(first, sent_rows[0].message, 72);
    assert_int_equal(act(NULL, do_repeated, &c), RESULT_OK);
    assert_string_equal(sent_rows[0].message, first);
}

static void test_content_is_kept_as_sent(void **state)
{
    static const char big[] = "{ \"n\" : 12345678901234567890 ,\n \"f\":0.1, \"s\":\"a < b\\\"c d\" }";
    struct publish_command c = text_to(PUBLISH_BROADCAST, "ann", NULL);
    json_t *m;

    (void)state;
    c.object_name = STR("app:Custom");
    c.content = STR("not { json");
    assert_int_equal(publish(&c), RESULT_OK);
    m = message_in("~broadcast", sent_rows[0].message);
    assert_string_equal(text_in(m, "messageType"), "app:Custom");
    assert_string_equal(text_in(m, "message"), "");
    assert_string_equal(text_in(m, "content"), "not { json");
    c.content = str_c(big);
    c.push_content = STR("p");
    c.push_data = STR("d");
    c.extra_content = STR("{}");
    c.expansion = STR("true");
    assert_int_equal(publish(&c), RESULT_OK);
    c.content = STR("{\"s\":\"a < b\\\"c d\"}");
    assert_int_equal(publish(&c), RESULT_OK);
    m = message_in("~broadcast", sent_rows[0].message);
    assert_string_equal(text_in(json_object_get(m, "content"), "s"), "a < b\"c d");
    assert_string_equal(text_in(m, "pushContent"), "p");
    assert_string_equal(text_in(m, "extraContent"), "{}");
    assert_true(json_is_true(json_object_get(m, "expansion")));
}

static void test_types_of_the_known_objects(void **state)
{
    static const char *const pairs[][2] = {{"RC:ImgMsg", "image"},  {"RC:HQVCMsg", "voice"},  {"RC:VcMsg", "voice"},
                                           {"RC:FileMsg", "file"},  {"RC:SightMsg", "video"}, {"RC:LBSMsg", "location"},
                                           {"RC:CmdMsg", "RC:CmdMsg"}};
    struct publish_command c = text_to(PUBLISH_BROADCAST, "ann", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
        c.object_name = str_c(pairs[i][0]);
        assert_int_equal(publish(&c), RESULT_OK);
        assert_string_equal(text_in(message_in("~broadcast", sent_rows[0].message), "messageType"), pairs[i][1]);
    }
}

static void test_a_quote_keeps_no_copy(void **state)
{
    char quoted[72], content[300];
    const struct str target = STR("ben");
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", &target);
    json_t *m;

    (void)state;
    say(PUBLISH_PRIVATE, "ben", "ann", quoted);
    snprintf(content, sizeof(content),
             "{\"content\":\"yes\",\"referMsgUserId\":\"ben\",\"referMsg\":{\"content\":\"SECRETCOPY\"},\"objName\":\"RC:TxtMsg\","
             "\"referMsgUid\":\"%s\"}", quoted);
    c.object_name = STR("RC:ReferenceMsg");
    c.content = str_c(content);
    assert_int_equal(publish(&c), RESULT_OK);
    m = message_in("~private/ann/ben", sent_rows[0].message);
    assert_string_equal(text_in(json_object_get(m, "reply"), "_id"), quoted);
    assert_null(json_object_get(json_object_get(m, "content"), "referMsg"));
    assert_string_equal(text_in(json_object_get(m, "content"), "referMsgUid"), quoted);
    /* In another conversation nobody could hear of the quoted message's recall: no quote, and no copy either. */
    c.kind = PUBLISH_BROADCAST;
    assert_int_equal(publish(&c), RESULT_OK);
    m = message_in("~broadcast", sent_rows[0].message);
    assert_null(json_object_get(m, "reply"));
    assert_false(fixture_file_holds(&store, "", "SECRETCOPY") || fixture_file_holds(&store, "-wal", "SECRETCOPY"));
}

static void test_directed_messages_have_an_audience(void **state)
{
    const struct str group = STR("g1"), receivers[2] = {STR("dan"), STR("ben")};
    struct publish_command c = text_to(PUBLISH_GROUP, "ann", &group);

    (void)state;
    assert_int_equal(make_group("g1", "ann", "ben"), RESULT_OK);
    c.receivers = receivers;
    c.receiver_count = 2;
    assert_int_equal(publish(&c), RESULT_OK);
    assert_string_equal(look_at("g1", sent_rows[0].message).audience, "{\"users\":[\"ben\",\"dan\"]}");
    c.include_sender = true;
    assert_int_equal(publish(&c), RESULT_OK);
    assert_string_equal(look_at("g1", sent_rows[0].message).audience, "{\"users\":[\"ann\",\"ben\",\"dan\"]}");
    c = text_to(PUBLISH_BROADCAST, "ann", NULL);
    c.audience = STR("{\"tag\":[\"a\"]}");
    assert_int_equal(publish(&c), RESULT_OK);
    assert_string_equal(look_at("~broadcast", sent_rows[0].message).audience, "{\"tag\":[\"a\"]}");
}

static void test_what_does_not_count_or_show(void **state)
{
    const struct str target = STR("ben");
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", &target);

    (void)state;
    assert_int_equal(publish(&c), RESULT_OK);
    c.content = STR("{\"content\":\"quiet\"}");
    c.not_counted = c.disable_update_last = true;
    assert_int_equal(publish(&c), RESULT_OK);
    assert_int_equal(act("ben", do_room_of, "~private/ann/ben"), RESULT_OK);
    assert_int_equal(json_integer_value(json_object_get(result, "unread")), 1);
    assert_string_equal(text_in(json_object_get(result, "lastMessage"), "message"), "hello");
}

static void test_refusals_name_the_parameter(void **state)
{
    static char large[PUBLISH_CONTENT_MAX + 2];
    const struct str target = STR("ben"), control = STR("a\nb");
    const struct publish_command good = text_to(PUBLISH_PRIVATE, "ann", &target);
    struct publish_command c;
#define REFUSED(change, code, word)                  \
    do {                                             \
        c = good;                                    \
        change;                                      \
        assert_int_equal(publish(&c), code);         \
        assert_non_null(strstr(out.text, word));     \
    } while (0)

    (void)state;
    memset(large, 'x', sizeof(large) - 1);
    REFUSED(c.from = STR(""), RESULT_MISSING_PARAMETER, "fromUserId");
    REFUSED(c.target_count = 0, RESULT_MISSING_PARAMETER, "toUserId");
    REFUSED(c.targets = &control, RESULT_INVALID_BODY, "toUserId");
    REFUSED((c.kind = PUBLISH_GROUP, c.targets = &control), RESULT_INVALID_BODY, "toGroupId");
    REFUSED((c.kind = PUBLISH_GROUP, c.target_count = 4), RESULT_INVALID_BODY, "toGroupId");
    REFUSED(c.object_name = STR_NULL, RESULT_MISSING_PARAMETER, "objectName");
    REFUSED(c.object_name = STR("RC:Invented"), RESULT_INVALID_BODY, "objectName");
    REFUSED(c.object_name = STR("RC:RcCmd"), RESULT_INVALID_BODY, "objectName");
    REFUSED(c.object_name = STR("a23456789012345678901234567890123"), RESULT_TOO_LARGE, "objectName");
    REFUSED(c.content = STR(""), RESULT_MISSING_PARAMETER, "content");
    REFUSED(c.content = STR("hello"), RESULT_INVALID_BODY, "content");
    REFUSED(c.content = STR("{\"content\":\"\xff\"}"), RESULT_INVALID_BODY, "content");
    REFUSED((c.object_name = STR("app:x"), c.content = str_c(large)), RESULT_TOO_LARGE, "content");
    assert_int_equal(look_at("~private/ann/ben", NULL).seq, -1);
    /* As large as may be. */
    c = good;
    c.object_name = STR("app:x");
    c.content = str_n(large, PUBLISH_CONTENT_MAX);
    assert_int_equal(publish(&c), RESULT_OK);
}

/* --- groups --- */

static enum result do_users(struct core_tx *tx, const struct principal *who, const void *arg)
{
    struct str *users;
    size_t n;
    const enum result rc = group_users(tx, str_c(arg), &users, &n, &out);

    (void)who;
    if (rc != RESULT_OK)
        return rc;
    json_out_array(&out.result);
    for (size_t i = 0; i < n; i++)
        json_out_str(&out.result, users[i].p, users[i].n);
    json_out_array_end(&out.result);
    return rc;
}

static void assert_users(const char *group, size_t n, const char *last)
{
    assert_int_equal(act(NULL, do_users, group), RESULT_OK);
    assert_int_equal(json_array_size(result), n);
    if (n != 0)
        assert_string_equal(json_string_value(json_array_get(result, n - 1)), last);
}

static enum result do_dismiss(struct core_tx *tx, const struct principal *who, const void *arg)
{
    (void)who;
    return group_dismiss(tx, str_c(arg), 0, &out);
}

static enum result quit_any(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *o)
{
    (void)name;
    return group_quit(tx, id, users, n, o);
}

static void test_groups_come_and_go(void **state)
{
    static const char *const ghosts[] = {"ghost", "ann"};
    const struct group_call join = {group_join, "g1", NULL, ghosts, 2}, quit = {quit_any, "g1", NULL, ghosts, 1};
    char uid[72];

    (void)state;
    assert_int_equal(act(NULL, do_group, &join), RESULT_NO_ROOM);
    assert_int_equal(make_group("g1", "ann", "ben"), RESULT_OK);
    assert_int_equal(out.seq, 1);
    assert_int_equal(act(NULL, do_group, &join), RESULT_OK); /* users need not be known; ann is there already */
    assert_int_equal(out.seq, 2);
    assert_users("g1", 3, "ghost");
    assert_int_equal(act(NULL, do_group, &join), RESULT_OK);
    assert_int_equal(out.seq, 0);
    assert_int_equal(act(NULL, do_group, &quit), RESULT_OK);
    assert_users("g1", 2, "ben");
    say(PUBLISH_GROUP, "ann", "g1", uid);
    assert_int_equal(act("ann", do_room_of, "g1"), RESULT_OK);
    assert_int_equal(act(NULL, do_dismiss, "g1"), RESULT_OK);
    assert_int_equal(act(NULL, do_dismiss, "g1"), RESULT_OK);
    assert_int_equal(act("ann", do_room_of, "g1"), RESULT_NOT_MEMBER);
    assert_int_equal(act(NULL, do_users, "g1"), RESULT_NO_ROOM);
    assert_int_equal(act(NULL, do_group, &join), RESULT_NO_ROOM);
    assert_int_equal(take_back(CONVERSATION_GROUP, "ann", "g1", uid), RESULT_OK);
    assert_int_equal(make_group("g1", "cho", NULL), RESULT_OK); /* begins anew */
    assert_users("g1", 1, "cho");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_private_send_makes_the_room_of_the_two),
        TEST(test_private_room_has_both_as_members),
        TEST(test_users_with_slashes_never_share_a_room),
        TEST(test_each_kind_has_its_room),
        TEST(test_group_and_chatroom_must_exist),
        TEST(test_chatrooms_open_and_close),
        TEST(test_many_targets_once_each),
        TEST(test_random_makes_a_send_idempotent),
        TEST(test_a_repeated_broadcast_is_known),
        TEST(test_content_is_kept_as_sent),
        TEST(test_types_of_the_known_objects),
        TEST(test_a_quote_keeps_no_copy),
        TEST(test_directed_messages_have_an_audience),
        TEST(test_what_does_not_count_or_show),
        TEST(test_refusals_name_the_parameter),
        TEST(test_groups_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
