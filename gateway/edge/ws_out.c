#include "edge/ws_out.h"

#include "base/log.h"
#include "proto/codec/ws_frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(HUB_LOOK <= RING_SENDS, "what the hub puts at a time may go into one call");

enum out { OUT_ALL, OUT_PARTLY, OUT_FAILED };

void ws_out_end(struct ws *w)
{
    w->closing = true;
    if (w->session != NULL)
        session_ends(w->session);
}

void ws_out_cut(struct ws *w)
{
    ws_out_end(w);
    /* libwebsockets reads the end, or fails to send, and closes: from here its own functions may not be
     * called, as it may be the caller. */
    shutdown(w->fd, SHUT_RDWR);
}

/* Hands the bytes after the first `skip` to libwebsockets, which sends them, and before anything else of its
 * own, when the socket takes them. One piece, whatever the number of frames: its buffer is a list that it
 * walks. */
static enum out hand_over(struct ws *w, const struct iovec *v, int n, size_t skip, size_t total)
{
    size_t left = total - skip;
    unsigned char *piece;
    size_t at = 0;
    int rc;

    if (w->pieces >= WS_OUT_PIECES)
        return OUT_FAILED;
    piece = malloc(left);
    if (piece == NULL)
        return OUT_FAILED;
    for (int i = 0; i < n; i++) {
        size_t from = skip < v[i].iov_len ? skip : v[i].iov_len;

        memcpy(piece + at, (const char *)v[i].iov_base + from, v[i].iov_len - from);
        at += v[i].iov_len - from;
        skip -= from;
    }
    /* RAW adds no header, so nothing is written before `piece`. */
    rc = lws_write(w->wsi, piece, left, LWS_WRITE_RAW);
    free(piece);
    if (rc < 0)
        return OUT_FAILED;
    if (lws_partial_buffered(w->wsi) == 0)
        return OUT_ALL;
    w->blocked = true;
    w->pieces++;
    return OUT_PARTLY;
}

static enum out out(struct ws *w, const struct iovec *v, int n)
{
    struct msghdr m = {.msg_iovlen = (size_t)n};
    size_t total = 0;
    ssize_t sent = 0;

    for (int i = 0; i < n; i++)
        total += v[i].iov_len;
    if (total == 0)
        return OUT_ALL;
    if (lws_partial_buffered(w->wsi) == 0) {
        memcpy(&m.msg_iov, &v, sizeof(v)); /* sendmsg does not write there; its interface lacks the const */
        do
            sent = sendmsg(w->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        while (sent < 0 && errno == EINTR);
        if (sent < 0 && errno != EAGAIN)
            return OUT_FAILED;
        if ((size_t)(sent < 0 ? 0 : sent) == total)
            return OUT_ALL;
    }
    return hand_over(w, v, n, sent < 0 ? 0 : (size_t)sent, total);
}

/* --- the session's way out --- */

/* send() without libc's being a cancellation point, which in a program with threads costs two locked instructions a call; no thread here is
 * ever cancelled. */
static ssize_t send_plain(int fd, const char *p, size_t n, int flags)
{
    return (ssize_t)syscall(SYS_sendto, fd, p, n, flags, NULL, 0);
}

/* One system call on shared bytes. What the kernel does not take stays with the hub, where a recall can
 * still reach it. With `more` the kernel waits for what follows rather than send two segments; where it does not take all, it does not
 * wait. */
static enum hub_sent send_frames(void *connection, const char *p, size_t n, bool more, size_t *taken)
{
    struct ws *w = connection;
    ssize_t sent = 0;

