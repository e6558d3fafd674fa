/*
 * gateway/core/group.h - groups as RongCloud's server API keeps them. A group is the room with the same id: what is done here is seen by IMKit's
 * calls and the other way round.
 *
 * Owns:    nothing; listed users live in tx->arena.
 * Bounds:  ids 128 bytes, names 256, GROUP_USERS_MAX users in a call; lists up to GROUP_LIST_MAX.
 * Fails:   INVALID_BODY and MISSING_PARAMETER naming the parameter, NO_ROOM for a group that is missing or dismissed, CONFLICT for the id of a direct room,
 *          TOO_LARGE for a list above its bound.
 * Thread:  writer; group_users inside any job's run.
 *
 * The platform's rules: users need not be known as clients. Every change of membership is a `room` event. A result stays empty.
 */
#ifndef RECALLD_CORE_GROUP_H
#define RECALLD_CORE_GROUP_H

#include "core/tx.h"

#define GROUP_USERS_MAX 1000U
#define GROUP_LIST_MAX 100000U

/* Makes the group with these members. One that is there gets the name and those who are missing; a dismissed one begins anew with them. `name` may
 * be absent. */
enum result group_create(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *out);
/* Adds users; who is a member already stays one. `name` absent: as it is. */
enum result group_join(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *out);
/* Takes users out; who is none is left alone. */
enum result group_quit(struct core_tx *tx, struct str id, const struct str *users, size_t n, struct outcome *out);
/* All members leave, and nothing can be sent there any more; what was said can still be recalled. Idempotent. In steps (out->more), because every other
 * write waits for one: `done` is out->count of the step before, 0 in the first. */
enum result group_dismiss(struct core_tx *tx, struct str id, int64_t done, struct outcome *out);
/* Gives it a name. */
enum result group_refresh(struct core_tx *tx, struct str id, struct str name, struct outcome *out);
/* Its members in byte order: *users and *n. */
enum result group_users(struct core_tx *tx, struct str id, struct str **users, size_t *n, struct outcome *out);

#endif
