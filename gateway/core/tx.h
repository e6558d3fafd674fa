/*
 * gateway/core/tx.h - what every rule of the core is given: the transaction, the time, the app; and what it answers.
 *
 * Owns:    an outcome owns the JSON text of its result.
 * Borrows: everything in struct core_tx, for the time of one job's run.
 * Thread:  the writer's (commands) or a reader's (questions); never an edge thread.
 */
#ifndef RECALLD_CORE_TX_H
#define RECALLD_CORE_TX_H

#include "base/config.h"
#include "base/result.h"
#include "proto/codec/json_out.h"
#include "store/query.h"

#include <stdarg.h>

struct bus;

struct core_tx {
    struct store_conn *conn;
    struct arena *arena;  /* lives as long as the job's run */
    int64_t now_ms;       /* the core never reads a clock */
    const struct config_app *app;
    int64_t app_id;       /* store_app_intern */
    int64_t device_ms;    /* device_days: how long a device that is not seen still counts (core/audience.h); 0: for ever */
    struct bus *bus;      /* where events go after the commit; NULL in a reader */
    const struct recall_row *recall; /* what this job is just recalling: need not be read again for what shows it. NULL: nothing */
    bool recall_unquoted;            /* and nobody quotes it */
};

struct outcome {
    enum result rc;
    char text[280];            /* a sentence that says what to do; empty when OK */
    int64_t retry_after_s;     /* with RATE_LIMITED and UNAVAILABLE */
    struct json_out result;    /* one JSON value when OK; empty: no result */
    int64_t seq;               /* of the event that was committed; 0: nothing new was emitted */
    bool erased;               /* content was taken back: the answer waits until no thread can send it any more (bus_fence) */
    bool more;                 /* a part is done: run the same job again, after others, until this is false */
    int64_t count;             /* what has been done so far, with `more` */
};

void tx_outcome_init(struct outcome *out);
/* Back to empty, keeping the buffer: a job that is run again starts with this. */
void tx_outcome_reset(struct outcome *out);
void tx_outcome_free(struct outcome *out);
/* Notes a refusal and returns `rc`, so that a rule can `return tx_fail(…)`. */
enum result tx_fail(struct outcome *out, enum result rc, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
