/*
 * gateway/bus/bus.h - carries notices from whoever commits to every edge thread.
 *
 * Owns:    the list of attached mailboxes; a reference to each notice while it is on its way.
 * Borrows: the mailboxes; they outlive the bus.
 * Bounds:  at most BUS_PENDING notices (or as many as bus_create was told) wait in one mailbox; the publisher then waits for that thread, which is the back-pressure
 *          that ends as 503 for HTTP callers when the writer's queue fills. A detached mailbox gets nothing.
 * Fails:   out of memory aborts: a notice that was committed and not carried would break the order of a room.
 * Thread:  publish on the writer thread or the syncer's, one at a time (an edge thread that waited for another could wait for good); offer, attach and detach on any.
 *
 * This is the local bus: one process. Notices arrive at each thread in the order in which they were published.
 */
#ifndef RECALLD_BUS_BUS_H
#define RECALLD_BUS_BUS_H

#include "base/mailbox.h"

#include <stdatomic.h>
#include <stdbool.h>

#define BUS_PENDING 65536U
#define BUS_THREADS 64U

struct bus;

/* Put first into what is carried; shared by all threads, immutable once published. */
struct bus_notice {
    atomic_uint refs;
    void (*release)(struct bus_notice *notice); /* the last reference went */
};

/* Called on each edge thread for each notice, in order; `ctx` is what that thread gives mailbox_drain. */
typedef void bus_handler(struct bus_notice *notice, void *ctx);

/* `pending` notices may wait in one mailbox; 0: BUS_PENDING. NULL: out of memory. */
struct bus *bus_create(bus_handler *handler, unsigned pending);
/* `tap` is called on the publishing thread with each notice that is published, before any thread is given it. Set once, before the
 * first. */
void bus_tap(struct bus *bus, bus_handler *tap, void *ctx);
void bus_destroy(struct bus *bus);
/* False: BUS_THREADS are attached already. */
bool bus_attach(struct bus *bus, struct mailbox *mailbox);
/* After it returned no notice will be posted to the mailbox. */
void bus_detach(struct bus *bus, struct mailbox *mailbox);
/* Hands the notice to every attached mailbox; takes over the caller's reference. `more`: another one, or bus_wake, follows at once, and the
 * threads are woken with that. `bus` NULL: only releases. */
void bus_publish(struct bus *bus, struct bus_notice *notice, bool more);
/* Wakes every thread that was given something without being woken. Any thread. */
void bus_wake(struct bus *bus);
/* The same as bus_publish for what may be dropped: never waits; a mailbox that is full does not get it. Any thread. */
void bus_offer(struct bus *bus, struct bus_notice *notice);
/* The same for everyone but `own`, NULL: for everyone. False: somebody's mailbox was full, and they did not get it. As with bus_offer the tap does not see
 * it, and a NULL bus only releases it (true). */
bool bus_offer_others(struct bus *bus, const struct mailbox *own, struct bus_notice *notice);

/* Delivers `last` at `home` when every other attached thread has handled all that was published before this call: then nothing that
 * those notices took back can leave any more. False: there is no other thread, so there is nothing to wait for and `last` is not
 * delivered. From the thread of `home`, which has handled them itself; never waits. */
bool bus_fence(struct bus *bus, struct mailbox *home, struct mail *last);

#endif
