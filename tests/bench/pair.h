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
    double fsyncs, quiet_fsyncs; /* an event, followed and not; -1: not counted */
    uint32_t frame;
    bool spoiled;
};

/* Makes `most` users, and the room "bench" that all of them are in. */
bool pair_start(const struct bench *b, struct pair *p, uint32_t most);
bool pair_grow(struct pair *p, uint32_t count);
/*
 * A round: FLOOR and recalld in turn, `turns` times for `ms` each, then as many events into recalld's room that nobody follows.
 * Several turns are for slices so short that a device gets something at least every 200 ms, whoever's turn it is: only then does none begin
 * with idle receivers. The fewer milliseconds, the less a machine whose speed changes within a second favours one of the two.
 */
struct pair_order {
    uint32_t window; /* events in flight */
    uint32_t turns;
    int64_t ms;
};
bool pair_round(const struct bench *b, struct pair *p, const struct pair_order *how, struct pair_round *round);
bool pair_stop(struct pair *p);

#endif
