/*
 * gateway/store/ranks.h - the bounded line of jobs before the writer, by rank: what goes into the next batch.
 *
 * Owns:    nothing; the jobs are borrowed from those who submitted them.
 * Bounds:  `limit` jobs; ranks_push refuses more.
 * Fails:   not otherwise.
 * Thread:  under the writer's lock, which the caller holds.
 */
#ifndef RECALLD_STORE_RANKS_H
#define RECALLD_STORE_RANKS_H

#include "store/queue.h"

#define RANKS_LATER_FEW  16U
#define RANKS_LATER_MANY 64U
#define RANKS_LATER_MS   50 /* how long those for later wait for company */

/* The line before the writer: a queue for each rank. */
struct ranks {
    struct queue of[JOB_RANKS];
    unsigned depth, limit; /* of all */
    int64_t later_ms;      /* monotonic: since when jobs for later wait */
};

/* Puts the job last in its rank; false when there is no room for it. An eighth of it all is kept for recalls, and those for later take a quarter
 * at most: neither a flood of sends nor of arrivals keeps a recall out. */
bool ranks_push(struct ranks *r, struct job *job, int64_t now_ms);
/* Takes up to `max` jobs for one batch: recalls, then ordinary ones, then those for later. Where others wait, recalls leave a quarter of it to
 * them, and of the last there are RANKS_LATER_FEW beside others and RANKS_LATER_MANY alone at most, so that a recall which comes next does not
 * wait behind many. */
struct job *ranks_take(struct ranks *r, unsigned max);

/* How many of a list of jobs are not for later. */
unsigned ranks_count(const struct job *first);

/* Is there a batch to be taken? Jobs for later alone are none until RANKS_LATER_MANY of them wait, or the first has waited RANKS_LATER_MS:
 * a commit for each few that trickle in would cost more than all the rest of it. */
bool ranks_ready(const struct ranks *r, int64_t now_ms);
/* When that becomes true by itself; INT64_MAX: it does not. */
int64_t ranks_due_ms(const struct ranks *r);

#endif
