/*
 * A room's tail: the last frames, which most subscribers miss alike.
 */
#include "core/hub_private.h"

#include <stdlib.h>

void hub_tail_drop(struct hub *h, struct hub_room *r, uint32_t keep)
{
    const uint32_t n = r->tail_count > keep ? r->tail_count - keep : 0;

    for (uint32_t i = 0; i < n; i++) {
        h->tail_bytes -= r->tail[i]->wire.n;
        r->tail_limited -= r->tail[i]->audience != NULL ? 1 : 0;
        frame_unref(r->tail[i]);
    }
    r->tail_count -= n;
    if (n != 0 && r->tail_count != 0)
        memmove(r->tail, r->tail + n, r->tail_count * sizeof(*r->tail));
}

void hub_tail_append(struct hub *h, struct hub_room *r, struct frame *frame)
{
    if (r->tail_count != 0 && frame->seq != r->tail_last + 1)
        hub_tail_drop(h, r, 0); /* a gap: those who miss it read the log */
    if (r->tail_count >= HUB_TAIL)
        hub_tail_drop(h, r, HUB_TAIL - HUB_TAIL / 4); /* some at a time: moving the rest costs */
    if (r->tail_count == r->tail_cap) {
        const uint32_t cap = r->tail_cap == 0 ? 4 : r->tail_cap * 2;
        struct frame **tail = realloc(r->tail, cap * sizeof(struct frame *));

        if (tail == NULL)
            abort();
        r->tail = tail;
        r->tail_cap = cap;
    }
    r->tail[r->tail_count++] = frame_ref(frame);
    r->tail_last = frame->seq;
    r->tail_limited += frame->audience != NULL ? 1 : 0;
    h->tail_bytes += frame->wire.n;
}

void hub_tail_erase(struct hub *h, struct hub_room *r, const struct frame *recall)
{
    for (struct hub_cut *cut = r->cuts; cut != NULL; cut = cut->next) {
        if (cut->conn->gone || !frame_shows(cut->frame, recall->message))
            continue;
        hub_conn_gone(cut->conn);
        h->ops->abort(cut->conn);
    }
    for (uint32_t i = 0; i < r->tail_count; i++) {
        struct frame *clean = frame_recalled(r->tail[i], recall);

        if (clean == NULL)
            continue;
        h->tail_bytes = h->tail_bytes - r->tail[i]->wire.n + clean->wire.n;
        frame_unref(r->tail[i]);
        r->tail[i] = clean;
        h->scratch_room = NULL;
    }
}

/* The page tells of members before this thread hears of it: who was found a member in an older snapshot is looked at again before
 * getting anything of it. */
static void recheck_members(struct hub *h, struct hub_room *r, const struct hub_page *page)
{
    int64_t changed = 0;

    for (size_t i = 0; i < page->frame_count; i++)
        if (page->frames[i]->type == EVENT_ROOM && page->frames[i]->seq > r->heard)
            changed = page->frames[i]->seq;
    if (changed == 0)
        return;
    r->members_at = changed;
    for (uint32_t i = 0; i < r->count; i++)
        if (r->slots[i].sub->state == SUB_LIVE)
            cursor_want(h, r->slots[i].sub);
}

void hub_tail_adopt(struct hub *h, struct hub_room *r, const struct hub_page *page)
{
    const size_t n = page->frame_count;

    if (page->limited || r->tail_count != 0 || r->count < HUB_ADOPT || h->tail_bytes > HUB_TAILS_BYTES || n > HUB_TAIL ||
        page->frames[n - 1]->seq != page->head || r->heard > page->head)
        return;
    recheck_members(h, r, page);
    for (size_t i = 0; i < n; i++)
        hub_tail_append(h, r, page->frames[i]);
    r->heard = page->head;
    hub_mark_dirty(h, r);
}
