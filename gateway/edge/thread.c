#include "edge/thread.h"

#include "api/session.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "edge/accept.h"
#include "edge/http.h"
#include "edge/tls.h"
#include "edge/turn.h"
#include "edge/ws.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LAST_MAILS 512 /* at a time */

enum { ORDER_RELOAD = 1, ORDER_DRAIN = 2, ORDER_STOP = 4 };

int64_t thread_now(struct edge_thread *t)
{
    t->now_ms = clock_mono_ms();
    return t->now_ms;
}

/* --- the loop's callbacks --- */

/* Tells edge_drain once nothing is connected any more. */
static void report_drained(struct edge_thread *t)
{
    if (!t->draining || t->drained || t->http_count + t->ws_count + t->tls_count > 0)
        return;
    t->drained = true;
    pthread_mutex_lock(&t->shared->lock);
    t->shared->drained++;
    pthread_cond_broadcast(&t->shared->changed);
    pthread_mutex_unlock(&t->shared->lock);
}

void thread_connection_gone(struct edge_thread *t)
{
    accept_resume(t);
    report_drained(t);
}

static void on_ticks(uv_timer_t *timer)
{
    struct edge_thread *t = timer->loop->data;
    int64_t now = thread_now(t);

    wheel_advance(&t->http_wheel, now, http_fire);
    wheel_advance(&t->tls_wheel, now, tls_fire);
    wheel_advance(&t->ws_wheel, now, ws_fire);
    session_beat(t->api, clock_wall_ms());
    t->live = session_heard(t->api) != t->heard;
    t->heard = session_heard(t->api);
    if (now >= t->second_ms) {
        t->second_ms = now + 1000;
        settings_read(&t->settings, t->gateway->config);
        session_second(t->api, clock_wall_ms());
    }
    accept_resume(t);
}

