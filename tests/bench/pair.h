/*
 * tests/bench/pair.h - FLOOR and recalld with the same number of devices in one room, and a round that compares
 * them.
 *
 * Owns:    both servers, both crowds, the users.
 * Bounds:  as its parts.
 * Fails:   false with a sentence on standard error.
 * Thread:  one.
 */
#ifndef BENCH_PAIR_H
#define BENCH_PAIR_H

#include "bench.h"

struct pair {
    struct server floor_server;
    struct bench_recalld recalld;
    struct crowd floor, crowd;
    struct setup_users users;
    uint32_t rounds; /* so far: the order alternates */
};

/* What one round found, per delivery in µs of the servers' CPU. */
struct pair_round {
    double floor, whole, fanout;
    double taking_in;          /* an event that nobody follows */
    double floor_ms, whole_ms; /* median time until an event had reached everyone */
    double fsyncs;             /* an event; -1: not counted */
    uint32_t frame;
    bool spoiled;
};

/* Makes `most` users, and the room "bench" that all of them are in. */
bool pair_start(const struct bench *b, struct pair *p, uint32_t most);
bool pair_grow(struct pair *p, uint32_t count);
/* FLOOR and recalld in turn, for `ms` each, then the same events into recalld's room that nobody follows. */
bool pair_round(const struct bench *b, struct pair *p, uint32_t window, int64_t ms, struct pair_round *round);
bool pair_stop(struct pair *p);

#endif
