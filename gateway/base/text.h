/*
 * gateway/base/text.h - rules and transformations of text, all on (pointer, length).
 *
 * Owns nothing, allocates nothing, never blocks; any thread. Inputs need no zero byte at the end and are not
 * changed; NULL is legal with length 0. Outputs go to the caller's buffer, whose needed size each function
 * tells.
 */
#ifndef RECALLD_BASE_TEXT_H
#define RECALLD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TEXT_ROOM_MAX 128      /* bytes of a room id that a caller chooses */
#define TEXT_USER_MAX 64       /* bytes of a user id */
#define TEXT_MESSAGE_ID_MAX 64 /* bytes of a message id */
#define TEXT_DEVICE_MAX 64     /* bytes of a device id */
#define TEXT_LOG_MAX                                                                                         \
    (9 + 2 * TEXT_USER_MAX + 1) /* bytes of the longest room name of the server's: ~private/A/B */

/* Whether the bytes are well-formed UTF-8 (no overlong forms, no surrogates, at most U+10FFFF). True for no
 * bytes. */
bool text_utf8_valid(const char *s, size_t len);
/* Whether well-formed UTF-8 holds a control character: C0, DEL, or C1 (U+0080..U+009F). */
bool text_has_control(const char *s, size_t len);

/* The rules of names: well-formed UTF-8, at least one byte, no control character, and the bounds above. */
bool text_room_valid(const char *s, size_t len); /* a caller's room: no leading '~' */
bool text_log_valid(const char *s,
                    size_t len); /* any room name, the server's "~…" included; up to TEXT_LOG_MAX */
bool text_user_valid(const char *s, size_t len);       /* no '/' restriction: user ids are opaque */
bool text_message_id_valid(const char *s, size_t len); /* printable, so no control characters */
bool text_device_valid(const char *s, size_t len);

/* How text_percent_decode treats what it meets. */
enum text_decode {
    TEXT_DECODE_URL = 0,     /* '+' stays, a bad escape is an error: paths */
    TEXT_DECODE_PLUS = 1,    /* '+' is a space: query strings and forms */
    TEXT_DECODE_LENIENT = 2, /* a bad escape stays as it is: SDKs that do not encode */
    TEXT_DECODE_FORM = TEXT_DECODE_PLUS | TEXT_DECODE_LENIENT
};

/* Decodes %XX. `out` has room for `len` bytes (the result is never longer) and may be `in` itself. No zero
 * byte is added. False for a bad escape unless lenient; *out_len is then undefined. A %00 gives a zero byte:
 * check the result. */
bool text_percent_decode(const char *in, size_t len, enum text_decode how, char *out, size_t *out_len);

/* A walk over "a=1&b=2&c". Borrows the text. */
struct text_query {
    const char *rest;
    size_t rest_len;
};
struct text_pair {
    const char *name; /* still encoded */
    size_t name_len;
    const char *value; /* still encoded; "" if there is no '=' */
    size_t value_len;
};
/* Starts a walk; a leading '?' is skipped. */
struct text_query text_query_start(const char *s, size_t len);
/* The next pair; empty ones ("&&") are skipped. False at the end. */
bool text_query_next(struct text_query *q, struct text_pair *pair);
/* Finds the first pair whose decoded name is `name` (a zero-terminated text without encoded characters) and
 * decodes its value into `out` as a form (plus is a space, lenient). False if there is none or the value
 * needs more than `cap` bytes. */
bool text_query_find(const char *query, size_t len, const char *name, char *out, size_t cap, size_t *out_len);

/* Whether two texts are equal, in a time that depends on their lengths alone. For secrets. */
bool text_equal_secret(const char *a, size_t a_len, const char *b, size_t b_len);
/* Whether (s, len) equals a zero-terminated text; the second ignores ASCII case. Not for secrets. */
bool text_is(const char *s, size_t len, const char *z);
bool text_is_nocase(const char *s, size_t len, const char *z);

/* Lower-case hex: `out` has room for 2 * len + 1 characters, a zero byte included. */
void text_hex(const void *in, size_t len, char *out);
/* Reads hex of either case into len / 2 bytes; false for an odd length or another character. */
bool text_unhex(const char *in, size_t len, void *out);

/* Base64url without padding: `out` has room for TEXT_BASE64URL_SIZE(len), a zero byte included. Returns the
 * length. */
#define TEXT_BASE64URL_SIZE(len) (((len)*4 + 2) / 3 + 1)
size_t text_base64url(const void *in, size_t len, char *out);
/* The strict reverse: no padding, no other characters, unused bits zero, so that one value has one spelling.
 * `out` has room for len * 3 / 4 bytes. */
bool text_base64url_decode(const char *in, size_t len, void *out, size_t *out_len);

/* Reads all of (s, len) as a decimal number within [min, max]; false for anything else: a sign "+", blanks,
 * an empty text, overflow. */
bool text_parse_int(const char *s, size_t len, int64_t min, int64_t max, int64_t *value);
/* Reads "1", "0", "true", "false" (any case); false for anything else. */
bool text_parse_bool(const char *s, size_t len, bool *value);

#endif
