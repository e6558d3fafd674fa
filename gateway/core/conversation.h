/*
 * gateway/core/conversation.h - RongCloud's conversations and the rooms that hold them.
 *
 * Owns:    nothing; texts that it makes live in the arena given, or in the room row they come from.
 * Borrows: every text, for the call.
 * Bounds:  user ids 64 bytes, room ids 128, names of the server's own rooms TEXT_LOG_MAX.
 * Fails:   conversation_open with NO_ROOM or CONFLICT and a sentence; the rest never.
 * Thread:  any; conversation_make on the writer, conversation_open and conversation_holds inside a job's run.
 *
 * A private conversation is the room ~private/A/B, the two users in byte order; a group is the room with its id; a chatroom is ~chatroom/ID;
 * what is sent to one user as a system message is in ~system/USER; a broadcast is in ~broadcast.
 */
#ifndef RECALLD_CORE_CONVERSATION_H
#define RECALLD_CORE_CONVERSATION_H

#include "core/tx.h"

/* RongCloud's numbers. */
enum conversation {
    CONVERSATION_NONE = 0, /* none was named */
    CONVERSATION_PRIVATE = 1,
    CONVERSATION_GROUP = 3,
    CONVERSATION_CHATROOM = 4,
    CONVERSATION_SYSTEM = 6,
    CONVERSATION_ULTRAGROUP = 10
};

#define CONVERSATION_BROADCAST STR("~broadcast")
/* room_row.opening of a group that was dismissed and of a chatroom that was destroyed: the row stays, so that what was said there can still be
 * recalled; nothing can be sent there, and a chatroom cannot be read. */
#define CONVERSATION_CLOSED (-1)

/* The id of the conversation's room: ~private/A/B, target, ~chatroom/T, ~system/T, target. */
struct str conversation_room(struct arena *arena, enum conversation kind, struct str from, struct str target);
/* What a room is to RongCloud's clients. An IMKit room of the type direct is private, any other a group. ~system/… and ~broadcast are
 * CONVERSATION_SYSTEM. */
enum conversation conversation_of(const struct room_row *room);
/* targetId as in the send. Private: the user who is not `author`; group: the room id; chatroom: its ID; system: the user; broadcast: the
 * author. An IMKit direct room keeps its room id. */
struct str conversation_target(struct arena *arena, const struct room_row *room, struct str author);
/* Dismissed or destroyed. */
bool conversation_closed(const struct room_row *room);

/* The room of a conversation, for a send: NO_ROOM for a group or chatroom that is missing or closed, CONFLICT for a group id that is a direct
 * room's and for two users whose room's name another two have already (ids with a slash). A private, system or broadcast room that is not
 * there yet is no failure: then room->key is 0 and conversation_make makes it. `kind` SYSTEM with an absent target is the broadcast. */
enum result conversation_open(struct core_tx *tx, enum conversation kind, struct str from, struct str target,
                              struct room_row *room, struct outcome *out);
/* Makes the room that conversation_open described with key 0. Private: with its members `from` and `target`, and a `room` event "created"
 * that tells their connections (W). */
void conversation_make(struct core_tx *tx, enum conversation kind, struct str from, struct str target, struct room_row *room);
/* Is the message of that room part of the conversation? It is if the room is the conversation's, and if it is an IMKit direct room of just
 * the two of a private one. */
bool conversation_holds(struct core_tx *tx, enum conversation kind, struct str from, struct str target, const struct room_row *room);

#endif
