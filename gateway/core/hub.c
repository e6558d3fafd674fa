#include "core/hub_private.h"

#include <stdlib.h>

#define KEY_MAX (sizeof(int64_t) + 256)

/* --- rooms --- */

static size_t make_key(char key[static KEY_MAX], int64_t app, struct str room)
{
    const size_t n = room.n < 256 ? room.n : 256;

    memcpy(key, &app, sizeof(app));
    memcpy(key + sizeof(app), room.p, n);
    return sizeof(app) + n;
}

static struct hub_room *find_room(const struct hub *h, int64_t app, struct str room)
{
    char key[KEY_MAX];
    const size_t n = make_key(key, app, room);
    struct hub_room *r;

    HASH_FIND(hh, h->rooms, key, n, r);
    return r;
}

static struct hub_room *make_room(struct hub *h, int64_t app, struct str room)
{
    char key[KEY_MAX];
    const size_t n = make_key(key, app, room);
    struct hub_room *r = calloc(1, sizeof(*r) + n);

    if (r == NULL)
        return NULL;
    memcpy(r->key, key, n);
    r->key_len = (uint16_t)n;
    HASH_ADD(hh, h->rooms, key[0], n, r);
    return r;
}

static void free_room(struct hub *h, struct hub_room *r)
{
    struct hub_room **at = &h->dirty_head;
    struct hub_room *before = NULL;

    while (r->dirty && *at != NULL && *at != r) {
        before = *at;
        at = &(*at)->dirty_next;
    }
    if (r->dirty && *at == r) {
        *at = r->dirty_next;
        if (h->dirty_tail == r)
            h->dirty_tail = before;
    }
    if (h->scratch_room == r)
        h->scratch_room = NULL;
    hub_tail_drop(h, r, 0);
    HASH_DEL(h->rooms, r);
    free(r->tail);
    free(r->slots);
    free(r);
}

void hub_release_room(struct hub *h, struct hub_room *r)
{
    if (r->count == 0 && r->cuts == NULL)
        free_room(h, r);
}

/* --- life --- */

struct hub *hub_create(const struct hub_ops *ops, void *ctx)
{
    struct hub *h = calloc(1, sizeof(*h));

    if (h == NULL)
        return NULL;
    h->scratch = malloc(HUB_SEND_BYTES);
    if (h->scratch == NULL) {
        free(h);
        return NULL;
    }
    h->ops = ops;
    h->ctx = ctx;
    return h;
}

void hub_destroy(struct hub *h)
{
    struct hub_room *r, *next;

    if (h == NULL)
        return;
    HASH_ITER (hh, h->rooms, r, next) {
        hub_forget_cuts(h, r);
        for (uint32_t i = 0; i < r->count; i++)
            free(r->slots[i].sub);
        r->dirty = false;
        free_room(h, r);
    }
    cursor_destroy(h);
    free(h->scratch);
    free(h);
}

void hub_conn_init(struct hub_conn *conn)
{
    memset(conn, 0, sizeof(*conn));
}

static void close_ways(struct hub_conn *conn)
{
    for (const struct hub_sub *sub = conn->subs; sub != NULL; sub = sub->next)
        hub_slot_of(sub)->way = NULL;
}

void hub_conn_gone(struct hub_conn *conn)
{
    conn->gone = true;
    close_ways(conn);
}

void hub_block(struct hub_conn *conn)
{
    conn->blocked = true;
    close_ways(conn);
}

void hub_open_way(struct hub *h, struct hub_slot *slot)
{
    const struct hub_sub *sub = slot->sub;

    if (h->ops->way != NULL && sub->state == SUB_LIVE && sub->announced && !sub->conn->blocked && !sub->conn->gone && !sub->conn->rendering)
        slot->way = h->ops->way(sub->conn);
}

void hub_conn_close(struct hub *h, struct hub_conn *conn)
{
    hub_drop_cut(h, conn);
    while (conn->subs != NULL)
        hub_unsubscribe(h, conn->subs);
}

void hub_wake(struct hub *h)
{
    if (h->woken)
        return;
    h->woken = true;
    h->ops->wake(h->ctx);
}

/* --- subscribing --- */

struct hub_slot *hub_slot_of(const struct hub_sub *sub)
{
    return &sub->room->slots[sub->slot];
}

