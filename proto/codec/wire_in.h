/*
 * proto/codec/wire_in.h - decodes one frame from a client (PROTOCOL.md, "recall.v1"): bytes in, struct
 * out.
 *
 * Owns:    the decoded frame: the parsed JSON and the arrays made of it. Every struct wire_text in it
 *          lies in that JSON and lives until wire_in_free.
 * Borrows: the bytes, during wire_in_decode only.
 * Bounds:  64 levels of JSON; each field its own size (WIRE_*_MAX). The size of the frame is the caller's
 *          to bound, and it bounds the arrays too.
 * Fails:   a refused frame is no accident but a result: enum wire_in_status, with the field and a
 *          sentence for the client.
 * Thread:  any; one struct belongs to one thread at a time.
 *
 * Readers ignore fields that they do not know, so these are not looked at. Of a key that stands twice the
 * last counts. A field that is null counts as absent. No text may hold U+0000, wherever it stands.
 * Whether the caller may do what the frame asks, and whether the room exists, is for others to say.
 */
#ifndef RECALL_PROTO_WIRE_IN_H
#define RECALL_PROTO_WIRE_IN_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/codec/wire_text.h"

#define WIRE_JSON_DEPTH 64
/* 2^53 - 1: the largest number that every JSON reader keeps exactly */
#define WIRE_ID_MAX INT64_C(9007199254740991)
#define WIRE_KEY_MAX 256
#define WIRE_TOKEN_MAX 4096
#define WIRE_DEVICE_MAX 64
#define WIRE_PACKAGE_MAX 256
#define WIRE_CAPS_MAX 32      /* entries */
#define WIRE_ROOM_MAX 128     /* bytes of a room id that a caller chose */
#define WIRE_OWN_ROOM_MAX 138 /* of the server's own: ~private/A/B holds two user ids of up to 64 bytes */
#define WIRE_MESSAGE_ID_MAX 64
#define WIRE_EPOCH_MAX 64
#define WIRE_EXTRA_MAX 16384
#define WIRE_REASON_MAX 256

enum wire_in_op {
    WIRE_IN_NONE = 0, /* the frame was refused before its op was known */
    WIRE_IN_AUTH,
    WIRE_IN_SUBSCRIBE,
    WIRE_IN_UNSUBSCRIBE,
    WIRE_IN_ACK,
    WIRE_IN_SEND,
    WIRE_IN_RECALL,
    WIRE_IN_PING,
    WIRE_IN_TYPING
};

enum wire_in_status {
    WIRE_IN_OK = 0,
    WIRE_IN_MALFORMED, /* not JSON, not UTF-8 or not an object: close 4400 */
    WIRE_IN_BAD_OP,    /* `op` is missing or unknown: reply 400, the connection stays */
    WIRE_IN_BAD_FIELD, /* missing, of the wrong type or too large: reply 400, the connection stays */
    WIRE_IN_NO_MEMORY
};

/* Bits of `caps`; names that are not known are left out. */
enum wire_in_cap { WIRE_CAP_RECALL = 1, WIRE_CAP_QUOTE = 2, WIRE_CAP_ACK = 4 };

/* A room to follow, or (unsubscribe) to leave. */
struct wire_in_room {
    struct wire_text room;
    struct wire_text epoch; /* p NULL: not given, the cursor's epoch is not checked */
    int64_t since;          /* events after this come first; -1: from now */
};

struct wire_in_auth {
    struct wire_text client_key; /* p NULL: not given */
    struct wire_text token;
    struct wire_text device;  /* p NULL: not given */
    struct wire_text package; /* p NULL: not given */
    unsigned caps;
    bool has_caps;
};

struct wire_in_recall {
    struct wire_text message_id;
    struct wire_text extra;  /* p NULL: not given */
    struct wire_text reason; /* p NULL: not given */
    bool is_delete;
    bool is_admin;
    bool disable_update_last;
};

struct wire_in {
    enum wire_in_op op;
    bool has_id; /* the frame had an `id` that could be read; an answer without one has "id":null */
    int64_t id;

    struct wire_text room;      /* ack, send, recall, typing */
    struct wire_in_auth auth;   /* auth */
    bool all;                   /* subscribe: every room of the user; `rooms` are its cursors */
    struct wire_in_room *rooms; /* subscribe, unsubscribe */
    size_t room_count;
    int64_t seq;      /* ack */
    int64_t *refused; /* ack: sequence numbers from 1 to seq that were not applied */
    size_t refused_count;
    struct wire_text client_msg_id; /* send; p NULL: not given */
    struct wire_in_recall recall;   /* recall */
    json_t *body;                   /* send, recall: the fields but op, id and room; see wire_in_take_body */

    /* Of a refused frame: the field ("rooms[2].since", "" if it is none in particular), whether it is only
     * missing, and a sentence for the client that begins with the field's name and says what to do. */
    char field[80];
    char text[240];
    bool missing;

    json_t *root; /* private: what the texts lie in */
};

/* Decodes `len` bytes into `in`, whatever that held before (it is not freed). After any status `in` is
 * wire_in_free's. The id is kept wherever it can be read, also from a frame that is refused. Any thread. */
enum wire_in_status wire_in_decode(struct wire_in *in, const char *text, size_t len);

/* Hands the body (a new reference) to the caller, to json_decref; NULL if there is none or it was taken. The
 * texts of `in` keep living in `in`. */
json_t *wire_in_take_body(struct wire_in *in);

/* Frees what the frame owns. NULL and a zeroed struct are legal. */
void wire_in_free(struct wire_in *in);

/* The bits of a list as the header IM-Caps has it ("recall, quote,ack"); unknown names are left out. Any
 * thread. */
unsigned wire_in_caps(const char *list, size_t len);

/* True for 1 to `max` bytes without control characters (C0, DEL, C1). The bytes must be UTF-8 already. Any
 * thread. */
bool wire_in_printable(const char *s, size_t len, size_t max);

#endif
