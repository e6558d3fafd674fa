/*
 * tests/unit/ledger_fixture.h - rooms, devices, recalls and acks, and a look at the ledger, for the tests of it.
 *
 * Owns what core_fixture.h owns, and the batch of the last ack. Fails by failing the test. Thread: the test's.
 */
#ifndef RECALLD_TESTS_LEDGER_FIXTURE_H
#define RECALLD_TESTS_LEDGER_FIXTURE_H

#include "core_fixture.h"

#include "core/device.h"
#include "core/ledger.h"
#include "core/recall.h"

#define T0 INT64_C(1700000000000)
#define DAY INT64_C(86400000)
#define DAYS INT64_C(30)

/* --- the calls --- */

static inline enum result do_create(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_create(tx, who, arg, &out);
}

/* A room of ann's with ben and cho. */
static inline void make_room(const char *id)
{
    const struct str invitees[2] = {STR("ben"), STR("cho")};
    const struct room_command c = {
        .id = str_c(id), .opening = -1, .members = invitees, .member_count = 2, .join_caller = true};

    assert_int_equal(act("ann", do_create, &c), RESULT_OK);
}

static inline enum result do_add(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str user = str_c(n->user);

    return room_add_members(tx, who, str_c(n->room), &user, 1, &out);
}

static inline enum result do_remove(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str user = str_c(n->user);

    return room_remove_members(tx, who, str_c(n->room), &user, 1, &out);
}

static inline enum result do_role(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_set_role(tx, who, str_c(n->room), str_c(n->user), str_c(n->value), &out);
}

static inline enum result do_send(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct message_command c = {.room = str_c(n->room), .id = str_c(n->user), .body = STR("\"hi\"")};

    return message_send(tx, who, &c, &out);
}

static inline enum result do_recall(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct recall_command c = {.room = str_c(n->room), .message = str_c(n->user), .reason = str_c(n->value)};

    return recall_apply(tx, who, &c, &out);
}

/* Sends as `user` and recalls as the same; the recall's seq. */
static inline int64_t recalled(const char *user, const char *room, const char *id)
{
    assert_int_equal(act(user, do_send, N2(room, id)), RESULT_OK);
    assert_int_equal(act(user, do_recall, N3(room, id, "a slip")), RESULT_OK);
    assert_true(out.seq > 0);
    return out.seq;
}

static inline enum result do_seen(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    (void)who;
    device_seen(tx, str_c(n->room), str_c(n->user), str_c(n->value), STR_NULL, 1, DAYS);
    return RESULT_OK;
}

static inline void seen(const char *user, const char *device, const char *caps)
{
    assert_int_equal(act(NULL, do_seen, N3(user, device, caps)), RESULT_OK);
}

static struct device_acks batch; /* of the last ack */

static inline enum result do_ack(struct core_tx *tx, const struct principal *who, const void *arg)
{
    (void)who;
    device_acks_free(&batch);
    device_ack(tx, &batch, arg);
    device_purge(tx, DAYS);
    return RESULT_OK;
}

static inline void acks(const char *user, const char *device, const char *room, int64_t seq)
{
    const struct device_ack a = {.user = str_c(user),
                                 .device = str_c(device),
                                 .room = str_c(room),
                                 .seq = seq,
                                 .acked_ms = clock_ms,
                                 .can_recall = true};

    assert_int_equal(act(NULL, do_ack, &a), RESULT_OK);
}

struct ask {
    const char *room, *message, *after;
    size_t limit;
    const char *connected; /* a device that is connected; NULL: none */
};

static inline enum result do_ledger(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct ask *a = arg;
    struct ledger_query q = {
        .room = str_c(a->room), .message = str_c(a->message), .limit = a->limit != 0 ? a->limit : 100, .device_ms = DAYS * DAY};
    struct ledger l;
    enum result rc;

    if (a->after != NULL)
        assert_true(ledger_cursor_read(tx->arena, str_c(a->after), &q.after_user, &q.after_device));
    rc = ledger_collect(tx, who, &q, &l, tx->arena, &out);
    if (rc != RESULT_OK)
        return rc;
    for (struct ledger_chunk *c = l.chunks; c != NULL; c = c->next)
        for (size_t i = 0; i < c->n; i++)
            atomic_store(&c->open[i].connected, a->connected != NULL && str_eq(c->open[i].device, str_c(a->connected)));
    ledger_finish(&l, &out.result);
    return rc;
}

static inline enum result ledger(const char *user, const char *room, const char *message)
{
    const struct ask a = {.room = room, .message = message};

    return act(user, do_ledger, &a);
}

/* --- looking at the answer --- */

static inline int64_t count(const char *state)
{
    return json_integer_value(json_object_get(json_object_get(result, "counts"), state));
}

static inline void check_counts(int64_t acked, int64_t refused, int64_t pending, int64_t offline, int64_t incapable)
{
    assert_int_equal(count("acked"), acked);
    assert_int_equal(count("refused"), refused);
    assert_int_equal(count("pending"), pending);
    assert_int_equal(count("offline"), offline);
    assert_int_equal(count("incapable"), incapable);
}

static inline const json_t *device(const char *name)
{
    size_t i;
    json_t *one;

    json_array_foreach(json_object_get(result, "devices"), i, one) {
        if (strcmp(json_string_value(json_object_get(one, "device")), name) == 0)
            return one;
    }
    return NULL;
}

static inline const char *state(const char *name)
{
    return json_string_value(json_object_get(device(name), "state"));
}

/* -1: null */
static inline int64_t delay(const char *name)
{
    const json_t *ms = json_object_get(device(name), "ackMS");

    assert_non_null(ms);
    return json_is_null(ms) ? -1 : json_integer_value(ms);
}

static inline int64_t ack_ms(const char *name)
{
    const json_t *ms = json_object_get(json_object_get(result, "ackMS"), name);

    assert_non_null(ms);
    return json_is_null(ms) ? -1 : json_integer_value(ms);
}

static inline int end(void **unused)
{
    device_acks_free(&batch);
    return stop(unused);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, start, end)

#endif
