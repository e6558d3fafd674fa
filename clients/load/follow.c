#include "clients/load/follow.h"

#include "clients/load/event.h"

#include <jansson.h>
#include <string.h>

#define SUBSCRIBE_ID 2
#define ACK_NS       INT64_C(1000000000)

static bool begins(const char *p, size_t n, const char *with)
{
    const size_t len = strlen(with);

    return n >= len && memcmp(p, with, len) == 0;
}

static struct book_room *room_of(const struct device *d)
{
    return &d->crowd->book->rooms[crowd_room(d->crowd, d->index)];
}

/* --- subscribing --- */

static void end(struct device *d, int status, const char *text)
{
    struct crowd *c = d->crowd;

    device_close(d, false);
    c->events->failed(d, 0, status, text);
}

static void subscribe(struct device *d)
{
    const struct book_room *r = room_of(d);
    char room[NAMES_MOST], text[512];
    int n;

    names_room(d->crowd->names, crowd_room(d->crowd, d->index), room);
    d->resuming = d->track.next != 0 && r->epoch[0] != '\0';
    if (d->resuming) {
        d->track.beyond = 0; /* what came ahead of a gap comes again */
        n = snprintf(
            text, sizeof(text),
            "{\"op\":\"subscribe\",\"id\":%d,\"rooms\":[{\"room\":\"%s\",\"epoch\":\"%s\",\"since\":%lld}]}",
            SUBSCRIBE_ID, room, r->epoch, (long long)d->track.next - 1);
    } else {
        d->track = (struct track){.next = 0};
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":%d,\"rooms\":[{\"room\":\"%s\"}]}",
                     SUBSCRIBE_ID, room);
    }
    d->state = DEVICE_SUBSCRIBING;
    if (!device_send(d, text, (size_t)n))
        end(d, 0, "the subscription could not be sent");
}

static void became_live(struct device *d, int64_t seq, const char *epoch)
{
    const int64_t now = (int64_t)uv_hrtime();
    struct crowd *c = d->crowd;
    struct book_room *r = room_of(d);

    if (d->track.next == 0)
        track_start(&d->track, seq);
    if (seq > r->head)
        r->head = seq;
    if (r->epoch[0] == '\0')
        snprintf(r->epoch, sizeof(r->epoch), "%s", epoch);
    if (!d->resuming && d->steady) {
        r->steady++;
        r->prompt += !d->slow;
    }
    histogram_record(d->resuming ? &c->figures->resume : &c->figures->connect,
                     now - (d->wanted_ns != 0 ? d->wanted_ns : d->opened_ns));
    d->wanted_ns = 0;
    d->state = DEVICE_LIVE;
    d->tries = 0;
    d->acked_ns =
        now + (int64_t)(crowd_random(c) % (uint32_t)(ACK_NS / 2)); /* acks are spread over the devices */
    c->opening--;
    c->live++;
    c->progress_ns = now;
}

/* The answer to `subscribe`, the only one that a device asks for. */
static void on_reply(struct device *d, const char *text, size_t n)
{
    json_t *root = json_loadb(text, n, 0, NULL);
    const json_t *room = json_array_get(json_object_get(json_object_get(root, "result"), "rooms"), 0);
    const json_int_t rc = json_integer_value(json_object_get(root, "RC"));
    const char *why = json_string_value(json_object_get(root, "RM"));
    const char *epoch = json_string_value(json_object_get(room, "epoch"));
    const json_t *seq = json_object_get(room, "seq"), *refused = json_object_get(room, "error");
    char said[160];

    if (refused != NULL)
        why = json_string_value(json_object_get(refused, "message"));
    snprintf(said, sizeof(said), "%s", why != NULL ? why : "the answer to subscribe cannot be understood");
    if (rc != 0) /* of a token that is refused nothing else is told */
        end(d, (int)rc, said);
    else if (d->state == DEVICE_SUBSCRIBING && json_is_integer(seq) && epoch != NULL)
        became_live(d, json_integer_value(seq), epoch);
    else if (d->state == DEVICE_SUBSCRIBING)
        end(d, refused != NULL ? 403 : 0, said);
    json_decref(root);
}

/* --- events --- */

/* Where the server's log no longer reaches back, it says so: what is left out then is not lost in silence. */
static void on_reset(struct device *d, const char *text, size_t n)
{
    json_t *root = json_loadb(text, n, 0, NULL);
    const json_t *seq = json_object_get(root, "seq");
    const char *epoch = json_string_value(json_object_get(root, "epoch"));
    struct book_room *r = room_of(d);

    d->crowd->figures->resets++;
    if (json_is_integer(seq)) {
        track_start(&d->track, json_integer_value(seq));
        r->reset = true;
        if (epoch != NULL)
            snprintf(r->epoch, sizeof(r->epoch), "%s", epoch);
    }
    json_decref(root);
}

