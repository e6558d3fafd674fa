/* One room: single events, and 16 in flight, at each number of subscribers. */
#include "pair.h"
#include "rows.h"

#include <stdio.h>

#define FLIGHT  16U
#define ROUNDS  7U

struct totals {
    struct series ratio, floor, whole, fanout, taking_in, floor_ms, whole_ms, fsyncs, quiet_fsyncs;
    uint32_t frame;
};

static void add(struct totals *t, const struct pair_round *r)
{
    series_add(&t->ratio, r->fanout / r->floor, r->spoiled);
    series_add(&t->floor, r->floor, r->spoiled);
    series_add(&t->whole, r->whole, r->spoiled);
    series_add(&t->fanout, r->fanout, r->spoiled);
    series_add(&t->taking_in, r->taking_in, r->spoiled);
    series_add(&t->floor_ms, r->floor_ms, r->spoiled);
    series_add(&t->whole_ms, r->whole_ms, r->spoiled);
    series_add(&t->fsyncs, r->fsyncs, r->spoiled);
    series_add(&t->quiet_fsyncs, r->quiet_fsyncs, r->spoiled);
    t->frame = r->frame;
}

static void print(const struct bench *b, uint32_t size, uint32_t window, bool ring, const struct totals *t)
{
    char what[96];
    struct bench_line line = {.what = what,
                              .target = window > 1 ? "≤ 1.0 × coalescing FLOOR" : "≤ 1.05 × FLOOR",
                              .series = &t->ratio,
                              .format = "%.2f ×",
                              .limit = window > 1 ? 1.0 : 1.05};

    snprintf(what, sizeof(what),
             window > 1 ? "one room of %u, 16 events in flight" : "one room of %u, single events", size);
    snprintf(line.detail, sizeof(line.detail),
             "server CPU a delivery: FLOOR %.2f µs, recalld %.2f µs (%.2f with HTTP and commit; %.0f µs an "
             "event); "
             "last subscriber after %.1f / %.1f ms; frames of %u bytes; %.2f fsyncs an event, %.2f where nobody follows; recalld sends by %s",
             series_median(&t->floor), series_median(&t->fanout), series_median(&t->whole),
             series_median(&t->taking_in), series_median(&t->floor_ms), series_median(&t->whole_ms), t->frame,
             series_median(&t->fsyncs), series_median(&t->quiet_fsyncs), ring ? "io_uring" : "send");
    bench_line(b, &line);
}

/*
 * A machine's speed changes within seconds, so a turn is as short as its events allow. Single events to 1,000 take 4 ms each, to 10,000 some 50:
 * there FLOOR and recalld take turns within the 200 ms after which a receiver counts as idle (between two events to a device lie a turn of the other and an event: some
 * 75 to 125 ms in a room of 1,000; of 10,000, where a turn is one event, 110 to 165). Of the others, a slice is a round.
 */
static struct pair_order order_of(const struct bench *b, uint32_t size, uint32_t window)
{
    if (b->quick)
        return (struct pair_order){window, 2, b->slice_ms / 4};
    if (size <= 1000)
        return window == 1 ? (struct pair_order){window, 8, 60} : (struct pair_order){window, 6, 100};
    return window == 1 && size <= 10000 ? (struct pair_order){window, 12, 20} : (struct pair_order){window, 1, b->slice_ms};
}

static bool measure(const struct bench *b, struct pair *p, uint32_t size, uint32_t window, double seconds)
{
    const struct pair_order how = order_of(b, size, window);
    const uint32_t rounds = how.turns > 1 ? SERIES_MOST : ROUNDS;
    const struct bench_span span = bench_span(b, seconds);
    struct totals t = {0};
    struct pair_round round;

    while (bench_go_on(b, &t.ratio, rounds, span)) {
        if (!pair_round(b, p, &how, &round))
            return false;
        add(&t, &round);
    }
    print(b, size, window, server_has_ring(&p->recalld.server), &t);
    return true;
}

bool row_fanout(struct bench *b)
{
    static const double single_s[] = {44, 46, 65}, flight_s[] = {44, 30, 34}; /* shares of the time */
    uint32_t sizes[3];
    const size_t n = bench_sizes(b, sizes);
    struct pair p;
    bool ok = pair_start(b, &p, sizes[n - 1]);

    for (size_t i = 0; i < n && ok; i++)
        ok = pair_grow(&p, sizes[i]) && measure(b, &p, sizes[i], 1, single_s[i]) &&
             measure(b, &p, sizes[i], FLIGHT, flight_s[i]);
    return pair_stop(&p) && ok;
}
