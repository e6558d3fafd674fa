/* The whole path of a recall: HTTP in, durable commit, ten subscribers reached; against one commit and FLOOR's
 * fan-out. */
#include "rows.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROOM        "path"
#define SUBSCRIBERS 10U
#define COMMIT_ROW  300 /* bytes of the row of the commit that is compared with */

struct path {
    struct server floor_server;
    struct bench_recalld recalld;
    struct crowd floor, crowd;
    struct setup_users users;
    sqlite3 *db;
    sqlite3_stmt *insert;
};

/* --- one durable commit --- */

/* A database of its own beside recalld's, set to the same durability. */
static bool open_commits(const struct bench *b, struct path *p)
{
    char path[512];

    snprintf(path, sizeof(path), "%s/commit.db", b->work);
    if (sqlite3_open(path, &p->db) == SQLITE_OK &&
        sqlite3_exec(p->db,
                     "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
                     "CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB)",
                     NULL, NULL, NULL) == SQLITE_OK &&
        sqlite3_prepare_v2(p->db, "INSERT INTO t(body) VALUES(?)", -1, &p->insert, NULL) == SQLITE_OK)
        return true;
    fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(p->db));
    return false;
}

static int compare(const void *a, const void *b)
{
    int64_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

/* The median of `count` commits of one row each, in ns; 0: one failed. */
static int64_t time_commits(struct path *p, uint32_t count)
{
    static char body[COMMIT_ROW];
    int64_t *took = calloc(count, sizeof(*took)), median = 0;
    bool ok = took != NULL;

    for (uint32_t i = 0; i < count && ok; i++) {
        const int64_t start = server_now_ns();

        sqlite3_bind_blob(p->insert, 1, body, sizeof(body), SQLITE_STATIC);
        ok = sqlite3_step(p->insert) == SQLITE_DONE && sqlite3_reset(p->insert) == SQLITE_OK;
        took[i] = server_now_ns() - start;
    }
    if (ok) {
        qsort(took, count, sizeof(*took), compare);
        median = took[count / 2];
    } else {
        fprintf(stderr, "bench: SQLite: %s\n", sqlite3_errmsg(p->db));
    }
    free(took);
    return median;
}

/* --- rounds --- */

static bool start(const struct bench *b, struct path *p)
{
    struct crowd_target t = {.name = "FLOOR",
                             .swarm = {.kind = KIND_FLOOR, .room = ROOM},
                             .server_core = b->server_core,
                             .own_core = b->driver_core,
                             .most = SUBSCRIBERS};

    t.server = &p->floor_server;
    if (!open_commits(b, p) || !bench_floor_start(b, &p->floor_server, &t.swarm.at, &t.asks) ||
        !crowd_start(&p->floor, &t) || !bench_recalld_start(b, &p->recalld) ||
        !setup_users_make(&p->users, &p->recalld.at, SUBSCRIBERS) ||
        !setup_room(&p->recalld.at, ROOM, 0, SUBSCRIBERS))
        return false;
    t.name = "recalld";
    t.swarm.kind = KIND_RECALLD;
    t.swarm.users = &p->users;
    t.swarm.at = t.asks = p->recalld.at;
    t.server = &p->recalld.server;
    return crowd_start(&p->crowd, &t) && crowd_grow(&p->floor, SUBSCRIBERS, NULL) &&
           crowd_grow(&p->crowd, SUBSCRIBERS, NULL);
}

struct totals {
    struct series ratio, commit, floor, path, answer_fsyncs;
    uint64_t named; /* messages so far */
};

static bool run_round(const struct bench *b, struct path *p, struct totals *t)
{
    const uint32_t count = b->quick ? 20 : 400, warm = BENCH_WARM;
    struct slice_order order = {
        .followed = true, .what = ASKER_NAMED, .first_id = t->named, .window = 1, .events = count + warm};
    struct slice_figures sent, path, floor;
    int64_t commit = 0;
    double both;

    if (!crowd_slice(&p->crowd, &order, &sent))
        return false;
    t->named += count + warm;
    order.what = ASKER_RECALL;
    order.warm = warm;
    order.events = count;
    for (uint32_t turn = 0; turn < 2; turn++) {
        if (turn == t->ratio.count % 2) {
            if (!crowd_slice(&p->crowd, &order, &path))
                return false;
        } else {
            server_pin(b->server_core);
            commit = time_commits(p, count);
        }
    }
    order.frame = path.frame;
    if (commit == 0 || !crowd_slice(&p->floor, &order, &floor))
        return false;
    if (path.fsyncs >= 0 && path.fsyncs < (int64_t)path.events) {
        fprintf(stderr, "bench: %llu recalls one after the other, each answered, but only %lld fsyncs\n",
                (unsigned long long)path.events, (long long)path.fsyncs);
        return false;
    }
    both = (double)(commit + floor.p50_ns) / 1000;
    series_add(&t->ratio, (double)path.p50_ns / 1000 / both,
               bench_spoiled(b, &path) || bench_spoiled(b, &floor));
    series_add(&t->commit, (double)commit / 1000, false);
    series_add(&t->floor, (double)floor.p50_ns / 1000, false);
    series_add(&t->path, (double)path.p50_ns / 1000, false);
    series_add(&t->answer_fsyncs, (double)path.fsyncs / (double)path.events, false);
    return true;
}

bool row_path(struct bench *b)
{
    struct path p = {.floor_server.pid = -1,
                     .recalld = {.name = "recall", .server.pid = -1},
                     .floor.pid = -1,
                     .crowd.pid = -1};
    struct totals t = {0};
    struct bench_line line = {.what = "a recall's whole path: HTTP in, durable commit, 10 subscribers, p50",
                              .target = "≤ 1.5 × (one commit + FLOOR)",
                              .series = &t.ratio,
                              .format = "%.2f ×",
                              .limit = 1.5};
    bool ok = start(b, &p);
    const struct bench_span span = bench_span(b, 25);

    while (ok && bench_go_on(b, &t.ratio, 7, span))
        ok = run_round(b, &p, &t);
    if (ok) {
        snprintf(line.detail, sizeof(line.detail),
                 "recalld %.0f µs to the last subscriber and the answer; one SQLite commit of a row of 300 "
                 "bytes %.0f µs, FLOOR's fan-out "
                 "%.0f µs; %.2f fsyncs a recall",
                 series_median(&t.path), series_median(&t.commit), series_median(&t.floor),
                 series_median(&t.answer_fsyncs));
        bench_line(b, &line);
    }
    crowd_stop(&p.floor);
    crowd_stop(&p.crowd);
    if (p.floor_server.pid > 0)
        server_stop(&p.floor_server, false);
    sqlite3_finalize(p.insert);
    sqlite3_close(p.db);
    setup_users_free(&p.users);
    return bench_recalld_stop(&p.recalld) && ok;
}
