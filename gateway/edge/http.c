#include "edge/http.h"

#include "api/recalled.h"
#include "edge/accept.h"
#include "edge/http_flow.h"
#include "edge/http_stream.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

/* --- opening and closing --- */

static void link_in(struct http_conn *c)
{
    struct edge_thread *t = c->thread;

    c->next = t->http_list;
    if (c->next != NULL)
        c->next->prev = c;
    t->http_list = c;
    t->http_count++;
}

static void unlink_from(struct http_conn *c)
{
    struct edge_thread *t = c->thread;

    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        t->http_list = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    t->http_count--;
}

static void free_conn(struct http_conn *c)
{
    free(c->request);
    free(c->out_head);
    free(c->out_owned);
    recalled_ids_free(c->out_ids);
    free(c);
}

static void on_closed(uv_handle_t *handle)
{
    free_conn(handle->data);
}

void http_bury(struct edge_thread *t)
{
    struct http_conn *next;

    for (struct http_conn *c = t->http_gone; c != NULL; c = next) {
        next = c->next;
        free_conn(c);
    }
    t->http_gone = NULL;
}

int http_detach(struct http_conn *c)
{
    int fd = c->fd;

    if (c->state == HTTP_CLOSED)
        return -1;
    c->thread->upgrades -= c->state == HTTP_UPGRADE ? 1 : 0;
    c->state = HTTP_CLOSED;
    c->fd = -1;
    if (c->call != NULL) {
        struct api_call *call = c->call;

        c->call = NULL;
        api_cancel(call);
    }
    events_stream_close(c->stream);
    c->stream = NULL;
    wheel_clear(&c->timer);
    unlink_from(c);
    /* Before the socket is closed or polled by somebody else: this takes it out of the loop's epoll set. Whoever called may still look
     * at the connection, so it is freed later. */
    if (c->polled) {
        uv_close((uv_handle_t *)&c->poll, on_closed);
    } else {
        c->next = c->thread->http_gone;
        c->thread->http_gone = c;
    }
    atomic_fetch_sub_explicit(&c->thread->shared->sockets, 1, memory_order_relaxed);
    return fd;
}

void http_close(struct http_conn *c)
{
    struct edge_thread *t = c->thread;
    int fd = http_detach(c);

    if (fd < 0)
        return;
    close(fd);
    thread_connection_gone(t);
}

/* --- receiving --- */

bool http_reserve(struct http_conn *c, size_t need)
{
    struct http_request *r = c->request;
    bool fresh = r == NULL;

    if (!fresh && r->cap >= need)
        return true;
    r = realloc(r, sizeof(*r) + need);
    if (r == NULL)
        return false;
    if (fresh)
        memset(r, 0, sizeof(*r));
    r->cap = need;
    c->request = r;
    return true;
}

static bool append(struct http_conn *c, const char *p, size_t n)
{
    size_t have = c->request != NULL ? c->request->len : 0;
    size_t cap = c->request != NULL ? c->request->cap : 0;

    if (have + n > cap) {
        size_t grown = cap * 2;

        if (!http_reserve(c, grown > have + n ? grown : have + n))
            return false;
        c->parsed = false;
    }
    memcpy(c->request->data + c->request->len, p, n);
    c->request->len += n;
    return true;
}

/* While a call is under way its texts may not move, so nothing is read: only whether the peer is still there.
 */
static void peek(struct http_conn *c)
{
    char byte;
    ssize_t n = recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && errno != EAGAIN && errno != EINTR) {
        http_close(c);
        return;
    }
    if (n == 0)
        c->eof = true; /* it may have closed its sending side alone: it gets its answer */
    c->muted = true;
    http_settle(c);
}

