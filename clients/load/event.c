#include "clients/load/event.h"

#include <jansson.h>
#include <string.h>

#define LITERAL(s) "" s, sizeof(s) - 1

struct cursor {
    const char *at, *end;
};

static bool expect(struct cursor *c, const char *literal, size_t n)
{
    if ((size_t)(c->end - c->at) < n || memcmp(c->at, literal, n) != 0)
        return false;
    c->at += n;
    return true;
}

static bool read_own(struct cursor *c, const char *prefix, size_t prefix_len, uint64_t *number)
{
    size_t used;

    if (!names_number(c->at, (size_t)(c->end - c->at), prefix, prefix_len, '"', number, &used))
        return false;
    c->at += used;
    return true;
}

static bool read_seq(struct cursor *c, int64_t *seq)
{
    const char *from = c->at;

    for (*seq = 0; c->at < c->end && *c->at >= '0' && *c->at <= '9' && c->at - from < 17; c->at++)
        *seq = *seq * 10 + (*c->at - '0');
    return c->at > from;
}

/* The frame in the order in which recalld writes it. */
static bool read_fast(struct event *e, const struct names *names, struct cursor c)
{
    if (!expect(&c, LITERAL("{\"op\":\"event\",\"room\":\"")) ||
        !read_own(&c, names->room, names->room_len, &e->room) || !expect(&c, LITERAL("\",\"epoch\":\"")))
        return false;
    e->own_room = true;
    c.at = memchr(c.at, '"', (size_t)(c.end - c.at));
    if (c.at == NULL || !expect(&c, LITERAL("\",\"seq\":")) || !read_seq(&c, &e->seq) ||
        !expect(&c, LITERAL(",\"type\":\"")))
        return false;
    if (expect(&c, LITERAL("message\",\"message\":{\"_id\":\""))) {
        e->type = EVENT_MESSAGE;
        return read_own(&c, names->message, names->message_len, &e->message);
    }
    if (expect(&c, LITERAL("recall\",\"objectName\":\"RC:RcCmd\",\"content\":{\"messageUId\":\""))) {
        e->type = EVENT_RECALL;
        return read_own(&c, names->message, names->message_len, &e->message);
    }
    return expect(&c, LITERAL("room\"")) || expect(&c, LITERAL("edit\""));
}

static bool read_slow(struct event *e, const struct names *names, const char *text, size_t n)
{
    json_t *root = json_loadb(text, n, 0, NULL), *inner;
    const char *op = json_string_value(json_object_get(root, "op"));
    const char *room = json_string_value(json_object_get(root, "room"));
    const char *type = json_string_value(json_object_get(root, "type")), *id;
    const json_t *seq = json_object_get(root, "seq");
    const bool ok =
        op != NULL && strcmp(op, "event") == 0 && room != NULL && type != NULL && json_is_integer(seq);
    size_t used;

    if (ok) {
        e->seq = json_integer_value(seq);
        e->own_room =
            names_number(room, strlen(room) + 1, names->room, names->room_len, '\0', &e->room, &used);
        e->type = strcmp(type, "message") == 0  ? EVENT_MESSAGE
                  : strcmp(type, "recall") == 0 ? EVENT_RECALL
                                                : EVENT_OTHER;
        inner = json_object_get(root, e->type == EVENT_RECALL ? "content" : "message");
        id = json_string_value(json_object_get(inner, e->type == EVENT_RECALL ? "messageUId" : "_id"));
        if (e->type == EVENT_OTHER || id == NULL ||
            !names_number(id, strlen(id) + 1, names->message, names->message_len, '\0', &e->message, &used))
            e->message = 0;
    }
    json_decref(root);
    return ok;
}

bool event_read(struct event *e, const struct names *names, const char *text, size_t n)
{
    *e = (struct event){.type = EVENT_OTHER};
    if (read_fast(e, names, (struct cursor){text, text + n}))
        return true;
    *e = (struct event){.type = EVENT_OTHER};
    return read_slow(e, names, text, n);
}

uint64_t event_content(const struct names *names, const char *text, size_t n, size_t *at)
{
    const char *found;
    uint64_t number;
    size_t used;

    while (*at < n && (found = memmem(text + *at, n - *at, names->content, names->content_len)) != NULL) {
        *at = (size_t)(found - text) + names->content_len;
        if (names_number(found, n - (size_t)(found - text), names->content, names->content_len, ':', &number,
                         &used))
            return number;
    }
    *at = n;
    return 0;
}
