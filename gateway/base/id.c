#include "base/id.h"

#include "base/log.h"
#include "base/text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void id_random(void *out, size_t len)
{
    unsigned char *p = out;
    while (len > 0) {
        ssize_t n = getrandom(p, len, 0);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            log_error("no-randomness", LOG_TEXT("error", strerror(errno)), LOG_END);
            abort();
        }
        p += n;
        len -= (size_t)n;
    }
}

/* For what there is one of for each message or call, and that is no secret: one system call for some 64 of them. */
static void pooled(void *out, size_t len)
{
    static _Thread_local unsigned char pool[512];
    static _Thread_local size_t left;

    if (left < len) {
        left = sizeof pool;
        id_random(pool, sizeof pool);
    }
    left -= len;
    memcpy(out, pool + left, len);
}

uint64_t id_random_u64(void)
{
    uint64_t v;
    pooled(&v, sizeof v);
    return v;
}

void id_message(char out[static ID_MESSAGE_SIZE], int64_t now_ms)
{
    unsigned char b[12];
    uint32_t seconds = (uint32_t)(now_ms / 1000);
    uint64_t low = ((uint64_t)(now_ms % 1000) << 54) | (id_random_u64() >> 10);
    for (int i = 0; i < 4; i++) {
        b[i] = (unsigned char)(seconds >> (24 - 8 * i));
    }
    for (int i = 0; i < 8; i++) {
        b[4 + i] = (unsigned char)(low >> (56 - 8 * i));
    }
    text_hex(b, sizeof b, out);
}

/* 16 characters of 5 bits each, from 80 bits. */
static void base32(const unsigned char b[static 10], const char *alphabet, char out[static 16])
{
    unsigned bits = 0;
    unsigned have = 0;
    size_t used = 0;
    for (size_t i = 0; i < 10; i++) {
        bits = (bits << 8 | b[i]) & 0xFFFFU;
        for (have += 8; have >= 5; have -= 5) {
            out[used++] = alphabet[bits >> (have - 5) & 31U];
        }
    }
}

void id_uid_of(const unsigned char bits[static 10], char out[static ID_UID_SIZE])
{
    char c[16];
    base32(bits, "0123456789ABCDEFGHIJKLMNOPQRSTUV", c);
    for (size_t group = 0; group < 4; group++) {
        memcpy(out + group * 5, c + group * 4, 4);
        out[group * 5 + 4] = group < 3 ? '-' : '\0';
    }
}

void id_uid(char out[static ID_UID_SIZE])
{
    unsigned char b[10];
    pooled(b, sizeof b);
    id_uid_of(b, out);
}

void id_token(char out[static ID_TOKEN_SIZE])
{
    unsigned char b[32];
    id_random(b, sizeof b);
    (void)text_base64url(b, sizeof b, out);
}

void id_short(char out[static ID_SHORT_SIZE])
{
    unsigned char b[10];
    pooled(b, sizeof b);
    base32(b, "abcdefghijklmnopqrstuvwxyz234567", out);
    out[16] = '\0';
}
