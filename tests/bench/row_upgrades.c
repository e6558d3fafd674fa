/* WebSocket upgrades: what one costs when few and when many connections are open. */
#include "rows.h"

#include <stdio.h>

#define LEVELS 3U
#define ROUNDS 15U

/* Two servers that hold `from` connections all the time; upgrades on top of them are measured, `count` at a time. */
struct level {
    uint32_t from, count;
    struct server floor_server;
    struct bench_recalld recalld;
    struct crowd floor, crowd;
};

struct totals {
    struct series rate[LEVELS], wall[LEVELS], floor[LEVELS], own[LEVELS], flat, floor_flat;
};

static bool start(const struct bench *b, struct level *l)
{
    struct crowd_target t = {.name = "FLOOR",
                             .swarm = {.kind = KIND_FLOOR, .room = "bench"},
                             .server_core = b->server_core,
                             .own_core = b->driver_core,
                             .most = l->from + l->count};

    t.server = &l->floor_server;
    if (!bench_floor_start(b, &l->floor_server, &t.swarm.at, &t.asks) || !crowd_start(&l->floor, &t) ||
        !bench_recalld_start(b, &l->recalld))
        return false;
    t.name = "recalld";
    t.swarm.kind = KIND_RECALLD;
    t.swarm.follow = SWARM_FOLLOW_NOTHING;
    t.swarm.at = t.asks = l->recalld.at;
    t.server = &l->recalld.server;
    return crowd_start(&l->crowd, &t) && crowd_grow(&l->floor, l->from, NULL) && crowd_grow(&l->crowd, l->from, NULL);
}

static bool stop(struct level *l)
{
    crowd_stop(&l->floor);
    crowd_stop(&l->crowd);
    if (l->floor_server.pid > 0)
        server_stop(&l->floor_server, false);
    return bench_recalld_stop(&l->recalld);
}

/* The same number of connections comes to each server, one right after the other, so that a machine whose speed changes within a second has
 * the same speed for all; then they go. */
static bool run_round(const struct bench *b, struct level *levels, struct totals *t)
{
    struct crowd_growth g[LEVELS], f[LEVELS];
    struct slice_figures all = {.wall_ns = -server_now_ns(), .other_ns = -server_core_busy_ns(b->server_core)};
    bool spoiled;

    for (uint32_t n = 0; n < LEVELS; n++) {
        const uint32_t i = (n + t->flat.count) % LEVELS;
        struct level *l = &levels[i];

        if (!crowd_grow(&l->floor, l->from + l->count, &f[i]) || !crowd_grow(&l->crowd, l->from + l->count, &g[i]))
            return false;
        all.other_ns -= f[i].cpu_ns + g[i].cpu_ns;
    }
    all.wall_ns += server_now_ns();
    all.other_ns += server_core_busy_ns(b->server_core);
    spoiled = bench_spoiled(b, &all);
    for (uint32_t i = 0; i < LEVELS; i++) {
        series_add(&t->rate[i], 1e9 * g[i].count / (double)g[i].cpu_ns, spoiled);
        series_add(&t->floor[i], 1e9 * f[i].count / (double)f[i].cpu_ns, spoiled);
        series_add(&t->wall[i], 1e9 * g[i].count / (double)g[i].wall_ns, spoiled);
        series_add(&t->own[i], 100.0 * (double)g[i].own_ns / (double)g[i].wall_ns, spoiled);
    }
    series_add(&t->flat, (double)g[LEVELS - 1].cpu_ns / (double)g[0].cpu_ns, spoiled);
    series_add(&t->floor_flat, (double)f[LEVELS - 1].cpu_ns / (double)f[0].cpu_ns, spoiled);
    for (uint32_t i = 0; i < LEVELS; i++)
        if (!crowd_shrink(&levels[i].floor, levels[i].from) || !crowd_shrink(&levels[i].crowd, levels[i].from))
            return false;
    for (uint32_t i = 0; i < LEVELS; i++)
        server_settle(&levels[i].recalld.server);
    return true;
}

static void print(const struct bench *b, const struct level *levels, const struct totals *t)
{
    char many[96];
    struct bench_line flat = {
        .what = many, .target = "flat (≤ 1.15 ×)", .series = &t->flat, .format = "%.2f ×", .limit = 1.15};

    for (uint32_t i = 0; i < LEVELS; i++) {
        char what[96];
        struct bench_line line = {.what = what,
                                  .target = "≥ 20,000",
                                  .series = &t->rate[i],
                                  .format = "%.0f",
                                  .limit = 20000,
                                  .least = true};

        snprintf(what, sizeof(what), "upgrades a second of one core, from %u connections", levels[i].from);
        snprintf(line.detail, sizeof(line.detail),
                 "by the server's CPU, %.1f µs each; FLOOR %.0f a second; by the clock %.0f a second with "
                 "one process opening them, "
                 "which was busy for %.0f %%",
                 1e6 / series_median(&t->rate[i]), series_median(&t->floor[i]), series_median(&t->wall[i]),
                 series_median(&t->own[i]));
        bench_line(b, &line);
    }
    snprintf(many, sizeof(many), "an upgrade's cost from %u connections, of that from %u",
             levels[LEVELS - 1].from, levels[0].from);
    snprintf(flat.detail, sizeof(flat.detail), "FLOOR's is %.2f ×", series_median(&t->floor_flat));
    bench_line(b, &flat);
}

bool row_upgrades(struct bench *b)
{
    static const char *const names[LEVELS] = {"few", "some", "many"};
    const uint32_t most = b->quick ? 100 : b->most, count = most / 10;
    const uint32_t from[LEVELS] = {most / 20, most / 2, most - count};
    struct level levels[LEVELS];
    struct totals t = {0};
    bool ok = true;
    struct bench_span span;

    for (uint32_t i = 0; i < LEVELS; i++)
        levels[i] = (struct level){.from = from[i],
                                   .count = count,
                                   .floor_server.pid = -1,
                                   /* Devices do not authenticate here, and are not to be closed for it. */
                                   .recalld = {.name = names[i], .settings = "auth_timeout = 600\n", .server.pid = -1},
                                   .floor.pid = -1,
                                   .crowd.pid = -1};
    for (uint32_t i = 0; i < LEVELS && ok; i++)
        ok = start(b, &levels[i]);
    for (uint32_t i = 0; i < LEVELS && ok; i++)
        server_settle(&levels[i].recalld.server);
    span = bench_span(b, 45);
    while (ok && bench_go_on(b, &t.rate[0], ROUNDS, span))
        ok = run_round(b, levels, &t);
    if (ok)
        print(b, levels, &t);
    for (uint32_t i = 0; i < LEVELS; i++)
        ok = stop(&levels[i]) && ok;
    return ok;
}
