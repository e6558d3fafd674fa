/*
 * clients/load/batch.h - many calls of one kind, several at a time, all of which must succeed.
 *
 * Owns:    nothing beyond the call.
 * Bounds:  `options->in_flight` calls at a time, at most 64.
 * Fails:   false; the run has failed then, with a sentence that explains it, or is over. A server that asks
 * for time (429, 503) gets it, up to a minute in all. Thread:  the loop's; the loop runs meanwhile.
 */
#ifndef RECALL_LOAD_BATCH_H
#define RECALL_LOAD_BATCH_H

#include "clients/load/run.h"

/* The call number `i`. */
struct batch_call {
    const char *method;
    char path[160];
    char *body; /* malloc'd, freed by the batch; NULL: none */
    size_t len;
};

struct batch {
    const char *what; /* what the calls are for: "make the users" */
    uint32_t count;
    /* Fills in the call; false without memory. */
    bool (*call)(struct run *r, uint32_t i, struct batch_call *call);
    /* Takes the answer; false if it is of no use. NULL: any good one will do. */
    bool (*took)(struct run *r, uint32_t i, const struct caller_answer *answer);
    bool cleaning; /* goes on when the run was stopped; a call that fails does not end it, and 404 is good */
};

bool batch_run(struct run *r, const struct batch *b);

#endif
