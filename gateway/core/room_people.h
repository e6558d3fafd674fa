/*
 * gateway/core/room_people.h - member rows of a room: putting people in and taking them out.
 *
 * Owns:    nothing; texts are borrowed for the call.
 * Bounds:  as many as are named.
 * Fails:   as the store does.
 * Thread:  writer.
 *
 * Who may do that, and the `room` event that tells of it, are the caller's.
 */
#ifndef RECALLD_CORE_ROOM_PEOPLE_H
#define RECALLD_CORE_ROOM_PEOPLE_H

#include "core/tx.h"

/* Makes member rows for those of `users` who have none; the room's owner gets that role. What was said before they came is read. `joined` has
 * room for n and gets who is new, without repetition; returns how many. */
size_t room_people_add(struct core_tx *tx, const struct room_row *room, const struct str *users, size_t n, struct str *joined);
/* Takes out those of `users` who are members; the ledger of an earlier recall goes on counting them. `left` has room for n. */
size_t room_people_remove(struct core_tx *tx, const struct room_row *room, const struct str *users, size_t n, struct str *left);

#endif