static void on_broken_order(struct device *d, const struct event *e, enum track_got got)
{
    struct figures *f = d->crowd->figures;

    if (got == TRACK_REPEATED) {
        f->duplicated++;
        figures_broken(f, "event %lld of room %llu came to connection %u again", (long long)e->seq,
                       (unsigned long long)e->room, d->index);
    } else if (got == TRACK_LATE) {
        f->out_of_order++;
        figures_broken(f, "event %lld of room %llu came to connection %u behind a later one",
                       (long long)e->seq, (unsigned long long)e->room, d->index);
    }
}

static void on_event(struct device *d, const char *text, size_t n)
{
    struct crowd *c = d->crowd;
    const uint32_t room = crowd_room(c, d->index);
    struct book_room *r = &c->book->rooms[room];
    const int64_t now = (int64_t)uv_hrtime();
    enum track_got got;
    uint64_t given_up, content;
    struct event e;
    size_t at = 0;

    if (!event_read(&e, c->names, text, n) || !e.own_room || e.room != room) {
        c->figures->foreign++;
        figures_broken(c->figures, "connection %u, which follows room %u alone, got: %.*s", d->index, room,
                       (int)(n < 90 ? n : 90), text);
        return;
    }
    got = track_note(&d->track, e.seq, &given_up);
    r->missing += given_up;
    if (e.seq > r->head)
        r->head = e.seq;
    on_broken_order(d, &e, got);
    if (got != TRACK_REPEATED && e.message != 0)
        book_delivered(c->book, e.message, e.type == EVENT_RECALL ? FIGURES_RECALL : FIGURES_MESSAGE, room,
                       e.seq,
                       d->state == DEVICE_SUBSCRIBING || d->slow ? BOOK_REPLAY
                       : d->steady                               ? BOOK_LIVE
                                                                 : BOOK_PASSING,
                       now);
    while ((content = event_content(c->names, text, n, &at)) != 0)
        book_content(c->book, content, room, &d->track, d->opened_ns);
    d->recalled = d->recalled || e.type == EVENT_RECALL;
}

static void on_bye(struct device *d, const char *text, size_t n)
{
    json_t *root = json_loadb(text, n, 0, NULL);
    const json_int_t ms = json_integer_value(json_object_get(root, "reconnectMS"));

    d->back_ms = (uint16_t)(ms > 0 && ms < 60000 ? ms : 0);
    json_decref(root);
}

void follow_text(struct device *d, const char *text, size_t n)
{
    if (begins(text, n, "{\"op\":\"event\"")) {
        on_event(d, text, n);
    } else if (begins(text, n, "{\"op\":\"signal\"")) {
        d->crowd->figures->signals++;
    } else if (begins(text, n, "{\"op\":\"reply\"")) {
        on_reply(d, text, n);
    } else if (begins(text, n, "{\"op\":\"ready\"")) {
        if (d->state == DEVICE_READYING)
            subscribe(d);
    } else if (begins(text, n, "{\"op\":\"reset\"")) {
        on_reset(d, text, n);
    } else if (begins(text, n, "{\"op\":\"bye\"")) {
        on_bye(d, text, n);
    } else if (!begins(text, n, "{\"op\":\"expiring\"") && !begins(text, n, "{\"op\":\"pong\"")) {
        d->crowd->figures->foreign++;
        figures_broken(d->crowd->figures, "connection %u got a frame that is none of recall.v1's: %.*s",
                       d->index, (int)(n < 90 ? n : 90), text);
    }
}

void follow_ack(struct device *d, int64_t now_ns)
{
    const int64_t place = d->track.next - 1;
    char room[NAMES_MOST], text[192];
    int n;

    if (d->state != DEVICE_LIVE || d->paused || place <= d->acked ||
        (!d->recalled && now_ns - d->acked_ns < ACK_NS))
        return;
    names_room(d->crowd->names, crowd_room(d->crowd, d->index), room);
    n = snprintf(text, sizeof(text), "{\"op\":\"ack\",\"room\":\"%s\",\"seq\":%lld}", room, (long long)place);
    if (!device_send(d, text, (size_t)n))
        return;
    d->acked = place;
    d->acked_ns = now_ns;
    d->recalled = false;
    d->crowd->figures->acks++;
}
