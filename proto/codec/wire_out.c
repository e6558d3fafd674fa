#include "proto/codec/wire_out.h"

#include <string.h>

static void text(struct json_out *o, const char *key, struct wire_text t)
{
    if (t.p == NULL)
        json_out_knull(o, key);
    else
        json_out_kstr(o, key, t.p, t.n);
}

static void raw(struct json_out *o, const char *key, struct wire_text t, const char *without)
{
    if (t.p == NULL)
        json_out_kraw(o, key, without, strlen(without));
    else
        json_out_kraw(o, key, t.p, t.n);
}

static void begin(struct json_out *o, const char *op)
{
    json_out_object(o);
    json_out_kcstr(o, "op", op);
}

static void begin_answer(struct json_out *o, const char *op, const int64_t *id)
{
    begin(o, op);
    if (id == NULL)
        json_out_knull(o, "id");
    else
        json_out_kint(o, "id", *id);
}

static void place(struct json_out *o, const struct wire_event *at)
{
    text(o, "room", at->room);
    text(o, "epoch", at->epoch);
    json_out_kint(o, "seq", at->seq);
}

static void begin_event(struct json_out *o, const struct wire_event *at, const char *type)
{
    begin(o, "event");
    place(o, at);
    json_out_kcstr(o, "type", type);
}

static void begin_signal(struct json_out *o, struct wire_text room, const char *type)
{
    begin(o, "signal");
    text(o, "room", room);
    json_out_kcstr(o, "type", type);
}

void wire_out_ready(struct json_out *o, const struct wire_ready *r)
{
    begin(o, "ready");
    if (r->id != NULL)
        json_out_kint(o, "id", *r->id);
    text(o, "session", r->session);
    text(o, "device", r->device);
    json_out_key(o, "user");
    json_out_object(o);
    text(o, "_id", r->user_id);
    text(o, "nickname", r->nickname);
    json_out_object_end(o);
    json_out_kint(o, "pingMS", r->ping_ms);
    json_out_key(o, "limits");
    json_out_object(o);
    json_out_kint(o, "frame", r->frame_max);
    json_out_kint(o, "rooms", r->rooms_max);
    json_out_object_end(o);
    json_out_object_end(o);
}

void wire_out_reply(struct json_out *o, const int64_t *id, struct wire_text result)
{
    begin_answer(o, "reply", id);
    json_out_kint(o, "RC", 0);
    json_out_kcstr(o, "RM", "OK");
    raw(o, "result", result, "{}");
    json_out_object_end(o);
}

void wire_out_error(struct json_out *o, const int64_t *id, int rc, const char *code, struct wire_text rm,
                    int retry_s)
{
    begin_answer(o, "reply", id);
    json_out_kint(o, "RC", rc);
    json_out_kstr(o, "RM", rm.p, rm.n);
    json_out_key(o, "error");
    json_out_object(o);
    json_out_kcstr(o, "code", code);
    json_out_kstr(o, "message", rm.p, rm.n);
    json_out_object_end(o);
    if (retry_s >= 0)
        json_out_kint(o, "retryAfter", retry_s);
    json_out_object_end(o);
}

void wire_out_pong(struct json_out *o, const int64_t *id, int64_t ts_ms)
{
    begin_answer(o, "pong", id);
    json_out_kint(o, "tsMS", ts_ms);
    json_out_object_end(o);
}

void wire_out_expiring(struct json_out *o, int64_t in_ms)
{
    begin(o, "expiring");
    json_out_kint(o, "inMS", in_ms);
    json_out_object_end(o);
}

void wire_out_bye(struct json_out *o, int code, const char *reason, int64_t reconnect_ms)
{
    begin(o, "bye");
    json_out_kint(o, "code", code);
    json_out_kcstr(o, "reason", reason);
    if (reconnect_ms >= 0)
        json_out_kint(o, "reconnectMS", reconnect_ms);
    json_out_object_end(o);
}

