#include "base/rate.h"

#define SECOND_US INT64_C(1000000)

int64_t rate_take(struct rate *r, int64_t per_second, int64_t n, int64_t now_ms)
{
    const int64_t now_us = now_ms * 1000;
    int64_t due, next;

    if (per_second <= 0)
        return 0;
    due = atomic_load_explicit(&r->due_us, memory_order_relaxed);
    do {
        next = (due > now_us ? due : now_us) + n * SECOND_US / per_second;
        if (due > now_us && next - now_us > SECOND_US)
            return (next - now_us - 1) / SECOND_US;
    } while (!atomic_compare_exchange_weak_explicit(&r->due_us, &due, next, memory_order_relaxed,
                                                    memory_order_relaxed));
    return 0;
}
