/*
 * gateway/api/session_read.h - reads a page of a room's log for the hub. Not for others than the session files.
 *
 * Owns:    the read while it is under way; the frames of its page are handed to the hub.
 * Bounds:  HUB_PAGE events; HUB_READS reads of one hub at a time.
 * Fails:   a member no more, or no such room: the page says NOT_MEMBER; a store that cannot be read: UNAVAILABLE.
 * Thread:  the edge thread's; the read itself runs on a reader.
 */
#ifndef RECALLD_API_SESSION_READ_H
#define RECALLD_API_SESSION_READ_H

#include "api/session_private.h"

/* Starts reading events after `after` (-1: only where the log stands) for a user. False: the readers' queue is full. */
bool session_read_start(struct api_thread *t, const struct session_user *user, struct str room, int64_t after, uint64_t ticket);

#endif
