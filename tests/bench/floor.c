/*
 * floor: the least that a fan-out over WebSockets can cost on this kernel, to measure recalld against.
 *
 *   floor [--coalesce]      prints "floor ready port=N control=N", serves 127.0.0.1 until SIGTERM
 *
 * On `port` it accepts WebSocket upgrades (GET /ROOM joins ROOM) and never reads a frame. On `control` it takes
 * lines:
 *
 *   frame BYTES      the frame that it sends from now on has that many bytes, header included
 *   coalesce 0|1     plain: an event is one send() to each socket, at once; coalescing: a turn of the loop serves
 *                    the next SWEEP sockets, and one send() carries everything that a socket has not got yet
 *   send ROOM        one event
 *   backlog ROOM N   sockets that join from now on get N events at once, in one send()
 *
 * It parses no HTTP beyond the key, checks no token, stores nothing, pings nobody. A socket that does not take a
 * frame whole ends the program: its figures would be worthless.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS       20000
#define ROOMS     2048U /* a power of two */
#define REQUEST   4096
#define EVENTS    256
#define SWEEP     64U
#define TAPE      1024U /* frames in a room's tape */
#define FRAME_MIN 100U
#define FRAME_MAX 65000U
#define SEQ_WIDTH 12

enum kind { KIND_NONE, KIND_LISTEN, KIND_CONTROL_LISTEN, KIND_OPENING, KIND_CONTROL, KIND_JOINED };

struct member {
    int fd;
    uint64_t seen; /* events that were sent to it */
};

struct room {
    char name[64];
    struct member *members;
    uint32_t count, cap;
    uint64_t head;  /* events so far */
    uint64_t first; /* the first event on the tape */
    unsigned char *tape;
    uint32_t sweep, remaining;
    bool busy;              /* in the list of rooms with something to send */
    unsigned char *backlog; /* events that a socket gets when it joins */
    size_t backlog_len;
};

/* What is known of a descriptor; `text` is the request or control line so far. */
struct peer {
    enum kind kind;
    struct room *room;
    uint32_t slot;
    char *text;
    size_t len;
};

struct floor {
    int epoll;
    bool coalesce;
    struct peer peers[FDS];
    struct room rooms[ROOMS]; /* by the hash of their names */
    struct room *busy[ROOMS];
    size_t busy_count;
    unsigned char frame[FRAME_MAX];
    size_t frame_len, seq_at;
};

static _Noreturn void die(const char *what)
{
    fprintf(stderr, "floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void watch(struct floor *f, int fd, enum kind kind)
{
    struct epoll_event ev = {.events = EPOLLIN, .data.fd = fd};

    if (fd >= FDS)
        die("too many descriptors");
    f->peers[fd] = (struct peer){.kind = kind};
    if (epoll_ctl(f->epoll, EPOLL_CTL_ADD, fd, &ev) != 0)
        die("epoll_ctl");
}

static unsigned listen_on(struct floor *f, enum kind kind)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, n) != 0 || listen(fd, 4096) != 0 ||
        getsockname(fd, (struct sockaddr *)&a, &n) != 0)
        die("listen");
    watch(f, fd, kind);
    return ntohs(a.sin_port);
}

/* --- frames --- */

/* The bytes of recalld's event, as far as a receiver looks at them: a text frame with a number in a fixed
 * place. */
static void make_frame(struct floor *f, size_t bytes)
{
    const size_t header = bytes - 2 <= 125 ? 2 : 4;
    size_t payload = bytes - header;
    char *text = (char *)f->frame + header;
    int n;

    f->frame[0] = 0x81;
    if (header == 2) {
        f->frame[1] = (unsigned char)payload;
    } else {
        f->frame[1] = 126;
        f->frame[2] = (unsigned char)(payload >> 8);
        f->frame[3] = (unsigned char)(payload & 0xff);
    }
    n = snprintf(text, payload, "{\"op\":\"event\",\"seq\":");
    f->seq_at = header + (size_t)n;
    n += snprintf(text + n, payload - (size_t)n, "%-*d,\"pad\":\"", SEQ_WIDTH, 0);
    memset(text + n, 'x', payload - (size_t)n);
    memcpy(text + payload - 2, "\"}", 2);
    f->frame_len = bytes;
}

static void stamp(struct floor *f, uint64_t seq)
{
    char digits[SEQ_WIDTH + 1];

    snprintf(digits, sizeof(digits), "%-*llu", SEQ_WIDTH, (unsigned long long)seq);
    memcpy(f->frame + f->seq_at, digits, SEQ_WIDTH);
}

