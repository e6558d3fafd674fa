/* Durable recalls a second, asked for by 64 callers over keep-alive HTTP. */
#include "rows.h"

#include <stdio.h>

#define ROOM    "c"
#define CALLERS 64U

struct totals {
    struct series rate, cpu, own, fsyncs, p50;
    uint64_t named;
};

static bool run_round(const struct bench *b, struct crowd *crowd, uint32_t count, struct totals *t)
{
    struct slice_order order = {
        .what = ASKER_NAMED, .first_id = t->named, .window = CALLERS, .events = count};
    struct slice_figures f;

    if (!crowd_slice(crowd, &order, &f))
        return false;
    order.what = ASKER_RECALL;
    if (!crowd_slice(crowd, &order, &f))
        return false;
    t->named += count;
    /* A commit can answer at most those who wait. */
    if (f.fsyncs >= 0 && (uint64_t)f.fsyncs * CALLERS < f.events) {
        fprintf(stderr, "bench: %llu recalls were answered with %lld fsyncs\n", (unsigned long long)f.events,
                (long long)f.fsyncs);
        return false;
    }
    series_add(&t->rate, (double)f.events / (double)f.wall_ns * 1e9, bench_spoiled(b, &f));
    series_add(&t->cpu, (double)f.cpu_ns / 1000 / (double)f.events, false);
    series_add(&t->own, 100.0 * (double)f.own_ns / (double)f.wall_ns, false);
    series_add(&t->fsyncs, (double)f.fsyncs / ((double)f.events / 1000), false);
    series_add(&t->p50, (double)f.p50_ns / 1e6, false);
    return true;
}

bool row_recalls(struct bench *b)
{
    const uint32_t rooms = b->quick ? 10 : 1000, count = b->quick ? 500 : 20000;
    struct bench_recalld recalld = {.name = "recall", .spread = true};
    struct crowd crowd = {.pid = -1};
    struct crowd_target target = {.name = "recalld",
                                  .swarm = {.kind = KIND_RECALLD, .room = ROOM},
                                  .server = &recalld.server,
                                  .quiet = ROOM,
                                  .quiet_rooms = rooms,
                                  .server_core = b->server_core,
                                  .own_core = b->driver_core};
    struct totals t = {0};
    struct bench_line line = {.what = "durable recalls a second, 64 keep-alive HTTP callers",
                              .target = "≥ 20,000",
                              .series = &t.rate,
                              .format = "%.0f",
                              .limit = 20000,
                              .least = true};
    bool ok = bench_recalld_start(b, &recalld);
    char name[32];
    struct bench_span span;

    for (uint32_t i = 0; i < rooms && ok; i++) {
        snprintf(name, sizeof(name), ROOM "%04u", i);
        ok = setup_room(&recalld.at, name, 0, 0);
    }
    target.swarm.at = target.asks = recalld.at;
    ok = ok && crowd_start(&crowd, &target);
    span = bench_span(b, 25);
    while (ok && bench_go_on(b, &t.rate, 5, span))
        ok = run_round(b, &crowd, count, &t);
    if (ok) {
        snprintf(line.detail, sizeof(line.detail),
                 "%u recalls a round in %u rooms; server CPU a recall %.1f µs, on every core; the callers, on one of them, "
                 "took %.0f %% of it; %.1f fsyncs for 1,000 recalls; p50 of an answer %.2f ms",
                 count, rooms, series_median(&t.cpu), series_median(&t.own), series_median(&t.fsyncs),
                 series_median(&t.p50));
        bench_line(b, &line);
    }
    crowd_stop(&crowd);
    return bench_recalld_stop(&recalld) && ok;
}
