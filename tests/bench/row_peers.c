/* Single events to one room: other servers beside FLOOR and recalld, in the same rounds. */
#include "pair.h"
#include "peer.h"
#include "rows.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define ROOM "bench"

struct contender {
    struct peer peer;
    struct crowd crowd;
    struct series cpu, ratio, ms;
    bool out; /* it did not work: the others go on without it */
};

struct totals {
    struct series ratio, floor, fanout, whole, floor_ms, whole_ms;
};

static bool start(const struct bench *b, struct contender *c, enum kind kind, uint32_t most)
{
    struct crowd_target t = {.name = peer_name(kind),
                             .swarm = {.kind = kind, .room = ROOM},
                             .server = &c->peer.server,
                             .server_core = b->server_core,
                             .own_core = b->driver_core,
                             .most = most};

    if (!peer_start(b, kind, &c->peer))
        return false;
    t.swarm.at = c->peer.at;
    t.asks = c->peer.asks;
    return crowd_start(&c->crowd, &t);
}

static bool round_of(const struct bench *b, struct contender *c, const struct pair_round *pair)
{
    const struct slice_order order = {
        .followed = true, .warm = BENCH_WARM, .window = 1, .ms = b->slice_ms, .frame = pair->frame};
    struct slice_figures f;
    bool spoiled;
    double cpu;

    if (!crowd_slice(&c->crowd, &order, &f) || f.deliveries == 0)
        return false;
    if (abs((int)f.frame - (int)pair->frame) > BENCH_APART) {
        fprintf(stderr, "bench: %s sends frames of %u bytes, not %u\n", c->peer.name, f.frame, pair->frame);
        return false;
    }
    cpu = (double)f.cpu_ns / 1000 / (double)f.deliveries;
    spoiled = pair->spoiled || bench_spoiled(b, &f);
    series_add(&c->cpu, cpu, spoiled);
    series_add(&c->ratio, cpu / pair->floor, spoiled);
    series_add(&c->ms, (double)f.p50_ns / 1e6, spoiled);
    return true;
}

/* Drops a peer that does not work, and says so. */
static void check(struct contender *c, bool ok)
{
    if (ok)
        return;
    fprintf(stderr, "bench: %s is left out\n", c->peer.name);
    c->out = true;
    crowd_stop(&c->crowd);
    peer_stop(&c->peer);
}

static void print_peer(const struct bench *b, const struct contender *c, uint32_t size,
                       const struct totals *t)
{
    char what[96];
    struct bench_line line = {.what = what, .target = "none", .series = &c->ratio, .format = "%.2f ×"};

    snprintf(what, sizeof(what), "%s, one room of %u, single events", c->peer.name, size);
    snprintf(line.detail, sizeof(line.detail),
             "server CPU a delivery %.2f µs, FLOOR %.2f, recalld %.2f (%.2f with HTTP and commit); last "
             "subscriber after %.1f ms",
             series_median(&c->cpu), series_median(&t->floor), series_median(&t->fanout),
             series_median(&t->whole), series_median(&c->ms));
    bench_line(b, &line);
}

static void print_recalld(const struct bench *b, uint32_t size, const struct totals *t)
{
    char what[96];
    struct bench_line line = {
        .what = what, .target = "≤ 1.05 × FLOOR", .series = &t->ratio, .format = "%.2f ×"};

    snprintf(what, sizeof(what), "recalld beside the peers, one room of %u, single events", size);
    snprintf(line.detail, sizeof(line.detail),
             "server CPU a delivery: FLOOR %.2f µs, recalld %.2f (%.2f with HTTP and commit, which is %.2f "
             "×); last subscriber after "
             "%.1f / %.1f ms",
             series_median(&t->floor), series_median(&t->fanout), series_median(&t->whole),
             series_median(&t->whole) / series_median(&t->floor), series_median(&t->floor_ms),
             series_median(&t->whole_ms));
    bench_line(b, &line);
}

/* How each was configured, for the report. */
static void tell_config(const struct bench *b, const struct contender *c)
{
    json_t *json = json_pack("{s:s,s:s,s:s}", "row", b->row, "peer", c->peer.name, "config", c->peer.config);
    FILE *f = b->results != NULL ? fopen(b->results, "ae") : NULL;

    if (f != NULL && json != NULL) {
        json_dumpf(json, f, JSON_COMPACT);
        fputc('\n', f);
    }
    if (f != NULL)
        fclose(f);
    json_decref(json);
}

static bool measure(const struct bench *b, struct pair *p, struct contender *list, uint32_t size,
                    double seconds)
{
    struct totals t = {0};
    struct pair_round r;
    struct bench_span span;

    if (!pair_grow(p, size))
        return false;
    for (unsigned i = 0; i < PEERS; i++) {
        list[i].cpu = list[i].ratio = list[i].ms = (struct series){0};
        if (!list[i].out)
            check(&list[i], crowd_grow(&list[i].crowd, size, NULL));
    }
    span = bench_span(b, seconds);
    while (bench_go_on(b, &t.ratio, 5, span)) {
        if (!pair_round(b, p, &(struct pair_order){1, 1, b->slice_ms}, &r))
            return false;
        series_add(&t.ratio, r.fanout / r.floor, r.spoiled);
        series_add(&t.floor, r.floor, r.spoiled);
        series_add(&t.fanout, r.fanout, r.spoiled);
        series_add(&t.whole, r.whole, r.spoiled);
        series_add(&t.floor_ms, r.floor_ms, r.spoiled);
        series_add(&t.whole_ms, r.whole_ms, r.spoiled);
        for (unsigned i = 0; i < PEERS; i++)
            if (!list[i].out)
                check(&list[i], round_of(b, &list[i], &r));
    }
    print_recalld(b, size, &t);
    for (unsigned i = 0; i < PEERS; i++)
        if (!list[i].out)
            print_peer(b, &list[i], size, &t);
    return true;
}

bool row_peers(struct bench *b)
{
    const uint32_t small = b->quick ? 100 : 1000, large = b->most < 10000 ? b->most : 10000;
    struct contender list[PEERS] = {0};
    struct pair p;
    bool ok = pair_start(b, &p, b->quick ? small : large);

    for (unsigned i = 0; i < PEERS; i++) {
        const enum kind kind = peer_kind(i);

        list[i].peer = (struct peer){.name = peer_name(kind), .server.pid = -1};
        list[i].crowd.pid = -1;
        list[i].out = !ok || !peer_installed(b, kind);
        if (ok && list[i].out)
            fprintf(stderr, "bench: %s is not installed\n", peer_name(kind));
        if (!list[i].out)
            check(&list[i], start(b, &list[i], kind, b->quick ? small : large));
    }
    ok = ok && measure(b, &p, list, small, 40) && (b->quick || measure(b, &p, list, large, 110));
    for (unsigned i = 0; i < PEERS; i++) {
        if (list[i].out)
            continue;
        tell_config(b, &list[i]);
        crowd_stop(&list[i].crowd);
        peer_stop(&list[i].peer);
    }
    return pair_stop(&p) && ok;
}
