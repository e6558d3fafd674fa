#include "swarm.h"

#include "server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER       (1U << 20)
#define EVENTS       512
#define OPENING_MOST 128U /* below the servers' backlog */
#define PATIENCE_NS  INT64_C(10000000000)
#define PER_ADDRESS  4000U                          /* connections from one source address */
#define ACCEPT_KEY   "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" /* the answer to the key that RFC 6455 has as its example \
                                                     */

enum state { STATE_NONE, STATE_UPGRADING, STATE_AUTHENTICATING, STATE_SUBSCRIBING, STATE_LIVE };

struct swarm_device {
    int fd;
    enum state state;
    int64_t seq;
    unsigned char *part; /* the beginning of a frame whose rest has not come */
    size_t part_len;
};

void swarm_fail(struct swarm *s, const char *format, ...)
{
    va_list args;

    if (s->broken)
        return;
    s->broken = true;
    va_start(args, format);
    vsnprintf(s->error, sizeof(s->error), format, args);
    va_end(args);
}

bool swarm_init(struct swarm *s, const struct swarm_target *target, uint32_t most)
{
    *s = (struct swarm){.target = target, .most = most};
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->devices = calloc(most, sizeof(*s->devices));
    return s->epoll >= 0 && s->devices != NULL;
}

bool swarm_watch(struct swarm *s, int fd, uint64_t tag)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* --- sending --- */

/* A client's frame; the mask is zero, which leaves the payload as it is. */
static void send_frame(struct swarm *s, const struct swarm_device *d, unsigned char opcode,
                       const void *payload, size_t n)
{
    unsigned char frame[512] = {(unsigned char)(0x80 | opcode)};
    size_t head = n <= 125 ? 6 : 8;

    if (n + head > sizeof(frame)) {
        swarm_fail(s, "a frame of %zu bytes is more than a device sends", n);
        return;
    }
    frame[1] = (unsigned char)(0x80 | (n <= 125 ? n : 126));
    if (n > 125) {
        frame[2] = (unsigned char)(n >> 8);
        frame[3] = (unsigned char)(n & 0xff);
    }
    memcpy(frame + head, payload, n);
    if (send(d->fd, frame, head + n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)(head + n))
        swarm_fail(s, "a device could not send: %s", strerror(errno));
}

static void subscribe(struct swarm *s, struct swarm_device *d)
{
    char text[256];
    int n;

    if (s->target->follow == SWARM_FOLLOW_ALL)
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":2,\"all\":true}");
    else if (s->target->epoch != NULL)
        n = snprintf(text, sizeof(text),
                     "{\"op\":\"subscribe\",\"id\":2,"
                     "\"rooms\":[{\"room\":\"%s\",\"epoch\":\"%s\",\"since\":%lld}]}",
                     s->target->room, s->target->epoch, (long long)(d->seq = s->target->since));
    else
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":2,\"rooms\":[{\"room\":\"%s\"}]}",
                     s->target->room);
    send_frame(s, d, 1, text, (size_t)n);
}

/* --- receiving --- */

static void became_live(struct swarm *s, struct swarm_device *d, int64_t seq)
{
    d->state = STATE_LIVE;
    d->seq = seq;
    s->live++;
    if (seq > s->head)
        s->head = seq;
}

/* The number behind "seq": in a frame that is not zero-terminated. */
static int64_t seq_in(const unsigned char *p, size_t n)
{
    const unsigned char *at = memmem(p, n, "\"seq\":", 6);
    int64_t seq = 0;

    if (at == NULL)
        return -1;
    for (at += 6; at < p + n && *at >= '0' && *at <= '9'; at++)
        seq = seq * 10 + (*at - '0');
    return seq;
}

