#include "pair.h"

#include <stdio.h>
#include <stdlib.h>

#define ROOM  "bench"
#define QUIET "quiet"

bool pair_start(const struct bench *b, struct pair *p, uint32_t most)
{
    struct crowd_target t = {.name = "FLOOR",
                             .swarm = {.kind = KIND_FLOOR, .room = ROOM},
                             .server_core = b->server_core,
                             .own_core = b->driver_core,
                             .most = most};

    *p = (struct pair){.floor_server.pid = -1,
                       .recalld = {.name = "recall", .server.pid = -1},
                       .floor.pid = -1,
                       .crowd.pid = -1};
    t.server = &p->floor_server;
    if (!bench_floor_start(b, &p->floor_server, &t.swarm.at, &t.asks) || !crowd_start(&p->floor, &t) ||
        !bench_recalld_start(b, &p->recalld) || !setup_users_make(&p->users, &p->recalld.at, most) ||
        !setup_room(&p->recalld.at, ROOM, 0, most) || !setup_room(&p->recalld.at, QUIET, 0, most))
        return false;
    t.name = "recalld";
    t.swarm.kind = KIND_RECALLD;
    t.swarm.users = &p->users;
    t.swarm.at = t.asks = p->recalld.at;
    t.server = &p->recalld.server;
    t.quiet = QUIET;
    return crowd_start(&p->crowd, &t);
}

bool pair_grow(struct pair *p, uint32_t count)
{
    const bool ok = crowd_grow(&p->floor, count, NULL) && crowd_grow(&p->crowd, count, NULL);

    if (ok)
        server_settle(&p->recalld.server);
    return ok;
}

/* What is wrong with a round, whatever its figures. */
static bool sound(uint32_t window, const struct slice_figures *floor, const struct slice_figures *whole)
{
    if (floor->events == 0 || whole->events == 0) {
        fprintf(stderr, "bench: no event came through within a slice\n");
        return false;
    }
    /* recalld's frame grows with the digits of the event's number. */
    if (abs((int)floor->frame - (int)whole->frame) > BENCH_APART) {
        fprintf(stderr, "bench: frames of %u and %u bytes were compared\n", floor->frame, whole->frame);
        return false;
    }
    if (whole->fsyncs >= 0 && (uint64_t)whole->fsyncs * window < whole->events) {
        fprintf(stderr, "bench: %llu events, at most %u under way, all answered, but only %lld fsyncs\n",
                (unsigned long long)whole->events, window, (long long)whole->fsyncs);
        return false;
    }
    return true;
}

/* Of several slices as of one; the time until an event had reached everyone is the mean of theirs. */
static void sum(struct slice_figures *to, const struct slice_figures *f, uint32_t turns)
{
    to->events += f->events;
    to->deliveries += f->deliveries;
    to->cpu_ns += f->cpu_ns;
    to->wall_ns += f->wall_ns;
    to->other_ns += f->other_ns;
    to->fsyncs = f->fsyncs < 0 ? -1 : to->fsyncs + f->fsyncs;
    to->p50_ns += f->p50_ns / turns;
    to->frame = f->frame;
}

/* One of FLOOR's and one of recalld's. Their order changes from round to round and never within one: two slices of one in a row would leave the
 * other's devices without anything for twice as long. */
static bool turn(struct pair *p, const struct slice_order *order, struct slice_figures *floor,
                 struct slice_figures *whole)
{
    const bool floor_first = p->rounds % 2 == 0;

    return (floor_first ? crowd_slice(&p->floor, order, floor) : crowd_slice(&p->crowd, order, whole)) &&
           (floor_first ? crowd_slice(&p->crowd, order, whole) : crowd_slice(&p->floor, order, floor));
}

static bool take_turns(struct pair *p, const struct pair_order *how, struct slice_order *order,
                       struct slice_figures *floor, struct slice_figures *whole)
{
    struct slice_figures f, w;

    if (how->turns > 1) { /* what others begin each slice with */
        for (uint64_t floors = 0, wholes = 0; floors < BENCH_WARM || wholes < BENCH_WARM;) {
            if (!turn(p, order, &f, &w) || f.events == 0 || w.events == 0)
                return false;
            floors += f.events;
            wholes += w.events;
        }
    } else {
        order->warm = BENCH_WARM;
    }
    for (uint32_t i = 0; i < how->turns; i++) {
        if (!turn(p, order, &f, &w))
            return false;
        sum(floor, &f, how->turns);
        sum(whole, &w, how->turns);
    }
    p->rounds++;
    return true;
}

bool pair_round(const struct bench *b, struct pair *p, const struct pair_order *how, struct pair_round *round)
{
    const struct slice_order probe = {.followed = true, .warm = 1, .window = 1, .events = 2};
    const uint32_t window = how->window;
    struct slice_order order = {.followed = true, .window = window, .ms = how->ms, .coalesce = window > 1};
    struct slice_figures floor = {0}, whole = {0}, quiet = {0};

    if (!crowd_slice(&p->crowd, &probe, &quiet))
        return false;
    order.frame = quiet.frame;
    if (!take_turns(p, how, &order, &floor, &whole) || !sound(window, &floor, &whole))
        return false;
    /* At the pace at which recalld's went: in flight, as many at once as then, which share commits as they did. */
    order = (struct slice_order){.window = window,
                                 .events = (uint32_t)whole.events,
                                 .pace_ns = whole.wall_ns / (int64_t)whole.events};
    if (!crowd_slice(&p->crowd, &order, &quiet))
        return false;
    *round = (struct pair_round){
        .floor = (double)floor.cpu_ns / 1000 / (double)floor.deliveries,
        .whole = (double)whole.cpu_ns / 1000 / (double)whole.deliveries,
        .fanout = (double)(whole.cpu_ns - quiet.cpu_ns) / 1000 / (double)whole.deliveries,
        .taking_in = (double)quiet.cpu_ns / 1000 / (double)quiet.events,
        .floor_ms = (double)floor.p50_ns / 1e6,
        .whole_ms = (double)whole.p50_ns / 1e6,
        .fsyncs = whole.fsyncs < 0 ? -1 : (double)whole.fsyncs / (double)whole.events,
        .quiet_fsyncs = quiet.fsyncs < 0 ? -1 : (double)quiet.fsyncs / (double)quiet.events,
        .frame = whole.frame,
        .spoiled = bench_spoiled(b, &floor) || bench_spoiled(b, &whole) || bench_spoiled(b, &quiet)};
    return true;
}

bool pair_stop(struct pair *p)
{
    bool ok;

    crowd_stop(&p->floor);
    crowd_stop(&p->crowd);
    if (p->floor_server.pid > 0)
        server_stop(&p->floor_server, false);
    ok = bench_recalld_stop(&p->recalld);
    setup_users_free(&p->users);
    return ok;
}
