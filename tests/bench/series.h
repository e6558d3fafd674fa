/*
 * tests/bench/series.h - the values of one figure over the rounds, and what they come to.
 *
 * Owns:    nothing beyond its own bytes.
 * Bounds:  SERIES_MOST values; more are not taken.
 * Fails:   never.
 * Thread:  one.
 */
#ifndef BENCH_SERIES_H
#define BENCH_SERIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SERIES_MOST  32U
#define SERIES_LEAST 3U /* with fewer clean rounds the spoiled ones are used too */

struct series {
    double value[SERIES_MOST];
    bool spoiled[SERIES_MOST]; /* others used the servers' core meanwhile */
    uint32_t count, clean;
};

/* What is not finite was not measured, and is not taken. */
void series_add(struct series *s, double value, bool spoiled);
/* How many values are used: the clean ones, or all. */
uint32_t series_used(const struct series *s);
/* 0 of none. */
double series_median(const struct series *s);
double series_low(const struct series *s);
double series_high(const struct series *s);

#endif
