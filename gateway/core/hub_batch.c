/*
 * The sends of a turn that go straight to their sockets, made together: of one large room, or of many small ones.
 */
#include "core/hub_private.h"

#define NO_SOCKET (-1)

void hub_batch_init(struct hub_batch *b)
{
    b->count = b->runs = 0;
    b->scratch = b->mixed = false;
    b->room = NULL;
}

/* False: it is in already. There is always room, as half of the marks are never taken. */
static bool mark(struct hub_batch *b, int socket)
{
    unsigned at = (unsigned)socket % BATCH_MARKS;

    while (b->marks[at] != NO_SOCKET) {
        if (b->marks[at] == socket)
            return false;
        at = (at + 1) % BATCH_MARKS;
    }
    b->marks[at] = socket;
    return true;
}

/* Sends of `r` are about to be taken in. Nobody is in one room twice, so a large one needs no marks. */
static void join(struct hub_batch *b, const struct hub_room *r)
{
    if (b->count == 0)
        b->room = r;
    if (b->mixed || b->room == r)
        return;
    b->mixed = true;
    for (unsigned i = 0; i < BATCH_MARKS; i++)
        b->marks[i] = NO_SOCKET;
    for (unsigned i = 0; i < b->count; i++)
        (void)mark(b, b->sends[i].socket);
}

/* What the kernel did not take all of is sent by the owner, who learns why. */
static void send_rest(struct hub *h, struct hub_slot *slot, int64_t was, const struct hub_send *s)
{
    struct hub_room *r = slot->sub->room;
    const size_t missed = (size_t)(r->heard - was);

    slot->position = was;
    hub_send_once(h, r, slot, r->tail + (r->tail_count - missed), missed, s->n, s->taken);
}

void hub_batch_send(struct hub *h, struct hub_batch *b)
{
    if (b->count == 0)
        return;
    h->ops->put(h->ctx, b->sends, b->count);
    for (unsigned j = 0, i = 0; j < b->runs; j++) {
        const unsigned end = j + 1 < b->runs ? b->run[j + 1].first : b->count;

        for (; i < end; i++)
            if (b->sends[i].taken != b->sends[i].n)
                send_rest(h, b->run[j].slots + (i - b->run[j].first), b->run[j].was, &b->sends[i]);
    }
    hub_batch_init(b);
}

unsigned hub_batch_add(struct hub *h, struct hub_batch *b, struct hub_room *r, struct hub_slot *slots, const int sockets[], unsigned n)
{
    const int64_t was = slots[0].position, missed = r->heard - was;
    struct frame *const *frames;
    const char *p;
    size_t bytes;
    unsigned count = 0;

    if (sockets[0] < 0 || !hub_way_open(&slots[0]) || missed <= 0 || r->heard != r->tail_last || missed > r->tail_count || r->tail_limited != 0)
        return 0;
    frames = r->tail + (r->tail_count - (uint32_t)missed);
    if (hub_fitting(frames, (size_t)missed, &bytes) != (size_t)missed)
        return 0;
    if (b->count == HUB_LOOK || (missed > 1 && b->scratch))
        hub_batch_send(h, b);
    p = hub_gather(h, r, frames, (size_t)missed);
    join(b, r);
    while (count < n && b->count < HUB_LOOK && sockets[count] >= 0 && hub_way_open(&slots[count]) && slots[count].position == was) {
        if (b->mixed && !mark(b, sockets[count])) {
            if (count != 0)
                break;
            hub_batch_send(h, b); /* whose frames were not in the scratch, if these are */
            continue;             /* the way may be closed now */
        }
        b->sends[b->count++] = (struct hub_send){.p = p, .n = (uint32_t)bytes, .socket = sockets[count]};
        slots[count++].position = r->heard;
    }
    if (count == 0)
        return 0;
    b->run[b->runs].slots = slots;
    b->run[b->runs].was = was;
    b->run[b->runs++].first = b->count - count;
    b->scratch = b->scratch || missed > 1;
    return count;
}
