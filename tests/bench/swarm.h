/*
 * tests/bench/swarm.h - many WebSocket connections of one process to one server: opens them, reads what they
 * get, counts it.
 *
 * Owns:    the connections, its epoll descriptor.
 * Borrows: the target and what it points to.
 * Bounds:  `most` connections; SWARM_RING events at a time. A handshake that makes no progress for 10 s is an
 * error. Fails:   false, or `broken` set, and a sentence in `error`. A connection that ends by itself is an
 * error. Thread:  one.
 *
 * Every event carries "seq", growing by one: each connection must get each number once and in order.
 */
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "setup.h"

#include <stdint.h>

#define SWARM_RING 4096U
/* Tags of the descriptors in the epoll that are not the swarm's; the rest of the 64 bits is theirs. */
#define SWARM_OTHER (UINT64_C(1) << 63)

enum swarm_follow { SWARM_FOLLOW_ROOM, SWARM_FOLLOW_ALL };

struct swarm_target {
    bool floor; /* else recalld */
    struct sockaddr_in at;
    const struct setup_users *users; /* recalld's */
    const char *room;
    enum swarm_follow follow; /* recalld's; with ALL nothing is counted */
    const char *epoch;        /* with ROOM: go on after event `since` of this epoch; NULL: from now */
    int64_t since;
    bool at_once; /* open all connections without waiting for the answers to the first */
};

struct swarm_device;

struct swarm {
    const struct swarm_target *target;
    int epoll;
    struct swarm_device *devices;
    uint32_t most, opened, live;
    int64_t head;             /* the last event of the room, as far as known at rest */
    uint32_t got[SWARM_RING]; /* connections that have event `seq`, at seq % SWARM_RING */
    uint64_t events;          /* deliveries */
    uint64_t missed, repeated;
    uint32_t frame; /* bytes of the last event, header included */
    char epoch[64]; /* of the log, from the last answer to a subscribe */
    void (*other)(void *arg, uint64_t tag);
    void (*event)(void *arg, const unsigned char *text, size_t n); /* NULL: not told of each delivery */
    void *arg;
    bool broken;
    char error[200];
};

bool swarm_init(struct swarm *s, const struct swarm_target *target, uint32_t most);
/* Opens connections until `count` are authenticated and subscribed. */
bool swarm_grow(struct swarm *s, uint32_t count);
/* Waits for input, at most `ms`, and handles it; `other` is called for descriptors that are not the swarm's.
 */
bool swarm_turn(struct swarm *s, int ms);
/* Adds a descriptor of the caller's. */
bool swarm_watch(struct swarm *s, int fd, uint64_t tag);
/* Closes all connections; what was counted stays. */
void swarm_close(struct swarm *s);
void swarm_fail(struct swarm *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
