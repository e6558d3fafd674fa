/*
 * proto/codec/json_out.h - an append-only JSON writer.
 *
 * Owns:    one growing heap buffer; the caller frees it with json_out_free or takes it with
 *          json_out_take.
 * Borrows: every string given, only during the call.
 * Bounds:  nesting 32 levels; size up to JSON_OUT_MAX bytes.
 * Fails:   never in the middle: an allocation failure or a broken nesting sets `failed`, later calls do
 *          nothing, and the caller asks once at the end (json_out_ok).
 * Thread:  no shared state; one writer belongs to one thread at a time.
 *
 * Every event frame and every answer of the server is written with this: jansson builds a tree first,
 * which costs several allocations a field on the fan-out's path.
 */
#ifndef RECALL_PROTO_JSON_OUT_H
#define RECALL_PROTO_JSON_OUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define JSON_OUT_MAX ((size_t)64 << 20)
#define JSON_OUT_DEPTH 32

struct json_out {
    char *p;         /* the text so far; not terminated by a zero byte */
    size_t len;      /* bytes used */
    size_t cap;      /* bytes allocated */
    uint32_t filled; /* bit d: level d + 1 has a value already, so the next one wants a comma */
    uint32_t object; /* bit d: level d + 1 is an object, so a value wants a key */
    uint8_t depth;   /* open objects and arrays */
    bool after_key;  /* the next value belongs to a key that was just written */
    bool failed;
};

/* Starts an empty text. No allocation yet. */
void json_out_init(struct json_out *o);
/* Frees the buffer and starts anew. Legal on a zeroed or freed writer. */
void json_out_free(struct json_out *o);
/* Empties the text and keeps the buffer, so that a loop allocates once. */
void json_out_reset(struct json_out *o);
/* Makes room for `n` more bytes at once, where the caller knows what is coming. */
void json_out_room(struct json_out *o, size_t n);
/* True if nothing failed and everything that was opened is closed. */
bool json_out_ok(const struct json_out *o);
/* Hands the buffer (malloc'd, *len bytes) to the caller and starts anew; NULL if the text is not ok. */
char *json_out_take(struct json_out *o, size_t *len);

void json_out_object(struct json_out *o);
void json_out_object_end(struct json_out *o);
void json_out_array(struct json_out *o);
void json_out_array_end(struct json_out *o);

/* A key of `n` bytes that need no escaping. */
void json_out_plain_key(struct json_out *o, const char *key, size_t n);
/* A key; must be a plain literal (no escaping is done), whose length the compiler knows. */
static inline void json_out_key(struct json_out *o, const char *key)
{
    json_out_plain_key(o, key, strlen(key));
}
/* A key of any text: escaped as json_out_str does. */
void json_out_name(struct json_out *o, const char *key, size_t n);

/* Values. Strings are `n` bytes of UTF-8; control characters, quotes and backslashes are escaped, and '<',
 * U+2028 and U+2029 too, so that a text may stand inside a script element. Bytes that are no UTF-8 become
 * U+FFFD. */
void json_out_str(struct json_out *o, const char *s, size_t n);
void json_out_cstr(struct json_out *o, const char *s); /* NULL writes null */
void json_out_int(struct json_out *o, int64_t v);
void json_out_bool(struct json_out *o, bool v);
void json_out_null(struct json_out *o);
/* `n` bytes that are one complete JSON value already. */
void json_out_raw(struct json_out *o, const char *json, size_t n);

/* The members of `object`, the text of one complete JSON object without blanks around it, appended to the
 * object that is open. The caller sees to it that no key stands twice. */
void json_out_members(struct json_out *o, const char *object, size_t n);

/* Key and value in one call. */
static inline void json_out_kstr(struct json_out *o, const char *key, const char *s, size_t n)
{
    json_out_key(o, key);
    json_out_str(o, s, n);
}

static inline void json_out_kcstr(struct json_out *o, const char *key, const char *s)
{
    json_out_key(o, key);
    json_out_cstr(o, s);
}

static inline void json_out_kint(struct json_out *o, const char *key, int64_t v)
{
    json_out_key(o, key);
    json_out_int(o, v);
}

static inline void json_out_kbool(struct json_out *o, const char *key, bool v)
{
    json_out_key(o, key);
    json_out_bool(o, v);
}

static inline void json_out_knull(struct json_out *o, const char *key)
{
    json_out_key(o, key);
    json_out_null(o);
}

static inline void json_out_kraw(struct json_out *o, const char *key, const char *json, size_t n)
{
    json_out_key(o, key);
    json_out_raw(o, json, n);
}

#endif
