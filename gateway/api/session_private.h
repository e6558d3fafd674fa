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

#define SESSION_HELD_FRAMES 16U          /* frames that wait for the authentication of headers or a first frame */
#define SESSION_HELD_BYTES (64U << 10)
#define SESSION_EXPIRING_MS INT64_C(60000) /* how long before the end `expiring` is sent */
#define SESSION_ACKS 2048U               /* rooms in one session's unwritten acks */
#define SESSION_ACKS_ALL 65536U          /* unwritten acks of a thread */
#define SESSION_REFUSED 16384U           /* refused numbers of one room in them: more than a frame holds */
#define SESSION_SEEN_S 21600              /* a device that stays connected is noted as seen so often */

#define CLOSE_DRAINING 1001
#define CLOSE_LATER 1013
#define CLOSE_MALFORMED 4400
#define CLOSE_TOKEN 4401
#define CLOSE_FORBIDDEN 4403
#define CLOSE_NO_AUTH 4408
#define CLOSE_REPLACED 4409
#define CLOSE_TOO_MANY 4429

enum session_state { SESSION_NEW, SESSION_CHECKING, SESSION_READY, SESSION_CLOSING };

/* The sessions and event streams of one user on this thread. In a table of our own, because every idle device pays for it: a handle of
 * uthash alone would be as large. */
struct session_user {
    struct session_user *next; /* in its chain of the table */
    struct session *sessions;
    struct events_stream *streams; /* event streams of the user on this thread */
    uint32_t app_id;               /* gateway_app_id; apps are few */
    uint32_t hash;
    uint8_t id_len;
    char id[];
};

/* An `ack` that has not been written yet, in the thread's line of them. */
struct session_ack {
    struct session_ack *next;
    struct session_ack *own_next, *own_prev; /* those of its session */
    struct session *session;                 /* NULL: it closed, or a writer has it */
    int64_t app_id;
    int64_t seq;
    int64_t came_ms; /* the frame that said `seq` */
    int64_t *refused;
    size_t refused_count;
    uint16_t user_len, device_len, room_len;
    bool can_recall;
    char names[]; /* user, device, room */
};

/* What a session's claim says besides its user. */
struct session_token {
    unsigned char hash[32];
    int64_t since, expires_ms; /* as in struct session */
    uint8_t kind;              /* enum principal_token */
    bool foreign;
};

struct session_held {
    struct session_held *next;
    size_t n;
    char text[];
};

struct session {
    struct hub_conn hub; /* first: the hub's operations find the session by it */
    struct api_thread *thread;
    void *connection;
    struct session_user *user; /* once READY */
    union {
        struct session *user_next;   /* with `user` */
        struct session_held *held;   /* until then */
    };
    struct session_job *jobs;        /* under way */
    struct follow *follows;          /* subscribes that are not answered yet */
    struct session_ack *acks;        /* its part of the thread's line */
    union {
        char *device;                /* with `user` */
        char *origin_host;           /* until then Origin and Host: "origin\nhost"; NULL: no Origin */
    };
    uint32_t serial;                 /* the low bits: of two sessions of a device the difference says which is older */
    uint32_t token_since;            /* the token's generation, or, with token_foreign, when it was issued, in s */
    union {
        int64_t expires_ms;          /* once READY: of the token; 0: never */
        int64_t auth_by_ms;          /* until then */
    };
    int64_t frames_due_us;           /* when all its frames would be through at frames_per_second */
    union {
        uint32_t typing_ms;          /* the low bits of when `typing` went out last */
        uint32_t reconnect_ms;       /* with draining: what `bye` says */
    };
    uint32_t seen_s;                 /* when the device was noted as seen last; 0: to be done */
    uint16_t ack_count;
    uint8_t caps;
    uint8_t state : 3;
    uint8_t token : 3;               /* enum principal_token; with token_foreign and the last two what session_claim tells */
    bool all : 1;                    /* follows every room, also those joined later */
    bool told_expiring : 1;
    bool draining : 1;               /* takes no more frames; leaves when its jobs are home */
    bool token_foreign : 1;
    unsigned char token_hash[32];
};
_Static_assert(sizeof(struct session) <= 152, "an idle device's memory is a promise");

#define SESSION_READS 64U
#define SESSION_READS_WAIT 16384U

struct session_table {
    const struct session_transport *transport; /* the same for all: a pointer for each would cost every idle device */
    struct session_user **users; /* chains; a power of two of them */
    size_t user_count, user_chains;
    uint64_t heard;              /* events that the bus brought */
    int64_t delivered;           /* sends that the metric does not know of yet: threads would take its line from each other at each */
    size_t walk;                 /* the chain that session_second looks at next */
    struct job *reads, **reads_end; /* those who arrive, in order: session_job_read */
    unsigned reads_open;            /* with the store */
    unsigned reads_waiting;         /* in the line */
    uint64_t token_notices;         /* tokens that were revoked or replaced, as far as this thread heard */
    struct session_ack *acks, *ack_tail; /* the line of acks to be written */
    size_t ack_count;
    size_t ack_sorted;                   /* at the line's front: in the order of their rows */
    unsigned ack_jobs;                   /* under way */
    int64_t ack_due_ms;
    bool ending;
    const struct config *config; /* whose apps the sessions were checked against; a reference, or NULL */
    void (*wake)(void *arg);
    void *arg; /* of `wake` and of the transport's `put` */
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
    enum result rc; /* of what `run` did */
    int64_t id;
};

