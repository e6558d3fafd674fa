/*
 * storm: many devices come back at once and catch up, while another room goes on. Measures what that room
 * notices. README.md beside it says how, and how to read the output. Started by tests/bench/storm_run.
 *
 * Exit status: 0 the target was met, 1 an event was lost, repeated or out of order, or something did not
 * work, 2 usage, 3 the target was missed.
 */
#include "live.h"
#include "server.h"
#include "swarm.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ROOM         "storm"
#define LIVE_ROOM    "live"
#define BEHIND       100U /* events between a device's cursor and the end of the log */
#define TARGET_RATIO 2.0  /* of the p99 */
#define LONGEST_S    90U

struct storm {
    const char *recalld, *work;
    uint32_t devices, subscribers, per_second;
    unsigned quiet_s;
    bool quick;
    struct server server;
    struct sockaddr_in at;
    struct setup_users users, live_users, storm_users; /* the latter two are parts of the first */
    struct swarm_target target;
    struct swarm swarm;
    struct live live;
};

/* What everything has cost and the clock, at one moment. */
struct moment {
    int64_t wall, server, live, driver, machine;
};

struct storm_result {
    struct moment quiet, storm; /* differences */
    struct live_result live;
    uint64_t caught_up; /* events */
    bool also_live;     /* the event after the storm reached every device once */
};

static void too_long(int signal_number)
{
    static const char text[] = "bench: not done within the time that a run may take\n";

    (void)signal_number;
    _exit(write(STDERR_FILENO, text, sizeof(text) - 1) > 0 ? 1 : 1);
}

/* --- before --- */

static bool start_recalld(struct storm *s)
{
    char config[512], log[512], exe[512], option[] = "-c";
    char *argv[] = {exe, option, config, NULL};
    const struct server_start how = {
        .argv = argv, .announces = "recalld ready http=", .log = log, .core = -1};
    FILE *f;

    snprintf(exe, sizeof(exe), "%s", s->recalld);
    snprintf(config, sizeof(config), "%s/recalld.ini", s->work);
    snprintf(log, sizeof(log), "%s/servers.log", s->work);
    f = fopen(config, "we");
    if (f == NULL ||
        fprintf(f,
                "[server]\nlisten = 127.0.0.1:0\nstore = sqlite:%s/recall.db\nlog_level = warn\n"
                "[app SampleApp]\nclient_key = " SETUP_CLIENT_KEY "\napi_key = " SETUP_API_KEY
                "\ntoken_secret = " SETUP_TOKEN_SECRET "\n",
                s->work) < 0 ||
        fclose(f) != 0) {
        fprintf(stderr, "bench: cannot write %s\n", config);
        return false;
    }
    return server_start(&s->server, &how) && setup_address(s->server.ready, &s->at);
}

/* Until the server has nothing left to do: less than 1 % of a core, or 5 s. */
static void settle(const struct server *server)
{
    for (int i = 0; i < 20; i++) {
        const int64_t before = server_cpu_ns(server);

        usleep(250000);
        if (server_cpu_ns(server) - before < 2500000)
            break;
    }
}

static bool told(const struct storm *s)
{
    if (s->swarm.error[0] != '\0')
        fprintf(stderr, "bench: %s\n", s->swarm.error);
    return false;
}

/* The devices were here before: each is known to the server, stands at the end of the log, and leaves. Then
 * the room goes on without them. */
static bool leave_behind(struct storm *s)
{
    s->target = (struct swarm_target){.at = s->at, .users = &s->storm_users, .room = ROOM};
    if (!setup_messages(&s->at, ROOM, 1) || !swarm_init(&s->swarm, &s->target, s->devices) ||
        !swarm_grow(&s->swarm, s->devices))
        return told(s);
    swarm_close(&s->swarm);
    settle(&s->server);
    if (!setup_messages(&s->at, ROOM, BEHIND))
        return false;
    s->target.epoch = s->swarm.epoch;
    s->target.since = s->swarm.head;
    s->target.at_once = true;
    return true;
}

