/*
 * gateway/core/recall.h - step 2 of a recall, DECIDE, and step 3's changes: the one function behind both dialects.
 *
 * Owns nothing; texts are borrowed for the call. Thread: writer, inside the transaction.
 * Fails: FORBIDDEN saying why (window passed, not the author), NOT_MEMBER, NO_ROOM, NO_MESSAGE, CONFLICT, RATE_LIMITED.
 */
#ifndef RECALLD_CORE_RECALL_H
#define RECALLD_CORE_RECALL_H

#include "core/conversation.h"
#include "core/principal.h"

/*
 * IMKit's calls name `room`. RongCloud's come with PRINCIPAL_PLATFORM, sender = fromUserId, and name where the message is by `conversation` and `target`
 * (targetId as in the send), or by `broadcast`; a message that is not there is NO_MESSAGE. Their sender need not be a client of the app.
 */
struct recall_command {
    struct str room;          /* id; absent with `conversation` or `broadcast` */
    enum conversation conversation; /* RongCloud's recall.json: conversationType; else CONVERSATION_NONE */
    struct str target;        /* with `conversation`: targetId */
    bool broadcast;           /* RongCloud's broadcast recall: the message is in ~broadcast */
    bool require_author;      /* the sender must be the message's author: RongCloud without isAdmin, unless recall_requires_author is off */
    struct str message;       /* id */
    bool is_delete;           /* remove without a notice */
    bool is_admin;            /* shown as an administrator's; only the platform, owner, admins and managers */
    bool disable_update_last; /* leave the conversation's last line */
    struct str extra;         /* up to 16 KiB; absent: none */
    struct str reason;        /* up to 256 bytes; absent: none */
    struct str sender;        /* platform only: who recalls, as shown; absent: nobody */
    struct str author;        /* recall-first: limits it to this author's message; absent: the sender's with require_author, else anyone's */
};

/* Recalls. The result is the message object after the recall; a repeat answers the same and emits nothing (out->seq 0). */
enum result recall_apply(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                         struct outcome *out);

/* The messages that quote this one changed with it: their place in the history moves, so that pollers see the cleared quote. False: there are none. */
bool recall_touch_quoting(struct core_tx *tx, struct str id);

#endif
