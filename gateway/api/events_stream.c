#include "api/events_stream.h"

#include "api/session_private.h"
#include "api/session_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define RETRY_MS 3000 /* what a reader waits before it comes back, unless told otherwise */
#define HEAD_MAX 160  /* bytes before an event's frame */

enum stream_state { STREAM_MADE, STREAM_OPEN, STREAM_ENDED };

struct events_stream {
    struct hub_conn hub; /* first: the hub's operations find the stream by it */
    struct api_thread *thread;
    const struct events_transport *transport;
    void *connection;
    struct session_user *user; /* NULL: the platform's */
    struct events_stream *user_next, *user_prev;
    struct principal_claim claim;
    char *app; /* the app's name, in `text` */
    int64_t app_id;
    int64_t since; /* HUB_RESET: of another epoch */
    int64_t expires_ms, beat_ms, interval_ms;
    char *rest; /* of one event, and what had to follow it; NULL: nothing */
    size_t rest_len, rest_at;
    enum stream_state state;
    struct str room; /* in `text` */
    char text[];
};

/* --- bytes --- */

static struct iovec bytes(const char *p, size_t n)
{
    struct iovec v = {.iov_len = n};

    memcpy(&v.iov_base, &p, sizeof(p)); /* an iovec lacks the const */
    return v;
}

/* Ends the connection, whatever of it is unsent. */
static void end(struct events_stream *s)
{
    if (s->state != STREAM_OPEN)
        return;
    s->state = STREAM_ENDED;
    hub_conn_gone(&s->hub);
    s->transport->end(s->connection);
}

/* Keeps what the socket did not take of v[0..n) behind what is kept already. */
static void keep(struct events_stream *s, const struct iovec *v, int n, size_t skip)
{
    size_t left = 0;
    char *rest;

    for (int i = 0; i < n; i++)
        left += v[i].iov_len;
    left -= skip;
    rest = realloc(s->rest, s->rest_len + left);
    if (rest == NULL)
        abort(); /* the stream would go on in the middle of an event */
    s->rest = rest;
    for (int i = 0; i < n; i++) {
        const size_t from = skip < v[i].iov_len ? skip : v[i].iov_len;

        memcpy(rest + s->rest_len, (const char *)v[i].iov_base + from, v[i].iov_len - from);
        s->rest_len += v[i].iov_len - from;
        skip -= from;
    }
}

/* Sends a few bytes of the stream's own, behind what waits. */
static void say(struct events_stream *s, const char *text, size_t len)
{
    const struct iovec v = bytes(text, len);
    enum hub_sent sent = HUB_BLOCKED;
    size_t taken = 0;

    if (s->rest == NULL)
        sent = s->transport->write(s->connection, &v, 1, &taken);
    if (sent == HUB_BLOCKED) {
        s->hub.blocked = true;
        keep(s, &v, 1, taken);
    } else if (sent == HUB_GONE) {
        end(s);
    }
}

enum hub_sent events_stream_render(struct hub_conn *conn, const struct frame *frame, bool *cut)
{
    struct events_stream *s = (struct events_stream *)(void *)conn;
    const struct str epoch = store_epoch(s->thread->gateway->store);
    char head[HEAD_MAX];
    /* A frame is one line: json_out writes no line breaks, and escapes those in texts. */
    const int n = snprintf(head, sizeof(head), "id: %.*s:%" PRId64 "\ndata: ", (int)epoch.n, epoch.p, frame->seq);
    const struct iovec v[] = {bytes(head, (size_t)n), bytes(frame->payload.p, frame->payload.n), bytes("\n\n", 2)};
    enum hub_sent sent;
    size_t taken = 0;

    if (s->state != STREAM_OPEN)
        return HUB_GONE;
    sent = s->transport->write(s->connection, v, 3, &taken);
    if (sent == HUB_SENT) {
        metrics_inc(s->thread->gateway->metrics.deliveries);
    } else if (sent == HUB_BLOCKED) {
        metrics_inc(s->thread->gateway->metrics.slow_readers);
        *cut = taken > 0;
        if (*cut)
            keep(s, v, 3, taken);
    } else {
        end(s);
    }
    return sent;
}

void events_stream_drained(struct events_stream *s)
{
    if (s->state != STREAM_OPEN)
        return;
    if (s->rest != NULL) {
        const struct iovec v = bytes(s->rest + s->rest_at, s->rest_len - s->rest_at);
        size_t taken = 0;
        const enum hub_sent sent = s->transport->write(s->connection, &v, 1, &taken);

        if (sent == HUB_GONE) {
            end(s);
            return;
        }
        s->rest_at += taken;
        if (sent == HUB_BLOCKED)
            return;
        free(s->rest);
        s->rest = NULL;
        s->rest_len = s->rest_at = 0;
    }
    hub_drained(s->thread->hub, &s->hub);
}

void events_stream_reset(struct events_stream *s, int64_t head)
{
    const struct str epoch = store_epoch(s->thread->gateway->store);
    char text[2 * HEAD_MAX];
    /* With an id, so that who comes back does not start from before the reset again. */
    const int n = snprintf(text, sizeof(text),
                           "event: reset\nid: %.*s:%" PRId64 "\ndata: {\"epoch\":\"%.*s\",\"seq\":%" PRId64 "}\n\n",
                           (int)epoch.n, epoch.p, head, (int)epoch.n, epoch.p, head);

    if (s->state == STREAM_OPEN)
        say(s, text, (size_t)n);
}

/* --- the hub's other questions --- */