static bool prepare(struct storm *s)
{
    const size_t all = s->devices + s->subscribers;

    if (!start_recalld(s) || !setup_users_make(&s->users, &s->at, all) ||
        !setup_room(&s->at, LIVE_ROOM, s->subscribers) || !setup_room(&s->at, ROOM, all))
        return false;
    s->live_users = (struct setup_users){s->users.tokens, s->subscribers};
    s->storm_users = (struct setup_users){s->users.tokens + s->subscribers, s->devices};
    return leave_behind(s);
}

/* --- the measurement --- */

static struct moment now(const struct storm *s)
{
    struct timespec own;
    struct moment m = {.wall = server_now_ns(),
                       .server = server_cpu_ns(&s->server),
                       .live = live_cpu_ns(&s->live)};

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    m.driver = (int64_t)own.tv_sec * 1000000000 + own.tv_nsec;
    for (int core = 0; core < (int)sysconf(_SC_NPROCESSORS_ONLN); core++)
        m.machine += server_core_busy_ns(core);
    return m;
}

static struct moment since(const struct storm *s, const struct moment *begin)
{
    const struct moment end = now(s);

    return (struct moment){end.wall - begin->wall, end.server - begin->server, end.live - begin->live,
                           end.driver - begin->driver, end.machine - begin->machine};
}

/* One more event: every device is live, and gets it once. */
static bool follows(struct storm *s)
{
    const uint64_t before = s->swarm.events;
    const int64_t until = server_now_ns() + INT64_C(10000000000);

    if (!setup_messages(&s->at, ROOM, 1))
        return false;
    while (s->swarm.events < before + s->devices && server_now_ns() < until && swarm_turn(&s->swarm, 100))
        ;
    for (int i = 0; i < 20 && swarm_turn(&s->swarm, 10); i++)
        ;
    return s->swarm.events == before + s->devices && !s->swarm.broken;
}

static bool measure(struct storm *s, struct storm_result *r)
{
    const struct live_start how = {
        .at = s->at, .users = &s->live_users, .room = LIVE_ROOM, .per_second = s->per_second};
    struct moment begin;
    bool ok;

    if (!live_start(&s->live, &how))
        return false;
    sleep(s->quick ? 1 : 2); /* everything has run once, and the disk is in its stride */
    live_phase(&s->live, LIVE_QUIET);
    begin = now(s);
    sleep(s->quiet_s);
    r->quiet = since(s, &begin);
    live_phase(&s->live, LIVE_STORM);
    begin = now(s);
    ok = swarm_grow(&s->swarm, s->devices);
    r->storm = since(s, &begin);
    live_phase(&s->live, LIVE_REST);
    r->caught_up = s->swarm.events;
    if (!ok)
        told(s);
    ok = ok && s->swarm.head == s->target.since + (int64_t)BEHIND;
    r->also_live = ok && follows(s);
    return live_end(&s->live, &r->live) && ok && r->also_live && s->swarm.missed + s->swarm.repeated == 0 &&
           r->caught_up == (uint64_t)s->devices * BEHIND;
}

/* --- the output --- */

static double ms(int64_t ns)
{
    return (double)ns / 1e6;
}

static void print_cost(const char *name, const struct moment *m)
{
    const double wall = (double)m->wall / 1e9;
    const double others = (double)(m->machine - m->server - m->live - m->driver) / 1e9;

    printf("%-8s %7.2f %9.2f %9.2f %9.2f %9.2f\n", name, wall, (double)m->server / 1e9,
           (double)m->driver / 1e9, (double)m->live / 1e9, others > 0 ? others : 0.0);
}

static void print_live(const char *name, const struct live_figures *f)
{
    printf("%-8s %7llu %11llu %9.2f %9.2f %9.2f\n", name, (unsigned long long)f->events,
           (unsigned long long)f->deliveries, ms(f->p50_ns), ms(f->p99_ns), ms(f->most_ns));
}

