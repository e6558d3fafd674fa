/*
 * gateway/api/rc_replay.h - signatures of RongCloud's dialect that were used already, for apps with signature_reject_replay.
 *
 * Owns:    16 bytes for each signature kept, allocated at the first use.
 * Bounds:  the last RC_REPLAY_KEPT good signatures of all apps together. Policy: the oldest is forgotten first, so that a flood of calls
 *          never locks an app out; whoever wants nothing to be forgotten in time sets signature_max_skew as well, to less than
 *          RC_REPLAY_KEPT calls take.
 * Fails:   without memory nothing is kept, and rc_replay_used says so once in the log.
 * Thread:  any; one short lock. Kept in memory alone: a restart forgets.
 *
 * A signature stands for secret, nonce and timestamp as one text, so moving the border between nonce and timestamp makes no new one.
 */
#ifndef RECALLD_API_RC_REPLAY_H
#define RECALLD_API_RC_REPLAY_H

#include "base/str.h"

#include <stdbool.h>

#define RC_REPLAY_KEPT 262144U

struct rc_replay;

/* NULL: no memory; a NULL one keeps nothing. */
struct rc_replay *rc_replay_create(void);
void rc_replay_free(struct rc_replay *r);

/* Notes a signature (40 hex digits that were found right). True if it was noted before. */
bool rc_replay_used(struct rc_replay *r, struct str signature);

#endif
