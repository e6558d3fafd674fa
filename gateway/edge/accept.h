/*
 * gateway/edge/accept.h - listening sockets: made once for all threads, accepted from on each.
 *
 * Owns:    nothing of its own; sockets are handed to threads, accepted ones to http.h or tls.h.
 * Bounds:  ACCEPT_BATCH sockets a turn. Above the limit of sockets the listeners are not polled, so that a
 *          full table of file descriptors costs no CPU; they are again when a connection closed.
 * Fails:   binding: with a sentence.
 * Thread:  accept_bind on the main thread, the rest on the edge thread.
 */
#ifndef RECALLD_EDGE_ACCEPT_H
#define RECALLD_EDGE_ACCEPT_H

#include "edge/thread.h"

#include <stdint.h>

/* Addresses that a host name may stand for. */
#define ACCEPT_ADDRESSES_MAX THREAD_LISTENERS_MAX

struct accept_address {
    char text[64]; /* "127.0.0.1:8080" */
};

/* Binds `host`:`port` for `threads` threads: fds[thread * ACCEPT_ADDRESSES_MAX + address]. *addresses tells
 * how many there are, `first` the first one's text with its real port. A port that someone listens on fails,
 * whatever SO_REUSEPORT would allow. */
bool accept_bind(const char *host, uint16_t port, size_t threads, int *fds, size_t *addresses,
                 struct accept_address *first, char *error, size_t n);

/* Starts or stops polling the thread's listeners, as the number of sockets allows. Called after sockets
 * closed, and each tick. */
void accept_resume(struct edge_thread *t);
/* Closes the thread's listeners. */
void accept_close(struct edge_thread *t);

#endif
