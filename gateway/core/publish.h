/*
 * gateway/core/publish.h - sending as RongCloud's server API does it: to many users, groups or chatrooms at once, or to everyone.
 *
 * Owns:    nothing; what `sent` tells lives in tx->arena until the job's run returns.
 * Borrows: the command's texts, for the call.
 * Bounds:  PUBLISH_TARGETS_MAX targets, PUBLISH_OBJECT_MAX bytes of objectName, PUBLISH_CONTENT_MAX of content (and of each of pushContent,
 *          pushData and extraContent).
 * Fails:   MISSING_PARAMETER, INVALID_BODY and TOO_LARGE naming the parameter; NO_ROOM for a group or chatroom that is not there; CONFLICT for
 *          a msgRandom that another conversation's message holds. A refusal leaves nothing written, whichever target it is about.
 * Thread:  publish_check on any; the others on the writer (publish_repeated also on a reader).
 *
 * Neither sender nor receivers need be known as clients, and the sender of a group message need not be a member: the app's backend says so.
 * A message with isPersisted=0 is stored all the same, because a recall needs it, and left out of the history queries and the history log.
 * Quotas are the caller's, for PUBLISH_BROADCAST in this order: publish_check, publish_repeated (then answer that), quota_check,
 * publish_send, and quota_take if out->seq is not 0.
 */
#ifndef RECALLD_CORE_PUBLISH_H
#define RECALLD_CORE_PUBLISH_H

#include "core/tx.h"

#define PUBLISH_TARGETS_MAX 1000U
#define PUBLISH_RECEIVERS_MAX 1000U
#define PUBLISH_OBJECT_MAX 32U
#define PUBLISH_CONTENT_MAX ((size_t)128 << 10)
#define PUBLISH_RANDOM_MAX 128U

enum publish_kind { PUBLISH_PRIVATE, PUBLISH_GROUP, PUBLISH_CHATROOM, PUBLISH_SYSTEM, PUBLISH_BROADCAST };

struct publish_command {
    enum publish_kind kind;
    struct str from;           /* fromUserId */
    const struct str *targets; /* not for PUBLISH_BROADCAST */
    size_t target_count;
    const struct str *receivers; /* a directed group message: who alone may see it */
    size_t receiver_count;       /* 0: everyone in the group */
    bool include_sender;         /* directed: the sender's devices too */
    struct str object_name;
    struct str content;                             /* as sent */
    struct str push_content, push_data, expansion, extra_content; /* absent: none; expansion "true", "false" or any text */
    struct str random;                              /* msgRandom; absent: none */
    bool disable_update_last;                       /* disableUpdateLastMsg */
    bool not_counted;                               /* isCounted=0 */
    bool not_persisted;                             /* isPersisted=0 */
    struct str audience; /* PUBLISH_BROADCAST: as core/audience.h has it; absent: everyone */
};

struct publish_sent {
    struct str target;  /* as in the command; ~broadcast's: absent */
    struct str message; /* messageUID */
    int64_t sent_ms;
};

/* Whether the command can be sent as far as itself tells: parameters, bounds, JSON. Any thread. */
enum result publish_check(const struct publish_command *c, struct outcome *out);
/* Sends one message to each target, in their order, all or none. `sent` has room for target_count, or 1 for a broadcast; a target that is named twice
 * gets one message. A msgRandom that this sender used in the conversation before answers the first message and emits nothing. out->seq is that of the
 * last event committed, 0 if there was nothing new; out->message_id the first message's. Calls publish_check itself. out->result stays empty. */
enum result publish_send(struct core_tx *tx, const struct publish_command *c, struct publish_sent *sent, struct outcome *out);
/* The same in parts, so that a large message to many does not keep every other write waiting: sends to the targets from `first` on, as many as one
 * transaction should hold, and tells in *next where to go on; done when that is target_count. `sent` is the same array each time: the rows before `first`
 * are read, those up to *next written. With first 0 all targets are looked at, so that a refusal leaves nothing written; a crash in between leaves the parts
 * that were committed. Not for PUBLISH_BROADCAST. Up to 10 targets are one part. */
enum result publish_send_some(struct core_tx *tx, const struct publish_command *c, size_t first, struct publish_sent *sent, size_t *next,
                              struct outcome *out);
/* A broadcast whose msgRandom was used already: true, and what was sent then. */
bool publish_repeated(struct core_tx *tx, const struct publish_command *c, struct publish_sent *sent);

#endif
