#include "sim.h"

#include <jansson.h>
#include <stdlib.h>

#define MARKER        'K'
#define MARKER_DIGITS 4U

/* The marker that begins at `at`, or -1. */
static int marker_at(const struct sim *s, const char *at, const char *end)
{
    int n = 0;

    if ((size_t)(end - at) <= MARKER_DIGITS)
        return -1;
    for (unsigned i = 1; i <= MARKER_DIGITS; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        n = n * 10 + (at[i] - '0');
    }
    return n < s->marker_count ? n : -1;
}

int shown_marker(const struct sim *s, struct str text, size_t *from)
{
    while (*from < text.n) {
        const char *at = memchr(text.p + *from, MARKER, text.n - *from);
        int marker;

        if (at == NULL)
            break;
        *from = (size_t)(at - text.p) + 1;
        marker = marker_at(s, at, text.p + text.n);
        if (marker >= 0)
            return marker;
    }
    return -1;
}

int shown_recalled(const struct sim *s, struct str text, int64_t seq)
{
    size_t from = 0;
    int marker;

    while ((marker = shown_marker(s, text, &from)) >= 0) {
        const struct sim_message *m = &s->messages[s->marker_of[marker]];

        if (m->state == SIM_RECALLED && (seq == 0 || m->recall_seq < seq))
            return s->marker_of[marker];
    }
    return -1;
}

int shown_heard(const struct sim *s, struct str text, int hub)
{
    size_t from = 0;
    int marker;

    while ((marker = shown_marker(s, text, &from)) >= 0) {
        const struct sim_message *m = &s->messages[s->marker_of[marker]];

        if (m->state == SIM_RECALLED && (m->heard & (1U << hub)) != 0)
            return s->marker_of[marker];
    }
    return -1;
}

/* --- one frame --- */

static struct str text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_string(value) ? str_n(json_string_value(value), json_string_length(value)) : STR_NULL;
}

static struct shown object_of(struct sim *s, const json_t *o)
{
    struct shown shown = {-1, -1, -1, -1, false, false};
    const json_t *quote = json_object_get(o, "reply");
    const struct str body = text_of(o, "message");
    size_t from = 0;

    shown.message = world_message_number(text_of(o, "_id"));
    shown.recalled = str_eq(text_of(o, "messageType"), STR("recall"));
    shown.deleted = json_is_true(json_object_get(o, "isDelete"));
    if (body.n != 0)
        shown.marker = shown_marker(s, body, &from);
    if (json_is_object(quote)) {
        const struct str quoted = text_of(quote, "message");

        shown.quote = world_message_number(text_of(quote, "_id"));
        from = 0;
        if (quoted.n != 0)
            shown.quote_marker = shown_marker(s, quoted, &from);
    }
    return shown;
}

static bool read_event(struct sim *s, struct parsed *p, const json_t *o)
{
    static const char *const names[] = {
        [EVENT_MESSAGE] = "message", [EVENT_EDIT] = "edit", [EVENT_RECALL] = "recall", [EVENT_ROOM] = "room"};
    const struct str type = text_of(o, "type");
    const json_t *content = json_object_get(o, "content");

    p->kind = PARSED_EVENT;
    p->room = world_room_number(s, text_of(o, "room"));
    p->seq = json_integer_value(json_object_get(o, "seq"));
    for (int t = EVENT_MESSAGE; t <= EVENT_ROOM; t++)
        if (str_eq(type, str_c(names[t])))
            p->type = (enum event_type)t;
    p->message = object_of(s, json_object_get(o, "message"));
    p->last = object_of(s, json_object_get(o, "lastMessage"));
    if (p->type == EVENT_RECALL) {
        if (world_message_number(text_of(content, "messageUId")) != p->message.message)
            return false;
        p->message.deleted = json_is_true(json_object_get(content, "isDelete"));
    }
    return p->type != 0 && p->room >= 0 && p->seq > 0 && (p->type == EVENT_ROOM || p->message.message >= 0);
}

static void read_payload(struct sim *s, struct parsed *p, struct str payload)
{
    json_t *o = json_loadb(payload.p, payload.n, JSON_REJECT_DUPLICATES, NULL);
    const struct str op = text_of(o, "op");

    if (str_eq(op, STR("signal")))
        p->kind = PARSED_SIGNAL;
    else if (!str_eq(op, STR("event")) || !read_event(s, p, o))
        p->kind = PARSED_BAD;
    json_decref(o);
}

static uint64_t hash_of(struct str bytes)
{
    uint64_t h = bytes.n * UINT64_C(0x9E3779B97F4A7C15), word;
    size_t i = 0;

    for (; i + 8 <= bytes.n; i += 8) {
        memcpy(&word, bytes.p + i, 8);
        h = (h ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
        h ^= h >> 32;
    }
    for (; i < bytes.n; i++)
        h = (h ^ (unsigned char)bytes.p[i]) * UINT64_C(0x100000001B3);
    return h;
}

/* The length of a server's text frame by its header; 0: it is none. */
static size_t header_of(struct str bytes, size_t *size)
{
    const unsigned char *b = (const unsigned char *)bytes.p;
    size_t n, head = 2;

    if (bytes.n < 2 || b[0] != 0x81 || (b[1] & 0x80) != 0)
        return 0;
    n = b[1];
    if (n == 126) {
        if (bytes.n < 4)
            return 0;
        n = (size_t)b[2] << 8 | b[3];
        head = 4;
    } else if (n == 127) {
        return 0; /* no event of a schedule is that large */
    }
    *size = head + n;
    return *size <= bytes.n ? head : 0;
}

const struct parsed *shown_frame(struct sim *s, struct str bytes, size_t *size)
{
    const size_t head = header_of(bytes, size);
    struct parsed **bucket, *p;
    uint64_t hash;

    if (head == 0)
        return NULL;
    bytes.n = *size;
    hash = hash_of(bytes);
    bucket = &s->parsed[hash % (sizeof(s->parsed) / sizeof(s->parsed[0]))];
    for (p = *bucket; p != NULL; p = p->next)
        if (p->hash == hash && str_eq(p->bytes, bytes))
            return p;
    p = arena_alloc(&s->arena, sizeof(*p));
    p->hash = hash;
    p->bytes = arena_str(&s->arena, bytes);
    read_payload(s, p, str_n(p->bytes.p + head, p->bytes.n - head));
    p->next = *bucket;
    *bucket = p;
    return p;
}
