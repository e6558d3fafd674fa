/* The ledger of a recall: who counts, what each device's acks mean, delays, pages, rights. */
#include "ledger_fixture.h"

/* --- states --- */

static void test_every_state(void **unused)
{
    int64_t seq;
    struct ask a = {.room = "r1", .message = "m1", .connected = "c-pending"};
    struct device_ack refusal = {.user = STR("ben"), .device = STR("b-refuses"), .room = STR("r1"), .refused_count = 1};

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ann", "a-acks", "ack,quote,recall");
    seen("ben", "b-refuses", "ack,recall");
    seen("ben", "b-old", "ack,quote");
    seen("cho", "c-none", "");
    seen("cho", "c-pending", "recall");
    seen("cho", "c-offline", "recall");
    seen("dan", "d-no-member", "recall");
    seq = recalled("ann", "r1", "m1");
    assert_int_equal(act("ann", do_ledger, &a), RESULT_OK);
    check_counts(0, 0, 1, 3, 2);
    assert_int_equal(ack_ms("p50"), -1);
    assert_int_equal(ack_ms("max"), -1);
    clock_ms = T0 + 40;
    acks("ann", "a-acks", "r1", seq);
    refusal.seq = seq;
    refusal.refused = &seq;
    refusal.can_recall = true;
    assert_int_equal(act(NULL, do_ack, &refusal), RESULT_OK);
    assert_int_equal(act("ann", do_ledger, &a), RESULT_OK);
    check_counts(1, 1, 1, 1, 2);
    assert_string_equal(state("a-acks"), "acked");
    assert_string_equal(state("b-refuses"), "refused");
    assert_string_equal(state("b-old"), "incapable");
    assert_string_equal(state("c-none"), "incapable");
    assert_string_equal(state("c-pending"), "pending");
    assert_string_equal(state("c-offline"), "offline");
    assert_null(device("d-no-member"));
    assert_int_equal(delay("a-acks"), 40);
    assert_int_equal(delay("b-refuses"), -1);
    assert_int_equal(delay("c-pending"), -1);
    assert_string_equal(text_at("_id"), "m1");
    assert_string_equal(text_at("room"), "r1");
    assert_string_equal(text_at("reason"), "a slip");
    assert_true(json_is_null(json_object_get(result, "extra")));
    assert_true(json_is_null(json_object_get(result, "next")));
    assert_int_equal(json_integer_value(json_object_get(result, "seq")), seq);
    assert_int_equal(json_integer_value(json_object_get(result, "recallTimeMS")), T0);
    assert_string_equal(json_string_value(json_object_get(json_object_get(result, "operator"), "_id")), "ann");
}

static void test_an_ack_on_a_connection_that_cannot_recall_says_nothing(void **unused)
{
    struct device_ack a = {.user = STR("ben"), .device = STR("phone"), .room = STR("r1"), .acked_ms = T0 + 5};

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "phone", "ack");
    a.seq = recalled("ann", "r1", "m1");
    assert_int_equal(act(NULL, do_ack, &a), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("phone"), "incapable");
    /* And the other way round: who acked and cannot any more has removed it all the same. */
    seen("ben", "phone", "ack,recall");
    acks("ben", "phone", "r1", recalled("ann", "r1", "m2"));
    seen("ben", "phone", "ack");
    assert_int_equal(ledger("ann", "r1", "m2"), RESULT_OK);
    assert_string_equal(state("phone"), "acked");
    /* The note of that ack begins after the first recall and says nothing of it. */
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("phone"), "incapable");
}

static void test_one_ack_covers_many_recalls_each_with_its_own_delay(void **unused)
{
    int64_t first, second, third;

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "phone", "recall");
    first = recalled("ann", "r1", "m1");
    clock_ms = T0 + 100;
    second = recalled("ann", "r1", "m2");
    clock_ms = T0 + 150;
    acks("ben", "phone", "r1", second);
    assert_int_equal(batch.count, 2);
    assert_string_equal(batch.touched[0].message, "m2");
    assert_string_equal(batch.touched[1].room, "r1");
    clock_ms = T0 + 200;
    third = recalled("ann", "r1", "m3");
    acks("ben", "phone", "r1", third - 1); /* the message, not its recall */
    assert_int_equal(batch.count, 0);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_int_equal(delay("phone"), 150);
    assert_int_equal(ledger("ann", "r1", "m2"), RESULT_OK);
    assert_int_equal(delay("phone"), 50);
    assert_int_equal(ledger("ann", "r1", "m3"), RESULT_OK);
    assert_string_equal(state("phone"), "offline");
    /* Acks never go back, and a later one changes no delay of before. */
    clock_ms = T0 + 5000;
    acks("ben", "phone", "r1", first);
    acks("ben", "phone", "r1", third);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_int_equal(delay("phone"), 150);
    assert_int_equal(ledger("ann", "r1", "m3"), RESULT_OK);
    assert_int_equal(delay("phone"), 4800);
    /* Further than the room goes counts as its end. */
    acks("ben", "phone", "r1", third + 1000);
    assert_int_equal(recalled("ann", "r1", "m4"), third + 2);
    assert_int_equal(ledger("ann", "r1", "m4"), RESULT_OK);
    assert_string_equal(state("phone"), "offline");
}

