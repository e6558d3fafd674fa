/*
 * gateway/api/session.h - one WebSocket connection's conversation (wire.md), without the socket.
 *
 * Owns:    the session's state: principal claim, device, subscriptions in the hub, ack batches.
 * Borrows: frames' bytes during session_frame; `transport`, from open until session_close returned.
 * Bounds:  `max_rooms` subscriptions, `frames_per_second`/`frames_burst` frames (more: 4429), which bounds the commands under
 *          way too; the store's queues bound those of all sessions.
 * Fails:   by an error reply, or by transport->close with the contract's code.
 * Thread:  the edge thread that owns the connection, for everything.
 */
#ifndef RECALLD_API_SESSION_H
#define RECALLD_API_SESSION_H

#include "api/gateway.h"
#include "bus/bus.h"
#include "core/hub.h"

struct session;

/* What a session asks of its connection. The edge implements it once for all connections. */
struct session_transport {
    /* Sends one control text frame (a reply, ready, bye, signal): `n` payload bytes, copied by the edge if they do not fit
     * the socket now. False: the connection's outgoing buffer is over its cap; the session closes it with 1013. */
    bool (*text)(void *connection, const char *payload, size_t n);
    /* Hands ready-made frame bytes (WebSocket headers included) to the socket and keeps none: see `send` in hub.h. `more`: if all of
     * them are taken, `text` follows at once, and they may go out with that. None of these
     * functions calls back into the session before it returns. */
    enum hub_sent (*frames)(void *connection, const char *p, size_t n, bool more, size_t *taken);
    /* The hub's way to the connection, and what it asks of it, see hub.h: good while neither `frames` said anything but HUB_SENT nor session_ends was
     * called. */
    void *(*way)(const void *connection);
    void (*look)(void *const ways[], unsigned n, int sockets[]);
    /* `edge` is the `arg` of session_thread_create. Tells how many took all. */
    unsigned (*put)(void *edge, struct hub_send sends[], unsigned count);
    /* Keeps the rest of a frame of which the socket took a part, and sends it before anything else. False: the connection is
     * over. */
    bool (*finish)(void *connection, const char *p, size_t n);
    /* Starts closing with `code`, or, with code 0, ends the connection at once without sending what it keeps; session_close follows later from the edge. Further calls are ignored. */
    void (*close)(void *connection, int code, const char *reason);
    /* session_deadline changed outside of a call from the edge: ask it again. */
    void (*rearm)(void *connection);
};

/* Credentials and facts from the upgrade request; texts borrowed for the call. */
struct session_open {
    struct str im_client_key, im_authorization, device, caps, package; /* absent where not sent */
    struct str origin, host;
    struct str peer;
};

/* A connection was upgraded. With a client key and a token in the headers authentication starts at once, else an `auth`
 * frame is awaited. NULL: out of memory. */
struct session *session_open(struct api_thread *thread, const struct session_transport *transport, void *connection,
                             const struct session_open *facts, int64_t now_ms);
/* One complete text frame. */
void session_frame(struct session *s, const char *payload, size_t n, int64_t now_ms);
/* The socket took everything that was handed to it: what waits may go on. */
void session_drained(struct session *s);
/* The connection is closing: nothing more may be sent to it. session_close follows. Legal at any time. */
void session_ends(struct session *s);
/* The connection is gone (any reason): gives back everything. `s` is invalid afterwards. */
void session_close(struct session *s);
/* When session_tick wants to be called next, wall-clock ms; INT64_MAX: never. Asked after each call into the session and after
 * `rearm`. */
int64_t session_deadline(const struct session *s);
void session_tick(struct session *s, int64_t now_ms);
/* The server is leaving: sends `bye` with a reconnect time and closes 1001. */
void session_drain(struct session *s, int64_t reconnect_ms);

/* What carries committed events to the sessions: main.c makes the bus with it. */
bus_handler *session_bus_handler(void);

/* --- the thread's part --- */
/* Makes the hub and the session table of an edge thread; `wake` is called with `arg` (on this thread) when session_turn has work. `later` is for what
 * may wait while there are mails in `mailbox`; it may be the same. */
struct api_thread *session_thread_create(struct gateway *g, int index, struct mailbox *mailbox, struct mailbox *later, void (*wake)(void *arg),
                                         void *arg);
void session_thread_destroy(struct api_thread *t);
/* One bounded turn of fan-out. HUB_MORE: call again after the loop polled its sockets once; HUB_HELD: after the next mail, or a millisecond. */
enum hub_left session_turn(struct api_thread *t);
/* Delivers what came to the mailbox: jobs home, events, control notices. At most `max`; returns how many. */
size_t session_mail(struct api_thread *t, size_t max);
/* The same for `later`: answers of the store to those who are arriving. */
size_t session_mail_later(struct api_thread *t, size_t max);
/* Several times a second: writes acks that have waited, and counts how far recalls have got. `now_ms` is the wall clock. */
void session_beat(struct api_thread *t, int64_t now_ms);
/* Events that the bus has brought to this thread so far. */
uint64_t session_heard(const struct api_thread *t);
/* About once a second: the same, and notes devices that stay connected as seen. */
void session_second(struct api_thread *t, int64_t now_ms);
/* The server is leaving, the store is open still: everything that waits is handed to it. */
void session_flush(struct api_thread *t);
/* May this Origin open a WebSocket at all: union of all apps' lists; an app without a list allows the same host. */
bool session_origin_allowed(struct gateway *g, struct str origin, struct str host);

#endif
