/*
 * gateway/api/rc_recall.h - recalls in RongCloud's dialect, whichever way they come. For the rc_*.c files alone.
 *
 * Owns nothing: a recall lies in the call's arena. Bounds, failure and thread: as in rc.h.
 */
#ifndef RECALLD_API_RC_RECALL_H
#define RECALLD_API_RC_RECALL_H

#include "api/rc_publish.h"
#include "core/recall.h"

struct rc_recall {
    struct recall_command command;
    const struct str *targets; /* where the message may be, when the command names none: the targets of an RC:RcCmd */
    size_t target_count;
    bool perhaps_broadcast; /* neither conversationType nor targetId was given: right for a broadcast's message alone */
};

/* The recall that a message of type RC:RcCmd means; NULL with the refusal noted. */
struct rc_recall *rc_recall_of_message(struct api_call *call, const struct publish_command *c);
/* Within limit and quota. On the writer. */
enum result rc_recall_run(struct api_call *call, struct core_tx *tx, const struct principal *who, const struct rc_recall *r);

#endif
