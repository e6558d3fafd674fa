/*
 * gateway/store/syncer.h - the thread that waits for the disk, so that the writer need not: the last part of step 3 of a recall, COMMIT.
 *
 *        writer   run, run, run, COMMIT │ run, run, COMMIT │ run …         each COMMIT writes to the log and waits for nothing
 *        syncer                         └─ sync ─→ publish, answer ─ sync ─→ publish, answer
 *
 * What was committed is visible to readers at once, and could still be undone by a power cut. So nobody hears of it before it is on the
 * disk: neither by an event or an answer, which wait here, nor by what was read, which waits as well.
 *
 * Owns:    its thread; effects and jobs from syncer_take on, until they are settled and sent home.
 * Borrows: the database of the batches; jobs of readers from syncer_release until they are sent home.
 * Bounds:  SYNCER_MOST jobs of batches, then syncer_take waits. What is held of readers is as much as was asked for and not answered: it is bounded where it
 *          is asked for, and waits no longer than a commit does.
 * Fails:   a sync that fails ends the process: nobody knows what the disk holds.
 * Thread:  as said at each function.
 */
#ifndef RECALLD_STORE_SYNCER_H
#define RECALLD_STORE_SYNCER_H

#include "store/db.h"
#include "store/job.h"

#define SYNCER_MOST 2048U

struct syncer;

struct syncer_options {
    struct db *db;               /* borrowed until syncer_free, or until nothing waits any more */
    _Atomic uint32_t *under_way; /* jobs that are not for later are taken off it just before their effects are committed */
    void (*published)(void *ctx); /* as store_options has it */
    void *ctx;
};

/* Starts the thread. NULL and a sentence in `error`. */
struct syncer *syncer_create(const struct syncer_options *options, char *error, size_t error_size);
/* Waits until everything is on the disk and was sent home, and ends the thread. NULL is legal. */
void syncer_free(struct syncer *s);

/* --- the writer's thread --- */

/* Is anything not on the disk yet, or not sent home? If so a later batch must come here too, even one that wrote nothing: its answers
 * may tell of it. */
bool syncer_busy(struct syncer *s);
/* Before a commit that may be owed: from now on readers may see it. syncer_take or syncer_withdraw follows. */
void syncer_announce(struct syncer *s);
/* The commit succeeded; `owed` as db_commit_soon told. Its effects are committed and its jobs sent home once it is durable, in the order of
 * the calls. Waits while SYNCER_MOST jobs are here. */
void syncer_take(struct syncer *s, bool owed, struct effect *effects, struct job *jobs);
/* A batch is on the disk, and nothing else was under way: commits its effects and sends its jobs home. */
void syncer_publish(struct syncer *s, struct effect *effects, struct job *jobs);
/* The commit failed. */
void syncer_withdraw(struct syncer *s);
/* Waits until nothing is here. */
void syncer_wait(struct syncer *s);

/* --- readers' threads --- */

/* Jobs that were read in one snapshot which is over; they go home as soon as all that they can have seen is durable, mostly at once. */
void syncer_release(struct syncer *s, struct job *first);

#endif
