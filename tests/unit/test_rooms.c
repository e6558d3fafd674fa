/* Rooms, members, roles and reading, without HTTP. */
#include "core_fixture.h"

static enum result do_create(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_create(tx, who, arg, &out);
}

static enum result create(const char *user, const char *id, const char *type, bool join, const char *first,
                          const char *second)
{
    const struct str invitees[2] = {str_c(first), str_c(second)};
    const struct room_command c = {.id = str_c(id),
                                   .type = str_c(type),
                                   .opening = -1,
                                   .members = invitees,
                                   .member_count = (first != NULL ? 1U : 0U) + (second != NULL ? 1U : 0U),
                                   .join_caller = join};

    return act(user, do_create, &c);
}

static enum result do_add(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str user = str_c(n->user);

    return room_add_members(tx, who, str_c(n->room), &user, 1, &out);
}

static enum result do_remove(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str user = str_c(n->user);

    return room_remove_members(tx, who, str_c(n->room), &user, 1, &out);
}

static enum result do_join(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_join(tx, who, str_c(((const struct named *)arg)->room), &out);
}

static enum result do_role(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_set_role(tx, who, str_c(n->room), str_c(n->user), str_c(n->value), &out);
}

static enum result do_get(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_get(tx, who, str_c(((const struct named *)arg)->room), &out);
}

static enum result do_list(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_list(tx, who, str_c(n->user), str_c(n->value), 2, &out);
}

static enum result do_send(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct message_command c = {.room = str_c(n->room), .id = str_c(n->user), .body = STR("\"hi\"")};

    return message_send(tx, who, &c, &out);
}

static enum result do_read(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_mark_read(tx, who, str_c(n->room), str_c(n->user), &out);
}

static enum result do_direct(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    struct room_row room;
    enum result rc = room_direct(tx, str_c(n->room), str_c(n->user), &room, &out);

    (void)who;
    if (rc == RESULT_OK)
        json_out_str(&out.result, room.id.p, room.id.n);
    return rc;
}

/* --- rooms --- */

static void test_create_and_join(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "r1", "group", true, "ben", NULL), RESULT_OK);
    assert_string_equal(text_at("_id"), "r1");
    assert_true(has_member("ann") && has_member("ben") && !has_member("cho"));
    assert_string_equal(role_of("ann"), "owner");
    assert_string_equal(role_of("ben"), "member");
    assert_int_equal(out.seq, 1);
    /* Once more: the same room, whoever is missing comes in. */
    assert_int_equal(create("ben", "r1", "group", true, "cho", NULL), RESULT_OK);
    assert_true(has_member("ann") && has_member("cho"));
    assert_int_equal(out.seq, 2);
    /* Without an id the server makes one. */
    assert_int_equal(create("ann", NULL, NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(strlen(text_at("_id")), 24);
    assert_string_equal(text_at("roomType"), "group");
}

static void test_create_without_joining(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "r1", NULL, false, "ben", NULL), RESULT_OK);
    assert_false(has_member("ann"));
    assert_true(has_member("ben"));
    assert_int_equal(act("ann", do_get, N1("r1")), RESULT_NOT_MEMBER);
}

