#include "base/text.h"

#include <string.h>

/* The length of the well-formed character at s (RFC 3629's table), 0 if there is none. */
static size_t utf8_character(const unsigned char *s, size_t len)
{
    unsigned char c = s[0];
    size_t n;
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    if (c < 0x80) {
        return 1;
    }
    if (c >= 0xC2 && c <= 0xDF) {
        n = 2;
    } else if (c >= 0xE0 && c <= 0xEF) {
        n = 3;
        low = c == 0xE0 ? 0xA0 : 0x80;  /* no overlong form */
        high = c == 0xED ? 0x9F : 0xBF; /* no surrogate */
    } else if (c >= 0xF0 && c <= 0xF4) {
        n = 4;
        low = c == 0xF0 ? 0x90 : 0x80;
        high = c == 0xF4 ? 0x8F : 0xBF; /* at most U+10FFFF */
    } else {
        return 0;
    }
    if (len < n || s[1] < low || s[1] > high) {
        return 0;
    }
    for (size_t i = 2; i < n; i++) {
        if (s[i] < 0x80 || s[i] > 0xBF) {
            return 0;
        }
    }
    return n;
}

bool text_utf8_valid(const char *s, size_t len)
{
    const unsigned char *p = (const unsigned char *)s;
    for (size_t i = 0; i < len;) {
        /* Most texts are ASCII: eight bytes at a time. */
        if (len - i >= 8) {
            uint64_t eight;
            memcpy(&eight, p + i, 8);
            if ((eight & UINT64_C(0x8080808080808080)) == 0) {
                i += 8;
                continue;
            }
        }
        size_t n = utf8_character(p + i, len - i);
        if (n == 0) {
            return false;
        }
        i += n;
    }
    return true;
}

bool text_has_control(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        if (c < 0x20 || c == 0x7F) {
            return true;
        }
        if (c == 0xC2 && i + 1 < len && (unsigned char)s[i + 1] < 0xA0) {
            return true;
        }
    }
    return false;
}

static bool name_valid(const char *s, size_t len, size_t max)
{
    return len >= 1 && len <= max && text_utf8_valid(s, len) && !text_has_control(s, len);
}

bool text_room_valid(const char *s, size_t len)
{
    return name_valid(s, len, TEXT_ROOM_MAX) && s[0] != '~';
}

bool text_log_valid(const char *s, size_t len)
{
    return name_valid(s, len, TEXT_LOG_MAX) && (s[0] == '~' || len <= TEXT_ROOM_MAX);
}

bool text_user_valid(const char *s, size_t len)
{
    return name_valid(s, len, TEXT_USER_MAX);
}

bool text_message_id_valid(const char *s, size_t len)
{
    return name_valid(s, len, TEXT_MESSAGE_ID_MAX);
}

bool text_device_valid(const char *s, size_t len)
{
    return name_valid(s, len, TEXT_DEVICE_MAX);
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    if (c >= 'a' && c <= 'f') {
        return c - 'a' + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return c - 'A' + 10;
    }
    return -1;
}

bool text_percent_decode(const char *in, size_t len, enum text_decode how, char *out, size_t *out_len)
{
    size_t used = 0;
    for (size_t i = 0; i < len; i++) {
        char c = in[i];
        if (c == '+' && (how & TEXT_DECODE_PLUS) != 0) {
            c = ' ';
        } else if (c == '%') {
            int high = len - i > 2 ? hex_value(in[i + 1]) : -1;
            int low = len - i > 2 ? hex_value(in[i + 2]) : -1;
            if (high >= 0 && low >= 0) {
                c = (char)(high * 16 + low);
                i += 2;
            } else if ((how & TEXT_DECODE_LENIENT) == 0) {
                return false;
            }
        }
        out[used++] = c;
    }
    *out_len = used;
    return true;
}

struct text_query text_query_start(const char *s, size_t len)
{
    if (len > 0 && s[0] == '?') {
        s++;
        len--;
    }
    return (struct text_query){s, len};
}

bool text_query_next(struct text_query *q, struct text_pair *pair)
{
    while (q->rest_len > 0) {
        const char *start = q->rest;
        const char *end = memchr(start, '&', q->rest_len);
        size_t n = end != NULL ? (size_t)(end - start) : q->rest_len;
        size_t step = end != NULL ? n + 1 : n;
        q->rest += step;
        q->rest_len -= step;
        if (n == 0) {
            continue;
        }
        const char *equals = memchr(start, '=', n);
        pair->name = start;
        pair->name_len = equals != NULL ? (size_t)(equals - start) : n;
        pair->value = equals != NULL ? equals + 1 : "";
        pair->value_len = equals != NULL ? n - pair->name_len - 1 : 0;
        return true;
    }
    return false;
}

/* Whether an encoded name decodes to the given one. A name much longer than it cannot. */
static bool name_is(const struct text_pair *pair, const char *name)
{
    char decoded[192];
    size_t len;
    if (pair->name_len > sizeof decoded) {
        return false;
    }
    return text_percent_decode(pair->name, pair->name_len, TEXT_DECODE_FORM, decoded, &len) &&
           text_is(decoded, len, name);
}

