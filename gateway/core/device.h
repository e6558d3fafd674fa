/*
 * gateway/core/device.h - the devices of users: when they were seen, what they can do, how far they have applied each room.
 *
 * Owns nothing; texts are borrowed for the call. Thread: writer. Bounds: device ids 64 bytes; packages kept per device 8.
 * Fails:   an ack for a room that is not the user's is ignored: it says nothing that could be wrong for others.
 */
#ifndef RECALLD_CORE_DEVICE_H
#define RECALLD_CORE_DEVICE_H

#include "core/tx.h"

/* A device connected: remembers it and tells older sessions of the same device to leave. */
void device_seen(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package, uint64_t serial);
/* The device has applied everything in the room up to `seq`, except `refused`. */
void device_ack(struct core_tx *tx, struct str user, struct str device, struct str room, int64_t seq, const int64_t *refused,
                size_t refused_count);

#endif
