/*
 * gateway/base/arena.h - memory that is given back all at once.
 *
 * Owns:    blocks of heap memory, kept for reuse by arena_reset, freed by arena_free.
 * Bounds:  grows to what a job asks; jobs are bounded by the request's and the page's size.
 * Fails:   aborts the process when the heap is exhausted: nothing sensible can be answered from there, and the store
 *          is crash safe.
 * Thread:  one thread at a time.
 *
 * A job reads rows whose texts live exactly as long as the job: one reset instead of a free for each text.
 */
#ifndef RECALLD_BASE_ARENA_H
#define RECALLD_BASE_ARENA_H

#include "base/str.h"

struct arena_block;
struct arena {
    struct arena_block *head;
    struct arena_block *spare;
};

/* `n` bytes, aligned for any type, zeroed. Never NULL. */
void *arena_alloc(struct arena *a, size_t n);
/* A copy of `s`, followed by a zero byte that is not counted; absent stays absent. */
struct str arena_str(struct arena *a, struct str s);
/* Formats as printf does. */
struct str arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Everything allocated becomes invalid; one block is kept. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
