/*
 * gateway/core/room_access.h - who may read a room: its members, and for the server's own rooms (names that begin with '~') whom the
 * name says.
 *
 * Owns nothing; texts are borrowed for the call and the rows live in the job's arena.
 * Fails:   NOT_MEMBER for a client, whether the room is missing or not theirs; NO_ROOM for the platform; UNAVAILABLE when the store
 *          failed.
 * Thread:  inside a job's run.
 *
 *   ~broadcast      everyone in the app
 *   ~system/USER    that user
 *   ~private/A/B    its two members
 *   ~chatroom/ID    every user of the app while the chatroom exists (made, and not destroyed)
 *   anything else   its members
 * The platform reads every room. The first three begin with their first event: until then they read as empty, with key 0.
 * Reading gives no right to send, edit or recall: that is room_enter's (core/room.h).
 */
#ifndef RECALLD_CORE_ROOM_ACCESS_H
#define RECALLD_CORE_ROOM_ACCESS_H

#include "core/principal.h"

/* May `user` (absent: the platform) read the room `id`? Fills `room`, and `member` (may be NULL) where the user has a member row, else
 * with a plain member's zeros. */
enum result room_access_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room, struct member_row *member);
/* The same for `who`, with the refusal's sentence in `out`. */
enum result room_access_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                              struct member_row *member, struct outcome *out);

#endif
