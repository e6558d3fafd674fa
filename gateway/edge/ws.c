#include "edge/ws.h"

#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "edge/accept.h"
#include "edge/turn.h"
#include "edge/ws_out.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* An upgrade on its way through libwebsockets, which is one call of ws_adopt. */
struct ws_opening {
    const struct ws_upgrade *up;
    int fd;
};

_Static_assert(sizeof(struct ws) <= 72, "an idle connection's memory is a promise");

/* --- opening and closing --- */

static int on_established(struct lws *wsi, struct ws *w)
{
    struct edge_thread *t = lws_context_user(lws_get_context(wsi));
    const struct ws_opening *o = t->opening;
    const struct http_head *h;
    struct session_open facts;

    if (o == NULL)
        return -1;
    h = o->up->head;
    w->wsi = wsi;
    w->thread = t;
    w->fd = o->fd;
    w->pinged_ms = (uint32_t)t->now_ms;
    t->ws_count++;
    facts = (struct session_open){
        .im_client_key = h->api.im_client_key,
        .im_authorization = h->api.im_authorization,
        .device = h->device,
        .caps = h->caps,
        .package = h->package,
        .origin = h->api.origin,
        .host = h->api.host,
        .peer = str_c(o->up->peer),
    };
    if (facts.im_authorization.p == NULL)
        facts.im_authorization = h->api.authorization;
    w->session = session_open(t->api, ws_out_transport(), w, &facts, clock_wall_ms());
    if (w->session == NULL) {
        ws_out_close(w, 1013, "out of memory");
        return 0;
    }
    ws_rearm(w);
    return 0;
}

/* The connection is gone, or libwebsockets is about to forget it. */
static void on_gone(struct ws *w)
{
    if (w->thread == NULL)
        return;
    w->closing = true;
    wheel_clear(&w->timer);
    free(w->in);
    w->in = NULL;
    if (w->session != NULL) {
        struct session *s = w->session;

        w->session = NULL;
        session_close(s);
    }
    w->thread->ws_count--;
    w->thread = NULL;
}

/* --- receiving --- */

static void deliver(struct ws *w, const char *payload, size_t n)
{
    if (w->session == NULL)
        return;
    session_frame(w->session, n > 0 ? payload : "", n, clock_wall_ms());
    ws_rearm(w);
}

/* Makes room for more of a frame. It grows with what has arrived, not with what was announced. */
static bool grow(struct ws *w, uint32_t need, uint32_t whole)
{
    const uint32_t has = w->in != NULL ? w->in->cap : 0;
    uint32_t cap = has < 256 ? 256 : has;
    struct ws_in *p;

    if (need <= has)
        return true;
    while (cap < need)
        cap *= 2;
    if (whole >= need && cap > whole)
        cap = whole;
    p = realloc(w->in, sizeof(*p) + cap);
    if (p == NULL)
        return false;
    p->len = w->in != NULL ? p->len : 0;
    p->cap = cap;
    w->in = p;
    return true;
}

static int on_receive(struct lws *wsi, struct ws *w, const char *p, size_t n)
{
    size_t rest = lws_remaining_packet_payload(wsi);
    uint32_t max = w->thread->settings.frame_max;
    bool last = lws_is_final_fragment(wsi) != 0;
    uint32_t held = w->in != NULL ? w->in->len : 0;

    thread_now(w->thread);
    w->heard = true;
    if (w->closing)
        return 0; /* we said goodbye already */
    if (lws_frame_is_binary(wsi)) {
        ws_out_close(w, 1003, "text frames only");
        return 0;
    }
    if (rest > max || held + n + rest > max) {
        ws_out_close(w, 4413, "frame too large");
        return 0;
    }
    if (last && held == 0) {
        deliver(w, p, n);
        return 0;
    }
    if (n == 0 && !last)
        return 0;
    if (!grow(w, held + (uint32_t)n, held + (uint32_t)(n + rest))) {
        ws_out_close(w, 1013, "out of memory");
        return 0;
    }
    if (n > 0)
        memcpy(w->in->text + held, p, n);
    w->in->len = held + (uint32_t)n;
    if (last) {
        struct ws_in *frame = w->in;

        w->in = NULL;
        deliver(w, frame->text, frame->len);
        free(frame);
    }
    return 0;
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct ws *w = user;

    switch (reason) {
    case LWS_CALLBACK_WSI_CREATE:
        atomic_fetch_add_explicit(
            &((struct edge_thread *)lws_context_user(lws_get_context(wsi)))->shared->sockets, 1,
            memory_order_relaxed);
        return 0;
    case LWS_CALLBACK_WSI_DESTROY: {
        struct edge_thread *t = lws_context_user(lws_get_context(wsi));

        if (w != NULL)
            on_gone(w);
        atomic_fetch_sub_explicit(&t->shared->sockets, 1, memory_order_relaxed);
        if (!t->stopping)
            thread_connection_gone(t);
        return 0;
    }
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(wsi, w);
    case LWS_CALLBACK_RECEIVE:
        turn_breathe(w->thread);
        return on_receive(wsi, w, in, len);
    case LWS_CALLBACK_RECEIVE_PONG:
        w->heard = true;
        return 0;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        turn_breathe(w->thread);
        thread_now(w->thread);
        ws_out_writeable(w);
        return 0;
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
        /* Its answer to our close ends the connection; libwebsockets answers one that the peer began. */
        if (w->closing)
            return -1;
        ws_out_end(w);
        return 0;
    case LWS_CALLBACK_WS_SERVER_DROP_PROTOCOL:
        /* libwebsockets closes, perhaps with a close frame of its own: nothing may follow that. */
        if (w != NULL)
            ws_out_end(w);
        return 0;
    case LWS_CALLBACK_CLOSED:
        on_gone(w);
        turn_breathe(lws_context_user(lws_get_context(wsi)));
        return 0;
    default:
        return 0;
    }
}

