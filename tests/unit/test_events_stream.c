/* A room's log as an event stream: a hub's subscriber without a socket. */
#include "api/credentials.h"
#include "api/events_stream.h"
#include "api_fixture.h"

struct sink {
    char got[65536];
    size_t len;
    size_t room; /* bytes that the socket still takes */
    bool ended;
};

static enum hub_sent sink_write(void *connection, const struct iovec *v, int n, size_t *taken)
{
    struct sink *k = connection;

    *taken = 0;
    assert_false(k->ended);
    for (int i = 0; i < n; i++) {
        const size_t m = v[i].iov_len < k->room ? v[i].iov_len : k->room;

        assert_true(k->len + m < sizeof(k->got));
        memcpy(k->got + k->len, v[i].iov_base, m);
        k->len += m;
        k->got[k->len] = '\0';
        k->room -= m;
        *taken += m;
        if (m < v[i].iov_len)
            return HUB_BLOCKED;
    }
    return HUB_SENT;
}

static void sink_end(void *connection)
{
    struct sink *k = connection;

    k->ended = true;
}

static const struct events_transport transport = {.write = sink_write, .end = sink_end};

/* Reads of the log are answered, fan-out is done. */
static void settle(void)
{
    for (int quiet = 0; quiet < 20; quiet++) {
        if (mailbox_wait(store.home, 10))
            quiet = 0;
        deliver(0);
    }
}

static struct events_stream *follow(struct sink *k, const char *user, const char *path, const char *last_event_id)
{
    struct events_stream *s;

    memset(k, 0, sizeof(*k));
    k->room = sizeof(k->got);
    assert_int_equal(call_as(user, path, "text/event-stream", last_event_id), 200);
    assert_string_equal(reply.content_type, "text/event-stream");
    s = reply.stream;
    assert_non_null(s);
    reply.stream = NULL;
    events_stream_open(s, &transport, k, clock_wall_ms());
    settle();
    return s;
}

static bool got(const struct sink *k, const char *text)
{
    return strstr(k->got, text) != NULL;
}

static int count(const struct sink *k, const char *text)
{
    int n = 0;

    for (const char *at = strstr(k->got, text); at != NULL; at = strstr(at + 1, text))
        n++;
    return n;
}

static int64_t head_of(const char *path, char epoch[static 32])
{
    assert_int_equal(call("GET", path, NULL), 200);
    (void)snprintf(epoch, 32, "%s", json_string_value(result("epoch")));
    return json_integer_value(result("seq"));
}

static void a_stream_replays_and_goes_on_live(void **state)
{
    static struct sink k;
    struct events_stream *s;
    char epoch[32], id[96];
    int64_t head;

    (void)state;
    send_message("m1", SECRET);
    recall("m1");
    head = head_of(ROOM_EVENTS, epoch);
    (void)snprintf(id, sizeof(id), "%s:%d", epoch, (int)head - 2);
    s = follow(&k, "ann", ROOM_EVENTS "?since=9999&epoch=x", id); /* Last-Event-ID wins */
    assert_int_equal(strncmp(k.got, "retry: 3000\n\n", 13), 0);
    assert_int_equal(count(&k, "\ndata: {\"op\":\"event\""), 2);
    assert_false(got(&k, SECRET));
    send_message("m2", "line\\nbreak");
    settle();
    (void)snprintf(id, sizeof(id), "\n\nid: %s:%d\ndata: {\"op\":\"event\"", epoch, (int)head + 1);
    assert_true(got(&k, id));
    assert_int_equal(strcmp(k.got + k.len - 3, "}\n\n"), 0);
    assert_int_equal(count(&k, "\n\n"), 4);
    events_stream_tick(s, clock_wall_ms() + 25000);
    assert_int_equal(strcmp(k.got + k.len - 3, ":\n\n"), 0);
    assert_false(k.ended);
    events_stream_close(s);
    settle();
}

static void a_stream_is_told_where_it_cannot_go_on(void **state)
{
    static struct sink k;
    struct events_stream *s;
    char epoch[32], text[128];
    const int64_t head = head_of(ROOM_EVENTS, epoch);

    (void)state;
    s = follow(&k, "ann", ROOM_EVENTS "?since=9999", NULL);
    (void)snprintf(text, sizeof(text), "event: reset\nid: %s:%d\ndata: {\"epoch\":\"%s\",\"seq\":%d}\n\n", epoch,
                   (int)head, epoch, (int)head);
    assert_true(got(&k, text));
    send_message("m1", "hi");
    settle();
    assert_int_equal(count(&k, "\ndata: {\"op\":\"event\""), 1);
    events_stream_close(s);
    s = follow(&k, "ann", ROOM_EVENTS, "other-epoch:0");
    assert_int_equal(count(&k, "event: reset\n"), 1);
    assert_int_equal(count(&k, "\ndata: {\"op\":\"event\""), 0);
    events_stream_close(s);
}

