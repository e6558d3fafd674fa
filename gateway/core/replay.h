/*
 * gateway/core/replay.h - reading a room's log again: for the hub's cursors and for GET /rooms/:roomId/events.
 *
 * Owns nothing; frames that are returned are the caller's. Thread: a reader, inside one snapshot.
 * Bounds:  REPLAY_LIMIT events of one page, and no further event once it holds REPLAY_BYTES.
 * Fails:   NOT_MEMBER for a client whose room it is not, missing or not; NO_ROOM for the platform; UNAVAILABLE when the store failed.
 *
 * Events about a message with an audience are left out for those whom it is not for (core/audience.h).
 * A frame is rendered from the message as it is in the snapshot: a recalled message comes back without its content.
 */
#ifndef RECALLD_CORE_REPLAY_H
#define RECALLD_CORE_REPLAY_H

#include "core/frame.h"
#include "core/principal.h"

#define REPLAY_LIMIT 500
#define REPLAY_BYTES ((size_t)4 << 20)

/* May `user` (absent: the platform) read this room's log? As room_access_open says. */
enum result replay_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room);

/* The same for `who`, with the refusal's sentence in `out`. */
enum result replay_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                         struct outcome *out);

struct replay_found {
    size_t count; /* frames */
    int64_t upto; /* every event up to here was looked at: what has no frame, the user may not see; `after` when there was none */
    bool limited; /* an event among them has an audience: the frames are this user's and nobody else's */
};

/* Looks at the next `limit` events after `after` (at least 1) and renders those that `user` (absent: the platform) may see, in order,
 * into `frames`, which holds `limit`. */
void replay_frames(struct core_tx *tx, const struct room_row *room, struct str user, int64_t after, size_t limit,
                   struct frame **frames, struct replay_found *found);

struct replay_query {
    struct str room;
    struct str epoch; /* absent: not checked */
    int64_t since;    /* events after this */
    size_t limit;     /* 1 to REPLAY_LIMIT */
};

/* -> {"room","epoch","seq":HEAD,"events":[frames],"more":bool}, or with "events":[] and "reset":{"epoch","seq"} when the log does not
 * reach back to `since`, or the epoch is another. */
enum result replay_page(struct core_tx *tx, const struct principal *who, const struct replay_query *q, struct outcome *out);

#endif
