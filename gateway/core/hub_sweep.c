/*
 * The rolling sweep: a turn serves the next subscribers of each room that has something for them, and one send carries all that a
 * subscriber misses.
 *
 * So the fewer rounds a room needs for its events, the less each of them costs. A large room in which events come faster than a round
 * takes waits for those that are about to be committed, before it goes on with a round that would have to be made once more for them: at most for
 * HUB_HOLD_US, and for 1 us a subscriber, which is about a quarter of what the round itself takes. Nobody else waits meanwhile.
 */
#include "core/hub_private.h"

/* How far ahead of the sweep a connection is fetched into the cache, and then what its owner needs of it, in two steps. A delivery is a system
 * call of some 4 us that leaves little in the cache, and each line that must be waited for makes it one or two per cent longer. */
#define PREFETCH_CONN 6U
#define PREFETCH_OWNER 3U
#define PREFETCH_LAST 1U
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

static void fetch_ahead(const struct hub *h, const struct hub_room *r)
{
    const struct hub_slot *at = &r->slots[r->sweep];
    const uint32_t left = r->count - r->sweep;

    if (left > PREFETCH_CONN) {
        __builtin_prefetch(&at[PREFETCH_CONN].conn->blocked);
        if (!hub_steady(&at[PREFETCH_CONN]))
            __builtin_prefetch(&at[PREFETCH_CONN].sub->state);
    }
    if (h->ops->approach != NULL && left > PREFETCH_OWNER)
        h->ops->approach(at[PREFETCH_OWNER].conn, true);
    if (h->ops->approach != NULL && left > PREFETCH_LAST)
        h->ops->approach(at[PREFETCH_LAST].conn, false);
}

/* Serves the next slice of a room; returns how many subscribers it visited. */
static unsigned serve_slice(struct hub *h, struct hub_room *r)
{
    unsigned i = 0;

    for (; i < HUB_SLICE && r->remaining > 0 && r->round > 0; i++) {
        if (r->sweep >= r->count)
            r->sweep = 0;
        fetch_ahead(h, r);
        r->remaining--;
        r->round--;
        hub_serve(h, r, &r->slots[r->sweep++]);
    }
    return i;
}

enum hub_left hub_turn(struct hub *h, unsigned slices)
{
    const unsigned most = slices * HUB_SLICE;
    const struct hub_room *held = NULL; /* the first that waits since one was served: when it comes again, all that are left wait */

    h->woken = false;
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
        visited += 1 + serve_slice(h, r);
        if (r->remaining == 0 || r->round == 0)
            end_round(r);
        if (r->remaining != 0)
            line_up(h, r);
        else if (h->tail_bytes > HUB_TAILS_BYTES)
            hub_tail_drop(h, r, 0); /* too much in memory: who has not got it reads the log */
    }
    cursor_turn(h);
    h->woken = h->dirty_head != NULL && h->dirty_head != held;
    if (h->woken)
        return HUB_MORE;
    return h->dirty_head != NULL ? HUB_HELD : HUB_NOTHING;
}
