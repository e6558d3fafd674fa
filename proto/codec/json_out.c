#include "proto/codec/json_out.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP ((size_t)256)
#define INT_MAX_BYTES 20U /* a sign and 19 digits */

static const char hex[] = "0123456789abcdef";

void json_out_init(struct json_out *o)
{
    *o = (struct json_out){0};
}

void json_out_free(struct json_out *o)
{
    if (o == NULL)
        return;
    free(o->p);
    json_out_init(o);
}

void json_out_reset(struct json_out *o)
{
    char *p = o->p;
    size_t cap = o->cap;

    json_out_init(o);
    o->p = p;
    o->cap = cap;
}

bool json_out_ok(const struct json_out *o)
{
    return !o->failed && o->depth == 0 && !o->after_key && o->len > 0;
}

char *json_out_take(struct json_out *o, size_t *len)
{
    char *p;

    if (!json_out_ok(o))
        return NULL;
    p = o->p;
    *len = o->len;
    json_out_init(o);
    return p;
}

static char *grow(struct json_out *o, size_t n)
{
    size_t cap = o->cap;
    char *p;

    if (n > JSON_OUT_MAX - o->len)
        goto fail;
    if (cap < FIRST_CAP)
        cap = FIRST_CAP;
    while (cap - o->len < n)
        cap *= 2;
    if (cap > JSON_OUT_MAX)
        cap = JSON_OUT_MAX;
    p = realloc(o->p, cap);
    if (p == NULL)
        goto fail;
    o->p = p;
    o->cap = cap;
    return o->p + o->len;
fail:
    o->failed = true;
    return NULL;
}

/* Room for n more bytes at p + len; NULL, and failed, if there is none. */
static inline char *more(struct json_out *o, size_t n)
{
    if (o->failed)
        return NULL;
    return n <= o->cap - o->len ? o->p + o->len : grow(o, n);
}

void json_out_room(struct json_out *o, size_t n)
{
    (void)more(o, n);
}

static inline void put(struct json_out *o, const char *s, size_t n)
{
    char *p = more(o, n);

    if (p == NULL)
        return;
    memcpy(p, s, n);
    o->len += n;
}

/* What stands before a value: nothing after a key, a comma between elements. False if no value may stand
 * here. */
static bool before_value(struct json_out *o)
{
    uint32_t bit;

    if (o->failed)
        return false;
    if (o->depth == 0) {
        if (o->len > 0) /* a second text behind the first */
            o->failed = true;
        return !o->failed;
    }
    bit = (uint32_t)1 << (o->depth - 1);
    if (o->after_key) {
        o->after_key = false;
        return true;
    }
    if (o->object & bit) {
        o->failed = true;
        return false;
    }
    if (o->filled & bit)
        put(o, ",", 1);
    o->filled |= bit;
    return !o->failed;
}

static void open_level(struct json_out *o, const char *bracket, bool object)
{
    uint32_t bit;

    if (!before_value(o))
        return;
    if (o->depth == JSON_OUT_DEPTH) {
        o->failed = true;
        return;
    }
    put(o, bracket, 1);
    bit = (uint32_t)1 << o->depth++;
    o->filled &= ~bit;
    if (object)
        o->object |= bit;
    else
        o->object &= ~bit;
}

static void close_level(struct json_out *o, const char *bracket, bool object)
{
    uint32_t bit;

    if (o->failed)
        return;
    if (o->depth == 0 || o->after_key) {
        o->failed = true;
        return;
    }
    bit = (uint32_t)1 << (o->depth - 1);
    if (((o->object & bit) != 0) != object) {
        o->failed = true;
        return;
    }
    o->depth--;
    put(o, bracket, 1);
}

void json_out_object(struct json_out *o)
{
    open_level(o, "{", true);
}

void json_out_object_end(struct json_out *o)
{
    close_level(o, "}", true);
}

void json_out_array(struct json_out *o)
{
    open_level(o, "[", false);
}

