/*
 * tests/bench/rows.h - the rows of the benchmark's table. Each starts what it needs, measures, prints its lines, and
 * ends what it started. README.md says what each measures.
 *
 * Owns:    its servers and crowds, for the call.
 * Bounds:  done soon after the row's time is up (bench.until_ns).
 * Fails:   false with a sentence on standard error: something was lost, or does not work.
 * Thread:  one.
 */
#ifndef BENCH_ROWS_H
#define BENCH_ROWS_H

#include "bench.h"

bool row_fanout(struct bench *b);
bool row_rooms(struct bench *b);
bool row_path(struct bench *b);
bool row_recalls(struct bench *b);
bool row_memory(struct bench *b);
bool row_upgrades(struct bench *b);
bool row_storm(struct bench *b);
bool row_comeback(struct bench *b);
bool row_stalled(struct bench *b);
bool row_peers(struct bench *b);

#endif
