#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#define SPOILED 0.06 /* of a slice's time on the servers' core spent by others */

static bool write_config(const struct bench *b, const struct bench_recalld *r, const char *path)
{
    FILE *f = fopen(path, "we");

    if (f == NULL ||
        fprintf(f,
                "[server]\nlisten = 127.0.0.1:0\nthreads = %d\nstore = sqlite:%s/%s.db\nlog_level = "
                "warn\nreserve_fds = 24\n%s"
                "[app SampleApp]\nclient_key = " SETUP_CLIENT_KEY "\napi_key = " SETUP_API_KEY
                "\ntoken_secret = " SETUP_TOKEN_SECRET "\n",
                r->spread ? 0 : 1, b->work, r->name, r->settings != NULL ? r->settings : "") < 0 ||
        fclose(f) != 0) {
        fprintf(stderr, "bench: cannot write %s\n", path);
        return false;
    }
    return true;
}

/* inside.c writes its control port into the file that it was told of. */
static bool read_control(const char *path, struct sockaddr_in *control)
{
    char text[64];
    unsigned port = 0;
    FILE *f = fopen(path, "re");

    if (f == NULL || fscanf(f, "%u", &port) != 1)
        port = 0;
    if (f != NULL)
        fclose(f);
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    return port != 0 && setup_address(text, control);
}

bool bench_recalld_start(const struct bench *b, struct bench_recalld *r)
{
    char exe[512], option[] = "-c", config[512], counter[512], control[512];
    char *argv[] = {exe, option, config, NULL};
    const struct server_start how = {.argv = argv,
                                     .announces = "recalld ready http=",
                                     .log = b->log,
                                     .preload = r->inside ? NULL : b->fsyncs,
                                     .counter = counter,
                                     .core = r->spread ? -1 : b->server_core};

    r->server = (struct server){.pid = -1, .out = -1};
    snprintf(exe, sizeof(exe), "%s", r->inside ? b->inside : b->recalld);
    snprintf(config, sizeof(config), "%s/%s.ini", b->work, r->name);
    snprintf(counter, sizeof(counter), "%s/%s.fsyncs", b->work, r->name);
    snprintf(control, sizeof(control), "%s/%s.control", b->work, r->name);
    setenv("BENCH_INSIDE", control, 1);
    if (!write_config(b, r, config) || !server_start(&r->server, &how))
        return false;
    r->control = (struct sockaddr_in){.sin_family = AF_UNSPEC};
    if (!setup_address(r->server.ready, &r->at) || (r->inside && !read_control(control, &r->control))) {
        fprintf(stderr, "bench: recalld does not say where it listens\n");
        return false;
    }
    return true;
}

bool bench_recalld_stop(struct bench_recalld *r)
{
    return r->server.pid <= 0 || server_stop(&r->server, true);
}

