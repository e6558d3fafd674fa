/*
 * gateway/edge/turn.h - one turn of an edge thread's loop: what is live goes first, and newcomers get the time that is left.
 *
 *     timers → poll: sockets ─ each 0.4 ms: a breath ─→ check: fan-out, newcomers' mail, upgrades → closing handles → …
 *                                 │
 *                                 └ the calls' loop (HTTP connections; events and answers by mail), two slices of fan-out, the writer's wake
 *
 * libuv gives all sockets that are ready their callbacks, up to 48 times 1,024, before it looks at anything else; when ten thousand devices
 * come back at once, that is a tenth of a second. So callbacks of WebSockets and of the listeners draw breath first (turn_breathe). The calls
 * have a loop of their own inside the thread's, which a breath runs; what the store has for newcomers (their tokens, their pages of the log)
 * comes home to a mailbox of its own, of which a turn delivers what fits into TURN_LATER_NS.
 *
 * Owns:    the calls' loop, the handles of both loops' mail, and the newcomers' mailbox.
 * Borrows: the thread.
 * Bounds:  TURN_BREATH_NS between breaths, and one callback; MAIL_BATCH mails a breath; TURN_LATER_NS of newcomers' mail a turn; the writer's wake
 *          comes at the end of the turn, or TURN_GATHER_NS and a turn later where more jobs come in.
 * Fails:   turn_init with a sentence.
 * Thread:  the edge thread's own, but for turn_init and turn_free (the main thread, while the edge thread does not run).
 */
#ifndef RECALLD_EDGE_TURN_H
#define RECALLD_EDGE_TURN_H

#include "edge/thread.h"

#define TURN_BREATH_NS UINT64_C(400000) /* longer, and a live message waits; shorter gave no more */
#define TURN_LATER_NS  UINT64_C(1000000)
#define TURN_GATHER_NS UINT64_C(400000) /* some ten requests more */

/* After t->loop was made. */
bool turn_init(struct edge_thread *t, size_t mailbox_limit, char *error, size_t n);
/* Starts the handles that every turn needs. */
void turn_start(struct edge_thread *t);
/* Closes the handles; the calls' loop is run dry by turn_end, after the thread's own loop ended. */
void turn_stop(struct edge_thread *t);
void turn_end(struct edge_thread *t);
void turn_free(struct edge_thread *t);

/* The hub's wake: there is something for session_turn. `arg` is the thread. */
void turn_wake(void *arg);
/* If the turn has taken long: lets calls, events and fan-out go first. At the beginning of a callback, or at its end: events may be sent
 * to any connection meanwhile, and any may have been told to close. Not from within a session or the hub. */
void turn_breathe(struct edge_thread *t);
/* Are events going out, and has a turn of the loop been long just now, so that they had to wait for what came in beside them? */
bool turn_long(const struct edge_thread *t);

#endif