const struct lws_protocols *ws_protocols(void)
{
    /* rx_buffer_size is allocated for every connection; 125 bytes are the longest ping, which must come back
     * whole in the pong. */
    static const struct lws_protocols protocols[] = {
        {.name = "recall.v1",
         .callback = callback,
         .per_session_data_size = sizeof(struct ws),
         .rx_buffer_size = 125,
         .tx_packet_size = 65536},
        {.name = NULL},
    };

    return protocols;
}

/* The request that libwebsockets gets: what it needs for its answer and no more, because its parser takes some 150 instructions for each
 * byte. The key goes between the two. */
static const char before_key[] = "GET / HTTP/1.1\r\nHost:r\r\nUpgrade:websocket\r\nConnection:Upgrade\r\n"
                                 "Sec-WebSocket-Protocol:recall.v1\r\nSec-WebSocket-Key:";
static const char after_key[] = "\r\n\r\n";
#define REQUEST_SIZE (sizeof(before_key) - 1 + WS_KEY_SIZE + sizeof(after_key) - 1)

/* `to` holds REQUEST_SIZE bytes and what came behind the client's own request. */
static void write_request(char *to, const struct ws_upgrade *up)
{
    memcpy(to, before_key, sizeof(before_key) - 1);
    to += sizeof(before_key) - 1;
    memcpy(to, up->head->ws_key.p, WS_KEY_SIZE); /* http_guard.c looked at it */
    to += WS_KEY_SIZE;
    memcpy(to, after_key, sizeof(after_key) - 1);
    if (up->surplus_len > 0)
        memcpy(to + sizeof(after_key) - 1, up->surplus, up->surplus_len);
}

void ws_adopt(struct edge_thread *t, int fd, const struct ws_upgrade *up)
{
    struct ws_opening opening = {.up = up, .fd = fd};
    char on_stack[512];
    char *request = on_stack;
    const size_t n = REQUEST_SIZE + up->surplus_len;

    if (n > sizeof(on_stack)) {
        request = malloc(n);
        if (request == NULL) {
            close(fd);
            return;
        }
    }
    write_request(request, up);
    t->opening =
        &opening; /* libwebsockets reads the request and calls back with ESTABLISHED within this call */
    lws_adopt_socket_vhost_readbuf(t->vhost, fd, request, n);
    t->opening = NULL;
    if (request != on_stack)
        free(request);
}

/* --- deadlines --- */

/* The session tells wall-clock time, the wheel takes monotonic: a clock that was set is noticed when the node
 * fires. */
static int64_t session_due(const struct ws *w, int64_t now_ms)
{
    int64_t wall = w->session != NULL ? session_deadline(w->session) : INT64_MAX, left;

    if (wall == INT64_MAX)
        return INT64_MAX;
    left = wall - clock_wall_ms();
    return now_ms + (left > 0 ? left : 0);
}

static int64_t ping_due(const struct ws *w)
{
    const struct settings *s = &w->thread->settings;
    const int64_t now = w->thread->now_ms;
    const int64_t pinged = now - (int64_t)((uint32_t)now - w->pinged_ms);

    return pinged + (w->awaiting_pong ? s->ping_timeout_ms : s->ping_interval_ms);
}

void ws_rearm(struct ws *w)
{
    int64_t session, ping;

    if (w->closing || w->thread == NULL)
        return;
    session = session_due(w, w->thread->now_ms);
    ping = ping_due(w);
    wheel_set_earlier(&w->thread->ws_wheel, &w->timer, session < ping ? session : ping);
}

static void keep_alive(struct ws *w, int64_t now_ms)
{
    if (now_ms < ping_due(w))
        return;
    if (w->awaiting_pong && !w->heard) {
        log_debug("ws.silent", LOG_INT("fd", w->fd), LOG_END);
        ws_out_close(w, 0, NULL);
        return;
    }
    if (w->awaiting_pong) { /* alive: the next ping one interval after the last */
        w->awaiting_pong = false;
        return;
    }
    w->pinged_ms = (uint32_t)now_ms;
    w->awaiting_pong = true;
    w->heard = false;
    ws_out_ping(w);
}

static struct ws *ws_of(struct wheel_node *node)
{
    return (struct ws *)(void *)((char *)node - offsetof(struct ws, timer));
}

void ws_fire(struct wheel_node *node, int64_t now_ms)
{
    struct ws *w = ws_of(node);
    int64_t wall;

    if (w->closing) { /* the peer did not answer our close frame */
        ws_out_cut(w);
        return;
    }
    wall = clock_wall_ms();
    if (w->session != NULL && session_deadline(w->session) <= wall)
        session_tick(w->session, wall);
    if (!w->closing)
        keep_alive(w, now_ms);
    ws_rearm(w);
}

static void drain(struct wheel_node *node)
{
    struct ws *w = ws_of(node);

    if (w->session != NULL && !w->closing)
        session_drain(w->session, 500 + (int64_t)(id_random_u64() % 4500));
}

/* Each connection that is not closing waits for something: its next ping if nothing else. */
void ws_drain_all(struct edge_thread *t)
{
    wheel_each(&t->ws_wheel, drain);
}
