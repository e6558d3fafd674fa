/*
 * tests/unit/audience_fixture.h - messages for some users alone, sent and read, for the tests of who sees what.
 *
 * Owns what ledger_fixture.h owns. Fails by failing the test. Thread: the test's.
 */
#ifndef RECALLD_TESTS_AUDIENCE_FIXTURE_H
#define RECALLD_TESTS_AUDIENCE_FIXTURE_H

#include "ledger_fixture.h"

#include "core/audience.h"
#include "core/event.h"
#include "core/replay.h"

#define DEVICE_MS (30 * INT64_C(86400000))
#define ANN "{\"users\":[\"ann\"]}"

/* --- sending --- */

struct sending {
    const char *room, *id, *audience, *reply;
    bool unlisted, not_counted;
};

/* As a send of the platform's does it; the room is made if there is none. */
static inline enum result do_put(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct sending *s = arg;
    struct message_row m = {.room = str_c(s->room),
                            .id = str_c(s->id),
                            .sender = STR("dan"),
                            .type = STR("text"),
                            .body = arena_printf(tx->arena, "\"body of %s\"", s->id),
                            .reply = s->reply != NULL ? str_c(s->reply) : STR_NULL,
                            .time_ms = tx->now_ms,
                            .created_ms = tx->now_ms,
                            .updated_ms = tx->now_ms,
                            .version = 1,
                            .audience = s->audience != NULL ? str_c(s->audience) : STR_NULL,
                            .unlisted = s->unlisted,
                            .not_counted = s->not_counted};
    struct room_row room;

    (void)who;
    if (!store_room_get(tx->conn, tx->app_id, m.room, &room)) {
        room = (struct room_row){.app = tx->app_id, .id = m.room, .name = STR(""), .type = STR("group"), .owner = STR(""), .min_seq = 1};
        store_room_add(tx->conn, &room);
    }
    m.room_key = room.key;
    m.seq = out.seq = event_next(tx, &room);
    store_message_add(tx->conn, tx->app_id, &m);
    event_append(tx, &room, EVENT_MESSAGE, m.seq, m.id, &m, STR_NULL, NULL, 0);
    return RESULT_OK;
}

static inline int64_t put(const char *room, const char *id, const char *audience)
{
    const struct sending s = {.room = room, .id = id, .audience = audience};

    assert_int_equal(act(NULL, do_put, &s), RESULT_OK);
    return out.seq;
}

/* --- reading --- */

static inline enum result do_replay(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct replay_query q = {.room = str_c(n->room), .limit = 100};

    tx->device_ms = DEVICE_MS;
    return replay_page(tx, who, &q, &out);
}

/* The numbers that the log shows a user, as "1 3 "; "refused" if it is not theirs to read. */
static inline const char *numbers(const char *user, const char *room)
{
    static char text[200];
    size_t i;
    json_t *event;

    text[0] = '\0';
    if (act(user, do_replay, N1(room)) != RESULT_OK)
        return "refused";
    json_array_foreach(json_object_get(result, "events"), i, event) {
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%d ",
                       (int)json_integer_value(json_object_get(event, "seq")));
    }
    assert_true(json_is_false(json_object_get(result, "more")));
    return text;
}

static inline enum result do_history(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct history_query *q = arg;

    tx->device_ms = DEVICE_MS;
    return history_page(tx, who, q, &out);
}

static inline enum result do_around(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return history_around(tx, who, str_c(n->room), str_c(n->user), 10, 10, &out);
}

/* The ids of `data`, as "m2 m1 ". */
static inline const char *ids(void)
{
    static char text[200];
    size_t i;
    json_t *m;

    text[0] = '\0';
    json_array_foreach(json_object_get(result, "data"), i, m)
        (void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s ", json_string_value(json_object_get(m, "_id")));
    return text;
}

static inline const char *history(const char *user, const char *room, size_t limit, const char *before)
{
    const struct history_query q = {
        .room = str_c(room), .limit = limit, .before = before != NULL ? str_c(before) : STR_NULL, .field = MESSAGE_BY_CREATED};

    return act(user, do_history, &q) == RESULT_OK ? ids() : "refused";
}

static inline int64_t total(void)
{
    return json_integer_value(json_object_get(result, "totalCount"));
}

static inline enum result do_room(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_get(tx, who, str_c(n->room), &out);
}

static inline enum result do_read(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return room_mark_read(tx, who, str_c(n->room), str_c(n->user), &out);
}

static inline enum result do_hide(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str id = str_c(n->user);

    return message_hide(tx, who, str_c(n->room), &id, 1, &out);
}

static inline enum result do_reply(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct message_command c = {.room = str_c(n->room), .id = str_c(n->user), .body = STR("\"re\""), .reply = str_c(n->value)};

    return message_send(tx, who, &c, &out);
}

#endif
