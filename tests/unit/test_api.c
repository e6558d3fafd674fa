/* HTTP calls without HTTP: requests go in through api_begin, on a store of their own, and replies come out.
 */
#include "api/api.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "store_fixture.h"

#include <jansson.h>
#include <sys/stat.h>

static struct fixture store;
static struct bus *bus;
static struct gateway gateway;
static struct api_thread thread;
static struct api_reply reply; /* the last one */
static int answers;
static json_t *body;

static void ignore_notice(struct bus_notice *notice, void *ctx)
{
    (void)notice;
    (void)ctx;
}

static void take_reply(void *context, struct api_reply *r)
{
    (void)context;
    assert_true(r->body == NULL || r->static_body == NULL);
    free(reply.body);
    reply = *r;
    answers++;
}

static int open_gateway(const struct store_options *options)
{
    struct config_error err;
    char text[512];
    struct config *config;

    fixture_make(&store);
    if (fixture_open(&store, options) == NULL)
        return -1;
    config = config_demo(NULL, &err);
    if (config == NULL || !keys_attach(config, &err))
        return -1;
    config->apps[0].sends_per_second = 5;
    bus = bus_create(ignore_notice, 0);
    gateway = (struct gateway){
        .config = config_holder_create(config), .store = store.store, .bus = bus, .demo = true};
    gateway.metrics.registry = metrics_create();
    thread = (struct api_thread){.gateway = &gateway, .mailbox = store.home, .now_ms = clock_wall_ms};
    gateway.demo_dir = store.dir;
    if (!gateway_intern_apps(&gateway, config, text, sizeof(text)) ||
        !gateway_seed_demo(&gateway, text, sizeof(text))) {
        print_error("%s\n", text);
        return -1;
    }
    answers = 0;
    return 0;
}

static int start(void **state)
{
    (void)state;
    return open_gateway(NULL);
}

static int stop(void **state)
{
    (void)state;
    json_decref(body);
    body = NULL;
    free(reply.body);
    reply = (struct api_reply){.status = 0};
    gateway_close(&gateway);
    metrics_free(gateway.metrics.registry);
    config_holder_free(gateway.config);
    fixture_free(&store);
    bus_destroy(bus);
    return 0;
}

static struct api_call *begin(const char *method, const char *path, const char *text)
{
    const char *question = strchr(path, '?');
    const struct api_request request = {
        .method = str_c(method),
        .path = question != NULL ? str_n(path, (size_t)(question - path)) : str_c(path),
        .query = question != NULL ? str_c(question + 1) : STR_NULL,
        .body = str_c(text),
        .request_id = STR("test"),
        .im_api_key = STR("demo-api-key"),
        .peer = STR("127.0.0.1"),
    };

    return api_begin(&thread, &request, take_reply, NULL);
}

static void come_home(void)
{
    store_wake(store.store); /* as an edge thread does before it waits */
    while (!mailbox_wait(store.home, 20000))
        fail_msg("a call did not come home");
    mailbox_drain(store.home, &thread, 0);
}

/* A whole call; its status. The envelope is in `body`. */
static int call(const char *method, const char *path, const char *text)
{
    const int before = answers;

    if (begin(method, path, text) != NULL)
        for (int homes = 0; answers == before && homes < 3; homes++) /* a recall that finds nothing looks once more */
            come_home();
    assert_int_equal(answers, before + 1);
    json_decref(body);
    body = reply.body != NULL ? json_loadb(reply.body, reply.len, 0, NULL) : NULL;
    if (body != NULL)
        assert_int_equal(json_integer_value(json_object_get(body, "RC")),
                         reply.status == 200 ? 0 : reply.status);
    return reply.status;
}

static const char *code(void)
{
    return json_string_value(json_object_get(json_object_get(body, "error"), "code"));
}

