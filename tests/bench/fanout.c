/*
 * fanout: measures recalld's fan-out against FLOOR's in one interleaved run, and its memory for each idle
 * device. README.md beside it says how, and how to read the table. Started by tests/bench/run.
 *
 * Exit status: 0 every target met, 1 a delivery was lost or something did not work, 2 usage, 3 a target was
 * missed.
 */
#include "crowd.h"
#include "row.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SIZES         8
#define ROOM          "bench"
#define QUIET         "quiet"
#define SERVER_CORE   0
#define DRIVER_CORE   1
#define WARM          20U /* a receiver that was idle acknowledges its next 16 segments at once */
#define FIRST         10U /* devices after which everything has run once: what comes on top is the devices' */
#define FRAME_APART   3   /* bytes by which the two frames may differ */
#define SPOILED       0.06   /* of a slice's time on the server's core spent by others */
#define FILES_RESERVE 100    /* descriptors of a server beside its connections */
#define TARGET_RATIO  1.3    /* at 10,000 */
#define TARGET_BYTES  2560.0 /* 2.5 KB, at 10,000 */
#define JUDGED        10000U

struct bench {
    const char *recalld, *floor, *fsyncs, *work;
    uint32_t sizes[SIZES];
    size_t size_count;
    uint32_t rounds;
    int64_t slice_ms, budget_ms; /* the budget is for one row of the table */
    bool quick, memory, fanout, flight;
    char config[512], counter[512], log[512];
    struct setup_users users;
    bool judged, missed; /* a target was looked at; was missed */
};

/* --- starting recalld --- */

static bool write_config(struct bench *b)
{
    FILE *f;

    snprintf(b->config, sizeof(b->config), "%s/recalld.ini", b->work);
    snprintf(b->counter, sizeof(b->counter), "%s/fsyncs", b->work);
    snprintf(b->log, sizeof(b->log), "%s/servers.log", b->work);
    f = fopen(b->config, "we");
    if (f == NULL ||
        fprintf(f,
                "[server]\nlisten = 127.0.0.1:0\nthreads = 1\nstore = sqlite:%s/recall.db\nlog_level = warn\n"
                "[app SampleApp]\nclient_key = " SETUP_CLIENT_KEY "\napi_key = " SETUP_API_KEY
                "\ntoken_secret = " SETUP_TOKEN_SECRET "\n",
                b->work) < 0 ||
        fclose(f) != 0) {
        fprintf(stderr, "bench: cannot write %s\n", b->config);
        return false;
    }
    return true;
}

static bool start_recalld(const struct bench *b, struct server *server, struct sockaddr_in *at)
{
    char exe[512], option[] = "-c", config[512];
    char *argv[] = {exe, option, config, NULL};
    const struct server_start how = {.argv = argv,
                                     .announces = "recalld ready http=",
                                     .log = b->log,
                                     .preload = b->fsyncs,
                                     .counter = b->counter,
                                     .core = SERVER_CORE};

    snprintf(exe, sizeof(exe), "%s", b->recalld);
    snprintf(config, sizeof(config), "%s", b->config);
    return server_start(server, &how) && setup_address(server->ready, at);
}

static bool start_floor(const struct bench *b, struct server *server, struct sockaddr_in *at,
                        struct sockaddr_in *control)
{
    char exe[512], text[64];
    char *argv[] = {exe, NULL};
    const struct server_start how = {
        .argv = argv, .announces = "floor ready ", .log = b->log, .core = SERVER_CORE};
    unsigned port, control_port;

    snprintf(exe, sizeof(exe), "%s", b->floor);
    if (!server_start(server, &how) || sscanf(server->ready, "port=%u control=%u", &port, &control_port) != 2)
        return false;
    snprintf(text, sizeof(text), "127.0.0.1:%u", port);
    setup_address(text, at);
    snprintf(text, sizeof(text), "127.0.0.1:%u", control_port);
    return setup_address(text, control);
}

static uint32_t most_devices(const struct bench *b)
{
    uint32_t most = 0;

    for (size_t i = 0; i < b->size_count; i++)
        most = b->sizes[i] > most ? b->sizes[i] : most;
    return most;
}

/* Until the server has nothing left to do: less than 1 % of a core. */
static void settle(const struct server *s)
{
    for (int i = 0; i < 40; i++) {
        const int64_t before = server_cpu_ns(s);

        usleep(250000);
        if (server_cpu_ns(s) - before < 2500000)
            break;
    }
}