/* What recv brought into the thread's scratch. */
static void take(struct http_conn *c, ssize_t n, int error)
{
    if (n < 0) {
        if (error != EAGAIN && error != EINTR)
            http_close(c);
        return;
    }
    if (c->state == HTTP_LINGER) {
        c->discarded += (size_t)n;
        if (n == 0 || c->discarded > HTTP_LINGER_BYTES)
            http_close(c);
        return;
    }
    if (n == 0)
        c->eof = true;
    else if (!append(c, c->thread->scratch, (size_t)n)) {
        http_close(c);
        return;
    }
    http_flow_advance(c);
}

static void receive(struct http_conn *c)
{
    struct edge_thread *t = c->thread;
    ssize_t n;

    if (c->state == HTTP_CALL || c->state == HTTP_WRITE) {
        peek(c);
        return;
    }
    if (c->state == HTTP_STREAM) {
        http_stream_readable(c);
        return;
    }
    n = recv(c->fd, t->scratch, THREAD_SCRATCH, 0);
    take(c, n, n < 0 ? errno : 0);
}

/* --- sending --- */

/* Sends what is left. True: all is out. False: the rest waits for the socket, or the connection was closed.
 */
static bool flush(struct http_conn *c)
{
    for (;;) {
        struct iovec v[2] = {
            {.iov_base = c->out_head != NULL ? c->out_head + c->out_head_at : NULL,
             .iov_len = c->out_head_len - c->out_head_at},
            {.iov_len = c->out_body_len - c->out_body_at},
        };
        struct msghdr m = {.msg_iov = v, .msg_iovlen = 2};
        size_t head;
        ssize_t n;

        if (v[0].iov_len + v[1].iov_len == 0)
            return true;
        /* sendmsg does not write to what it sends; its interface lacks the const. */
        if (c->out_body != NULL)
            memcpy(&v[1].iov_base, &(const void *){c->out_body + c->out_body_at}, sizeof(void *));
        n = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno == EAGAIN)
            return false;
        if (n < 0) {
            http_close(c);
            return false;
        }
        head = (size_t)n < v[0].iov_len ? (size_t)n : v[0].iov_len;
        c->out_head_at += head;
        c->out_body_at += (size_t)n - head;
        wheel_set(&c->thread->http_wheel, &c->timer, c->thread->now_ms + HTTP_WRITE_MS);
    }
}

void http_send(struct http_conn *c, const char *head, size_t head_len, const char *body, size_t body_len,
               char *owned)
{
    c->state = HTTP_WRITE;
    c->out_owned = owned;
    c->out_body = body;
    c->out_body_len = body_len;
    c->out_body_at = 0;
    c->out_head = malloc(head_len);
    if (c->out_head == NULL) {
        http_close(c);
        return;
    }
    memcpy(c->out_head, head, head_len);
    c->out_head_len = head_len;
    c->out_head_at = 0;
    if (flush(c))
        c->state = HTTP_DONE;
}

/* The rest of an answer that waits for its reader may not go out once a message that it shows was recalled. */
static bool stale(struct http_conn *c)
{
    struct recalled *r = c->thread->gateway->recalled;

    if (!c->watched)
        return false;
    return c->out_ids != NULL ? recalled_listed(r, c->out_ids, &c->out_mark)
                              : recalled_shown(r, c->out_app, &c->out_mark, c->out_body, c->out_body_len);
}

/* --- the loop --- */

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct http_conn *c = poll->data;

    thread_now(c->thread);
    if (status < 0) {
        http_close(c);
        return;
    }
    if ((events & UV_WRITABLE) != 0 && c->state == HTTP_STREAM)
        http_stream_writable(c);
    if ((events & UV_WRITABLE) != 0 && c->state == HTTP_WRITE) {
        if (stale(c)) {
            http_close(c);
            return;
        }
        if (flush(c)) {
            c->state = HTTP_DONE;
            http_flow_advance(c);
        }
    }
    if ((events & UV_READABLE) != 0 && c->state != HTTP_CLOSED)
        receive(c);
}

