/*
 * tests/bench/live.h - a process that keeps a room of recalld busy at a steady rate and times each delivery:
 * what the others notice while something else goes on.
 *
 * Owns:    the process, its connections and the page it shares. The process ends with its parent.
 * Borrows: what the start points to, as it is when the process starts.
 * Bounds:  LIVE_SAMPLES deliveries are timed in each phase; an event that has not reached everyone 10 s after
 *          the end is lost. Descriptors: subscribers and about 80 more.
 * Fails:   false with a sentence on standard error.
 * Thread:  one; live_start and live_end block.
 *
 * Open loop: a message is due every so often, whether or not those before have been answered, and its time
 * counts from when it was due. It carries that time in its text, so that each receipt can be timed by itself.
 */
#ifndef BENCH_LIVE_H
#define BENCH_LIVE_H

#include "setup.h"

#include <stdint.h>
#include <sys/types.h>

#define LIVE_SAMPLES (1U << 20)

/* Phase 0 is before and between what is measured. */
#define LIVE_PHASES 20
#define LIVE_REST   0
#define LIVE_SILENT (-1) /* no messages */

struct live_start {
    struct sockaddr_in at;
    const struct setup_users *users; /* the subscribers: one device each */
    const char *room;
    uint32_t per_second;
    int core; /* -1: any */
};

/* Of the events that were due in one phase. Times are from due to receipt. */
struct live_figures {
    uint64_t events, deliveries;
    int64_t p50_ns, p99_ns, most_ns;
};

struct live_result {
    struct live_figures phase[LIVE_PHASES];
    uint64_t missed, repeated; /* over all phases; repeated: or out of order */
    uint32_t frame;            /* bytes of the last event, header included */
    bool preferred;            /* the system let it run before others */
};

struct live_board;

struct live {
    pid_t pid;
    struct live_board *board;
};

/* Returns when all subscribers are there and messages flow. */
bool live_start(struct live *l, const struct live_start *how);
/* Messages that become due from now on belong to this phase. */
void live_phase(struct live *l, int phase);
/* No more messages; waits for those under way and ends the process. False also if any delivery was lost,
 * repeated or out of order; `result` is filled in then, as far as it goes. */
bool live_end(struct live *l, struct live_result *result);
/* Ends the process without its figures; NULL-safe and legal after live_end. */
void live_stop(struct live *l);
/* CPU of the process so far, in ns. */
int64_t live_cpu_ns(const struct live *l);

#endif
