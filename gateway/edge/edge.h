/*
 * gateway/edge/edge.h - the server's outside: listening sockets, threads, HTTP calls and WebSocket
 * connections. Step 1 of a recall, ENTER, and step 5, ANSWER, pass here.
 *
 * Owns:    the listening sockets, the edge threads with their loops, connections and mailboxes.
 * Borrows: the gateway, from edge_create until edge_free returned.
 * Bounds:  `server.threads` threads; connections by the file descriptors there are minus
 *          `server.reserve_fds`, and by `server.max_connections`; what a connection may hold: see http.h
 *          and ws.h.
 * Fails:   creating and starting fail with a sentence for the operator; afterwards single connections fail,
 *          never the edge.
 * Thread:  the main thread, for every function here but edge_address and edge_mailbox (any thread after
 *          edge_create).
 *
 * The order of a process' life:
 *     edge_create → (store, bus and others are given the mailboxes) → edge_start
 *     edge_drain → (the store finishes what was admitted and stops) → edge_free
 */
#ifndef RECALLD_EDGE_EDGE_H
#define RECALLD_EDGE_EDGE_H

#include "api/gateway.h"

#include <stdbool.h>
#include <stddef.h>

struct edge;

/* Binds the address of `server.listen` (port 0: any free port) and makes the threads' loops and mailboxes;
 * nothing is accepted yet. NULL: one sentence in `error` (a port that another process listens on, a
 * certificate that cannot be read, ...). */
struct edge *edge_create(struct gateway *g, char *error, size_t n);
/* Starts the threads; from here on connections are accepted. False: a sentence in `error`; then only
 * edge_free may follow. */
bool edge_start(struct edge *e, char *error, size_t n);

/* "127.0.0.1:8080" or "[::1]:8080", with the real port. `n` of at least 64 always suffices. */
void edge_address(const struct edge *e, char *buf, size_t n);
/* How many threads there are, and the mailbox of each (0 <= index < edge_threads): where jobs come home and
 * events arrive. Owned by the edge; nobody may post to it once edge_free was called. */
size_t edge_threads(const struct edge *e);
struct mailbox *edge_mailbox(const struct edge *e, size_t index);
/* All of them at once: the array is the edge's, of edge_threads entries. */
struct mailbox *const *edge_mailboxes(const struct edge *e);

/* Takes over the current configuration now instead of within a second, and reads certificate and key again
 * for new connections. False: the new certificate cannot be used, the old one stays; a sentence is in
 * `error`. */
bool edge_reload(struct edge *e, char *error, size_t n);

/* The server leaves: nothing more is accepted, calls under way are answered, every session gets `bye` and
 * close 1001. Returns when all connections are gone or `server.drain_timeout` passed. */
void edge_drain(struct edge *e);

/* Cuts what is still connected, delivers what is left in the mailboxes, ends the threads and frees
 * everything. Threads that post to the mailboxes must have ended. NULL is legal. */
void edge_free(struct edge *e);

#endif
