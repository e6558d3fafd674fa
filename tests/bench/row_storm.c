/* Resume storm: devices come back at once with cursors 100 events old, while another room goes on. */
#include "live.h"
#include "rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define ROOM      "storm"
#define LIVE_ROOM "live"
#define BEHIND    100U /* events between a device's cursor and the end of the log */
#define ROUNDS    5U /* of costs */
#define ROUNDS_LIVE 6U

struct storm {
    uint32_t devices, subscribers, per_second;
    struct bench_recalld recalld;
    struct server floor;
    struct sockaddr_in floor_at, floor_control;
    struct setup_users users, live_users, storm_users; /* the latter two are parts of the first */
    struct swarm_target target;                        /* of the swarm */
    struct swarm swarm;
    struct live live;
    char epoch[64];
    int64_t head; /* the storm room's last event */
    uint32_t frame;
    bool busy;    /* the live room goes on, so the server never comes to rest */
    unsigned net; /* of the last storm: each comes from other addresses */
};

/* What one storm cost the server. */
struct cost {
    int64_t cpu_ns, wall_ns;
};

struct totals {
    struct series ratio, whole, p99, floor_us, caught_us, back_us, wall_ms, quiet_ms, storm_ms;
    uint64_t caught;
    bool disturbed[ROUNDS_LIVE]; /* a live round */
};

static bool told(const struct storm *s)
{
    if (s->swarm.error[0] != '\0')
        fprintf(stderr, "bench: %s\n", s->swarm.error);
    return false;
}

/* --- storms --- */

/* All devices come at once; returns when each is there, and has what it missed. Leaves them connected. */
static bool come(const struct bench *b, struct storm *s, const struct swarm_target *how,
                 const struct server *server, struct cost *cost)
{
    bool ok;

    s->target = *how;
    s->target.room = ROOM;
    s->target.at_once = true;
    s->target.net = ++s->net % 100;
    server_pin(b->driver_core);
    if (!swarm_init(&s->swarm, &s->target, s->devices))
        return told(s);
    server_rest();
    cost->cpu_ns = server_cpu_ns(server);
    cost->wall_ns = server_now_ns();
    ok = swarm_grow(&s->swarm, s->devices);
    cost->wall_ns = server_now_ns() - cost->wall_ns;
    if (server != &s->recalld.server || !s->busy)
        server_settle(server); /* what came home late is a part of it */
    cost->cpu_ns = server_cpu_ns(server) - cost->cpu_ns;
    return ok ? true : told(s);
}

static void go(struct storm *s, const struct server *server)
{
    swarm_free(&s->swarm);
    server_settle(server);
}

/* Did each device get exactly what it missed, and does each get one more event, once? */
static bool complete(struct storm *s, uint64_t missed_events)
{
    const uint64_t before = s->swarm.events;
    const int64_t until = server_now_ns() + INT64_C(10000000000);

    if (before != missed_events * s->devices || s->swarm.missed + s->swarm.repeated != 0) {
        fprintf(
            stderr,
            "bench: %llu events reached the devices that came back, not %llu; missed %llu, repeated %llu\n",
            (unsigned long long)before, (unsigned long long)missed_events * s->devices,
            (unsigned long long)s->swarm.missed, (unsigned long long)s->swarm.repeated);
        return false;
    }
    if (!setup_messages(&s->recalld.at, ROOM, 1))
        return false;
    s->head++;
    while (s->swarm.events < before + s->devices && server_now_ns() < until && swarm_turn(&s->swarm, 100))
        ;
    for (int i = 0; i < 5 && swarm_turn(&s->swarm, 10); i++)
        ;
    if (s->swarm.events == before + s->devices && s->swarm.missed + s->swarm.repeated == 0 &&
        !s->swarm.broken)
        return true;
    fprintf(stderr, "bench: one more event reached %llu of %u devices. %s\n",
            (unsigned long long)(s->swarm.events - before), s->devices, s->swarm.error);
    return false;
}

/* FLOOR's devices get their 100 events at once when they join; or none. */
static bool floor_storm(const struct bench *b, struct storm *s, uint32_t backlog, struct cost *cost)
{
    const struct swarm_target how = {.kind = KIND_FLOOR, .at = s->floor_at, .backlog = backlog};
    char lines[128];
    const int n = snprintf(lines, sizeof(lines), "frame %u\nbacklog " ROOM " %u\n", s->frame, backlog);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool ok = fd >= 0 &&
              connect(fd, (const struct sockaddr *)&s->floor_control, sizeof(s->floor_control)) == 0 &&
              send(fd, lines, (size_t)n, MSG_NOSIGNAL) == n;

    if (fd >= 0)
        close(fd);
    if (!ok)
        fprintf(stderr, "bench: FLOOR takes no command\n");
    usleep(100000);
    ok = ok && come(b, s, &how, &s->floor, cost);
    if (ok && s->swarm.events != (uint64_t)backlog * s->devices) {
        fprintf(stderr, "bench: FLOOR's devices got %llu events\n", (unsigned long long)s->swarm.events);
        ok = false;
    }
    go(s, &s->floor);
    return ok;
}

