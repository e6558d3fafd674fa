/*
 * gateway/edge/http.h - one HTTP/1 connection: bytes in, a bounded request to the api, its answer out, and
 * again.
 *
 * Owns:    the socket, until it closes or is handed to ws.h; the request's bytes while it is under way,
 *          nothing while idle.
 * Borrows: the thread.
 * Bounds:  a head of HTTP_HEAD_MAX bytes within HTTP_HEAD_MS, a body of `max_body` within `body_timeout`;
 *          one call at a time: what a caller pipelines behind it stays in the socket; an answer that is not
 *          read for HTTP_WRITE_MS is cut, and one that shows a message recalled meanwhile at once.
 * Fails:   with an answer where HTTP allows one, else by closing.
 * Thread:  the edge thread that accepted it.
 *
 *     HEAD → BODY → CALL → WRITE → DONE → HEAD …
 *       └──────(refused)─────↗       └→ LINGER → CLOSED
 *                       └→ STREAM → CLOSED
 *
 * http.c has bytes, deadlines and the list of connections, http_flow.c the states, http_guard.c what is
 * refused, http_stream.c answers that stay open.
 */
#ifndef RECALLD_EDGE_HTTP_H
#define RECALLD_EDGE_HTTP_H

#include "edge/http_head.h"
#include "edge/thread.h"

#define HTTP_HEAD_MS 10000
#define HTTP_IDLE_MS 75000
#define HTTP_WRITE_MS 30000
#define HTTP_LINGER_MS 2000
#define HTTP_LINGER_BYTES (4U << 20)
#define HTTP_ID_MAX 36

/* HTTP_UPGRADE: an upgrade that came while libwebsockets was at work; it waits for the end of the turn. */
enum http_state { HTTP_HEAD, HTTP_BODY, HTTP_CALL, HTTP_WRITE, HTTP_DONE, HTTP_LINGER, HTTP_STREAM, HTTP_UPGRADE, HTTP_CLOSED };

/* A request under way. Its texts point into `data`. */
struct http_request {
    struct http_head head;
    char id[HTTP_ID_MAX + 1]; /* "": none yet */
    int64_t started_ms;       /* when its first bytes were looked at; 0: not yet */
    size_t len, cap; /* of data; more than the request's own bytes when more was pipelined */
    char data[];
};

struct http_conn {
    uv_poll_t poll;
    bool polled; /* `poll` was set up: not before the connection has to wait for something */
    struct wheel_node timer;
    struct edge_thread *thread;
    struct http_conn *next, *prev;
    struct http_request *request; /* NULL: nothing received yet */
    struct api_call *call;
    char *out_head; /* what the socket did not take yet */
    const char *out_body;
    char *out_owned; /* freed when the answer is out */
    size_t out_head_len, out_head_at, out_body_len, out_body_at;
    size_t discarded; /* while lingering */
    struct events_stream *stream; /* with HTTP_STREAM */
    int64_t stalled_ms;           /* with HTTP_STREAM: when the socket took something last */
    int64_t out_app;              /* with `watched`: see api_reply */
    uint64_t out_mark;
    struct recalled_ids *out_ids; /* freed with out_owned */
    int fd;
    int events; /* polled now */
    int status; /* of the answer being written, for the log */
    enum http_state state;
    bool served;    /* had a request: from now on the idle time applies */
    bool advancing; /* http_flow_advance runs */
    bool eof;       /* the peer sends no more */
    bool muted;     /* readable while a call is under way: looked at when it is answered */
    bool parsed;    /* request->head is valid */
    bool closing;   /* close after this answer */
    bool unread;    /* input was left unread: linger */
    bool called;    /* the request reached the api */
    bool head_only; /* the request is a HEAD */
    bool continued; /* "100 Continue" was sent */
    bool watched;   /* out_body shows messages */
    bool waiting;   /* with HTTP_STREAM: the socket is full */
    bool closing_stream; /* with HTTP_STREAM: closed at the wheel's next turn */
    char peer[47];  /* its address in text */
};

/* Takes over an accepted, non-blocking socket (closed on failure). `peer` is copied. */
void http_open(struct edge_thread *t, int fd, const char *peer);
/* Cancels a call under way, closes the socket, frees the connection after this turn of the loop. */
void http_close(struct http_conn *c);
/* Takes the socket out of the connection, which is closed then without it. Returns the socket. */
int http_detach(struct http_conn *c);

/* Sends an answer; `owned` (may be NULL) is freed when it is out. Ends in HTTP_DONE, now or later, or closes.
 */
void http_send(struct http_conn *c, const char *head, size_t head_len, const char *body, size_t body_len,
               char *owned);
/* Makes room for `need` bytes in all; false: out of memory. Invalidates the request's texts. */
bool http_reserve(struct http_conn *c, size_t need);
/* Sets polling and deadline as the state wants them. */
void http_settle(struct http_conn *c);

/* A deadline passed: for the wheel. */
void http_fire(struct wheel_node *node, int64_t now_ms);
/* The server leaves: idle connections close now, the others after their answer. */
void http_drain_all(struct edge_thread *t);
/* Frees connections that went before they were ever polled; once a turn. */
void http_bury(struct edge_thread *t);
/* Hands the upgrades that wait to libwebsockets. */
void http_upgrade_all(struct edge_thread *t);
void http_close_all(struct edge_thread *t);

#endif
