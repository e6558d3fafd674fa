/*
 * tests/bench/slice.h - one slice: events are made to happen, every device gets each, the server's CPU is read
 * before and after.
 *
 * Owns:    the connections over which it asks for events.
 * Borrows: swarm and server.
 * Bounds:  an event that has not reached everyone after 10 s is lost, and ends the slice.
 * Fails:   by the swarm's `broken` and `error`.
 * Thread:  one.
 */
#ifndef BENCH_SLICE_H
#define BENCH_SLICE_H

#include "asker.h"
#include "server.h"

struct slice_order {
    bool followed;        /* false: the quiet rooms, which nobody follows */
    bool coalesce;        /* FLOOR's way of sending */
    enum asker_what what;
    uint64_t first_id;    /* of the messages that are named or recalled */
    uint32_t warm;        /* events before the measured ones */
    uint32_t window;      /* events in flight */
    uint32_t events;      /* measured; 0: as many as `ms` allows */
    int64_t ms;
    int64_t pace_ns;      /* an event each so often, a window of them at once; 0: as soon as the one before has arrived everywhere */
    uint32_t frame;       /* not recalld: bytes of an event's frame; 0: as it is */
};

struct slice_figures {
    uint64_t events, deliveries, missed, repeated;
    int64_t cpu_ns, wall_ns;
    int64_t own_ns;   /* CPU of the process with the connections */
    int64_t other_ns; /* what else the server's core did */
    int64_t fsyncs;   /* -1: not counted */
    int64_t p50_ns;   /* from asking for an event to its last delivery */
    uint32_t frame;
};

struct slice {
    struct swarm *swarm;
    const struct server *server;
    int core;
    struct askers askers;
    const char *quiet; /* the quiet room's name */
    uint32_t quiet_rooms;
    uint32_t next_room;
};

void slice_init(struct slice *s, struct swarm *swarm, const struct server *server, int core,
                const struct sockaddr_in *asks);
bool slice_run(struct slice *s, const struct slice_order *order, struct slice_figures *figures);

#endif