static bool prepare(struct bench *b)
{
    struct server server;
    struct sockaddr_in at;
    bool ok = write_config(b) && start_recalld(b, &server, &at);

    if (!ok)
        return false;
    ok = setup_users_make(&b->users, &at, most_devices(b)) && setup_room(&at, ROOM, b->users.count);
    return server_stop(&server, true) && ok;
}

/* --- memory --- */

/* Bytes of resident memory a device, at each size, in a process that has served nothing before. */
static bool measure_memory(struct bench *b, enum swarm_follow follow)
{
    struct crowd_target target = {
        .server_core = SERVER_CORE, .own_core = DRIVER_CORE, .most = most_devices(b)};
    const char *what = follow == SWARM_FOLLOW_ALL ? "all" : "one room";
    struct server server;
    struct crowd crowd = {.pid = -1};
    int64_t empty, empty_file, first = 0;
    bool ok = start_recalld(b, &server, &target.swarm.at);

    if (!ok)
        return false;
    target.swarm.users = &b->users;
    target.swarm.room = ROOM;
    target.swarm.follow = follow;
    target.server = &server;
    settle(&server);
    empty = server_memory_kib(&server, "VmRSS");
    empty_file = server_memory_kib(&server, "RssFile");
    ok = crowd_start(&crowd, &target) && crowd_grow(&crowd, FIRST);
    if (ok) {
        settle(&server);
        first = server_memory_kib(&server, "VmRSS");
    }
    for (size_t i = 0; i < b->size_count && ok; i++) {
        int64_t rss, file;
        double bytes;

        ok = crowd_grow(&crowd, b->sizes[i]);
        if (!ok)
            break;
        settle(&server);
        rss = server_memory_kib(&server, "VmRSS");
        file = server_memory_kib(&server, "RssFile");
        bytes = (double)(rss - empty) * 1024 / b->sizes[i];
        printf("%-9s %8u %10.1f %9.1f %9.1f %11.0f ", what, b->sizes[i], (double)empty / 1024,
               (double)rss / 1024, (double)(file - empty_file) / 1024,
               (double)(rss - first) * 1024 / (b->sizes[i] - FIRST));
        printf("%9.0f ", bytes);
        if (b->sizes[i] == JUDGED) {
            printf("%7.0f %s\n", TARGET_BYTES, bytes <= TARGET_BYTES ? "met" : "MISSED");
            b->judged = true;
            b->missed = b->missed || bytes > TARGET_BYTES;
        } else {
            printf("%7s -\n", "-");
        }
        fflush(stdout);
    }
    crowd_stop(&crowd);
    return server_stop(&server, true) && ok;
}

static bool memory(struct bench *b)
{
    printf("\nMemory of recalld, VmRSS, every device a user of its own, authenticated, subscribed, idle\n\n"
           "%-9s %8s %10s %9s %9s %11s %9s %7s\n",
           "follows", "devices", "MiB empty", "MiB full", "MiB text", "B/dev. more", "B/device", "target");
    return measure_memory(b, SWARM_FOLLOW_ROOM) && measure_memory(b, SWARM_FOLLOW_ALL);
}

/* --- fan-out --- */

struct pair {
    struct server floor_server, server;
    struct crowd floor, recalld;
    struct sockaddr_in at;
};

static bool start_pair(struct bench *b, struct pair *p)
{
    struct crowd_target t = {.server_core = SERVER_CORE, .own_core = DRIVER_CORE, .most = most_devices(b)};

    if (!start_floor(b, &p->floor_server, &t.swarm.at, &t.asks))
        return false;
    t.swarm.floor = true;
    t.swarm.room = ROOM;
    t.server = &p->floor_server;
    t.quiet = QUIET;
    if (!crowd_start(&p->floor, &t) || !start_recalld(b, &p->server, &t.swarm.at) ||
        !setup_room(&t.swarm.at, QUIET, b->users.count))
        return false;
    p->at = t.asks = t.swarm.at;
    t.swarm.floor = false;
    t.swarm.users = &b->users;
    t.server = &p->server;
    return crowd_start(&p->recalld, &t);
}

static bool stop_pair(struct pair *p, bool ok)
{
    crowd_stop(&p->floor);
    crowd_stop(&p->recalld);
    if (p->floor_server.pid > 0)
        server_stop(&p->floor_server, false);
    return p->server.pid <= 0 ? ok : server_stop(&p->server, true) && ok;
}

