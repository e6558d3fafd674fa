#include "slice.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LOST_NS INT64_C(10000000000)
#define TIMES   65536U
#define RING    4096U

/* Where a run of events stands: `asked` of them, of which `done` have arrived everywhere and been answered. */
struct run {
    const struct slice_order *order;
    uint64_t asked, done;
    uint64_t named;            /* ids that were used, warming up included */
    uint64_t answers, arrived; /* when it began */
    int64_t start_ns, until_ns;
    uint32_t most;
    int64_t asked_ns[RING];
    int64_t progress_ns;
    uint32_t *took_us; /* NULL: not kept */
    uint32_t took;
};

void slice_init(struct slice *s, struct swarm *swarm, const struct server *server, int core,
                const struct sockaddr_in *asks)
{
    *s = (struct slice){.swarm = swarm, .server = server, .core = core, .quiet_rooms = 1};
    askers_init(&s->askers, swarm, asks);
}

static void ask(struct slice *s, struct run *r)
{
    const struct slice_order *o = r->order;
    struct ask ask = {.what = o->what, .id = o->first_id + r->named};
    const uint32_t room = o->followed ? s->next_room : (uint32_t)(r->named % s->quiet_rooms);
    char name[80];

    if (!o->followed && s->quiet_rooms > 1) {
        snprintf(name, sizeof(name), "%.60s%04u", s->quiet, room);
    } else if (!o->followed) {
        snprintf(name, sizeof(name), "%.79s", s->quiet);
    } else {
        struct swarm_room *into = &s->swarm->rooms[room];

        swarm_room_name(s->swarm, room, name);
        ask.seq = ++into->head;
        into->got[ask.seq % SWARM_RING] = 0;
        s->next_room = (s->next_room + 1) % s->swarm->room_count;
    }
    r->named++;
    ask.room = name;
    askers_ask(&s->askers, &ask);
}

static void settle(struct slice *s, struct run *r)
{
    const uint64_t answered = s->askers.answers - r->answers;
    const uint64_t arrived = s->swarm->arrived - r->arrived;
    uint64_t done = r->asked;

    if (kind_answers(s->askers.kind) && answered < done)
        done = answered;
    if (r->order->followed && arrived < done)
        done = arrived;
    for (; r->done < done; r->done++) {
        const int64_t now = server_now_ns();

        r->progress_ns = now;
        if (r->took_us != NULL && r->took < TIMES)
            r->took_us[r->took++] = (uint32_t)((now - r->asked_ns[r->done % RING]) / 1000);
    }
    if (r->done < r->asked && server_now_ns() - r->progress_ns > LOST_NS)
        swarm_fail(s->swarm,
                   "within 10 s, of %llu events asked for, %llu were answered and %llu reached everyone",
                   (unsigned long long)r->asked, (unsigned long long)answered, (unsigned long long)arrived);
}

/* No more events are to be asked for. */
static bool enough(const struct run *r)
{
    return (r->most != 0 && r->asked >= r->most) || (r->until_ns != 0 && server_now_ns() >= r->until_ns);
}

static void ask_more(struct slice *s, struct run *r)
{
    while (r->asked - r->done < r->order->window && !s->swarm->broken && !enough(r)) {
        const int64_t now = server_now_ns();
        const uint64_t together = r->asked - r->asked % r->order->window; /* events go by windows */

        if (now < r->start_ns + (int64_t)together * r->order->pace_ns || !askers_free(&s->askers))
            return;
        if (r->asked == r->done)
            r->progress_ns = now;
        r->asked_ns[r->asked % RING] = now;
        ask(s, r);
        r->asked++;
    }
}

