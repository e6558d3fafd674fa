/*
 * proto/codec/wire_out.h - encodes the frames that the server sends (PROTOCOL.md, "recall.v1").
 *
 * Owns:    nothing; the text is appended to the caller's json_out.
 * Borrows: every argument, during the call. "Raw" arguments are one complete JSON value each, already
 *          rendered.
 * Bounds:  those of json_out; each call writes exactly one frame into an empty writer.
 * Fails:   as json_out does: ask json_out_ok (or json_out_take) once afterwards.
 * Thread:  any; the writer belongs to one thread at a time.
 *
 * An `id` argument points at the client's number, or is NULL where the client gave none that could be
 * read.
 */
#ifndef RECALL_PROTO_WIRE_OUT_H
#define RECALL_PROTO_WIRE_OUT_H

#include "proto/codec/json_out.h"
#include "proto/codec/wire_text.h"

/* What `ready` tells. */
struct wire_ready {
    const int64_t *id; /* NULL: authenticated by headers, so the frame has no id */
    struct wire_text session;
    struct wire_text device; /* the client's own, or the one the server made */
    struct wire_text user_id;
    struct wire_text nickname; /* p NULL: written as null */
    int64_t ping_ms;
    int64_t frame_max; /* bytes of the largest frame from a client */
    int64_t rooms_max; /* rooms that one connection may follow */
};

/* What every event frame begins with. */
struct wire_event {
    struct wire_text room;
    struct wire_text epoch;
    int64_t seq;
};

/* A recall command: the members of an event frame of type "recall". */
struct wire_recall {
    struct wire_text message_id;
    struct wire_text target_id; /* the room; of a private conversation the receiver */
    int conversation_type;      /* RongCloud's: 1 private, 3 group, 4 chatroom, 6 system */
    int64_t sent_ms;            /* messageTimeMS of the original */
    bool is_admin;
    bool is_delete;
    bool disable_update_last;
    struct wire_text extra;            /* p NULL: "" */
    struct wire_text author_id;        /* p NULL: null, a message without a sender */
    struct wire_text user_id;          /* who recalled; p NULL: the platform, written as "user":null */
    struct wire_text user_name;        /* p NULL: null */
    struct wire_text message;          /* raw: the IMKit object after the recall */
    int64_t recall_ms;                 /* the moment of the recall */
    struct wire_text last_message;     /* raw; p NULL: null */
    const struct wire_text *quoted_by; /* ids of the messages whose quoted copy must be cleared */
    size_t quoted_count;
};

/* The answer to `auth`, or to an upgrade with credentials in its headers. */
void wire_out_ready(struct json_out *o, const struct wire_ready *r);

/* An answer that all is well; `result` is raw, p NULL writes {}. */
void wire_out_reply(struct json_out *o, const int64_t *id, struct wire_text result);
/* An answer that it is not: `rc` is the HTTP status, `rm` a sentence for a person (written as RM and as
 * error.message), `code` IMKit's error code, `retry_s` the seconds to wait, negative for none. */
void wire_out_error(struct json_out *o, const int64_t *id, int rc, const char *code, struct wire_text rm,
                    int retry_s);

/* `ts_ms`: the server's clock, milliseconds since 1970. */
void wire_out_pong(struct json_out *o, const int64_t *id, int64_t ts_ms);
/* The token ends in `in_ms` milliseconds. */
void wire_out_expiring(struct json_out *o, int64_t in_ms);
/* The server closes with `code`; come back after `reconnect_ms` milliseconds, negative: not said. */
void wire_out_bye(struct json_out *o, int code, const char *reason, int64_t reconnect_ms);
/* The log no longer reaches the client's cursor: reload the room, go on from `at->seq`. */
void wire_out_reset(struct json_out *o, const struct wire_event *at);

/* Signals: they pass and are not kept. */
void wire_out_read(struct json_out *o, struct wire_text room, struct wire_text client,
                   struct wire_text last_read);
void wire_out_typing(struct json_out *o, struct wire_text room, struct wire_text client);
/* How many of the devices that a recall must reach have acked it. */
void wire_out_progress(struct json_out *o, struct wire_text room, struct wire_text message_id, int64_t acked,
                       int64_t devices);

/* Where raw texts begin in the frame's; meaningless after a failure. */
struct wire_places {
    size_t message, last_message;
};

/* Events. `message` is raw: the IMKit object. They tell where it begins. */
size_t wire_out_message(struct json_out *o, const struct wire_event *at, struct wire_text message);
size_t wire_out_edit(struct json_out *o, const struct wire_event *at, struct wire_text message);
struct wire_places wire_out_recall(struct json_out *o, const struct wire_event *at, const struct wire_recall *r);
/* A room or its membership changed. `data` is a raw object, {"change","clients","by"} and for a change of
 * roles "role"; its members become the frame's. */
void wire_out_room(struct json_out *o, const struct wire_event *at, struct wire_text data);

#endif
