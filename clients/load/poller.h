/*
 * clients/load/poller.h - many sockets in one libuv handle: an epoll set of its own, which costs a connection
 * nothing where a uv_poll_t would cost it 160 bytes.
 *
 * Owns:    the epoll descriptor and its handle in the loop.
 * Borrows: the loop; each item until its descriptor is closed.
 * Bounds:  one turn of the loop handles at most POLLER_TURN events, so that timers are not kept waiting.
 * Fails:   false, with errno.
 * Thread:  the loop's.
 *
 * A descriptor leaves the set by being closed. An item may be told once more of events of a descriptor that
 * it closed in the same turn: it finds nothing to read then.
 */
#ifndef RECALL_LOAD_POLLER_H
#define RECALL_LOAD_POLLER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <uv.h>

#define POLLER_TURN 2048

struct poller_item {
    void (*ready)(struct poller_item *item, uint32_t events); /* EPOLLIN, EPOLLOUT, EPOLLERR, EPOLLHUP */
};

struct poller {
    uv_poll_t handle;
    int fd;
    bool open;
};

bool poller_init(struct poller *p, uv_loop_t *loop);
/* Closes it; the loop must run once more for libuv to let go of it. */
void poller_close(struct poller *p);
/* Adds a descriptor, with EPOLLIN and, where wanted, EPOLLOUT. */
bool poller_add(struct poller *p, int fd, uint32_t events, struct poller_item *item);
/* Changes what its item is told of; 0: nothing but errors. */
bool poller_change(struct poller *p, int fd, uint32_t events, struct poller_item *item);

#endif
