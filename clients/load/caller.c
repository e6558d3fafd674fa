#include "clients/load/caller.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_SIZE 65536U

struct caller_call {
    struct caller_call *next;
    caller_fn *fn;
    void *arg;
    uint64_t tag;
    bool again; /* it was sent once already, on a connection that the server was about to end */
    size_t len;
    char text[];
};

struct caller_line {
    struct poller_item item; /* first */
    struct caller *caller;
    struct caller_call *call; /* under way */
    struct http_reader reader;
    int fd;
    bool connecting, used; /* `used`: an answer came over this connection before */
    size_t sent;
    int64_t since_ns;
};

static void serve(struct caller *c);

static void line_close(struct caller_line *l)
{
    if (l->fd >= 0)
        close(l->fd);
    l->fd = -1;
    l->connecting = l->used = false;
    http_reader_next(&l->reader);
}

/* Tells the call of this line. The line stays taken meanwhile: the answer may lie in its reader, and who is
 * told may ask for the next one. */
static void finish(struct caller_line *l, int status, const char *text, size_t len)
{
    struct caller_call *call = l->call;
    const struct caller_answer answer = {.status = status,
                                         .retry_after_s = status != 0 ? l->reader.retry_after_s : -1,
                                         .body = text,
                                         .len = len};

    call->fn(call->arg, call->tag, &answer);
    l->call = NULL;
    l->caller->busy--;
    free(call);
}

static void fail(struct caller_line *l, const char *what, int error)
{
    char text[160];
    struct caller_call *call = l->call;
    struct caller *c = l->caller;

    if (call == NULL) {
        line_close(l);
        return;
    }
    /* Not a byte of an answer on a connection that had been idle: the server ended it before it saw the call.
     */
    if (l->used && l->reader.len == 0 && !call->again && error != ETIMEDOUT) {
        call->again = true;
        l->call = NULL;
        c->busy--;
        line_close(l);
        call->next = c->first;
        c->first = call;
        if (call->next == NULL)
            c->last = &call->next;
        c->waiting++;
        return;
    }
    snprintf(text, sizeof(text), "%s%s%s", what, error != 0 ? ": " : "", error != 0 ? strerror(error) : "");
    if (l->connecting)
        c->connect_error = error;
    line_close(l);
    finish(l, 0, text, strlen(text));
}

static bool send_rest(struct caller_line *l)
{
    while (l->sent < l->call->len) {
        const ssize_t n =
            send(l->fd, l->call->text + l->sent, l->call->len - l->sent, MSG_NOSIGNAL | MSG_DONTWAIT);

        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return poller_change(l->caller->poller, l->fd, EPOLLIN | EPOLLOUT, &l->item);
        if (n <= 0) {
            fail(l, "the server took no call", errno);
            return false;
        }
        l->sent += (size_t)n;
    }
    return true;
}

static void on_done(struct caller_line *l)
{
    const bool closes = l->reader.closes;

    l->used = true;
    l->caller->connect_error = 0;
    finish(l, l->reader.status, l->reader.body, l->reader.body_len);
    if (closes)
        line_close(l);
    else
        http_reader_next(&l->reader);
}

static void on_input(struct caller_line *l)
{
    static char buffer[READ_SIZE];
    const ssize_t n = recv(l->fd, buffer, sizeof(buffer), MSG_DONTWAIT);
    enum http_reader_state state;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        if (n == 0 && l->call != NULL && http_reader_end(&l->reader) == HTTP_READER_DONE)
            on_done(l);
        else
            fail(l, "the server ended the connection without an answer", n < 0 ? errno : 0);
        return;
    }
    if (l->call == NULL) { /* nothing was asked: an answer to nobody, mostly 408 before the end */
        line_close(l);
        return;
    }
    state = http_reader_feed(&l->reader, buffer, (size_t)n);
    if (state == HTTP_READER_BROKEN)
        fail(l, "the server's answer is no HTTP/1.1, or larger than 64 MiB", 0);
    else if (state == HTTP_READER_DONE)
        on_done(l);
}