bool bench_store_copy(const struct bench *b, const char *from, const char *to)
{
    char source[512], target[512];
    struct stat st = {.st_size = 0};
    int in, out;
    bool ok;

    snprintf(source, sizeof(source), "%s/%s.db", b->work, from);
    snprintf(target, sizeof(target), "%s/%s.db", b->work, to);
    in = open(source, O_RDONLY | O_CLOEXEC);
    out = open(target, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ok = in >= 0 && out >= 0 && fstat(in, &st) == 0;
    for (off_t at = 0; ok && at < st.st_size;)
        ok = sendfile(out, in, &at, (size_t)(st.st_size - at)) > 0;
    if (in >= 0)
        close(in);
    ok = (out < 0 || close(out) == 0) && ok;
    if (!ok)
        fprintf(stderr, "bench: cannot copy the store: %s\n", strerror(errno));
    return ok;
}

bool bench_floor_start(const struct bench *b, struct server *server, struct sockaddr_in *at,
                       struct sockaddr_in *control)
{
    char exe[512], text[64];
    char *argv[] = {exe, NULL};
    const struct server_start how = {
        .argv = argv, .announces = "floor ready ", .log = b->log, .core = b->server_core};
    unsigned port, control_port;

    snprintf(exe, sizeof(exe), "%s", b->floor);
    if (!server_start(server, &how) || sscanf(server->ready, "port=%u control=%u", &port, &control_port) != 2)
        return false;
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    setup_address(text, at);
    snprintf(text, sizeof(text), "127.0.0.1:%u", control_port);
    return setup_address(text, control);
}

size_t bench_sizes(const struct bench *b, uint32_t sizes[static 3])
{
    const uint32_t all[] = {1000, 10000, b->most};
    size_t n = 0;

    if (b->quick) {
        sizes[0] = 100;
        return 1;
    }
    for (size_t i = 0; i < 3; i++)
        if (all[i] <= b->most && (n == 0 || all[i] > sizes[n - 1]))
            sizes[n++] = all[i];
    return n;
}

bool bench_spoiled(const struct bench *b, const struct slice_figures *f)
{
    return b->server_core != b->driver_core && (double)f->other_ns > SPOILED * (double)f->wall_ns;
}

/* What the core did, less what the servers did. */
static int64_t others_ns(const struct bench *b, const struct bench_watch *w)
{
    return server_core_busy_ns(b->server_core) - server_cpu_ns(w->first) -
           (w->second != NULL ? server_cpu_ns(w->second) : 0);
}

void bench_watch(const struct bench *b, struct bench_watch *w, const struct server *first,
                 const struct server *second)
{
    *w = (struct bench_watch){.first = first, .second = second};
    w->other_ns = others_ns(b, w);
    w->wall_ns = server_now_ns();
}

bool bench_disturbed(const struct bench *b, const struct bench_watch *w)
{
    const struct slice_figures f = {.wall_ns = server_now_ns() - w->wall_ns,
                                    .other_ns = others_ns(b, w) - w->other_ns};

    return bench_spoiled(b, &f);
}

struct bench_span bench_span(const struct bench *b, double seconds)
{
    const int64_t now = server_now_ns(), until = now + (int64_t)(seconds * 1e9);

    return (struct bench_span){now, until < b->until_ns ? until : b->until_ns};
}

bool bench_go_on(const struct bench *b, const struct series *r, uint32_t rounds, struct bench_span span)
{
    const int64_t now = server_now_ns();
    const int64_t end = now + (r->count != 0 ? (now - span.began_ns) / r->count : 0); /* of one more round */

    if (r->count == 0)
        return now < b->until_ns;
    if (b->quick || r->clean >= rounds || r->count >= SERIES_MOST)
        return false;
    return end < (r->count < SERIES_LEAST ? b->until_ns : span.until_ns);
}

/* --- the verdict --- */

static const char *verdict_of(const struct bench *b, const struct bench_line *line)
{
    const double value = series_median(line->series);

    if (b->quick)
        return "quick";
    if (line->series->count == 0)
        return "not measured";
    if (line->limit <= 0)
        return "shown";
    if (line->series->count < SERIES_LEAST && !line->once)
        return "unsure";
    return (line->least ? value >= line->limit : value <= line->limit) ? "met" : "MISSED";
}

void bench_line(const struct bench *b, const struct bench_line *line)
{
    const struct series *s = line->series;
    char value[64], low[64], high[64], rounds[32];
    json_t *json;
    FILE *f;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    snprintf(value, sizeof(value), line->format, series_median(s));
    snprintf(low, sizeof(low), line->format, series_low(s));
    snprintf(high, sizeof(high), line->format, series_high(s));
#pragma GCC diagnostic pop
    /* A star: fewer than three rounds were undisturbed, so disturbed ones are in it. */
    snprintf(rounds, sizeof(rounds), line->once ? "one" : "%u/%u%s", series_used(s), s->count,
             s->clean < SERIES_LEAST && s->clean < s->count ? "*" : "");
    printf("%s: %s (%s to %s, rounds %s), target %s: %s\n    %s\n", line->what, value, low, high, rounds,
           line->target, verdict_of(b, line), line->detail);
    fflush(stdout);
    json = json_pack("{s:s,s:s,s:s,s:s,s:f,s:s,s:s,s:s,s:s,s:s}", "row", b->row, "what", line->what, "target",
                     line->target, "measured", value, "value", series_median(s), "low", low, "high", high,
                     "rounds", rounds, "verdict", verdict_of(b, line), "detail", line->detail);
    f = b->results != NULL ? fopen(b->results, "ae") : NULL;
    if (f != NULL && json != NULL) {
        json_dumpf(json, f, JSON_COMPACT);
        fputc('\n', f);
    }
    if (f != NULL)
        fclose(f);
    json_decref(json);
}