static void test_create_refusals(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "~mine", NULL, true, NULL, NULL), RESULT_INVALID_BODY);
    assert_int_equal(create("ann", "r1", "hall", true, NULL, NULL), RESULT_INVALID_BODY);
    assert_non_null(strstr(out.text, "roomType"));
    assert_int_equal(create("ann", "r1", NULL, true, "nobody", "ghost"), RESULT_NO_CLIENT);
    assert_non_null(strstr(out.text, "nobody"));
    assert_non_null(strstr(out.text, "ghost"));
    assert_int_equal(act(NULL, do_get, N1("r1")), RESULT_NO_ROOM);
    assert_int_equal(create("ann", "r1", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(create("ben", "r1", NULL, true, NULL, NULL), RESULT_NOT_MEMBER);
}

static void test_missing_and_foreign_rooms_look_alike(void **state)
{
    char missing[280];

    (void)state;
    assert_int_equal(act("ben", do_get, N1("r1")), RESULT_NOT_MEMBER);
    memcpy(missing, out.text, sizeof(missing));
    assert_int_equal(create("ann", "r1", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(act("ben", do_get, N1("r1")), RESULT_NOT_MEMBER);
    assert_string_equal(missing, out.text);
    assert_int_equal(act("ben", do_join, N1("r1")), RESULT_NOT_MEMBER);
    assert_string_equal(missing, out.text);
    assert_int_equal(act("ben", do_join, N1("r2")), RESULT_NOT_MEMBER);
    assert_int_equal(act(NULL, do_get, N1("r2")), RESULT_NO_ROOM);
}

static void test_open_room(void **state)
{
    const struct room_command c = {.id = STR("open"), .opening = 1, .join_caller = true};

    (void)state;
    assert_int_equal(act("ann", do_create, &c), RESULT_OK);
    assert_int_equal(act("ben", do_join, N1("open")), RESULT_OK);
    assert_true(has_member("ben"));
    assert_int_equal(out.seq, 2);
    assert_int_equal(act("ben", do_join, N1("open")), RESULT_OK);
    assert_int_equal(out.seq, 0);
    assert_int_equal(act(NULL, do_join, N1("open")), RESULT_FORBIDDEN);
}

static void test_members_come_and_go(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "r1", NULL, true, "ben", NULL), RESULT_OK);
    assert_int_equal(act("dan", do_add, N2("r1", "dan")), RESULT_NOT_MEMBER);
    assert_int_equal(act("ben", do_add, N2("r1", "cho")), RESULT_OK); /* any member */
    assert_true(has_member("cho"));
    assert_int_equal(act("ben", do_add, N2("r1", "nobody")), RESULT_NO_CLIENT);
    assert_int_equal(act("ben", do_remove, N2("r1", "cho")), RESULT_FORBIDDEN);
    assert_int_equal(act("ben", do_remove, N2("r1", "ann")), RESULT_FORBIDDEN);
    assert_int_equal(act("ann", do_role, N3("r1", "ben", "manager")), RESULT_OK);
    assert_string_equal(role_of("ben"), "manager");
    assert_int_equal(act("ben", do_remove, N2("r1", "cho")), RESULT_OK);
    assert_false(has_member("cho"));
    assert_int_equal(act("ben", do_remove, N2("r1", "ann")), RESULT_FORBIDDEN); /* the owner stays */
    assert_int_equal(act("ben", do_remove, N2("r1", "ben")), RESULT_OK);        /* anyone leaves */
    assert_null(json_object_get(result, "members"));
    assert_int_equal(act("ben", do_get, N1("r1")), RESULT_NOT_MEMBER);
    assert_int_equal(act(NULL, do_remove, N2("r1", "ann")), RESULT_OK);
    assert_int_equal(json_array_size(json_object_get(result, "members")), 0);
}

static void test_roles(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "r1", NULL, true, "ben", "cho"), RESULT_OK);
    assert_int_equal(act("ben", do_role, N3("r1", "cho", "admin")), RESULT_FORBIDDEN);
    assert_int_equal(act("ann", do_role, N3("r1", "ben", "admin")), RESULT_OK);
    assert_int_equal(act("ben", do_role, N3("r1", "cho", "admin")),
                     RESULT_FORBIDDEN); /* by the owner alone */
    assert_int_equal(act(NULL, do_role, N3("r1", "cho", "manager")), RESULT_OK);
    assert_int_equal(act("ann", do_role, N3("r1", "cho", "king")), RESULT_INVALID_BODY);
    assert_int_equal(act("ann", do_role, N3("r1", "ann", "member")), RESULT_FORBIDDEN);
    assert_int_equal(act("ann", do_role, N3("r1", "dan", "admin")), RESULT_NO_CLIENT);
    assert_int_equal(act("ann", do_role, N3("r1", "ben", "member")), RESULT_OK);
    assert_string_equal(role_of("ben"), "member");
}

