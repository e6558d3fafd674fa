/*
 * gateway/core/principal.h - who asks.
 *
 * Two steps. The claim is made on the edge thread from the credentials with keys and CPU alone (api/credentials.h); the
 * principal is resolved from it inside the job, where the database says whether the token still stands.
 *
 * Owns nothing. Bounds: user ids 64 bytes. Fails with INVALID_TOKEN and a sentence. Thread: see the functions.
 */
#ifndef RECALLD_CORE_PRINCIPAL_H
#define RECALLD_CORE_PRINCIPAL_H

#include "core/tx.h"

enum principal_kind {
    PRINCIPAL_PLATFORM = 1, /* holds the app's secret key: may do everything in its app */
    PRINCIPAL_CLIENT = 2,   /* a user with a token */
};

enum principal_token { PRINCIPAL_TOKEN_JWT = 1, PRINCIPAL_TOKEN_BOUND = 2 };

/* Made on the edge; a plain value, copied into jobs and sessions. */
struct principal_claim {
    enum principal_kind kind;
    enum principal_token token;   /* with PRINCIPAL_CLIENT */
    char user[65];                /* JWT: the subject, verified */
    int64_t issued_s;             /* JWT iat; 0: none */
    int64_t expires_ms;           /* JWT exp; 0: never */
    int64_t generation;           /* of a token that this server issued; -1: a foreign token */
    unsigned char hash[32];       /* SHA-256 of the whole token */
    const char *why;              /* static: why a token of a JWT's form was not taken as one; NULL: nothing to say */
};

struct principal {
    enum principal_kind kind;
    struct str user;              /* with PRINCIPAL_CLIENT: id; else absent */
    struct client_row client;     /* with PRINCIPAL_CLIENT */
    int64_t expires_ms;           /* 0: never */
};

/* Inside a job: does the claim stand now (user exists, token not revoked, not superseded, not expired at tx->now_ms)?
 * RESULT_OK and `who`, whose texts live in tx->arena; or INVALID_TOKEN with a sentence in `out`. */
enum result principal_resolve(struct core_tx *tx, const struct principal_claim *claim, struct principal *who,
                              struct outcome *out);

#endif