static void test_paths(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/rooms/demo-room", NULL), 200);
    assert_int_equal(call("GET", "//rooms///demo-room/", NULL), 200);
    assert_int_equal(call("GET", "/r%6foms/demo%2Droom", NULL), 200);
    assert_int_equal(call("HEAD", "/rooms/demo-room", NULL), 200);
    assert_int_equal(call("GET", "/rooms/other", NULL), 404);
    assert_string_equal(code(), "ROOM_NOT_FOUND");
    assert_int_equal(call("GET", "/rooms/%zz", NULL), 400);
    assert_int_equal(call("GET", "/rooms/%00", NULL), 400);
    assert_int_equal(call("GET", "/rooms/%ff", NULL), 400);
    assert_int_equal(call("GET", "/nowhere", NULL), 404);
    assert_string_equal(code(), "INVALID_BODY");
    assert_int_equal(call("GET", "/rooms/demo-room/nowhere", NULL), 404);
    assert_int_equal(call("GET", "/a/b/c/d/e/f/g/h/i/j", NULL), 404);
    assert_int_equal(call("GET", "", NULL), 302); /* the demo's first page */
    assert_int_equal(call("DELETE", "/rooms/demo-room", NULL), 405);
    assert_string_equal(reply.extra, "Allow: GET, HEAD\r\n");
    assert_int_equal(call("get", "/rooms/demo-room", NULL), 405);
}

static void test_envelope(void **state)
{
    json_t *result;

    (void)state;
    assert_int_equal(call("POST", "/rooms/demo-room/message", "{\"message\":\"hi\",\"sender\":\"ann\"}"),
                     200);
    assert_string_equal(reply.content_type, "application/json; charset=utf-8");
    assert_string_equal(json_string_value(json_object_get(body, "RM")), "OK");
    result = json_object_get(body, "result");
    assert_string_equal(json_string_value(json_object_get(result, "message")), "hi");
    assert_string_equal(json_string_value(json_object_get(result, "appID")), "SampleApp");
    assert_int_equal(strlen(json_string_value(json_object_get(result, "_id"))), 24);
    assert_int_equal(call("POST", "/rooms/demo-room/message", "{\"messageType\":7}"), 400);
    assert_null(json_object_get(body, "result"));
    assert_non_null(strstr(json_string_value(json_object_get(body, "RM")), "messageType"));
    assert_string_equal(json_string_value(json_object_get(body, "RM")),
                        json_string_value(json_object_get(json_object_get(body, "error"), "message")));
}

static void test_demo_alone_has_demo_calls(void **state)
{
    (void)state;
    assert_int_equal(call("POST", "/demo/token", "{\"user\":\"ann\"}"), 200);
    assert_non_null(json_object_get(json_object_get(body, "result"), "token"));
    gateway.demo = false;
    assert_int_equal(call("POST", "/demo/token", "{\"user\":\"ann\"}"), 404);
    assert_int_equal(call("GET", "/demo/", NULL), 404);
    assert_int_equal(call("GET", "/", NULL), 404);
    assert_int_equal(call("GET", "/healthz", NULL), 200);
}

static void test_demo_files(void **state)
{
    const struct config *config = config_holder_get(gateway.config);
    char path[128], err[256];
    FILE *file;

    (void)state;
    (void)snprintf(path, sizeof(path), "%s/index.html", store.dir);
    file = fopen(path, "wb");
    assert_non_null(file);
    fputs("<!doctype html>", file);
    fclose(file);
    gateway_close(&gateway);
    assert_true(gateway_intern_apps(&gateway, config, err, sizeof(err)));
    config_unref(config);
    assert_true(gateway_seed_demo(&gateway, err, sizeof(err)));
    assert_int_equal(unlink(path), 0); /* from here on it is in memory */
    assert_int_equal(call("GET", "/demo/", NULL), 200);
    assert_string_equal(reply.content_type, "text/html; charset=utf-8");
    assert_int_equal(reply.len, 15);
    assert_memory_equal(reply.static_body, "<!doctype html>", 15);
    assert_non_null(strstr(reply.extra, "Content-Security-Policy: default-src 'none'"));
    assert_int_equal(call("GET", "/demo", NULL), 302);
    assert_int_equal(call("GET", "/demo/index.html", NULL), 200);
    assert_int_equal(call("GET", "/demo/..%2findex.html", NULL), 404);
    assert_int_equal(call("GET", "/demo/data", NULL), 404); /* a folder */
}

