/*
 * gateway/store/store.h - the durable truth: one writer thread with group commit, one that waits for the disk, a pool of readers.
 *
 * Owns:    its threads, its connections, the lock on the database file.
 * Borrows: jobs, from submit until `done` or `drop`.
 * Bounds:  writer queue `write_queue` jobs, reader queue `read_queue` jobs; a batch is at most `batch_max` jobs. A full
 *          queue refuses (the caller answers 503 with Retry-After); nothing waits without a bound.
 * Fails:   store_open explains in a sentence. At run time: a failed commit fails the jobs of its batch, which are then
 *          tried one by one; an fsync or I/O error on commit is fatal (exit 1), never tried again.
 * Thread:  submit from any thread; store_conn only inside a job's run.
 */
#ifndef RECALLD_STORE_STORE_H
#define RECALLD_STORE_STORE_H

#include "base/arena.h"
#include "base/result.h"
#include "store/job.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Write jobs that are worth a commit: so many of a turn of an edge thread wake the writer before the turn ends. It works beside that thread where there
 * is a second core, and has enough to do where it takes the core away. */
#define STORE_TOGETHER 32U

struct store;
struct store_conn;

struct store_options {
    const char *uri;     /* sqlite:PATH (sqlite:./data/recall.db) */
    unsigned readers;    /* reader threads; 0: 2 */
    unsigned write_queue; /* jobs; 0: 8192 */
    unsigned read_queue; /* jobs; 0: 8192 */
    unsigned batch_max;  /* jobs in one commit, besides a few of those for later (ranks.h); 0: 128 */
    /* After the effects of a commit, and, if it is of one job, after that was posted home: wakes whom the effects have told something. On the
     * thread of the effects. NULL: none. */
    void (*published)(void *ctx);
    void *published_ctx;
};

struct store_stats {
    uint64_t commits;        /* commits; under load several share one fsync of the WAL */
    uint64_t jobs;           /* write jobs committed */
    uint64_t failed_commits;
    uint64_t checkpoints;    /* truncating ones: content erased from the WAL */
    uint64_t erase_pending_ms; /* how long an erasure has been waiting for its checkpoint; 0: none waits */
    unsigned write_depth, read_depth;
};

/* Opens (creates, migrates) the database and starts the threads. On failure returns NULL and a sentence for people in `error`. */
struct store *store_open(const struct store_options *options, char *error, size_t error_size);
/* Finishes every admitted job, checkpoints, stops the threads. New submits are refused from the call on. Other threads may still submit
 * and wake meanwhile and afterwards. NULL is legal. */
void store_stop(struct store *store);
/* The same, and frees the store: nobody may use it any more. */
void store_close(struct store *store);

/* Admits a job; false when the queue is full or closing (the job stays the caller's). Any thread. */
bool store_submit_write(struct store *store, struct job *job);
bool store_submit_read(struct store *store, struct job *job); /* a `brief` one: as store_submit_write_soon */
/* The same as store_submit_write for a thread that may submit more in the same turn of its loop: the writer is woken by store_wake, which
 * that thread must call before it waits, or by STORE_TOGETHER jobs: fewer cost a commit of their own, more leave the disk idle meanwhile. */
bool store_submit_write_soon(struct store *store, struct job *job);
/* How many write jobs wait for store_wake, of whichever thread; those for later (enum job_rank) do not. 0 while the writer works, as it looks by
 * itself before it waits; one that was woken and does not run yet counts as waiting. Any thread. */
unsigned store_gathered(struct store *store);
void store_wake(struct store *store);
/* Only those who read. */
void store_wake_readers(struct store *store);

/* Runs a job's `run` right now in a transaction of its own and returns its fate; for start-up, before threads submit. */
enum result store_run_now(struct store *store, struct job *job);

/* The log's epoch, constant while the process lives. */
struct str store_epoch(const struct store *store);
void store_stats(struct store *store, struct store_stats *out);
/* Are there write jobs that were admitted and are not published, besides those for later (enum job_rank)? Any thread. */
bool store_under_way(const struct store *store);
/* Able to commit? False after a commit failed until one succeeds again. */
bool store_healthy(struct store *store);

/* --- inside a job --- */
/* Memory that lives until the job's run returns. */
struct arena *store_conn_arena(struct store_conn *conn);
struct str store_conn_epoch(struct store_conn *conn);
/* After any failed statement; every later call on the connection fails too and the batch is rolled back. */
bool store_conn_failed(const struct store_conn *conn);
/* Queues an effect for after the commit (writer only). */
void store_conn_effect(struct store_conn *conn, struct effect *effect);
/* This transaction erases content: checkpoint and truncate the WAL within seconds after it (writer only). */
void store_conn_erases(struct store_conn *conn);

#endif