/* Decodes into a buffer that may be shorter than the encoded text, as long as the decoded one fits. */
static bool decode_bounded(const struct text_pair *pair, char *out, size_t cap, size_t *out_len)
{
    size_t used = 0;
    for (size_t i = 0; i < pair->value_len;) {
        const char *p = pair->value + i;
        size_t step =
            *p == '%' && pair->value_len - i > 2 && hex_value(p[1]) >= 0 && hex_value(p[2]) >= 0 ? 3 : 1;
        char c[3];
        size_t n;
        if (used == cap || !text_percent_decode(p, step, TEXT_DECODE_FORM, c, &n)) {
            return false;
        }
        out[used++] = c[0];
        i += step;
    }
    *out_len = used;
    return true;
}

bool text_query_find(const char *query, size_t len, const char *name, char *out, size_t cap, size_t *out_len)
{
    struct text_query q = text_query_start(query, len);
    struct text_pair pair;
    while (text_query_next(&q, &pair)) {
        if (name_is(&pair, name)) {
            return decode_bounded(&pair, out, cap, out_len);
        }
    }
    return false;
}

bool text_equal_secret(const char *a, size_t a_len, const char *b, size_t b_len)
{
    if (a_len != b_len) {
        return false;
    }
    /* volatile: the compiler must not leave at the first difference. */
    volatile unsigned char difference = 0;
    for (size_t i = 0; i < a_len; i++) {
        difference = (unsigned char)(difference | ((unsigned char)a[i] ^ (unsigned char)b[i]));
    }
    return difference == 0;
}

bool text_is(const char *s, size_t len, const char *z)
{
    return len == strlen(z) && (len == 0 || memcmp(s, z, len) == 0);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

bool text_is_nocase(const char *s, size_t len, const char *z)
{
    if (len != strlen(z)) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (lower(s[i]) != lower(z[i])) {
            return false;
        }
    }
    return true;
}

void text_hex(const void *in, size_t len, char *out)
{
    static const char set[] = "0123456789abcdef";
    const unsigned char *p = in;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = set[p[i] >> 4];
        out[2 * i + 1] = set[p[i] & 15];
    }
    out[2 * len] = '\0';
}

bool text_unhex(const char *in, size_t len, void *out)
{
    unsigned char *p = out;
    if (len % 2 != 0) {
        return false;
    }
    for (size_t i = 0; i < len; i += 2) {
        int high = hex_value(in[i]);
        int low = hex_value(in[i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        p[i / 2] = (unsigned char)(high * 16 + low);
    }
    return true;
}

size_t text_base64url(const void *in, size_t len, char *out)
{
    static const char set[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = in;
    size_t used = 0;
    unsigned bits = 0;
    unsigned have = 0;
    for (size_t i = 0; i < len; i++) {
        bits = (bits << 8 | p[i]) & 0xFFFFU;
        for (have += 8; have >= 6; have -= 6) {
            out[used++] = set[bits >> (have - 6) & 63U];
        }
    }
    if (have > 0) {
        out[used++] = set[bits << (6 - have) & 63U];
    }
    out[used] = '\0';
    return used;
}

static int base64url_value(char c)
{
    if (c >= 'A' && c <= 'Z') {
        return c - 'A';
    }
    if (c >= 'a' && c <= 'z') {
        return c - 'a' + 26;
    }
    if (c >= '0' && c <= '9') {
        return c - '0' + 52;
    }
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

bool text_base64url_decode(const char *in, size_t len, void *out, size_t *out_len)
{
    unsigned char *p = out;
    size_t used = 0;
    unsigned bits = 0;
    unsigned have = 0;
    if (len % 4 == 1) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        int v = base64url_value(in[i]);
        if (v < 0) {
            return false;
        }
        bits = (bits << 6 | (unsigned)v) & 0xFFFFU;
        have += 6;
        if (have >= 8) {
            have -= 8;
            p[used++] = (unsigned char)(bits >> have);
        }
    }
    if ((bits & ((1U << have) - 1U)) != 0) {
        return false;
    }
    *out_len = used;
    return true;
}

bool text_parse_int(const char *s, size_t len, int64_t min, int64_t max, int64_t *value)
{
    bool negative = len > 0 && s[0] == '-';
    size_t i = negative ? 1 : 0;
    int64_t v = 0;
    if (i == len) {
        return false;
    }
    for (; i < len; i++) {
        if (s[i] < '0' || s[i] > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_sub_overflow(v, s[i] - '0', &v)) {
            return false;
        }
    }
    /* Counted below zero, which reaches one farther than above. */
    if (!negative && __builtin_sub_overflow(0, v, &v)) {
        return false;
    }
    if (v < min || v > max) {
        return false;
    }
    *value = v;
    return true;
}

bool text_parse_bool(const char *s, size_t len, bool *value)
{
    if (text_is(s, len, "1") || text_is_nocase(s, len, "true")) {
        *value = true;
        return true;
    }
    if (text_is(s, len, "0") || text_is_nocase(s, len, "false")) {
        *value = false;
        return true;
    }
    return false;
}
