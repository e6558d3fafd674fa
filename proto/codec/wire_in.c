#include "proto/codec/wire_in.h"

#include <stdlib.h>
#include <string.h>

#include "proto/codec/wire_field.h"
#include "proto/codec/wire_scan.h"

#define OPS "one of auth, subscribe, unsubscribe, ack, send, recall, ping, typing"

bool wire_in_printable(const char *s, size_t len, size_t max)
{
    const unsigned char *u = (const unsigned char *)s;

    if (len == 0 || len > max)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (u[i] < 0x20 || u[i] == 0x7f)
            return false;
        if (u[i] == 0xc2 && i + 1 < len && u[i + 1] < 0xa0) /* U+0080 to U+009F */
            return false;
    }
    return true;
}

static unsigned cap_bit(const char *s, size_t n)
{
    if (n == 6 && memcmp(s, "recall", 6) == 0)
        return WIRE_CAP_RECALL;
    if (n == 5 && memcmp(s, "quote", 5) == 0)
        return WIRE_CAP_QUOTE;
    if (n == 3 && memcmp(s, "ack", 3) == 0)
        return WIRE_CAP_ACK;
    return 0;
}

unsigned wire_in_caps(const char *list, size_t len)
{
    unsigned caps = 0;
    size_t from = 0;

    for (size_t i = 0; i <= len; i++) {
        size_t to = i;

        if (i < len && list[i] != ',')
            continue;
        while (from < to && (list[from] == ' ' || list[from] == '\t'))
            from++;
        while (to > from && (list[to - 1] == ' ' || list[to - 1] == '\t'))
            to--;
        caps |= cap_bit(list + from, to - from);
        from = i + 1;
    }
    return caps;
}

static enum wire_in_status read_caps(struct wire_in *in)
{
    const json_t *list = wire_field_get(in->root, "caps");
    size_t n = json_array_size(list);

    if (list == NULL)
        return WIRE_IN_OK;
    if (!json_is_array(list) || n > WIRE_CAPS_MAX)
        return wire_field_refuse(in, wire_field_top("caps"), false, "an array of at most %d names",
                                 WIRE_CAPS_MAX);
    for (size_t i = 0; i < n; i++) {
        const json_t *v = json_array_get(list, i);

        if (!json_is_string(v))
            return wire_field_refuse(in, wire_field_entry("caps", i, NULL), false,
                                     "a text, such as \"recall\"");
        in->auth.caps |= cap_bit(json_string_value(v), json_string_length(v));
    }
    in->auth.has_caps = true;
    return WIRE_IN_OK;
}

static enum wire_in_status decode_auth(struct wire_in *in)
{
    struct wire_in_auth *a = &in->auth;
    const json_t *f = in->root;
    enum wire_in_status s;

    s = wire_field_name(in, wire_field_get(f, "clientKey"), wire_field_top("clientKey"), WIRE_KEY_MAX,
                        WIRE_OPTIONAL, &a->client_key);
    if (s == WIRE_IN_OK)
        s = wire_field_name(in, wire_field_get(f, "token"), wire_field_top("token"), WIRE_TOKEN_MAX,
                            WIRE_REQUIRED, &a->token);
    if (s == WIRE_IN_OK)
        s = wire_field_name(in, wire_field_get(f, "device"), wire_field_top("device"), WIRE_DEVICE_MAX,
                            WIRE_OPTIONAL, &a->device);
    if (s == WIRE_IN_OK)
        s = wire_field_name(in, wire_field_get(f, "package"), wire_field_top("package"), WIRE_PACKAGE_MAX,
                            WIRE_OPTIONAL, &a->package);
    return s == WIRE_IN_OK ? read_caps(in) : s;
}

/* The cursor of one room: `epoch` beside the number called `key`, both optional. */
static enum wire_in_status read_cursor(struct wire_in *in, const json_t *v, struct wire_place at,
                                       const char *key, enum wire_need need, struct wire_in_room *r)
{
    const json_t *since = wire_field_get(v, key);
    enum wire_in_status s;

    r->since = -1;
    at.key = "epoch";
    s = wire_field_name(in, wire_field_get(v, "epoch"), at, WIRE_EPOCH_MAX, WIRE_OPTIONAL, &r->epoch);
    if (s != WIRE_IN_OK || (since == NULL && need == WIRE_OPTIONAL))
        return s;
    at.key = key;
    return wire_field_number(in, since, at, 0, WIRE_ID_MAX, &r->since);
}

