/*
 * gateway/auth/digest.h - SHA-256, for tokens that are stored by their digest, and HMAC, for keys that the server makes itself.
 *
 * Owns nothing, keeps nothing; any thread. Fails only if the crypto library does (false).
 */
#ifndef RECALLD_AUTH_DIGEST_H
#define RECALLD_AUTH_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_SHA256_SIZE 32
#define DIGEST_SHA256_HEX_SIZE 65 /* with its zero byte */

/* The 32 bytes. */
bool digest_sha256(const void *in, size_t len, unsigned char out[static DIGEST_SHA256_SIZE]);
/* As 64 lower-case hex digits and a zero byte. */
bool digest_sha256_hex(const void *in, size_t len, char out[static DIGEST_SHA256_HEX_SIZE]);

/* HMAC-SHA-256 of `n` bytes under a key. False only if the crypto library fails. */
bool digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t n, unsigned char out[static DIGEST_SHA256_SIZE]);

#endif
