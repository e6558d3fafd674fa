/* A room's log as pages over HTTP, and answers that a recall overtakes. */
#include "api_fixture.h"

/* --- pages --- */

static void a_page_holds_the_frames_after_since(void **state)
{
    int64_t head;

    (void)state;
    assert_int_equal(call("GET", ROOM_EVENTS, NULL), 200);
    head = json_integer_value(result("seq"));
    for (int i = 0; i < 40; i++) {
        char id[8];

        (void)snprintf(id, sizeof(id), "m%d", i);
        send_message(id, i == 3 ? SECRET : "hi");
    }
    recall("m3");
    assert_int_equal(call("GET", ROOM_EVENTS "?since=0&limit=500", NULL), 200);
    assert_false(shows(SECRET));
    assert_string_equal(json_string_value(result("room")), "demo-room");
    assert_int_equal(json_integer_value(result("seq")), head + 41);
    assert_int_equal(json_array_size(result("events")), head + 41);
    assert_false(json_boolean_value(result("more")));
    assert_null(result("reset"));
    for (size_t i = 0; i < json_array_size(result("events")); i++) {
        const json_t *event = json_array_get(result("events"), i);

        assert_string_equal(json_string_value(json_object_get(event, "op")), "event");
        assert_int_equal(json_integer_value(json_object_get(event, "seq")), (int64_t)i + 1);
        assert_true(json_equal(json_object_get(event, "epoch"), result("epoch")));
    }
    assert_int_equal(call("GET", ROOM_EVENTS "?since=1&limit=2", NULL), 200);
    assert_int_equal(json_array_size(result("events")), 2);
    assert_true(json_boolean_value(result("more")));
    assert_int_equal(call("GET", ROOM_EVENTS "?epoch=&since=1&limit=33", NULL), 200);
    assert_int_equal(json_array_size(result("events")), 33);
}

static void what_the_log_does_not_reach_is_a_reset(void **state)
{
    char path[128];
    int64_t head;

    (void)state;
    assert_int_equal(call("GET", ROOM_EVENTS, NULL), 200);
    head = json_integer_value(result("seq"));
    (void)snprintf(path, sizeof(path), ROOM_EVENTS "?since=%d", (int)head + 1);
    assert_int_equal(call("GET", path, NULL), 200);
    assert_int_equal(json_array_size(result("events")), 0);
    assert_int_equal(json_integer_value(json_object_get(result("reset"), "seq")), head);
    assert_true(json_equal(json_object_get(result("reset"), "epoch"), result("epoch")));
    assert_int_equal(call("GET", ROOM_EVENTS "?since=0&epoch=another", NULL), 200);
    assert_non_null(result("reset"));
    (void)snprintf(path, sizeof(path), ROOM_EVENTS "?since=%d&epoch=%s", (int)head,
                   json_string_value(result("epoch")));
    assert_int_equal(call("GET", path, NULL), 200);
    assert_null(result("reset"));
}

static void bad_parameters_and_rights(void **state)
{
    static const char *const bad[] = {"?limit=0", "?limit=501", "?limit=x", "?since=-1", "?since=1.5"};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        char path[64];

        (void)snprintf(path, sizeof(path), ROOM_EVENTS "%s", bad[i]);
        assert_int_equal(call("GET", path, NULL), 400);
        assert_true(shows(bad[i][1] == 'l' ? "limit" : "since"));
    }
    assert_int_equal(call("GET", "/rooms/none/events", NULL), 404);
    assert_string_equal(code(), "ROOM_NOT_FOUND");
    assert_int_equal(call_as("ann", "/rooms/none/events", NULL, NULL), 403);
    assert_string_equal(code(), "NOT_ROOM_MEMBER");
    assert_int_equal(call_as("ann", "/rooms/none/events", "text/event-stream", NULL), 403);
    assert_int_equal(call_as("ann", ROOM_EVENTS, "text/event-stream", "nonsense"), 400);
    assert_true(shows("Last-Event-ID"));
    assert_int_equal(call_as("ann", "/rooms/~system%2Fben/events", NULL, NULL), 403);
    assert_int_equal(call_as("ann", "/rooms/~other/events", NULL, NULL), 403);
    assert_int_equal(call_as("ann", "/rooms/~system%2Fann/events", NULL, NULL), 200);
    assert_int_equal(json_integer_value(result("seq")), 0);
    assert_int_equal(json_array_size(result("events")), 0);
    assert_int_equal(call_as("ann", "/rooms/~broadcast/events", NULL, NULL), 200);
    assert_string_equal(json_string_value(result("room")), "~broadcast");
}

/* --- answers that a recall overtakes --- */

static void an_answer_read_before_a_recall_is_read_again(void **state)
{
    static const char *const paths[] = {"/rooms/demo-room/messages/v3", "/rooms/demo-room/messages/m2?before=0&after=0",
                                        "/rooms/demo-room", ROOM_EVENTS};

    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        char id[16], json[96];
        int before;

        (void)snprintf(id, sizeof(id), "m%d", (int)i + 1);
        send_message(id, SECRET);
        assert_int_equal(call("GET", paths[i], NULL), 200);
        deliver(0);
        before = answers;
        assert_non_null(begin("GET", paths[i], NULL));
        wait_depth(1); /* read, and on its way home, with the content */
        (void)snprintf(json, sizeof(json), "{\"_id\":\"%s\",\"messageType\":\"recall\"}", id);
        assert_non_null(begin("POST", "/rooms/demo-room/message", json));
        wait_depth(3); /* the recall is committed: its event and its answer wait behind the read */
        deliver(1);
        assert_int_equal(answers, before);
        while (answers < before + 2) {
            (void)mailbox_wait(store.home, 20000);
            deliver(0);
            if (answers > before)
                assert_false(shows(SECRET));
        }
        assert_int_equal(reply.status, 200);
        assert_false(shows(SECRET));
        assert_true(shows(id));
    }
}

static void recalls_of_other_messages_do_not_hold_an_answer_up(void **state)
{
    const int64_t app = gateway_app_id(&gateway, STR("SampleApp"));

    (void)state;
    send_message("m1", "hi");
    assert_non_null(begin("GET", "/rooms/demo-room/messages/v3", NULL));
    wait_depth(1);
    recalled_note(gateway.recalled, app, STR("m2"));
    recalled_note(gateway.recalled, app + 1, STR("m1"));
    answers = 0;
    deliver(1);
    assert_int_equal(answers, 1);
    assert_int_equal(reply.status, 200);
    assert_true(reply.watched);
    assert_int_equal(reply.mark, recalled_mark(gateway.recalled));
}

static void an_answer_that_is_overtaken_again_and_again_is_503(void **state)
{
    const int64_t app = gateway_app_id(&gateway, STR("SampleApp"));

    (void)state;
    send_message("m1", SECRET);
    answers = 0;
    assert_non_null(begin("GET", "/rooms/demo-room/messages/v3", NULL));
    for (int i = 0; i < 6; i++) {
        assert_int_equal(answers, 0);
        wait_depth(1);
        recalled_note(gateway.recalled, app, STR("m1"));
        deliver(1);
    }
    assert_int_equal(answers, 1);
    assert_int_equal(reply.status, 503);
    assert_true(reply.retry_after_s > 0);
    assert_false(shows(SECRET));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_page_holds_the_frames_after_since),
        TEST(what_the_log_does_not_reach_is_a_reset),
        TEST(bad_parameters_and_rights),
        TEST(an_answer_read_before_a_recall_is_read_again),
        TEST(recalls_of_other_messages_do_not_hold_an_answer_up),
        TEST(an_answer_that_is_overtaken_again_and_again_is_503),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
