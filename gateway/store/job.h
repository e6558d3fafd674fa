/*
 * gateway/store/job.h - a unit of work for the writer thread or a reader thread, and what it leaves behind.
 *
 * Owns:    nothing; a job is embedded in its maker's structure, which the maker frees in `done`.
 * Bounds:  the writer's and the readers' queues are bounded (store_submit_* return false: answer 503).
 * Fails:   `fate` tells: RESULT_OK means `run` ran and, for a write, what it wrote is durable. RESULT_UNAVAILABLE: the
 *          store could not commit (disk full, draining); nothing of it was kept.
 * Thread:  `run` on the writer or a reader; `done` on the thread that drains `home`.
 */
#ifndef RECALLD_STORE_JOB_H
#define RECALLD_STORE_JOB_H

#include "base/mailbox.h"
#include "base/result.h"

#include <stdbool.h>
#include <stdint.h>

struct store_conn;

/* Which jobs the writer takes first. Jobs of one rank keep their order; each rank has its share of every batch, so none waits for good. */
enum job_rank {
    JOB_ORDINARY,
    JOB_RECALL, /* goes before what was submitted earlier; where it then finds no message, its maker submits it once more as an ordinary one,
                 * because the message may be what it went before (callers may choose ids) */
    JOB_LATER,  /* what nobody waits for: acks, devices that were seen */
    JOB_RANKS
};

struct job {
    struct mail mail;  /* how it travels home; the store fills it */
    struct job *next;  /* the store's queue */
    struct mailbox *home;
    /* Does the work. Decides first, then writes: a refusal leaves nothing written. May be run again from the start after a
     * batch was rolled back, so it must reset what it produced. `now_ms`: wall clock, never less than in an earlier job (store_clock.h). */
    void (*run)(struct job *job, struct store_conn *conn, int64_t now_ms);
    /* Called once on the home thread. `ctx` is what the home thread gave mailbox_drain. NULL: nobody waits; `drop` instead. */
    void (*done)(struct job *job, void *ctx);
    /* Frees the job where it cannot go home (no home, or the process ends). Called on any thread. */
    void (*drop)(struct job *job);
    enum result fate;
    enum job_rank rank; /* of a write */
    uint64_t seen; /* the store's: a read that went home after this commit was on the disk (syncer.h) */
    /* A read of a few rows: it may share a reader's snapshot with others of its kind, and goes home with them. Its maker is a thread that
     * calls store_wake before it waits. */
    bool brief;
};

/*
 * An effect: what must happen if, and only after, the batch's commit is durable (publish an event), in the order in
 * which the jobs made it. The store calls exactly one of the two, on one thread at a time: the writer, or the one that waits for the disk
 * (store/syncer.h). Effects wake nobody: store_options.published follows.
 */
struct effect {
    struct effect *next;
    void (*commit)(struct effect *effect);
    void (*discard)(struct effect *effect);
};

#endif
