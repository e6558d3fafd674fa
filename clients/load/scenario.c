#include "clients/load/scenario.h"

#include <stdlib.h>

#define OPENING_MOST 256U                  /* connections being made at a time where it is no storm */
#define UNSENT_NS    INT64_C(15000000000)  /* in which calls that are due already are still made */
#define DRAIN_NS     INT64_C(120000000000) /* as long as something comes at least */
#define DROP_TURN    128U
#define QUIET_NS     INT64_C(5000000000)  /* after which what has not come does not come any more */
#define SETTLE_NS    INT64_C(300000000)   /* in which what comes twice has come */
#define STORM_NS     INT64_C(30000000000) /* without anyone being let in, after which a storm is over */

static bool all_live(struct run *r)
{
    return r->crowd.live == r->crowd.count;
}

/* --- the loads --- */

static void load_plainly(struct run *r)
{
    run_wait(r, NULL, r->options->duration_ns);
}

static bool storm_is_over(struct run *r)
{
    return all_live(r) || (int64_t)uv_hrtime() - r->crowd.progress_ns > STORM_NS;
}

/* All connections that are away come at once. */
static void storm(struct run *r, uint32_t from)
{
    const int64_t since = (int64_t)uv_hrtime();
    const uint32_t before = r->crowd.live;
    struct figures *f = &r->figures;

    crowd_open(&r->crowd, from, r->crowd.count, r->crowd.count);
    run_wait(r, storm_is_over, -1);
    f->storm_ns = (int64_t)uv_hrtime() - since;
    f->storms_ns += f->storm_ns;
    f->storm_upgrades += r->crowd.live > before ? r->crowd.live - before : 0;
    if (!run_over(r))
        f->left_outside += r->crowd.count - r->crowd.live;
}

/* All connections from one on go. In slices: to end ten thousand sockets in one turn of the loop would keep
 * the calls that are due waiting, and look like a slow server. */
static void drop(struct run *r, uint32_t from)
{
    for (uint32_t i = from; i < r->crowd.count; i += DROP_TURN) {
        crowd_drop(&r->crowd, i, i + DROP_TURN < r->crowd.count ? i + DROP_TURN : r->crowd.count);
        run_wait(r, NULL, 1000000);
    }
}

/* A third in, all drop; half in, all come back at once with cursors that are behind. */
static void load_resume(struct run *r)
{
    const int64_t d = r->options->duration_ns;
    int64_t took;

    if (!run_wait(r, NULL, d / 3))
        return;
    drop(r, 0);
    if (!run_wait(r, NULL, d / 6))
        return;
    storm(r, 0);
    took = r->figures.storm_ns;
    if (took < d / 2)
        run_wait(r, NULL, d / 2 - took);
}

/* At first all read, then some stop for half of the time, then read on. */
static void load_slow(struct run *r)
{
    const int64_t d = r->options->duration_ns;

    run_wait(r, NULL, d / 10);
    crowd_pause(&r->crowd, true);
    run_wait(r, NULL, d - d / 10 - d / 4);
    crowd_pause(&r->crowd, false);
    run_wait(r, NULL, d / 4);
}

/* A tenth stays connected and hears the load; all others come and go at once, again and again. */
static void load_connect(struct run *r, uint32_t witnesses)
{
    const int64_t until = (int64_t)uv_hrtime() + r->options->duration_ns;

    while (!run_over(r) && (int64_t)uv_hrtime() < until && witnesses < r->crowd.count) {
        storm(r, witnesses);
        run_wait(r, NULL, INT64_C(200000000));
        if ((int64_t)uv_hrtime() < until && !run_over(r))
            drop(r, witnesses);
        run_wait(r, NULL, INT64_C(200000000));
    }
    if ((int64_t)uv_hrtime() < until)
        run_wait(r, NULL, until - (int64_t)uv_hrtime());
}

/* --- the course --- */

static bool connected(struct run *r)
{
    if (r->crowd.error[0] != '\0')
        run_fail(r, "%s", r->crowd.error);
    return r->crowd.queue_len == 0 && r->crowd.opening == 0 && r->crowd.live >= r->figures.connections;
}

