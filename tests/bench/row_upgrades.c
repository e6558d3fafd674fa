/* WebSocket upgrades: what one costs when few and when many connections are open. */
#include "rows.h"

#include <stdio.h>

#define STEPS 3U

/* Upgrades are measured on top of so many connections, and so many of them. */
struct step {
    uint32_t from, count;
};

struct upgrades {
    struct server floor_server;
    struct bench_recalld recalld;
    struct crowd floor, crowd;
    struct step steps[STEPS];
};

struct totals {
    struct series rate[STEPS], wall[STEPS], floor[STEPS], own[STEPS], flat, floor_flat;
};

static bool start(const struct bench *b, struct upgrades *u, uint32_t most)
{
    struct crowd_target t = {.name = "FLOOR",
                             .swarm = {.kind = KIND_FLOOR, .room = "bench"},
                             .server_core = b->server_core,
                             .own_core = b->driver_core,
                             .most = most};

    t.server = &u->floor_server;
    if (!bench_floor_start(b, &u->floor_server, &t.swarm.at, &t.asks) || !crowd_start(&u->floor, &t) ||
        !bench_recalld_start(b, &u->recalld))
        return false;
    t.name = "recalld";
    t.swarm.kind = KIND_RECALLD;
    t.swarm.follow = SWARM_FOLLOW_NOTHING;
    t.swarm.at = t.asks = u->recalld.at;
    t.server = &u->recalld.server;
    return crowd_start(&u->crowd, &t);
}

/* Connections come one step after another, FLOOR's and recalld's in turn; then all go. */
static bool run_round(const struct bench *b, struct upgrades *u, struct totals *t)
{
    struct crowd_growth g[STEPS], f[STEPS];
    struct bench_watch watch;
    bool spoiled;

    bench_watch(b, &watch, &u->floor_server, &u->recalld.server);
    for (uint32_t i = 0; i < STEPS; i++) {
        const uint32_t from = u->steps[i].from, to = from + u->steps[i].count;

        if (!crowd_grow(&u->floor, from, NULL) || !crowd_grow(&u->crowd, from, NULL) ||
            !crowd_grow(&u->floor, to, &f[i]) || !crowd_grow(&u->crowd, to, &g[i]))
            return false;
    }
    spoiled = bench_disturbed(b, &watch);
    for (uint32_t i = 0; i < STEPS; i++) {
        series_add(&t->rate[i], 1e9 * g[i].count / (double)g[i].cpu_ns, spoiled);
        series_add(&t->floor[i], 1e9 * f[i].count / (double)f[i].cpu_ns, spoiled);
        series_add(&t->wall[i], 1e9 * g[i].count / (double)g[i].wall_ns, spoiled);
        series_add(&t->own[i], 100.0 * (double)g[i].own_ns / (double)g[i].wall_ns, spoiled);
    }
    series_add(&t->flat, (double)g[STEPS - 1].cpu_ns / (double)g[0].cpu_ns, spoiled);
    series_add(&t->floor_flat, (double)f[STEPS - 1].cpu_ns / (double)f[0].cpu_ns, spoiled);
    if (!crowd_leave(&u->floor) || !crowd_leave(&u->crowd))
        return false;
    server_settle(&u->floor_server);
    server_settle(&u->recalld.server);
    return true;
}

static void print(const struct bench *b, const struct upgrades *u, const struct totals *t)
{
    char many[96];
    struct bench_line flat = {
        .what = many, .target = "flat (≤ 1.15 ×)", .series = &t->flat, .format = "%.2f ×", .limit = 1.15};

    for (uint32_t i = 0; i < STEPS; i++) {
        char what[96];
        struct bench_line line = {.what = what,
                                  .target = "≥ 20,000",
                                  .series = &t->rate[i],
                                  .format = "%.0f",
                                  .limit = 20000,
                                  .least = true};

        snprintf(what, sizeof(what), "upgrades a second of one core, from %u connections", u->steps[i].from);
        snprintf(line.detail, sizeof(line.detail),
                 "by the server's CPU, %.1f µs each; FLOOR %.0f a second; by the clock %.0f a second with "
                 "one process opening them, "
                 "which was busy for %.0f %%",
                 1e6 / series_median(&t->rate[i]), series_median(&t->floor[i]), series_median(&t->wall[i]),
                 series_median(&t->own[i]));
        bench_line(b, &line);
    }
    snprintf(many, sizeof(many), "an upgrade's cost from %u connections, of that from %u",
             u->steps[STEPS - 1].from, u->steps[0].from);
    snprintf(flat.detail, sizeof(flat.detail), "FLOOR's is %.2f ×", series_median(&t->floor_flat));
    bench_line(b, &flat);
}

bool row_upgrades(struct bench *b)
{
    struct upgrades u = {.floor_server.pid = -1,
                         /* Devices do not authenticate here, and are not to be closed for it. */
                         .recalld = {.name = "recall", .settings = "auth_timeout = 600\n", .server.pid = -1},
                         .floor.pid = -1,
                         .crowd.pid = -1};
    const uint32_t most = b->quick ? 100 : b->most, count = most / 10;
    struct totals t = {0};
    bool ok = start(b, &u, most);
    const struct bench_span span = bench_span(b, 40);

    u.steps[0] = (struct step){most / 20, count};
    u.steps[1] = (struct step){most / 2, count};
    u.steps[2] = (struct step){most - count, count};
    while (ok && bench_go_on(b, &t.rate[0], 5, span))
        ok = run_round(b, &u, &t);
    if (ok)
        print(b, &u, &t);
    crowd_stop(&u.floor);
    crowd_stop(&u.crowd);
    if (u.floor_server.pid > 0)
        server_stop(&u.floor_server, false);
    return bench_recalld_stop(&u.recalld) && ok;
}
