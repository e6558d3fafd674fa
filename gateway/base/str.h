/*
 * gateway/base/str.h - a borrowed run of bytes: pointer and length, not terminated.
 *
 * Owns nothing; whoever made the bytes says how long they live. Never fails; any thread.
 */
#ifndef RECALLD_BASE_STR_H
#define RECALLD_BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct str {
    const char *p; /* NULL: absent, which is not the same as empty */
    size_t n;
};

#define STR(literal) ((struct str){"" literal, sizeof(literal) - 1})
#define STR_NULL ((struct str){NULL, 0})

/* A zero-terminated text as a run of bytes; NULL gives the absent one. */
static inline struct str str_c(const char *s)
{
    return (struct str){s, s != NULL ? strlen(s) : 0};
}

static inline struct str str_n(const char *p, size_t n)
{
    return (struct str){p, n};
}

/* Absent or empty. */
static inline bool str_empty(struct str s)
{
    return s.n == 0;
}

/* Same bytes. Not constant time: for secrets use text_equal_secret (base/text.h). */
static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

#endif
