#include "clients/load/rongcloud.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define GROUP 3 /* conversationType */

bool rongcloud_recall(const struct rongcloud_recall *r, char *headers, size_t headers_size, char *form,
                      size_t form_size)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    char text[320], hex[2 * EVP_MAX_MD_SIZE + 1];
    unsigned len = 0;
    const long long now_ms = (long long)time(NULL) * 1000;
    int n = snprintf(text, sizeof(text), "%s%u%lld", r->app_secret, r->nonce, now_ms);

    if (n < 0 || (size_t)n >= sizeof(text) ||
        EVP_Digest(text, (size_t)n, digest, &len, EVP_sha1(), NULL) != 1)
        return false;
    for (unsigned i = 0; i < len; i++)
        snprintf(hex + 2 * (size_t)i, 3, "%02x", digest[i]);
    n = snprintf(headers, headers_size,
                 "App-Key: %s\r\nNonce: %u\r\nTimestamp: %lld\r\nSignature: %s\r\n"
                 "Content-Type: application/x-www-form-urlencoded\r\n",
                 r->app_key, r->nonce, now_ms, hex);
    if (n < 0 || (size_t)n >= headers_size)
        return false;
    n = snprintf(form, form_size,
                 "fromUserId=%s&conversationType=%d&targetId=%s&messageUID=%s&isAdmin=1&isDelete=%d",
                 r->author, GROUP, r->room, r->message, r->is_delete);
    return n > 0 && (size_t)n < form_size;
}
