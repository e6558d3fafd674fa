#include "auth/rc_sign.h"

#include "base/text.h"

#include <openssl/evp.h>
#include <string.h>

/* Timestamps below this are seconds: as ms it is 1973, as seconds the year 5138. */
#define MS_FROM INT64_C(100000000000)

bool rc_sign_make(const char *secret, size_t secret_len, const char *nonce, size_t nonce_len,
                  const char *timestamp, size_t timestamp_len, char out[static RC_SIGN_SIZE])
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    bool ok = false;
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    if (md == NULL) {
        return false;
    }
    if (EVP_DigestInit_ex(md, EVP_sha1(), NULL) == 1 && EVP_DigestUpdate(md, secret, secret_len) == 1 &&
        EVP_DigestUpdate(md, nonce, nonce_len) == 1 && EVP_DigestUpdate(md, timestamp, timestamp_len) == 1 &&
        EVP_DigestFinal_ex(md, raw, &n) == 1 && n == 20) {
        text_hex(raw, n, out);
        ok = true;
    }
    EVP_MD_CTX_free(md);
    return ok;
}

bool rc_sign_time(const char *timestamp, size_t len, int64_t *ms)
{
    int64_t n;
    if (len > 15 || !text_parse_int(timestamp, len, 0, INT64_C(999999999999999), &n)) {
        return false;
    }
    *ms = n < MS_FROM ? n * 1000 : n;
    return true;
}

enum rc_sign_result rc_sign_check(const char *secret, size_t secret_len, const struct rc_sign *s,
                                  int64_t now_ms, int64_t max_skew_s)
{
    char expected[RC_SIGN_SIZE];
    char given[RC_SIGN_SIZE];
    int64_t at_ms;
    if (s->nonce_len == 0 || s->nonce_len > RC_SIGN_NONCE_MAX || s->signature_len != RC_SIGN_SIZE - 1 ||
        !rc_sign_time(s->timestamp, s->timestamp_len, &at_ms)) {
        return RC_SIGN_MALFORMED;
    }
    for (size_t i = 0; i < s->signature_len; i++) {
        char c = s->signature[i];
        given[i] = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    }
    if (!rc_sign_make(secret, secret_len, s->nonce, s->nonce_len, s->timestamp, s->timestamp_len, expected) ||
        !text_equal_secret(expected, RC_SIGN_SIZE - 1, given, RC_SIGN_SIZE - 1)) {
        return RC_SIGN_WRONG;
    }
    int64_t off = now_ms > at_ms ? now_ms - at_ms : at_ms - now_ms;
    return max_skew_s > 0 && off > max_skew_s * 1000 ? RC_SIGN_SKEWED : RC_SIGN_OK;
}
