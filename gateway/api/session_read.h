/*
 * gateway/api/session_read.h - reads a page of a room's log for the hub. Not for others than the session files.
 *
 * Owns:    the read while it is under way; the frames of its page are handed to the hub.
 * Bounds:  HUB_PAGE events; HUB_READS reads of one hub at a time.
 * Fails:   a member no more, or no such room: the page says NOT_MEMBER; a token that ended: INVALID_TOKEN; a store that cannot be read:
 *          UNAVAILABLE.
 * Thread:  the edge thread's; the read itself runs on a reader.
 */
#ifndef RECALLD_API_SESSION_READ_H
#define RECALLD_API_SESSION_READ_H

#include "api/session_private.h"

/* Texts are copied. */
struct session_read {
    const char *app; /* the app's name */
    int64_t app_id;
    struct str user; /* absent: the platform */
    const struct principal_claim *claim; /* must still stand; NULL: notices tell when it does not */
    struct str room;
    int64_t after; /* -1: only where the log stands */
    uint64_t ticket;
};

/* Starts reading. False: the readers' queue is full. */
bool session_read_start(struct api_thread *t, const struct session_read *read);

#endif
