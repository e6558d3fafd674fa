#include "auth/digest.h"

#include "base/text.h"

#include <limits.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

bool digest_sha256(const void *in, size_t len, unsigned char out[static DIGEST_SHA256_SIZE])
{
    unsigned n = 0;
    return EVP_Digest(in, len, out, &n, EVP_sha256(), NULL) == 1 && n == DIGEST_SHA256_SIZE;
}

bool digest_sha256_hex(const void *in, size_t len, char out[static DIGEST_SHA256_HEX_SIZE])
{
    unsigned char raw[DIGEST_SHA256_SIZE];
    if (!digest_sha256(in, len, raw)) {
        return false;
    }
    text_hex(raw, sizeof raw, out);
    return true;
}

bool digest_hmac_sha256(const void *key, size_t key_len, const void *data, size_t n, unsigned char out[static DIGEST_SHA256_SIZE])
{
    unsigned len = 0;

    return key_len <= INT_MAX && HMAC(EVP_sha256(), key, (int)key_len, data, n, out, &len) != NULL && len == DIGEST_SHA256_SIZE;
}
