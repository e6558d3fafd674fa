/*
 * gateway/auth/jwt.h - JSON Web Tokens: checked and issued.
 *
 * Owns:    a `struct jwt_keys` owns copies of the secret and the parsed public key; immutable once made.
 * Borrows: the token, during the call.
 * Bounds:  tokens up to JWT_TOKEN_MAX bytes; claims as `struct jwt_claims` says.
 * Fails:   with a sentence in `why` (static, names no content of the token).
 * Thread:  keys are shared by all threads, no lock; a check allocates and does CPU work only.
 *
 * The algorithm is the key's, never the token's choice: HS256 is checked with the secret alone, RS256, ES256
 * or EdDSA (Ed25519) with a public key of that very kind. "none" and every other algorithm is refused.
 */
#ifndef RECALLD_AUTH_JWT_H
#define RECALLD_AUTH_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JWT_TOKEN_MAX 4096
#define JWT_LEEWAY 60 /* seconds of clock difference forgiven in nbf and iat; exp is strict */
#define JWT_SUB_MAX 64
#define JWT_APP_MAX 128
#define JWT_JTI_MAX 128

struct jwt_keys;

/* What a token says. Texts end in a zero byte and are "" when absent. Times are seconds since 1970, 0 when
 * absent (exp never is). */
struct jwt_claims {
    char sub[JWT_SUB_MAX + 1]; /* a valid user id */
    char app[JWT_APP_MAX + 1];
    char jti[JWT_JTI_MAX + 1];
    int64_t iat, exp, nbf;
};

/* What a check needs beside the token. */
struct jwt_check {
    const char *app; /* the name that an `app` claim, where there is one, must have; NULL: not checked */
    int64_t now_ms;  /* wall clock */
};

/*
 * Keys of one app. `secret` (NULL: no HS256) and `pem` (NULL: no public key; text of a PEM file: RSA of at
 * least 2048 bits, EC P-256, or Ed25519). At least one. NULL on failure, with *why a static sentence.
 */
struct jwt_keys *jwt_keys_create(const char *secret, size_t secret_len, const char *pem, size_t pem_len,
                                 const char **why);
/* Wipes and frees; NULL is legal. */
void jwt_keys_free(struct jwt_keys *keys);

/* Whether one signature could be right under both: the same secret or the same public key. NULL shares
 * nothing. */
bool jwt_keys_shared(const struct jwt_keys *a, const struct jwt_keys *b);

/* Whether the token has the form of a JWT (two dots): others may be opaque tokens bound by the caller. */
bool jwt_looks_like(const char *token, size_t len);

/* Checks form, algorithm, signature, times and app, in this order. True and *claims filled, else false and
 * *why (may be NULL) a static sentence; *claims is then undefined. Whether the token was revoked is the
 * database's to know. */
bool jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, const struct jwt_check *check,
                struct jwt_claims *claims, const char **why);

/* Issues an HS256 token with sub, app, iat, exp and, where not "", jti; nbf where not 0. Returns a new
 * zero-terminated text for free(), or NULL without a secret, without memory, or if it would exceed
 * JWT_TOKEN_MAX. */
char *jwt_issue(const struct jwt_keys *keys, const struct jwt_claims *claims);

#endif
