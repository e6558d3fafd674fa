/*
 * tests/unit/core_fixture.h - the rules of the core on a store of their own: each call is one job.
 *
 * Owns what `start` makes, until `stop`. Fails by failing the test. Thread: the test's; calls run on the writer's.
 */
#ifndef RECALLD_TESTS_CORE_FIXTURE_H
#define RECALLD_TESTS_CORE_FIXTURE_H

#include "auth/digest.h"
#include "auth/keys.h"
#include "bus/bus.h"
#include "core/client.h"
#include "core/history.h"
#include "core/message.h"
#include "core/room.h"
#include "store_fixture.h"

#include <jansson.h>

static struct fixture store;
static struct config *config;
static struct bus *bus;
static int64_t app_id, clock_ms;
static struct outcome out;
static json_t *result; /* of the last call; NULL after a refusal */

/* --- one call of the core as one job --- */

struct act {
    enum result (*run)(struct core_tx *tx, const struct principal *who, const void *arg);
    const char *user; /* NULL: the platform */
    const void *arg;
};

static inline void act_run(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct act *act = task->arg;
    struct core_tx tx = {.conn = c,
                         .arena = store_conn_arena(c),
                         .now_ms = clock_ms != 0 ? clock_ms : now_ms,
                         .app = &config->apps[0],
                         .app_id = app_id,
                         .bus = bus};
    struct principal who = {.kind = PRINCIPAL_PLATFORM};

    tx_outcome_reset(&out);
    if (act->user != NULL) {
        who.kind = PRINCIPAL_CLIENT;
        who.user = str_c(act->user);
        (void)store_client_get(c, app_id, who.user, &who.client);
    }
    out.rc = act->run(&tx, &who, act->arg);
}

static inline enum result act(const char *user,
                              enum result (*run)(struct core_tx *, const struct principal *, const void *),
                              const void *arg)
{
    struct act a = {run, user, arg};

    json_decref(result);
    result = NULL;
    assert_int_equal(fixture_run(&store, true, act_run, &a), RESULT_OK);
    if (out.rc == RESULT_OK && out.result.len != 0) {
        assert_true(json_out_ok(&out.result));
        result = json_loadb(out.result.p, out.result.len, JSON_DECODE_ANY, NULL);
        assert_non_null(result);
    }
    if (out.rc != RESULT_OK)
        assert_true(strlen(out.text) > 10);
    return out.rc;
}

static inline const char *text_at(const char *key)
{
    return json_string_value(json_object_get(result, key));
}

static inline bool has_member(const char *user)
{
    size_t i;
    json_t *member;

    json_array_foreach(json_object_get(result, "members"), i, member) {
        if (strcmp(json_string_value(json_object_get(member, "_id")), user) == 0)
            return true;
    }
    return false;
}

static inline const char *role_of(const char *user)
{
    size_t i;
    json_t *member;

    json_array_foreach(json_object_get(result, "memberProperties"), i, member) {
        if (strcmp(json_string_value(json_object_get(member, "client")), user) == 0)
            return json_string_value(json_object_get(member, "role"));
    }
    return NULL;
}

/* --- the calls, with arguments as tests like them --- */

struct named {
    const char *room, *user, *value;
};
#define N1(a) (&(const struct named){a, NULL, NULL})
#define N2(a, b) (&(const struct named){a, b, NULL})
#define N3(a, b, c) (&(const struct named){a, b, c})

static inline enum result do_upsert(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return client_upsert(tx, who, arg, 1, false, &out);
}

static inline enum result upsert(const char *id)
{
    const struct client_command c = {.id = str_c(id), .nickname = str_c(id), .is_robot = -1};

    return act(NULL, do_upsert, &c);
}

static inline void intern(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    (void)task;
    app_id = store_app_intern(c, str_c(config->apps[0].name));
}

static inline void ignore_notice(struct bus_notice *notice, void *ctx)
{
    (void)notice;
    (void)ctx;
}

static inline int start(void **state)
{
    static const char *const users[] = {"ann", "ben", "cho", "dan"};
    struct config_error err;

    (void)state;
    fixture_start(&store);
    config = config_demo(NULL, &err);
    if (config == NULL || !keys_attach(config, &err))
        return -1;
    bus = bus_create(ignore_notice, 0);
    clock_ms = 0;
    tx_outcome_init(&out);
    assert_int_equal(fixture_run(&store, true, intern, NULL), RESULT_OK);
    assert_true(app_id > 0);
    for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++)
        assert_int_equal(upsert(users[i]), RESULT_OK);
    return 0;
}

static inline int stop(void **state)
{
    (void)state;
    json_decref(result);
    result = NULL;
    tx_outcome_free(&out);
    fixture_free(&store);
    bus_destroy(bus);
    config_unref(config);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

#endif