static bool make_rooms(struct wire_in *in, size_t n)
{
    in->rooms = calloc(n > 0 ? n : 1, sizeof *in->rooms);
    return in->rooms != NULL;
}

static enum wire_in_status decode_subscribe_all(struct wire_in *in)
{
    json_t *since = wire_field_get(in->root, "since");
    enum wire_in_status s = WIRE_IN_OK;
    const char *name;
    json_t *v;

    if (wire_field_get(in->root, "rooms") != NULL)
        return wire_field_refuse(in, wire_field_top("rooms"), false, "left out beside all");
    if (since != NULL && !json_is_object(since))
        return wire_field_refuse(in, wire_field_top("since"), false,
                                 "an object of {\"epoch\",\"seq\"} by room id");
    if (!make_rooms(in, json_object_size(since)))
        return WIRE_IN_NO_MEMORY;
    json_object_foreach(since, name, v)
    {
        struct wire_in_room *r = &in->rooms[in->room_count];

        r->room = (struct wire_text){.p = name, .n = strlen(name)};
        if (!wire_in_printable(name, r->room.n, name[0] == '~' ? WIRE_OWN_ROOM_MAX : WIRE_ROOM_MAX))
            return wire_field_refuse(in, wire_field_top("since"), false,
                                     "an object whose keys are room ids of 1 to %d bytes", WIRE_ROOM_MAX);
        if (!json_is_object(v))
            return wire_field_refuse(in, wire_field_member("since", name, NULL), false,
                                     "an object {\"epoch\",\"seq\"}");
        s = read_cursor(in, v, wire_field_member("since", name, NULL), "seq", WIRE_REQUIRED, r);
        if (s != WIRE_IN_OK)
            return s;
        in->room_count++;
    }
    return s;
}

static enum wire_in_status decode_subscribe(struct wire_in *in)
{
    json_t *list = wire_field_get(in->root, "rooms");
    enum wire_in_status s = wire_field_flag(in, "all", &in->all);

    if (s != WIRE_IN_OK)
        return s;
    if (in->all)
        return decode_subscribe_all(in);
    if (!json_is_array(list))
        return wire_field_refuse(in, wire_field_top("rooms"), list == NULL,
                                 "an array of {\"room\"}, unless all is true");
    if (!make_rooms(in, json_array_size(list)))
        return WIRE_IN_NO_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        struct wire_in_room *r = &in->rooms[i];
        json_t *v = json_array_get(list, i);

        if (!json_is_object(v))
            return wire_field_refuse(in, wire_field_entry("rooms", i, NULL), false,
                                     "an object {\"room\",\"epoch\",\"since\"}");
        s = wire_field_room(in, wire_field_get(v, "room"), wire_field_entry("rooms", i, "room"), &r->room);
        if (s == WIRE_IN_OK)
            s = read_cursor(in, v, wire_field_entry("rooms", i, NULL), "since", WIRE_OPTIONAL, r);
        if (s != WIRE_IN_OK)
            return s;
        in->room_count++;
    }
    return WIRE_IN_OK;
}

static enum wire_in_status decode_unsubscribe(struct wire_in *in)
{
    json_t *list = wire_field_get(in->root, "rooms");
    enum wire_in_status s;

    if (!json_is_array(list))
        return wire_field_refuse(in, wire_field_top("rooms"), list == NULL, "an array of room ids");
    if (!make_rooms(in, json_array_size(list)))
        return WIRE_IN_NO_MEMORY;
    for (size_t i = 0; i < json_array_size(list); i++) {
        in->rooms[i].since = -1;
        s = wire_field_room(in, json_array_get(list, i), wire_field_entry("rooms", i, NULL),
                            &in->rooms[i].room);
        if (s != WIRE_IN_OK)
            return s;
        in->room_count++;
    }
    return WIRE_IN_OK;
}

static enum wire_in_status decode_ack(struct wire_in *in)
{
    json_t *list = wire_field_get(in->root, "refused");
    size_t n = json_array_size(list);
    enum wire_in_status s =
        wire_field_room(in, wire_field_get(in->root, "room"), wire_field_top("room"), &in->room);

