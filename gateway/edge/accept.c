#include "edge/accept.h"

#include "base/log.h"
#include "edge/http.h"
#include "edge/tls.h"
#include "edge/turn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPT_BATCH 4 /* each may bring its upgrade, authentication and catch-up into the same turn */
#define ACCEPT_BATCH_QUIET 8 /* the same while no events go out that would have to wait */
/* While turns are long, what is live waits behind those who arrive: then they come in at this pace, and wait in the
 * kernel's backlog. */
#define ACCEPT_BATCH_SLOW 2
#define ACCEPT_PAUSE_MS 2
#define ACCEPT_BACKLOG 4096

static void fail(char *error, size_t n, const char *host, unsigned port, const char *what, int code)
{
    if (code == EADDRINUSE)
        snprintf(error, n, "cannot listen on %s port %u: another process uses it", host, port);
    else
        snprintf(error, n, "cannot listen on %s port %u: %s: %s", host, port, what, strerror(code));
}

/* As inet_ntop has it, which takes ten times as long: this is done for each connection. */
static void ipv4_text(const unsigned char ip[static 4], char out[static INET_ADDRSTRLEN])
{
    for (unsigned i = 0; i < 4; i++) {
        if (ip[i] >= 100)
            *out++ = (char)('0' + ip[i] / 100);
        if (ip[i] >= 10)
            *out++ = (char)('0' + ip[i] / 10 % 10);
        *out++ = (char)('0' + ip[i] % 10);
        *out++ = i < 3 ? '.' : '\0';
    }
}

/* The text of a peer's address; "" for other families. */
static void peer_text(const struct sockaddr_storage *sa, char out[static INET6_ADDRSTRLEN])
{
    out[0] = '\0';
    if (sa->ss_family == AF_INET) {
        unsigned char ip[4];

        memcpy(ip, (const char *)sa + offsetof(struct sockaddr_in, sin_addr), sizeof(ip));
        ipv4_text(ip, out);
    } else if (sa->ss_family == AF_INET6) {
        struct in6_addr ip;

        memcpy(&ip, (const char *)sa + offsetof(struct sockaddr_in6, sin6_addr), sizeof(ip));
        inet_ntop(AF_INET6, &ip, out, INET6_ADDRSTRLEN);
    }
}

/* The text of a listening socket's address, with its port. */
static void address_text(const struct sockaddr_storage *sa, char *out, size_t n)
{
    char ip[INET6_ADDRSTRLEN];
    uint16_t port;

    peer_text(sa, ip);
    memcpy(&port, (const char *)sa + (sa->ss_family == AF_INET ? offsetof(struct sockaddr_in, sin_port)
                                                               : offsetof(struct sockaddr_in6, sin6_port)), sizeof(port));
    snprintf(out, n, sa->ss_family == AF_INET ? "%s:%u" : "[%s]:%u", ip, (unsigned)ntohs(port));
}

static void set_port(struct sockaddr_storage *sa, uint16_t port)
{
    if (sa->ss_family == AF_INET)
        memcpy((char *)sa + offsetof(struct sockaddr_in, sin_port), &(uint16_t){htons(port)}, sizeof(port));
    else
        memcpy((char *)sa + offsetof(struct sockaddr_in6, sin6_port), &(uint16_t){htons(port)}, sizeof(port));
}

/* A bound socket, not listening yet; -1 with errno. */
static int bound_socket(const struct sockaddr_storage *sa, socklen_t len, bool shared)
{
    int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* accepted sockets have it from here (Linux) */
    if (sa->ss_family == AF_INET6)
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){1}, sizeof(int));
    if (shared && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) != 0)
        goto err;
    if (bind(fd, (const struct sockaddr *)(const void *)sa, len) != 0)
        goto err;
    return fd;

err:;
    int saved = errno;

    close(fd);
    errno = saved;
    return -1;
}

/* One address for all threads: the first socket is bound without SO_REUSEPORT, which fails if anybody listens
 * there, even a gateway that shares its port among its own threads; only then it, and the others, may share.
 */
static int bind_address(struct sockaddr_storage *sa, socklen_t len, size_t threads, int *fds)
{
    struct sockaddr_storage real;
    socklen_t real_len = sizeof(real);
    size_t i;

    for (i = 0; i < threads; i++) {
        int fd = bound_socket(sa, len, i > 0);

        if (fd < 0)
            return errno;
        fds[i * ACCEPT_ADDRESSES_MAX] = fd;
        if (i > 0)
            continue;
        if (threads > 1 && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &(int){1}, sizeof(int)) != 0)
            return errno;
        if (getsockname(fd, (struct sockaddr *)(void *)&real, &real_len) != 0)
            return errno;
        *sa = real; /* from here on with the port that was chosen for port 0 */
    }
    for (i = 0; i < threads; i++)
        if (listen(fds[i * ACCEPT_ADDRESSES_MAX], ACCEPT_BACKLOG) != 0)
            return errno;
    return 0;
}

