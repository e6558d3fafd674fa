/*
 * gateway/base/rate.h - so many a second, no more: a leaky bucket that needs one number (GCRA).
 *
 * Owns nothing; a zeroed struct is a full bucket. Never fails. Any thread, without a lock.
 * A second's worth may come at once; in the long run `per_second` are let through.
 */
#ifndef RECALLD_BASE_RATE_H
#define RECALLD_BASE_RATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rate {
    _Atomic int64_t due_ns; /* when the bucket will be full again */
};

/* Takes one. False: too many; *wait_s is then after how many whole seconds (at least 1) to try again. `per_second` 0: no limit. */
bool rate_take(struct rate *r, int64_t per_second, uint64_t now_ns, int64_t *wait_s);

#endif
