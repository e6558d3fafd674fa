#include "edge/http_flow.h"

#include "api/recalled.h"
#include "base/id.h"
#include "base/log.h"
#include "base/text.h"
#include "edge/accept.h"
#include "edge/http_guard.h"
#include "edge/http_reply.h"
#include "edge/http_stream.h"
#include "edge/ws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#define LOGGED_PATH_MAX 200

/* One line for a request that the edge answered itself. The api tells of those that reached it. */
static void log_request(const struct http_conn *c)
{
    const struct http_request *r = c->request;
    enum log_level level = c->status >= 400 ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG;
    const struct http_head *h = c->parsed ? &r->head : NULL;
    struct str method = c->head_only                           ? STR("HEAD")
                        : h != NULL && h->api.method.p != NULL ? h->api.method
                                                               : STR("-");
    struct str path = h != NULL ? api_logged_path(h->api.path) : STR_NULL;

    if (c->called || !log_enabled(level))
        return;
    log_write(level, "request",
              (const struct log_field[]){
                  LOG_TEXT("id", r->id),
                  LOG_STR("method", method.p, method.n < 16 ? method.n : 16),
                  LOG_STR("path", path.p != NULL ? path.p : "",
                          path.n < LOGGED_PATH_MAX ? path.n : LOGGED_PATH_MAX),
                  LOG_INT("status", c->status),
                  LOG_INT("ms", thread_now(c->thread) - r->started_ms),
                  LOG_TEXT("peer", c->peer),
                  LOG_END,
              });
}

static const char *date(struct edge_thread *t)
{
    time_t now = time(NULL);
    struct tm tm;

    if ((int64_t)now != t->date_second) {
        t->date_second = (int64_t)now;
        gmtime_r(&now, &tm);
        strftime(t->date, sizeof(t->date), "%a, %d %b %Y %H:%M:%S GMT", &tm);
    }
    return t->date;
}

/* The caller's id of a request, or one of ours. */
static struct str request_id(struct http_request *r)
{
    _Static_assert(ID_SHORT_SIZE <= sizeof(r->id), "our ids fit");

    if (r->id[0] == '\0')
        id_short(r->id);
    return str_c(r->id);
}

/* --- answering --- */

static void send_reply(struct http_conn *c, struct api_reply *reply, const char *body, char *owned)
{
    char head[HTTP_REPLY_HEAD_MAX];
    const struct http_head *h = c->parsed ? &c->request->head : NULL;
    struct http_reply r = {
        .reply = reply,
        .length = reply->len,
        .request_id = request_id(c->request),
        .date = date(c->thread),
        .cached = reply->static_body != NULL,
        .stream = reply->stream != NULL,
    };
    size_t n;

    if (reply->stream != NULL || c->thread->draining || h == NULL || h->close || (h->http10 && !h->keep_alive) || c->eof)
        c->closing = true;
    r.close = c->closing;
    r.keep_alive = h != NULL && h->http10 && !c->closing;
    if (h != NULL && http_guard_origin(c->thread, h))
        r.origin = h->api.origin;
    c->status = reply->status;
    if (!c->called) { /* the api counts those that reached it */
        metrics_inc(c->thread->gateway->metrics.requests);
        if (reply->status >= 400)
            metrics_inc(c->thread->gateway->metrics.request_errors);
    }
    n = http_reply_head(head, &r);
    if (n == 0) { /* `extra` is our own and static: this is a mistake of ours, not the caller's */
        free(owned);
        recalled_ids_free(reply->ids);
        events_stream_close(reply->stream);
        http_close(c);
        return;
    }
    if (reply->stream != NULL) {
        http_stream_begin(c, head, n, reply->stream);
        return;
    }
    c->watched = reply->watched;
    c->out_app = reply->app_id;
    c->out_mark = reply->mark;
    c->out_ids = reply->ids;
    http_send(c, head, n, c->head_only ? NULL : body, c->head_only ? 0 : reply->len, owned);
}

