/*
 * gateway/api/rc.h - RongCloud's dialect: its calls, as lines of a routing table; its signature, parameters and envelope.
 *
 * Owns nothing: commands lie in the call's arena.
 * Borrows: the call, whose texts and configuration live as long as it.
 * Bounds:  those of the dialect, named at each call; ids 64 bytes, groups 128.
 * Fails:   with a number of the list below and a sentence that names the parameter; `parse` returns false then.
 * Thread:  as in call.h: parse on the edge thread, run on the writer or a reader.
 *
 * One pair of functions for each call. A parse reads parameters, whether they came as a form or as a JSON object; a run gives the
 * command to the core and writes what follows "code" in the answer.
 *
 * The order of checks is signature, parameters, quota, existence.
 */
#ifndef RECALLD_API_RC_H
#define RECALLD_API_RC_H

#include "api/call.h"
#include "api/rc_form.h"

/* RongCloud's codes (each with its HTTP status). */
enum rc_code {
    RC_OK = 200,
    RC_NO_CALL = 404,        /* 404 */
    RC_INTERNAL = 1000,      /* 500; 503 with Retry-After while the server cannot take it */
    RC_WRONG_SECRET = 1001,  /* 401: signed with the secret of another app */
    RC_PARAMETER = 1002,     /* 400 */
    RC_NO_DATA = 1003,       /* 400 */
    RC_BAD_SIGNATURE = 1004, /* 401 */
    RC_TOO_LONG = 1005,      /* 400 */
    RC_LOCKED = 1006,        /* 401 */
    RC_RESTRICTED = 1007,    /* 401 */
    RC_RATE_LIMITED = 1008,  /* 429 */
};

#define RC_GROUP_MAX 128           /* bytes of a group's or chatroom's id, as of a room's */
#define RC_OBJECT_NAME_MAX 32
#define RC_CONTENT_MAX (128 << 10)
#define RC_EXTRA_MAX (16 << 10)
#define RC_RECEIVERS_MAX 1000

/* --- rc.c --- */

/* The i-th call of the dialect; NULL after the last. */
const struct call_route *rc_route(size_t i);

/* --- rc_auth.c --- */

/* Checks the signature and finds the app; false with the refusal noted. */
bool rc_auth(struct api_call *call, const struct api_request *request);

/* --- rc_reply.c --- */

/* Fills the reply from the call's outcome: {"code":200, and the members of its result}, or code, errorMessage and url. */
void rc_reply(const struct api_call *call, struct api_reply *reply);
/* The number of the call's outcome. */
int rc_reply_code(const struct api_call *call);

/* --- rc_param.c --- */

/* Reads the body: a JSON object where it begins with "{", else a form. */
bool rc_params(struct api_call *call, struct str body);

/* Notes a refusal with a number of the dialect and returns false. */
bool rc_refuse(struct api_call *call, enum rc_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* A text of at most `max` bytes. Absent and not required: STR_NULL. */
bool rc_text(struct api_call *call, const char *name, bool required, size_t max, struct str *out);
/* A user's id; a group's or chatroom's; a message's. */
bool rc_user(struct api_call *call, const char *name, bool required, struct str *out);
bool rc_group(struct api_call *call, const char *name, bool required, struct str *out);
bool rc_message(struct api_call *call, const char *name, bool required, struct str *out);
/* 0 or 1, true or false; `*out` stays as it is when absent. */
bool rc_flag(struct api_call *call, const char *name, bool *out);
/* A whole number; `*out` stays as it is when absent. */
bool rc_number(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t *out);
/* sentTime: ms, or text as the history log has it. Checked and not used: the server knows when the message was sent. */
bool rc_time(struct api_call *call, const char *name);

/* Whether a parameter that came as a JSON list holds no lists or objects itself; a form's always does so. */
bool rc_is_list(struct api_call *call, const char *name);
/* A repeated parameter, without repetitions, each one checked as an id. */
struct rc_list {
    struct str *p; /* in the arena */
    size_t n;
};
bool rc_users(struct api_call *call, const char *name, bool required, size_t max, struct rc_list *out);
bool rc_groups(struct api_call *call, const char *name, bool required, size_t max, struct rc_list *out);
/* Whether the text is a user's or a group's id; false with the refusal, which names `name`. */
bool rc_is_user(struct api_call *call, const char *name, struct str id);
bool rc_is_group(struct api_call *call, const char *name, struct str id);
/* Leaves out what stands twice; the order stays. */
void rc_unique(struct arena *arena, struct rc_list *list);

/* --- the calls --- */

#define RC_CALL(name)                                                                                                           \
    bool rc_##name##_parse(struct api_call *call);                                                                              \
    enum result rc_##name(struct api_call *call, struct core_tx *tx, const struct principal *who)

/* rc_publish.c */
bool rc_publish_private_parse(struct api_call *call);
bool rc_publish_group_parse(struct api_call *call);
bool rc_publish_chatroom_parse(struct api_call *call);
bool rc_publish_system_parse(struct api_call *call);
bool rc_publish_broadcast_parse(struct api_call *call);
enum result rc_publish(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* rc_push.c */
RC_CALL(push);

/* rc_recall.c */
RC_CALL(recall);
bool rc_recall_broadcast_parse(struct api_call *call);

/* rc_user.c */
RC_CALL(user_token);
RC_CALL(user_refresh);
RC_CALL(user_online);

/* rc_tag.c */
RC_CALL(tag_set);
bool rc_tag_set_batch_parse(struct api_call *call);
RC_CALL(tag_get);

/* rc_group.c */
RC_CALL(group_create);
RC_CALL(group_join);
RC_CALL(group_quit);
RC_CALL(group_dismiss);
RC_CALL(group_refresh);
RC_CALL(group_users);

/* rc_chatroom.c */
RC_CALL(chatroom_create);
bool rc_chatroom_create_new_parse(struct api_call *call);
RC_CALL(chatroom_destroy);

/* rc_history.c */
RC_CALL(history_link);
bool rc_history_delete_parse(struct api_call *call);
void rc_history_delete(struct api_call *call, struct api_reply *reply);
RC_CALL(history_zip);

/* rc_query.c */
bool rc_query_private_parse(struct api_call *call);
bool rc_query_group_parse(struct api_call *call);
bool rc_query_chatroom_parse(struct api_call *call);
enum result rc_query(struct api_call *call, struct core_tx *tx, const struct principal *who);

#endif
