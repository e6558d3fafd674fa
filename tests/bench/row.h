/*
 * tests/bench/row.h - a row of the fan-out table: the rounds it is made of, their medians, how it is printed.
 *
 * Owns:    nothing beyond its own bytes.
 * Bounds:  ROW_ROUNDS rounds.
 * Fails:   never.
 * Thread:  one.
 */
#ifndef BENCH_ROW_H
#define BENCH_ROW_H

#include <stdbool.h>
#include <stdint.h>

#define ROW_ROUNDS 32

/* What one round found. */
struct row_round {
    double floor, whole, fanout;   /* µs of the servers' CPU a delivery */
    double taking_in;              /* µs of recalld's CPU an event that nobody follows */
    double ratio;                  /* fanout / floor */
    double floor_wall_ms, wall_ms; /* median time until an event had reached everyone */
    bool spoiled;                  /* others used the servers' core */
};

struct row {
    uint32_t size, window, frame;
    struct row_round rounds[ROW_ROUNDS];
    uint32_t count, clean; /* rounds; those not spoiled */
    uint64_t events, deliveries;
    int64_t fsyncs; /* -1: not counted */
};

/* The title and the names of the columns. */
void row_head(void);
/* Prints the row, to be judged by `target` (0: not at all); false if it misses that, or had too few rounds to tell. */
bool row_print(const struct row *r, double target);

#endif
