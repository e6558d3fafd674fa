/* 1,000 rooms of ten devices, 64 events in flight, each in the next room: events a second. */
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOM   "r"
#define FLIGHT 64U
#define EACH   10U /* devices of a room */

enum side { SIDE_FLOOR, SIDE_INSIDE, SIDE_WHOLE, SIDES };

struct rooms {
    uint32_t count; /* rooms */
    struct server floor;
    struct bench_recalld inside, whole;
    struct crowd crowds[SIDES];
    struct setup_users users;
};

/* Users, rooms and members are made once; the other server gets a copy of the store. */
static bool prepare(const struct bench *b, struct rooms *r)
{
    bool ok = bench_recalld_start(b, &r->whole) && setup_users_make(&r->users, &r->whole.at, r->count * EACH);
    char name[32];

    for (uint32_t i = 0; i < r->count && ok; i++) {
        snprintf(name, sizeof(name), ROOM "%04u", i);
        ok = setup_room(&r->whole.at, name, (size_t)i * EACH, EACH);
    }
    return bench_recalld_stop(&r->whole) && ok && bench_store_copy(b, r->whole.name, r->inside.name);
}

static bool start(const struct bench *b, struct rooms *r)
{
    struct crowd_target t = {
        .name = "FLOOR",
        .swarm = {.kind = KIND_FLOOR, .room = ROOM, .rooms = r->count, .users = &r->users},
        .server_core = b->server_core,
        .own_core = b->driver_core,
        .most = r->count * EACH};

    t.server = &r->floor;
    if (!bench_floor_start(b, &r->floor, &t.swarm.at, &t.asks) || !crowd_start(&r->crowds[SIDE_FLOOR], &t) ||
        !bench_recalld_start(b, &r->whole))
        return false;
    t.name = "recalld";
    t.swarm.kind = KIND_RECALLD;
    t.swarm.at = t.asks = r->whole.at;
    t.server = &r->whole.server;
    if (!crowd_start(&r->crowds[SIDE_WHOLE], &t))
        return false;
    if (b->inside != NULL) {
        if (!bench_recalld_start(b, &r->inside))
            return false;
        t.name = "recalld, published inside";
        t.swarm.kind = KIND_INSIDE;
        t.swarm.at = r->inside.at;
        t.asks = r->inside.control;
        t.server = &r->inside.server;
        if (!crowd_start(&r->crowds[SIDE_INSIDE], &t))
            return false;
    }
    for (int i = 0; i < SIDES; i++)
        if (r->crowds[i].pid > 0 && !crowd_grow(&r->crowds[i], r->count * EACH, NULL))
            return false;
    server_settle(&r->whole.server);
    return true;
}

struct totals {
    struct series ratio[SIDES], rate[SIDES], cpu[SIDES], own[SIDES], fsyncs;
};

/* FLOOR and both forms of recalld, each round beginning with another. */
static bool run_round(const struct bench *b, struct rooms *r, struct totals *t)
{
    const struct slice_order probe = {.followed = true, .warm = 1, .window = 1, .events = 2};
    struct slice_order order = {
        .followed = true, .warm = b->quick ? 0 : BENCH_WARM * r->count, .window = FLIGHT, .ms = b->slice_ms};
    struct slice_figures f[SIDES] = {{0}};
    const uint32_t round = t->ratio[SIDE_WHOLE].count;
    bool spoiled = false;
    double floor;

    if (!crowd_slice(&r->crowds[SIDE_WHOLE], &probe, &f[SIDE_WHOLE]))
        return false;
    order.frame = f[SIDE_WHOLE].frame;
    for (uint32_t i = 0; i < SIDES; i++) {
        const uint32_t side = (round + i) % SIDES;

        if (r->crowds[side].pid > 0 && !crowd_slice(&r->crowds[side], &order, &f[side]))
            return false;
        spoiled = spoiled || bench_spoiled(b, &f[side]);
    }
    if (abs((int)f[SIDE_FLOOR].frame - (int)f[SIDE_WHOLE].frame) > BENCH_APART) {
        fprintf(stderr, "bench: frames of %u and %u bytes were compared\n", f[SIDE_FLOOR].frame,
                f[SIDE_WHOLE].frame);
        return false;
    }
    floor = (double)f[SIDE_FLOOR].events / (double)f[SIDE_FLOOR].wall_ns;
    for (int i = 0; i < SIDES; i++) {
        const double rate = f[i].events != 0 ? (double)f[i].events / (double)f[i].wall_ns : 0;

        if (f[i].events == 0)
            continue;
        series_add(&t->ratio[i], rate / floor, spoiled);
        series_add(&t->rate[i], rate * 1e9, spoiled);
        series_add(&t->cpu[i], (double)f[i].cpu_ns / 1000 / (double)f[i].events, spoiled);
        series_add(&t->own[i], 100.0 * (double)f[i].own_ns / (double)f[i].wall_ns, spoiled);
    }
    if (f[SIDE_WHOLE].fsyncs >= 0 && (uint64_t)f[SIDE_WHOLE].fsyncs * FLIGHT < f[SIDE_WHOLE].events) {
        fprintf(stderr, "bench: %llu events were answered with %lld fsyncs\n",
                (unsigned long long)f[SIDE_WHOLE].events, (long long)f[SIDE_WHOLE].fsyncs);
        return false;
    }
    series_add(&t->fsyncs, (double)f[SIDE_WHOLE].fsyncs / (double)f[SIDE_WHOLE].events, spoiled);
    return true;
}