/* The answer to a subscribe. A device that goes on from an event has everything up to the answer by then. */
static void on_followed(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const int64_t seq = seq_in(p, n);
    const unsigned char *epoch = memmem(p, n, "\"epoch\":\"", 9);
    size_t len = 0;

    if (epoch != NULL) {
        for (epoch += 9; epoch + len < p + n && epoch[len] != '"' && len < sizeof(s->epoch) - 1; len++)
            s->epoch[len] = (char)epoch[len];
        s->epoch[len] = '\0';
    }
    if (s->target->epoch != NULL) {
        if (memmem(p, n, "\"recovered\":true", 16) == NULL)
            swarm_fail(s, "a device that went on from event %lld was not taken up there: %.*s",
                       (long long)s->target->since, (int)(n < 150 ? n : 150), (const char *)p);
        s->missed += seq > d->seq ? (uint64_t)(seq - d->seq) : 0;
        s->repeated += seq < d->seq ? (uint64_t)(d->seq - seq) : 0;
    }
    became_live(s, d, seq);
}

static void on_event(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const int64_t seq = seq_in(p, n);

    if (s->target->follow == SWARM_FOLLOW_ALL)
        return;
    if (seq <= d->seq) {
        s->repeated++;
        return;
    }
    s->missed += (uint64_t)(seq - d->seq - 1);
    d->seq = seq;
    s->got[seq % SWARM_RING]++;
    s->events++;
    s->frame = (uint32_t)(n + (n <= 125 ? 2 : 4));
    if (s->event != NULL)
        s->event(s->arg, p, n);
}

static bool begins(const unsigned char *p, size_t n, const char *with)
{
    const size_t len = strlen(with);

    return n >= len && memcmp(p, with, len) == 0;
}

static void on_text(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    if (begins(p, n, "{\"op\":\"event\"")) {
        on_event(s, d, p, n);
    } else if (d->state == STATE_AUTHENTICATING && begins(p, n, "{\"op\":\"ready\"")) {
        d->state = STATE_SUBSCRIBING;
        subscribe(s, d);
    } else if (d->state == STATE_SUBSCRIBING && begins(p, n, "{\"op\":\"reply\"") &&
               memmem(p, n, "\"RC\":0", 6) != NULL && memmem(p, n, "\"error\"", 7) == NULL) {
        on_followed(s, d, p, n);
    } else if (!begins(p, n, "{\"op\":\"signal\"")) {
        swarm_fail(s, "a device got: %.*s", (int)(n < 150 ? n : 150), (const char *)p);
    }
}

/* The frames in p[0..n); returns how many bytes were whole frames. */
static size_t on_frames(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    size_t at = 0;

    while (n - at >= 2 && !s->broken) {
        const unsigned char *f = p + at;
        size_t len = f[1] & 0x7f, head = 2;

        if (len == 126) {
            if (n - at < 4)
                break;
            len = (size_t)f[2] << 8 | f[3];
            head = 4;
        } else if (len == 127) {
            swarm_fail(s, "a frame of more than 64 KiB");
            break;
        }
        if (n - at < head + len)
            break;
        if ((f[0] & 0x0f) == 1)
            on_text(s, d, f + head, len);
        else if ((f[0] & 0x0f) == 9)
            send_frame(s, d, 10, f + head, len);
        else
            swarm_fail(s, "the server closed a device: %u",
                       len >= 2 ? (unsigned)(f[head] << 8 | f[head + 1]) : 0U);
        at += head + len;
    }
    return at;
}

/* The answer to the upgrade; returns its length, 0 while it is not whole. */
static size_t on_upgraded(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const unsigned char *end = memmem(p, n, "\r\n\r\n", 4);

    if (end == NULL)
        return 0;
    if (!begins(p, n, "HTTP/1.1 101 ") || memmem(p, n, ACCEPT_KEY, strlen(ACCEPT_KEY)) == NULL) {
        swarm_fail(s, "an upgrade was answered: %.*s", (int)(n < 150 ? n : 150), (const char *)p);
        return 0;
    }
    if (s->target->floor)
        became_live(s, d, s->head);
    else
        d->state = STATE_AUTHENTICATING;
    return (size_t)(end + 4 - p);
}

/* Keeps what is not whole yet. */
static void keep(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    unsigned char *part = NULL;

    if (n > 0 && (part = malloc(n)) == NULL)
        swarm_fail(s, "out of memory");
    if (part != NULL)
        memcpy(part, p, n);
    free(d->part);
    d->part = part;
    d->part_len = part != NULL ? n : 0;
}

