/*
 * gateway/api/imkit_body.h - a message's JSON object as a command: the same for HTTP and the WebSocket.
 *
 * Owns nothing; texts of the commands lie in the JSON object and in the arena. Thread: any.
 * Bounds:  messageType 64 bytes, ids as everywhere, extra 16 KiB, reason 256 bytes.
 * Fails:   with the field's name and what to do, in `err`.
 *
 * Fields that IMKit does not name are kept as the message's content; those that are the server's are left out
 * of it.
 */
#ifndef RECALLD_API_IMKIT_BODY_H
#define RECALLD_API_IMKIT_BODY_H

#include "api/fields.h"
#include "core/message.h"
#include "core/recall.h"

#define IMKIT_EXTRA_MAX 16384
#define IMKIT_TYPE_MAX 64

/* Whether the object asks for a recall (messageType is "recall"). */
bool imkit_body_is_recall(const json_t *object);
/* Everything but `room`, which the caller sets. */
bool imkit_body_message(const json_t *object, struct arena *arena, struct message_command *out,
                        struct fields_error *err);
bool imkit_body_recall(const json_t *object, struct arena *arena, struct recall_command *out,
                       struct fields_error *err);

#endif
