/*
 * gateway/store/store_clock.h - the time that jobs are given: the wall clock's, but it never goes back and never stands still.
 *
 * Owns:   nothing beyond itself. Never fails. Any thread.
 *
 * Whoever asks for what changed since a time must not miss a change that came later, so a wall clock that is set back is not followed. It is
 * not waited for either, or windows, quotas and tokens would not end for as long: until it has caught up, time goes on at half the pace, as
 * adjtime(3) slows a clock that is ahead. After a start the wall clock counts alone.
 */
#ifndef RECALLD_STORE_STORE_CLOCK_H
#define RECALLD_STORE_STORE_CLOCK_H

#include <pthread.h>
#include <stdint.h>

struct store_clock {
    _Atomic int64_t last;       /* the latest time that was given, ms */
    pthread_mutex_t lock;       /* of the rest, which counts while the wall clock is behind */
    int64_t base_ms, base_mono; /* where that began */
    int64_t reached;            /* `last` as it was left then; another: the wall clock was ahead again meanwhile */
};

void store_clock_init(struct store_clock *c);
void store_clock_destroy(struct store_clock *c);
/* Wall-clock ms. */
int64_t store_clock_now(struct store_clock *c);
/* The same with the clocks' times given, both in ms: for tests. `mono_ms` must not go back. */
int64_t store_clock_at(struct store_clock *c, int64_t wall_ms, int64_t mono_ms);

#endif
