#include "store/store_clock.h"

#include "base/clock.h"
#include "base/log.h"

#include <stdatomic.h>

#define TELL_MS 1000 /* small corrections, and threads that race, are nothing to tell */

void store_clock_init(struct store_clock *c)
{
    *c = (struct store_clock){.last = 0};
    pthread_mutex_init(&c->lock, NULL);
}

void store_clock_destroy(struct store_clock *c)
{
    pthread_mutex_destroy(&c->lock);
}

/* Raises `last` to `ms`; returns what it is then. */
static int64_t raise_to(struct store_clock *c, int64_t ms)
{
    int64_t seen = atomic_load_explicit(&c->last, memory_order_relaxed);

    while (seen < ms && !atomic_compare_exchange_weak_explicit(&c->last, &seen, ms, memory_order_relaxed, memory_order_relaxed))
        continue;
    return seen < ms ? ms : seen;
}

static int64_t go_on_slowly(struct store_clock *c, int64_t wall_ms, int64_t mono_ms)
{
    int64_t last, behind_ms = 0;

    pthread_mutex_lock(&c->lock);
    last = atomic_load_explicit(&c->last, memory_order_relaxed);
    if (last != c->reached) {
        c->base_ms = last;
        c->base_mono = mono_ms;
        behind_ms = last - wall_ms;
    }
    /* A thread may come with a time that is older than the base. */
    c->reached = mono_ms > c->base_mono ? raise_to(c, c->base_ms + (mono_ms - c->base_mono) / 2) : last;
    last = c->reached;
    pthread_mutex_unlock(&c->lock);
    if (behind_ms > TELL_MS)
        log_warn("clock_set_back", LOG_INT("ms", behind_ms), LOG_TEXT("until", "the wall clock has caught up, time goes on at half its pace"), LOG_END);
    return last;
}

int64_t store_clock_at(struct store_clock *c, int64_t wall_ms, int64_t mono_ms)
{
    const int64_t now = raise_to(c, wall_ms);

    return now > wall_ms ? go_on_slowly(c, wall_ms, mono_ms) : now;
}

int64_t store_clock_now(struct store_clock *c)
{
    return store_clock_at(c, clock_wall_ms(), clock_mono_ms());
}
