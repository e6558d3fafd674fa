/*
 * The sessions of one edge thread: by user for what concerns users, and the thread's share of the bus.
 */
#include "api/events_stream.h"
#include "api/progress.h"
#include "api/session_private.h"

#include "base/clock.h"

#include <stdlib.h>

#define SEEN_EACH_SECOND 100U /* devices noted as seen, so that many of one age do not fill the writer's queue */

/* --- by user --- */

void session_table_add(struct session *s, int64_t app_id, struct str user)
{
    struct session_user *u = session_table_join(s->thread, app_id, user);

    s->user = u;
    s->user_next = u->sessions;
    u->sessions = s;
    atomic_fetch_add(&s->thread->gateway->connections, 1);
    (void)gateway_app_sessions(s->thread->gateway, app_id, 1);
    metrics_add(s->thread->gateway->metrics.connections, 1);
}

void session_table_remove(struct session *s)
{
    struct session_user *u = s->user;
    struct session **at = &u->sessions;

    while (*at != s) /* a user has few */
        at = &(*at)->user_next;
    *at = s->user_next;
    (void)gateway_app_sessions(s->thread->gateway, u->app_id, -1);
    session_table_leave(s->thread, u);
    s->user = NULL;
    atomic_fetch_sub(&s->thread->gateway->connections, 1);
    metrics_add(s->thread->gateway->metrics.connections, -1);
}

void session_table_replace(struct api_thread *t, int64_t app_id, struct str user, struct str device, uint32_t serial)
{
    struct session_user *u = session_table_user(t, app_id, user);

    for (struct session *s = u != NULL ? u->sessions : NULL; s != NULL; s = s->user_next)
        if ((int32_t)(s->serial - serial) < 0 && str_eq(str_c(s->device), device))
            session_stop(s, CLOSE_REPLACED, "the same device connected elsewhere");
}

bool session_table_connected(struct api_thread *t, int64_t app_id, struct str user, struct str device)
{
    const struct session_user *u = session_table_user(t, app_id, user);

    for (const struct session *s = u != NULL ? u->sessions : NULL; s != NULL; s = s->user_next)
        if (s->state == SESSION_READY && str_eq(str_c(s->device), device))
            return true;
    return false;
}

/* --- the bus --- */

static void on_event(struct api_thread *t, struct frame *frame)
{
    t->sessions->heard++;
    /* Who joined must follow before the event is published, who left only until it was. */
    for (size_t i = 0; i < frame->member_count; i++) {
        struct session_user *u = session_table_user(t, frame->app, frame->members[i].user);

        for (struct session *s = u != NULL && frame->members[i].joined ? u->sessions : NULL; s != NULL; s = s->user_next)
            session_follow_member(s, frame, true);
    }
    hub_publish(t->hub, frame);
    for (size_t i = 0; i < frame->member_count; i++) {
        struct session_user *u = session_table_user(t, frame->app, frame->members[i].user);

        for (struct session *s = u != NULL && !frame->members[i].joined ? u->sessions : NULL; s != NULL; s = s->user_next)
            session_follow_member(s, frame, false);
        if (u != NULL && !frame->members[i].joined)
            events_stream_left(u->streams, frame);
    }
}

/* A signal: it is left out for a connection that does not drain. */
static void on_progress(struct api_thread *t, const struct notice *n)
{
    const char *end = n->user.p + n->user.n;

    for (const char *line = n->user.p; line < end;) {
        const char *cut = memchr(line, '\n', (size_t)(end - line));
        struct session_user *u = session_table_user(t, n->app, str_n(line, (size_t)(cut - line)));

        for (struct session *s = u != NULL ? u->sessions : NULL; s != NULL; s = s->user_next)
            if (s->state == SESSION_READY && !s->hub.blocked && hub_find(t->hub, &s->hub, n->app, n->room) != NULL)
                (void)session_transport(s)->text(s->connection, n->wire.p, n->wire.n);
        line = cut + 1;
    }
}

/* Closing a session does not remove it from the lists: the edge calls session_close later. */
static void on_notice(struct bus_notice *bus_notice, void *ctx)
{
    const struct notice *n = (const struct notice *)bus_notice;
    struct api_thread *t = ctx;
    struct session_user *u;

    switch (n->kind) {
    case NOTICE_EVENT:
        on_event(t, n->frame);
        break;
    case NOTICE_SIGNAL:
        hub_signal(t->hub, n->app, n->room, n->wire);
        break;
    case NOTICE_TOKENS:
        t->sessions->token_notices++;
        u = session_table_user(t, n->app, n->user);
        for (struct session *s = u != NULL ? u->sessions : NULL; s != NULL; s = s->user_next)
            session_auth_notice(s, n);
        if (u != NULL)
            events_stream_notice(u->streams, n);
        break;
    case NOTICE_DEVICE:
        session_table_replace(t, n->app, n->user, n->room, n->serial);
        break;
    case NOTICE_VISIT:
        n->visit(n->arg, t);
        break;
    case NOTICE_PROGRESS:
        on_progress(t, n);
        break;
    }
}

bus_handler *session_bus_handler(void)
{
    return on_notice;
}

/* --- the thread --- */

