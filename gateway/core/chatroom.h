/*
 * gateway/core/chatroom.h - making and ending chatrooms: the rooms ~chatroom/ID, which any user of the app may follow.
 *
 * Owns nothing; texts are borrowed for the call. Bounds: ids CHATROOM_ID_MAX bytes, names 256.
 * Fails: INVALID_BODY naming the parameter. Thread: writer.
 */
#ifndef RECALLD_CORE_CHATROOM_H
#define RECALLD_CORE_CHATROOM_H

#include "core/tx.h"

#define CHATROOM_ID_MAX 64U

/* Makes the chatroom, or gives the one that is there the name, and opens it again if it was destroyed. */
enum result chatroom_create(struct core_tx *tx, struct str id, struct str name, struct outcome *out);
/* Nobody can send there or read it any more. One that is missing or destroyed already is no failure. */
enum result chatroom_destroy(struct core_tx *tx, struct str id, struct outcome *out);

#endif
