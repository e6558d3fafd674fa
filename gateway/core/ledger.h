/*
 * gateway/core/ledger.h - the ledger of a recall: where each device of each receiver stands.
 *
 * Owns nothing: what it collects lives in the arena of the caller.
 * Bounds:  one walk over the devices; LEDGER_LIMIT of them in an answer; the presence of LEDGER_OPEN_MAX devices is asked, and of those
 *          in the answer.
 * Fails:   NO_ROOM, NOT_MEMBER, NO_MESSAGE (also when the message was not recalled), FORBIDDEN, with a sentence.
 * Thread:  ledger_collect and ledger_progress on a reader; ledger_finish on any, once nobody else touches the ledger.
 *
 * The receivers are the room's members at the recall's seq, also those who left since; of ~system/USER that user; of ~chatroom/ID the
 * devices that have a place in it; of ~broadcast everyone. Of a message with an audience (core/audience.h) those of them whom it was
 * for. Their devices are those that were seen within `device_days` before the recall, or since. In this order a device
 *   refused    said that it does not apply the recall
 *   acked      moved its place past the recall, on a connection with the capability `recall`; its delay is that ack's
 *   incapable  said that it does not apply recalls
 *   acked      has its place past the recall, but when is not known any more
 *   pending    none of these, and is connected now
 *   offline    none of these
 * Whether a device is connected is known to the edge threads alone: the caller asks them between ledger_collect and ledger_finish.
 */
#ifndef RECALLD_CORE_LEDGER_H
#define RECALLD_CORE_LEDGER_H

#include "core/principal.h"

#include <stdatomic.h>

#define LEDGER_LIMIT 1000
#define LEDGER_OPEN_MAX 20000U
#define LEDGER_CHUNK 256U    /* devices that are asked for in one visit to an edge thread */
#define LEDGER_WATCHERS 64U  /* who is told of the progress */

enum ledger_state { LEDGER_ACKED, LEDGER_REFUSED, LEDGER_PENDING, LEDGER_OFFLINE, LEDGER_INCAPABLE, LEDGER_STATES };

/* A device that may be connected: the edge threads set `connected`. */
struct ledger_open {
    struct str user, device;
    atomic_bool connected;
};

struct ledger_chunk {
    struct ledger_chunk *next;
    size_t n;
    struct ledger_open open[LEDGER_CHUNK];
};

/* A line of the answer. */
struct ledger_device {
    struct str user, device;
    enum ledger_state state;
    int64_t ack_ms;                 /* -1: none */
    const struct ledger_open *open; /* NULL, or what decides between pending and offline */
};

struct ledger_query {
    struct str room, message;
    struct str after_user, after_device; /* devices after this one; absent: from the first */
    size_t limit;                        /* 1 to LEDGER_LIMIT */
    int64_t device_ms;                   /* device_days */
};

struct ledger {
    struct arena *arena;
    struct ledger_chunk *chunks, *last; /* whose presence is to be asked */
    int64_t counts[LEDGER_STATES];      /* PENDING and OFFLINE only after ledger_finish */
    int64_t open_count;                 /* neither acked, refused nor incapable */
    int64_t p50_ms, p99_ms, max_ms;     /* -1: no delay is known */
    struct ledger_device *page;
    size_t page_count;
    bool more;
};

/* Finds the recall, checks that `who` may see its ledger, and collects it into `l` with the arena given; `out->result` becomes an object that is
 * still open. */
enum result ledger_collect(struct core_tx *tx, const struct principal *who, const struct ledger_query *q, struct ledger *l,
                           struct arena *arena, struct outcome *out);
/* Writes counts, delays and devices and closes the object. */
void ledger_finish(struct ledger *l, struct json_out *o);

/* The opaque text that stands for a place in the list, and back; false for a text that is none. */
struct str ledger_cursor(struct arena *arena, struct str user, struct str device);
bool ledger_cursor_read(struct arena *arena, struct str cursor, struct str *user, struct str *device);

struct ledger_progress {
    int64_t acked, devices;
    struct str watchers[LEDGER_WATCHERS]; /* the recaller, then owner, admins and managers; in tx->arena */
    size_t watcher_count;
};

/* How far the recall of `message` has got. False when there is none in the room any more, or the store failed. */
bool ledger_progress(struct core_tx *tx, struct str room, struct str message, int64_t device_ms, struct ledger_progress *out);

#endif