/* One first: what is wrong for all is told at once, and not to ten thousand. */
static bool connect_all(struct run *r, uint32_t count)
{
    const int64_t since = (int64_t)uv_hrtime();

    r->phase = "connecting";
    r->crowd.strict = true;
    r->figures.connections = 1;
    crowd_open(&r->crowd, 0, 1, 1);
    if (!run_wait(r, connected, -1))
        return false;
    r->figures.connections = count;
    crowd_open(&r->crowd, 1, count, OPENING_MOST);
    if (!run_wait(r, connected, -1))
        return false;
    r->figures.connect_ns = (int64_t)uv_hrtime() - since;
    r->crowd.strict = false;
    return true;
}

static bool everything_came(struct run *r)
{
    const uint64_t came = r->figures.deliveries + r->figures.replayed + r->figures.answered;
    const int64_t now = (int64_t)uv_hrtime();

    if (!traffic_idle(&r->traffic) || r->crowd.opening > 0 || r->crowd.queue_len > 0 ||
        came != r->drain_came) {
        r->drain_came = came;
        r->drain_ns = now;
        return false;
    }
    return r->book.owed == 0 || now - r->drain_ns > QUIET_NS;
}

static bool calls_are_answered(struct run *r)
{
    return traffic_idle(&r->traffic);
}

static void judge(struct run *r)
{
    uint64_t *missing = calloc(r->book.room_count, sizeof(*missing));

    if (missing == NULL) {
        run_fail(r, "out of memory");
        return;
    }
    crowd_missing(&r->crowd, missing);
    book_judge(&r->book, missing);
    free(missing);
}

/* The end of the load: what is under way is waited for, and what must come. A second signal ends the waiting.
 */
static void drain(struct run *r)
{
    const unsigned before = r->stopped;

    r->phase = "waiting for the rest";
    r->figures.stopped = before > 0;
    r->stopped = 0;
    if (before > 0 && r->crowd.live < r->crowd.count) /* it was stopped while connections were away */
        crowd_open(&r->crowd, 0,
                   r->options->scenario == OPTIONS_CONNECT ? r->figures.connections : r->crowd.count,
                   r->crowd.count);
    crowd_pause(&r->crowd, false);
    run_wait(r, calls_are_answered, UNSENT_NS);
    traffic_give_up(&r->traffic);
    if (!run_wait(r, everything_came, DRAIN_NS) && r->error[0] == '\0')
        r->figures.unfinished = true;
    run_wait(r, NULL, SETTLE_NS);
    r->stopped += before;
}

static void mark(struct run *r, uint32_t witnesses)
{
    for (uint32_t i = 0; i < r->crowd.count; i++) {
        struct device *d = &r->crowd.devices[i];

        d->steady = i < witnesses;
        /* spread over the rooms, whatever their number */
        d->slow =
            r->options->scenario == OPTIONS_SLOW && (i * UINT32_C(2654435761) >> 8) % 100 < r->options->slow;
    }
}

bool scenario_run(struct run *r)
{
    const uint32_t all = r->options->connections;
    const uint32_t witnesses = r->options->scenario != OPTIONS_CONNECT ? all : all / 10 > 0 ? all / 10 : 1;

    mark(r, witnesses);
    if (!connect_all(r, witnesses))
        return r->error[0] == '\0';
    r->phase = options_scenario_name(r->options->scenario);
    run_measure(r, true);
    traffic_start(&r->traffic);
    if (r->options->scenario == OPTIONS_RESUME)
        load_resume(r);
    else if (r->options->scenario == OPTIONS_SLOW)
        load_slow(r);
    else if (r->options->scenario == OPTIONS_CONNECT)
        load_connect(r, witnesses);
    else
        load_plainly(r);
    traffic_stop(&r->traffic);
    run_measure(r, false);
    if (r->error[0] != '\0')
        return false;
    drain(r);
    r->figures.connections = all;
    judge(r);
    r->crowd.leaving = true;
    return r->error[0] == '\0';
}
