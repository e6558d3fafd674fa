/*
 * gateway/core/room_pair.h - the direct room of two users.
 *
 * Owns nothing; texts are borrowed for the call, results live in tx->arena. Thread: writer.
 * Bounds:  looks through the second user's rooms, so name the one with the shorter list second where that is
 *          known.
 * Fails:   as the store does.
 */
#ifndef RECALLD_CORE_ROOM_PAIR_H
#define RECALLD_CORE_ROOM_PAIR_H

#include "core/tx.h"

/* The direct room of `a` and `b`, in whichever order. A room counts only if it holds nobody else and nobody
 * else owns it, so that a caller who guesses the id cannot put a room of their own in its place. */
bool room_pair_find(struct core_tx *tx, struct str a, struct str b, struct room_row *room);
/* An id that is free for the room of the two: made from both in byte order, or a random one if that is taken
 * by something else. */
struct str room_pair_id(struct core_tx *tx, struct str a, struct str b);

#endif
