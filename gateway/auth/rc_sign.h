/*
 * gateway/auth/rc_sign.h - RongCloud's request signature.
 *
 * Owns nothing, keeps nothing; any thread. The signature is the lower-case hex SHA-1 of secret + nonce +
 * timestamp. It covers neither body nor path, and an SDK reuses one for its whole life: a limit of skew or
 * replay is the app's choice (signature_max_skew, signature_reject_replay), and remembering nonces is the
 * caller's.
 */
#ifndef RECALLD_AUTH_RC_SIGN_H
#define RECALLD_AUTH_RC_SIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RC_SIGN_SIZE 41 /* 40 hex digits and a zero byte */
#define RC_SIGN_NONCE_MAX 64
#define RC_SIGN_TIMESTAMP_MAX 20

enum rc_sign_result {
    RC_SIGN_OK,
    RC_SIGN_MALFORMED, /* nonce empty or too long, timestamp not a number, signature not 40 characters */
    RC_SIGN_WRONG,     /* another secret or another text */
    RC_SIGN_SKEWED     /* right, but farther from our clock than allowed */
};

/* A signature as its headers bring it. */
struct rc_sign {
    const char *nonce, *timestamp, *signature;
    size_t nonce_len, timestamp_len, signature_len;
};

/* Makes the signature. False only if the crypto library fails. */
bool rc_sign_make(const char *secret, size_t secret_len, const char *nonce, size_t nonce_len,
                  const char *timestamp, size_t timestamp_len, char out[static RC_SIGN_SIZE]);

/* Checks one, in constant time. max_skew_s 0: any time is right. The signature's hex may be in either case.
 */
enum rc_sign_result rc_sign_check(const char *secret, size_t secret_len, const struct rc_sign *s,
                                  int64_t now_ms, int64_t max_skew_s);

/* A timestamp in seconds or ms as ms since 1970; false if it is no number of up to 15 digits. */
bool rc_sign_time(const char *timestamp, size_t len, int64_t *ms);

#endif