/* Not after a reload without the app. */
static bool is_served(const struct events_stream *s)
{
    const struct config *config = config_holder_get(s->thread->gateway->config);
    const bool served = config_find_app_by_name(config, s->app, strlen(s->app)) != NULL;

    config_unref(config);
    return served;
}

bool events_stream_read(struct events_stream *s, struct str room, int64_t after, uint64_t ticket)
{
    const struct session_read read = {.app = s->app,
                                      .app_id = s->app_id,
                                      .user = events_stream_user(s),
                                      .claim = &s->claim,
                                      .room = room,
                                      .after = after,
                                      .ticket = ticket};

    if (session_read_start(s->thread, &read))
        return true;
    if (!is_served(s))
        end(s); /* it would stand before others in the hub's line again and again */
    return false;
}

struct str events_stream_user(const struct events_stream *s)
{
    return s->user != NULL ? session_user_id(s->user) : STR_NULL;
}

void events_stream_stop(struct events_stream *s)
{
    end(s);
}

void events_stream_left(struct events_stream *first, const struct frame *frame)
{
    for (struct events_stream *s = first; s != NULL; s = s->user_next) {
        struct hub_sub *sub = hub_find(s->thread->hub, &s->hub, frame->app, frame->room);

        /* As with a WebSocket's: one that a page brought beyond the leave already found a member again. */
        if (sub == NULL || s->state != STREAM_OPEN || (hub_sub_was_live(sub) && hub_sub_position(sub) >= frame->seq))
            continue;
        hub_leave(s->thread->hub, sub);
        end(s);
    }
}

void events_stream_notice(struct events_stream *first, const struct notice *notice)
{
    for (struct events_stream *s = first; s != NULL; s = s->user_next)
        if (!session_auth_stands(&s->claim, notice))
            end(s);
}

/* --- life --- */

struct events_stream *events_stream_create(const struct events_start *start)
{
    const size_t name_len = strlen(start->app->name);
    const struct str epoch = store_epoch(start->thread->gateway->store);
    struct events_stream *s = calloc(1, sizeof(*s) + start->room.n + name_len + 1);

    if (s == NULL)
        return NULL;
    hub_conn_init(&s->hub);
    s->hub.rendering = true;
    s->thread = start->thread;
    s->claim = *start->claim;
    s->app_id = start->app_id;
    s->expires_ms = start->expires_ms;
    s->interval_ms = start->config->server.ping_interval * 1000;
    s->since = start->epoch.p != NULL && !str_eq(start->epoch, epoch) ? HUB_RESET : start->since;
    s->room = str_n(s->text, start->room.n);
    memcpy(s->text, start->room.p, start->room.n);
    s->app = s->text + start->room.n;
    memcpy(s->app, start->app->name, name_len);
    if (start->user.p != NULL) {
        s->user = session_table_join(start->thread, s->app_id, start->user);
        s->user_next = s->user->streams;
        if (s->user_next != NULL)
            s->user_next->user_prev = s;
        s->user->streams = s;
    }
    metrics_add(s->thread->gateway->metrics.streams, 1);
    return s;
}

void events_stream_open(struct events_stream *s, const struct events_transport *transport, void *connection, int64_t now_ms)
{
    char text[64];
    const int n = snprintf(text, sizeof(text), "retry: %d\n\n", RETRY_MS);
    bool existing;

    s->transport = transport;
    s->connection = connection;
    s->beat_ms = now_ms + s->interval_ms;
    s->state = STREAM_OPEN;
    say(s, text, (size_t)n);
    if (hub_subscribe(s->thread->hub, &s->hub, s->app_id, s->room, s->since, NULL, &existing) == NULL)
        end(s);
}

void events_stream_close(struct events_stream *s)
{
    if (s == NULL)
        return;
    s->state = STREAM_ENDED;
    hub_conn_gone(&s->hub);
    hub_conn_close(s->thread->hub, &s->hub);
    if (s->user != NULL) {
        if (s->user_prev != NULL)
            s->user_prev->user_next = s->user_next;
        else
            s->user->streams = s->user_next;
        if (s->user_next != NULL)
            s->user_next->user_prev = s->user_prev;
        session_table_leave(s->thread, s->user);
    }
    metrics_add(s->thread->gateway->metrics.streams, -1);
    free(s->rest);
    free(s);
}

/* --- time --- */

int64_t events_stream_deadline(const struct events_stream *s)
{
    if (s->state != STREAM_OPEN)
        return INT64_MAX;
    return s->expires_ms != 0 && s->expires_ms < s->beat_ms ? s->expires_ms : s->beat_ms;
}

void events_stream_tick(struct events_stream *s, int64_t now_ms)
{
    if (s->state != STREAM_OPEN)
        return;
    if (s->expires_ms != 0 && now_ms >= s->expires_ms) {
        end(s);
        return;
    }
    if (now_ms < s->beat_ms)
        return;
    if (!is_served(s)) {
        end(s);
        return;
    }
    s->beat_ms = now_ms + s->interval_ms;
    if (!s->hub.blocked) /* else there is something on its way anyway */
        say(s, ":\n\n", 3);
}

void events_stream_drain(struct events_stream *s, int64_t reconnect_ms)
{
    char text[80];
    const int n = snprintf(text, sizeof(text), ": the server is leaving\nretry: %" PRId64 "\n\n", reconnect_ms);

    if (s->state != STREAM_OPEN)
        return;
    if (!s->hub.blocked)
        say(s, text, (size_t)n);
    end(s);
}
