/*
 * gateway/auth/jwt_keys.h - the inside of a set of token keys; for auth/jwt*.c alone.
 *
 * Owns:    a copy of the secret and one EVP_PKEY. Immutable once made. Fails as jwt.h says. Thread: any,
 *          without a lock.
 */
#ifndef RECALLD_AUTH_JWT_KEYS_H
#define RECALLD_AUTH_JWT_KEYS_H

#include "auth/jwt.h"

#include <openssl/types.h>

/* The algorithms that are known. A key has exactly one. */
enum jwt_keys_alg { JWT_KEYS_HS256, JWT_KEYS_RS256, JWT_KEYS_ES256, JWT_KEYS_EDDSA };

struct jwt_keys {
    unsigned char *secret; /* NULL: none */
    size_t secret_len;
    EVP_MAC_CTX *mac; /* keyed with the secret; NULL without one */
    EVP_PKEY *public_key; /* NULL: none */
    enum jwt_keys_alg public_alg;
};

/* HMAC-SHA-256 with the secret. False without one, or if the crypto library fails. */
bool jwt_keys_mac(const struct jwt_keys *keys, const char *text, size_t len, unsigned char out[static 32]);
/* Whether (signature, signature_len) signs the text under the key of that algorithm; false if there is no
 * such key. */
bool jwt_keys_check(const struct jwt_keys *keys, enum jwt_keys_alg alg, const char *text, size_t len,
                    const unsigned char *signature, size_t signature_len);
/* Whether there is a key of that algorithm. */
bool jwt_keys_has(const struct jwt_keys *keys, enum jwt_keys_alg alg);

#endif