struct api_thread *session_thread_create(struct gateway *g, int index, struct mailbox *mailbox, struct mailbox *later, void (*wake)(void *arg),
                                         void *arg)
{
    struct api_thread *t = calloc(1, sizeof(*t));

    if (t == NULL)
        return NULL;
    t->gateway = g;
    t->index = index;
    t->mailbox = mailbox;
    t->later = later;
    t->now_ms = clock_wall_ms;
    t->sessions = calloc(1, sizeof(*t->sessions));
    t->hub = hub_create(&session_follow_ops, t);
    if (t->sessions == NULL || t->hub == NULL)
        goto fail;
    t->sessions->reads_end = &t->sessions->reads;
    t->sessions->wake = wake;
    t->sessions->arg = arg;
    if (!bus_attach(g->bus, mailbox))
        goto fail;
    return t;
fail:
    hub_destroy(t->hub);
    free(t->sessions);
    free(t);
    return NULL;
}

void session_thread_destroy(struct api_thread *t)
{
    if (t == NULL)
        return;
    bus_detach(t->gateway->bus, t->mailbox);
    t->sessions->ending = true;
    session_job_end(t->sessions);
    session_ack_end(t->sessions);
    hub_destroy(t->hub);
    config_unref(t->sessions->config);
    session_table_free(t->sessions);
    free(t->sessions);
    free(t);
}

/* Slices of one turn: enough to keep a core busy, few enough that sockets are polled every millisecond or so. */
#define TURN_SLICES 2U

static void tell_delivered(struct api_thread *t)
{
    if (t->sessions->delivered == 0)
        return;
    metrics_add(t->gateway->metrics.deliveries, t->sessions->delivered);
    t->sessions->delivered = 0;
}

enum hub_left session_turn(struct api_thread *t)
{
    const enum hub_left left = hub_turn(t->hub, TURN_SLICES);

    tell_delivered(t);
    return left;
}

size_t session_mail(struct api_thread *t, size_t max)
{
    return mailbox_drain(t->mailbox, t, max);
}

size_t session_mail_later(struct api_thread *t, size_t max)
{
    return mailbox_drain(t->later, t, max);
}

uint64_t session_heard(const struct api_thread *t)
{
    return t->sessions->heard;
}

void session_beat(struct api_thread *t, int64_t now_ms)
{
    session_job_beat(t);
    session_ack_beat(t, now_ms);
    progress_beat(t, now_ms);
}

/* After a reload: who belongs to an app that is gone has to go. */
static void check_apps(struct api_thread *t)
{
    const struct config *config = config_holder_get(t->gateway->config);

    for (size_t i = 0; config != t->sessions->config && i < t->sessions->user_chains; i++) {
        for (struct session_user *u = t->sessions->users[i]; u != NULL; u = u->next) {
            if (config_find_app_by_name(config, session_user_app(t, u), strlen(session_user_app(t, u))) != NULL)
                continue;
            for (struct session *s = u->sessions; s != NULL; s = s->user_next)
                session_stop(s, CLOSE_TOKEN, "the app is not served any more");
        }
    }
    if (config != t->sessions->config) {
        config_unref(t->sessions->config);
        t->sessions->config = config_ref(config);
    }
    config_unref(config);
}

/* A connection that has not taken its events for long is closed: its client comes back and goes on from its cursor. Looked at
 * STALL_LOOKS times within stall_timeout. */
#define STALL_LOOKS 2U

static void look_at(struct session *s, int64_t now_ms, unsigned *due)
{
    if (s->hub.blocked && s->hub.stalled >= STALL_LOOKS)
        session_stop(s, CLOSE_LATER, "the connection does not take its events");
    else if (s->hub.blocked)
        s->hub.stalled++;
    if (s->state == SESSION_READY && *due > 0 && now_ms / 1000 - s->seen_s >= SESSION_SEEN_S) {
        session_auth_seen(s, "");
        (*due)--;
    }
}

/* Every session once in stall_timeout / STALL_LOOKS, a part of them each second: a walk over all at once would keep what is live waiting. */
static void walk(struct api_thread *t, int64_t now_ms)
{
    struct session_table *table = t->sessions;
    const size_t laps_s = (size_t)table->config->server.stall_timeout / STALL_LOOKS;
    size_t n = table->user_chains / (laps_s > 0 ? laps_s : 1) + 1;
    unsigned due = atomic_load(&t->gateway->draining) ? 0 : SEEN_EACH_SECOND;

    if (n > table->user_chains)
        n = table->user_chains;
    while (n-- > 0) {
        if (table->walk >= table->user_chains)
            table->walk = 0;
        for (struct session_user *u = table->users[table->walk]; u != NULL; u = u->next)
            for (struct session *s = u->sessions; s != NULL; s = s->user_next)
                look_at(s, now_ms, &due);
        table->walk++;
    }
}

void session_second(struct api_thread *t, int64_t now_ms)
{
    check_apps(t);
    walk(t, now_ms);
    hub_second(t->hub);
    tell_delivered(t);
    session_beat(t, now_ms);
}

void session_flush(struct api_thread *t)
{
    session_ack_flush(t);
}

bool session_origin_allowed(struct gateway *g, struct str origin, struct str host)
{
    const struct config *config = config_holder_get(g->config);
    const bool allowed = origin.p == NULL || config_origin_allowed(config, origin.p, origin.n, host.p != NULL ? host.p : "", host.n);

    config_unref(config);
    return allowed;
}
