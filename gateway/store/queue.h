/*
 * gateway/store/queue.h - the bounded line of jobs before a thread, and a job's way home.
 *
 * Owns:    nothing; the jobs in a queue are borrowed from those who submitted them.
 * Bounds:  `limit` jobs; queue_push refuses more.
 * Fails:   not otherwise.
 * Thread:  a queue belongs to its thread's lock, which the caller holds. queue_send_home: any thread, no lock
 *          held.
 */
#ifndef RECALLD_STORE_QUEUE_H
#define RECALLD_STORE_QUEUE_H

#include "store/job.h"

#include <stdbool.h>

struct queue {
    struct job *head, *tail;
    unsigned depth, limit;
};

/* Puts the job last; false when full. */
bool queue_push(struct queue *q, struct job *job);
/* Takes up to `max` jobs off the front, linked by `next`; NULL when empty. */
struct job *queue_take(struct queue *q, unsigned max);

/* Ends the store's part in the job: with its fate it goes home, or is dropped where nobody waits for it. */
void queue_send_home(struct job *job, enum result fate);
/* The same for a list of jobs; each of their threads is woken once, after `before_wake` (NULL: none) was called. */
void queue_send_all_home(struct job *first, enum result fate, void (*before_wake)(void *ctx), void *ctx);

#endif
