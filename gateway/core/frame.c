#include "core/frame.h"

#include "proto/codec/ws_frame.h"

#include <stdlib.h>

/* Copies `s` to *at and moves on; absent stays absent. */
static struct str place(char **at, struct str s)
{
    struct str placed = {*at, s.n};

    if (s.p == NULL)
        return STR_NULL;
    if (s.n != 0)
        memcpy(*at, s.p, s.n);
    *at += s.n;
    return placed;
}

static size_t texts_size(const struct frame_parts *parts)
{
    size_t n = parts->room.n + parts->message.n + parts->payload.n + WS_FRAME_HEADER_MAX;

    for (size_t i = 0; i < parts->marks.count; i++)
        n += parts->marks.mark[i].id.n;
    for (size_t i = 0; i < parts->member_count; i++)
        n += parts->members[i].user.n;
    return n;
}

struct frame *frame_make(const struct frame_parts *parts)
{
    const size_t members_size = parts->member_count * sizeof(struct frame_member);
    struct frame *f = malloc(sizeof(*f) + members_size + texts_size(parts));
    struct frame_member *members;
    unsigned char head[WS_FRAME_HEADER_MAX];
    size_t head_size;
    char *at;

    if (f == NULL)
        return NULL;
    members = (struct frame_member *)(void *)(f + 1);
    at = (char *)members + members_size;
    atomic_init(&f->refs, 1);
    f->type = parts->type;
    f->app = parts->app;
    f->seq = parts->seq;
    f->audience = audience_ref(parts->audience);
    /* Header and payload first: what a fan-out touches lies close to the structure. */
    head_size = ws_frame_header(head, parts->payload.n);
    f->wire = str_n(at, head_size + parts->payload.n);
    memcpy(at, head, head_size);
    at += head_size;
    f->payload = place(&at, parts->payload);
    f->room = place(&at, parts->room);
    f->message = place(&at, parts->message);
    f->marks = parts->marks;
    for (size_t i = 0; i < f->marks.count; i++)
        f->marks.mark[i].id = place(&at, parts->marks.mark[i].id);
    for (size_t i = 0; i < parts->member_count; i++) {
        members[i].user = place(&at, parts->members[i].user);
        members[i].joined = parts->members[i].joined;
    }
    f->members = members;
    f->member_count = parts->member_count;
    return f;
}

struct frame *frame_ref(struct frame *f)
{
    atomic_fetch_add_explicit(&f->refs, 1, memory_order_relaxed);
    return f;
}

void frame_unref(struct frame *f)
{
    if (f == NULL || atomic_fetch_sub_explicit(&f->refs, 1, memory_order_acq_rel) != 1)
        return;
    audience_unref(f->audience);
    free(f);
}

/* Replaces the bytes of mark `i` in parts->payload by `with`, which is copied into a new buffer at `out`; the marks behind it
 * move, those inside it go. */
static void cut(struct frame_parts *parts, size_t i, struct str with, char *out)
{
    const struct view_mark hole = parts->marks.mark[i];
    const struct str old = parts->payload;
    const size_t tail = hole.at + hole.len;
    size_t kept = 0;

    memcpy(out, old.p, hole.at);
    memcpy(out + hole.at, with.p, with.n);
    memcpy(out + hole.at + with.n, old.p + tail, old.n - tail);
    parts->payload = str_n(out, old.n - hole.len + with.n);
    for (size_t k = 0; k < parts->marks.count; k++) {
        struct view_mark m = parts->marks.mark[k];

        if (k == i)
            m.len = with.n;
        else if (m.at >= hole.at && m.at + m.len <= tail)
            continue; /* stood inside what is gone */
        else if (m.at >= tail)
            m.at = m.at - hole.len + with.n;
        else if (m.at < hole.at && m.at + m.len >= tail)
            m.len = m.len - hole.len + with.n; /* contains it */
        parts->marks.mark[kept++] = m;
    }
    parts->marks.count = kept;
}

/* The first mark from `from` on that shows `id`, not yet replaced; marks.count if none. */
static size_t find_mark(const struct view_marks *marks, struct str id, size_t from)
{
    while (from < marks->count && !str_eq(marks->mark[from].id, id))
        from++;
    return from;
}

bool frame_shows(const struct frame *f, struct str message)
{
    return find_mark(&f->marks, message, 0) < f->marks.count;
}

struct frame *frame_recalled(const struct frame *old, const struct frame *recall)
{
    struct frame_parts parts;
    struct frame *made;
    struct str with;
    char *buffers[VIEW_MARKS] = {NULL};
    size_t used = 0;
    size_t i;

    if (recall->marks.count == 0 || !frame_shows(old, recall->message))
        return NULL;
    with = str_n(recall->payload.p + recall->marks.mark[0].at, recall->marks.mark[0].len);
    parts = (struct frame_parts){old->type, old->app, old->seq, old->room, old->message,
                                 old->marks, old->members, old->member_count, old->payload,
                                 old->audience};
    i = find_mark(&parts.marks, recall->message, 0);
    while (i < parts.marks.count) {
        buffers[used] = malloc(parts.payload.n + with.n);
        if (buffers[used] == NULL)
            abort();
        cut(&parts, i, with, buffers[used++]);
        i = find_mark(&parts.marks, recall->message, i + 1);
    }
    made = frame_make(&parts);
    if (made == NULL)
        abort();
    while (used > 0)
        free(buffers[--used]);
    return made;
}