static bool grow_slots(struct hub_room *r)
{
    const uint32_t cap = r->cap == 0 ? 1 : r->cap < 1024 ? r->cap * 2 : r->cap + r->cap / 2;
    struct hub_slot *slots;

    if (r->count < r->cap)
        return true;
    slots = realloc(r->slots, cap * sizeof(*slots));
    if (slots == NULL)
        return false;
    r->slots = slots;
    r->cap = cap;
    return true;
}

struct hub_sub *hub_find(struct hub *h, struct hub_conn *conn, int64_t app, struct str room)
{
    const struct hub_room *r = find_room(h, app, room);
    struct hub_sub *sub = conn->subs;

    if (r == NULL)
        return NULL;
    while (sub != NULL && sub->room != r)
        sub = sub->next;
    return sub;
}

struct hub_sub *hub_subscribe(struct hub *h, struct hub_conn *conn, int64_t app, struct str room, int64_t since, void *tag,
                              bool *existing)
{
    struct hub_sub *sub = hub_find(h, conn, app, room);
    struct hub_room *r;

    *existing = sub != NULL;
    if (sub != NULL)
        return sub;
    r = find_room(h, app, room);
    if (r == NULL)
        r = make_room(h, app, room);
    if (r == NULL)
        return NULL;
    sub = calloc(1, sizeof(*sub));
    if (sub == NULL || !grow_slots(r)) {
        free(sub);
        hub_release_room(h, r);
        return NULL;
    }
    sub->room = r;
    sub->conn = conn;
    sub->tag = tag;
    sub->reset = since == HUB_RESET;
    sub->slot = r->count;
    /* A number that no room reaches is beyond every head, however large it is. */
    r->slots[r->count++] = (struct hub_slot){.sub = sub, .position = since < 0 ? -1 : since < HUB_BEYOND ? since : HUB_BEYOND};
    /* The sweep may come to the new slot in place of one that waits for its visit. */
    if (r->remaining != 0)
        r->remaining = r->count;
    sub->next = conn->subs;
    conn->subs = sub;
    conn->sub_count++;
    h->sub_count++;
    cursor_want(h, sub);
    return sub;
}

void hub_unsubscribe(struct hub *h, struct hub_sub *sub)
{
    struct hub_room *r = sub->room;
    struct hub_conn *conn = sub->conn;
    struct hub_sub **at = &conn->subs;
    const uint32_t last = r->count - 1;

    cursor_forget(h, sub);
    if (sub->slot != last) {
        r->slots[sub->slot] = r->slots[last];
        r->slots[sub->slot].sub->slot = sub->slot;
    }
    r->count = last;
    /* The one that moved may have been waiting for its visit behind the sweep: start a round anew. */
    if (r->remaining != 0)
        r->remaining = r->count;
    while (*at != sub)
        at = &(*at)->next;
    *at = sub->next;
    conn->sub_count--;
    h->sub_count--;
    free(sub);
    hub_release_room(h, r);
}

void hub_leave(struct hub *h, struct hub_sub *sub)
{
    hub_serve(h, sub->room, hub_slot_of(sub));
    hub_unsubscribe(h, sub);
}

/* --- fan-out --- */

void hub_publish(struct hub *h, struct frame *frame)
{
    struct hub_room *r = find_room(h, frame->app, frame->room);

    if (r == NULL)
        return;
    /* Also when a page brought the tail beyond it: what a socket has a part of was sent before. */
    if (frame->type == EVENT_RECALL)
        hub_tail_erase(h, r, frame);
    if (r->tail_count != 0 && frame->seq <= r->tail_last)
        return;
    hub_tail_append(h, r, frame);
    if (frame->seq > r->heard)
        r->heard = frame->seq;
    r->fresh++;
    hub_mark_dirty(h, r);
}

static void say_live(struct hub *h, struct hub_slot *slot)
{
    struct hub_sub *sub = slot->sub;

    if (sub->announced || slot->position < sub->announce_at)
        return;
    sub->announced = true;
    h->ops->live(h->ctx, sub, slot->position, !sub->lost);
    hub_open_way(h, slot);
}

void hub_announce(struct hub *h, struct hub_slot *slot, int64_t at)
{
    slot->sub->announce_at = at;
    say_live(h, slot);
}

