/*
 * gateway/edge/wheel.h - deadlines of many connections: one timer, constant time for each change.
 *
 * Owns:    its slots; nodes are embedded in their owners.
 * Bounds:  WHEEL_SLOTS lists; a deadline fires up to WHEEL_TICK_MS late.
 * Fails:   never.
 * Thread:  one.
 *
 * libwebsockets keeps its timers in one sorted list, so a timer for each connection makes accepting one
 * linear in the number of connections. Here a deadline hangs in the slot of its tick; those beyond one turn
 * of the wheel are passed over until their time has come.
 */
#ifndef RECALLD_EDGE_WHEEL_H
#define RECALLD_EDGE_WHEEL_H

#include <stdbool.h>
#include <stdint.h>

#define WHEEL_SLOTS 512
#define WHEEL_TICK_MS 50

/* Zeroed: in no wheel. */
struct wheel_node {
    struct wheel_node *next, *prev;
    int64_t due; /* monotonic ms */
};

struct wheel {
    struct wheel_node slots[WHEEL_SLOTS]; /* heads of circular lists */
    int64_t tick;                         /* the last one served */
};

void wheel_init(struct wheel *w, int64_t now_ms);
/* Sets or moves a deadline; one that is past fires at the next tick. */
void wheel_set(struct wheel *w, struct wheel_node *node, int64_t due_ms);
/* As wheel_set, but leaves an earlier deadline of a node as it is: whoever is called then looks again. */
void wheel_set_earlier(struct wheel *w, struct wheel_node *node, int64_t due_ms);
/* Takes a node out; one that is in no wheel is legal. */
void wheel_clear(struct wheel_node *node);
/* Whether a deadline is set. */
bool wheel_armed(const struct wheel_node *node);
/* Calls `visit` once for every node in the wheel, whatever its time. `visit` may set, clear and free any node. */
void wheel_each(struct wheel *w, void (*visit)(struct wheel_node *node));
/* Calls `fire` for every node that is due, after taking it out. `fire` may set, clear and free any node. */
void wheel_advance(struct wheel *w, int64_t now_ms, void (*fire)(struct wheel_node *node, int64_t now_ms));

#endif