void wire_out_reset(struct json_out *o, const struct wire_event *at)
{
    begin(o, "reset");
    place(o, at);
    json_out_object_end(o);
}

void wire_out_read(struct json_out *o, struct wire_text room, struct wire_text client,
                   struct wire_text last_read)
{
    begin_signal(o, room, "read");
    text(o, "client", client);
    text(o, "lastRead", last_read);
    json_out_object_end(o);
}

void wire_out_typing(struct json_out *o, struct wire_text room, struct wire_text client)
{
    begin_signal(o, room, "typing");
    text(o, "client", client);
    json_out_object_end(o);
}

void wire_out_progress(struct json_out *o, struct wire_text room, struct wire_text message_id, int64_t acked,
                       int64_t devices)
{
    begin_signal(o, room, "recallProgress");
    text(o, "_id", message_id);
    json_out_kint(o, "acked", acked);
    json_out_kint(o, "devices", devices);
    json_out_object_end(o);
}

/* Where the text begins that was written last. */
static size_t start_of(const struct json_out *o, struct wire_text t)
{
    return o->len - t.n;
}

static size_t about_message(struct json_out *o, const struct wire_event *at, const char *type, struct wire_text message)
{
    size_t start;

    begin_event(o, at, type);
    raw(o, "message", message, "null");
    start = start_of(o, message);
    json_out_object_end(o);
    return start;
}

size_t wire_out_message(struct json_out *o, const struct wire_event *at, struct wire_text message)
{
    return about_message(o, at, "message", message);
}

size_t wire_out_edit(struct json_out *o, const struct wire_event *at, struct wire_text message)
{
    return about_message(o, at, "edit", message);
}

/* RongCloud's RC:RcCmd. isAdmin and isDelete are booleans: a published mobile SDK reads 1 as false. */
static void recall_content(struct json_out *o, const struct wire_recall *r)
{
    json_out_key(o, "content");
    json_out_object(o);
    text(o, "messageUId", r->message_id);
    text(o, "targetId", r->target_id);
    json_out_kcstr(o, "channelId", ""); /* of ultra groups, whose channels are not kept apart */
    json_out_kint(o, "conversationType", r->conversation_type);
    json_out_kint(o, "sentTime", r->sent_ms);
    json_out_kbool(o, "isAdmin", r->is_admin);
    json_out_kbool(o, "isDelete", r->is_delete);
    json_out_kstr(o, "extra", r->extra.p, r->extra.p == NULL ? 0 : r->extra.n);
    json_out_kbool(o, "disableUpdateLastMsg", r->disable_update_last);
    text(o, "originalFromUserId", r->author_id);
    if (r->user_id.p == NULL) {
        json_out_knull(o, "user");
    } else {
        json_out_key(o, "user");
        json_out_object(o);
        text(o, "id", r->user_id);
        text(o, "name", r->user_name);
        json_out_object_end(o);
    }
    json_out_object_end(o);
}

struct wire_places wire_out_recall(struct json_out *o, const struct wire_event *at, const struct wire_recall *r)
{
    struct wire_places places;

    begin_event(o, at, "recall");
    json_out_kcstr(o, "objectName", "RC:RcCmd");
    recall_content(o, r);
    raw(o, "message", r->message, "null");
    places.message = start_of(o, r->message);
    json_out_kint(o, "recallTimeMS", r->recall_ms);
    raw(o, "lastMessage", r->last_message, "null");
    places.last_message = start_of(o, r->last_message);
    json_out_key(o, "quotedBy");
    json_out_array(o);
    for (size_t i = 0; i < r->quoted_count; i++)
        json_out_str(o, r->quoted_by[i].p, r->quoted_by[i].n);
    json_out_array_end(o);
    json_out_object_end(o);
    return places;
}

void wire_out_room(struct json_out *o, const struct wire_event *at, struct wire_text data)
{
    begin_event(o, at, "room");
    json_out_members(o, data.p, data.n);
    json_out_object_end(o);
}