    if (s == WIRE_IN_OK)
        s = wire_field_number(in, wire_field_get(in->root, "seq"), wire_field_top("seq"), 0, WIRE_ID_MAX,
                              &in->seq);
    if (s != WIRE_IN_OK || list == NULL)
        return s;
    if (!json_is_array(list))
        return wire_field_refuse(in, wire_field_top("refused"), false, "an array of sequence numbers");
    in->refused = calloc(n > 0 ? n : 1, sizeof *in->refused);
    if (in->refused == NULL)
        return WIRE_IN_NO_MEMORY;
    for (size_t i = 0; i < n; i++) {
        s = wire_field_number(in, json_array_get(list, i), wire_field_entry("refused", i, NULL), 1, in->seq,
                              &in->refused[i]);
        if (s != WIRE_IN_OK)
            return s;
        in->refused_count++;
    }
    return WIRE_IN_OK;
}

/* What a dialect reads as the body of the HTTP call: the frame without what belongs to the wire. */
static enum wire_in_status make_body(struct wire_in *in)
{
    const char *key;
    json_t *v;

    in->body = json_object();
    if (in->body == NULL)
        return WIRE_IN_NO_MEMORY;
    json_object_foreach(in->root, key, v)
    {
        if (strcmp(key, "op") == 0 || strcmp(key, "id") == 0 || strcmp(key, "room") == 0)
            continue;
        if (json_object_set_nocheck(in->body, key, v) != 0)
            return WIRE_IN_NO_MEMORY;
    }
    return WIRE_IN_OK;
}

static enum wire_in_status decode_send(struct wire_in *in)
{
    enum wire_in_status s =
        wire_field_room(in, wire_field_get(in->root, "room"), wire_field_top("room"), &in->room);

    if (s == WIRE_IN_OK)
        s = wire_field_name(in, wire_field_get(in->root, "clientMsgId"), wire_field_top("clientMsgId"),
                            WIRE_MESSAGE_ID_MAX, WIRE_OPTIONAL, &in->client_msg_id);
    return s == WIRE_IN_OK ? make_body(in) : s;
}

static enum wire_in_status decode_recall(struct wire_in *in)
{
    struct wire_in_recall *r = &in->recall;
    enum wire_in_status s =
        wire_field_room(in, wire_field_get(in->root, "room"), wire_field_top("room"), &in->room);

    if (s == WIRE_IN_OK)
        s = wire_field_name(in, wire_field_get(in->root, "_id"), wire_field_top("_id"), WIRE_MESSAGE_ID_MAX,
                            WIRE_REQUIRED, &r->message_id);
    if (s == WIRE_IN_OK)
        s = wire_field_flag(in, "isDelete", &r->is_delete);
    if (s == WIRE_IN_OK)
        s = wire_field_flag(in, "isAdmin", &r->is_admin);
    if (s == WIRE_IN_OK)
        s = wire_field_flag(in, "disableUpdateLastMsg", &r->disable_update_last);
    if (s == WIRE_IN_OK)
        s = wire_field_text(in, "extra", WIRE_EXTRA_MAX, &r->extra);
    if (s == WIRE_IN_OK)
        s = wire_field_text(in, "reason", WIRE_REASON_MAX, &r->reason);
    return s == WIRE_IN_OK ? make_body(in) : s;
}

static const char *const ops[] = {
    [WIRE_IN_AUTH] = "auth", [WIRE_IN_SUBSCRIBE] = "subscribe", [WIRE_IN_UNSUBSCRIBE] = "unsubscribe",
    [WIRE_IN_ACK] = "ack",   [WIRE_IN_SEND] = "send",           [WIRE_IN_RECALL] = "recall",
    [WIRE_IN_PING] = "ping", [WIRE_IN_TYPING] = "typing",
};

static enum wire_in_status decode_op(struct wire_in *in)
{
    const json_t *v = wire_field_get(in->root, "op");
    const json_t *type = wire_field_get(in->root, "type");
    const char *op = json_string_value(v);

