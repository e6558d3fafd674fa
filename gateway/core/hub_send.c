/*
 * Handing frames to one connection: as shared bytes, or each in the form that the connection's owner gives it.
 */
#include "core/hub_private.h"

#include <stdlib.h>

static void unlink_cut(struct hub *h, struct hub_cut *cut)
{
    if (cut->prev != NULL)
        cut->prev->next = cut->next;
    else
        cut->room->cuts = cut->next;
    if (cut->next != NULL)
        cut->next->prev = cut->prev;
    cut->conn->cut = false;
    HASH_DEL(h->cuts, cut);
    frame_unref(cut->frame);
    free(cut);
}

void hub_drop_cut(struct hub *h, struct hub_conn *conn)
{
    struct hub_cut *cut;
    struct hub_room *r;

    if (!conn->cut)
        return;
    HASH_FIND_PTR(h->cuts, &conn, cut);
    r = cut->room;
    unlink_cut(h, cut);
    hub_release_room(h, r);
}

void hub_forget_cuts(struct hub *h, struct hub_room *r)
{
    while (r->cuts != NULL)
        unlink_cut(h, r->cuts);
}

/* The socket took a part of `frame`: its rest is kept elsewhere, and a recall of what the frame shows ends the connection. */
static void note_cut(struct hub *h, struct hub_room *r, const struct hub_slot *slot, struct frame *frame)
{
    struct hub_cut *cut = calloc(1, sizeof(*cut));

    if (cut == NULL)
        abort();
    cut->conn = slot->sub->conn;
    cut->room = r;
    cut->frame = frame_ref(frame);
    cut->next = cut->room->cuts;
    if (cut->next != NULL)
        cut->next->prev = cut;
    cut->room->cuts = cut;
    slot->sub->conn->cut = true;
    HASH_ADD_PTR(h->cuts, conn, cut);
}

/* A blocked send took `taken` bytes of frames[0..n): whole frames are delivered, one may be cut, the others were not sent. */
static void note_blocked(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n, size_t taken)
{
    hub_block(slot->sub->conn);
    for (size_t i = 0; i < n && taken > 0; i++) {
        slot->position = frames[i]->seq;
        if (taken < frames[i]->wire.n) {
            note_cut(h, r, slot, frames[i]);
            if (!h->ops->finish(slot->sub->conn, frames[i]->wire.p + taken, frames[i]->wire.n - taken))
                hub_conn_gone(slot->sub->conn);
            return;
        }
        taken -= frames[i]->wire.n;
    }
}

size_t hub_fitting(struct frame *const *frames, size_t n, size_t *bytes)
{
    size_t i = 1;

    *bytes = frames[0]->wire.n;
    while (i < n && *bytes + frames[i]->wire.n <= HUB_SEND_BYTES)
        *bytes += frames[i++]->wire.n;
    return i;
}

/* Most subscribers of a room miss the same ones: they are gathered once. */
const char *hub_gather(struct hub *h, const struct hub_room *r, struct frame *const *frames, size_t n)
{
    size_t at = 0;

    if (n == 1)
        return frames[0]->wire.p;
    if (h->scratch_room == r && h->scratch_from == frames[0]->seq && h->scratch_to == frames[n - 1]->seq)
        return h->scratch;
    for (size_t i = 0; i < n; i++) {
        memcpy(h->scratch + at, frames[i]->wire.p, frames[i]->wire.n);
        at += frames[i]->wire.n;
    }
    h->scratch_room = r;
    h->scratch_from = frames[0]->seq;
    h->scratch_to = frames[n - 1]->seq;
    return h->scratch;
}

/* A connection that is sent events in a form of its own gets them one by one. */
static void send_rendered(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n)
{
    for (size_t i = 0; i < n && !slot->sub->conn->blocked && !slot->sub->conn->gone; i++) {
        bool cut = false;

        switch (h->ops->render(slot->sub->conn, frames[i], &cut)) {
        case HUB_SENT:
            slot->position = frames[i]->seq;
            break;
        case HUB_BLOCKED:
            hub_block(slot->sub->conn);
            if (cut) {
                slot->position = frames[i]->seq;
                note_cut(h, r, slot, frames[i]);
            }
            break;
        case HUB_GONE:
            hub_conn_gone(slot->sub->conn);
            break;
        }
    }
}

void hub_send_once(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n, size_t bytes, size_t taken)
{
    const char *p = hub_gather(h, r, frames, n);
    size_t more = 0;

    switch (h->ops->send(slot->sub->conn, p + taken, bytes - taken, &more)) {
    case HUB_SENT:
        slot->position = frames[n - 1]->seq;
        break;
    case HUB_BLOCKED:
        note_blocked(h, r, slot, frames, n, taken + more);
        break;
    case HUB_GONE:
        hub_conn_gone(slot->sub->conn);
        break;
    }
}

void hub_send_frames(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n)
{
    if (slot->sub->conn->rendering) {
        send_rendered(h, r, slot, frames, n);
        return;
    }
    while (n > 0 && !slot->sub->conn->blocked && !slot->sub->conn->gone) {
        size_t bytes;
        const size_t k = hub_fitting(frames, n, &bytes);

        hub_send_once(h, r, slot, frames, k, bytes, 0);
        frames += k;
        n -= k;
    }
}

void hub_send_rest(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n)
{
    const struct hub_sub *sub = slot->sub;

    h->completing = !sub->announced && sub->announce_at <= frames[n - 1]->seq ? slot->sub : NULL;
    hub_send_frames(h, r, slot, frames, n);
    h->completing = NULL;
}

struct hub_sub *hub_completing(const struct hub *h)
{
    return h->completing;
}
