/*
 * gateway/api/rc_publish.h - what sends in RongCloud's dialect have in common. For the rc_*.c files alone.
 *
 * Owns nothing. Bounds, failure and thread: as in rc.h.
 */
#ifndef RECALLD_API_RC_PUBLISH_H
#define RECALLD_API_RC_PUBLISH_H

#include "api/rc.h"
#include "core/publish.h"

struct rc_recall;

struct rc_publish_call {
    struct publish_command command;
    const char *target;       /* the parameter that names the targets; NULL: a broadcast */
    struct publish_sent *sent; /* what earlier steps sent; in the call's arena */
    struct rc_recall *recall; /* the message is an RC:RcCmd: a recall, and no send */
};

/* Whether objectName may be sent; false with the refusal noted. Its length was checked. */
bool rc_publish_object_name(struct api_call *call, struct str name);
/* Sends a broadcast within the quota, which counts only what is new; a repeated msgRandom answers what was sent first. On the writer. */
enum result rc_publish_broadcast(struct api_call *call, struct core_tx *tx, const struct publish_command *c,
                                 struct publish_sent *sent);

#endif
