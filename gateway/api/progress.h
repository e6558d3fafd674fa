/*
 * gateway/api/progress.h - how far recent recalls have got, told while it changes ("gone from 1,204 of 1,210 devices").
 *
 * Owns:    notes of the recalls whose state changed and was not told since. The state itself is in the store, so a restart forgets
 *          nothing: the next ack brings the recall back here.
 * Bounds:  PROGRESS_RECALLS recalls; of more at a time some are not told. One count under way in the process, and for each recall at most one in
 *          PROGRESS_EVERY_MS and a tenth of a reader's time: a room with a hundred thousand devices is told less often.
 * Fails:   by leaving a signal out.
 * Thread:  any edge thread; a lock that is held for a look through the notes, never on the way of an event.
 *
 * The last state is told always: a recall that is acked while it is being counted is counted once more.
 */
#ifndef RECALLD_API_PROGRESS_H
#define RECALLD_API_PROGRESS_H

#include "api/gateway.h"
#include "core/device.h"

#define PROGRESS_RECALLS 256U
#define PROGRESS_EVERY_MS 250

struct progress;

struct progress *progress_create(void); /* NULL without memory */
void progress_free(struct progress *p); /* NULL is legal */
/* Acks that were committed changed the state of these recalls. */
void progress_note(struct progress *p, const struct device_touched *touched, size_t n, int64_t now_ms);
/* Starts a count if one is due; called often, cheap when nothing is. */
void progress_beat(struct api_thread *t, int64_t now_ms);

#endif