bool accept_bind(const char *host, uint16_t port, size_t threads, int *fds, size_t *addresses,
                 struct accept_address *first, char *error, size_t n)
{
    struct addrinfo hints = {
        .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *list = NULL;
    uint16_t chosen = port;
    int rc, code = 0;

    *addresses = 0;
    for (size_t i = 0; i < threads * ACCEPT_ADDRESSES_MAX; i++)
        fds[i] = -1;
    rc = getaddrinfo(host, NULL, &hints, &list);
    if (rc != 0) {
        snprintf(error, n, "cannot listen on %s port %u: %s", host, (unsigned)port, gai_strerror(rc));
        return false;
    }
    for (struct addrinfo *a = list; a != NULL && *addresses < ACCEPT_ADDRESSES_MAX; a = a->ai_next) {
        struct sockaddr_storage sa = {0};

        if ((a->ai_family != AF_INET && a->ai_family != AF_INET6) || a->ai_addrlen > sizeof(sa))
            continue;
        memcpy(&sa, a->ai_addr, a->ai_addrlen);
        set_port(&sa, chosen);
        code = bind_address(&sa, a->ai_addrlen, threads, fds + *addresses);
        if (code == EADDRNOTAVAIL || code == EAFNOSUPPORT) /* a family that this machine does not have */
            continue;
        if (code != 0)
            break;
        if ((*addresses)++ == 0) {
            address_text(&sa, first->text, sizeof(first->text));
            const char *colon = strrchr(first->text, ':');

            for (chosen = 0; colon != NULL && *++colon != '\0';)
                chosen = (uint16_t)(chosen * 10 + (*colon - '0'));
        }
    }
    freeaddrinfo(list);
    if (*addresses > 0 && (code == 0 || code == EADDRNOTAVAIL || code == EAFNOSUPPORT))
        return true;
    fail(error, n, host, port, "bind", code != 0 ? code : EADDRNOTAVAIL);
    for (size_t i = 0; i < threads * ACCEPT_ADDRESSES_MAX; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    return false;
}

static void accept_one(struct edge_thread *t, int fd, const struct sockaddr_storage *from)
{
    char peer[INET6_ADDRSTRLEN];

    peer_text(from, peer);
    if (t->shared->tls != NULL)
        tls_open(t, fd, peer);
    else
        http_open(t, fd, peer);
}

static bool room_for_sockets(const struct edge_thread *t)
{
    return atomic_load_explicit(&t->shared->sockets, memory_order_relaxed) < t->shared->socket_limit;
}

static void stop_polling(struct edge_thread *t)
{
    if (!t->accepting)
        return;
    for (size_t i = 0; i < t->listener_count; i++)
        uv_poll_stop(&t->listeners[i].poll);
    t->accepting = false;
}

static void on_pause_over(uv_timer_t *timer)
{
    accept_resume(timer->loop->data);
}

static void on_listener(uv_poll_t *poll, int status, int events)
{
    struct edge_thread *t = poll->loop->data;
    const struct thread_listener *l = poll->data;
    const bool slow = turn_long(t);
    const int batch = slow ? ACCEPT_BATCH_SLOW : t->live ? ACCEPT_BATCH : ACCEPT_BATCH_QUIET;

    (void)status;
    (void)events;
    turn_breathe(t);
    if (slow) {
        stop_polling(t);
        uv_timer_start(&t->accept_pause, on_pause_over, ACCEPT_PAUSE_MS, 0);
    }
    for (int i = 0; i < batch; i++) {
        struct sockaddr_storage from;
        socklen_t len = sizeof(from);
        int fd;

        from.ss_family = AF_UNSPEC;
        if (!room_for_sockets(t)) {
            log_warn("edge.full", LOG_INT("sockets", atomic_load(&t->shared->sockets)), LOG_END);
            stop_polling(t);
            return;
        }
        fd = accept4(l->fd, (struct sockaddr *)(void *)&from, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            accept_one(t, fd, &from);
            continue;
        }
        if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            log_warn("edge.accept", LOG_TEXT("error", strerror(errno)), LOG_END);
            stop_polling(t);
            return;
        }
        if (errno != EINTR && errno != ECONNABORTED)
            return; /* EAGAIN, or an error of a connection that was not made */
    }
}

void accept_resume(struct edge_thread *t)
{
    if (t->accepting || t->draining || t->stopping || uv_is_active((uv_handle_t *)&t->accept_pause) || !room_for_sockets(t))
        return;
    for (size_t i = 0; i < t->listener_count; i++)
        uv_poll_start(&t->listeners[i].poll, UV_READABLE, on_listener);
    t->accepting = true;
}

void accept_close(struct edge_thread *t)
{
    stop_polling(t);
    for (size_t i = 0; i < t->listener_count; i++) {
        struct thread_listener *l = &t->listeners[i];

        if (l->fd < 0)
            continue;
        uv_close((uv_handle_t *)&l->poll, NULL);
        close(l->fd);
        l->fd = -1;
    }
}
