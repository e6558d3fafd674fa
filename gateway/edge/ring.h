/*
 * gateway/edge/ring.h - sends to many sockets in one system call, by io_uring.
 *
 * A send costs what the kernel's TCP costs; the way in and out of the kernel, paid once for many sockets, is what is left to
 * save: a few percent (DESIGN.md has the figures). Where the kernel has no io_uring, or may not be asked for it (containers' default
 * filters, kernel.io_uring_disabled), there is no ring, and each socket is a call of its own.
 *
 * Owns:    the ring, and its one file descriptor.
 * Borrows: sockets and bytes, for the call: when ring_send returns the kernel uses neither any more.
 * Bounds:  RING_SENDS sends a call.
 * Fails:   ring_open with a reason; ring_send by false, and from then on there is no ring, whatever the reason: calls of one's own always work.
 * Thread:  all on the one that opened it (IORING_SETUP_SINGLE_ISSUER).
 *
 * Linux 6.1 or later, by liburing. That nothing is left to be done later is from the kernel's source, io_uring/net.c and io_uring.c of 6.1
 * and 6.18: a send with MSG_DONTWAIT is never parked to be tried again, it completes with EAGAIN within io_uring_enter.
 */
#ifndef RECALLD_EDGE_RING_H
#define RECALLD_EDGE_RING_H

#include "core/hub.h"

#include <liburing.h>
#include <stdbool.h>
#include <stddef.h>

#define RING_SENDS 256U
#define RING_PAYS 16U /* sends from which one call is cheaper than a call each */
#define RING_MIXED 32U /* sends of several rooms' frames in one call: what comes next is being committed, and the writer, whom the disk wakes, waits for the call's end */
#define RING_BYTES (1U << 20) /* in one call: a kernel that does not preempt lets nobody else on the core meanwhile; and beyond it copying is what costs */

struct ring {
    struct io_uring uring;
    bool open; /* zeroed: there is none */
    int error; /* of the call that failed; else 0 */
};

/* How many of `count` sends, one at least, may go into one call. Fewer than RING_PAYS are cheaper by a call each. */
unsigned ring_share(const struct hub_send sends[], unsigned count);
/* False: there is none; `why` has the reason. */
bool ring_open(struct ring *r, char *why, size_t why_size);
/* A zeroed or closed one is legal. */
void ring_close(struct ring *r);
/*
 * Makes `count` sends, RING_SENDS at most and each to another socket, without waiting, and without SIGPIPE. `taken` tells how many bytes a socket
 * took: perhaps none, whatever the error. False: the ring failed (`error`) and was closed; `taken` is true all the same, and who got
 * nothing can be sent to in another way.
 */
bool ring_send(struct ring *r, struct hub_send sends[], unsigned count);

#endif