static bool spoiled(const struct slice_figures *f)
{
    return (double)f->other_ns > SPOILED * (double)f->wall_ns;
}

/* FLOOR and recalld, in turn first, then the same events to the quiet room: single ones at the pace at which
 * recalld's went, those in flight as fast as they are answered, so that they share commits as before. */
static bool run_round(struct bench *b, struct pair *p, struct row *r)
{
    struct slice_order order = {
        .followed = true, .warm = WARM, .window = r->window, .ms = b->slice_ms, .coalesce = r->window > 1};
    struct slice_figures floor = {0}, whole = {0}, quiet = {0};
    struct row_round *round = &r->rounds[r->count];
    bool ok = true;

    order.frame = r->frame;
    for (int turn = 0; turn < 2 && ok; turn++) {
        if ((turn == 0) == (r->count % 2 == 0))
            ok = crowd_slice(&p->floor, &order, &floor);
        else
            ok = crowd_slice(&p->recalld, &order, &whole);
    }
    if (!ok || floor.events == 0 || whole.events == 0)
        return false;
    order = (struct slice_order){.window = r->window,
                                 .events = (uint32_t)whole.events,
                                 .pace_ns = r->window == 1 ? whole.wall_ns / (int64_t)whole.events : 0};
    if (!crowd_slice(&p->recalld, &order, &quiet))
        return false;
    round->floor = (double)floor.cpu_ns / 1000 / (double)floor.deliveries;
    round->whole = (double)whole.cpu_ns / 1000 / (double)whole.deliveries;
    round->taking_in = (double)quiet.cpu_ns / 1000 / (double)quiet.events;
    round->fanout = round->whole - (double)quiet.cpu_ns / 1000 / (double)whole.deliveries;
    round->ratio = round->fanout / round->floor;
    round->floor_wall_ms = (double)floor.p50_ns / 1e6;
    round->wall_ms = (double)whole.p50_ns / 1e6;
    round->spoiled = spoiled(&floor) || spoiled(&whole) || spoiled(&quiet);
    r->count++;
    r->clean += !round->spoiled;
    r->events += whole.events;
    r->deliveries += whole.deliveries;
    r->fsyncs = whole.fsyncs < 0 ? -1 : r->fsyncs + whole.fsyncs;
    /* recalld's grows with the digits of the event's number. */
    if (abs((int)floor.frame - (int)whole.frame) > FRAME_APART) {
        fprintf(stderr, "bench: frames of %u and %u bytes were compared\n", floor.frame, whole.frame);
        return false;
    }
    if (r->window == 1 && whole.fsyncs >= 0 && whole.fsyncs < (int64_t)whole.events) {
        fprintf(stderr, "bench: %llu events one after the other, each answered, but only %lld fsyncs\n",
                (unsigned long long)whole.events, (long long)whole.fsyncs);
        return false;
    }
    return true;
}

static void print_row(struct bench *b, const struct row *r)
{
    const bool judged = r->size == JUDGED && r->window == 1 && !b->quick;
    const bool met = row_print(r, judged ? TARGET_RATIO : 0);

    b->judged = b->judged || judged;
    b->missed = b->missed || !met;
}

/* Rounds until enough of them were not disturbed, or the time is up. */
static bool measure_row(struct bench *b, struct pair *p, uint32_t size, uint32_t window)
{
    const int64_t until = server_now_ns() + b->budget_ms * 1000000;
    const struct slice_order probe = {.followed = true, .warm = 1, .window = 1, .events = 2};
    struct row r = {.size = size, .window = window};
    struct slice_figures f;

    /* The frame's size is recalld's: FLOOR gets the same. It grows with the digits of the event's number, so
     * it is looked at anew. */
    while (r.clean < b->rounds && r.count < ROW_ROUNDS && r.count < 3 * b->rounds &&
           (r.count == 0 || server_now_ns() < until)) {
        if (!crowd_slice(&p->recalld, &probe, &f))
            return false;
        r.frame = f.frame;
        if (!run_round(b, p, &r))
            return false;
    }
    print_row(b, &r);
    return true;
}

