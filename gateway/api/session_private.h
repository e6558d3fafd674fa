/*
 * gateway/api/session_private.h - what the session_*.c files share. Not for others. Bounds and thread: as in session.h.
 */
#ifndef RECALLD_API_SESSION_PRIVATE_H
#define RECALLD_API_SESSION_PRIVATE_H

#include "api/session.h"
#include "core/event.h"
#include "core/principal.h"
#include "proto/codec/wire_in.h"
#include "proto/codec/wire_out.h"

#include <uthash.h>

#define SESSION_HELD_FRAMES 16U          /* frames that wait for the authentication of headers or a first frame */
#define SESSION_HELD_BYTES (64U << 10)
#define SESSION_EXPIRING_MS INT64_C(60000) /* how long before the end `expiring` is sent */
#define SESSION_ACKS 64U                 /* rooms in one session's unwritten acks; more are written at once */
#define SESSION_REFUSED 64U              /* refused numbers of one room in them */

#define CLOSE_DRAINING 1001
#define CLOSE_LATER 1013
#define CLOSE_MALFORMED 4400
#define CLOSE_TOKEN 4401
#define CLOSE_FORBIDDEN 4403
#define CLOSE_NO_AUTH 4408
#define CLOSE_REPLACED 4409
#define CLOSE_TOO_MANY 4429

enum session_state { SESSION_NEW, SESSION_CHECKING, SESSION_READY, SESSION_CLOSING };

/* The sessions of one user on this thread. */
struct session_user {
    UT_hash_handle hh;
    struct session *sessions;
    int64_t app_id;
    char *app;      /* the app's name */
    struct str id;  /* in `key` */
    size_t key_len;
    char key[];     /* app number and user id */
};

/* An `ack` that has not been written yet. */
struct session_ack {
    struct session_ack *next;
    int64_t seq;
    int64_t refused[SESSION_REFUSED];
    size_t refused_count;
    size_t room_len;
    char room[];
};

struct session_held {
    struct session_held *next;
    size_t n;
    char text[];
};

struct session {
    struct hub_conn hub; /* first: the hub's operations find the session by it */
    struct api_thread *thread;
    const struct session_transport *transport;
    void *connection;
    struct session_user *user; /* once READY */
    struct session *user_next, *user_prev;
    struct session *next, *prev;     /* all of the thread */
    struct session_job *jobs;        /* under way */
    struct follow *follows;          /* subscribes that are not answered yet */
    struct session_ack *acks;
    struct session_held *held;
    struct principal_claim *claim;   /* once READY; while checking it is the job's */
    char *device;
    char *origin_host;               /* Origin and Host until authenticated: "origin\nhost"; NULL: no Origin */
    uint64_t serial;
    int64_t expires_ms;              /* of the token; 0: never */
    int64_t deadline_ms;
    int64_t bucket_ms;               /* when the frames' bucket was filled last */
    int64_t typing_ms;
    int64_t bucket_milli;            /* thousandths of a frame */
    uint16_t held_count;
    uint16_t ack_count;
    uint8_t state;
    uint8_t caps;
    bool all;                        /* follows every room, also those joined later */
    bool told_expiring;
    char package[65];
};

struct session_table {
    struct session *sessions;
    struct session_user *users;
    void (*wake)(void *arg);
    void *wake_arg;
};

/* Work for the store on a session's behalf; first in each job's structure. */
struct session_job {
    struct job job; /* first */
    struct session *session; /* NULL: it closed meanwhile */
    struct session_job *next, *prev;
    const struct config *config; /* a reference */
    const struct config_app *app;
    int64_t app_id;
    struct bus *bus;
    bool has_id;
    int64_t id;
    struct outcome out;
};

static inline struct wire_text session_text(struct str s)
{
    return (struct wire_text){s.p, s.n};
}

static inline struct str session_str(struct wire_text t)
{
    return (struct str){t.p, t.n};
}

/* session.c */
/* Sends what `o` holds and empties it; a connection that cannot take it is closed. */
void session_send(struct session *s, struct json_out *o);
void session_reply_error(struct session *s, bool has_id, int64_t id, enum result rc, const char *text, int64_t retry_s);
void session_stop(struct session *s, int code, const char *reason);
/* Handles frames that waited for the authentication. */
void session_release_held(struct session *s, int64_t now_ms);
void session_dispatch(struct session *s, struct wire_in *in, int64_t now_ms);
void session_update_deadline(struct session *s);

/* session_job.c */
/* Prepares a job: config, app, time and outcome. False: no such app any more. */
bool session_job_init(struct session_job *j, struct session *s, const char *app_name, int64_t app_id, bool has_id, int64_t id);
/* Submits; on a full queue answers 503 and calls job.drop. */
void session_job_submit(struct session_job *j, struct session *s, bool write);
/* Takes it off its session's list and frees what session_job_init took. */
void session_job_release(struct session_job *j);
struct core_tx session_job_tx(struct session_job *j, struct store_conn *conn, int64_t now_ms);

/* session_auth.c */
void session_auth_start(struct session *s, struct str client_key, struct str token, struct str device, unsigned caps,
                        struct str package, bool has_id, int64_t id, int64_t now_ms);
/* A token of the user was revoked: closes if it was this one's. */
void session_auth_notice(struct session *s, const struct notice *notice);

/* session_follow.c */
extern const struct hub_ops session_follow_ops;
void session_follow(struct session *s, const struct wire_in *in);
void session_unfollow(struct session *s, const struct wire_in *in);
/* Frees subscribes that were not answered. */
void session_follow_close(struct session *s);
/* A member joined or left: subscriptions of `user`'s sessions follow. */
void session_follow_member(struct session *s, const struct frame *frame, bool joined);

/* session_command.c */
void session_send_message(struct session *s, struct wire_in *in);
void session_recall(struct session *s, struct wire_in *in);
void session_ack_frame(struct session *s, const struct wire_in *in);
void session_typing(struct session *s, const struct wire_in *in, int64_t now_ms);
/* Writes the acks that wait. */
void session_ack_flush(struct session *s);

/* session_table.c */
struct session_user *session_table_user(struct api_thread *t, int64_t app_id, struct str user);
void session_table_add(struct session *s, const char *app, int64_t app_id, struct str user);
void session_table_remove(struct session *s);

#endif