static void on_ready(struct poller_item *item, uint32_t events)
{
    struct caller_line *l = (struct caller_line *)item;
    struct caller *c = l->caller;
    int error = 0;
    socklen_t len = sizeof(error);

    if (l->fd < 0)
        return;
    if (l->connecting) {
        if (getsockopt(l->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
            fail(l, "cannot connect", error);
            serve(c);
            return;
        }
        if (!(events & EPOLLOUT))
            return;
        l->connecting = false;
    }
    if (events & EPOLLOUT && l->call != NULL) {
        poller_change(c->poller, l->fd, EPOLLIN, &l->item);
        if (!send_rest(l)) {
            serve(c);
            return;
        }
    }
    if (events & (EPOLLIN | EPOLLERR | EPOLLHUP))
        on_input(l);
    serve(c);
}

static void line_open(struct caller_line *l)
{
    const struct options *o = l->caller->options;
    const int one = 1;

    l->fd = socket(o->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    l->connecting = true;
    if (l->fd < 0) {
        fail(l, "cannot open a socket", errno);
        return;
    }
    (void)setsockopt(l->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    if (connect(l->fd, (const struct sockaddr *)&o->at, o->at_len) != 0 && errno != EINPROGRESS)
        fail(l, "cannot connect", errno);
    else if (!poller_add(l->caller->poller, l->fd, EPOLLIN | EPOLLOUT, &l->item))
        fail(l, "cannot watch a socket", errno);
}

/* Gives waiting calls to free lines. */
static void serve(struct caller *c)
{
    while (c->first != NULL && c->busy < c->most) {
        struct caller_line *l = &c->lines[c->turn];
        struct caller_call *call = c->first;

        c->turn = (c->turn + 1) % c->most;
        if (l->call != NULL)
            continue;
        c->first = call->next;
        if (c->first == NULL)
            c->last = &c->first;
        c->waiting--;
        c->busy++;
        l->call = call;
        l->sent = 0;
        l->since_ns = (int64_t)uv_hrtime();
        if (l->fd < 0)
            line_open(l);
        else
            (void)send_rest(l);
    }
}

bool caller_init(struct caller *c, struct poller *poller, const struct options *options, uint32_t most)
{
    *c = (struct caller){.poller = poller, .options = options, .most = most};
    c->last = &c->first;
    c->lines = calloc(most, sizeof(*c->lines));
    for (uint32_t i = 0; c->lines != NULL && i < most; i++)
        c->lines[i] = (struct caller_line){.item = {on_ready}, .caller = c, .fd = -1};
    return c->lines != NULL;
}

void caller_close(struct caller *c)
{
    while (c->first != NULL) {
        struct caller_call *next = c->first->next;

        free(c->first);
        c->first = next;
    }
    for (uint32_t i = 0; c->lines != NULL && i < c->most; i++) {
        line_close(&c->lines[i]);
        http_reader_free(&c->lines[i].reader);
        free(c->lines[i].call);
    }
    free(c->lines);
    *c = (struct caller){.lines = NULL};
}

bool caller_ask(struct caller *c, const char *method, const char *path, const char *headers, const char *body,
                size_t len, caller_fn *fn, void *arg, uint64_t tag)
{
    const size_t room = strlen(path) + (headers != NULL ? strlen(headers) : strlen(c->options->api_key)) +
                        strlen(c->options->host_header) + len + 256;
    struct caller_call *call = malloc(sizeof(*call) + room);
    int n;

    if (call == NULL)
        return false;
    *call = (struct caller_call){.fn = fn, .arg = arg, .tag = tag};
    n = snprintf(call->text, room, "%s %s HTTP/1.1\r\nHost: %s\r\n%s%s%sContent-Length: %zu\r\n\r\n", method,
                 path, c->options->host_header,
                 headers != NULL ? headers : "IM-API-KEY: ", headers != NULL ? "" : c->options->api_key,
                 headers != NULL ? "" : "\r\nContent-Type: application/json; charset=utf-8\r\n", len);
    if (n < 0 || (size_t)n + len > room) {
        free(call);
        return false;
    }
    if (len > 0)
        memcpy(call->text + n, body, len);
    call->len = (size_t)n + len;
    *c->last = call;
    c->last = &call->next;
    c->waiting++;
    serve(c);
    return true;
}

uint64_t caller_open(const struct caller *c)
{
    return c->busy + c->waiting;
}

void caller_look(struct caller *c, int64_t now_ns)
{
    for (uint32_t i = 0; i < c->most; i++) {
        struct caller_line *l = &c->lines[i];

        if (l->call != NULL && now_ns - l->since_ns > CALLER_PATIENCE_NS)
            fail(l, "no answer within 30 s", ETIMEDOUT);
    }
    serve(c);
}
