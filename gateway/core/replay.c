#include "core/replay.h"

#include "core/event.h"
#include "core/room.h"

#include <stdio.h>

#define REPLAY_STEP 32U

static bool begins(struct str s, const char *with)
{
    const size_t n = strlen(with);

    return s.n > n && memcmp(s.p, with, n) == 0;
}

/* The server's own rooms that say by their names who may read them: ~broadcast everyone, ~system/USER that user. */
static bool named_for(struct str id, struct str user, bool *named)
{
    *named = str_eq(id, STR("~broadcast")) || begins(id, "~system/");
    return !*named || user.p == NULL || id.p[1] == 'b' || str_eq(str_n(id.p + 8, id.n - 8), user);
}

enum result replay_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room)
{
    struct member_row member;
    bool named;

    if (!named_for(id, user, &named))
        return RESULT_NOT_MEMBER;
    if (!store_room_get(tx->conn, tx->app_id, id, room)) {
        if (store_conn_failed(tx->conn))
            return RESULT_UNAVAILABLE;
        memset(room, 0, sizeof(*room));
        room->id = id;
        room->min_seq = 1;
        return named ? RESULT_OK : user.p == NULL ? RESULT_NO_ROOM : RESULT_NOT_MEMBER;
    }
    if (named || user.p == NULL || store_member_get(tx->conn, room->key, user, &member))
        return RESULT_OK;
    return store_conn_failed(tx->conn) ? RESULT_UNAVAILABLE : RESULT_NOT_MEMBER;
}

enum result replay_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                         struct outcome *out)
{
    const enum result rc = replay_open(tx, who->user, id, room);

    if (rc == RESULT_NO_ROOM)
        return tx_fail(out, rc, "There is no room \"%.*s\"", (int)id.n, id.p);
    if (rc != RESULT_OK)
        return tx_fail(out, rc, "%s",
                       rc == RESULT_NOT_MEMBER ? "You are no member of this room, or it does not exist" : result_text(rc));
    return rc;
}

size_t replay_frames(struct core_tx *tx, const struct room_row *room, int64_t after, struct frame **frames, size_t limit)
{
    struct event_row *events = arena_alloc(tx->arena, limit * sizeof(*events));
    const size_t n = store_event_page(tx->conn, room->key, after, events, limit);

    for (size_t i = 0; i < n; i++) {
        frames[i] = event_render(tx, room, &events[i], NULL, NULL, 0);
        if (frames[i] == NULL)
            return i; /* the store failed, which the caller sees */
    }
    return n;
}

/* A few events at a time, so that a page of large messages is not rendered whole before its size is known. */
static void write_events(struct core_tx *tx, const struct room_row *room, const struct replay_query *q, struct json_out *o)
{
    struct frame *frames[REPLAY_STEP];
    int64_t at = q->since;
    size_t written = 0;

    json_out_key(o, "events");
    json_out_array(o);
    while (written < q->limit && o->len < REPLAY_BYTES && at < room->seq) {
        const size_t want = q->limit - written < REPLAY_STEP ? q->limit - written : REPLAY_STEP;
        const size_t n = replay_frames(tx, room, at, frames, want);

        for (size_t i = 0; i < n; i++) {
            at = frames[i]->seq;
            json_out_raw(o, frames[i]->payload.p, frames[i]->payload.n);
            frame_unref(frames[i]);
        }
        written += n;
        if (n < want)
            at = room->seq; /* nothing more is to be seen */
    }
    json_out_array_end(o);
    json_out_kbool(o, "more", at < room->seq);
}

static void write_reset(struct json_out *o, struct str epoch, int64_t head)
{
    json_out_key(o, "events");
    json_out_array(o);
    json_out_array_end(o);
    json_out_kbool(o, "more", false);
    json_out_key(o, "reset");
    json_out_object(o);
    json_out_kstr(o, "epoch", epoch.p, epoch.n);
    json_out_kint(o, "seq", head);
    json_out_object_end(o);
}

enum result replay_page(struct core_tx *tx, const struct principal *who, const struct replay_query *q, struct outcome *out)
{
    const struct str epoch = store_conn_epoch(tx->conn);
    struct json_out *o = &out->result;
    struct room_row room;
    const enum result rc = replay_enter(tx, who, q->room, &room, out);

    if (rc != RESULT_OK)
        return rc;
    json_out_object(o);
    json_out_kstr(o, "room", room.id.p, room.id.n);
    json_out_kstr(o, "epoch", epoch.p, epoch.n);
    json_out_kint(o, "seq", room.seq);
    if ((q->epoch.p != NULL && !str_eq(q->epoch, epoch)) || q->since > room.seq || q->since + 1 < room.min_seq)
        write_reset(o, epoch, room.seq);
    else
        write_events(tx, &room, q, o);
    json_out_object_end(o);
    return RESULT_OK;
}
