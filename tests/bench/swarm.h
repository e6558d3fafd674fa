/*
 * tests/bench/swarm.h - many WebSocket connections of one process to one server: opens them, reads what they
 * get, counts it.
 *
 * Owns:    the connections, its epoll descriptor.
 * Borrows: the target and what it points to.
 * Bounds:  `most` connections; SWARM_RING events of one room at a time. A handshake that makes no progress for
 *          10 s is an error.
 * Fails:   false, or `broken` set, and a sentence in `error`. A connection that ends by itself is an error.
 * Thread:  one.
 *
 * Every event carries "seq", growing by one in its room: each connection must get each number once and in order.
 */
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "kind.h"
#include "setup.h"

#include <stdint.h>

#define SWARM_RING 64U
/* Tags of the descriptors in the epoll that are not the swarm's; the rest of the 64 bits is theirs. */
#define SWARM_OTHER (UINT64_C(1) << 63)

enum swarm_follow {
    SWARM_FOLLOW_ROOM,
    SWARM_FOLLOW_ALL,    /* recalld's: everything of the user's; events are not counted */
    SWARM_FOLLOW_NOTHING /* recalld's: only the upgrade, without a token */
};

struct swarm_target {
    enum kind kind;
    struct sockaddr_in at;
    const struct setup_users *users; /* recalld's */
    const char *room;
    uint32_t rooms;    /* 0 or 1: one, of this name; more: names with a number behind, and as many devices in each */
    uint32_t backlog;  /* FLOOR's: events that a device gets at once; it is there when it has them */
    enum swarm_follow follow;
    const char *epoch; /* with ROOM: go on after event `since` of this epoch; NULL: from now */
    int64_t since;
    unsigned net;      /* source addresses are 127.0.NET.x */
    bool at_once;      /* open all connections without waiting for the answers to the first */
    bool narrow;       /* with the smallest buffers */
    bool moving;       /* events come while they connect */
};

struct swarm_device;

struct swarm_room {
    int64_t head;             /* the last event, as far as known at rest */
    uint32_t devices;         /* live ones */
    uint32_t got[SWARM_RING]; /* devices that have event `seq`, at seq % SWARM_RING */
};

struct swarm {
    const struct swarm_target *target;
    int epoll;
    struct swarm_device *devices;
    uint32_t most, opened, live;
    struct swarm_room *rooms;
    uint32_t room_count;
    uint64_t events;  /* deliveries */
    uint64_t arrived; /* events that have reached all devices of their room */
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
/* Waits for input, at most `ms`, and handles it; `other` is called for descriptors that are not the swarm's. */
bool swarm_turn(struct swarm *s, int ms);
/* Adds a descriptor of the caller's. */
bool swarm_watch(struct swarm *s, int fd, uint64_t tag);
/* The name of room `i`. */
void swarm_room_name(const struct swarm *s, uint32_t i, char name[static 80]);
/* From now on the devices read nothing any more. */
void swarm_stall(struct swarm *s);
/* Closes the connections that were opened last, until `count` are left; what was counted stays. */
void swarm_shrink(struct swarm *s, uint32_t count);
/* Closes, and frees everything; legal for one that was never made. */
void swarm_free(struct swarm *s);
void swarm_fail(struct swarm *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
