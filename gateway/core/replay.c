#include "core/replay.h"

#include "core/event.h"
#include "core/room_access.h"

#define REPLAY_STEP 32U

enum result replay_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room)
{
    return room_access_open(tx, user, id, room, NULL);
}

enum result replay_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                         struct outcome *out)
{
    return room_access_enter(tx, who, id, room, NULL, out);
}

/* The frame of an event as `user` may see it; NULL: they may not, or the store failed. */
static struct frame *render(struct core_tx *tx, const struct room_row *room, struct str user, const struct event_row *event,
                            bool *limited)
{
    struct message_row message;

    if (event->type == EVENT_ROOM)
        return event_render(tx, room, event, NULL, NULL, 0);
    event_subject(tx, room, event, &message);
    *limited = *limited || message.audience.p != NULL;
    return audience_sees(tx, user, &message) ? event_render(tx, room, event, &message, NULL, 0) : NULL;
}

void replay_frames(struct core_tx *tx, const struct room_row *room, struct str user, int64_t after, size_t limit,
                   struct frame **frames, struct replay_found *found)
{
    struct event_row *events = arena_alloc(tx->arena, limit * sizeof(*events));
    const size_t n = store_event_page(tx->conn, room->key, after, events, limit);

    *found = (struct replay_found){.upto = n < limit && room->seq > after ? room->seq : after};
    for (size_t i = 0; i < n; i++) {
        const struct arena_mark mark = arena_mark(tx->arena);
        struct frame *frame = render(tx, room, user, &events[i], &found->limited);

        arena_rewind(tx->arena, mark); /* a frame owns its texts; of what is left out nothing stays */
        if (frame != NULL)
            frames[found->count++] = frame;
        if (found->upto < events[i].seq)
            found->upto = events[i].seq;
    }
    if (store_conn_failed(tx->conn))
        found->upto = after;
}

/* A few events at a time, so that a page of large messages is not rendered whole before its size is known. */
static void write_events(struct core_tx *tx, const struct room_row *room, struct str user, const struct replay_query *q,
                         struct json_out *o)
{
    struct frame *frames[REPLAY_STEP];
    struct replay_found found;
    int64_t at = q->since;
    size_t written = 0;

    json_out_key(o, "events");
    json_out_array(o);
    /* For a user whom few of the events are for, this may go on through the whole log. */
    while (written < q->limit && o->len < REPLAY_BYTES && at < room->seq && !store_conn_failed(tx->conn)) {
        const struct arena_mark mark = arena_mark(tx->arena);

        replay_frames(tx, room, user, at, q->limit - written < REPLAY_STEP ? q->limit - written : REPLAY_STEP, frames, &found);
        for (size_t i = 0; i < found.count; i++) {
            json_out_raw(o, frames[i]->payload.p, frames[i]->payload.n);
            frame_unref(frames[i]);
        }
        arena_rewind(tx->arena, mark);
        written += found.count;
        at = found.upto;
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
        write_events(tx, &room, who->kind == PRINCIPAL_CLIENT ? who->user : STR_NULL, q, o);
    json_out_object_end(o);
    return RESULT_OK;
}