/* --- direct rooms --- */

static void test_direct_room_is_one(void **state)
{
    char id[64];

    (void)state;
    assert_int_equal(create("ann", NULL, "direct", true, "ben", NULL), RESULT_OK);
    (void)snprintf(id, sizeof(id), "%s", text_at("_id"));
    assert_int_equal(create("ben", NULL, "direct", true, "ann", NULL), RESULT_OK);
    assert_string_equal(text_at("_id"), id);
    assert_int_equal(out.seq, 0);
    assert_int_equal(act(NULL, do_direct, N2("ben", "ann")), RESULT_OK);
    assert_string_equal(json_string_value(result), id);
    assert_int_equal(create("ann", NULL, "direct", true, "cho", NULL), RESULT_OK);
    assert_string_not_equal(text_at("_id"), id);
    assert_int_equal(create("ann", NULL, "direct", true, "ben", "cho"), RESULT_INVALID_BODY);
    assert_int_equal(create("ann", NULL, "direct", true, "ann", NULL), RESULT_INVALID_BODY);
    assert_int_equal(act("ann", do_add, N2(id, "cho")), RESULT_INVALID_BODY);
    assert_int_equal(act(NULL, do_direct, N2("ann", "ann")), RESULT_INVALID_BODY);
}

static void test_direct_room_with_an_id_of_its_own(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "our-room", "direct", true, "ben", NULL), RESULT_OK);
    assert_int_equal(act(NULL, do_direct, N2("ann", "ben")), RESULT_OK);
    assert_string_equal(json_string_value(result), "our-room");
    assert_int_equal(create("ben", "another", "direct", true, "ann", NULL), RESULT_OK);
    assert_string_equal(text_at("_id"), "our-room");
}

/* Who guesses the id of two others' direct room gets a room, but not their words. */
static void test_direct_room_cannot_be_prepared_by_others(void **state)
{
    char id[64];

    (void)state;
    assert_int_equal(act(NULL, do_direct, N2("ann", "ben")), RESULT_OK);
    (void)snprintf(id, sizeof(id), "%s", json_string_value(result));
    stop(state);
    start(state);
    assert_int_equal(create("cho", id, "group", true, NULL, NULL), RESULT_OK);
    assert_int_equal(act(NULL, do_direct, N2("ann", "ben")), RESULT_OK);
    assert_string_not_equal(json_string_value(result), id);
    stop(state);
    start(state);
    assert_int_equal(create("cho", id, "direct", true, "ann", NULL), RESULT_OK);
    assert_int_equal(act("cho", do_remove, N2(id, "cho")), RESULT_OK);
    assert_int_equal(act(NULL, do_direct, N2("ann", "ben")), RESULT_OK);
    assert_string_not_equal(json_string_value(result), id);
}

/* --- reading --- */