    /* Typing has two spellings: its own op, and the form in which the server passes it on. */
    if (op != NULL && strcmp(op, "signal") == 0 && json_is_string(type) &&
        strcmp(json_string_value(type), "typing") == 0)
        op = "typing";
    for (int i = WIRE_IN_AUTH; op != NULL && i <= WIRE_IN_TYPING; i++)
        if (strcmp(op, ops[i]) == 0)
            in->op = (enum wire_in_op)i;
    switch (in->op) {
    case WIRE_IN_AUTH:
        return decode_auth(in);
    case WIRE_IN_SUBSCRIBE:
        return decode_subscribe(in);
    case WIRE_IN_UNSUBSCRIBE:
        return decode_unsubscribe(in);
    case WIRE_IN_ACK:
        return decode_ack(in);
    case WIRE_IN_SEND:
        return decode_send(in);
    case WIRE_IN_RECALL:
        return decode_recall(in);
    case WIRE_IN_TYPING:
        return wire_field_room(in, wire_field_get(in->root, "room"), wire_field_top("room"), &in->room);
    case WIRE_IN_PING:
        return WIRE_IN_OK;
    case WIRE_IN_NONE:
        break;
    }
    wire_field_refuse(in, wire_field_top("op"), v == NULL, OPS);
    return WIRE_IN_BAD_OP;
}

static bool holds_nul(json_t *v)
{
    const char *key;
    json_t *m;
    size_t i;

    if (json_is_string(v))
        return memchr(json_string_value(v), 0, json_string_length(v)) != NULL;
    json_array_foreach(v, i, m)
    {
        if (holds_nul(m))
            return true;
    }
    json_object_foreach(v, key, m)
    {
        if (holds_nul(m))
            return true;
    }
    return false;
}

static enum wire_in_status check_nul(struct wire_in *in)
{
    const char *key;
    json_t *v;

    json_object_foreach(in->root, key, v)
    {
        if (holds_nul(v))
            return wire_field_refuse(in, wire_field_top(key), false, "free of U+0000");
    }
    return WIRE_IN_OK;
}

static void keep_id(struct wire_in *in, bool has_id, int64_t id)
{
    in->has_id = has_id;
    in->id = has_id ? id : 0;
}

static enum wire_in_status read_id(struct wire_in *in)
{
    const json_t *v = wire_field_get(in->root, "id");
    enum wire_in_status s;
    int64_t id;

    if (v == NULL)
        return WIRE_IN_OK;
    s = wire_field_number(in, v, wire_field_top("id"), -WIRE_ID_MAX, WIRE_ID_MAX, &id);
    if (s == WIRE_IN_OK)
        keep_id(in, true, id);
    return s;
}

/* Why jansson refused a text that begins like an object. */
static enum wire_in_status unparsed(struct wire_in *in, const struct wire_scan *scan, const json_error_t *e)
{
    enum json_error_code code = json_error_code(e);

    keep_id(in, scan->has_id, scan->id);
    if (code == json_error_out_of_memory)
        return WIRE_IN_NO_MEMORY;
    if (code == json_error_numeric_overflow)
        return wire_field_refuse(in, wire_field_top(""), false,
                                 "without numbers beyond 64 bits: send such a number as a text");
    if (code == json_error_null_byte_in_key)
        return wire_field_refuse(in, wire_field_top(""), false, "without U+0000 in a key");
    keep_id(in, false, 0);
    return WIRE_IN_MALFORMED;
}

enum wire_in_status wire_in_decode(struct wire_in *in, const char *text, size_t len)
{
    struct wire_scan scan;
    enum wire_in_status s;
    json_error_t error;

    *in = (struct wire_in){0};
    wire_scan(&scan, text, len);
    if (!scan.object)
        return WIRE_IN_MALFORMED;
    if (scan.depth > WIRE_JSON_DEPTH) {
        keep_id(in, scan.has_id, scan.id);
        return wire_field_refuse(in, wire_field_top(""), false, "JSON of at most %d levels", WIRE_JSON_DEPTH);
    }
    in->root = json_loadb(text, len, JSON_ALLOW_NUL, &error);
    if (in->root == NULL)
        return unparsed(in, &scan, &error);
    s = read_id(in);
    if (s == WIRE_IN_OK && scan.nul)
        s = check_nul(in);
    return s == WIRE_IN_OK ? decode_op(in) : s;
}

json_t *wire_in_take_body(struct wire_in *in)
{
    json_t *body = in->body;

    in->body = NULL;
    return body;
}

void wire_in_free(struct wire_in *in)
{
    if (in == NULL)
        return;
    json_decref(in->body);
    json_decref(in->root);
    free(in->rooms);
    free(in->refused);
    *in = (struct wire_in){0};
}
