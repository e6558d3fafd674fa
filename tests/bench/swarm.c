#include "swarm_device.h"

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
#define PER_ADDRESS  4000U /* connections from one source address */
#define NARROW_BYTES 4096  /* of a narrow device's receive buffer */
#define NARROW_MSS   536   /* the server's send buffer grows with it */
/* The answer to the key that RFC 6455 has as its example. */
#define ACCEPT_KEY "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

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
    s->room_count = target->rooms > 1 ? target->rooms : 1;
    s->epoll = epoll_create1(EPOLL_CLOEXEC);
    s->devices = calloc(most + 1, sizeof(*s->devices));
    s->rooms = calloc(s->room_count, sizeof(*s->rooms));
    if (s->epoll < 0 || s->devices == NULL || s->rooms == NULL)
        swarm_fail(s, "out of memory");
    return !s->broken;
}

void swarm_room_name(const struct swarm *s, uint32_t i, char name[static 80])
{
    if (s->room_count > 1)
        snprintf(name, 80, "%.60s%04u", s->target->room, i);
    else
        snprintf(name, 80, "%.79s", s->target->room);
}

bool swarm_watch(struct swarm *s, int fd, uint64_t tag)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.u64 = tag};

    return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &ev) == 0;
}

/* --- sending --- */

/* The mask is zero, which leaves the payload as it is. */
void swarm_send(struct swarm *s, const struct swarm_device *d, unsigned char opcode, const void *payload,
                size_t n)
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

/* --- receiving --- */

void swarm_live(struct swarm *s, struct swarm_device *d, int64_t seq)
{
    struct swarm_room *r = &s->rooms[d->room];

    d->state = STATE_LIVE;
    d->seq = seq;
    s->live++;
    r->devices++;
    if (seq > r->head)
        r->head = seq;
}

void swarm_event(struct swarm *s, struct swarm_device *d, int64_t seq, size_t frame)
{
    struct swarm_room *r = &s->rooms[d->room];

    if (seq <= d->seq) {
        s->repeated++;
        return;
    }
    s->missed += (uint64_t)(seq - d->seq - 1);
    d->seq = seq;
    s->events++;
    s->frame = (uint32_t)frame;
    if (++r->got[seq % SWARM_RING] == r->devices)
        s->arrived++;
}

int64_t swarm_seq(const unsigned char *p, size_t n)
{
    const unsigned char *at = memmem(p, n, "\"seq\":", 6);
    int64_t seq = 0;

    if (at == NULL)
        return -1;
    for (at += 6; at < p + n && *at >= '0' && *at <= '9'; at++)
        seq = seq * 10 + (*at - '0');
    return seq;
}

bool swarm_begins(const unsigned char *p, size_t n, const char *with)
{
    const size_t len = strlen(with);

    return n >= len && memcmp(p, with, len) == 0;
}

static void on_payload(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    if (kind_is_recalld(s->target->kind))
        swarm_recalld_frame(s, d, p, n);
    else
        swarm_peer_frame(s, d, p, n);
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
        if (f[0] == 0x81 || f[0] == 0x82)
            on_payload(s, d, f + head, len);
        else if ((f[0] & 0x0f) == 9)
            swarm_send(s, d, 10, f + head, len);
        else if (f[0] != 0x88)
            swarm_fail(s, "a device got a frame that begins with %02x", f[0]);
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
    if (!swarm_begins(p, n, "HTTP/1.1 101 ") || memmem(p, n, ACCEPT_KEY, strlen(ACCEPT_KEY)) == NULL) {
        swarm_fail(s, "an upgrade was answered: %.*s", (int)(n < 150 ? n : 150), (const char *)p);
        return 0;
    }
    if (!kind_is_recalld(s->target->kind))
        swarm_peer_opened(s, d);
    else if (s->target->follow == SWARM_FOLLOW_NOTHING)
        swarm_live(s, d, 0);
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

static bool set(int fd, int level, int name, int value)
{
    return setsockopt(fd, level, name, &value, sizeof(value)) == 0;
}

static bool open_one(struct swarm *s, uint32_t i)
{
    const struct swarm_target *t = s->target;
    struct sockaddr_in from = {.sin_family = AF_INET,
                               .sin_addr.s_addr =
                                   htonl(INADDR_LOOPBACK + (t->net << 8) + 1 + i / PER_ADDRESS)};
    struct swarm_device *d = &s->devices[i];
    char text[2048];
    int n;

    d->room = s->room_count > 1 ? i / ((s->most + s->room_count - 1) / s->room_count) : 0;
    n = kind_is_recalld(t->kind) ? swarm_recalld_request(s, i, text, sizeof(text))
                                 : swarm_peer_request(s, i, text, sizeof(text));
    d->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (d->fd < 0 || !set(d->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1) ||
        (t->narrow && (!set(d->fd, SOL_SOCKET, SO_RCVBUF, NARROW_BYTES) ||
                       !set(d->fd, IPPROTO_TCP, TCP_MAXSEG, NARROW_MSS))) ||
        bind(d->fd, (struct sockaddr *)&from, sizeof(from)) != 0 ||
        connect(d->fd, (const struct sockaddr *)&t->at, sizeof(t->at)) != 0 ||
        !set(d->fd, IPPROTO_TCP, TCP_NODELAY, 1) || send(d->fd, text, (size_t)n, MSG_NOSIGNAL) != n ||
        !swarm_watch(s, d->fd, i)) {
        swarm_fail(s, "connection %u: %s", i, strerror(errno));
        if (d->fd >= 0)
            close(d->fd);
        return false;
    }
    d->state = STATE_UPGRADING;
    s->opened++;
    return true;
}

/* Do all devices stand where their room stands? */
static void check_heads(struct swarm *s)
{
    for (uint32_t i = 0; i < s->live && !s->broken; i++) {
        const struct swarm_device *d = &s->devices[i];

        if (d->seq != s->rooms[d->room].head)
            swarm_fail(s, "device %u stands at event %lld, others at %lld", i, (long long)d->seq,
                       (long long)s->rooms[d->room].head);
    }
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
    if (s->target->follow == SWARM_FOLLOW_ROOM && !s->target->moving)
        check_heads(s);
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

void swarm_stall(struct swarm *s)
{
    for (uint32_t i = 0; i < s->opened; i++)
        epoll_ctl(s->epoll, EPOLL_CTL_DEL, s->devices[i].fd, NULL);
}

void swarm_shrink(struct swarm *s, uint32_t count)
{
    while (s->opened > count) {
        struct swarm_device *d = &s->devices[--s->opened];

        if (d->state == STATE_LIVE) {
            s->rooms[d->room].devices--;
            s->live--;
        }
        close(d->fd);
        free(d->part);
        *d = (struct swarm_device){.fd = -1};
    }
}

void swarm_free(struct swarm *s)
{
    if (s->devices == NULL)
        return;
    swarm_shrink(s, 0);
    close(s->epoll);
    free(s->devices);
    free(s->rooms);
    s->devices = NULL;
    s->rooms = NULL;
}
