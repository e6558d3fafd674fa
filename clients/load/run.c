#include "clients/load/run.h"

#include "clients/load/progress.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#define SECOND_NS INT64_C(1000000000)
#define TICK_NS   (CROWD_TICK_MS * INT64_C(1000000))

bool run_over(const struct run *r)
{
    return r->stopped > 0 || r->error[0] != '\0';
}

void run_fail(struct run *r, const char *format, ...)
{
    va_list args;

    if (r->error[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(r->error, sizeof(r->error), format, args);
    va_end(args);
}

/* --- seconds --- */

static double percent(double before, double after, double seconds)
{
    return before < 0 || after < 0 || seconds <= 0 ? -1 : (after - before) / seconds * 100;
}

static void on_metrics(void *arg, uint64_t tag, const struct caller_answer *answer)
{
    struct run *r = arg;

    (void)tag;
    if (answer->status == 200)
        watch_metrics(&r->watch, answer->body);
}

static void start_second(struct run *r, int64_t now)
{
    r->second_ns = now;
    r->second_server = watch_server(&r->watch);
    r->second_own = watch_own();
    r->second_asked = r->traffic.asked;
    r->second_answered = r->figures.answered;
    r->second_failed = r->figures.failed + r->figures.refused;
}

static void end_second(struct run *r, int64_t now)
{
    const double span = (double)(now - r->second_ns) / 1e9;
    const struct figures_process server = watch_server(&r->watch), own = watch_own();
    const struct figures_second s = {
        .at_s = (double)(now - r->figures.start_ns) / 1e9,
        .span_s = span,
        .asked = r->traffic.asked - r->second_asked,
        .answered = r->figures.answered - r->second_answered,
        .failed = r->figures.failed + r->figures.refused - r->second_failed,
        .connections = r->crowd.live,
        .server_cpu = percent(r->second_server.cpu_s, server.cpu_s, span),
        .server_rss = server.rss,
        .own_cpu = percent(r->second_own.cpu_s, own.cpu_s, span),
    };

    if (!figures_second(&r->figures, &s))
        run_fail(r, "out of memory");
    if (r->watch.pid == 0 && r->watch.metrics)
        (void)caller_ask(&r->caller, "GET", "/metrics", NULL, "", 0, on_metrics, r, 0);
    if (r->figures.local && watch_again(&r->watch, r->options->port))
        r->figures.server_pid = r->watch.pid;
    start_second(r, now);
}

void run_measure(struct run *r, bool on)
{
    const int64_t now = (int64_t)uv_hrtime();

    if (on) {
        r->figures.start_ns = now;
        r->figures.server_start = watch_server(&r->watch);
        r->figures.own_start = watch_own();
        start_second(r, now);
    } else {
        r->figures.end_ns = now;
        r->figures.server_end = watch_server(&r->watch);
        r->figures.own_end = watch_own();
        if (now - r->second_ns > SECOND_NS / 3 ||
            r->figures.second_count == 0) /* a sliver would look like a dip */
            end_second(r, now);
    }
    r->measuring = on;
}

/* --- the loop --- */

static void on_tick(uv_timer_t *timer)
{
    struct run *r = timer->data;
    const int64_t now = (int64_t)uv_hrtime(), late = now - r->tick_ns - TICK_NS;

    if (r->measuring && r->tick_ns != 0 && late > r->figures.longest_turn_ns)
        r->figures.longest_turn_ns = late;
    r->tick_ns = now;
    crowd_tick(&r->crowd);
    traffic_tick(&r->traffic);
    caller_look(&r->caller, now);
    if (r->measuring && now - r->second_ns >= SECOND_NS)
        end_second(r, now);
    progress_tell(r, now);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct run *r = signal->data;

    (void)number;
    if (++r->stopped == 1)
        progress_say(r,
                     "stopping: waits for what is under way, cleans up and reports; again to leave at once");
    else if (r->stopped > 2)
        _exit(130);
}

bool run_wait(struct run *r, bool (*done)(struct run *r), int64_t ns)
{
    const int64_t until = (int64_t)uv_hrtime() + ns;

    for (;;) {
        bool more;

        if (run_over(r))
            return false;
        if (done != NULL && done(r))
            return !run_over(r);
        if (ns >= 0 && (int64_t)uv_hrtime() >= until)
            return done == NULL;
        more = crowd_pump(&r->crowd);
        uv_run(&r->loop, more ? UV_RUN_NOWAIT : UV_RUN_ONCE);
    }
}

/* --- the whole --- */

static bool init_parts(struct run *r, struct options *o)
{
    bool ok = figures_init(&r->figures);

    ok = ok && book_init(&r->book, &r->figures, o->rooms);
    ok = ok && crowd_init(&r->crowd, &r->loop, o, &r->names, &r->figures, &r->book);
    ok = ok && caller_init(&r->caller, &r->crowd.poller, o, o->in_flight);
    ok = ok && traffic_init(&r->traffic, o, &r->names, &r->caller, &r->crowd, &r->book);
    ok = ok && uv_timer_init(&r->loop, &r->tick) == 0;
    ok = ok && uv_signal_init(&r->loop, &r->signals[0]) == 0 && uv_signal_init(&r->loop, &r->signals[1]) == 0;
    return ok;
}

bool run_open(struct run *r, struct options *options)
{
    uint32_t number = 0;

    *r = (struct run){.options = options, .phase = "starting", .tty = isatty(STDERR_FILENO) == 1};
    if (uv_random(NULL, NULL, &number, sizeof(number), 0, NULL) != 0)
        number = (uint32_t)uv_hrtime() ^ (uint32_t)getpid();
    names_init(&r->names, number);
    if (uv_loop_init(&r->loop) != 0 || !init_parts(r, options)) {
        run_fail(r, "the run cannot be set up: not enough memory or files");
        return false;
    }
    r->tick.data = r->signals[0].data = r->signals[1].data = r;
    if (uv_timer_start(&r->tick, on_tick, CROWD_TICK_MS, CROWD_TICK_MS) != 0 ||
        uv_signal_start(&r->signals[0], on_signal, SIGINT) != 0 ||
        uv_signal_start(&r->signals[1], on_signal, SIGTERM) != 0) {
        run_fail(r, "signals cannot be watched");
        return false;
    }
    if (options->loopback)
        watch_find(&r->watch, options->port);
    r->figures.server_pid = r->watch.pid;
    r->figures.local = r->watch.pid != 0;
    if (r->watch.pid == 0)
        (void)caller_ask(&r->caller, "GET", "/metrics", NULL, "", 0, on_metrics, r, 0);
    return true;
}

static void close_handle(uv_handle_t *handle, void *arg)
{
    (void)arg;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

void run_close(struct run *r)
{
    traffic_free(&r->traffic);
    caller_close(&r->caller);
    crowd_close(&r->crowd);
    book_free(&r->book);
    figures_free(&r->figures);
    uv_walk(&r->loop, close_handle, NULL);
    uv_run(&r->loop, UV_RUN_DEFAULT);
    (void)uv_loop_close(&r->loop);
}
