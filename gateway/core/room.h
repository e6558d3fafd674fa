/*
 * gateway/core/room.h - rooms, members, roles.
 *
 * Owns nothing; texts are borrowed for the call. Commands on the writer, questions on a reader.
 * Fails: NO_ROOM for the platform; NOT_MEMBER for a client, whether the room is missing or not theirs, so that rooms
 * cannot be guessed; FORBIDDEN, MISSING_PARAMETER, INVALID_BODY naming the field.
 * Every change of membership appends one `room` event, with which edge threads keep subscriptions true.
 */
#ifndef RECALLD_CORE_ROOM_H
#define RECALLD_CORE_ROOM_H

#include "core/principal.h"

struct room_command {
    struct str id;        /* absent: the server makes one */
    struct str name;
    struct str type;      /* "direct", "group"; absent: group */
    int opening;          /* -1: keep or 0 */
    struct str fields;    /* JSON object text of further fields; absent: none */
    const struct str *members; /* invitee */
    size_t member_count;
    bool join_caller;
    struct str owner;     /* platform only: who counts as the creator; with join_caller they join; absent: nobody */
};

/* Finds a room that `who` may act in: exists, and a client is a member (then *member is filled where given). Of the server's own rooms
 * a client acts only in ~private/A/B, by the member rows; who may read is room_access_enter's. */
enum result room_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                       struct member_row *member, struct outcome *out);
/* POST /rooms/ and createAndJoin. An id that exists: the caller must be a member (or the platform); answers that room and
 * adds the invitees who are missing. A direct room between the same two users is one room. The result is the room. */
enum result room_create(struct core_tx *tx, const struct principal *who, const struct room_command *command, struct outcome *out);
enum result room_add_members(struct core_tx *tx, const struct principal *who, struct str id, const struct str *users, size_t n,
                             struct outcome *out);
enum result room_remove_members(struct core_tx *tx, const struct principal *who, struct str id, const struct str *users,
                                size_t n, struct outcome *out);
enum result room_join(struct core_tx *tx, const struct principal *who, struct str id, struct outcome *out);
/* PUT /rooms/{id}/member/{client}: role by the owner or the platform. */
enum result room_set_role(struct core_tx *tx, const struct principal *who, struct str id, struct str user, struct str role,
                          struct outcome *out);
/* PUT /rooms/{id}/lastRead. Emits a `read` signal through the bus after the commit. */
enum result room_mark_read(struct core_tx *tx, const struct principal *who, struct str id, struct str message, struct outcome *out);
/* GET /rooms/{id} and GET /rooms (of the caller; `user` names whose for the platform). */
enum result room_get(struct core_tx *tx, const struct principal *who, struct str id, struct outcome *out);
enum result room_list(struct core_tx *tx, const struct principal *who, struct str user, struct str after, size_t limit,
                      struct outcome *out);
/* The room between two users, found or created (writer): its id is made from the two, in byte order. */
enum result room_direct(struct core_tx *tx, struct str a, struct str b, struct room_row *room, struct outcome *out);

#endif