static void close_handle(void *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

/* The first part of the end, inside the loop: every handle is closed, libwebsockets starts to close its own.
 */
static void stop_in_loop(struct edge_thread *t)
{
    if (t->stopping)
        return;
    t->stopping = true;
    accept_close(t);
    http_close_all(t);
    tls_close_all(t);
    pthread_mutex_lock(&t->shared->lws_lock);
    lws_context_destroy(t->lws);
    pthread_mutex_unlock(&t->shared->lws_lock);
    turn_stop(t);
    close_handle(&t->orders);
    close_handle(&t->ticks);
    close_handle(&t->accept_pause);
}

static void on_orders(uv_async_t *async)
{
    struct edge_thread *t = async->loop->data;
    unsigned ordered = atomic_exchange(&t->ordered, 0);

    thread_now(t);
    if ((ordered & ORDER_RELOAD) != 0)
        settings_read(&t->settings, t->gateway->config);
    if ((ordered & ORDER_DRAIN) != 0 && !t->draining) {
        t->draining = true;
        accept_close(t);
        session_flush(t->api);
        http_drain_all(t);
        tls_drain_all(t);
        ws_drain_all(t);
        report_drained(t);
    }
    if ((ordered & ORDER_STOP) != 0)
        stop_in_loop(t);
}

/* --- the thread's life --- */

static void start_handles(struct edge_thread *t)
{
    wheel_init(&t->http_wheel, t->now_ms);
    wheel_init(&t->tls_wheel, t->now_ms);
    wheel_init(&t->ws_wheel, t->now_ms);
    t->second_ms = t->now_ms + 1000;
    turn_start(t);
    uv_timer_start(&t->ticks, on_ticks, WHEEL_TICK_MS, WHEEL_TICK_MS);
    accept_resume(t);
}

static void tell_started(struct edge_thread *t, bool ok)
{
    pthread_mutex_lock(&t->shared->lock);
    t->ready = ok;
    t->failed = !ok;
    pthread_cond_broadcast(&t->shared->changed);
    pthread_mutex_unlock(&t->shared->lock);
}

/* The second part of the end, after the loop ran dry. Jobs that came home late find their sessions gone and
 * free themselves. */
static void finish(struct edge_thread *t)
{
    pthread_mutex_lock(&t->shared->lws_lock);
    lws_context_destroy(t->lws);
    t->lws = NULL;
    pthread_mutex_unlock(&t->shared->lws_lock);
    if (t->api == NULL)
        return;
    while (session_mail(t->api, LAST_MAILS) + session_mail_later(t->api, LAST_MAILS) > 0)
        ;
    http_bury(t);
    session_thread_destroy(t->api);
    t->api = NULL;
}

/* Each thread its own; the first one tells, and whoever has none and should. */
static void open_ring(struct edge_thread *t)
{
    const struct config *config = config_holder_get(t->gateway->config);
    char why[128] = "server.io_uring is off";
    const bool wanted = config->server.io_uring;

    if (wanted)
        ring_open(&t->ring, why, sizeof(why));
    config_unref(config);
    if (t->index != 0 && wanted == t->ring.open)
        return;
    if (t->ring.open)
        log_info("edge.sends", LOG_TEXT("by", "io_uring"), LOG_END);
    else
        log_info("edge.sends", LOG_TEXT("by", "send"), LOG_TEXT("reason", why), LOG_END);
}

static void *run(void *arg)
{
    struct edge_thread *t = arg;

    log_gather(true); /* a line for each call; turn.c flushes */
    thread_now(t);
    settings_read(&t->settings, t->gateway->config);
    open_ring(t);
    t->api = session_thread_create(t->gateway, t->index, t->mailbox, t->later, turn_wake, t);
    if (t->api != NULL)
        start_handles(t);
    else
        stop_in_loop(t);
    tell_started(t, t->api != NULL);
    uv_run(&t->loop, UV_RUN_DEFAULT);
    turn_end(t);
    finish(t);
    ring_close(&t->ring);
    log_gather(false);
    return NULL;
}

static bool init_lws(struct edge_thread *t)
{
    /* Switches the library's own pings off: their timers, one for each connection, hang in one sorted list.
     */
    static const lws_retry_bo_t no_pings = {.secs_since_valid_ping = 1, .secs_since_valid_hangup = 0};
    struct lws_context_creation_info info = {0};
    void *loops[1] = {&t->loop};

    info.options =
        LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_EXPLICIT_VHOSTS | LWS_SERVER_OPTION_VALIDATE_UTF8;
    info.foreign_loops = loops;
    info.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    info.user = t;
    info.max_http_header_data = 1024; /* it only ever sees upgrade requests that ws.c wrote */
    info.max_http_header_pool = 256;
    info.protocols = ws_protocols();
    info.retry_and_idle_policy = &no_pings;
    info.vhost_name = "edge";
    t->lws = lws_create_context(&info);
    if (t->lws == NULL)
        return false;
    t->vhost = lws_create_vhost(t->lws, &info);
    return t->vhost != NULL;
}

bool thread_init(struct edge_thread *t, struct thread_shared *shared, int index, const int *fds,
                 size_t fd_count, size_t mailbox_limit, char *error, size_t n)
{
    t->shared = shared;
    t->gateway = shared->gateway;
    t->index = index;
    for (size_t i = 0; i < fd_count; i++)
        t->listeners[i].fd = fds[i];
    t->listener_count = fd_count;
    if (uv_loop_init(&t->loop) != 0) {
        snprintf(error, n, "cannot make an event loop: %s", strerror(errno));
        goto err0;
    }
    t->loop.data = t;
    uv_async_init(&t->loop, &t->orders, on_orders);
    uv_timer_init(&t->loop, &t->ticks);
    uv_timer_init(&t->loop, &t->accept_pause);
    for (size_t i = 0; i < fd_count; i++) {
        uv_poll_init(&t->loop, &t->listeners[i].poll, fds[i]);
        t->listeners[i].poll.data = &t->listeners[i];
    }
    if (!turn_init(t, mailbox_limit, error, n))
        return false;
    t->scratch = malloc(THREAD_SCRATCH);
    if (t->scratch == NULL) {
        snprintf(error, n, "out of memory");
        return false;
    }
    if (!init_lws(t)) {
        snprintf(error, n,
                 "libwebsockets cannot start; is its libuv plugin (libwebsockets-evlib-uv) installed?");
        return false;
    }
    return true;

err0:
    for (size_t i = 0; i < fd_count; i++)
        close(fds[i]);
    memset(t, 0, sizeof(*t));
    return false;
}

bool thread_start(struct edge_thread *t, char *error, size_t n)
{
    int rc = pthread_create(&t->id, NULL, run, t);
    bool ok;

    if (rc != 0) {
        snprintf(error, n, "cannot start a thread: %s", strerror(rc));
        return false;
    }
    t->running = true;
    pthread_mutex_lock(&t->shared->lock);
    while (!t->ready && !t->failed)
        pthread_cond_wait(&t->shared->changed, &t->shared->lock);
    ok = t->ready;
    pthread_mutex_unlock(&t->shared->lock);
    if (!ok)
        snprintf(error, n, "out of memory");
    return ok;
}

static void order(struct edge_thread *t, unsigned what)
{
    atomic_fetch_or(&t->ordered, what);
    uv_async_send(&t->orders);
}

void thread_reload(struct edge_thread *t)
{
    if (t->running)
        order(t, ORDER_RELOAD);
}

void thread_drain(struct edge_thread *t)
{
    if (t->running)
        order(t, ORDER_DRAIN);
}

void thread_stop(struct edge_thread *t)
{
    if (!t->running || t->failed) {
        /* Never started, or ended by itself: the loop still has its handles, or has run dry already. */
        if (t->running)
            pthread_join(t->id, NULL);
        t->running = false;
        return;
    }
    order(t, ORDER_STOP);
    pthread_join(t->id, NULL);
    t->running = false;
}

void thread_free(struct edge_thread *t)
{
    if (t->shared == NULL)
        return;
    if (!t->stopping) { /* made, never run */
        stop_in_loop(t);
        uv_run(&t->loop, UV_RUN_DEFAULT);
        turn_end(t);
        finish(t);
    }
    if (uv_loop_close(&t->loop) != 0)
        log_error("edge.loop", LOG_TEXT("error", "handles were left open"), LOG_END);
    turn_free(t);
    free(t->scratch);
    memset(t, 0, sizeof(*t));
}