/* The api's answer: step 5 of a recall. */
static void answer(void *edge_context, struct api_reply *reply)
{
    struct http_conn *c = edge_context;

    c->call = NULL;
    if (c->state != HTTP_CALL) { /* cancelled: not wanted any more */
        free(reply->body);
        recalled_ids_free(reply->ids);
        events_stream_close(reply->stream);
        return;
    }
    send_reply(c, reply, reply->static_body != NULL ? reply->static_body : reply->body, reply->body);
    http_flow_advance(c);
}

static void refuse(struct http_conn *c, int status, const char *sentence, const char *extra)
{
    char body[HTTP_REPLY_ERROR_MAX];
    struct api_reply reply = {
        .status = status, .content_type = "application/json; charset=utf-8", .extra = extra};
    char *copy;

    reply.len = http_reply_error(body, status, sentence, c->parsed ? c->request->head.api.path : STR_NULL);
    copy = malloc(reply.len + 1);
    if (copy == NULL) {
        http_close(c);
        return;
    }
    memcpy(copy, body, reply.len);
    c->closing = true;
    c->unread = true;
    send_reply(c, &reply, copy, copy);
}

void http_flow_refuse(struct http_conn *c, int status, const char *sentence)
{
    refuse(c, status, sentence, NULL);
    http_flow_advance(c);
}

/* --- the steps: each returns true if another one may follow at once --- */

/* The head of a new request is there. */
static void begin_request(struct http_conn *c)
{
    struct http_request *r = c->request;

    if (http_guard_id_usable(r->head.api.request_id)) {
        memcpy(r->id, r->head.api.request_id.p, r->head.api.request_id.n);
        r->id[r->head.api.request_id.n] = '\0';
    }
    r->started_ms = c->thread->now_ms;
}

bool http_flow_upgrade(struct edge_thread *t, int fd, const char *peer, const char *p, size_t n)
{
    static const char begin[] = "GET /ws ";
    struct http_head head;
    struct ws_upgrade up = {.head = &head, .peer = peer};

    if (n < sizeof(begin) || memcmp(p, begin, sizeof(begin) - 1) != 0 || http_head_parse(p, n, &head) != HTTP_HEAD_OK ||
        http_guard_check(t, &head).verdict != HTTP_GUARD_UPGRADE)
        return false;
    up.surplus = p + head.size;
    up.surplus_len = n - head.size;
    ws_adopt(t, fd, &up);
    return true;
}

void http_flow_hand_over(struct http_conn *c)
{
    struct edge_thread *t = c->thread;
    struct http_request *r = c->request;
    struct ws_upgrade up = {
        .head = &r->head,
        .peer = c->peer,
        .surplus = r->data + r->head.size,
        .surplus_len = r->len - r->head.size,
    };
    int fd = http_detach(c); /* the request's texts live until the handle is closed, after this turn */

    ws_adopt(t, fd, &up);
    thread_connection_gone(t);
}

static bool take_verdict(struct http_conn *c)
{
    struct http_guard g = http_guard_check(c->thread, &c->request->head);
    struct api_reply reply = {.status = g.status, .extra = g.extra};

    switch (g.verdict) {
    case HTTP_GUARD_REFUSE:
        refuse(c, g.status, g.sentence, g.extra);
        return true;
    case HTTP_GUARD_UPGRADE:
        /* Inside a breath libwebsockets may be reading another connection's frame, in the buffer that it would read this request in. */
        if (c->thread->breathing) {
            c->state = HTTP_UPGRADE;
            c->thread->upgrades++;
        } else {
            http_flow_hand_over(c);
        }
        return false;
    case HTTP_GUARD_OPTIONS:
        send_reply(c, &reply, NULL, NULL);
        return true;
    case HTTP_GUARD_CALL:
        break;
    }
    c->state = HTTP_BODY;
    return true;
}

