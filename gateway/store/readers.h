/*
 * gateway/store/readers.h - the pool of reader threads, and the gate that lets the writer have the log for
 * itself.
 *
 * Owns:    its threads and their connections.
 * Borrows: jobs, from readers_submit until they are sent home; the clock given at creation.
 * Bounds:  `limit` waiting jobs; one job at a time for each thread, or READER_BATCH brief ones in one snapshot.
 * Fails:   creation, with a sentence. A job whose reading failed goes home with its fate.
 * Thread:  any, unless said otherwise.
 *
 * Why a gate: the log can only be emptied while nobody reads from it, and with two or more readers always
 * busy that moment would never come by itself.
 */
#ifndef RECALLD_STORE_READERS_H
#define RECALLD_STORE_READERS_H

#include "store/db.h"
#include "store/job.h"
#include "store/store_clock.h"
#include "store/syncer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct readers;

struct readers_options {
    struct db_options db; /* role DB_READER */
    struct str epoch;
    unsigned threads; /* at least 1 */
    unsigned limit;
    struct store_clock *clock; /* shared with the writer */
    struct syncer *syncer;  /* takes home what was read; borrowed until readers_free */
};

/* Opens the connections and starts the threads. NULL and a sentence in `error` when it cannot. */
struct readers *readers_create(const struct readers_options *options, char *error, size_t error_size);
/* Refuses new jobs from now on; those admitted are still run. */
void readers_close(struct readers *readers);
/* Closes, finishes every admitted job, ends the threads and closes the connections. The gate stays usable. */
void readers_drain(struct readers *readers);
/* Drains if that is not done, and frees. NULL is legal. Nobody may use `readers` afterwards. */
void readers_free(struct readers *readers);

/* Admits a job; false when the queue is full or closed. For brief ones a reader is woken by readers_wake, or by a number of them. */
bool readers_submit(struct readers *readers, struct job *job);
/* Wakes a reader for brief jobs that were submitted. */
void readers_wake(struct readers *readers);
/* Jobs waiting. */
unsigned readers_depth(struct readers *readers);

/* Closes the gate: no thread begins another job. Waits up to `wait_us` microseconds and tells whether no
 * job is running. */
bool readers_pause(struct readers *readers, unsigned wait_us);
/* Opens the gate. */
void readers_resume(struct readers *readers);
/* Cuts short the jobs that are running; each is run again, once, from its start when the gate opens. */
void readers_interrupt(struct readers *readers);

#endif
