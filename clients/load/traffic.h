/*
 * clients/load/traffic.h - asks the server for messages and recalls as a platform's backend does: at a
 * constant rate, or back to back.
 *
 * Owns:    its timer, the slots of the closed loop.
 * Borrows: caller, crowd, book, figures, names, options.
 * Bounds:  in_flight calls under way. In the open loop calls that are due wait as a number, and their time
 * runs. Fails:   a call that is not answered well is counted; the first one is kept as a sentence. Thread:
 * the loop's.
 */
#ifndef RECALL_LOAD_TRAFFIC_H
#define RECALL_LOAD_TRAFFIC_H

#include "clients/load/caller.h"
#include "clients/load/crowd.h"

#define TRAFFIC_CANDIDATES 512U

struct traffic_slot {
    int64_t answered_ns; /* when its event was answered; 0: it waits for that; -1: it is free */
    uint32_t turn;       /* grows with each use */
};

struct traffic {
    struct poller_item item; /* first; of the timer */
    const struct options *options;
    const struct names *names;
    struct caller *caller;
    struct crowd *crowd;
    struct book *book;
    struct figures *figures;
    int timer;
    bool on;
    double interval_ns;
    int64_t start_ns,
        stop_ns;         /* the open loop: of its first call, behind its last one; stop_ns 0: not stopped */
    uint64_t due, asked; /* calls of the open loop */
    uint32_t open;       /* under way */
    uint64_t typing_due;
    struct traffic_slot *slots;              /* of the closed loop */
    uint64_t candidates[TRAFFIC_CANDIDATES]; /* acknowledged messages that may be recalled or quoted */
    uint32_t candidate_count;
    uint64_t recall_count;
    char *filler;
};

bool traffic_init(struct traffic *t, const struct options *options, const struct names *names,
                  struct caller *caller, struct crowd *crowd, struct book *book);
/* Legal on a zeroed one. */
void traffic_free(struct traffic *t);
void traffic_start(struct traffic *t);
/* Nothing becomes due any more; what is due already is still asked for. */
void traffic_stop(struct traffic *t);
/* Nothing is due or under way. */
bool traffic_idle(const struct traffic *t);
/* Call it every CROWD_TICK_MS. */
void traffic_tick(struct traffic *t);
/* What was due and will not be asked for any more is counted as not sent. */
void traffic_give_up(struct traffic *t);

#endif
