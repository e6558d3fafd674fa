/* The rooms of the server's own: who reads and writes there, and whom a recall's ledger counts. */
#include "audience_fixture.h"

static enum result do_close(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    struct room_row room;

    (void)who;
    assert_true(store_room_get(tx->conn, tx->app_id, str_c(n->room), &room));
    room.opening = -1;
    store_room_update(tx->conn, &room);
    return RESULT_OK;
}

static enum result do_pair(struct core_tx *tx, const struct principal *who, const void *arg)
{
    struct room_row room = {.app = tx->app_id, .id = STR("~private/ann/ben"), .type = STR("direct"), .min_seq = 1};
    const struct member_row members[] = {{.user = STR("ann")}, {.user = STR("ben")}};

    (void)who;
    (void)arg;
    store_room_add(tx->conn, &room);
    store_member_put(tx->conn, tx->app_id, room.key, &members[0]);
    store_member_put(tx->conn, tx->app_id, room.key, &members[1]);
    return RESULT_OK;
}

static void a_name_says_who_may_read(void **unused)
{
    (void)unused;
    /* Before their first event. */
    assert_string_equal(numbers("ann", "~broadcast"), "");
    assert_string_equal(numbers("ann", "~system/ann"), "");
    assert_string_equal(numbers("ann", "~system/ben"), "refused");
    assert_string_equal(numbers("ann", "~private/ann/ben"), "");
    assert_string_equal(numbers("cho", "~private/ann/ben"), "refused");
    assert_string_equal(numbers("ann", "~private/ann/b/c"), "refused");
    assert_string_equal(numbers("ann", "~chatroom/c"), "refused");
    assert_string_equal(numbers("ann", "~other"), "refused");
    assert_string_equal(numbers(NULL, "~chatroom/c"), "refused");
    assert_int_equal(out.rc, RESULT_NO_ROOM);
    (void)put("~system/ann", "s1", NULL);
    (void)put("~chatroom/c", "c1", NULL);
    assert_int_equal(act(NULL, do_pair, NULL), RESULT_OK);
    (void)put("~private/ann/ben", "d1", NULL);
    assert_string_equal(numbers("ann", "~system/ann"), "1 ");
    assert_string_equal(numbers("ben", "~system/ann"), "refused");
    assert_string_equal(history("ben", "~system/ann", 10, NULL), "refused");
    assert_string_equal(history("ann", "~system/ann", 10, NULL), "s1 ");
    assert_int_equal(act("ann", do_room, N1("~system/ann")), RESULT_OK);
    assert_int_equal(act("ben", do_room, N1("~system/ann")), RESULT_NOT_MEMBER);
    assert_string_equal(numbers("dan", "~chatroom/c"), "1 ");
    assert_string_equal(numbers("ben", "~private/ann/ben"), "1 ");
    assert_string_equal(numbers("cho", "~private/ann/ben"), "refused");
    assert_int_equal(act(NULL, do_close, N1("~chatroom/c")), RESULT_OK);
    assert_string_equal(numbers("dan", "~chatroom/c"), "refused");
    assert_string_equal(numbers(NULL, "~chatroom/c"), "1 ");
}

static void who_may_read_may_not_therefore_write(void **unused)
{
    (void)unused;
    (void)put("~system/ann", "s1", NULL);
    (void)put("~chatroom/c", "c1", NULL);
    (void)put("~broadcast", "b1", NULL);
    assert_int_equal(act(NULL, do_pair, NULL), RESULT_OK);
    assert_int_equal(act("ann", do_send, N2("~private/ann/ben", "d1")), RESULT_OK);
    assert_int_equal(act("cho", do_send, N2("~private/ann/ben", "d2")), RESULT_NOT_MEMBER);
    assert_int_equal(act("ann", do_send, N2("~system/ann", "x")), RESULT_NOT_MEMBER);
    assert_int_equal(act("ann", do_send, N2("~chatroom/c", "x")), RESULT_NOT_MEMBER);
    assert_int_equal(act("ann", do_send, N2("~broadcast", "x")), RESULT_NOT_MEMBER);
    assert_int_equal(act("dan", do_recall, N3("~chatroom/c", "c1", "")), RESULT_NOT_MEMBER);
    assert_int_equal(act("ben", do_recall, N3("~private/ann/ben", "d1", "")), RESULT_FORBIDDEN);
    assert_int_equal(act("ann", do_recall, N3("~private/ann/ben", "d1", "")), RESULT_OK);
    /* A broadcast counts against a quota, so it is not sent as a message to a room. */
    assert_int_equal(act(NULL, do_send, N2("~broadcast", "x")), RESULT_FORBIDDEN);
    assert_int_equal(act(NULL, do_send, N2("~chatroom/c", "y")), RESULT_OK);
    assert_int_equal(act(NULL, do_recall, N3("~broadcast", "b1", "")), RESULT_OK);
}

