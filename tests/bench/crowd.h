/*
 * tests/bench/crowd.h - a process that holds the connections to one server and runs slices over them when
 * told.
 *
 * Owns:    the process and the socket to it. The process ends with its parent.
 * Borrows: what the target points to, as it is when the process starts.
 * Bounds:  one order at a time. Descriptors: connections and about 80 more, below the limit of each process.
 * Fails:   false with a sentence on standard error; the crowd is then of no further use but to crowd_stop.
 * Thread:  one; each call blocks until the order is done. Between orders the process answers pings.
 */
#ifndef BENCH_CROWD_H
#define BENCH_CROWD_H

#include "slice.h"

struct crowd_target {
    const char *name;
    struct swarm_target swarm;
    struct sockaddr_in asks; /* where events are asked for */
    const struct server *server;
    const char *quiet; /* rooms that nobody follows: one of this name, or names with a number behind */
    uint32_t quiet_rooms;
    int server_core, own_core;
    uint32_t most; /* connections */
};

/* What it took to get more connections. */
struct crowd_growth {
    uint32_t count;
    int64_t wall_ns, cpu_ns, own_ns;
};

struct crowd {
    pid_t pid;
    int fd;
    const char *name;
};

bool crowd_start(struct crowd *c, const struct crowd_target *target);
/* Connects, authenticates and subscribes until there are `count` devices. `growth` may be NULL. */
bool crowd_grow(struct crowd *c, uint32_t count, struct crowd_growth *growth);
/* Closes the last connections, until `count` are left. */
bool crowd_shrink(struct crowd *c, uint32_t count);
bool crowd_slice(struct crowd *c, const struct slice_order *order, struct slice_figures *figures);
/* Closes all connections and ends the process; NULL-safe and legal twice. */
void crowd_stop(struct crowd *c);

#endif
