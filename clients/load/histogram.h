/*
 * clients/load/histogram.h - how often each value occurred, with three significant digits, in fixed memory
 * (after HdrHistogram: linear within each power of two).
 *
 * Owns:    its counts, some 270 KB each.
 * Borrows: nothing.
 * Bounds:  values from 0 to HISTOGRAM_MOST (73 minutes in nanoseconds); smaller ones count as 0, larger ones
 * as HISTOGRAM_MOST. Values below 2,048 are exact, all others within 0.1 %. Fails:   histogram_init alone,
 * without memory. Thread:  one.
 */
#ifndef RECALL_LOAD_HISTOGRAM_H
#define RECALL_LOAD_HISTOGRAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_MOST (((int64_t)1 << 42) - 1)

struct histogram {
    uint64_t *counts;
    uint64_t count;
    int64_t least, most; /* of what was recorded; 0 without any */
    double sum;
};

/* An empty one; false without memory. */
bool histogram_init(struct histogram *h);
/* Frees the counts; legal on a zeroed one and twice. */
void histogram_free(struct histogram *h);
/* Forgets what was recorded. */
void histogram_reset(struct histogram *h);
/* Counts one value. */
void histogram_record(struct histogram *h, int64_t value);
/* Adds everything that `from` recorded. */
void histogram_add(struct histogram *h, const struct histogram *from);
/* The least value that at least `percent` (0 to 100) of all recorded ones do not exceed, rounded up to the
 * end of its bucket but never above the greatest recorded; 0 without any. */
int64_t histogram_at(const struct histogram *h, double percent);
/* The mean; 0 without any. */
double histogram_mean(const struct histogram *h);

#endif
