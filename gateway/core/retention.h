/*
 * gateway/core/retention.h - how long a room's log reaches back: retention_count and retention_days of the app.
 *
 * Owns nothing. Thread: the writer, after an event was appended. Fails as the store does.
 * Bounds:  one step removes at most RETENTION_STEP events beyond those that the count lets go.
 *
 * A client whose cursor lies before what is kept gets a `reset`, never a silent gap. Messages themselves stay in the history. A room
 * to which nothing is added keeps its last events: they are trimmed with the next one.
 */
#ifndef RECALLD_CORE_RETENTION_H
#define RECALLD_CORE_RETENTION_H

#include "core/tx.h"

#define RETENTION_STEP 64U

/* The room's log has just grown to `seq`. */
void retention_apply(struct core_tx *tx, struct room_row *room, int64_t seq);

#endif
