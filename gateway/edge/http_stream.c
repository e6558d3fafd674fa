#include "edge/http_stream.h"

#include "base/clock.h"
#include "base/id.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

/* The connection ends in this turn of the wheel at the latest: whoever calls may be called by the stream, which must live on until
 * they have all returned. */
static void end(void *connection)
{
    struct http_conn *c = connection;

    if (c->state != HTTP_STREAM || c->closing_stream)
        return;
    c->closing_stream = true;
    c->waiting = false;
    shutdown(c->fd, SHUT_WR); /* the peer learns of it now */
    wheel_set(&c->thread->http_wheel, &c->timer, c->thread->now_ms);
}

static enum hub_sent transmit(struct http_conn *c, const struct iovec *v, int n, size_t *taken)
{
    struct msghdr m = {.msg_iovlen = (size_t)n};
    size_t total = 0;
    ssize_t sent;

    *taken = 0;
    memcpy(&m.msg_iov, &v, sizeof(v)); /* sendmsg does not write there; its interface lacks the const */
    for (int i = 0; i < n; i++)
        total += v[i].iov_len;
    do
        sent = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0 && errno != EAGAIN)
        return HUB_GONE;
    *taken = sent < 0 ? 0 : (size_t)sent;
    if (*taken > 0)
        c->stalled_ms = c->thread->now_ms;
    return *taken == total ? HUB_SENT : HUB_BLOCKED;
}

static enum hub_sent stream_write(void *connection, const struct iovec *v, int n, size_t *taken)
{
    struct http_conn *c = connection;
    enum hub_sent sent = HUB_BLOCKED;

    *taken = 0;
    if (c->state != HTTP_STREAM || c->closing_stream)
        return HUB_GONE;
    if (!c->waiting)
        sent = transmit(c, v, n, taken);
    if (sent == HUB_BLOCKED && !c->waiting) {
        c->waiting = true;
        c->stalled_ms = c->thread->now_ms;
        http_settle(c);
    }
    return sent;
}

static const struct events_transport transport = {.write = stream_write, .end = end};

void http_stream_begin(struct http_conn *c, const char *head, size_t head_len, struct events_stream *stream)
{
    const struct iovec v = {.iov_base = c->thread->scratch, .iov_len = head_len};
    size_t taken;

    memcpy(c->thread->scratch, head, head_len);
    c->state = HTTP_STREAM;
    c->stream = stream;
    c->muted = false;
    c->closing = true;
    free(c->request); /* nothing of it is looked at any more, and the stream may stay for days */
    c->request = NULL;
    c->parsed = false;
    /* The socket was empty but for answers before this one: a head that does not fit means a peer that does not read. */
    if (transmit(c, &v, 1, &taken) != HUB_SENT || c->head_only || c->eof) {
        end(c);
        return;
    }
    events_stream_open(stream, &transport, c, clock_wall_ms());
    if (c->thread->draining)
        http_stream_drain(c);
}

void http_stream_writable(struct http_conn *c)
{
    if (c->closing_stream)
        return;
    c->waiting = false;
    events_stream_drained(c->stream);
    http_settle(c);
}

void http_stream_readable(struct http_conn *c)
{
    const ssize_t n = recv(c->fd, c->thread->scratch, THREAD_SCRATCH, 0);

    if (n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR)))
        return;
    http_close(c);
}

int64_t http_stream_due(const struct http_conn *c)
{
    const int64_t now = c->thread->now_ms;
    const int64_t left = events_stream_deadline(c->stream) - clock_wall_ms();
    const int64_t due = now + (left > 0 ? left : 0);

    if (c->closing_stream)
        return now;
    /* The wall clock may be set: the wheel is asked again within a minute at the latest. */
    if (!c->waiting)
        return due < now + HTTP_STALL_MS ? due : now + HTTP_STALL_MS;
    return due < c->stalled_ms + HTTP_STALL_MS ? due : c->stalled_ms + HTTP_STALL_MS;
}

void http_stream_fire(struct http_conn *c, int64_t now_ms)
{
    if (c->closing_stream || (c->waiting && now_ms >= c->stalled_ms + HTTP_STALL_MS)) {
        http_close(c);
        return;
    }
    events_stream_tick(c->stream, clock_wall_ms());
    http_settle(c);
}

void http_stream_drain(struct http_conn *c)
{
    events_stream_drain(c->stream, 500 + (int64_t)(id_random_u64() % 4500));
}
