/*
 * gateway/api/gateway.h - what the whole process shares, and what each edge thread has of its own.
 *
 * `struct gateway` is made by main.c before the threads and outlives them. `struct api_thread` is made by each edge thread
 * on itself: its part of the hub, its sessions, its mailbox.
 */
#ifndef RECALLD_API_GATEWAY_H
#define RECALLD_API_GATEWAY_H

#include "base/config.h"
#include "base/mailbox.h"
#include "base/metrics.h"
#include "store/store.h"

#include <stdatomic.h>

#define GATEWAY_THREADS_MAX 64

struct bus;
struct hub;
struct api_thread;
struct gateway_apps;
struct progress;
struct files;
struct recalled;
struct rc_replay;

/* Numbers for GET /metrics and /admin/stats; updated from any thread. */
struct gateway_metrics {
    struct metrics *registry;
    struct metric *connections, *requests, *request_errors, *events, *deliveries, *recalls, *messages, *acks, *slow_readers, *streams;
};

struct gateway {
    struct config_holder *config;
    struct store *store;
    struct bus *bus;
    struct gateway_metrics metrics;
    const char *demo_dir;        /* folder of the built demo page */
    bool demo;                   /* POST /demo/token exists */
    atomic_bool draining;        /* /readyz answers 503, new work is refused */
    atomic_long connections;     /* authenticated WebSocket sessions now */
    int64_t started_ms;
    struct progress *progress;   /* of recent recalls; NULL: nobody is told of it */
    struct gateway_apps *apps;   /* names and numbers; see gateway_intern_apps */
    struct recalled *recalled;   /* what was recalled lately; see gateway_watch_recalls */
    struct rc_replay *replay;    /* signatures of RongCloud's dialect that were used */
    struct files *demo_files;    /* the demo page in memory; NULL: it is not served */
};

struct api_thread {
    struct gateway *gateway;
    int index;
    struct mailbox *mailbox;     /* of this edge thread: jobs come home here, events arrive here */
    struct mailbox *later;       /* jobs of those who are only arriving: what is live goes first */
    struct hub *hub;
    struct session_table *sessions;
    int64_t (*now_ms)(void);     /* wall clock */
};

/* The app's number in the database; > 0. Apps are interned at start and at reload. 0: unknown. Any thread. */
int64_t gateway_app_id(struct gateway *g, struct str app_name);

/* The app's name, zero-terminated, for the life of the gateway; "" for an app that was not interned. Any thread. */
const char *gateway_app_name(struct gateway *g, int64_t app);

/* WebSocket sessions of one app, authenticated now: tenants see no count of each other. `change` is 1 or -1, 0 to ask; the
 * number after it. 0 for an app that was not interned. Any thread. */
long gateway_app_sessions(struct gateway *g, int64_t app, long change);

/* What is limited to so many a second for each app. Recalls have a bucket of their own, so that a flood of sends cannot keep them waiting. */
enum gateway_limit { GATEWAY_SENDS, GATEWAY_RECALLS, GATEWAY_CONNECTIONS, GATEWAY_RC_RECALLS, GATEWAY_LIMITS };

/* Counts `n` of an app against `per_second` (0: no limit), as rate_take does. 0: go on; else the seconds to wait. `now_ms`: the
 * monotonic clock, because the other one may be set back by hours. Any thread. */
int64_t gateway_admit(struct gateway *g, int64_t app, enum gateway_limit limit, int64_t per_second, int64_t n,
                      int64_t now_ms);
/* What gateway_admit would answer now; takes nothing. */
int64_t gateway_wait(struct gateway *g, int64_t app, enum gateway_limit limit, int64_t per_second, int64_t n, int64_t now_ms);

/* Gives every app of the configuration its number in the database: after store_open, and at a reload before it is published, on the main thread,
 * while other threads may read. False and a sentence in `err` when the store cannot. */
bool gateway_intern_apps(struct gateway *g, const struct config *config, char *err, size_t n);
/* Demo mode, before the threads start: reads the page's files from demo_dir (a folder that is missing is no failure: the page is
 * then not served) and makes the users and the room of the demo where they are missing. */
bool gateway_seed_demo(struct gateway *g, char *err, size_t n);
/* From here on g->recalled hears of every recall that the bus carries, before anyone else does: called once, before the first is
 * committed. False without memory. */
bool gateway_watch_recalls(struct gateway *g);
/* Frees what the functions above made; after all threads ended. */
void gateway_close(struct gateway *g);

#endif
