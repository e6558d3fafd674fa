/*
 * gateway/base/rate.h - so many a second, no more: a leaky bucket that needs one number (GCRA).
 *
 * Owns nothing; a zeroed struct is a full bucket. Never fails. Any thread, without a lock.
 * A second's worth may come at once; in the long run `per_second` are let through.
 */
#ifndef RECALLD_BASE_RATE_H
#define RECALLD_BASE_RATE_H

#include <stdatomic.h>
#include <stdint.h>

struct rate {
    _Atomic int64_t due_us; /* when everything that was admitted would be through at the allowed rate */
};

/* Takes `n` at once and returns 0; or takes none and returns after how many whole seconds (at least 1) to try
 * again. A batch larger than a second's worth passes when nothing is owed, and is paid for afterwards.
 * `per_second` 0: no limit. `now_ms`: any clock that does not jump far. */
int64_t rate_take(struct rate *r, int64_t per_second, int64_t n, int64_t now_ms);
/* The seconds that rate_take would answer now, 0 if it would take; takes nothing. */
int64_t rate_wait(const struct rate *r, int64_t per_second, int64_t n, int64_t now_ms);

#endif
