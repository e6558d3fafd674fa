#include "slice.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LOST_NS INT64_C(10000000000)
#define TIMES   65536U

/* Where a run of events stands. Those from `done`, not included, to `asked` are in flight. */
struct run {
    int64_t first, asked, done;
    uint64_t answers; /* when it began */
    int64_t asked_ns[SWARM_RING];
    int64_t progress_ns;
    uint32_t *took_us; /* NULL: not kept */
    uint32_t took;
};

void slice_init(struct slice *s, struct swarm *swarm, const struct server *server, int core,
                const struct sockaddr_in *at, const char *quiet)
{
    *s = (struct slice){.swarm = swarm, .server = server, .core = core, .at = *at, .quiet = quiet};
    for (unsigned i = 0; i < SLICE_WINDOW; i++)
        s->askers[i].fd = -1;
}

/* Anew for each slice: recalld ends idle HTTP connections. FLOOR needs one only, recalld one for each event
 * in flight. */
static bool open_askers(struct slice *s, unsigned count)
{
    const int one = 1;

    for (unsigned i = 0; i < SLICE_WINDOW; i++) {
        struct slice_asker *a = &s->askers[i];

        if (a->fd >= 0)
            close(a->fd);
        *a = (struct slice_asker){.fd = -1};
        if (i >= count)
            continue;
        a->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (a->fd < 0 || connect(a->fd, (const struct sockaddr *)&s->at, sizeof(s->at)) != 0 ||
            setsockopt(a->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
            !swarm_watch(s->swarm, a->fd, SWARM_OTHER | i)) {
            swarm_fail(s->swarm, "cannot reach the server: %s", strerror(errno));
            return false;
        }
    }
    return true;
}

/* --- asking for events --- */

static void say(struct slice *s, struct slice_asker *a, const char *text, size_t n)
{
    if (send(a->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        swarm_fail(s->swarm, "cannot ask for an event: %s", strerror(errno));
}

static void tell_floor(struct slice *s, const char *what, uint32_t value)
{
    char line[64];
    const int n = snprintf(line, sizeof(line), "%s %u\n", what, value);

    say(s, &s->askers[0], line, (size_t)n);
}

static struct slice_asker *free_asker(struct slice *s)
{
    if (s->swarm->target->floor)
        return &s->askers[0];
    for (unsigned i = 0; i < SLICE_WINDOW; i++) {
        if (s->askers[i].fd >= 0 && !s->askers[i].busy)
            return &s->askers[i];
    }
    return NULL;
}

static void ask(struct slice *s, struct slice_asker *a, const char *room)
{
    static const char body[] =
        "{\"message\":\"The quick brown fox jumps over the lazy dog\",\"messageType\":\"text\"}";
    char text[512];
    int n;

    if (s->swarm->target->floor) {
        n = snprintf(text, sizeof(text), "send %s\n", room);
    } else {
        n = snprintf(text, sizeof(text),
                     "POST /rooms/%s/message HTTP/1.1\r\nHost: bench\r\nIM-API-KEY: " SETUP_API_KEY
                     "\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
                     room, sizeof(body) - 1, body);
        a->busy = true;
    }
    say(s, a, text, (size_t)n);
}

void slice_answer(struct slice *s, uint64_t asker)
{
    struct slice_asker *a = &s->askers[asker];
    const ssize_t got = recv(a->fd, a->answer + a->len, sizeof(a->answer) - 1 - a->len, MSG_DONTWAIT);
    const char *length, *end;

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (a->busy)
            swarm_fail(s->swarm, "the server ended the connection that asks for events");
        close(a->fd);
        a->fd = -1;
        return;
    }
    a->len += (size_t)got;
    a->answer[a->len] = '\0';
    end = strstr(a->answer, "\r\n\r\n");
    length = strcasestr(a->answer, "\r\nContent-Length:");
    if (end == NULL || length == NULL ||
        a->len < (size_t)(end + 4 - a->answer) + strtoul(length + 17, NULL, 10))
        return;
    if (strncmp(a->answer, "HTTP/1.1 200 ", 13) != 0 || strstr(end, "\"RC\":0") == NULL)
        swarm_fail(s->swarm, "a message was answered: %.120s", end + 4);
    a->len = 0;
    a->busy = false;
    s->answers++;
}

/* --- a run of events --- */

/* Has event `seq` of the run reached everyone, its asker included? */
static bool arrived(const struct slice *s, const struct run *r, const struct slice_order *order, int64_t seq)
{
    if (!s->swarm->target->floor && s->answers - r->answers < (uint64_t)(seq - r->first))
        return false;
    return !order->followed || s->swarm->got[seq % SWARM_RING] == s->swarm->live;
}

static void settle(struct slice *s, struct run *r, const struct slice_order *order)
{
    while (r->done < r->asked && arrived(s, r, order, r->done + 1)) {
        const int64_t now = server_now_ns();

        r->done++;
        r->progress_ns = now;
        if (r->took_us != NULL && r->took < TIMES)
            r->took_us[r->took++] = (uint32_t)((now - r->asked_ns[r->done % SWARM_RING]) / 1000);
    }
    if (r->done < r->asked && server_now_ns() - r->progress_ns > LOST_NS)
        swarm_fail(s->swarm, "event %lld reached %u of %u devices within 10 s", (long long)(r->done + 1),
                   s->swarm->got[(r->done + 1) % SWARM_RING], s->swarm->live);
}

static void ask_more(struct slice *s, struct run *r, const struct slice_order *order, int64_t start,
                     int64_t until, uint32_t most)
{
    const char *room = order->followed ? s->swarm->target->room : s->quiet;

    while (r->asked - r->done < (int64_t)order->window && !s->swarm->broken) {
        struct slice_asker *a = free_asker(s);
        const int64_t now = server_now_ns(), count = r->asked - r->first;

        if (a == NULL || (most != 0 && count >= most) || (until != 0 && now >= until) ||
            now < start + count * order->pace_ns)
            return;
        r->asked++;
        s->swarm->got[r->asked % SWARM_RING] = 0;
        r->asked_ns[r->asked % SWARM_RING] = now;
        if (r->asked - r->done == 1)
            r->progress_ns = now;
        ask(s, a, room);
    }
}

/* At most `most` events (0: no limit) until `until` (0: no limit); returns how many. */
static uint64_t run_events(struct slice *s, struct run *r, const struct slice_order *order, uint32_t most,
                           int64_t until)
{
    const int64_t start = server_now_ns();

    r->first = r->asked = r->done = s->swarm->head;
    r->answers = s->answers;
    r->took = 0;
    r->progress_ns = start;
    for (;;) {
        ask_more(s, r, order, start, until, most);
        if (s->swarm->broken || (r->done == r->asked && ((most != 0 && r->asked - r->first >= most) ||
                                                         (until != 0 && server_now_ns() >= until))))
            break;
        swarm_turn(s->swarm, order->pace_ns != 0 ? 1 : 100);
        settle(s, r, order);
    }
    if (order->followed)
        s->swarm->head = r->done;
    return (uint64_t)(r->done - r->first);
}

static int compare(const void *a, const void *b)
{
    uint32_t x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

bool slice_run(struct slice *s, const struct slice_order *order, struct slice_figures *figures)
{
    struct swarm *swarm = s->swarm;
    struct run *r = calloc(1, sizeof(*r));
    uint32_t *took_us = calloc(TIMES, sizeof(*took_us));
    int64_t busy, cpu, fsyncs, start;
    uint64_t deliveries;

    *figures = (struct slice_figures){0};
    if (r == NULL || took_us == NULL) {
        swarm_fail(swarm, "out of memory");
        goto out;
    }
    if (!open_askers(s, swarm->target->floor ? 1 : order->window))
        goto out;
    if (swarm->target->floor) {
        tell_floor(s, "coalesce", order->coalesce);
        if (order->frame != 0)
            tell_floor(s, "frame", order->frame);
    }
    if (order->warm != 0)
        run_events(s, r, order, order->warm, 0);
    swarm->missed = swarm->repeated = 0;
    deliveries = swarm->events;
    fsyncs = server_fsyncs(s->server);
    busy = server_core_busy_ns(s->core);
    cpu = server_cpu_ns(s->server);
    start = server_now_ns();
    r->took_us = took_us;
    figures->events =
        run_events(s, r, order, order->events, order->ms != 0 ? start + order->ms * 1000000 : 0);
    figures->wall_ns = server_now_ns() - start;
    figures->cpu_ns = server_cpu_ns(s->server) - cpu;
    figures->other_ns = server_core_busy_ns(s->core) - busy - figures->cpu_ns;
    figures->fsyncs = fsyncs < 0 ? -1 : server_fsyncs(s->server) - fsyncs;
    figures->deliveries = swarm->events - deliveries;
    figures->missed = swarm->missed;
    figures->repeated = swarm->repeated;
    figures->frame = swarm->frame;
    qsort(took_us, r->took, sizeof(*took_us), compare);
    figures->p50_ns = r->took != 0 ? (int64_t)took_us[r->took / 2] * 1000 : 0;
    if (figures->missed + figures->repeated != 0 ||
        figures->deliveries != (order->followed ? figures->events * swarm->live : 0))
        swarm_fail(swarm, "%llu deliveries of %llu events to %u devices: %llu missed, %llu repeated",
                   (unsigned long long)figures->deliveries, (unsigned long long)figures->events, swarm->live,
                   (unsigned long long)figures->missed, (unsigned long long)figures->repeated);
out:
    free(took_us);
    free(r);
    return !swarm->broken;
}