static bool fanout(struct bench *b)
{
    struct pair p = {.floor_server.pid = -1, .server.pid = -1, .floor.pid = -1, .recalld.pid = -1};
    long long commits;
    bool ok = start_pair(b, &p);

    row_head();
    for (size_t i = 0; i < b->size_count && ok; i++) {
        ok = crowd_grow(&p.floor, b->sizes[i]) && crowd_grow(&p.recalld, b->sizes[i]);
        if (ok)
            settle(&p.server);
        ok = ok && measure_row(b, &p, b->sizes[i], 1) &&
             (!b->flight || measure_row(b, &p, b->sizes[i], SLICE_WINDOW));
    }
    if (ok) {
        commits = setup_metric(&p.at, "recalld_commits_total");
        printf("\nfsync calls of that process: %lld", (long long)server_fsyncs(&p.server));
        printf("; by its own count: events %lld", setup_metric(&p.at, "recalld_events_total"));
        if (commits >= 0)
            printf(", commits %lld", commits);
        printf(".\n");
    }
    return stop_pair(&p, ok);
}

/* --- the command --- */

static bool read_sizes(struct bench *b, const char *text)
{
    char *end;

    for (b->size_count = 0; b->size_count < SIZES; text = end + 1) {
        const unsigned long n = strtoul(text, &end, 10);

        if (end == text || n <= FIRST || (long)n > sysconf(_SC_OPEN_MAX) - FILES_RESERVE ||
            (b->size_count > 0 && n <= b->sizes[b->size_count - 1]))
            return false;
        b->sizes[b->size_count++] = (uint32_t)n;
        if (*end != ',')
            return *end == '\0';
    }
    return false;
}

static bool parse(struct bench *b, int argc, char **argv)
{
    static const struct option options[] = {{"recalld", required_argument, NULL, 'r'},
                                            {"floor", required_argument, NULL, 'f'},
                                            {"fsyncs", required_argument, NULL, 's'},
                                            {"work", required_argument, NULL, 'w'},
                                            {"sizes", required_argument, NULL, 'n'},
                                            {"rounds", required_argument, NULL, 'o'},
                                            {"no-memory", no_argument, NULL, 'm'},
                                            {"no-fanout", no_argument, NULL, 'a'},
                                            {"no-flight", no_argument, NULL, 'l'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'n' && !read_sizes(b, optarg)) {
            fprintf(stderr, "bench: --sizes takes ascending numbers of devices, like 1000,10000, below the "
                            "limit of open files\n");
            return false;
        }
        b->recalld = c == 'r' ? optarg : b->recalld;
        b->floor = c == 'f' ? optarg : b->floor;
        b->fsyncs = c == 's' ? optarg : b->fsyncs;
        b->work = c == 'w' ? optarg : b->work;
        b->rounds = c == 'o' ? (uint32_t)strtoul(optarg, NULL, 10) : b->rounds;
        b->memory = b->memory && c != 'm';
        b->fanout = b->fanout && c != 'a';
        b->flight = b->flight && c != 'l';
        b->quick = b->quick || c == 'q';
        if (c == '?')
            return false;
    }
    if (b->quick) {
        b->sizes[0] = 100;
        b->size_count = 1;
        b->rounds = 1;
        b->slice_ms = 300;
        b->budget_ms = 1; /* one round, disturbed or not: figures are not the point */
        b->memory = false;
    }
    return b->recalld != NULL && b->floor != NULL && b->work != NULL && b->rounds > 0 &&
           b->rounds <= ROW_ROUNDS;
}

int main(int argc, char **argv)
{
    struct bench b = {.sizes = {1000, 10000},
                      .size_count = 2,
                      .rounds = 7,
                      .slice_ms = 1000,
                      .budget_ms = 25000,
                      .memory = true,
                      .fanout = true,
                      .flight = true};
    bool ok;

    if (!parse(&b, argc, argv)) {
        fputs("usage: fanout --recalld FILE --floor FILE --work DIR [--fsyncs FILE] [--sizes N,N] [--rounds "
              "N] [--no-memory] "
              "[--no-fanout] [--no-flight] [--quick]\n",
              stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    ok = prepare(&b) && (!b.memory || memory(&b)) && (!b.fanout || fanout(&b));
    setup_users_free(&b.users);
    if (!ok)
        return 1;
    printf("\nNothing lost, repeated or out of order. %s\n", b.quick ? "A quick run: its figures say nothing."
                                                             : b.missed ? "A target was MISSED, or could not be judged."
                                                             : b.judged ? "Every target met."
                                                                        : "No target is for these sizes.");
    return b.missed ? 3 : 0;
}
