#include "clients/load/crowd.h"

#include "clients/load/explain.h"
#include "clients/load/follow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define OPEN_TURN   64U /* sockets opened in one turn of the loop; those that are open are read between */
#define PATIENCE_NS INT64_C(30000000000) /* to be let in */
#define TICKS       10U                  /* in so many ticks each device is looked at */
#define TRIES_MOST  5U                   /* of a connection that is reset while all are being made */
#define BACK_MS     200U

static const char *const state_names[] = {
    "off",       "waiting to come back", "waiting to be opened", "connecting",
    "upgrading", "waiting for `ready`",  "subscribing",          "live"};

uint32_t crowd_random(struct crowd *c)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (uint32_t)(c->random >> 16);
}

uint32_t crowd_room(const struct crowd *c, uint32_t i)
{
    return i % c->book->room_count;
}

static void enqueue(struct crowd *c, struct device *d)
{
    d->state = DEVICE_QUEUED;
    c->queue[(c->queue_first + c->queue_len++) % c->count] = d->index;
}

/* --- what devices tell --- */

static void on_upgraded(struct device *d)
{
    d->crowd->figures->upgrades++;
}

static void give_up(struct device *d, int error, int status, const char *text)
{
    struct crowd *c = d->crowd;

    if (c->error[0] != '\0')
        return;
    if (status != 0)
        explain_upgrade(c->options, status, text, c->error, sizeof(c->error));
    else if (error != 0)
        explain_connect(c->options, error, c->error, sizeof(c->error));
    else if (d->close_code == 4401)
        explain_upgrade(c->options, 401, text, c->error, sizeof(c->error));
    else if (d->close_code != 0)
        snprintf(c->error, sizeof(c->error),
                 "the server closed a connection that was being made, with code %u", d->close_code);
    else
        snprintf(c->error, sizeof(c->error), "a connection could not be made: %s", text);
}

/* A device's connection ended by itself; it is closed already. */
static void on_failed(struct device *d, int error, int status, const char *text)
{
    struct crowd *c = d->crowd;
    uint32_t ms;

    if (d->when_ns != 0) /* it was being made */
        c->opening--;
    else
        c->live--;
    c->figures->dropped += d->when_ns == 0 && !c->strict && !c->leaving;
    if (c->leaving)
        return;
    if (c->strict) {
        const bool again = error == ECONNRESET || (error == 0 && status == 0 && d->close_code == 0);

        if (!again || ++d->tries > TRIES_MOST) {
            give_up(d, error, status, text);
            return;
        }
    } else {
        d->tries = d->tries < TRIES_MOST ? d->tries + 1 : d->tries;
    }
    ms = d->back_ms != 0 ? d->back_ms : BACK_MS + crowd_random(c) % (BACK_MS << d->tries);
    d->state = DEVICE_WAITING;
    d->when_ns = (int64_t)uv_hrtime() + (int64_t)ms * 1000000;
}

static void on_text(struct device *d, const char *text, size_t n)
{
    const bool was_live = d->state == DEVICE_LIVE;

    follow_text(d, text, n);
    if (was_live)
        return;
    if (d->state == DEVICE_LIVE)
        d->when_ns = 0;
    else if (d->state ==
             DEVICE_SUBSCRIBING) /* as long as events come behind its cursor, it is being let in */
        d->when_ns = (int64_t)uv_hrtime() + PATIENCE_NS;
}

/* --- the whole --- */

bool crowd_init(struct crowd *c, uv_loop_t *loop, const struct options *options, const struct names *names,
                struct figures *figures, struct book *book)
{
    static const struct device_events events = {on_upgraded, on_text, on_failed};

    *c = (struct crowd){
        .options = options, .names = names, .figures = figures, .book = book, .events = &events};
    c->count = options->connections;
    c->random = uv_hrtime() | 1;
    c->devices = calloc(c->count, sizeof(*c->devices));
    c->queue = calloc(c->count, sizeof(*c->queue));
    if (c->devices == NULL || c->queue == NULL || !poller_init(&c->poller, loop)) {
        crowd_close(c);
        return false;
    }
    for (uint32_t i = 0; i < c->count; i++) {
        c->devices[i].crowd = c;
        c->devices[i].fd = -1;
        c->devices[i].index = i;
        c->devices[i].steady = true;
    }
    return true;
}

void crowd_close(struct crowd *c)
{
    for (uint32_t i = 0; c->devices != NULL && i < c->count; i++) {
        device_close(&c->devices[i], true);
        free(c->devices[i].token);
    }
    poller_close(&c->poller);
    free(c->devices);
    free(c->queue);
    c->devices = NULL;
    c->queue = NULL;
    c->live = c->opening = c->queue_len = 0;
}

