/* The history log's link and archive (api/rc_history.c): how long a link is good, and what a recall does to an archive that was read before it. */
#include "api_fixture.h"
#include "auth/rc_sign.h"

#include <inttypes.h>

#define HOUR_MS INT64_C(3600000)

static int64_t ahead_ms;
static char link_path[1024];

static int64_t later(void)
{
    return clock_wall_ms() + ahead_ms;
}

/* A test's messages, their link and their recall are of one hour: the last seconds of one are waited for. */
static int start_within_an_hour(void **state)
{
    while (clock_wall_ms() % HOUR_MS > HOUR_MS - 10000)
        usleep(100000);
    return start(state);
}

/* A signed call of the demo's app. */
static int rongcloud(const char *path, const char *form)
{
    static const char nonce[] = "14314", timestamp[] = "1408710653000";
    char signature[RC_SIGN_SIZE];
    struct api_request request = request_of("POST", path, form);
    const int before = answers;

    assert_true(rc_sign_make("demo-app-secret", strlen("demo-app-secret"), nonce, strlen(nonce), timestamp, strlen(timestamp), signature));
    request.host = STR("127.0.0.1:1");
    request.rc_app_key = STR("demo-app-key");
    request.rc_nonce = str_c(nonce);
    request.rc_timestamp = str_c(timestamp);
    request.rc_signature = str_c(signature);
    (void)api_begin(thread, &request, take_reply, NULL);
    return finish(before);
}

/* The link of the hour in which the server's clock is now, in link_path. */
static void take_link(void)
{
    const int64_t now_s = clock_wall_ms() / 1000;
    const char *url;
    int64_t year;
    unsigned month, day;
    char form[32];

    clock_date_from_days(now_s / 86400, &year, &month, &day);
    (void)snprintf(form, sizeof(form), "date=%04" PRId64 "%02u%02u%02u", year, month, day, (unsigned)(now_s % 86400 / 3600));
    assert_int_equal(rongcloud("/message/history.json", form), 200);
    url = json_string_value(json_object_get(body, "url"));
    assert_non_null(url);
    assert_memory_equal(url, "http://127.0.0.1:1/history/", strlen("http://127.0.0.1:1/history/"));
    (void)snprintf(link_path, sizeof(link_path), "%s", url + strlen("http://127.0.0.1:1"));
}

static void a_link_is_good_for_an_hour(void **state)
{
    (void)state;
    thread->now_ms = later;
    ahead_ms = 0;
    send_message("m1", "said in this hour");
    take_link();
    assert_int_equal(call("GET", link_path, NULL), 200);
    assert_true(shows("said in this hour"));
    ahead_ms = HOUR_MS - 60000;
    assert_int_equal(call("GET", link_path, NULL), 200);
    ahead_ms = HOUR_MS + 2000;
    assert_int_equal(call("GET", link_path, NULL), 404);
    assert_int_equal(json_integer_value(json_object_get(body, "code")), 404);
    assert_false(shows("said in this hour"));
}

static void an_archive_on_its_way_is_watched_for_recalls(void **state)
{
    uint64_t mark;

    (void)state;
    send_message("m1", "said and taken back");
    send_message("m2", "said and kept");
    take_link();
    assert_int_equal(call("GET", link_path, NULL), 200);
    assert_true(shows("said and taken back"));
    assert_true(reply.watched);
    mark = reply.mark;
    assert_false(recalled_shown(gateway.recalled, reply.app_id, &mark, reply.body, reply.len));
    /* A slow reader has the rest of this answer still to come. */
    recalled_note(gateway.recalled, reply.app_id, STR("elsewhere"));
    assert_false(recalled_shown(gateway.recalled, reply.app_id, &mark, reply.body, reply.len));
    recalled_note(gateway.recalled, reply.app_id, STR("m1"));
    assert_true(recalled_shown(gateway.recalled, reply.app_id, &mark, reply.body, reply.len));
}

static void what_is_recalled_between_reading_and_answering_does_not_leave(void **state)
{
    int before;

    (void)state;
    send_message("m1", "said and taken back");
    send_message("m2", "said and kept");
    take_link();
    before = answers;
    (void)begin("GET", link_path, NULL);
    wait_depth(1); /* the archive is made, and waits for this thread */
    (void)begin("POST", "/rooms/demo-room/message", "{\"_id\":\"m1\",\"messageType\":\"recall\"}");
    wait_depth(2); /* the recall is committed: now both come home */
    assert_int_equal(finish(before), 200);
    assert_int_equal(json_integer_value(json_object_get(body, "RC")), 0); /* the recall's answer; the archive is being made again */
    assert_int_equal(finish(before + 1), 200);
    assert_true(shows("said and kept"));
    assert_true(shows("RC:RcCmd"));
    assert_false(shows("said and taken back"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_is_good_for_an_hour, start_within_an_hour, stop),
        cmocka_unit_test_setup_teardown(an_archive_on_its_way_is_watched_for_recalls, start_within_an_hour, stop),
        cmocka_unit_test_setup_teardown(what_is_recalled_between_reading_and_answering_does_not_leave, start_within_an_hour, stop),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
