/*
 * gateway/core/message.h - sending, editing, hiding, deleting.
 *
 * Owns nothing; texts are borrowed for the call. Thread: writer.
 * Fails: CONFLICT for an edit of a recalled message (recall wins over every revision) and for an id that another author's
 * recall-first holds; FORBIDDEN, NOT_MEMBER, NO_ROOM, INVALID_BODY, MISSING_PARAMETER naming the field.
 */
#ifndef RECALLD_CORE_MESSAGE_H
#define RECALLD_CORE_MESSAGE_H

#include "core/principal.h"

struct message_command {
    struct str room;          /* id */
    struct str id;            /* _id; absent: the server makes one. Existing: an edit */
    struct str client_msg_id; /* absent: none; makes the send idempotent for its author; up to 64 bytes */
    struct str sender;        /* platform only: in whose name; absent: nobody's */
    struct str type;          /* messageType; absent: text */
    struct str body;          /* JSON value text of `message`; absent: "" */
    struct str content;       /* JSON object text of the other content fields; absent: none */
    struct str reply;         /* id of the quoted message; absent: none */
    struct str batch;         /* batchID; absent: none */
};

/* Sends or edits. The result is the message object; the same clientMsgId again answers the first one and emits nothing. */
enum result message_send(struct core_tx *tx, const struct principal *who, const struct message_command *command,
                         struct outcome *out);
/* Writes a message whose row is complete but for key and seq, and its event; both dialects' sends end here. */
struct str message_append(struct core_tx *tx, struct room_row *room, struct message_row *m);
/* DELETE /rooms/{id}/messages/{mid or _all}: for the platform and the room's owner and admins; content erased. */
/* `_all` goes in steps, so that others are not kept waiting: with out->more call again with `done` = out->count and the first step's time as
 * `since_ms` (0 for the first); what is sent meanwhile stays. */
enum result message_delete(struct core_tx *tx, const struct principal *who, struct str room, struct str id, int64_t done,
                           int64_t since_ms, struct outcome *out);
/* POST /messages/user-delete: hides for the caller only. */
enum result message_hide(struct core_tx *tx, const struct principal *who, struct str room, const struct str *ids, size_t n,
                         struct outcome *out);

#endif
