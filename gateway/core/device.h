/*
 * gateway/core/device.h - the devices of users: when they were seen, what they can do, how far they have applied each room.
 *
 * Owns:    a batch of acks owns the list of recalls that they touched (device_acks_free).
 * Borrows: texts, for the call.
 * Bounds:  device ids 64 bytes; packages kept per device 1,024 bytes; DEVICE_TOUCHED recalls noted in a batch.
 * Fails:   an ack for a room that is not the user's is ignored: it says nothing that could be wrong for others.
 * Thread:  writer, unless said otherwise.
 */
#ifndef RECALLD_CORE_DEVICE_H
#define RECALLD_CORE_DEVICE_H

#include "base/text.h"
#include "core/tx.h"

#define DEVICE_TOUCHED 256U
#define DEVICE_TOUCHED_MS INT64_C(600000) /* recalls older than this are not noted: nobody watches their progress */

/* A recall that an ack covered. */
struct device_touched {
    int64_t app;
    int64_t seq;
    char room[TEXT_LOG_MAX + 1];
    char message[TEXT_MESSAGE_ID_MAX + 1];
};

/* Acks that are written together. All zeros to begin with, and again before each run of its job (device_acks_free). */
struct device_acks {
    struct device_touched *touched;
    size_t count, cap;
    /* The last ack's room, and which of its recalls were noted: a batch is mostly one room's. */
    struct room_row room;
    int64_t noted_from, noted_to;
    int64_t recall_upto, recall_last; /* the room's last recall up to a number; 0: not known */
};

struct device_ack {
    struct str user, device, room;
    int64_t seq;      /* everything up to it was applied, */
    const int64_t *refused;
    size_t refused_count; /* except these */
    int64_t acked_ms; /* when the ack came */
    bool can_recall;  /* the connection it came on said that it applies recalls */
};

/* Is the device known as just this, and was it seen so lately, that device_seen would write nothing? On readers' threads too. `caps` as there. */
bool device_noted(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package);
/* A device connected, or is connected still: remembers it and tells older sessions of the same device to leave. Devices that were
 * not seen for twice `device_days` are forgotten, a few at a time. */
void device_seen(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package, uint32_t serial,
                 int64_t device_days);
/* Moves the device's place in the room, and keeps when it passed a recall. */
void device_ack(struct core_tx *tx, struct device_acks *batch, const struct device_ack *ack);
/* Forgets a few of the oldest notes of acks and of ended stays; once for each batch of acks. */
void device_purge(struct core_tx *tx, int64_t device_days);
void device_acks_free(struct device_acks *batch);

#endif