static void send_all(int fd, const unsigned char *p, size_t n)
{
    if (send(fd, p, n, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)n && errno != EPIPE && errno != ECONNRESET)
        die("a socket did not take its bytes");
}

/* --- rooms --- */

static struct room *find_room(struct floor *f, const char *name)
{
    uint32_t hash = 2166136261U;

    for (const char *c = name; *c != '\0'; c++)
        hash = (hash ^ (unsigned char)*c) * 16777619U;
    for (uint32_t i = 0; i < ROOMS; i++) {
        struct room *r = &f->rooms[(hash + i) % ROOMS];

        if (r->name[0] == '\0')
            snprintf(r->name, sizeof(r->name), "%s", name);
        if (strcmp(r->name, name) == 0)
            return r;
    }
    die("too many rooms");
}

static void join(struct floor *f, int fd, struct room *r)
{
    if (r->count == r->cap) {
        r->cap = r->cap == 0 ? 64 : r->cap * 2;
        r->members = realloc(r->members, r->cap * sizeof(*r->members));
        if (r->members == NULL)
            die("memory");
    }
    f->peers[fd].room = r;
    f->peers[fd].slot = r->count;
    r->members[r->count++] = (struct member){fd, r->head};
}

static void leave(struct floor *f, int fd)
{
    struct room *r = f->peers[fd].room;
    const uint32_t slot = f->peers[fd].slot;

    if (r == NULL)
        return;
    r->members[slot] = r->members[--r->count];
    f->peers[r->members[slot].fd].slot = slot;
    if (r->remaining != 0)
        r->remaining = r->count;
}

static void publish(struct floor *f, struct room *r)
{
    stamp(f, ++r->head);
    if (!f->coalesce) {
        for (uint32_t i = 0; i < r->count; i++) {
            send_all(r->members[i].fd, f->frame, f->frame_len);
            r->members[i].seen = r->head;
        }
        return;
    }
    if (r->tape == NULL && (r->tape = malloc((size_t)TAPE * FRAME_MAX)) == NULL)
        die("memory");
    if (r->remaining == 0)
        r->first = r->head;
    /* The older half has been served long ago, or the driver sends too much ahead. */
    if (r->head - r->first >= TAPE) {
        memmove(r->tape, r->tape + (TAPE / 2) * f->frame_len, (TAPE / 2) * f->frame_len);
        r->first += TAPE / 2;
    }
    memcpy(r->tape + (r->head - r->first) * f->frame_len, f->frame, f->frame_len);
    r->remaining = r->count;
    if (!r->busy && r->count > 0) {
        r->busy = true;
        f->busy[f->busy_count++] = r;
    }
}

/* From now on the room is `n` events old for whoever joins. */
static void set_backlog(struct floor *f, struct room *r, unsigned n)
{
    free(r->backlog);
    r->backlog_len = n * f->frame_len;
    r->backlog = malloc(r->backlog_len + 1);
    if (r->backlog == NULL)
        die("memory");
    for (unsigned i = 0; i < n; i++) {
        stamp(f, i + 1);
        memcpy(r->backlog + i * f->frame_len, f->frame, f->frame_len);
    }
    r->head = n;
}

/* Serves the next members of a room with all that each misses. */
static void sweep(struct floor *f, struct room *r)
{
    for (uint32_t i = 0; i < SWEEP && r->remaining > 0; i++) {
        struct member *m;

        if (r->sweep >= r->count)
            r->sweep = 0;
        m = &r->members[r->sweep++];
        r->remaining--;
        if (m->seen == r->head)
            continue;
        send_all(m->fd, r->tape + (m->seen + 1 - r->first) * f->frame_len,
                 (r->head - m->seen) * f->frame_len);
        m->seen = r->head;
    }
}

/* --- connections --- */

static void drop(struct floor *f, int fd)
{
    leave(f, fd);
    free(f->peers[fd].text);
    f->peers[fd] = (struct peer){.kind = KIND_NONE};
    close(fd);
}

