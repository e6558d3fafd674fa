/*
 * Catching up: the subscriber is in its room's table before anything is read, so that no event can pass between the read and
 * the first live one.
 */
#include "core/hub_private.h"

#include <stdlib.h>

/* A read of the log under way. It outlives its subscription: the answer then finds nobody. */
struct cursor_read {
    UT_hash_handle hh;
    uint64_t ticket;
    struct hub_sub *sub; /* NULL: gone meanwhile */
};

void cursor_want(struct hub *h, struct hub_sub *sub)
{
    if (sub->state != SUB_READING)
        sub->state = SUB_WANTS;
    hub_slot_of(sub)->way = NULL;
    /* A blocked connection does not read what it could not send: hub_drained asks again. */
    if (sub->waiting || sub->state == SUB_READING || sub->conn->blocked)
        return;
    sub->waiting = true;
    sub->wait_next = NULL;
    sub->wait_prev = h->wait_tail;
    if (h->wait_tail != NULL)
        h->wait_tail->wait_next = sub;
    else
        h->wait_head = sub;
    h->wait_tail = sub;
    hub_wake(h);
}

static void leave_line(struct hub *h, struct hub_sub *sub)
{
    if (!sub->waiting)
        return;
    if (sub->wait_prev != NULL)
        sub->wait_prev->wait_next = sub->wait_next;
    else
        h->wait_head = sub->wait_next;
    if (sub->wait_next != NULL)
        sub->wait_next->wait_prev = sub->wait_prev;
    else
        h->wait_tail = sub->wait_prev;
    sub->waiting = false;
}

void cursor_forget(struct hub *h, struct hub_sub *sub)
{
    leave_line(h, sub);
    if (sub->state == SUB_READING)
        sub->read->sub = NULL;
}

/* Does the tail hold everything after the position? Then the log is only asked whether the user may, and where it stands. */
static bool tail_serves(const struct hub_room *r, int64_t position)
{
    return position >= 0 && r->tail_count != 0 && r->tail_limited == 0 && r->heard == r->tail_last && position <= r->tail_last &&
           position >= r->tail_last - r->tail_count;
}

/* False: the readers take no more now. */
static bool start_read(struct hub *h, struct hub_sub *sub)
{
    struct cursor_read *read = calloc(1, sizeof(*read));
    const int64_t position = hub_slot_of(sub)->position;

    if (read == NULL)
        return false;
    sub->head_only = !sub->in_full && tail_serves(sub->room, position);
    read->ticket = ++h->next_ticket;
    read->sub = sub;
    HASH_ADD(hh, h->reads, ticket, sizeof(read->ticket), read);
    h->reads_open++;
    sub->read = read;
    sub->state = SUB_READING;
    if (h->ops->read(h->ctx, sub, sub->head_only ? -1 : position, read->ticket))
        return true;
    HASH_DEL(h->reads, read);
    h->reads_open--;
    free(read);
    sub->state = SUB_WANTS;
    return false;
}

void cursor_turn(struct hub *h)
{
    while (h->wait_head != NULL && h->reads_open < HUB_READS) {
        struct hub_sub *sub = h->wait_head;

        leave_line(h, sub);
        if (sub->conn->blocked || sub->conn->gone)
            continue;
        if (!start_read(h, sub)) {
            h->woken = true; /* not at once: hub_read_done or hub_second looks again */
            cursor_want(h, sub);
            return;
        }
    }
    /* Those who wait behind HUB_READS reads under way are woken by hub_read_done. */
}

static void release(struct hub_page *page)
{
    for (size_t i = 0; i < page->frame_count; i++)
        frame_unref(page->frames[i]);
    page->frame_count = 0;
}

/* The page was read in a snapshot that ended at its head: what was recalled since then stands in the room's tail. */
static void erase_from_page(const struct hub_room *r, struct hub_page *page)
{
    for (uint32_t t = 0; t < r->tail_count; t++) {
        const struct frame *recall = r->tail[t];

        if (recall->type != EVENT_RECALL || recall->seq <= page->head)
            continue;
        for (size_t i = 0; i < page->frame_count; i++) {
            struct frame *clean = frame_recalled(page->frames[i], recall);

            if (clean == NULL)
                continue;
            frame_unref(page->frames[i]);
            page->frames[i] = clean;
        }
    }
}

