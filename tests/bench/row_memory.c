/* Resident memory of recalld for each connected, authenticated, subscribed, idle device. */
#include "rows.h"

#include <stdio.h>
#include <unistd.h>

#define ROOM   "bench"
#define FIRST  10U /* devices after which everything has run once: what comes on top is the devices' */
#define TARGET 2048.0
/* Idle is not the moment after the last one connected: by then the server gave back what connecting took. */
#define IDLE_S 3

struct memory {
    struct bench_recalld recalld;
    struct crowd crowd;
    int64_t empty, first;
};

static void print(const struct bench *b, const struct memory *m, uint32_t size, int64_t rss)
{
    struct series s = {0};
    char what[96];
    struct bench_line line = {.what = what,
                              .target = "≤ 2,048 bytes",
                              .series = &s,
                              .format = "%.0f bytes",
                              .limit = TARGET,
                              .once = true};

    snprintf(what, sizeof(what), "memory a connected, subscribed, idle device, at %u", size);
    series_add(&s, (double)(rss - m->first) * 1024 / (size - FIRST), false);
    snprintf(line.detail, sizeof(line.detail),
             "VmRSS %.1f MiB empty, %.1f with %u devices, %.1f with %u, every device a user of its own; all "
             "growth shared out: %.0f bytes",
             (double)m->empty / 1024, (double)m->first / 1024, FIRST, (double)rss / 1024, size,
             (double)(rss - m->empty) * 1024 / size);
    bench_line(b, &line);
}

/* Resident memory at rest, in KiB. */
static int64_t rest(const struct bench *b, const struct memory *m)
{
    server_settle(&m->recalld.server);
    sleep(b->quick ? 0 : IDLE_S);
    return server_memory_kib(&m->recalld.server, "VmRSS");
}

static bool prepare(const struct bench *b, struct memory *m, struct setup_users *users, uint32_t most)
{
    const bool ok = bench_recalld_start(b, &m->recalld) && setup_users_make(users, &m->recalld.at, most) &&
                    setup_room(&m->recalld.at, ROOM, 0, most);

    return bench_recalld_stop(&m->recalld) && ok;
}

bool row_memory(struct bench *b)
{
    uint32_t sizes[3];
    const size_t n = bench_sizes(b, sizes);
    const uint32_t most = sizes[n - 1];
    struct memory m = {.recalld = {.name = "recall", .server.pid = -1}, .crowd.pid = -1};
    struct setup_users users = {NULL, 0};
    struct crowd_target target = {.name = "recalld",
                                  .swarm = {.kind = KIND_RECALLD, .room = ROOM, .users = &users},
                                  .server = &m.recalld.server,
                                  .server_core = b->server_core,
                                  .own_core = b->driver_core,
                                  .most = most};
    bool ok = prepare(b, &m, &users, most) && bench_recalld_start(b, &m.recalld);

    target.swarm.at = target.asks = m.recalld.at;
    if (ok) {
        m.empty = rest(b, &m);
        ok = crowd_start(&m.crowd, &target) && crowd_grow(&m.crowd, FIRST, NULL);
    }
    m.first = ok ? rest(b, &m) : 0;
    for (size_t i = 0; i < n && ok; i++) {
        ok = crowd_grow(&m.crowd, sizes[i], NULL);
        if (ok)
            print(b, &m, sizes[i], rest(b, &m));
    }
    crowd_stop(&m.crowd);
    setup_users_free(&users);
    return bench_recalld_stop(&m.recalld) && ok;
}