static void upgrade(struct floor *f, int fd, struct peer *p)
{
    static const char magic[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    const char *key = strcasestr(p->text, "\r\nSec-WebSocket-Key: ");
    char joined[128], accept[64], name[64], answer[256];
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    struct room *room;
    int n;

    if (key == NULL || sscanf(p->text, "GET /%63[^ ]", name) != 1) {
        drop(f, fd);
        return;
    }
    key += 21;
    n = snprintf(joined, sizeof(joined), "%.*s%s", (int)strcspn(key, "\r"), key, magic);
    EVP_Digest(joined, (size_t)n, hash, &hash_len, EVP_sha1(), NULL);
    EVP_EncodeBlock((unsigned char *)accept, hash, (int)hash_len);
    n = snprintf(answer, sizeof(answer),
                 "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                 "Sec-WebSocket-Accept: %s\r\n\r\n",
                 accept);
    free(p->text);
    p->text = NULL;
    p->kind = KIND_JOINED;
    send_all(fd, (unsigned char *)answer, (size_t)n);
    room = find_room(f, name);
    join(f, fd, room);
    if (room->backlog_len != 0)
        send_all(fd, room->backlog, room->backlog_len);
}

static void command(struct floor *f, const char *line)
{
    char name[64];
    unsigned n;

    if (sscanf(line, "send %63s", name) == 1)
        publish(f, find_room(f, name));
    else if (sscanf(line, "frame %u", &n) == 1 && n >= FRAME_MIN && n <= FRAME_MAX)
        make_frame(f, n);
    else if (sscanf(line, "coalesce %u", &n) == 1)
        f->coalesce = n != 0;
    else if (sscanf(line, "backlog %63s %u", name, &n) == 2)
        set_backlog(f, find_room(f, name), n);
    else
        fprintf(stderr, "floor: not a command: %s\n", line);
}

static void commands(struct floor *f, struct peer *p)
{
    char *at = p->text, *end;

    while ((end = strchr(at, '\n')) != NULL) {
        *end = '\0';
        command(f, at);
        at = end + 1;
    }
    p->len = strlen(at);
    memmove(p->text, at, p->len + 1);
}

static void readable(struct floor *f, int fd)
{
    struct peer *p = &f->peers[fd];
    char frames[4096];
    ssize_t n;

    if (p->kind == KIND_JOINED) { /* pongs and closes: nothing to say to either */
        n = recv(fd, frames, sizeof(frames), MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN))
            drop(f, fd);
        return;
    }
    if (p->text == NULL && (p->text = malloc(REQUEST)) == NULL)
        die("memory");
    n = recv(fd, p->text + p->len, REQUEST - 1 - p->len, MSG_DONTWAIT);
    if (n < 0 && errno == EAGAIN)
        return;
    if (n <= 0) {
        drop(f, fd);
        return;
    }
    p->len += (size_t)n;
    p->text[p->len] = '\0';
    if (p->kind == KIND_CONTROL)
        commands(f, p);
    else if (strstr(p->text, "\r\n\r\n") != NULL)
        upgrade(f, fd, p);
}

static void accept_on(struct floor *f, int listener, enum kind kind)
{
    const int one = 1;
    int fd;

    while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
        watch(f, fd, kind);
    }
}

static void serve(struct floor *f)
{
    struct epoll_event events[EVENTS];

    for (;;) {
        const int n = epoll_wait(f->epoll, events, EVENTS, f->busy_count != 0 ? 0 : -1);

        for (int i = 0; i < n; i++) {
            const int fd = events[i].data.fd;

            if (f->peers[fd].kind == KIND_LISTEN)
                accept_on(f, fd, KIND_OPENING);
            else if (f->peers[fd].kind == KIND_CONTROL_LISTEN)
                accept_on(f, fd, KIND_CONTROL);
            else if (f->peers[fd].kind != KIND_NONE)
                readable(f, fd);
        }
        for (size_t i = 0; i < f->busy_count;) {
            struct room *r = f->busy[i];

            sweep(f, r);
            if (r->remaining > 0) {
                i++;
            } else {
                r->busy = false;
                f->busy[i] = f->busy[--f->busy_count];
            }
        }
    }
}

int main(int argc, char **argv)
{
    struct floor *f = calloc(1, sizeof(*f));
    unsigned port, control;

    if (f == NULL || (f->epoll = epoll_create1(EPOLL_CLOEXEC)) < 0)
        die("start");
    f->coalesce = argc == 2 && strcmp(argv[1], "--coalesce") == 0;
    if (argc > 1 && !f->coalesce) {
        fputs("usage: floor [--coalesce]\n", stderr);
        return 2;
    }
    make_frame(f, 300);
    port = listen_on(f, KIND_LISTEN);
    control = listen_on(f, KIND_CONTROL_LISTEN);
    printf("floor ready port=%u control=%u\n", port, control);
    fflush(stdout);
    serve(f);
    return 0;
}
