/*
 * clients/load/track.h - which numbers of a room's log one connection has received: each must come once and
 * in order.
 *
 * Owns, borrows: nothing. 16 bytes.
 * Bounds:  looks 64 numbers ahead of the first one that is missing. One that comes later than that is given
 * up: it counts as lost then, and as repeated should it come after all. Fails:   never. Thread:  one.
 */
#ifndef RECALL_LOAD_TRACK_H
#define RECALL_LOAD_TRACK_H

#include <stdbool.h>
#include <stdint.h>

struct track {
    int64_t next;    /* the least number that has not come; 0: nothing is known yet */
    uint64_t beyond; /* bit i: number next + 1 + i has come */
};

enum track_got {
    TRACK_NEW,     /* its first time, and no later number came before it */
    TRACK_LATE,    /* its first time, but a later number was here first */
    TRACK_REPEATED /* it came before */
};

/* Everything up to `seq` counts as received, nothing behind it. */
void track_start(struct track *t, int64_t seq);
/* Notes number `seq`. `*given_up` is set to how many missing numbers are given up for it. A track that was
 * not started is started by it. */
enum track_got track_note(struct track *t, int64_t seq, uint64_t *given_up);
/* Whether number `seq` has come. */
bool track_has(const struct track *t, int64_t seq);
/* How many numbers up to `head` have not come, those given up not counted again. */
uint64_t track_missing(const struct track *t, int64_t head);
/* The greatest number that has come. */
int64_t track_head(const struct track *t);

#endif