static int64_t deadline(const struct http_conn *c)
{
    int64_t now = c->thread->now_ms;

    switch (c->state) {
    case HTTP_HEAD:
        if (c->request != NULL && c->request->len > 0)
            return c->request->started_ms + HTTP_HEAD_MS;
        return now + (c->served ? HTTP_IDLE_MS : HTTP_HEAD_MS);
    case HTTP_BODY:
        return c->request->started_ms + c->thread->settings.body_timeout_ms;
    case HTTP_WRITE:
        return now + HTTP_WRITE_MS;
    case HTTP_LINGER:
        return now + HTTP_LINGER_MS;
    case HTTP_STREAM:
        return http_stream_due(c);
    default:
        return INT64_MAX;
    }
}

void http_settle(struct http_conn *c)
{
    int events = 0;
    int64_t due;

    if (c->state == HTTP_CLOSED)
        return;
    if (!c->eof && !c->muted && c->state != HTTP_UPGRADE)
        events |= UV_READABLE;
    if (c->state == HTTP_WRITE || (c->state == HTTP_STREAM && c->waiting))
        events |= UV_WRITABLE;
    if (events != c->events && !c->polled) {
        if (uv_poll_init(&c->thread->calls, &c->poll, c->fd) != 0) {
            http_close(c);
            return;
        }
        c->poll.data = c;
        c->polled = true;
    }
    if (events != c->events) {
        c->events = events;
        if (events == 0)
            uv_poll_stop(&c->poll);
        else
            uv_poll_start(&c->poll, events, on_poll);
    }
    due = deadline(c);
    if (due == INT64_MAX)
        wheel_clear(&c->timer);
    else if (c->state != HTTP_LINGER || !wheel_armed(&c->timer))
        wheel_set(&c->thread->http_wheel, &c->timer, due);
}

void http_open(struct edge_thread *t, int fd, const char *peer)
{
    struct http_conn *c;
    ssize_t n;
    int error;

    thread_now(t);
    /* Mostly the request is here already. An upgrade then passes on to libwebsockets without a connection of this kind, and without having
     * been polled here, which would cost as much as the rest of it. */
    n = recv(fd, t->scratch, THREAD_SCRATCH, 0);
    error = n < 0 ? errno : 0;
    if (n > 0 && http_flow_upgrade(t, fd, peer, t->scratch, (size_t)n))
        return;
    c = calloc(1, sizeof(*c));
    if (c == NULL) {
        close(fd);
        return;
    }
    c->thread = t;
    c->fd = fd;
    strncpy(c->peer, peer, sizeof(c->peer) - 1);
    atomic_fetch_add_explicit(&t->shared->sockets, 1, memory_order_relaxed);
    link_in(c);
    take(c, n, error);
    http_settle(c);
}

void http_fire(struct wheel_node *node, int64_t now_ms)
{
    struct http_conn *c = (struct http_conn *)(void *)((char *)node - offsetof(struct http_conn, timer));

    if (c->state == HTTP_STREAM)
        http_stream_fire(c, now_ms);
    else if (c->state == HTTP_BODY)
        http_flow_refuse(c, 408, "The body did not arrive in time.");
    else if (c->state == HTTP_HEAD && c->request != NULL && c->request->len > 0)
        http_flow_refuse(c, 408, "The request's head did not arrive in time.");
    else
        http_close(c);
}

void http_drain_all(struct edge_thread *t)
{
    struct http_conn *next;

    for (struct http_conn *c = t->http_list; c != NULL; c = next) {
        next = c->next;
        c->closing = true;
        if (c->state == HTTP_STREAM)
            http_stream_drain(c);
        if (c->state == HTTP_UPGRADE || (c->state == HTTP_HEAD && (c->request == NULL || c->request->len == 0)))
            http_close(c);
    }
}

void http_upgrade_all(struct edge_thread *t)
{
    struct http_conn *next;

    for (struct http_conn *c = t->http_list; c != NULL && t->upgrades != 0; c = next) {
        next = c->next;
        if (c->state == HTTP_UPGRADE)
            http_flow_hand_over(c);
    }
}

void http_close_all(struct edge_thread *t)
{
    while (t->http_list != NULL)
        http_close(t->http_list);
}
