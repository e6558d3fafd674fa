#include "clients/load/device.h"

#include "clients/load/crowd.h"
#include "clients/load/explain.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE   262144U
#define READS       4 /* of one connection in a turn */
#define HELD_MOST   16384U
#define HEAD_MOST   8192U
#define SLOW_BUFFER 4096
#define LOOPBACK_2  0x7f000002U
/* RFC 6455's own example of a key, and what must be answered to it. The key protects caches between, not us.
 */
#define KEY    "dGhlIHNhbXBsZSBub25jZQ=="
#define ACCEPT "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

static void fail(struct device *d, int error, int status, const char *text)
{
    const struct device_events *events = d->crowd->events;

    device_close(d, false);
    events->failed(d, error, status, text);
}

void device_close(struct device *d, bool hard)
{
    const struct linger reset = {.l_onoff = 1};

    if (d->fd >= 0) {
        if (hard)
            (void)setsockopt(d->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        close(d->fd);
    }
    d->fd = -1;
    d->state = DEVICE_OFF;
    d->paused = false;
    ws_reader_free(&d->reader);
    free(d->held);
    d->held = NULL;
    d->held_len = 0;
}

/* --- sending --- */

static uint32_t watched(const struct device *d, bool writing)
{
    return (d->paused ? 0U : (uint32_t)EPOLLIN) | (writing ? (uint32_t)EPOLLOUT : 0U);
}

static bool hold(struct device *d, const unsigned char *p, size_t n)
{
    unsigned char *more;

    if (d->held_len + n > HELD_MOST)
        return false;
    more = realloc(d->held, d->held_len + n);
    if (more == NULL)
        return false;
    memcpy(more + d->held_len, p, n);
    d->held = more;
    d->held_len += (uint32_t)n;
    return true;
}

static bool write_bytes(struct device *d, const unsigned char *p, size_t n)
{
    ssize_t sent = 0;

    if (d->fd < 0)
        return false;
    if (d->held_len == 0) {
        sent = send(d->fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent == (ssize_t)n)
            return true;
        if (sent < 0 && errno != EAGAIN && errno != EINTR)
            return true; /* reading will tell why */
        sent = sent < 0 ? 0 : sent;
        if (!poller_change(&d->crowd->poller, d->fd, watched(d, true), &d->item))
            return false;
    }
    return hold(d, p + sent, n - (size_t)sent);
}

static void send_held(struct device *d)
{
    const ssize_t sent = d->held_len > 0 ? send(d->fd, d->held, d->held_len, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;

    if (sent > 0) {
        d->held_len -= (uint32_t)sent;
        memmove(d->held, d->held + sent, d->held_len);
    }
    if (d->held_len == 0) {
        free(d->held);
        d->held = NULL;
        (void)poller_change(&d->crowd->poller, d->fd, watched(d, false), &d->item);
    }
}

static bool send_frame(struct device *d, enum ws_reader_opcode opcode, const void *payload, size_t n)
{
    unsigned char frame[1024 + WS_READER_FRAME_EXTRA];

    if (n > sizeof(frame) - WS_READER_FRAME_EXTRA)
        return false;
    return write_bytes(d, frame, ws_reader_frame(frame, opcode, payload, n, crowd_random(d->crowd)));
}

bool device_send(struct device *d, const char *text, size_t n)
{
    return send_frame(d, WS_READER_TEXT, text, n);
}

void device_pause(struct device *d, bool pause)
{
    if (d->fd < 0 || d->paused == pause)
        return;
    d->paused = pause;
    (void)poller_change(&d->crowd->poller, d->fd, watched(d, d->held_len > 0), &d->item);
}

/* --- upgrading --- */

static void send_upgrade(struct device *d)
{
    const struct options *o = d->crowd->options;
    char text[6144];
    const int n = snprintf(text, sizeof(text),
                           "GET /ws HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " KEY
                           "\r\nSec-WebSocket-Protocol: recall.v1\r\n"
                           "IM-CLIENT-KEY: %s\r\nIM-Authorization: %s\r\nIM-Device-ID: load-%u\r\n"
                           "IM-Caps: recall,quote,ack\r\n\r\n",
                           o->host_header, o->client_key, d->token, d->index);

    d->state = DEVICE_UPGRADING;
    if (n < 0 || (size_t)n >= sizeof(text))
        fail(d, 0, 0, "the token is longer than 4 KiB");
    else if (send(d->fd, text, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) != n)
        fail(d, errno, 0, "the upgrade could not be sent");
}

/* Reads the answer to the upgrade; `*used` is its length once it is whole. False if the device was closed. */
static bool read_upgrade(struct device *d, const char *p, size_t n, size_t *used)
{
    const char *end = memmem(p, n, "\r\n\r\n", 4);
    char sentence[160];
    int status;

    *used = 0;
    if (end == NULL && n <= HEAD_MOST)
        return true;
    if (end == NULL || n < 16 || memcmp(p, "HTTP/1.1 ", 9) != 0) {
        fail(d, 0, 0, "the answer to the upgrade is no HTTP/1.1");
        return false;
    }
    *used = (size_t)(end - p) + 4;
    status = atoi(p + 9);
    if (status != 101) {
        explain_sentence(p + *used, n - *used, sentence, sizeof(sentence));
        fail(d, 0, status, sentence);
        return false;
    }
    if (memmem(p, *used, ACCEPT, sizeof(ACCEPT) - 1) == NULL || memmem(p, *used, "recall.v1", 9) == NULL) {
        fail(d, 0, 0,
             "the answer to the upgrade lacks the right Sec-WebSocket-Accept or the protocol recall.v1");
        return false;
    }
    d->state = DEVICE_READYING;
    d->crowd->events->upgraded(d);
    return d->fd >= 0;
}

/* --- reading --- */

static bool on_frame(void *arg, enum ws_reader_opcode opcode, const unsigned char *p, size_t n)
{
    struct device *d = arg;

    switch (opcode) {
    case WS_READER_TEXT:
        d->crowd->events->text(d, (const char *)p, n);
        break;
    case WS_READER_PING:
        (void)send_frame(d, WS_READER_PONG, p, n);
        break;
    case WS_READER_CLOSE:
        d->close_code = n >= 2 ? (uint16_t)((unsigned)p[0] << 8 | (unsigned)p[1]) : 1005;
        fail(d, 0, 0, "the server closed the connection");
        break;
    case WS_READER_BINARY:
        fail(d, 0, 0, "the server sent a binary message");
        break;
    case WS_READER_PONG:
        break;
    }
    return d->fd >= 0;
}

/* The bytes of an upgrade's answer come in one piece as a rule; else they are held. */
static bool on_bytes_upgrading(struct device *d, const unsigned char *p, size_t n, size_t *used)
{
    unsigned char *whole;
    size_t before = d->held_len, of_head = 0;
    bool on;

    if (before == 0) {
        on = read_upgrade(d, (const char *)p, n, &of_head);
        if (on && of_head == 0)
            on = hold(d, p, n);
        *used = of_head;
        return on && of_head != 0;
    }
    if (!hold(d, p, n)) {
        fail(d, 0, 0, "the answer to the upgrade does not end");
        return false;
    }
    whole = d->held;
    n = d->held_len;
    d->held = NULL;
    d->held_len = 0;
    on = read_upgrade(d, (const char *)whole, n, &of_head);
    *used = of_head > before ? of_head - before : 0;
    if (on && of_head == 0) {
        d->held = whole;
        d->held_len = (uint32_t)n;
        return false;
    }
    free(whole);
    return on;
}

static void on_bytes(struct device *d, const unsigned char *p, size_t n)
{
    const char *error;
    size_t used = 0;

    d->crowd->figures->bytes += n;
    if (d->state == DEVICE_UPGRADING && !on_bytes_upgrading(d, p, n, &used))
        return;
    if (!ws_reader_feed(&d->reader, p + used, n - used, DEVICE_FRAME_MOST, on_frame, d, &error) &&
        error != NULL)
        fail(d, 0, 0, error);
}

static void on_readable(struct device *d)
{
    static unsigned char buffer[READ_SIZE];

    for (int i = 0; i < READS && d->fd >= 0 && !d->paused; i++) {
        const ssize_t n = recv(d->fd, buffer, sizeof(buffer), MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (n <= 0) {
            fail(d, n < 0 ? errno : 0, 0,
                 n < 0 ? strerror(errno) : "the server ended the connection without a close frame");
            return;
        }
        on_bytes(d, buffer, (size_t)n);
        if ((size_t)n < sizeof(buffer))
            return;
    }
}

static void on_ready(struct poller_item *item, uint32_t events)
{
    struct device *d = (struct device *)item;
    int error = 0;
    socklen_t len = sizeof(error);

    if (d->fd < 0)
        return;
    if (d->state == DEVICE_CONNECTING) {
        if (getsockopt(d->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
            fail(d, error != 0 ? error : errno, 0, "cannot connect");
            return;
        }
        if (!(events & EPOLLOUT))
            return;
        (void)poller_change(&d->crowd->poller, d->fd, watched(d, false), &d->item);
        send_upgrade(d);
        return;
    }
    if (events & EPOLLOUT)
        send_held(d);
    if (events & (EPOLLERR | EPOLLHUP) && d->paused) {
        fail(d, 0, 0, "the server ended the connection of a reader that had stopped");
        return;
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        on_readable(d);
}

/* --- opening --- */

/* Many source addresses, for one has only so many ports; the kernel chooses the port when it connects, so
 * that a port may serve for several destinations. */
static bool bind_source(const struct device *d)
{
    const uint32_t addresses = d->crowd->options->source_addresses;
    const struct sockaddr_in from = {.sin_family = AF_INET,
                                     .sin_addr.s_addr = htonl(LOOPBACK_2 + d->index % addresses)};
    const int one = 1;

    return addresses <= 1 ||
           (setsockopt(d->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) == 0 &&
            bind(d->fd, (const struct sockaddr *)&from, sizeof(from)) == 0);
}

void device_open(struct device *d)
{
    const struct options *o = d->crowd->options;
    const int one = 1, small = SLOW_BUFFER;

    d->item.ready = on_ready;
    d->state = DEVICE_CONNECTING;
    d->close_code = d->back_ms = 0;
    ws_reader_init(&d->reader);
    d->opened_ns = (int64_t)uv_hrtime();
    d->fd = socket(o->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (d->fd < 0) {
        fail(d, errno, 0, "cannot open a socket");
        return;
    }
    (void)setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (d->slow && d->track.next == 0) /* so that it stalls soon; one that comes back reads as others do */
        (void)setsockopt(d->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    if (!bind_source(d) ||
        (connect(d->fd, (const struct sockaddr *)&o->at, o->at_len) != 0 && errno != EINPROGRESS) ||
        !poller_add(&d->crowd->poller, d->fd, EPOLLIN | EPOLLOUT, &d->item))
        fail(d, errno, 0, "cannot connect");
}
