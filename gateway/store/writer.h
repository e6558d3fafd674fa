/*
 * gateway/store/writer.h - the one thread that writes: group commit, erasure, checkpoints. Step 3 of a recall,
 * COMMIT; its last part, the wait for the disk, is mostly syncer.h's.
 *
 * Owns:    its thread and the writing connection.
 * Borrows: jobs, from writer_submit until they are sent home; the readers, whose gate it uses, and the syncer, until
 *          writer_free.
 * Bounds:  `limit` waiting jobs, by rank (ranks.h); `batch_max` jobs in one commit, and a few of those for later.
 * Fails:   a batch that fails is rolled back and its jobs are tried one by one; an I/O error on commit or
 *          checkpoint ends the process, because after it nobody knows what the disk holds (see writer.c).
 * Thread:  any, unless said otherwise.
 */
#ifndef RECALLD_STORE_WRITER_H
#define RECALLD_STORE_WRITER_H

#include "store/db.h"
#include "store/job.h"
#include "store/readers.h"
#include "store/store.h"
#include "store/store_clock.h"
#include "store/syncer.h"

struct writer;

struct writer_options {
    struct db *db; /* taken over, also when writer_create fails */
    struct str epoch;
    struct readers *readers;
    struct syncer *syncer;
    unsigned limit;
    unsigned batch_max;
    struct store_clock *clock; /* shared with the readers */
    _Atomic uint32_t *under_way; /* shared with the syncer: jobs that are not published, besides those for later */
};

/* Starts the thread. NULL and a sentence in `error` when it cannot. */
struct writer *writer_create(const struct writer_options *options, char *error, size_t error_size);
/* Refuses new jobs from now on; those admitted are still run. */
void writer_close(struct writer *writer);
/* Closes, finishes every admitted job, empties the log, ends the thread, closes the connection. The readers are drained before. */
void writer_drain(struct writer *writer);
/* Drains if that is not done, and frees. NULL is legal. The readers are freed after. */
void writer_free(struct writer *writer);

/* Admits a job; false when the queue is full or closed. `more`: the caller may have more jobs at once, and calls writer_wake before it
 * waits for anything. */
bool writer_submit(struct writer *writer, struct job *job, bool more);
/* See store_gathered. */
unsigned writer_gathered(struct writer *writer);
/* Wakes the thread if it waits and there are such jobs. */
void writer_wake(struct writer *writer);
/* Fills the writer's part. */
void writer_stats(struct writer *writer, struct store_stats *out);
/* Do commits succeed? After one failed the thread tries a small one each second, so the answer becomes
 * true again by itself. */
bool writer_healthy(const struct writer *writer);

#endif