void crowd_token(struct crowd *c, uint32_t i, char *token)
{
    free(c->devices[i].token);
    c->devices[i].token = token;
}

void crowd_open(struct crowd *c, uint32_t from, uint32_t to, uint32_t at_once)
{
    c->opening_most = at_once;
    c->progress_ns = (int64_t)uv_hrtime();
    for (uint32_t i = from; i < to; i++) {
        if (c->devices[i].state != DEVICE_OFF && c->devices[i].state != DEVICE_WAITING)
            continue;
        c->devices[i].wanted_ns = at_once >= c->count ? c->progress_ns : 0;
        enqueue(c, &c->devices[i]);
    }
}

bool crowd_pump(struct crowd *c)
{
    for (uint32_t n = 0; c->queue_len > 0 && c->opening < c->opening_most && c->error[0] == '\0'; n++) {
        struct device *d = &c->devices[c->queue[c->queue_first]];

        if (n == OPEN_TURN)
            return true;
        c->queue_first = (c->queue_first + 1) % c->count;
        c->queue_len--;
        if (d->state != DEVICE_QUEUED)
            continue;
        c->opening++;
        d->when_ns = (int64_t)uv_hrtime() + PATIENCE_NS;
        device_open(d);
    }
    return false;
}

/* Takes devices that are not to be opened any more out of the queue. */
static void forget_queued(struct crowd *c)
{
    const uint32_t had = c->queue_len;

    c->queue_len = 0;
    for (uint32_t k = 0; k < had; k++) {
        const uint32_t i = c->queue[(c->queue_first + k) % c->count];

        if (c->devices[i].state == DEVICE_QUEUED)
            c->queue[(c->queue_first + c->queue_len++) % c->count] = i;
    }
}

void crowd_drop(struct crowd *c, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to; i++) {
        struct device *d = &c->devices[i];

        if (d->state == DEVICE_LIVE)
            c->live--;
        else if (d->state >= DEVICE_CONNECTING)
            c->opening--;
        device_close(d, true);
        if (d->steady)
            continue;
        if (d->track.next != 0)
            c->book->rooms[crowd_room(c, i)].missing += track_missing(&d->track, track_head(&d->track));
        d->track = (struct track){.next = 0};
        d->acked = 0;
    }
    forget_queued(c);
}

static void look(struct crowd *c, struct device *d, int64_t now)
{
    if (d->state == DEVICE_WAITING && now >= d->when_ns) {
        enqueue(c, d);
    } else if (d->state >= DEVICE_CONNECTING && d->state < DEVICE_LIVE && now >= d->when_ns && !d->paused) {
        const char *where = state_names[d->state];
        const int64_t silent_ms = (now - c->progress_ns) / 1000000;

        device_close(d, true);
        if (c->strict && c->error[0] == '\0') {
            c->opening--;
            snprintf(c->error, sizeof(c->error),
                     "%u of %u connections were let in, the next one waited 30 s (%s; the last was let in "
                     "%lld ms ago): the "
                     "server may be at its limit of open files (LimitNOFILE) or max_connections",
                     c->live, c->count, where, (long long)silent_ms);
            return;
        }
        on_failed(d, ETIMEDOUT, 0, "not let in within 30 s");
    } else if (c->options->acks) {
        follow_ack(d, now);
    }
}

void crowd_tick(struct crowd *c)
{
    const int64_t now = (int64_t)uv_hrtime();

    for (uint32_t n = 0; n <= c->count / TICKS && n < c->count; n++) {
        look(c, &c->devices[c->look], now);
        c->look = (c->look + 1) % c->count;
    }
}

void crowd_pause(struct crowd *c, bool pause)
{
    for (uint32_t i = 0; i < c->count; i++) {
        if (c->devices[i].slow)
            device_pause(&c->devices[i], pause);
    }
}

void crowd_type(struct crowd *c)
{
    struct device *d = &c->devices[crowd_random(c) % c->count];
    char room[NAMES_MOST], text[128];
    int n;

    if (d->state != DEVICE_LIVE || d->paused)
        return;
    names_room(c->names, crowd_room(c, d->index), room);
    n = snprintf(text, sizeof(text), "{\"op\":\"typing\",\"room\":\"%s\"}", room);
    if (device_send(d, text, (size_t)n))
        c->figures->typing++;
}

void crowd_missing(const struct crowd *c, uint64_t *missing)
{
    for (uint32_t i = 0; i < c->count; i++) {
        const struct device *d = &c->devices[i];
        const uint32_t room = crowd_room(c, i);

        if (d->track.next != 0)
            missing[room] +=
                track_missing(&d->track, d->steady ? c->book->rooms[room].head : track_head(&d->track));
    }
}
