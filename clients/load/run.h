/*
 * clients/load/run.h - one run: everything that it is made of, and how its parts wait.
 *
 * Owns:    all parts, the loop, timers and signals.
 * Borrows: the options.
 * Fails:   run_open: false, `error` says why. Waiting ends early when the run is stopped by a signal, or
 * fails. Thread:  the loop's.
 */
#ifndef RECALL_LOAD_RUN_H
#define RECALL_LOAD_RUN_H

#include "clients/load/caller.h"
#include "clients/load/crowd.h"
#include "clients/load/traffic.h"
#include "clients/load/watch.h"

struct run {
    struct options *options;
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t signals[2];
    struct names names;
    struct figures figures;
    struct book book;
    struct crowd crowd;
    struct caller caller;
    struct traffic traffic;
    struct watch watch;
    uint32_t users_made, rooms_made; /* what is to be cleaned up */
    const char *phase;               /* what it is doing, for the line of progress */
    int64_t tick_ns;                 /* of the last tick; 0: none yet, or a pause that does not count */
    int64_t second_ns;               /* when the running second began */
    struct figures_process second_server, second_own;
    uint64_t second_asked, second_answered, second_failed;
    int64_t told_ns;
    uint64_t drain_came; /* while it waits for the rest: what had come, and when more came last */
    int64_t drain_ns;
    bool measuring; /* the load is on: seconds are kept */
    bool tty;
    unsigned stopped; /* signals so far */
    char error[400];  /* the run could not be made; "": so far so good */
};

bool run_open(struct run *r, struct options *options);
/* Frees everything. */
void run_close(struct run *r);
/* Runs the loop until `done` says so, `ns` have passed (negative: for good), a signal came, or the run has
 * failed. True if `done`, or without one the time. */
bool run_wait(struct run *r, bool (*done)(struct run *r), int64_t ns);
/* Whether the run is to be ended early: stopped, or failed. */
bool run_over(const struct run *r);
/* Fails the run with a sentence; the first one stays. */
void run_fail(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The load begins; it ends. */
void run_measure(struct run *r, bool on);

#endif
