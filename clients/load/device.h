/*
 * clients/load/device.h - one WebSocket connection to the server: opens it, upgrades it, reads and writes its
 * frames.
 *
 * Owns:    the socket and whatever of a frame has come or gone in part. Some 160 bytes, its token beside it.
 * Borrows: its crowd.
 * Bounds:  frames to the device of DEVICE_FRAME_MOST bytes; 16 KiB that wait to be sent, more are dropped.
 * Fails:   device_events tell it: `failed` with a sentence, once, the socket is closed by then.
 * Thread:  the loop's.
 */
#ifndef RECALL_LOAD_DEVICE_H
#define RECALL_LOAD_DEVICE_H

#include "clients/load/options.h"
#include "clients/load/poller.h"
#include "clients/load/track.h"
#include "clients/load/ws_reader.h"

#define DEVICE_FRAME_MOST ((size_t)8 << 20)

enum device_state {
    DEVICE_OFF,        /* not connected, and not to be */
    DEVICE_WAITING,    /* comes back by itself at when_ns */
    DEVICE_QUEUED,     /* is to be opened */
    DEVICE_CONNECTING, /* from here on it has a socket */
    DEVICE_UPGRADING,
    DEVICE_READYING, /* upgraded, waits for `ready` */
    DEVICE_SUBSCRIBING,
    DEVICE_LIVE
};

struct crowd;

struct device {
    struct poller_item item; /* first */
    struct crowd *crowd;
    int fd;
    uint32_t index;
    uint8_t state;
    uint8_t tries; /* in vain, since it was live */
    bool steady;   /* stays or comes back; counted in its room once it was live */
    bool slow;     /* one that stops reading */
    bool paused;   /* does not read now */
    bool resuming; /* its subscription began behind a cursor */
    bool recalled; /* got a recall that it has not acknowledged */
    struct track track;
    struct ws_reader reader;
    int64_t wanted_ns; /* in a storm: when all were wanted, whenever it was this one's turn; else 0 */
    int64_t opened_ns,
        when_ns;             /* when_ns: when it comes back; while it is being made: when it must be live */
    int64_t acked, acked_ns; /* the place that it acknowledged last */
    char *token;
    unsigned char *held; /* of the answer to the upgrade, or of frames to send, whichever is in part */
    uint32_t held_len;
    uint16_t close_code; /* what the server closed with; 0: nothing so far */
    uint16_t back_ms;    /* when to come back, from `bye` */
};

/* What a device tells. Each may close it. */
struct device_events {
    void (*upgraded)(struct device *d);
    void (*text)(struct device *d, const char *text, size_t n);
    /* `error`: errno, 0 if it is no error of the system; `status`: of an upgrade that was refused, else 0. */
    void (*failed)(struct device *d, int error, int status, const char *text);
};

/* Opens the socket; what follows is told by the events, a failure possibly at once. */
void device_open(struct device *d);
/* Closes it; the state becomes OFF. Its track stays. Legal on a closed one. `hard`: by a reset, so that the
 * port is free at once. */
void device_close(struct device *d, bool hard);
/* Sends one text frame; false if it could not be taken. */
bool device_send(struct device *d, const char *text, size_t n);
/* Stops reading, or reads on. */
void device_pause(struct device *d, bool pause);

#endif
