/*
 * gateway/api/events_stream.h - one room's log as an event stream over HTTP (text/event-stream), without the socket.
 *
 * Owns:    its subscription in the hub, the rest of one event that the socket took a part of.
 * Borrows: `transport`, from open until events_stream_close.
 * Bounds:  one room; nothing is queued: a slow reader holds a position in the log, as a WebSocket does.
 * Fails:   by ending; the reader comes back with Last-Event-ID, and is then told what is wrong.
 * Thread:  the edge thread that owns the connection, for everything.
 *
 *     retry: 3000                     once
 *     id: k3f9:59 + data: {frame}     an event of the log
 *     event: reset + data: {...}      the log does not reach back to where the reader stands
 *     :                               every ping_interval, so that nothing on the way cuts a quiet connection
 *
 * It ends when the token does, when the user is no member any more, when the server leaves, and at once when a message is recalled of
 * which the socket has a part.
 */
#ifndef RECALLD_API_EVENTS_STREAM_H
#define RECALLD_API_EVENTS_STREAM_H

#include "api/gateway.h"
#include "core/hub.h"
#include "core/principal.h"

struct events_stream;
struct notice;

/* What a stream asks of its connection. None of these calls back into the stream before it returns. */
struct events_transport {
    /* Hands bytes to the socket and keeps none. HUB_BLOCKED: `*taken` of them are with the kernel, and
     * events_stream_drained follows when it takes more. */
    enum hub_sent (*write)(void *connection, const struct iovec *v, int n, size_t *taken);
    /* Nothing more is written: the connection ends, events_stream_close follows. */
    void (*end)(void *connection);
};

/* What a call found; everything is borrowed for the call. */
struct events_start {
    struct api_thread *thread;
    const struct config *config;
    const struct config_app *app;
    int64_t app_id;
    const struct principal_claim *claim;
    struct str user; /* absent: the platform */
    int64_t expires_ms;
    struct str room;
    struct str epoch; /* absent: not checked */
    int64_t since;
};

/* Makes a stream; from here on revoking the token ends it. NULL without memory. */
struct events_stream *events_stream_create(const struct events_start *start);
/* The head of the answer is on its way: begins to follow the room. */
void events_stream_open(struct events_stream *s, const struct events_transport *transport, void *connection, int64_t now_ms);
/* The socket takes bytes again. */
void events_stream_drained(struct events_stream *s);
/* When events_stream_tick wants to be called next, wall-clock ms. */
int64_t events_stream_deadline(const struct events_stream *s);
void events_stream_tick(struct events_stream *s, int64_t now_ms);
/* The server is leaving: tells the reader when to come back, and ends. */
void events_stream_drain(struct events_stream *s, int64_t reconnect_ms);
/* The connection is gone, or there will be none. `s` is invalid afterwards; NULL is legal. */
void events_stream_close(struct events_stream *s);

/* --- for session_*.c, which has the hub --- */

/* The stream that a connection of the hub is, if it is one: all of them, and only they, are `rendering`. */
static inline struct events_stream *events_stream_of(struct hub_conn *conn)
{
    return conn->rendering ? (struct events_stream *)(void *)conn : NULL;
}

/* The hub's operations, for a stream (see hub.h). */
enum hub_sent events_stream_render(struct hub_conn *conn, const struct frame *frame, bool *cut);
bool events_stream_read(struct events_stream *s, struct str room, int64_t after, uint64_t ticket);
/* Whose it is; absent: the platform's. */
struct str events_stream_user(const struct events_stream *s);
void events_stream_reset(struct events_stream *s, int64_t head);
/* Ends it. */
void events_stream_stop(struct events_stream *s);
/* The user left a room: ends the streams of it. */
void events_stream_left(struct events_stream *first, const struct frame *frame);
/* Tokens of the user were revoked: ends the streams that live by them. */
void events_stream_notice(struct events_stream *first, const struct notice *notice);

#endif