    *taken = 0;
    if (w->closing)
        return HUB_GONE;
    if (lws_partial_buffered(w->wsi) != 0) { /* answers wait: ws_out_writeable follows when they are out */
        w->blocked = true;
        return HUB_BLOCKED;
    }
    do
        sent = send_plain(w->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    while (sent < 0 && errno == EINTR);
    if (sent == (ssize_t)n)
        return HUB_SENT;
    if (sent < 0 && errno != EAGAIN) {
        ws_out_cut(w);
        return HUB_GONE;
    }
    *taken = sent < 0 ? 0 : (size_t)sent;
    w->blocked = true;
    lws_callback_on_writable(w->wsi);
    return HUB_BLOCKED;
}

static void *way(const void *connection)
{
    const struct ws *w = connection;

    return w->closing ? NULL : w->wsi;
}

static void look(void *const ways[], unsigned n, int sockets[])
{
    for (unsigned i = 0; i < n; i++)
        sockets[i] = lws_partial_buffered(ways[i]) == 0 ? lws_get_socket_fd(ways[i]) : -1;
}

static void put_one(struct hub_send *s)
{
    ssize_t sent;

    do
        sent = send_plain(s->socket, s->p, s->n, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    s->taken = sent < 0 ? 0 : (uint32_t)sent;
}

/* The hot path. It reads nothing of the connections: where nothing waits inside libwebsockets, as `look` has seen, the socket is free. */
static unsigned put(void *edge, struct hub_send sends[], unsigned count)
{
    struct edge_thread *t = edge;
    unsigned whole = 0;

    for (unsigned at = 0, share; at < count; at += share) {
        share = ring_share(sends + at, count - at);
        if (!t->ring.open || share < RING_PAYS) {
            for (unsigned i = at; i < at + share; i++)
                put_one(&sends[i]);
        } else if (!ring_send(&t->ring, sends + at, share)) {
            log_warn("edge.sends", LOG_TEXT("by", "send"), LOG_TEXT("reason", strerror(t->ring.error)), LOG_END);
        }
    }
    for (unsigned i = 0; i < count; i++)
        whole += sends[i].taken == sends[i].n;
    return whole;
}

static bool finish_frame(void *connection, const char *p, size_t n)
{
    struct ws *w = connection;
    struct iovec v = {.iov_len = n};

    memcpy(&v.iov_base, &p, sizeof(p)); /* an iovec lacks the const */
    if (!w->closing && hand_over(w, &v, 1, 0, n) != OUT_FAILED)
        return true;
    ws_out_cut(w);
    return false;
}

static bool send_text(void *connection, const char *payload, size_t n)
{
    struct ws *w = connection;
    unsigned char header[WS_FRAME_HEADER_MAX];
    struct iovec v[2] = {{.iov_base = header}, {.iov_len = n}};

    if (w->closing)
        return true; /* nobody reads it any more; the session learns by session_close */
    if (w->waiting + n > w->thread->settings.output_buffer && w->waiting > 0)
        return false;
    v[0].iov_len = ws_frame_header(header, n);
    memcpy(&v[1].iov_base, &payload, sizeof(payload));
    switch (out(w, v, 2)) {
    case OUT_ALL:
        return true;
    case OUT_PARTLY:
        w->waiting += (uint32_t)(n + v[0].iov_len);
        return true;
    default:
        return false;
    }
}

static void send_close(void *connection, int code, const char *reason)
{
    ws_out_close(connection, code, reason);
}

static void rearm(void *connection)
{
    ws_rearm(connection);
}

const struct session_transport *ws_out_transport(void)
{
    static const struct session_transport transport = {
        .text = send_text, .frames = send_frames, .way = way, .look = look, .put = put, .finish = finish_frame, .close = send_close, .rearm = rearm};

    return &transport;
}

/* --- control frames --- */

void ws_out_ping(struct ws *w)
{
    /* With a byte of payload: libwebsockets does not tell us of a pong that has none. */
    unsigned char ping[3] = {0x89, 0x01, 'r'};
    struct iovec v = {.iov_base = ping, .iov_len = sizeof(ping)};

    if (!w->closing && out(w, &v, 1) == OUT_FAILED)
        ws_out_cut(w);
}

/* libwebsockets drops its own close frame when output waits, and does not send one at all outside its
 * callbacks; so the frame is ours. The peer's answer, or the deadline, then ends the connection. */
void ws_out_close(struct ws *w, int code, const char *reason)
{
    unsigned char frame[4 + WS_CLOSE_REASON_MAX];
    size_t n = reason != NULL ? strlen(reason) : 0;
    struct iovec v = {.iov_base = frame};

    if (w->closing)
        return;
    if (code == 0) {
        struct linger now = {.l_onoff = 1, .l_linger = 0};

        setsockopt(w->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
        ws_out_cut(w);
        return;
    }
    if (n > WS_CLOSE_REASON_MAX)
        n = WS_CLOSE_REASON_MAX;
    frame[0] = 0x88;
    frame[1] = (unsigned char)(n + 2);
    frame[2] = (unsigned char)(code >> 8);
    frame[3] = (unsigned char)(code & 0xff);
    if (n > 0)
        memcpy(frame + 4, reason, n);
    v.iov_len = n + 4;
    if (out(w, &v, 1) == OUT_FAILED) {
        ws_out_cut(w);
        return;
    }
    ws_out_end(w);
    wheel_set(&w->thread->ws_wheel, &w->timer, w->thread->now_ms + WS_CLOSE_MS);
}

void ws_out_writeable(struct ws *w)
{
    if (!w->blocked || lws_partial_buffered(w->wsi) != 0)
        return;
    w->blocked = false;
    w->waiting = 0;
    w->pieces = 0;
    if (!w->closing && w->session != NULL) {
        session_drained(w->session);
        ws_rearm(w);
    }
}