/* Was the target met? */
static bool print(const struct storm *s, const struct storm_result *r)
{
    const struct live_figures *quiet = &r->live.phase[LIVE_QUIET], *storm = &r->live.phase[LIVE_STORM];
    const double p50 = quiet->p50_ns != 0 ? (double)storm->p50_ns / (double)quiet->p50_ns : 0;
    const double p99 = quiet->p99_ns != 0 ? (double)storm->p99_ns / (double)quiet->p99_ns : 0;
    const bool met = p99 > 0 && p99 <= TARGET_RATIO;

    printf("\nThe other room: %u subscribers, %u messages a second, from the moment a message was due to "
           "each receipt\n\n"
           "%-8s %7s %11s %9s %9s %9s\n",
           s->subscribers, s->per_second, "", "events", "deliveries", "ms p50", "ms p99", "ms most");
    print_live("quiet", quiet);
    print_live("storm", storm);
    printf("%-8s %7s %11s %9.2f %9.2f", "ratio", "", "", p50, p99);
    printf(s->quick ? "\n" : "   p99 <= %.1f: %s\n", TARGET_RATIO, met ? "met" : "MISSED");
    printf("\nCaught up: %u devices, %llu events of %llu, all within %.2f s.\n", s->swarm.live,
           (unsigned long long)r->caught_up, (unsigned long long)s->devices * BEHIND,
           (double)r->storm.wall / 1e9);
    printf("Lost %llu, repeated or out of order %llu (the devices); %llu and %llu (the other room). One more "
           "event reached %s.\n",
           (unsigned long long)s->swarm.missed, (unsigned long long)s->swarm.repeated,
           (unsigned long long)r->live.missed, (unsigned long long)r->live.repeated,
           r->also_live ? "every device once" : "NOT every device");
    printf("\nSeconds  %7s %9s %9s %9s %9s\n", "wall", "recalld", "devices", "room", "rest");
    print_cost("quiet", &r->quiet);
    print_cost("storm", &r->storm);
    printf("The server shares its cores with the process of the devices and that of the other room (which "
           "%s).\n",
           r->live.preferred ? "goes before others, nice -10" : "could not be preferred");
    return met || s->quick;
}

static bool parse(struct storm *s, int argc, char **argv)
{
    static const struct option options[] = {{"recalld", required_argument, NULL, 'r'},
                                            {"work", required_argument, NULL, 'w'},
                                            {"devices", required_argument, NULL, 'd'},
                                            {"quick", no_argument, NULL, 'q'},
                                            {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        s->recalld = c == 'r' ? optarg : s->recalld;
        s->work = c == 'w' ? optarg : s->work;
        s->devices = c == 'd' ? (uint32_t)strtoul(optarg, NULL, 10) : s->devices;
        s->quick = s->quick || c == 'q';
        if (c == '?')
            return false;
    }
    if (s->quick) {
        s->devices = 100;
        s->subscribers = 20;
        s->quiet_s = 1;
    }
    return s->recalld != NULL && s->work != NULL && s->devices > 0 && s->devices <= 15000;
}

int main(int argc, char **argv)
{
    struct storm s = {.devices = 5000,
                      .subscribers = 200,
                      .per_second = 100,
                      .quiet_s = 10,
                      .server = {.pid = -1, .out = -1},
                      .live = {.pid = -1}};
    struct storm_result r = {0};
    bool ok, met = false;

    if (!parse(&s, argc, argv)) {
        fputs("usage: storm --recalld FILE --work DIR [--devices N] [--quick]\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGALRM, too_long);
    alarm(LONGEST_S);
    ok = prepare(&s);
    if (ok) {
        ok = measure(&s, &r);
        met = print(&s, &r);
    }
    live_stop(&s.live);
    swarm_close(&s.swarm);
    ok = (s.server.pid <= 0 || server_stop(&s.server, true)) && ok;
    setup_users_free(&s.users);
    if (!ok)
        return 1;
    printf("Nothing lost, repeated or out of order. %s\n", s.quick ? "A quick run: its figures say nothing."
                                                             : met ? "The target was met."
                                                                   : "The target was MISSED.");
    return met ? 0 : 3;
}
