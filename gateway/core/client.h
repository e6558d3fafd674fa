/*
 * gateway/core/client.h - the users of an app and their tokens.
 *
 * Owns nothing; texts are borrowed for the call. Thread: writer (commands).
 * Fails: FORBIDDEN unless the platform asks; INVALID_BODY naming the field.
 */
#ifndef RECALLD_CORE_CLIENT_H
#define RECALLD_CORE_CLIENT_H

#include "core/principal.h"

#define CLIENT_NICKNAME_MAX 256 /* bytes */

struct client_command {
    struct str id;            /* 1 to 64 bytes */
    struct str nickname;      /* absent: keep, or "" for a new one; up to CLIENT_NICKNAME_MAX bytes */
    struct str avatar;        /* avatarUrl; absent: keep */
    struct str fields;        /* JSON object text with all other fields; absent: keep */
    int is_robot;             /* -1: keep */
    bool issue;               /* issueAccessToken: answer a new token; earlier ones become invalid */
    struct str bind_token;    /* the caller's own token; absent: none. Up to 4,096 bytes */
    int64_t expires_ms;       /* of the issued or bound token; 0: after token_days (issued), never (bound) */
};

/* POST /admin/clients and /list: writes `n` clients; the result is one client object, or with `as_list` an array. */
enum result client_upsert(struct core_tx *tx, const struct principal *who, const struct client_command *commands, size_t n,
                          bool as_list, struct outcome *out);
/* PUT /admin/clients/{id}/token: with a token in the command it is bound in place of all earlier ones, else one is issued. */
enum result client_token_put(struct core_tx *tx, const struct principal *who, const struct client_command *command,
                             struct outcome *out);
/* DELETE /admin/clients/{id}/token: revokes `token`, or all of the user's when absent. */
enum result client_token_revoke(struct core_tx *tx, const struct principal *who, struct str id, struct str token,
                                struct outcome *out);
/* Issues a token without ending earlier ones (POST /demo/token). `token` and the expiry are returned in the arena. The user must exist. */
enum result client_issue_token(struct core_tx *tx, struct str user, struct str *token, int64_t *expires_ms, struct outcome *out);
/* The same, of at most `max` bytes (44 or more): where a signed token would be longer, an opaque one that is bound to the user
 * (RongCloud's getToken). */
enum result client_issue_short_token(struct core_tx *tx, struct str user, size_t max, struct str *token, int64_t *expires_ms,
                                     struct outcome *out);

#endif
