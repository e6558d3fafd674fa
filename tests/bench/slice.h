/*
 * tests/bench/slice.h - one slice: events are made to happen, every connection gets each, the server's CPU is
 * read before and after.
 *
 * Owns:    the connections over which it asks for events.
 * Borrows: swarm and server.
 * Bounds:  an event that has not reached everyone after 10 s is lost, and ends the slice.
 * Fails:   by the swarm's `broken` and `error`.
 * Thread:  one.
 */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include "server.h"
#include "swarm.h"

#define SLICE_WINDOW 16U /* most events in flight */

struct slice_order {
    bool followed;   /* false: recalld's quiet room, which has the same members and no follower */
    bool coalesce;   /* FLOOR's way of sending */
    uint32_t warm;   /* events before the measured ones */
    uint32_t window; /* events in flight */
    uint32_t events; /* measured; 0: as many as `ms` allows */
    int64_t ms;
    int64_t pace_ns; /* an event each so often; 0: as soon as the one before has arrived everywhere */
    uint32_t frame;  /* FLOOR: bytes of an event's frame; 0: as it is */
};

struct slice_figures {
    uint64_t events, deliveries, missed, repeated;
    int64_t cpu_ns, wall_ns;
    int64_t other_ns; /* what else the server's core did */
    int64_t fsyncs;   /* -1: not counted */
    int64_t p50_ns;   /* from asking for an event to its last delivery */
    uint32_t frame;
};

struct slice_asker {
    int fd;
    bool busy;
    char answer[4096];
    size_t len;
};

struct slice {
    struct swarm *swarm;
    const struct server *server;
    int core;
    struct sockaddr_in at; /* recalld's address, or FLOOR's control */
    const char *quiet;     /* the quiet room's name */
    struct slice_asker askers[SLICE_WINDOW];
    uint64_t answers;
};

void slice_init(struct slice *s, struct swarm *swarm, const struct server *server, int core,
                const struct sockaddr_in *at, const char *quiet);
bool slice_run(struct slice *s, const struct slice_order *order, struct slice_figures *figures);
/* For swarm.other: an asker's answer came. */
void slice_answer(struct slice *s, uint64_t asker);

#endif
