#include "base/rate.h"

#define SECOND_US INT64_C(1000000)

/* What is owed after `n` more; the wait in seconds, 0 if they pass now. */
static int64_t count(int64_t due, int64_t per_second, int64_t n, int64_t now_us, int64_t *next)
{
    *next = (due > now_us ? due : now_us) + n * SECOND_US / per_second;
    return due > now_us && *next - now_us > SECOND_US ? (*next - now_us - 1) / SECOND_US : 0;
}

int64_t rate_wait(const struct rate *r, int64_t per_second, int64_t n, int64_t now_ms)
{
    int64_t next;

    return per_second > 0 ? count(atomic_load_explicit(&r->due_us, memory_order_relaxed), per_second, n, now_ms * 1000, &next) : 0;
}

int64_t rate_take(struct rate *r, int64_t per_second, int64_t n, int64_t now_ms)
{
    const int64_t now_us = now_ms * 1000;
    int64_t due, next, wait;

    if (per_second <= 0)
        return 0;
    due = atomic_load_explicit(&r->due_us, memory_order_relaxed);
    do {
        wait = count(due, per_second, n, now_us, &next);
        if (wait != 0)
            return wait;
    } while (!atomic_compare_exchange_weak_explicit(&r->due_us, &due, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}
