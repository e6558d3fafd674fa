#include "edge/tls.h"

#include "base/log.h"
#include "edge/accept.h"
#include "edge/http.h"

#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct tls_context {
    pthread_mutex_t lock;
    SSL_CTX *ssl;
};

/* What one side sent and the other has not taken yet. */
struct pending {
    char *p; /* NULL: nothing */
    size_t len, at;
};

struct tls_conn {
    uv_poll_t outer, inner; /* the peer's socket; our half of the pair */
    struct wheel_node timer;
    struct edge_thread *thread;
    struct tls_conn *next, *prev;
    SSL *ssl;
    int outer_fd, inner_fd; /* inner -1: the handshake is under way */
    int outer_events, inner_events;
    struct pending in, out; /* towards the inside, towards the peer */
    unsigned handles;       /* uv handles to close before freeing */
    bool outer_eof, inner_eof, inner_gone, wants_write, closed;
    char peer[47];
};

/* --- the context --- */

static int choose_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
                       unsigned in_len, void *arg)
{
    static const unsigned char http11[] = "\x08http/1.1";
    unsigned char *chosen;

    (void)ssl;
    (void)arg;
    if (SSL_select_next_proto(&chosen, out_len, http11, sizeof(http11) - 1, in, in_len) !=
        OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static SSL_CTX *make_ssl(const char *certificate, const char *key, char *error, size_t n)
{
    SSL_CTX *ssl = SSL_CTX_new(TLS_server_method());
    const char *what = certificate;

    if (ssl == NULL) {
        snprintf(error, n, "OpenSSL cannot start");
        return NULL;
    }
    SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION);
    SSL_CTX_set_options(ssl,
                        SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
    SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                              SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_alpn_select_cb(ssl, choose_alpn, NULL);
    if (SSL_CTX_use_certificate_chain_file(ssl, certificate) != 1)
        goto err;
    what = key;
    if (SSL_CTX_use_PrivateKey_file(ssl, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ssl) != 1)
        goto err;
    return ssl;

err:
    snprintf(error, n, "cannot use %s for TLS: %s", what, ERR_reason_error_string(ERR_peek_last_error()));
    ERR_clear_error();
    SSL_CTX_free(ssl);
    return NULL;
}

struct tls_context *tls_context_create(const char *certificate, const char *key, char *error, size_t n)
{
    struct tls_context *c = calloc(1, sizeof(*c));

    if (c == NULL) {
        snprintf(error, n, "out of memory");
        return NULL;
    }
    c->ssl = make_ssl(certificate, key, error, n);
    if (c->ssl == NULL) {
        free(c);
        return NULL;
    }
    pthread_mutex_init(&c->lock, NULL);
    return c;
}

bool tls_context_reload(struct tls_context *c, const char *certificate, const char *key, char *error,
                        size_t n)
{
    SSL_CTX *fresh = make_ssl(certificate, key, error, n), *old;

    if (fresh == NULL)
        return false;
    pthread_mutex_lock(&c->lock);
    old = c->ssl;
    c->ssl = fresh;
    pthread_mutex_unlock(&c->lock);
    SSL_CTX_free(old); /* connections hold references of their own */
    return true;
}

void tls_context_free(struct tls_context *c)
{
    if (c == NULL)
        return;
    SSL_CTX_free(c->ssl);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

/* --- a relay's end --- */

static void on_handle_closed(uv_handle_t *handle)
{
    struct tls_conn *c = handle->data;

    if (--c->handles > 0)
        return;
    SSL_free(c->ssl);
    free(c->in.p);
    free(c->out.p);
    free(c);
}

static void relay_close(struct tls_conn *c)
{
    struct edge_thread *t = c->thread;

    if (c->closed)
        return;
    c->closed = true;
    wheel_clear(&c->timer);
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        t->tls_list = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    t->tls_count--;
    uv_close((uv_handle_t *)&c->outer, on_handle_closed);
    if (c->inner_fd >= 0) {
        uv_close((uv_handle_t *)&c->inner, on_handle_closed);
        close(c->inner_fd);
    }
    close(c->outer_fd);
    atomic_fetch_sub_explicit(&t->shared->sockets, c->inner_fd >= 0 ? 2 : 1, memory_order_relaxed);
    thread_connection_gone(t);
}

/* --- moving bytes: each returns false when the relay is broken --- */

static bool keep(struct pending *q, const char *p, size_t n)
{
    q->p = malloc(n);
    if (q->p == NULL)
        return false;
    memcpy(q->p, p, n);
    q->len = n;
    q->at = 0;
    return true;
}

static void drop(struct pending *q)
{
    free(q->p);
    q->p = NULL;
}

/* To the inside; what it does not take is kept. */
static bool push_in(struct tls_conn *c)
{
    while (c->in.p != NULL) {
        ssize_t n = send(c->inner_fd, c->in.p + c->in.at, c->in.len - c->in.at, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        c->in.at += (size_t)n;
        if (c->in.at == c->in.len)
            drop(&c->in);
    }
    return true;
}

/* Whether OpenSSL only waits for the socket. */
static bool waits(struct tls_conn *c, int rc)
{
    int e = SSL_get_error(c->ssl, rc);

    if (e == SSL_ERROR_WANT_WRITE)
        c->wants_write = true;
    return e == SSL_ERROR_WANT_READ || e == SSL_ERROR_WANT_WRITE;
}

static bool push_out(struct tls_conn *c)
{
    while (c->out.p != NULL) {
        int n = SSL_write(c->ssl, c->out.p + c->out.at, (int)(c->out.len - c->out.at));

        if (n <= 0)
            return waits(c, n);
        c->out.at += (size_t)n;
        if (c->out.at == c->out.len)
            drop(&c->out);
    }
    return true;
}

static bool pull_outer(struct tls_conn *c)
{
    while (c->in.p == NULL && !c->outer_eof) {
        int n = SSL_read(c->ssl, c->thread->scratch, TLS_CHUNK);

        if (n <= 0) {
            if (waits(c, n))
                return true;
            if (SSL_get_error(c->ssl, n) != SSL_ERROR_ZERO_RETURN && ERR_peek_error() != 0)
                return false;
            c->outer_eof = true;
            shutdown(c->inner_fd, SHUT_WR);
            return true;
        }
        if (!keep(&c->in, c->thread->scratch, (size_t)n) || !push_in(c))
            return false;
    }
    return true;
}

static bool pull_inner(struct tls_conn *c)
{
    while (c->out.p == NULL && !c->inner_eof) {
        ssize_t n = recv(c->inner_fd, c->thread->scratch, TLS_CHUNK, MSG_DONTWAIT);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0) {
            c->inner_eof = true;
            return true;
        }
        if (!keep(&c->out, c->thread->scratch, (size_t)n) || !push_out(c))
            return false;
    }
    return true;
}

static void on_poll(uv_poll_t *poll, int status, int events);

static void set_events(uv_poll_t *poll, int *was, int events)
{
    if (*was == events)
        return;
    *was = events;
    if (events == 0)
        uv_poll_stop(poll);
    else
        uv_poll_start(poll, events, on_poll);
}

static void settle(struct tls_conn *c)
{
    set_events(&c->outer, &c->outer_events,
               (c->in.p == NULL && !c->outer_eof ? UV_READABLE : 0) |
                   (c->out.p != NULL || c->wants_write ? UV_WRITABLE : 0));
    if (c->inner_fd >= 0)
        set_events(&c->inner, &c->inner_events,
                   (c->out.p == NULL && !c->inner_eof ? UV_READABLE : 0) |
                       (c->in.p != NULL ? UV_WRITABLE : 0) | (c->inner_gone ? 0 : UV_DISCONNECT));
}

/* --- the handshake, and then the relay --- */

/* The handshake is done: the plain side goes to http.c. */
static bool connect_inside(struct tls_conn *c)
{
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair) != 0)
        return false;
    if (uv_poll_init(&c->thread->loop, &c->inner, pair[0]) != 0) {
        close(pair[0]);
        close(pair[1]);
        return false;
    }
    c->inner.data = c;
    c->inner_fd = pair[0];
    c->handles++;
    atomic_fetch_add_explicit(&c->thread->shared->sockets, 1, memory_order_relaxed);
    wheel_clear(&c->timer);
    http_open(c->thread, pair[1], c->peer);
    return true;
}

static bool handshake(struct tls_conn *c)
{
    int rc = SSL_accept(c->ssl);

    if (rc == 1)
        return connect_inside(c);
    return waits(c, rc);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct tls_conn *c = poll->data;

    thread_now(c->thread);
    ERR_clear_error();
    if (poll == &c->inner && (events & UV_DISCONNECT) != 0 && !c->inner_gone) {
        /* Our side hung up: a peer that does not take the rest cannot keep the relay. */
        c->inner_gone = true;
        wheel_set(&c->thread->tls_wheel, &c->timer, c->thread->now_ms + TLS_END_MS);
    }
    c->wants_write = false;
    if (status < 0 || (c->inner_fd < 0 && !handshake(c))) {
        relay_close(c);
        return;
    }
    if (c->inner_fd >= 0) {
        if (!push_in(c) || !push_out(c) || !pull_outer(c) || !pull_inner(c)) {
            relay_close(c);
            return;
        }
        if (c->inner_eof && c->out.p == NULL) { /* our side is done, and all of it is out */
            SSL_shutdown(c->ssl);
            relay_close(c);
            return;
        }
    }
    settle(c);
}

void tls_open(struct edge_thread *t, int fd, const char *peer)
{
    struct tls_conn *c = calloc(1, sizeof(*c));

    if (c == NULL)
        goto err0;
    pthread_mutex_lock(&t->shared->tls->lock);
    c->ssl = SSL_new(t->shared->tls->ssl);
    pthread_mutex_unlock(&t->shared->tls->lock);
    if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1 || uv_poll_init(&t->loop, &c->outer, fd) != 0)
        goto err1;
    c->outer.data = c;
    c->thread = t;
    c->outer_fd = fd;
    c->inner_fd = -1;
    c->handles = 1;
    strncpy(c->peer, peer, sizeof(c->peer) - 1);
    c->next = t->tls_list;
    if (c->next != NULL)
        c->next->prev = c;
    t->tls_list = c;
    t->tls_count++;
    atomic_fetch_add_explicit(&t->shared->sockets, 1, memory_order_relaxed);
    wheel_set(&t->tls_wheel, &c->timer, t->now_ms + TLS_HANDSHAKE_MS);
    settle(c);
    return;

err1:
    SSL_free(c->ssl);
    free(c);
err0:
    close(fd);
}

void tls_fire(struct wheel_node *node, int64_t now_ms)
{
    (void)now_ms;
    relay_close((struct tls_conn *)(void *)((char *)node - offsetof(struct tls_conn, timer)));
}

void tls_drain_all(struct edge_thread *t)
{
    struct tls_conn *next;

    for (struct tls_conn *c = t->tls_list; c != NULL; c = next) {
        next = c->next;
        if (c->inner_fd < 0)
            relay_close(c);
    }
}

void tls_close_all(struct edge_thread *t)
{
    while (t->tls_list != NULL)
        relay_close(t->tls_list);
}