static void a_stream_that_does_not_drain_holds_a_position_and_a_recall_reaches_it(void **state)
{
    static struct sink k;
    struct events_stream *s;
    char epoch[32], path[64];

    (void)state;
    (void)snprintf(path, sizeof(path), ROOM_EVENTS "?since=%d", (int)head_of(ROOM_EVENTS, epoch));
    s = follow(&k, "ann", path, NULL);
    k.room = 20; /* a part of the next event */
    send_message("m1", "harmless");
    send_message("m2", SECRET);
    recall("m2");
    settle();
    assert_false(got(&k, "harmless"));
    assert_false(k.ended);
    k.room = 30000;
    events_stream_drained(s);
    settle();
    assert_true(got(&k, "harmless"));
    assert_int_equal(count(&k, "\ndata: {\"op\":\"event\""), 3);
    assert_false(got(&k, SECRET));
    k.room = 40;
    send_message("m3", SECRET);
    settle();
    assert_int_equal(k.room, 0);
    recall("m3");
    settle();
    assert_true(k.ended);
    assert_false(got(&k, SECRET));
    events_stream_drained(s);
    events_stream_close(s);
}

static void a_stream_ends_with_its_rights(void **state)
{
    static struct sink k;
    struct events_stream *s;
    int64_t deadline;

    (void)state;
    /* the membership: its end is the last thing heard */
    s = follow(&k, "cho", ROOM_EVENTS, NULL);
    assert_int_equal(call("POST", "/rooms/demo-room/delete/members", "{\"members\":[\"cho\"]}"), 200);
    settle();
    assert_true(k.ended);
    assert_true(got(&k, "\"change\":\"left\""));
    events_stream_close(s);
    /* the token, revoked */
    s = follow(&k, "ben", ROOM_EVENTS, NULL);
    assert_false(k.ended);
    assert_int_equal(call("DELETE", "/admin/clients/ben/token", NULL), 200);
    settle();
    assert_true(k.ended);
    events_stream_close(s);
    /* the token, expired */
    s = follow(&k, "ann", ROOM_EVENTS, NULL);
    deadline = events_stream_deadline(s);
    assert_true(deadline <= clock_wall_ms() + 25000);
    events_stream_tick(s, clock_wall_ms() + INT64_C(8) * 24 * 3600 * 1000);
    assert_true(k.ended);
    assert_int_equal(events_stream_deadline(s), INT64_MAX);
    events_stream_close(s);
    /* the server leaves */
    s = follow(&k, "ann", ROOM_EVENTS, NULL);
    events_stream_drain(s, 1234);
    assert_true(k.ended);
    assert_int_equal(strcmp(k.got + k.len - 13, "retry: 1234\n\n"), 0);
    events_stream_close(s);
}

/* The token goes between the call's check and the stream's making, so that no notice finds it: the first read of the log does. */
static void a_token_revoked_in_between_ends_the_stream(void **state)
{
    static struct sink k;
    const struct config *config = config_holder_get(gateway.config);
    struct principal_claim claim;
    struct events_start start_with = {.thread = thread,
                                      .config = config,
                                      .app_id = gateway_app_id(&gateway, STR("SampleApp")),
                                      .claim = &claim,
                                      .user = STR("ann"),
                                      .room = STR("demo-room")};
    struct events_stream *s;
    char err[256];

    (void)state;
    memset(&k, 0, sizeof(k));
    k.room = sizeof(k.got);
    assert_int_equal(call_as("ann", ROOM_EVENTS, NULL, NULL), 200);
    assert_int_equal(credentials_client(config, STR("demo-client-key"), str_c(token), clock_wall_ms(), &claim,
                                        &start_with.app, err, sizeof(err)),
                     RESULT_OK);
    for (int revoked = 0; revoked < 2; revoked++) {
        s = events_stream_create(&start_with);
        assert_non_null(s);
        events_stream_open(s, &transport, &k, clock_wall_ms());
        settle();
        assert_int_equal(k.ended, revoked == 1);
        assert_int_equal(got(&k, "data: "), revoked == 0);
        events_stream_close(s);
        assert_int_equal(call("DELETE", "/admin/clients/ann/token", NULL), 200);
        settle();
        k.len = 0;
        k.got[0] = '\0';
    }
    config_unref(config);
}

static void a_call_whose_caller_left_opens_no_stream(void **state)
{
    struct api_request request = request_of("GET", ROOM_EVENTS, NULL);
    struct api_call *c;

    (void)state;
    request.im_api_key = STR("demo-api-key");
    request.accept = STR("application/json, text/event-stream;q=0.9");
    c = api_begin(thread, &request, take_reply, NULL);
    assert_non_null(c);
    api_cancel(c);
    settle();
    assert_int_equal(answers, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_stream_replays_and_goes_on_live),
        TEST(a_stream_is_told_where_it_cannot_go_on),
        TEST(a_stream_that_does_not_drain_holds_a_position_and_a_recall_reaches_it),
        TEST(a_stream_ends_with_its_rights),
        TEST(a_token_revoked_in_between_ends_the_stream),
        TEST(a_call_whose_caller_left_opens_no_stream),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