/* --- before --- */

/* The devices were here before: each is known to the server, stands at the end of the log, and leaves. */
static bool first_visit(const struct bench *b, struct storm *s)
{
    struct swarm_target how = {.kind = KIND_RECALLD, .at = s->recalld.at, .users = &s->storm_users};
    struct cost cost;
    bool ok = setup_messages(&s->recalld.at, ROOM, 1) && come(b, s, &how, &s->recalld.server, &cost);

    if (ok) {
        snprintf(s->epoch, sizeof(s->epoch), "%s", s->swarm.epoch);
        s->head = s->swarm.rooms[0].head;
        ok = complete(s, 0);
        s->frame = s->swarm.frame;
    }
    go(s, &s->recalld.server);
    return ok;
}

static bool start(const struct bench *b, struct storm *s)
{
    const size_t all = s->devices + s->subscribers;

    if (!bench_recalld_start(b, &s->recalld) || !setup_users_make(&s->users, &s->recalld.at, all) ||
        !setup_room(&s->recalld.at, LIVE_ROOM, 0, s->subscribers) ||
        !setup_room(&s->recalld.at, ROOM, 0, all) ||
        !bench_floor_start(b, &s->floor, &s->floor_at, &s->floor_control))
        return false;
    s->live_users = (struct setup_users){s->users.tokens, s->subscribers};
    s->storm_users = (struct setup_users){s->users.tokens + s->subscribers, s->devices};
    if (!first_visit(b, s))
        return false;
    return live_start(&s->live, &(struct live_start){.at = s->recalld.at,
                                                     .users = &s->live_users,
                                                     .room = LIVE_ROOM,
                                                     .per_second = s->per_second,
                                                     .core = b->driver_core});
}

/* --- rounds --- */

/* The devices' own events, which they miss. */
static bool miss(struct storm *s)
{
    if (!setup_messages(&s->recalld.at, ROOM, BEHIND))
        return false;
    s->head += BEHIND;
    return true;
}

/* Nobody is live: a storm with 100 events missed, one with none; the same two of FLOOR. */
static bool cost_round(const struct bench *b, struct storm *s, struct totals *t)
{
    struct swarm_target how = {.kind = KIND_RECALLD,
                               .at = s->recalld.at,
                               .users = &s->storm_users,
                               .epoch = s->epoch,
                               .since = s->head};
    struct cost storm, back, floor, floor_back;
    double caught, floor_caught;
    struct bench_watch watch;
    bool spoiled;

    live_phase(&s->live, LIVE_SILENT);
    if (!miss(s))
        return false;
    server_settle(&s->recalld.server);
    server_settle(&s->floor);
    bench_watch(b, &watch, &s->recalld.server, &s->floor);
    if (!come(b, s, &how, &s->recalld.server, &storm) || !complete(s, BEHIND))
        return false;
    go(s, &s->recalld.server);
    how.since = s->head;
    if (!come(b, s, &how, &s->recalld.server, &back) || s->swarm.events != 0)
        return false;
    go(s, &s->recalld.server);
    if (!floor_storm(b, s, BEHIND, &floor) || !floor_storm(b, s, 0, &floor_back))
        return false;
    spoiled = bench_disturbed(b, &watch);
    caught = (double)(storm.cpu_ns - back.cpu_ns) / 1000 / s->devices;
    floor_caught = (double)(floor.cpu_ns - floor_back.cpu_ns) / 1000 / s->devices;
    /* The events can cost less than what two storms differ by anyway, as how often the threads wake each other depends on the pace of
     * either: a difference below nothing counts as nothing. One of FLOOR's that is none tells that the round was disturbed. */
    if (floor_caught > 0)
        series_add(&t->ratio, caught > 0 ? caught / floor_caught : 0, spoiled);
    series_add(&t->whole, (double)storm.cpu_ns / (double)floor.cpu_ns, spoiled);
    series_add(&t->floor_us, floor_caught, spoiled);
    series_add(&t->caught_us, caught, spoiled);
    series_add(&t->back_us, (double)back.cpu_ns / 1000 / s->devices, spoiled);
    t->caught += (uint64_t)BEHIND * s->devices;
    return true;
}

/* A stretch of quiet, then a storm, both with the live room at its pace. Phases 2n+1 and 2n+2 are the two. */
static bool live_round(const struct bench *b, struct storm *s, uint32_t round, struct totals *t)
{
    const struct swarm_target how = {.kind = KIND_RECALLD,
                                     .at = s->recalld.at,
                                     .users = &s->storm_users,
                                     .epoch = s->epoch,
                                     .since = s->head};
    struct bench_watch watch;
    struct cost storm;
    bool ok;

    live_phase(&s->live, LIVE_REST);
    if (!miss(s))
        return false;
    usleep(b->quick ? 100000 : 500000);
    bench_watch(b, &watch, &s->recalld.server, NULL);
    live_phase(&s->live, (int)(2 * round + 1));
    usleep(b->quick ? 300000 : 3000000);
    live_phase(&s->live, (int)(2 * round + 2));
    ok = come(b, s, &how, &s->recalld.server, &storm);
    live_phase(&s->live, LIVE_REST);
    t->disturbed[round] = bench_disturbed(b, &watch);
    ok = ok && complete(s, BEHIND);
    live_phase(&s->live, LIVE_SILENT);
    go(s, &s->recalld.server);
    series_add(&t->wall_ms, (double)storm.wall_ns / 1e6, t->disturbed[round]);
    t->caught += (uint64_t)BEHIND * s->devices;
    return ok;
}

