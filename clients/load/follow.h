/*
 * clients/load/follow.h - a device's conversation in recall.v1: `ready`, its subscription, the events,
 * `reset`, `bye`.
 *
 * Owns:    nothing.
 * Bounds:  those of a frame.
 * Fails:   a frame that breaks a promise is counted in the figures; an answer that lets nothing follow ends
 * the device. Thread:  the loop's.
 */
#ifndef RECALL_LOAD_FOLLOW_H
#define RECALL_LOAD_FOLLOW_H

#include "clients/load/crowd.h"

/* A text frame came. */
void follow_text(struct device *d, const char *text, size_t n);
/* Acknowledges what the device has, if that is due: a recall at once, anything else a second after the last
 * time. */
void follow_ack(struct device *d, int64_t now_ns);

#endif