static void test_rate(void **state)
{
    const int64_t began = clock_mono_ms();
    int passed = 0;

    (void)state;
    while (passed < 1000 && call("POST", "/rooms/demo-room/message", "{\"message\":\"hi\"}") == 200)
        passed++;
    /* Five at once, and one more for each 200 ms that they took. */
    assert_in_range(passed, 5, 5 + (clock_mono_ms() - began) / 200);
    assert_int_equal(reply.status, 429);
    assert_string_equal(code(), "RATE_LIMIT_EXCEEDED");
    assert_true(reply.retry_after_s >= 1);
    assert_int_equal(json_integer_value(json_object_get(body, "retryAfter")), reply.retry_after_s);
    /* Recalls are not held up by sends. */
    assert_int_equal(
        call("POST", "/rooms/demo-room/message", "{\"_id\":\"none\",\"messageType\":\"recall\"}"), 404);
}

static void test_admission_of_sends(void **state)
{
    const int64_t app = gateway_app_id(&gateway, STR("SampleApp"));
    const int64_t t = INT64_C(1714557600000);

    (void)state;
    assert_true(app > 0);
    assert_int_equal(gateway_app_id(&gateway, STR("OtherApp")), 0);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 0, 1000000, t), 0);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 10, t), 0);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 1, t), 1);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 1, t + 99), 1);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 1, t + 100), 0);
    /* A batch larger than a second's worth comes through after a pause, and the debt is then paid. */
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 50, t + 5000), 0);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 1, t + 5000), 5);
    assert_int_equal(gateway_admit(&gateway, app, GATEWAY_SENDS, 10, 1, t + 10000), 0);
}

static void test_draining(void **state)
{
    (void)state;
    assert_int_equal(call("GET", "/readyz", NULL), 200);
    atomic_store(&gateway.draining, true);
    assert_int_equal(call("GET", "/readyz", NULL), 503);
    assert_int_equal(call("GET", "/healthz", NULL), 200);
    assert_int_equal(call("POST", "/rooms/demo-room/message", "{\"message\":\"hi\"}"), 503);
    assert_string_equal(code(), "SERVICE_UNAVAILABLE");
    assert_true(reply.retry_after_s >= 1);
}

/* The peer left: no answer, and what was admitted happens all the same. */
static void test_cancelled_call(void **state)
{
    struct api_call *c = begin("POST", "/rooms/demo-room/message", "{\"_id\":\"kept\",\"message\":\"hi\"}");

    (void)state;
    assert_non_null(c);
    api_cancel(c);
    come_home();
    assert_int_equal(answers, 0);
    assert_int_equal(call("GET", "/rooms/demo-room/messages/kept?before=0&after=0", NULL), 200);
    api_cancel(NULL);
}

/* --- a full queue --- */

/* The writer stands between two gates: it says that it has begun, and waits to be let go. */
struct gates {
    struct mailbox *begun, *go;
};

static void hold(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct gates *gates = task->arg;

    (void)c;
    (void)now_ms;
    mailbox_close(gates->begun);
    (void)mailbox_wait(gates->go, -1);
}

static int start_small(void **state)
{
    const struct store_options options = {.write_queue = 1, .batch_max = 1};

    (void)state;
    return open_gateway(&options);
}

static void test_full_queue(void **state)
{
    struct gates gates = {mailbox_create(1, NULL, NULL), mailbox_create(1, NULL, NULL)};
    struct task task;

    (void)state;
    task_init(&task, &store, hold, &gates);
    assert_true(store_submit_write(store.store, &task.job));
    (void)mailbox_wait(gates.begun, -1);
    assert_non_null(begin("POST", "/rooms/demo-room/message", "{\"message\":\"waits\"}"));
    for (int i = 1; i <= 3; i++) {
        assert_null(begin("POST", "/rooms/demo-room/message", "{\"message\":\"too many\"}"));
        assert_int_equal(answers, i);
        assert_int_equal(reply.status, 503);
        assert_true(reply.retry_after_s >= 1);
    }
    mailbox_close(gates.go);
    while (answers < 4 || !task.finished) {
        store_wake(store.store);
        (void)mailbox_wait(store.home, 20000);
        mailbox_drain(store.home, NULL, 0);
    }
    assert_int_equal(reply.status, 200);
    mailbox_free(gates.begun);
    mailbox_free(gates.go);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_paths),
        TEST(test_envelope),
        TEST(test_demo_alone_has_demo_calls),
        TEST(test_demo_files),
        TEST(test_rate),
        TEST(test_admission_of_sends),
        TEST(test_draining),
        TEST(test_cancelled_call),
        cmocka_unit_test_setup_teardown(test_full_queue, start_small, stop),
    };

    log_set_level(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
