#include "auth/digest.h"

#include "base/text.h"

#include <openssl/evp.h>

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