static void print(const struct bench *b, const struct storm *s, const struct totals *t,
                  const struct live_result *live)
{
    char what[128];
    struct bench_line cost = {.what = what,
                              .target = "≤ 1.5 × FLOOR, same bytes",
                              .series = &t->ratio,
                              .format = "%.2f ×",
                              .limit = 1.5};
    struct bench_line whole = {.what = "the same with connecting, authenticating and subscribing",
                               .target = "none",
                               .series = &t->whole,
                               .format = "%.2f ×"};
    struct bench_line p99 = {.what = "another room's p99 while they come back, of its quiet one",
                             .target = "≤ 2 ×",
                             .series = &t->p99,
                             .format = "%.2f ×",
                             .limit = 2};

    snprintf(p99.detail, sizeof(p99.detail),
             "%u subscribers, %u messages a second, from the moment a message was due to each receipt: p99 "
             "%.2f ms quiet, %.2f ms "
             "in the storm; the process that measures it %s; all were back after %.0f ms",
             s->subscribers, s->per_second, series_median(&t->quiet_ms), series_median(&t->storm_ms),
             live->preferred ? "goes before the storm's" : "could not be preferred", series_median(&t->wall_ms));
    if (s->recalld.spread) {
        snprintf(what, sizeof(what), "%u devices catch up, the server on every core: another room's p99", s->devices);
        p99.what = what;
        bench_line(b, &p99);
        return;
    }
    snprintf(what, sizeof(what), "resume storm: %u devices catch up %u events each", s->devices, BEHIND);
    snprintf(cost.detail, sizeof(cost.detail),
             "server CPU a device for the events: FLOOR %.0f µs (one send), recalld %.0f µs; %llu of %llu "
             "events, none lost or repeated; all were "
             "back after %.0f ms",
             series_median(&t->floor_us), series_median(&t->caught_us), (unsigned long long)t->caught,
             (unsigned long long)t->caught, series_median(&t->wall_ms));
    bench_line(b, &cost);
    snprintf(whole.detail, sizeof(whole.detail),
             "FLOOR only upgrades and sends; coming back with nothing missed costs recalld %.0f µs a device",
             series_median(&t->back_us));
    bench_line(b, &whole);
    bench_line(b, &p99);
}

static bool measure(struct bench *b, uint32_t devices, bool spread)
{
    struct storm s = {.devices = b->quick ? 100 : devices,
                      .subscribers = b->quick ? 20 : 200,
                      .per_second = 100,
                      .recalld = {.name = "recall", .spread = spread, .server.pid = -1},
                      .floor.pid = -1,
                      .live.pid = -1};
    struct totals t = {0};
    struct live_result live = {.preferred = false};
    bool ok = start(b, &s);
    uint32_t round = 0;
    struct bench_span span;

    if (ok)
        usleep(b->quick ? 200000 : 2000000); /* everything has run once, and the disk is in its stride */
    span = bench_span(b, spread ? 75 : 32);
    s.busy = true;
    for (; ok && round < ROUNDS_LIVE && bench_go_on(b, &t.wall_ms, ROUNDS_LIVE, span); round++)
        ok = live_round(b, &s, round, &t);
    s.busy = false;
    span = bench_span(b, 60);
    for (uint32_t i = 0; ok && !spread && i < ROUNDS && bench_go_on(b, &t.whole, ROUNDS, span); i++)
        ok = cost_round(b, &s, &t);
    ok = (s.live.pid <= 0 || live_end(&s.live, &live)) && ok;
    for (uint32_t i = 0; i < round && ok; i++) {
        const struct live_figures *quiet = &live.phase[2 * i + 1], *storm = &live.phase[2 * i + 2];

        if (quiet->deliveries == 0 || storm->deliveries == 0)
            continue;
        series_add(&t.p99, (double)storm->p99_ns / (double)quiet->p99_ns, t.disturbed[i]);
        series_add(&t.quiet_ms, (double)quiet->p99_ns / 1e6, t.disturbed[i]);
        series_add(&t.storm_ms, (double)storm->p99_ns / 1e6, t.disturbed[i]);
    }
    if (ok)
        print(b, &s, &t, &live);
    live_stop(&s.live);
    swarm_free(&s.swarm);
    if (s.floor.pid > 0)
        server_stop(&s.floor, false);
    setup_users_free(&s.users);
    return bench_recalld_stop(&s.recalld) && ok;
}

bool row_storm(struct bench *b)
{
    return measure(b, 10000, false);
}

bool row_comeback(struct bench *b)
{
    return measure(b, 5000, true);
}