/* Some of the last `missed` frames of the tail are not for everyone: sends those that the connection's user may see. */
static void serve_seen(struct hub *h, struct hub_room *r, struct hub_slot *slot, uint32_t missed)
{
    struct hub_conn *conn = slot->sub->conn;
    struct frame *const *frames = r->tail + (r->tail_count - missed);

    for (uint32_t i = 0; i < missed && !conn->blocked && !conn->gone;) {
        uint32_t n = 0;

        while (i + n < missed && hub_sees(h, conn, frames[i + n]) == AUDIENCE_YES)
            n++;
        if (n != 0) {
            hub_send_frames(h, r, slot, frames + i, n);
            i += n;
        } else if (hub_sees(h, conn, frames[i]) == AUDIENCE_NO) {
            slot->position = frames[i++]->seq;
        } else { /* the log knows */
            say_live(h, slot);
            slot->sub->in_full = true;
            cursor_want(h, slot->sub);
            return;
        }
    }
}

void hub_serve(struct hub *h, struct hub_room *r, struct hub_slot *slot)
{
    const int64_t missed = r->heard - slot->position;
    struct hub_sub *sub = slot->sub;

    if (missed <= 0 || sub->conn->blocked || sub->conn->gone || sub->state != SUB_LIVE)
        return;
    if (r->heard != r->tail_last || missed > r->tail_count) {
        cursor_want(h, sub); /* fell off the tail */
        return;
    }
    if (r->tail_limited != 0)
        serve_seen(h, r, slot, (uint32_t)missed);
    else
        hub_send_rest(h, r, slot, r->tail + (r->tail_count - (uint32_t)missed), (size_t)missed);
    if (sub->state == SUB_LIVE)
        say_live(h, slot);
}

void hub_second(struct hub *h)
{
    if (h->wait_head == NULL)
        return;
    h->woken = false;
    hub_wake(h);
}

void hub_read_done(struct hub *h, uint64_t ticket, struct hub_page *page)
{
    cursor_read_done(h, ticket, page);
}

static void send_signal(struct hub *h, struct hub_conn *conn, struct str wire)
{
    size_t taken = 0;

    switch (h->ops->send(conn, wire.p, wire.n, &taken)) {
    case HUB_SENT:
        break;
    case HUB_BLOCKED:
        hub_block(conn);
        if (taken > 0 && !h->ops->finish(conn, wire.p + taken, wire.n - taken))
            hub_conn_gone(conn);
        break;
    case HUB_GONE:
        hub_conn_gone(conn);
        break;
    }
}

void hub_signal(struct hub *h, int64_t app, struct str room, struct str wire)
{
    struct hub_room *r = find_room(h, app, room);

    if (r == NULL || r->count > HUB_SIGNAL_SUBSCRIBERS)
        return;
    for (uint32_t i = 0; i < r->count; i++) {
        const struct hub_sub *sub = r->slots[i].sub;

        if (!sub->conn->blocked && !sub->conn->gone && !sub->conn->rendering && sub->state == SUB_LIVE)
            send_signal(h, sub->conn, wire);
    }
}

void hub_drained(struct hub *h, struct hub_conn *conn)
{
    struct hub_sub *next;

    conn->blocked = false;
    conn->stalled = 0;
    hub_drop_cut(h, conn);
    for (struct hub_sub *sub = conn->subs; sub != NULL && !conn->blocked; sub = next) {
        next = sub->next;
        if (sub->state == SUB_LIVE) {
            hub_serve(h, sub->room, hub_slot_of(sub));
            hub_open_way(h, hub_slot_of(sub));
        } else if (sub->state == SUB_WANTS) {
            cursor_want(h, sub);
        }
    }
}

/* --- looking --- */

size_t hub_sub_count(const struct hub *h)
{
    return h->sub_count;
}

size_t hub_room_subscribers(const struct hub *h, int64_t app, struct str room)
{
    const struct hub_room *r = find_room(h, app, room);

    return r != NULL ? r->count : 0;
}

struct hub_conn *hub_sub_conn(const struct hub_sub *sub)
{
    return sub->conn;
}

struct str hub_sub_room(const struct hub_sub *sub)
{
    return str_n(sub->room->key + sizeof(int64_t), sub->room->key_len - sizeof(int64_t));
}

void *hub_sub_tag(const struct hub_sub *sub)
{
    return sub->tag;
}

void hub_sub_set_tag(struct hub_sub *sub, void *tag)
{
    sub->tag = tag;
}

int64_t hub_sub_position(const struct hub_sub *sub)
{
    return hub_slot_of(sub)->position;
}

bool hub_sub_was_live(const struct hub_sub *sub)
{
    return sub->announced;
}