static void print(const struct bench *b, const struct rooms *r, const struct totals *t, enum side side)
{
    char what[128];
    struct bench_line line = {.what = what,
                              .target = side == SIDE_INSIDE ? "≥ 0.70 × FLOOR" : "≥ 0.50 × FLOOR",
                              .series = &t->ratio[side],
                              .format = "%.2f ×",
                              .limit = side == SIDE_INSIDE ? 0.70 : 0.50,
                              .least = true};
    int n;

    snprintf(what, sizeof(what), "%u rooms × %u, 64 in flight, %s", r->count, EACH,
             side == SIDE_INSIDE ? "taking in set aside" : "with HTTP and a durable commit each");
    if (t->ratio[side].count == 0) {
        snprintf(line.detail, sizeof(line.detail), "needs a build of this tree, not another binary");
        bench_line(b, &line);
        return;
    }
    n = snprintf(line.detail, sizeof(line.detail),
                 "events a second: FLOOR %.0f, recalld %.0f; server CPU an event %.0f / %.0f µs; the load's "
                 "core was busy for "
                 "%.0f / %.0f %%",
                 series_median(&t->rate[SIDE_FLOOR]), series_median(&t->rate[side]),
                 series_median(&t->cpu[SIDE_FLOOR]), series_median(&t->cpu[side]),
                 series_median(&t->own[SIDE_FLOOR]), series_median(&t->own[side]));
    if (side == SIDE_WHOLE && n > 0 && (size_t)n < sizeof(line.detail))
        snprintf(line.detail + n, sizeof(line.detail) - (size_t)n, "; %.3f fsyncs an event",
                 series_median(&t->fsyncs));
    bench_line(b, &line);
}

bool row_rooms(struct bench *b)
{
    struct rooms r = {.count = b->quick ? 70 : 1000,
                      .floor.pid = -1,
                      .inside = {.name = "inside", .inside = true, .server.pid = -1},
                      .whole = {.name = "recall", .server.pid = -1},
                      .crowds = {{.pid = -1}, {.pid = -1}, {.pid = -1}}};
    struct totals t = {0};
    bool ok = prepare(b, &r) && start(b, &r);
    const struct bench_span span = bench_span(b, 100);

    while (ok && bench_go_on(b, &t.ratio[SIDE_WHOLE], 14, span))
        ok = run_round(b, &r, &t);
    if (ok) {
        print(b, &r, &t, SIDE_INSIDE);
        print(b, &r, &t, SIDE_WHOLE);
    }
    for (int i = 0; i < SIDES; i++)
        crowd_stop(&r.crowds[i]);
    if (r.floor.pid > 0)
        server_stop(&r.floor, false);
    ok = bench_recalld_stop(&r.inside) && ok;
    ok = bench_recalld_stop(&r.whole) && ok;
    setup_users_free(&r.users);
    return ok;
}