/* Does the tail hold everything between the page's head and what was heard? If not, a recall could be missing from it. */
static bool tail_joins(const struct hub_room *r, int64_t head)
{
    return r->heard <= head || (r->tail_last == r->heard && r->heard - r->tail_count <= head);
}

static void jump(struct hub *h, struct hub_sub *sub, int64_t head)
{
    sub->reset = false;
    sub->lost = true;
    hub_slot_of(sub)->position = head;
    h->ops->reset(h->ctx, sub, head);
}

static void apply(struct hub *h, struct hub_sub *sub, struct hub_page *page)
{
    struct hub_room *r = sub->room;
    struct hub_slot *slot = hub_slot_of(sub);
    const int64_t known = page->head > r->heard ? page->head : r->heard;
    bool from_here = false; /* the client is told where it stands first; else everything after its cursor comes first */

    sub->state = SUB_WANTS;
    if (page->frame_count != 0 && !tail_joins(r, page->head)) {
        cursor_want(h, sub); /* read again: the next snapshot is newer */
        return;
    }
    if (sub->reset) {
        jump(h, sub, page->head);
        from_here = true;
    } else if (slot->position < 0) {
        slot->position = page->head;
        from_here = true;
    } else if (slot->position > page->head || slot->position + 1 < page->min_seq) {
        jump(h, sub, page->head);
        from_here = true;
    } else if (page->frame_count != 0) {
        erase_from_page(r, page);
        hub_tail_adopt(h, r, page);
        h->scratch_room = NULL; /* it knows frames by number; these are other renderings of the same numbers */
        hub_send_frames(h, r, slot, page->frames, page->frame_count);
        h->scratch_room = NULL;
    }
    /* `heard` stays what was published: what the page knew beyond it is on its way and will be found seen already. */
    if (sub->conn->gone)
        return;
    /* Behind the last frame, or in place of all of them, were events that are not for this user. */
    if (!from_here && !sub->conn->blocked && slot->position < page->upto)
        slot->position = page->upto;
    if (from_here)
        hub_announce(h, slot, slot->position);
    if (page->head < r->members_at) {
        cursor_want(h, sub);
        return;
    }
    /* Behind what is known, and the tail does not reach from here to there: the page did not hold all of it, or not all of the page
     * was taken. No later event may come to tell. */
    sub->in_full = false;
    if (slot->position < known && (r->tail_last != known || known - slot->position > r->tail_count)) {
        sub->in_full = sub->head_only;
        cursor_want(h, sub);
        return;
    }
    sub->state = SUB_LIVE;
    hub_announce(h, slot, known);
    hub_serve(h, r, slot);
    hub_open_way(h, slot);
}

void cursor_read_done(struct hub *h, uint64_t ticket, struct hub_page *page)
{
    struct cursor_read *read;
    struct hub_sub *sub;

    HASH_FIND(hh, h->reads, &ticket, sizeof(ticket), read);
    if (read == NULL) {
        release(page);
        return;
    }
    sub = read->sub;
    HASH_DEL(h->reads, read);
    h->reads_open--;
    free(read);
    if (h->wait_head != NULL)
        hub_wake(h);
    if (sub != NULL) {
        sub->state = SUB_WANTS;
        if (page->rc == RESULT_OK) {
            apply(h, sub, page);
        } else if (page->rc == RESULT_UNAVAILABLE || page->rc == RESULT_INTERNAL) {
            const bool woken = h->woken;

            h->woken = true; /* not at once: hub_second looks again */
            cursor_want(h, sub);
            h->woken = woken;
        } else {
            struct hub_conn *conn = sub->conn;
            void *tag = sub->tag;
            char id[256];
            struct str room = hub_sub_room(sub);

            /* The room's name lives in the room, which may go with its last subscription. */
            memcpy(id, room.p, room.n);
            room.p = id;
            hub_unsubscribe(h, sub);
            h->ops->refused(h->ctx, conn, room, tag, page->rc);
        }
    }
    release(page);
}

void cursor_destroy(struct hub *h)
{
    struct cursor_read *read, *next;

    HASH_ITER (hh, h->reads, read, next) {
        HASH_DEL(h->reads, read);
        free(read);
    }
}