static void test_list_and_pages(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "a", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(create("ann", "b", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(create("ann", "c", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(create("ben", "d", NULL, true, NULL, NULL), RESULT_OK);
    assert_int_equal(act("ann", do_list, N1(NULL)), RESULT_OK);
    assert_int_equal(json_array_size(json_object_get(result, "data")), 2);
    assert_string_equal(text_at("next"), "b");
    assert_int_equal(act(NULL, do_list, N3(NULL, "ann", "b")), RESULT_OK);
    assert_int_equal(json_array_size(json_object_get(result, "data")), 1);
    assert_true(json_is_null(json_object_get(result, "next")));
    assert_int_equal(act(NULL, do_list, N1(NULL)), RESULT_MISSING_PARAMETER);
    assert_int_equal(act(NULL, do_list, N2(NULL, "nobody")), RESULT_NO_CLIENT);
}

static void test_last_read(void **state)
{
    (void)state;
    assert_int_equal(create("ann", "r1", NULL, true, "ben", NULL), RESULT_OK);
    assert_int_equal(act("ann", do_send, N2("r1", "m1")), RESULT_OK);
    assert_int_equal(act("ann", do_send, N2("r1", "m2")), RESULT_OK);
    assert_int_equal(act("ann", do_send, N2("r1", "m3")), RESULT_OK);
    assert_int_equal(act("ben", do_get, N1("r1")), RESULT_OK);
    assert_int_equal(json_integer_value(json_object_get(result, "unread")), 3);
    assert_int_equal(act("ben", do_read, N2("r1", "m2")), RESULT_OK);
    assert_string_equal(text_at("client"), "ben");
    assert_string_equal(text_at("lastRead"), "m2");
    assert_int_equal(json_integer_value(json_object_get(result, "badge")), 1);
    assert_int_equal(act("ben", do_read, N2("r1", "m1")), RESULT_OK); /* never back */
    assert_string_equal(text_at("lastRead"), "m2");
    assert_int_equal(act("ben", do_read, N2("r1", "m9")), RESULT_NO_MESSAGE);
    assert_int_equal(act(NULL, do_read, N2("r1", "m1")), RESULT_FORBIDDEN);
    /* Who comes later has nothing unread of what was before. */
    assert_int_equal(act("ann", do_add, N2("r1", "cho")), RESULT_OK);
    assert_int_equal(act("cho", do_get, N1("r1")), RESULT_OK);
    assert_int_equal(json_integer_value(json_object_get(result, "unread")), 0);
}

static enum result do_page(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return history_page(tx, who, arg, &out);
}

static enum result do_around(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return history_around(tx, who, STR("r1"), str_c(((const struct named *)arg)->user), 1, 1, &out);
}

/* The ids of the page, as "m3 m2". */
static const char *ids(void)
{
    static char text[256];
    size_t i, n = 0;
    json_t *m;

    text[0] = '\0';
    json_array_foreach(json_object_get(result, "data"), i, m) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, i == 0 ? "%s" : " %s",
                              json_string_value(json_object_get(m, "_id")));
    }
    return text;
}

static void test_history_pages(void **state)
{
    struct history_query q = {.room = STR("r1"), .limit = 2};
    char id[16];

    (void)state;
    assert_int_equal(create("ann", "r1", NULL, true, NULL, NULL), RESULT_OK);
    clock_ms = INT64_C(1714557600000);
    for (int i = 1; i <= 5; i++) {
        clock_ms += i == 3 ? 0 : 10; /* two within one ms */
        (void)snprintf(id, sizeof(id), "m%d", i);
        assert_int_equal(act("ann", do_send, N2("r1", id)), RESULT_OK);
    }
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m5 m4");
    assert_int_equal(json_integer_value(json_object_get(result, "totalCount")), 5);
    q.before = STR("m4");
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m3 m2");
    q.after = STR("m2");
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m3");
    q.before = STR_NULL;
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m4 m3");
    q.after = STR("m9");
    assert_int_equal(act("ann", do_page, &q), RESULT_NO_MESSAGE);
    assert_int_equal(act("ann", do_around, N2(NULL, "m3")), RESULT_OK);
    assert_string_equal(ids(), "m2 m3 m4");
    assert_int_equal(act("ben", do_around, N2(NULL, "m3")), RESULT_NOT_MEMBER);
    /* An edit moves a message to the front of what is new, and leaves its place in time. */
    clock_ms += 10;
    assert_int_equal(act("ann", do_send, N2("r1", "m1")), RESULT_OK);
    q.after = STR_NULL;
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m1 m5");
    q.field = MESSAGE_BY_TIME;
    assert_int_equal(act("ann", do_page, &q), RESULT_OK);
    assert_string_equal(ids(), "m5 m4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_create_and_join),
        TEST(test_create_without_joining),
        TEST(test_create_refusals),
        TEST(test_missing_and_foreign_rooms_look_alike),
        TEST(test_open_room),
        TEST(test_members_come_and_go),
        TEST(test_roles),
        TEST(test_direct_room_is_one),
        TEST(test_direct_room_with_an_id_of_its_own),
        TEST(test_direct_room_cannot_be_prepared_by_others),
        TEST(test_list_and_pages),
        TEST(test_last_read),
        TEST(test_history_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
