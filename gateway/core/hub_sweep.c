/*
 * The rolling sweep: a turn serves the next subscribers of each room that has something for them, and one send carries all that a
 * subscriber misses.
 *
 * So the fewer rounds a room needs for its events, the less each of them costs. A large room in which events come faster than a round
 * takes waits for those that are about to be committed, before it goes on with a round that would have to be made once more for them: at most for
 * HUB_HOLD_US, and for 1 us a subscriber, which is about a quarter of what the round itself takes. Nobody else waits meanwhile.
 */
#include "core/hub_private.h"

#define BURST 2U      /* so many events in a round, and the next ones are worth waiting for */
#define REST_US 50000 /* a room in which nothing was to be done for so long does not burst any more */

/* To the end of the line. */
static void line_up(struct hub *h, struct hub_room *r)
{
    if (r->dirty)
        return;
    r->dirty = true;
    r->dirty_next = NULL;
    if (h->dirty_tail != NULL)
        h->dirty_tail->dirty_next = r;
    else
        h->dirty_head = r;
    h->dirty_tail = r;
}

static struct hub_room *next_in_line(struct hub *h)
{
    struct hub_room *r = h->dirty_head;

    h->dirty_head = r->dirty_next;
    if (h->dirty_head == NULL)
        h->dirty_tail = NULL;
    r->dirty = false;
    return r;
}

void hub_mark_dirty(struct hub *h, struct hub_room *r)
{
    r->remaining = r->count;
    line_up(h, r);
    hub_wake(h);
}

/* All were visited since the last call, or nothing is left for anyone. */
static void end_round(struct hub_room *r)
{
    r->round = 0;
    r->burst = r->fresh;
    r->fresh = 0;
    r->held_us = 0;
}

/* Is the room to wait for events that are about to be committed? Its time is counted from look to look. */
static bool holds(const struct hub *h, struct hub_room *r)
{
    const int64_t most = r->count < HUB_HOLD_US ? r->count : HUB_HOLD_US, since = r->held_since_us;
    int64_t now_us;
    bool under_way;

    r->held_since_us = 0;
    if (r->count < HUB_HOLD_SUBSCRIBERS || (r->burst < BURST && r->fresh < BURST) || h->ops->under_way == NULL)
        return false;
    under_way = h->ops->under_way(h->ctx, &now_us);
    if (now_us - r->looked_us > REST_US)
        r->burst = 0;
    r->looked_us = now_us;
    if (since != 0)
        r->held_us += now_us - since;
    if (!under_way || r->held_us >= most || (r->burst < BURST && r->fresh < BURST))
        return false;
    r->held_since_us = now_us;
    return true;
}

/*
 * Looks at the ways of the next `n` slots. What their owner looks at is not in the cache any more, as a delivery is a system call that leaves
 * little there, nor is its page among those that the processor knows, for which a prefetch would not wait. So they are looked at together: then
 * the processor waits for all of them at a time.
 */
static void look_ahead(const struct hub *h, const struct hub_room *r, unsigned n, int sockets[static HUB_LOOK])
{
    const struct hub_slot *slots = &r->slots[r->sweep];
    void *ways[HUB_LOOK];
    int found[HUB_LOOK];
    unsigned at[HUB_LOOK], count = 0;

    for (unsigned i = 0; i < n; i++) {
        sockets[i] = -1;
        if (slots[i].position >= r->heard)
            continue;
        if (hub_way_open(&slots[i])) {
            at[count] = i;
            ways[count++] = slots[i].way;
        } else {
            __builtin_prefetch(&slots[i].sub->state);
        }
    }
    if (count != 0)
        h->ops->look(h->ctx, ways, count, found);
    for (unsigned i = 0; i < count; i++)
        sockets[at[i]] = found[i];
}

/* Serves the next `most` subscribers of a room; returns how many it visited. */
static unsigned serve_slice(struct hub *h, struct hub_batch *b, struct hub_room *r, unsigned most)
{
    unsigned visited = 0;

    while (visited < most && r->remaining > 0 && r->round > 0) {
        unsigned n = most - visited < HUB_LOOK ? most - visited : HUB_LOOK;
        int sockets[HUB_LOOK];

        if (r->sweep >= r->count)
            r->sweep = 0;
        n = r->count - r->sweep < n ? r->count - r->sweep : n;
        n = r->remaining < n ? r->remaining : n;
        n = r->round < n ? r->round : n;
        look_ahead(h, r, n, sockets);
        visited += n;
        r->remaining -= n;
        r->round -= n;
        for (unsigned i = 0, served; i < n; i += served, r->sweep += served) {
            served = hub_batch_add(h, b, r, &r->slots[r->sweep], sockets + i, n - i);
            if (served == 0) {
                hub_batch_send(h, b);
                hub_serve(h, r, &r->slots[r->sweep]);
                served = 1;
            }
        }
    }
    return visited;
}

/* Too much in memory: who has not got it reads the log. */
static void drop_tail(struct hub *h, struct hub_batch *b, struct hub_room *r)
{
    hub_batch_send(h, b);
    hub_tail_drop(h, r, 0);
}

enum hub_left hub_turn(struct hub *h, unsigned slices)
{
    const unsigned most = slices * HUB_SLICE;
    struct hub_batch batch;
    const struct hub_room *held = NULL; /* the first that waits since one was served: when it comes again, all that are left wait */

    h->woken = false;
    hub_batch_init(&batch);
    for (unsigned visited = 0; visited < most && h->dirty_head != NULL && h->dirty_head != held;) {
        struct hub_room *r = next_in_line(h);

        if (holds(h, r)) {
            held = held != NULL ? held : r;
            line_up(h, r);
            continue;
        }
        held = NULL;
        if (r->round == 0)
            r->round = r->count;
        /* One that is alone has all that is left of the turn at once: the longer a slice, the less a send costs. */
        visited += 1 + serve_slice(h, &batch, r, h->dirty_head == NULL && most - visited > HUB_SLICE ? most - visited : HUB_SLICE);
        if (r->remaining == 0 || r->round == 0)
            end_round(r);
        if (r->remaining != 0)
            line_up(h, r);
        else if (h->tail_bytes > HUB_TAILS_BYTES)
            drop_tail(h, &batch, r);
    }
    hub_batch_send(h, &batch);
    cursor_turn(h);
    h->woken = h->dirty_head != NULL && h->dirty_head != held;
    if (h->woken)
        return HUB_MORE;
    return h->dirty_head != NULL ? HUB_HELD : HUB_NOTHING;
}
