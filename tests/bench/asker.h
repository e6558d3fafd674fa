/*
 * tests/bench/asker.h - the connections over which events are asked for, in the way of each kind of server.
 *
 * Owns:    the connections.
 * Borrows: the swarm, in whose epoll they are.
 * Bounds:  ASKERS requests under way; an answer of ASKER_ANSWER bytes.
 * Fails:   through swarm_fail.
 * Thread:  the swarm's.
 */
#ifndef BENCH_ASKER_H
#define BENCH_ASKER_H

#include "swarm.h"

#define ASKERS       64U
#define ASKER_ANSWER 4096U

enum asker_what {
    ASKER_SEND,   /* a message */
    ASKER_NAMED,  /* a message with the id `id` */
    ASKER_RECALL, /* the recall of the message with the id `id` */
};

struct asker {
    int fd;
    bool busy, ready; /* ready: no greeting is due */
    char answer[ASKER_ANSWER];
    size_t len;
};

struct askers {
    struct swarm *swarm;
    enum kind kind;
    struct sockaddr_in at;
    struct asker list[ASKERS];
    unsigned count;
    unsigned next; /* the one that is tried first: each is used in turn, so that none is ended as idle */
    uint64_t answers;
    int64_t used_ns;  /* when an event was asked for last */
    uint32_t payload; /* bytes of a peer's event */
};

/* What is asked for. */
struct ask {
    enum asker_what what;
    const char *room;
    int64_t seq; /* the number that the event will have; recalld gives it itself */
    uint64_t id;
};

void askers_init(struct askers *a, struct swarm *swarm, const struct sockaddr_in *at);
/* Opens `count` connections, or keeps those that were used just before: servers end idle ones. Kinds that do not answer need one only, and get it. */
bool askers_open(struct askers *a, unsigned count);
/* Is one free? */
bool askers_free(struct askers *a);
void askers_ask(struct askers *a, const struct ask *ask);
/* For swarm.other: something came on asker `i`. */
void askers_readable(struct askers *a, uint64_t i);
/* A line to a server that takes lines: a word and a number. */
void askers_tell(struct askers *a, const char *what, uint32_t value);
/* Tells recalld with inside.c the log's epoch. */
void askers_tell_epoch(struct askers *a, const char *epoch);

#endif
