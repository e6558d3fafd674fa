/*
 * clients/load/crowd.h - all connections: opens them, brings back those that drop, sends their acks and
 * typing, checks what they get.
 *
 * Owns:    the devices, their tokens, the poller.
 * Borrows: options, names, figures, book.
 * Bounds:  options->connections devices; some 700 bytes each with a token of recalld's.
 * Fails:   crowd_init, without memory. While `strict`, whatever keeps a device from being connected sets
 * `error`; later it is counted as dropped and the device comes back with its cursor. Thread:  the loop's.
 */
#ifndef RECALL_LOAD_CROWD_H
#define RECALL_LOAD_CROWD_H

#include "clients/load/book.h"
#include "clients/load/device.h"
#include "clients/load/names.h"

#define CROWD_TICK_MS 25 /* crowd_tick is to be called so often */

struct crowd {
    struct poller poller;
    const struct options *options;
    const struct names *names;
    struct figures *figures;
    struct book *book;
    const struct device_events *events;
    struct device *devices;
    uint32_t count;
    uint32_t *queue; /* devices to be opened: a ring of `count` */
    uint32_t queue_first, queue_len;
    uint32_t opening, live; /* being connected; subscribed */
    uint32_t opening_most;
    uint32_t look; /* where the next tick goes on */
    bool strict;
    bool leaving;        /* devices that drop stay away */
    int64_t progress_ns; /* when a device was let in last */
    uint64_t random;
    char error[320];
};

bool crowd_init(struct crowd *c, uv_loop_t *loop, const struct options *options, const struct names *names,
                struct figures *figures, struct book *book);
/* Closes all connections. Legal on a zeroed one. */
void crowd_close(struct crowd *c);
/* Takes a token (malloc'd) for device `i`. */
void crowd_token(struct crowd *c, uint32_t i, char *token);
/* Wants devices [from, to) connected, at most `at_once` of them being connected at a time. */
void crowd_open(struct crowd *c, uint32_t from, uint32_t to, uint32_t at_once);
/* Opens the next ones; true if more could be opened at once. Call it after each turn of the loop. */
bool crowd_pump(struct crowd *c);
/* Drops devices [from, to); they stay away until crowd_open. A device that is not steady forgets its cursor.
 */
void crowd_drop(struct crowd *c, uint32_t from, uint32_t to);
/* Acks that are due, devices whose time to come back has come, connections that take too long. */
void crowd_tick(struct crowd *c);
/* Stops the slow devices from reading, or lets them read on. */
void crowd_pause(struct crowd *c, bool pause);
/* One device, chosen at random, tells that it types. */
void crowd_type(struct crowd *c);
/* What steady devices miss of what their rooms are known to hold, by room (an array of the book's
 * room_count). */
void crowd_missing(const struct crowd *c, uint64_t *missing);
/* A number at random, of any 32 bits. */
uint32_t crowd_random(struct crowd *c);
/* The room that device `i` follows. */
uint32_t crowd_room(const struct crowd *c, uint32_t i);

#endif