void json_out_array_end(struct json_out *o)
{
    close_level(o, "]", false);
}

void json_out_plain_key(struct json_out *o, const char *key, size_t n)
{
    uint32_t bit;
    char *p;

    if (o->failed)
        return;
    bit = o->depth == 0 ? 0 : (uint32_t)1 << (o->depth - 1);
    if ((o->object & bit) == 0 || o->after_key) {
        o->failed = true;
        return;
    }
    p = more(o, n + 4);
    if (p == NULL)
        return;
    if (o->filled & bit)
        *p++ = ',';
    *p++ = '"';
    memcpy(p, key, n);
    p += n;
    *p++ = '"';
    *p++ = ':';
    o->len = (size_t)(p - o->p);
    o->filled |= bit;
    o->after_key = true;
}

/* The length of the UTF-8 character at s (n >= 1 bytes left), 0 if its first byte starts none. */
static size_t utf8_len(const unsigned char *s, size_t n)
{
    unsigned char low = 0x80;
    unsigned char high = 0xbf;
    size_t len;

    if (s[0] < 0x80)
        return 1;
    if (s[0] < 0xc2 || s[0] > 0xf4)
        return 0;
    len = s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
    if (n < len)
        return 0;
    if (s[0] == 0xe0) /* shorter forms exist */
        low = 0xa0;
    else if (s[0] == 0xed) /* surrogates */
        high = 0x9f;
    else if (s[0] == 0xf0)
        low = 0x90;
    else if (s[0] == 0xf4) /* past U+10FFFF */
        high = 0x8f;
    if (s[1] < low || s[1] > high)
        return 0;
    for (size_t i = 2; i < len; i++)
        if (s[i] < 0x80 || s[i] > 0xbf)
            return 0;
    return len;
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not zero if one of the eight bytes is beyond ASCII, a control character, a quote, a backslash or a '<'. A
 * borrow may report a byte too many, never one too few; the caller looks at each byte then. */
static uint64_t wants_care(uint64_t w)
{
    uint64_t quote = w ^ EACH(0x22);
    uint64_t slash = w ^ EACH(0x5c);
    uint64_t less = w ^ EACH(0x3c);

    return (w | (w - EACH(0x20)) | (quote - EACH(1)) | (slash - EACH(1)) | (less - EACH(1))) & EACH(0x80);
}

/* How many bytes from s can be copied as they are. */
static size_t clean_run(const unsigned char *s, size_t n)
{
    size_t i = 0;
    size_t len;
    uint64_t w;

    while (i < n) {
        while (s[i] < 0x80 && n - i > sizeof w) {
            memcpy(&w, s + i, sizeof w);
            if (wants_care(w) != 0)
                break;
            i += sizeof w;
        }
        if (s[i] < 0x20 || s[i] == '"' || s[i] == '\\' || s[i] == '<')
            break;
        len = utf8_len(s + i, n - i);
        if (len == 0)
            break;
        if (len == 3 && s[i] == 0xe2 && s[i + 1] == 0x80 && (s[i + 2] & 0xfe) == 0xa8) /* U+2028, U+2029 */
            break;
        i += len;
    }
    return i;
}

/* Writes the escape for the character at s, which clean_run stopped at, and tells how many bytes it took. */
static size_t put_escaped(struct json_out *o, const unsigned char *s, size_t n)
{
    static const char from[] = "\"\\\b\f\n\r\t";
    static const char to[] = "\"\\bfnrt";
    char text[6] = {'\\', 'u', '0', '0', '0', '0'};
    const char *at = s[0] == 0 ? NULL : strchr(from, s[0]);

    if (at != NULL) {
        text[1] = to[at - from];
        put(o, text, 2);
        return 1;
    }
    if (s[0] < 0x80) {
        text[4] = hex[s[0] >> 4];
        text[5] = hex[s[0] & 15];
        put(o, text, 6);
        return 1;
    }
    if (utf8_len(s, n) == 3) {
        put(o, s[2] == 0xa8 ? "\\u2028" : "\\u2029", 6);
        return 3;
    }
    put(o, "\xef\xbf\xbd", 3);
    return 1;
}

/* Copies bytes up to the first that wants care, or a few less, and tells how many. */
static size_t copy_plain(char *to, const char *s, size_t n)
{
    size_t i = 0;
    uint64_t w;

    for (; n - i >= sizeof w; i += sizeof w) {
        memcpy(&w, s + i, sizeof w);
        if (wants_care(w) != 0)
            return i;
        memcpy(to + i, &w, sizeof w);
    }
    for (; i < n; i++) {
        const unsigned char c = (unsigned char)s[i];

        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\' || c == '<')
            return i;
        to[i] = (char)c;
    }
    return i;
}

static void put_text(struct json_out *o, const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    char *p = n < JSON_OUT_MAX ? more(o, n + 2) : NULL;
    size_t run;
    size_t i;

    if (p == NULL) {
        o->failed = true;
        return;
    }
    *p = '"';
    i = copy_plain(p + 1, s, n);
    o->len += i + 1;
    if (i == n) {
        p[n + 1] = '"';
        o->len++;
        return;
    }
    while (i < n && !o->failed) {
        run = clean_run(u + i, n - i);
        if (run > 0)
            put(o, s + i, run);
        i += run;
        if (i < n)
            i += put_escaped(o, u + i, n - i);
    }
    put(o, "\"", 1);
}

void json_out_str(struct json_out *o, const char *s, size_t n)
{
    if (before_value(o))
        put_text(o, s, n);
}

void json_out_name(struct json_out *o, const char *key, size_t n)
{
    uint32_t bit = o->depth == 0 ? 0 : (uint32_t)1 << (o->depth - 1);

    if ((o->object & bit) == 0 || o->after_key) {
        o->failed = true;
        return;
    }
    if (o->filled & bit)
        put(o, ",", 1);
    o->filled |= bit;
    put_text(o, key, n);
    put(o, ":", 1);
    o->after_key = true;
}

void json_out_cstr(struct json_out *o, const char *s)
{
    if (s == NULL)
        json_out_null(o);
    else
        json_out_str(o, s, strlen(s));
}

void json_out_int(struct json_out *o, int64_t v)
{
    static const char pairs[] = "0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849"
                                "5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";
    char text[2 * INT_MAX_BYTES] = {0}; /* what follows the digits is copied with them, and written over */
    size_t i = INT_MAX_BYTES;
    char *p;
    uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    if (!before_value(o))
        return;
    for (; u >= 10; u /= 100) {
        i -= 2;
        memcpy(text + i, pairs + 2 * (u % 100), 2);
    }
    if (u != 0 || i == INT_MAX_BYTES)
        text[--i] = (char)('0' + u);
    if (v < 0)
        text[--i] = '-';
    p = more(o, INT_MAX_BYTES);
    if (p == NULL)
        return;
    memcpy(p, text + i, INT_MAX_BYTES);
    o->len += INT_MAX_BYTES - i;
}

void json_out_bool(struct json_out *o, bool v)
{
    if (before_value(o))
        put(o, v ? "true" : "false", v ? 4 : 5);
}

void json_out_null(struct json_out *o)
{
    if (before_value(o))
        put(o, "null", 4);
}

void json_out_raw(struct json_out *o, const char *json, size_t n)
{
    if (!before_value(o))
        return;
    if (n == 0)
        o->failed = true;
    else
        put(o, json, n);
}

void json_out_members(struct json_out *o, const char *object, size_t n)
{
    uint32_t bit = o->depth == 0 ? 0 : (uint32_t)1 << (o->depth - 1);

    if ((o->object & bit) == 0 || o->after_key || n < 2 || object[0] != '{' || object[n - 1] != '}') {
        o->failed = true;
        return;
    }
    if (n == 2)
        return;
    if (o->filled & bit)
        put(o, ",", 1);
    o->filled |= bit;
    put(o, object + 1, n - 2);
}
