/*
 * gateway/edge/thread.h - one edge thread: its loop, its libwebsockets context, its connections.
 *
 * Owns:    loop, context, mailboxes, listening sockets, the api_thread with hub and sessions, every
 *          connection.
 * Borrows: gateway and edge.
 * Bounds:  those of a turn (turn.h); ACCEPT_BATCH new connections a turn.
 * Fails:   thread_init and thread_start with a sentence.
 * Thread:  init, start, join, free on the main thread; thread_reload and thread_drain on any; the rest
 *          on the thread itself.
 *
 * What a turn of its loop does, and in which order, is in turn.h.
 */
#ifndef RECALLD_EDGE_THREAD_H
#define RECALLD_EDGE_THREAD_H

#include "api/gateway.h"
#include "edge/ring.h"
#include "edge/settings.h"
#include "edge/wheel.h"

#include <libwebsockets.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <uv.h>

#define THREAD_LISTENERS_MAX 8
#define THREAD_SCRATCH (64 * 1024)

struct edge;
struct http_conn;
struct tls_conn;
struct tls_context;
struct ws;
struct ws_opening;

/* What all threads share. */
struct thread_shared {
    struct gateway *gateway;
    atomic_long sockets;     /* accepted and not closed yet, relays of TLS counted with what they hold */
    long socket_limit;       /* file descriptors there are for connections */
    struct tls_context *tls; /* NULL: plain text */
    pthread_mutex_t
        lws_lock; /* around destroying lws contexts: they share state that the library does not guard */
    pthread_mutex_t lock; /* for `drained` and each thread's `ready` and `failed` */
    pthread_cond_t changed;
    unsigned drained; /* threads without connections left */
};

/* A listening socket of one thread. */
struct thread_listener {
    uv_poll_t poll;
    int fd; /* -1: closed */
};

struct edge_thread {
    struct thread_shared *shared;
    struct gateway *gateway;
    struct api_thread *api;
    struct mailbox *mailbox; /* events, answers of calls and whatever else is live */
    struct mailbox *later;   /* what the store has for newcomers */
    _Alignas(16)
        atomic_uint ordered; /* bits set by other threads; kept apart from what only this one touches */
    _Alignas(16) int index;
    pthread_t id;
    bool running, ready, failed; /* ready, failed: guarded by shared->lock */

    uv_loop_t loop;
    uv_loop_t calls;   /* inside `loop`: HTTP connections, and `mail` */
    uv_poll_t calls_ready;
    uv_poll_t mail;        /* mails are waiting; of mail_fd */
    uv_poll_t later_mail;  /* newcomers' */
    int mail_fd, later_fd; /* eventfds, by which other threads wake this one */
    uv_async_t orders;     /* something was ordered */
    uv_check_t check;
    uv_prepare_t prepare;
    uv_idle_t idle;
    uv_timer_t held; /* active: rooms waited for events under way, and are looked at again when it fires */
    uv_timer_t ticks;
    bool calls_made;
    bool calls_run;     /* they are at work right now */
    bool turn_waiting;  /* session_turn has work */
    bool turn_held;     /* it waits for events under way */
    bool later_waiting; /* newcomers' mail was not delivered yet */
    bool gathers;       /* more than one job waited for the writer's wake lately, so another may follow */
    unsigned gathered;  /* so many waited when the last turn ended, and it was not woken for them; 0: it was */
    uint64_t gather_ns; /* when that was first so; uv_hrtime */
    bool breathing;     /* turn_breathe runs */
    uint64_t breath_ns; /* when it ran last; uv_hrtime */
    bool draining, drained, stopping;

    struct thread_listener listeners[THREAD_LISTENERS_MAX];
    size_t listener_count;
    bool accepting; /* the listeners are polled */
    uv_timer_t accept_pause; /* active: they are not, until it fires */
    uint64_t heard;          /* session_heard at the last tick */
    bool live;               /* events came between the last two ticks */
    int64_t long_turn_ms;    /* when a turn of the loop was long last; 0: never */

    struct lws_context *lws;
    struct lws_vhost *vhost;
    const struct ws_opening *opening; /* the upgrade that is being handed to lws right now */

    struct settings settings;
    int64_t now_ms;    /* monotonic, of this turn's start or later */
    int64_t second_ms; /* when the next second's work is due */
    char date[32];     /* of the Date header */
    int64_t date_second;

    struct ring ring; /* not open: frames go out by one system call each */
    struct wheel http_wheel, ws_wheel, tls_wheel;
    struct http_conn *http_list;
    struct http_conn *http_gone; /* see http_bury */
    struct tls_conn *tls_list;
    size_t http_count, ws_count, tls_count;
    size_t upgrades; /* connections in HTTP_UPGRADE */
    char *scratch; /* THREAD_SCRATCH bytes for whoever runs just now */
};

/* Makes loop, mailbox and lws context; `fds` are listening sockets, owned by the thread from here on (also on
 * failure). */
bool thread_init(struct edge_thread *t, struct thread_shared *shared, int index, const int *fds,
                 size_t fd_count, size_t mailbox_limit, char *error, size_t n);
/* Runs it; waits until it accepts. */
bool thread_start(struct edge_thread *t, char *error, size_t n);
/* Any thread: re-read the settings; drain. */
void thread_reload(struct edge_thread *t);
void thread_drain(struct edge_thread *t);
/* Stops, waits for its end. */
void thread_stop(struct edge_thread *t);
/* Frees what init made. A zeroed thread is legal. */
void thread_free(struct edge_thread *t);

/* Monotonic ms, read now. */
int64_t thread_now(struct edge_thread *t);
/* One of its connections is gone: tells a waiting drain. */
void thread_connection_gone(struct edge_thread *t);

#endif
