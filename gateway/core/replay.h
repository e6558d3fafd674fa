/*
 * gateway/core/replay.h - reading a room's log again: for the hub's cursors and for GET /rooms/:roomId/events.
 *
 * Owns nothing; frames that are returned are the caller's. Thread: a reader, inside one snapshot.
 * Bounds:  REPLAY_LIMIT events of one page, and no further event once it holds REPLAY_BYTES.
 * Fails:   NOT_MEMBER for a client whose room it is not, missing or not; NO_ROOM for the platform; UNAVAILABLE when the store failed.
 *
 * A frame is rendered from the message as it is in the snapshot: a recalled message comes back without its content.
 */
#ifndef RECALLD_CORE_REPLAY_H
#define RECALLD_CORE_REPLAY_H

#include "core/frame.h"
#include "core/principal.h"

#define REPLAY_LIMIT 500
#define REPLAY_BYTES ((size_t)4 << 20)

/* May `user` (absent: the platform) read this room's log? Rooms of the server's own (names that begin with '~') begin with their first event:
 * until then they read as empty, `room->key` is 0. */
enum result replay_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room);

/* The same for `who`, with the refusal's sentence in `out`. */
enum result replay_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                         struct outcome *out);

/* Events after `after`, in order, at most `limit`; returns how many were rendered into `frames`. */
size_t replay_frames(struct core_tx *tx, const struct room_row *room, int64_t after, struct frame **frames, size_t limit);

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