static void test_a_new_device_counts_by_its_first_ack(void **unused)
{
    int64_t seq;

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seq = recalled("ann", "r1", "m1");
    clock_ms = T0 + 60000;
    seen("ben", "new", "recall");
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("new"), "offline");
    acks("ben", "new", "r1", seq);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("new"), "acked");
    assert_int_equal(delay("new"), 60000);
}

static void test_only_recalls_can_be_refused(void **unused)
{
    int64_t seq;
    struct device_ack a = {.user = STR("ben"), .device = STR("phone"), .room = STR("r1"), .can_recall = true};
    int64_t refused[3];

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "phone", "recall");
    seq = recalled("ann", "r1", "m1");
    refused[0] = seq - 1; /* the message */
    refused[1] = seq + 7; /* nothing yet */
    refused[2] = -3;
    a.seq = seq;
    a.refused = refused;
    a.refused_count = 3;
    assert_int_equal(act(NULL, do_ack, &a), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("phone"), "acked");
    for (int i = 0; i < 6; i++)
        assert_int_equal(act("ann", do_send, &(struct named){"r1", (const char *[]){"x0", "x1", "x2", "x3", "x4", "x5"}[i], NULL}),
                         RESULT_OK);
    assert_int_equal(act("ann", do_recall, N2("r1", "x0")), RESULT_OK);
    assert_int_equal(out.seq, seq + 7);
    assert_int_equal(ledger("ann", "r1", "x0"), RESULT_OK);
    assert_string_equal(state("phone"), "offline");
}

/* --- who counts --- */

static void test_members_at_the_recall(void **unused)
{
    int64_t seq;

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ann", "a", "recall");
    seen("ben", "b", "recall");
    seen("cho", "c", "recall");
    seen("dan", "d", "recall");
    assert_int_equal(act("ann", do_remove, N2("r1", "cho")), RESULT_OK);
    seq = recalled("ann", "r1", "m1");
    assert_int_equal(act("ann", do_add, N2("r1", "dan")), RESULT_OK);
    assert_int_equal(act("ann", do_add, N2("r1", "cho")), RESULT_OK);
    assert_int_equal(act("ann", do_remove, N2("r1", "ben")), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(0, 0, 0, 2, 0);
    assert_null(device("c")); /* had left before and came again after */
    assert_null(device("d"));
    /* ben's phone had applied it before ben was removed; the ack was on its way. */
    clock_ms = T0 + 9;
    acks("ben", "b", "r1", seq);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("b"), "acked");
    /* He comes back and goes: still once. */
    assert_int_equal(act("ann", do_add, N2("r1", "ben")), RESULT_OK);
    assert_int_equal(act("ann", do_remove, N2("r1", "ben")), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(1, 0, 0, 1, 0);
    /* dan was never there before: an ack of his for what came before he joined changes nothing for the recall. */
    acks("dan", "d", "r1", seq);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(1, 0, 0, 1, 0);
}

static void test_who_left_acks_no_further_than_where_they_left(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "b", "recall");
    seen("dan", "d", "recall");
    assert_int_equal(act("ann", do_remove, N2("r1", "ben")), RESULT_OK);
    acks("ben", "b", "r1", recalled("ann", "r1", "m1"));
    acks("dan", "d", "r1", 3);
    assert_int_equal(batch.count, 0);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(0, 0, 0, 0, 0);
}

static void test_devices_count_while_they_were_seen(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "long-gone", "recall");
    clock_ms = T0 + DAY;
    seen("ben", "just-in", "recall");
    clock_ms = T0 + (DAYS + 1) * DAY;
    (void)recalled("ann", "r1", "m1");
    clock_ms += 20 * DAY;
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_null(device("long-gone"));
    assert_string_equal(state("just-in"), "offline");
}

static void test_recall_first_has_a_ledger(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    config->apps[0].recall_unseen = CONFIG_RECALL_UNSEEN_PLATFORM;
    config->apps[0].recall_unseen_count = 10;
    config->apps[0].recall_unseen_days = 7;
    seen("ben", "b", "recall");
    assert_int_equal(act(NULL, do_recall, N2("r1", "late")), RESULT_OK);
    clock_ms = T0 + 12;
    acks("ben", "b", "r1", out.seq);
    assert_int_equal(ledger(NULL, "r1", "late"), RESULT_OK);
    assert_int_equal(delay("b"), 12);
    assert_true(json_is_null(json_object_get(result, "operator")));
    clock_ms = T0 + 500;
    assert_int_equal(act("ann", do_send, N2("r1", "late")), RESULT_OK);
    assert_int_equal(ledger(NULL, "r1", "late"), RESULT_OK);
    assert_int_equal(delay("b"), 12);
}

/* --- many devices --- */

static enum result do_many(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const int n = *(const int *)arg;

    (void)who;
    for (int i = 0; i < n; i++) {
        char name[16];
        struct device_row row = {.user = STR("ben"), .caps = STR("recall"), .seen_ms = tx->now_ms};

        (void)snprintf(name, sizeof(name), "dev-%03d", i);
        row.device = str_c(name);
        store_device_put(tx->conn, tx->app_id, &row);
    }
    return RESULT_OK;
}