static bool step_head(struct http_conn *c)
{
    struct http_request *r = c->request;
    enum http_head_result result;

    if (r == NULL || r->len == 0) {
        if (c->eof)
            http_close(c);
        return false;
    }
    if (r->started_ms == 0) /* the first bytes of a request */
        r->started_ms = c->thread->now_ms;
    result = http_head_parse(r->data, r->len, &r->head);
    if (result == HTTP_HEAD_MORE) {
        if (c->eof)
            http_close(c);
        return false;
    }
    c->served = true;
    c->parsed = true;
    if (result == HTTP_HEAD_BAD) {
        refuse(c, r->head.status, r->head.error, NULL);
        return true;
    }
    begin_request(c);
    c->head_only = text_is(r->head.api.method.p, r->head.api.method.n, "HEAD");
    return take_verdict(c);
}

/* Tells a caller that waits for permission to send its body. The socket's buffer is empty here, so the few
 * bytes fit. */
static bool send_continue(struct http_conn *c)
{
    static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

    c->continued = true;
    return send(c->fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(text) - 1;
}

/* The body is not complete: room for all of it, and permission to send it where the caller waits for that. */
static bool await_body(struct http_conn *c, size_t need)
{
    struct http_request *was = c->request;

    if (c->eof || !http_reserve(c, need))
        return false;
    if (!c->parsed || c->request != was) { /* the bytes moved: the same bytes give the same head */
        http_head_parse(c->request->data, c->request->len, &c->request->head);
        c->parsed = true;
    }
    return c->request->head.expect.p == NULL || c->request->head.http10 || c->continued || send_continue(c);
}

static bool step_body(struct http_conn *c)
{
    struct http_request *r = c->request;
    size_t need = r->head.size + (size_t)r->head.content_length;
    struct api_request *request;
    struct api_call *call;

    if (r->len < need) {
        if (!await_body(c, need))
            http_close(c);
        return false;
    }
    if (!c->parsed) {
        http_head_parse(r->data, r->len, &r->head);
        c->parsed = true;
    }
    request = &r->head.api;
    request->body = str_n(r->data + r->head.size, (size_t)r->head.content_length);
    request->request_id = request_id(r);
    request->peer = str_c(c->peer);
    if (c->head_only)
        request->method = STR("GET");
    c->state = HTTP_CALL;
    c->called = true;
    call = api_begin(c->thread->api, request, answer, c);
    if (c->state == HTTP_CALL)
        c->call = call;
    return true;
}

/* The answer is out: the next request, or the end. */
static bool step_done(struct http_conn *c)
{
    struct http_request *r = c->request;
    size_t used = c->parsed && !c->unread ? r->head.size + (size_t)r->head.content_length : r->len;

    log_request(c);
    free(c->out_head);
    free(c->out_owned);
    recalled_ids_free(c->out_ids);
    c->out_ids = NULL;
    c->out_head = NULL;
    c->out_owned = NULL;
    c->muted = false;
    c->parsed = false;
    c->continued = false;
    c->called = false;
    c->head_only = false;
    if (c->closing) {
        if (c->eof || (!c->unread && r->len <= used)) {
            http_close(c);
            return false;
        }
        shutdown(c->fd, SHUT_WR);
        wheel_clear(&c->timer);
        c->state = HTTP_LINGER;
        return false;
    }
    c->state = HTTP_HEAD;
    if (r->len <= used) {
        free(r);
        c->request = NULL;
        return c->eof;
    }
    r->len -= used;
    memmove(r->data, r->data + used, r->len);
    r->id[0] = '\0';
    r->started_ms = 0;
    return true;
}

static bool step(struct http_conn *c)
{
    switch (c->state) {
    case HTTP_HEAD:
        return step_head(c);
    case HTTP_BODY:
        return step_body(c);
    case HTTP_DONE:
        return step_done(c);
    default:
        return false;
    }
}

void http_flow_advance(struct http_conn *c)
{
    if (c->advancing)
        return;
    c->advancing = true;
    while (step(c))
        ;
    c->advancing = false;
    http_settle(c);
}
