/* Readers stalled for good: what they cost in memory, and what the others in their room notice. */
#include "live.h"
#include "rows.h"

#include <stdio.h>
#include <unistd.h>

#define ROOM   "live"
#define ROUNDS 4U
#define MEMORY 1.0 /* MiB for all of them: the noise of the allocator */
#define P99    1.25

struct stalled {
    uint32_t readers, subscribers, per_second, phase_us;
    struct bench_recalld recalld;
    struct setup_users users, live_users, stalled_users; /* the latter two are parts of the first */
    struct swarm_target target;
    struct swarm swarm;
    struct live live;
};

struct totals {
    struct series memory, p99, quiet_ms, stalled_ms;
    double passed; /* bytes of events that were sent while each of the readers stalled, a round */
};

static bool start(const struct bench *b, struct stalled *s)
{
    const size_t all = s->readers + s->subscribers;

    if (!bench_recalld_start(b, &s->recalld) || !setup_users_make(&s->users, &s->recalld.at, all) ||
        !setup_room(&s->recalld.at, ROOM, 0, all))
        return false;
    s->live_users = (struct setup_users){s->users.tokens, s->subscribers};
    s->stalled_users = (struct setup_users){s->users.tokens + s->subscribers, s->readers};
    s->target = (struct swarm_target){.kind = KIND_RECALLD,
                                      .at = s->recalld.at,
                                      .users = &s->stalled_users,
                                      .room = ROOM,
                                      .narrow = true,
                                      .moving = true};
    return live_start(&s->live, &(struct live_start){.at = s->recalld.at,
                                                     .users = &s->live_users,
                                                     .room = ROOM,
                                                     .per_second = s->per_second,
                                                     .core = b->driver_core});
}

/* How many KiB the server grows by while the room's messages flow for one phase. The first half of it fills the
 * kernel's buffers; what a queue would take comes in the second. */
static int64_t growth(struct stalled *s, int phase)
{
    int64_t before;

    live_phase(&s->live, phase);
    usleep(s->phase_us / 2);
    before = server_memory_kib(&s->recalld.server, "VmRSS");
    usleep(s->phase_us / 2);
    live_phase(&s->live, LIVE_REST);
    return server_memory_kib(&s->recalld.server, "VmRSS") - before;
}

/* A phase without the readers, one with them. */
static bool run_round(const struct bench *b, struct stalled *s, uint32_t round, struct totals *t)
{
    const long long slow = setup_metric(&s->recalld.at, "recalld_slow_readers_total");
    struct bench_watch watch;
    int64_t quiet, stalled;
    bool ok;

    bench_watch(b, &watch, &s->recalld.server, NULL);
    quiet = growth(s, (int)(2 * round + 1));
    s->target.net = round + 1;
    server_pin(b->driver_core);
    ok = swarm_init(&s->swarm, &s->target, s->readers) && swarm_grow(&s->swarm, s->readers);
    swarm_stall(&s->swarm);
    if (!ok) {
        fprintf(stderr, "bench: %s\n", s->swarm.error);
        return false;
    }
    stalled = growth(s, (int)(2 * round + 2));
    if (!b->quick && setup_metric(&s->recalld.at, "recalld_slow_readers_total") < slow + s->readers) {
        fprintf(stderr, "bench: only %lld of %u readers stalled\n",
                setup_metric(&s->recalld.at, "recalld_slow_readers_total") - slow, s->readers);
        return false;
    }
    swarm_free(&s->swarm);
    usleep(b->quick ? 100000 : 500000);
    series_add(&t->memory, (double)(stalled - quiet) / 1024, bench_disturbed(b, &watch));
    return true;
}

static void print(const struct bench *b, const struct stalled *s, const struct totals *t)
{
    char what[96];
    struct bench_line memory = {.what = what,
                                .target = "no growth (≤ 1 MiB in all)",
                                .series = &t->memory,
                                .format = "%.2f MiB",
                                .limit = MEMORY};
    struct bench_line p99 = {.what = "p99 of the others in their room, of that without them",
                             .target = "no effect (≤ 1.25 ×)",
                             .series = &t->p99,
                             .format = "%.2f ×",
                             .limit = P99};

    snprintf(what, sizeof(what), "%u readers stalled for good: memory they add", s->readers);
    snprintf(memory.detail, sizeof(memory.detail),
             "growth of VmRSS in %.1f s of traffic with them, less that without them; a queue for each would "
             "have grown by %.1f MiB",
             s->phase_us / 2e6, t->passed / 2 * s->readers / 1048576);
    bench_line(b, &memory);
    snprintf(p99.detail, sizeof(p99.detail),
             "%u subscribers, %u messages a second, from due to receipt: p99 %.2f ms without, %.2f ms with",
             s->subscribers, s->per_second, series_median(&t->quiet_ms), series_median(&t->stalled_ms));
    bench_line(b, &p99);
}

/* The figures of the live room, once it has ended. */
static void summarize(const struct live_result *live, uint32_t rounds, struct totals *t)
{
    for (uint32_t i = 0; i < rounds; i++) {
        const struct live_figures *quiet = &live->phase[2 * i + 1], *stalled = &live->phase[2 * i + 2];

        if (quiet->deliveries == 0 || stalled->deliveries == 0)
            continue;
        series_add(&t->p99, (double)stalled->p99_ns / (double)quiet->p99_ns, t->memory.spoiled[i]);
        series_add(&t->quiet_ms, (double)quiet->p99_ns / 1e6, t->memory.spoiled[i]);
        series_add(&t->stalled_ms, (double)stalled->p99_ns / 1e6, t->memory.spoiled[i]);
        t->passed = (double)stalled->events * live->frame;
    }
}

bool row_stalled(struct bench *b)
{
    struct stalled s = {.readers = b->quick ? 10 : 100,
                        .subscribers = b->quick ? 20 : 200,
                        .per_second = b->quick ? 100 : 200,
                        .phase_us = b->quick ? 400000 : 4000000,
                        /* Neither its deadline nor a missing pong is to end the stall. */
                        .recalld = {.name = "recall",
                                    .settings = "stall_timeout = 3600\nping_interval = 3600\n",
                                    .server.pid = -1},
                        .live.pid = -1};
    struct totals t = {0};
    struct live_result live = {.preferred = false};
    bool ok = start(b, &s);
    uint32_t round = 0;
    const struct bench_span span = bench_span(b, 45);

    if (ok)
        usleep(b->quick ? 200000 : 2000000); /* everything has run once, and the disk is in its stride */
    for (; ok && round < ROUNDS && bench_go_on(b, &t.memory, ROUNDS, span); round++)
        ok = run_round(b, &s, round, &t);
    ok = (s.live.pid <= 0 || live_end(&s.live, &live)) && ok;
    if (ok) {
        summarize(&live, round, &t);
        print(b, &s, &t);
    }
    live_stop(&s.live);
    swarm_free(&s.swarm);
    setup_users_free(&s.users);
    return bench_recalld_stop(&s.recalld) && ok;
}