static void what_was_read_is_answered_also_where_no_mark_is_kept(void **unused)
{
    (void)unused;
    (void)put("~system/ann", "s1", NULL);
    (void)put("~system/ann", "s2", NULL);
    assert_int_equal(act("ann", do_read, N2("~system/ann", "s1")), RESULT_OK);
    assert_string_equal(text_at("lastRead"), "s1");
    assert_int_equal(json_integer_value(json_object_get(result, "badge")), 1);
    assert_int_equal(act("ben", do_read, N2("~system/ann", "s1")), RESULT_NOT_MEMBER);
}

/* --- the ledger --- */

static void the_ledger_counts_those_it_was_for(void **unused)
{
    int64_t seq;

    (void)unused;
    clock_ms = T0;
    seen("ann", "a1", "recall");
    seen("ann", "a2", "recall");
    seen("ben", "b", "recall");
    seen("cho", "c", "recall");
    /* ~broadcast: everyone, or those of the audience */
    (void)put("~broadcast", "p1", NULL);
    (void)put("~broadcast", "p2", ANN);
    assert_int_equal(act(NULL, do_recall, N3("~broadcast", "p1", "")), RESULT_OK);
    assert_int_equal(act(NULL, do_recall, N3("~broadcast", "p2", "")), RESULT_OK);
    seq = out.seq;
    acks("ann", "a1", "~broadcast", seq);
    assert_int_equal(ledger(NULL, "~broadcast", "p1"), RESULT_OK);
    check_counts(1, 0, 0, 3, 0);
    assert_int_equal(ledger(NULL, "~broadcast", "p2"), RESULT_OK);
    check_counts(1, 0, 0, 1, 0);
    assert_int_equal(ledger("cho", "~broadcast", "p1"), RESULT_FORBIDDEN);
    assert_int_equal(ledger("cho", "~broadcast", "p2"), RESULT_NO_MESSAGE); /* it was not for cho */
    /* ~system: the user */
    (void)put("~system/ben", "s1", NULL);
    assert_int_equal(act(NULL, do_recall, N3("~system/ben", "s1", "")), RESULT_OK);
    acks("ann", "a1", "~system/ben", out.seq); /* not ann's: ignored */
    assert_int_equal(ledger(NULL, "~system/ben", "s1"), RESULT_OK);
    check_counts(0, 0, 0, 1, 0);
    assert_non_null(device("b"));
    /* ~chatroom: who has a place in it */
    (void)put("~chatroom/r", "c1", NULL);
    acks("cho", "c", "~chatroom/r", 1);
    assert_int_equal(act(NULL, do_recall, N3("~chatroom/r", "c1", "")), RESULT_OK);
    assert_int_equal(ledger(NULL, "~chatroom/r", "c1"), RESULT_OK);
    check_counts(0, 0, 0, 1, 0);
    assert_non_null(device("c"));
    /* a directed message of a group */
    make_room("r1");
    (void)put("r1", "m1", "{\"users\":[\"ann\",\"dan\"]}");
    assert_int_equal(act("ann", do_recall, N3("r1", "m1", "")), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(0, 0, 0, 2, 0);
    assert_null(device("b"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_name_says_who_may_read),
        CASE(who_may_read_may_not_therefore_write),
        CASE(what_was_read_is_answered_also_where_no_mark_is_kept),
        CASE(the_ledger_counts_those_it_was_for),
    };

    return cmocka_run_group_tests_name("the server's own rooms", tests, NULL, NULL);
}