static void on_readable(struct swarm *s, struct swarm_device *d)
{
    static unsigned char buffer[BUFFER];
    size_t n = d->part_len, at = 0;
    ssize_t got;

    if (n > 0)
        memcpy(buffer, d->part, n);
    got = recv(d->fd, buffer + n, sizeof(buffer) - n, MSG_DONTWAIT);
    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        swarm_fail(s, "a device's connection ended: %s", got == 0 ? "closed" : strerror(errno));
        return;
    }
    n += (size_t)got;
    if (d->state == STATE_UPGRADING)
        at = on_upgraded(s, d, buffer, n);
    if (d->state != STATE_UPGRADING)
        at += on_frames(s, d, buffer + at, n - at);
    if (at < n || d->part != NULL)
        keep(s, d, buffer + at, n - at);
}

/* --- opening --- */

static int request(const struct swarm *s, uint32_t i, char *text, size_t size)
{
    const struct swarm_target *t = s->target;
    static const char common[] =
        "Host: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    if (t->floor)
        return snprintf(text, size, "GET /%s HTTP/1.1\r\n%s\r\n", t->room, common);
    return snprintf(
        text, size,
        "GET /ws HTTP/1.1\r\n%sSec-WebSocket-Protocol: recall.v1\r\nIM-CLIENT-KEY: " SETUP_CLIENT_KEY
        "\r\nIM-Authorization: %s\r\nIM-Device-ID: device-%u\r\nIM-Caps: recall,quote,ack\r\n\r\n",
        common, t->users->tokens[i % t->users->count], i);
}

static bool open_one(struct swarm *s, uint32_t i)
{
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1 + i / PER_ADDRESS)};
    struct swarm_device *d = &s->devices[i];
    const int one = 1;
    char text[2048];
    int n = request(s, i, text, sizeof(text));

    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0 || setsockopt(d->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one)) != 0 ||
        bind(d->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(d->fd, (const struct sockaddr *)&s->target->at, sizeof(s->target->at)) != 0 ||
        setsockopt(d->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        send(d->fd, text, (size_t)n, MSG_NOSIGNAL) != n || !swarm_watch(s, d->fd, i)) {
        swarm_fail(s, "connection %u: %s", i, strerror(errno));
        return false;
    }
    d->state = STATE_UPGRADING;
    s->opened++;
    return true;
}

bool swarm_grow(struct swarm *s, uint32_t count)
{
    int64_t progress = server_now_ns();

    if (count > s->most)
        swarm_fail(s, "more connections than were prepared for");
    while (s->live < count && !s->broken) {
        const uint32_t before = s->live;

        while (s->opened < count && (s->target->at_once || s->opened - s->live < OPENING_MOST) &&
               open_one(s, s->opened))
            ;
        swarm_turn(s, 100);
        if (s->live != before)
            progress = server_now_ns();
        if (server_now_ns() - progress > PATIENCE_NS)
            swarm_fail(s, "only %u of %u devices were let in", s->live, count);
    }
    for (uint32_t i = 0; i < s->live && !s->broken && s->target->follow == SWARM_FOLLOW_ROOM; i++) {
        if (s->devices[i].seq != s->head)
            swarm_fail(s, "device %u stands at event %lld, others at %lld", i, (long long)s->devices[i].seq,
                       (long long)s->head);
    }
    return !s->broken;
}

bool swarm_turn(struct swarm *s, int ms)
{
    struct epoll_event events[EVENTS];
    const int n = epoll_wait(s->epoll, events, EVENTS, ms);

    for (int i = 0; i < n && !s->broken; i++) {
        const uint64_t tag = events[i].data.u64;

        if (tag & SWARM_OTHER)
            s->other(s->arg, tag & ~SWARM_OTHER);
        else
            on_readable(s, &s->devices[tag]);
    }
    return !s->broken;
}

void swarm_close(struct swarm *s)
{
    for (uint32_t i = 0; i < s->opened; i++) {
        close(s->devices[i].fd);
        free(s->devices[i].part);
        s->devices[i] = (struct swarm_device){.fd = -1};
    }
    s->opened = s->live = 0;
}