static inline const struct session_transport *session_transport(const struct session *s)
{
    return s->thread->sessions->transport;
}

static inline struct str session_user_id(const struct session_user *u)
{
    return (struct str){u->id, u->id_len};
}

/* The app's name; the gateway's. */
static inline const char *session_user_app(const struct api_thread *t, const struct session_user *u)
{
    return gateway_app_name(t->gateway, u->app_id);
}

static inline struct wire_text session_text(struct str s)
{
    return (struct wire_text){s.p, s.n};
}

static inline struct str session_str(struct wire_text t)
{
    return (struct str){t.p, t.n};
}

static inline struct str session_ack_room(const struct session_ack *a)
{
    return (struct str){a->names + a->user_len + a->device_len, a->room_len};
}

/* session.c */
/* Sends what `o` holds and empties it; a connection that cannot take it is closed. */
void session_send(struct session *s, struct json_out *o);
void session_reply_error(struct session *s, bool has_id, int64_t id, enum result rc, const char *text, int64_t retry_s);
void session_stop(struct session *s, int code, const char *reason);
/* Draining and nothing under way any more: says `bye` and closes. */
void session_leave(struct session *s);
/* The frames that wait for the authentication; the caller's from here on. */
struct session_held *session_take_held(struct session *s);
/* Handles them, in their order, as long as the session is ready, and frees them. */
void session_release_held(struct session *s, struct session_held *held, int64_t now_ms);
void session_dispatch(struct session *s, struct wire_in *in, int64_t now_ms);
void session_update_deadline(struct session *s);

/* The claim that the session was opened or renewed with; READY only. */
struct principal_claim session_claim(const struct session *s);
/* The same in little memory, to be made into a claim later, on any thread; `user` is copied, at most 64 bytes of it. */
struct session_token session_token(const struct session *s);
struct principal_claim session_token_claim(const struct session_token *token, struct str user);

/* session_job.c */
/* Prepares a job: config, app, time and outcome. False: no such app any more. */
bool session_job_init(struct session_job *j, struct session *s, const char *app_name, int64_t app_id, bool has_id, int64_t id);
/* Submits; on a full queue answers 503 and calls job.drop. */
void session_job_submit(struct session_job *j, struct session *s, bool write);
/* For what a device asks of the store as it arrives (who it is, which rooms are its own): at most SESSION_READS of a thread are with the store
 * at a time, and the others wait in order, so that any number may arrive at once and none is refused: one question each, until the session
 * is ready. Later ones, of which a client may send many, are refused (false) while SESSION_READS_WAIT wait. The job's `done` calls
 * session_job_read_home first. */
bool session_job_read(struct session_job *j, struct session *s);
void session_job_read_home(struct api_thread *t);
/* Several times a second: the store may have had no room. */
void session_job_beat(struct api_thread *t);
/* Drops those that wait. */
void session_job_end(struct session_table *table);
/* Takes it off its session's list and frees what session_job_init took. */
void session_job_release(struct session_job *j);
/* For `run`. */
struct core_tx session_job_tx(const struct session_job *j, struct store_conn *conn, int64_t now_ms);

/* session_auth.c */
void session_auth_start(struct session *s, struct str client_key, struct str token, struct str device, unsigned caps,
                        struct str package, bool has_id, int64_t id, int64_t now_ms);
/* Remembers that the device is here and lets its older sessions go; `package` may be "". When the queue is full, s->seen_s stays as it is
 * and the thread tries again. */
void session_auth_seen(struct session *s, const char *package);
/* A token of the user was revoked: closes if it was this one's. */
void session_auth_notice(struct session *s, const struct notice *notice);
/* Does the token of a claim still stand after the notice? */
bool session_auth_stands(const struct principal_claim *c, const struct notice *notice);

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
void session_typing(struct session *s, const struct wire_in *in, int64_t now_ms);

/* session_ack.c */
void session_ack_frame(struct session *s, const struct wire_in *in);
/* Writes the acks that wait if it is time; often. */
void session_ack_beat(struct api_thread *t, int64_t now_ms);
/* Hands all that wait to the writer. */
void session_ack_flush(struct api_thread *t);
/* The session closes; its acks stay in the line. */
void session_ack_leave(struct session *s);
/* Frees what could not be written any more. */
void session_ack_end(struct session_table *table);

/* session_users.c */
struct session_user *session_table_user(struct api_thread *t, int64_t app_id, struct str user);
/* The user's entry, made if there is none; the caller puts something into it. */
struct session_user *session_table_join(struct api_thread *t, int64_t app_id, struct str user);
/* Something was taken out of the entry: an empty one goes. */
void session_table_leave(struct api_thread *t, struct session_user *u);
void session_table_free(struct session_table *table);

/* session_table.c */
void session_table_add(struct session *s, int64_t app_id, struct str user);
void session_table_remove(struct session *s);
/* Is this device connected on this thread? */
bool session_table_connected(struct api_thread *t, int64_t app_id, struct str user, struct str device);
/* Closes the user's sessions of the device that are older than the one with this serial. */
void session_table_replace(struct api_thread *t, int64_t app_id, struct str user, struct str device, uint32_t serial);

#endif
