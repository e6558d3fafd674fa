/*
 * gateway/base/arena.h - memory that is given back all at once.
 *
 * Owns:    blocks of heap memory, kept for reuse by arena_reset, freed by arena_free.
 * Bounds:  grows to what a job asks; jobs are bounded by the request's and the page's size.
 * Fails:   aborts the process when the heap is exhausted: nothing sensible can be answered from there, and the store
 *          is crash safe.
 * Thread:  one thread at a time.
 *
 * A job reads rows whose texts live exactly as long as the job: one reset instead of a free for each text. A job that walks over many
 * rows and keeps few of them gives the others back on its way.
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
/* A place to come back to: what is allocated between arena_mark and arena_rewind becomes invalid, what was there before stays. Marks are
 * rewound in the opposite order, before the next arena_reset. */
struct arena_mark {
    struct arena_block *head;
    size_t used;
};
struct arena_mark arena_mark(const struct arena *a);
void arena_rewind(struct arena *a, struct arena_mark mark);
/* Everything allocated becomes invalid; one block is kept, the largest of up to 16 KiB. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

#endif