static void test_percentiles_and_pages(void **unused)
{
    const int many = 200;
    struct ask a = {.room = "r1", .message = "m1", .limit = 64};
    char next[200] = "", last[16] = "";
    int64_t seq;
    int got = 0;

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    assert_int_equal(act(NULL, do_many, &many), RESULT_OK);
    seq = recalled("ann", "r1", "m1");
    for (int i = 0; i < 100; i++) {
        char name[16];

        (void)snprintf(name, sizeof(name), "dev-%03d", i * 2);
        clock_ms = T0 + 100 - i;
        acks("ben", name, "r1", seq);
    }
    clock_ms = T0 + 1000;
    for (;;) {
        size_t i;
        json_t *one;

        assert_int_equal(act("ann", do_ledger, &a), RESULT_OK);
        check_counts(100, 0, 0, 100, 0);
        assert_int_equal(ack_ms("p50"), 50);
        assert_int_equal(ack_ms("p99"), 99);
        assert_int_equal(ack_ms("max"), 100);
        assert_true(json_array_size(json_object_get(result, "devices")) <= 64);
        json_array_foreach(json_object_get(result, "devices"), i, one) {
            const char *name = json_string_value(json_object_get(one, "device"));

            assert_true(strcmp(name, last) > 0);
            (void)snprintf(last, sizeof(last), "%s", name);
            assert_string_equal(json_string_value(json_object_get(one, "state")),
                                (name[6] - '0') % 2 == 0 ? "acked" : "offline");
            got++;
        }
        if (text_at("next") == NULL)
            break;
        (void)snprintf(next, sizeof(next), "%s", text_at("next"));
        a.after = next;
    }
    assert_int_equal(got, many);
    /* Pending is exact for the page, wherever it stands. */
    a = (struct ask){.room = "r1", .message = "m1", .limit = 1, .connected = "dev-199"};
    assert_int_equal(act("ann", do_ledger, &a), RESULT_OK);
    check_counts(100, 0, 1, 99, 0);
}

static void test_cursors_of_others_are_refused(void **unused)
{
    struct arena arena = {.head = NULL};
    struct str user, device;

    (void)unused;
    assert_true(ledger_cursor_read(&arena, ledger_cursor(&arena, STR("an/n ü"), STR("d 1")), &user, &device));
    ASSERT_STR(user, "an/n ü");
    ASSERT_STR(device, "d 1");
    assert_false(ledger_cursor_read(&arena, STR("not base64!"), &user, &device));
    assert_false(ledger_cursor_read(&arena, STR("YW5u"), &user, &device)); /* "ann": no device */
    assert_false(ledger_cursor_read(&arena, STR("CmE"), &user, &device)); /* no user */
    arena_free(&arena);
}

/* --- rights --- */

static void test_rights(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    make_room("r2");
    (void)recalled("ben", "r1", "m1");
    assert_int_equal(act("ann", do_send, N2("r1", "live")), RESULT_OK);
    assert_int_equal(ledger(NULL, "r1", "m1"), RESULT_OK);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK); /* the owner */
    assert_int_equal(ledger("ben", "r1", "m1"), RESULT_OK); /* the recaller */
    assert_int_equal(ledger("cho", "r1", "m1"), RESULT_FORBIDDEN);
    assert_int_equal(ledger("dan", "r1", "m1"), RESULT_NOT_MEMBER);
    assert_int_equal(ledger("dan", "nowhere", "m1"), RESULT_NOT_MEMBER);
    assert_int_equal(ledger(NULL, "nowhere", "m1"), RESULT_NO_ROOM);
    assert_int_equal(ledger(NULL, "r2", "m1"), RESULT_NO_MESSAGE);
    assert_int_equal(ledger(NULL, "r1", "nothing"), RESULT_NO_MESSAGE);
    assert_int_equal(ledger("ann", "r1", "live"), RESULT_NO_MESSAGE);
    assert_non_null(strstr(out.text, "was not recalled"));
    assert_int_equal(act("ann", do_role, N3("r1", "cho", "manager")), RESULT_OK);
    assert_int_equal(ledger("cho", "r1", "m1"), RESULT_OK);
    assert_int_equal(act("ann", do_role, N3("r1", "cho", "admin")), RESULT_OK);
    assert_int_equal(ledger("cho", "r1", "m1"), RESULT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_every_state),
        CASE(test_an_ack_on_a_connection_that_cannot_recall_says_nothing),
        CASE(test_one_ack_covers_many_recalls_each_with_its_own_delay),
        CASE(test_a_new_device_counts_by_its_first_ack),
        CASE(test_only_recalls_can_be_refused),
        CASE(test_members_at_the_recall),
        CASE(test_who_left_acks_no_further_than_where_they_left),
        CASE(test_devices_count_while_they_were_seen),
        CASE(test_recall_first_has_a_ledger),
        CASE(test_percentiles_and_pages),
        CASE(test_cursors_of_others_are_refused),
        CASE(test_rights),
    };

    return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