/* At most `most` events (0: no limit) for `ms` (0: no limit). */
static void run_events(struct slice *s, struct run *r, uint32_t most, int64_t ms)
{
    r->asked = r->done = 0;
    r->answers = s->askers.answers;
    r->arrived = s->swarm->arrived;
    r->took = 0;
    r->most = most;
    r->start_ns = r->progress_ns = server_now_ns();
    r->until_ns = ms != 0 ? r->start_ns + ms * 1000000 : 0;
    for (;;) {
        ask_more(s, r);
        if (s->swarm->broken || (r->done == r->asked && enough(r)))
            break;
        swarm_turn(s->swarm, r->order->pace_ns != 0 ? 1 : 100);
        settle(s, r);
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static int64_t own_cpu_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* Tells the server how to send, and how long an event's frame is to be. A peer's length is seen from one
 * event. */
static void arrange(struct slice *s, struct run *r)
{
    const struct slice_order *o = r->order;
    const enum kind kind = s->askers.kind;

    if (kind == KIND_FLOOR)
        askers_tell(&s->askers, "coalesce", o->coalesce);
    if (kind == KIND_INSIDE)
        askers_tell_epoch(&s->askers, s->swarm->epoch);
    if (o->frame == 0 || kind == KIND_RECALLD)
        return;
    if (kind_takes_lines(kind)) {
        askers_tell(&s->askers, "frame", o->frame);
    } else {
        run_events(s, r, 1, 0);
        s->askers.payload += o->frame - s->swarm->frame;
    }
}

static void begin(const struct slice *s, struct slice_figures *f)
{
    server_rest();
    f->missed = f->repeated = 0;
    f->deliveries = s->swarm->events;
    f->fsyncs = server_fsyncs(s->server);
    f->other_ns = server_core_busy_ns(s->core);
    f->own_ns = own_cpu_ns();
    f->cpu_ns = server_cpu_ns(s->server);
    f->wall_ns = server_now_ns();
}

static void end(const struct slice *s, struct slice_figures *f)
{
    f->wall_ns = server_now_ns() - f->wall_ns;
    server_rest();
    f->cpu_ns = server_cpu_ns(s->server) - f->cpu_ns;
    f->own_ns = own_cpu_ns() - f->own_ns;
    f->other_ns = server_core_busy_ns(s->core) - f->other_ns - f->cpu_ns;
    f->fsyncs = f->fsyncs < 0 ? -1 : server_fsyncs(s->server) - f->fsyncs;
    f->deliveries = s->swarm->events - f->deliveries;
    f->missed = s->swarm->missed;
    f->repeated = s->swarm->repeated;
    f->frame = s->swarm->frame;
}

bool slice_run(struct slice *s, const struct slice_order *order, struct slice_figures *figures)
{
    struct swarm *swarm = s->swarm;
    struct run *r = calloc(1, sizeof(*r));
    uint32_t *took_us = calloc(TIMES, sizeof(*took_us));
    const uint64_t each = swarm->live / swarm->room_count;

    *figures = (struct slice_figures){0};
    if (r == NULL || took_us == NULL) {
        swarm_fail(swarm, "out of memory");
        goto out;
    }
    r->order = order;
    if (swarm->broken || !askers_open(&s->askers, order->window))
        goto out;
    arrange(s, r);
    if (order->warm != 0)
        run_events(s, r, order->warm, 0);
    swarm->missed = swarm->repeated = 0;
    r->took_us = took_us;
    begin(s, figures);
    run_events(s, r, order->events, order->ms);
    end(s, figures);
    figures->events = r->done;
    qsort(took_us, r->took, sizeof(*took_us), compare);
    figures->p50_ns = r->took != 0 ? (int64_t)took_us[r->took / 2] * 1000 : 0;
    if (figures->missed + figures->repeated != 0 ||
        figures->deliveries != (order->followed ? figures->events * each : 0))
        swarm_fail(swarm, "%llu deliveries of %llu events to %llu devices each: %llu missed, %llu repeated",
                   (unsigned long long)figures->deliveries, (unsigned long long)figures->events,
                   (unsigned long long)each, (unsigned long long)figures->missed,
                   (unsigned long long)figures->repeated);
out:
    free(took_us);
    free(r);
    return !swarm->broken;
}
