#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>

struct arena_block {
    struct arena_block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char data[];
};

/* Most jobs and calls ask for a few hundred bytes. A first block that malloc takes from a thread's own list (1,032 bytes at most in glibc)
 * is one that was just given back, and still in the core's cache. */
#define ARENA_FIRST (1024U - sizeof(struct arena_block))
#define ARENA_BLOCK 16384U

static struct arena_block *block_for(struct arena *a, size_t n)
{
    struct arena_block *b = a->head;

    if (b != NULL && b->size - b->used >= n)
        return b;
    if (a->spare != NULL && n <= a->spare->size) {
        b = a->spare;
        a->spare = NULL;
    } else {
        const size_t usual = b == NULL ? ARENA_FIRST : ARENA_BLOCK;
        const size_t size = n <= usual ? usual : n <= ARENA_BLOCK ? ARENA_BLOCK : n;

        b = malloc(sizeof(*b) + size);
        if (b == NULL)
            abort();
        b->size = size;
    }
    b->used = 0;
    b->next = a->head;
    a->head = b;
    return b;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    struct arena_block *b;
    void *p;

    n = (n + align - 1) & ~(align - 1);
    b = block_for(a, n);
    p = b->data + b->used;
    b->used += n;
    memset(p, 0, n);
    return p;
}

struct str arena_str(struct arena *a, struct str s)
{
    char *p;

    if (s.p == NULL)
        return STR_NULL;
    p = arena_alloc(a, s.n + 1);
    if (s.n != 0)
        memcpy(p, s.p, s.n);
    return str_n(p, s.n);
}

struct str arena_printf(struct arena *a, const char *format, ...)
{
    va_list args;
    char *p;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0)
        abort();
    p = arena_alloc(a, (size_t)n + 1);
    va_start(args, format);
    (void)vsnprintf(p, (size_t)n + 1, format, args);
    va_end(args);
    return str_n(p, (size_t)n);
}

/* Gives back the blocks that are newer than `last`. */
static void drop_until(struct arena *a, const struct arena_block *last)
{
    while (a->head != last) {
        struct arena_block *b = a->head;

        a->head = b->next;
        if (b->size <= ARENA_BLOCK && (a->spare == NULL || a->spare->size < b->size)) {
            free(a->spare);
            a->spare = b;
        } else {
            free(b);
        }
    }
}

struct arena_mark arena_mark(const struct arena *a)
{
    return (struct arena_mark){a->head, a->head != NULL ? a->head->used : 0};
}

void arena_rewind(struct arena *a, struct arena_mark mark)
{
    drop_until(a, mark.head);
    if (a->head != NULL)
        a->head->used = mark.used;
}

void arena_reset(struct arena *a)
{
    drop_until(a, NULL);
}

void arena_free(struct arena *a)
{
    arena_reset(a);
    free(a->spare);
    a->spare = NULL;
}
