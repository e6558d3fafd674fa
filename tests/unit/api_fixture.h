/*
 * tests/unit/api_fixture.h - HTTP calls without HTTP, on one edge thread, which is the test's: a store of its own, the hub, the demo's users.
 *
 * Owns everything from start to stop. Fails by failing the test. Thread: the test's.
 */
#ifndef RECALLD_TESTS_API_FIXTURE_H
#define RECALLD_TESTS_API_FIXTURE_H

#include "api/api.h"
#include "api/recalled.h"
#include "api/session.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "store_fixture.h"

#include <jansson.h>

#define SECRET "what nobody may see"
#define ROOM_EVENTS "/rooms/demo-room/events"

static struct fixture store;
static struct gateway gateway;
static struct api_thread *thread;
static struct api_reply reply; /* the last one */
static int answers;
static json_t *body;
static char token[512];

static inline void wake(void *arg)
{
    (void)arg;
}

static inline void take_reply(void *context, struct api_reply *r)
{
    (void)context;
    free(reply.body);
    reply = *r;
    answers++;
}

static inline int start(void **state)
{
    struct config_error err;
    char text[512];
    struct config *config;

    (void)state;
    fixture_make(&store);
    mailbox_free(store.home);
    store.home = mailbox_create(1000, NULL, NULL);
    if (fixture_open(&store, NULL) == NULL)
        return -1;
    config = config_demo(NULL, &err);
    if (config == NULL || !keys_attach(config, &err))
        return -1;
    gateway = (struct gateway){.config = config_holder_create(config), .store = store.store, .demo = true};
    gateway.bus = bus_create(session_bus_handler(), 0);
    gateway.metrics.registry = metrics_create();
    gateway.demo_dir = store.dir;
    if (!gateway_watch_recalls(&gateway) || !gateway_intern_apps(&gateway, config, text, sizeof(text)) ||
        !gateway_seed_demo(&gateway, text, sizeof(text)))
        return -1;
    thread = session_thread_create(&gateway, 0, store.home, store.home, wake, NULL);
    answers = 0;
    return thread == NULL;
}

static inline int stop(void **state)
{
    (void)state;
    json_decref(body);
    body = NULL;
    free(reply.body);
    reply = (struct api_reply){.status = 0};
    session_thread_destroy(thread);
    gateway_close(&gateway);
    metrics_free(gateway.metrics.registry);
    config_holder_free(gateway.config);
    fixture_free(&store);
    bus_destroy(gateway.bus);
    return 0;
}

/* --- calls --- */

static inline struct api_request request_of(const char *method, const char *path, const char *text)
{
    const char *question = strchr(path, '?');

    return (struct api_request){
        .method = str_c(method),
        .path = question != NULL ? str_n(path, (size_t)(question - path)) : str_c(path),
        .query = question != NULL ? str_c(question + 1) : STR_NULL,
        .body = str_c(text),
        .request_id = STR("test"),
        .peer = STR("127.0.0.1"),
    };
}

static inline struct api_call *begin(const char *method, const char *path, const char *text)
{
    struct api_request request = request_of(method, path, text);

    request.im_api_key = STR("demo-api-key");
    return api_begin(thread, &request, take_reply, NULL);
}

static inline void deliver(size_t max)
{
    (void)session_mail(thread, max);
    while (session_turn(thread))
        ;
    store_wake(store.store);
}

static inline void wait_depth(size_t n)
{
    store_wake(store.store);
    for (int i = 0; mailbox_depth(store.home) < n; i++) {
        if (i == 20000)
            fail_msg("a call did not come home");
        usleep(1000);
    }
}

static inline int finish(int before)
{
    while (answers == before) {
        store_wake(store.store); /* as an edge thread does before it waits */
        if (!mailbox_wait(store.home, 20000))
            fail_msg("a call did not come home");
        deliver(0);
    }
    assert_int_equal(answers, before + 1);
    json_decref(body);
    body = reply.body != NULL ? json_loadb(reply.body, reply.len, 0, NULL) : NULL;
    return reply.status;
}

static inline int call(const char *method, const char *path, const char *text)
{
    const int before = answers;

    (void)begin(method, path, text);
    return finish(before);
}

/* As a user of the demo. */
static inline int call_as(const char *user, const char *path, const char *accept, const char *last_event_id)
{
    struct api_request request = request_of("GET", path, NULL);
    char text[64];
    int before;

    (void)snprintf(text, sizeof(text), "{\"user\":\"%s\"}", user);
    assert_int_equal(call("POST", "/demo/token", text), 200);
    (void)snprintf(token, sizeof(token), "%s",
                   json_string_value(json_object_get(json_object_get(body, "result"), "token")));
    request.im_client_key = STR("demo-client-key");
    request.im_authorization = str_c(token);
    request.accept = str_c(accept);
    request.last_event_id = str_c(last_event_id);
    before = answers;
    (void)api_begin(thread, &request, take_reply, NULL);
    return finish(before);
}

static inline const json_t *result(const char *key)
{
    return json_object_get(json_object_get(body, "result"), key);
}

static inline const char *code(void)
{
    return json_string_value(json_object_get(json_object_get(body, "error"), "code"));
}

static inline bool shows(const char *text)
{
    return reply.body != NULL && memmem(reply.body, reply.len, text, strlen(text)) != NULL;
}

static inline void send_message(const char *id, const char *text)
{
    char json[256];

    (void)snprintf(json, sizeof(json), "{\"_id\":\"%s\",\"message\":\"%s\",\"sender\":\"ann\"}", id, text);
    assert_int_equal(call("POST", "/rooms/demo-room/message", json), 200);
}

static inline void recall(const char *id)
{
    char json[128];

    (void)snprintf(json, sizeof(json), "{\"_id\":\"%s\",\"messageType\":\"recall\"}", id);
    assert_int_equal(call("POST", "/rooms/demo-room/message", json), 200);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
