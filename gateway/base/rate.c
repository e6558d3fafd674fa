#include "base/rate.h"

#define SECOND_NS INT64_C(1000000000)

bool rate_take(struct rate *r, int64_t per_second, uint64_t now_ns, int64_t *wait_s)
{
    const int64_t now = (int64_t)now_ns;
    int64_t due, next;

    if (per_second <= 0)
        return true;
    due = atomic_load_explicit(&r->due_ns, memory_order_relaxed);
    do {
        next = (due > now ? due : now) + (SECOND_NS + per_second - 1) / per_second;
        if (next - now > SECOND_NS) {
            *wait_s = (next - now - SECOND_NS + SECOND_NS - 1) / SECOND_NS;
            return false;
        }
    } while (!atomic_compare_exchange_weak_explicit(&r->due_ns, &due, next, memory_order_relaxed, memory_order_relaxed));
    return true;
}
