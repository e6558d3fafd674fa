/*
 * gateway/base/config.h - the settings: an INI file, the environment, the demo's app.
 *
 * Owns:    a `struct config` owns every text in it. Immutable once published, counted references.
 * Borrows: path and environment, during the call.
 * Bounds:  lines of the file up to CONFIG_LINE_MAX bytes; CONFIG_APPS_MAX apps; each value as its setting
 *          says.
 * Fails:   loading gives NULL and a sentence that names file, line and setting (the process then exits with
 *          2).
 * Thread:  load, attach and publish on the main thread; reading, taking and dropping references on any.
 *
 * There is one table of settings (config_table.c): name, kind, range, default, help. The parser, the
 * environment, --help and the check of values all use it, so a new setting is one line there and one member
 * here.
 */
#ifndef RECALLD_BASE_CONFIG_H
#define RECALLD_BASE_CONFIG_H

#include "base/log.h"
#include "base/result.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_LINE_MAX 8190
#define CONFIG_APPS_MAX 1024
#define CONFIG_ORIGINS_MAX 256

/* What an app lets happen to a recall of an id that this server has not seen. */
enum config_recall_unseen { CONFIG_RECALL_UNSEEN_OFF, CONFIG_RECALL_UNSEEN_PLATFORM };

struct jwt_keys; /* auth/jwt.h */
struct zone;     /* base/zone.h */

/* [server] */
struct config_server {
    char *listen;         /* as written: host:port or [v6]:port */
    char *listen_host;    /* without brackets */
    uint16_t listen_port; /* 0: any free one */
    int64_t threads;      /* edge threads; 0: one per core */
    int64_t readers;      /* reader threads of the store */
    char *store;          /* sqlite:PATH or postgresql://… */
    char *bus;            /* local, nats://…, or pg */
    int64_t max_body;     /* bytes */
    int64_t body_timeout, auth_timeout, ping_interval, ping_timeout, stall_timeout, drain_timeout; /* seconds */
    int64_t frame_max;                                                              /* bytes */
    int64_t frames_per_second, frames_burst;
    int64_t max_rooms;
    int64_t device_days;
    char *tls_certificate, *tls_key; /* PEM files; both or neither, else NULL */
    enum log_level log_level;
    int64_t reserve_fds;
    bool io_uring;                                  /* may be used for fan-out */
    int64_t max_connections;                        /* 0: as many as the file descriptors allow */
    int64_t writer_queue, reader_queue, edge_queue; /* mails */
    int64_t batch_max;                              /* commands in one commit */
    int64_t output_buffer; /* bytes that may wait for one connection before it becomes a catch-up */
    char *demo_files;      /* folder of the demo page, NULL: where it was installed */
};

/* [app NAME] */
struct config_app {
    char *name;
    size_t index;               /* its place in config.apps */
    char *client_key, *api_key; /* never NULL */
    char *app_key, *app_secret; /* RongCloud's dialect; both or neither, else NULL */
    char *token_secret;         /* HS256; NULL: none */
    char *token_public_key;     /* PEM file; NULL: none */
    char **origins;             /* lower case, "scheme://host[:port]" without a default port */
    size_t origin_count;        /* 0: the same host */
    int64_t token_days;
    int64_t recall_window; /* seconds for a message's author; 0: no limit */
    int64_t recall_window_platform; /* seconds for a recall in an author's name by the platform's keys; 0: no limit */
    enum config_recall_unseen recall_unseen;
    int64_t recall_unseen_count, recall_unseen_days;
    bool recall_requires_author; /* RongCloud's dialect: fromUserId must be the author unless isAdmin=1 */
    int64_t broadcasts_per_hour, broadcasts_per_day; /* 0: no limit, as below */
    int64_t broadcast_recalls_per_hour, broadcast_recalls_per_day;
    int64_t recalls_per_second, sends_per_second, connections_per_second;
    char *time_zone_name;
    struct zone *time_zone;     /* never NULL; config_app's */
    int64_t signature_max_skew; /* seconds; 0: not checked */
    bool signature_reject_replay;
    bool locked; /* RongCloud's dialect: every call is refused with 1006 */
    int64_t retention_days, retention_count; /* events kept in a room's log; 0: no limit */
    /* Attached by keys_attach (auth/keys.h), freed by config's release. */
    struct jwt_keys *token_keys;
};

struct config {
    atomic_uint references;
    struct config_server server;
    struct config_app *apps;
    size_t app_count; /* at least 1 */
    bool demo;
    void (*release)(struct config *config); /* frees what was attached to the apps; may be NULL */
};

/* Why loading failed: one sentence for the operator, as "recall.ini:12: …". Holds no secret. */
struct config_error {
    char text[512];
};

/*
 * Reads the file, applies RECALLD_… of `env` (as environ; NULL: none), checks. `path` NULL: defaults and the
 * environment alone, which lacks an app and therefore fails unless `demo` is true: then `path` must be NULL
 * and the demo's app is there, and only a loopback address may be listened on. One reference, the caller's;
 * NULL on failure.
 */
struct config *config_load(const char *path, bool demo, char *const *env, struct config_error *err);
/* config_load(NULL, true, env, err). */
struct config *config_demo(char *const *env, struct config_error *err);

/* One more reference; returns it. */
const struct config *config_ref(const struct config *config);
/* One reference less; the last one frees. NULL is legal. */
void config_unref(const struct config *config);

/* Apps by key or name; NULL if there is none. Keys are compared with every app's in constant time. The app
 * lives as long as the caller's reference to the config. */
const struct config_app *config_find_app_by_client_key(const struct config *config, const char *key,
                                                       size_t len);
const struct config_app *config_find_app_by_api_key(const struct config *config, const char *key, size_t len);
const struct config_app *config_find_app_by_app_key(const struct config *config, const char *key, size_t len);
const struct config_app *config_find_app_by_name(const struct config *config, const char *name, size_t len);

/* Whether a browser page of `origin` may use the app. `host` is the request's Host header. An app without a
 * list allows the same host; with one, exactly the list. An absent Origin header is the caller's to allow. */
bool config_origin_allowed_by(const struct config_app *app, const char *origin, size_t origin_len,
                              const char *host, size_t host_len);
/* The same for a request that has not named its app yet: whether any app allows it. */
bool config_origin_allowed(const struct config *config, const char *origin, size_t origin_len,
                           const char *host, size_t host_len);

/* Names the settings that differ and take effect only at a restart, as "listen, threads", into `out`. Returns
 * their number. */
size_t config_restart_needed(const struct config *was, const struct config *is, char *out, size_t cap);

/* Writes every setting with its default, range and meaning. */
void config_print_help(FILE *to);

/* The current configuration, swapped on SIGHUP. */
struct config_holder;
/* Takes over the caller's reference. NULL without memory (the reference stays the caller's). */
struct config_holder *config_holder_create(const struct config *config);
/* Drops the holder and its reference; nobody may use the holder any more. NULL is legal. */
void config_holder_free(struct config_holder *holder);
/* A reference to the current configuration, given back with config_unref. Any thread; never NULL. */
const struct config *config_holder_get(struct config_holder *holder);
/* Publishes another one, taking over the caller's reference; the old one lives until its last user drops it.
 */
void config_holder_put(struct config_holder *holder, const struct config *config);

#endif
