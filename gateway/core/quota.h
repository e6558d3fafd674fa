/*
 * gateway/core/quota.h - how often in an hour and in a calendar day an app may do something; kept in the database, so that a restart forgets nothing.
 *
 * Owns nothing. Bounds: one row for each thing done within the last day; older ones are removed as new ones come.
 * Fails: RATE_LIMITED with a sentence that names the setting, and out->retry_after_s. Thread: writer, inside the transaction.
 *
 * The hour slides; the day is the calendar's in app->time_zone. A limit of 0 is none. `/push.json` shares the broadcasts' quota.
 */
#ifndef RECALLD_CORE_QUOTA_H
#define RECALLD_CORE_QUOTA_H

#include "core/tx.h"

/* Numbers in the database: never changed. */
enum quota_kind { QUOTA_BROADCAST = 1, QUOTA_BROADCAST_RECALL = 2 };

/* Is one more allowed now? RESULT_OK, or RATE_LIMITED with the seconds until it will be (at least 1) in out->retry_after_s. */
enum result quota_check(struct core_tx *tx, enum quota_kind kind, struct outcome *out);
/* One more was done: call it when something new was committed (out->seq is not 0), never for a repeat. */
void quota_take(struct core_tx *tx, enum quota_kind kind);

#endif
