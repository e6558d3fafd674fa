/*
 * gateway/api/call.h - one HTTP call on its way: parsed on the edge thread, run on the writer or a reader,
 * answered on the edge thread.
 *
 * Owns:    copies of what it needs of the request, the parsed body, a reference to the configuration.
 * Bounds:  the store's queues; a full one is answered 503 with Retry-After at once.
 * Fails:   by an answer; a refusal is noted with call_refuse or in the outcome.
 * Thread:  `parse` and `here` on the edge thread, `run` on the writer or a reader, never two at a time.
 *
 * What was read in a snapshot from before a recall's commit may come home after it: such an answer is read again, CALL_RERUNS times at
 * most, then refused with 503.
 *
 *   edge: credentials → body → parse ──→ writer or reader: principal → run ──→ edge: envelope → answer
 */
#ifndef RECALLD_API_CALL_H
#define RECALLD_API_CALL_H

#include "api/api.h"
#include "api/fields.h"
#include "core/principal.h"

#define CALL_PARAMS_MAX 3
#define CALL_RERUNS 5

struct api_call;
struct rc_form;

enum call_auth {
    CALL_OPEN,    /* no credentials are looked at */
    CALL_ANYONE,  /* platform or client */
    CALL_PLATFORM, /* the platform key alone */
    CALL_RONGCLOUD /* RongCloud's signature: the platform */
};

enum call_body {
    CALL_NO_BODY,  /* what comes is ignored */
    CALL_MAY_BODY, /* an object, or nothing */
    CALL_OBJECT,   /* an object */
    CALL_ARRAY,    /* an object or an array */
    CALL_FORM      /* RongCloud's parameters: a form, or an object */
};

enum call_where { CALL_HERE, CALL_READ, CALL_WRITE };

/* A kind of call: one line of the routing table. */
struct call_route {
    const char *method;  /* "GET" serves HEAD too */
    const char *pattern; /* "/rooms/:room/message"; a part that begins with ':' takes any text */
    enum call_auth auth;
    enum call_where where;
    enum call_body body;
    bool demo; /* exists in demo mode alone */
    /* Turns parameters, query and body into call->command. False: the outcome holds the refusal. May be NULL. */
    bool (*parse)(struct api_call *call);
    /* CALL_READ, CALL_WRITE: the rule. */
    enum result (*run)(struct api_call *call, struct core_tx *tx, const struct principal *who);
    /* CALL_HERE: fills the outcome, or the reply where it is not in the envelope (then status is not 0). */
    void (*here)(struct api_call *call, struct api_reply *reply);
};

struct api_call {
    struct job job; /* first */
    struct api_thread *thread;
    const struct call_route *route; /* NULL: none was found */
    const struct config *config;
    const struct config_app *app; /* of `config`; NULL with CALL_OPEN */
    int64_t app_id;
    struct principal_claim claim;
    struct arena arena; /* lives as long as the call; texts below are in it */
    struct str method, path, query, request_id, peer, accept, last_event_id, host;
    struct str params[CALL_PARAMS_MAX]; /* what ':…' parts took, decoded */
    json_t *body;
    bool rongcloud;             /* answered in RongCloud's dialect */
    int rc_code;                /* with it: the refusal's number (api/rc.h); 0: as out.rc says */
    const struct rc_form *form; /* CALL_FORM */
    const char *raw_type;       /* set: the answer is the bytes of the result, with this content type; no envelope */
    void *command; /* in the arena */
    void (*command_free)(void *command); /* what it holds besides; or NULL */
    struct outcome out;
    int64_t steps_done, steps_since_ms; /* a command in steps (outcome.more): what earlier ones did, and when the first ran;
                                          * a read begins anew where a message was recalled meanwhile */
    bool fenced;                        /* an erasure's answer has waited for every thread */
    void (*then)(struct api_call *call); /* what follows a good run, on the edge thread, instead of the answer; ends with call_finish */
    const char *extra; /* static header lines of the reply, or NULL */
    struct events_stream *stream; /* made by `then`: the answer, instead of a body; or NULL */
    uint64_t mark;     /* where the recalls stood when the read was submitted */
    struct recalled_ids *ids; /* of a large answer of a read */
    unsigned reruns;   /* reads that showed a message recalled meanwhile */
    bool again;        /* a recall that found no message looks once more, behind what it went before; counted once */
    uint64_t began_ns;
    api_reply_fn *answer; /* NULL: cancelled */
    void *edge_context;
};

/* Makes a call; NULL without memory. */
struct api_call *call_create(struct api_thread *thread, const struct api_request *request,
                             api_reply_fn *answer, void *edge_context);
/* Carries it out as `call->route` says. NULL when it was answered (and freed) already. */
struct api_call *call_start(struct api_call *call, const struct api_request *request);
/* Answers with the outcome and frees the call. */
void call_finish(struct api_call *call);

/* In `run`: 429 when the app sends, or recalls, more than its sends_per_second allow, else RESULT_OK. */
enum result call_admit(struct api_call *call, const struct core_tx *tx, enum gateway_limit limit, int64_t n);

/* Notes a refusal in the outcome and returns false. */
bool call_refuse(struct api_call *call, enum result rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Reads fields of the body object into `target`; false with the refusal noted. */
bool call_fields(struct api_call *call, const struct field *table, size_t n, void *target);
/* Query parameters, decoded, in the arena: absent where not given; a whole number within bounds, `*out`
 * untouched where not given. */
struct str call_query(struct api_call *call, const char *name);
bool call_query_int(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t *out);
/* Path parameter `i` as an id of the kind; false with the refusal noted. */
bool call_room_param(struct api_call *call, size_t i); /* a caller's: no leading '~' */
bool call_log_param(struct api_call *call, size_t i);  /* any room, also one of the server's own */
bool call_message_param(struct api_call *call, size_t i);
bool call_user_param(struct api_call *call, size_t i);

#endif
