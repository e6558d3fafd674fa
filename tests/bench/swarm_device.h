/*
 * tests/bench/swarm_device.h - one connection of a swarm, for the files that speak to the different servers.
 *
 * Owns:    nothing; the swarm owns its devices.
 * Fails:   through swarm_fail.
 * Thread:  the swarm's.
 */
#ifndef BENCH_SWARM_DEVICE_H
#define BENCH_SWARM_DEVICE_H

#include "swarm.h"

enum swarm_state { STATE_NONE, STATE_UPGRADING, STATE_AUTHENTICATING, STATE_SUBSCRIBING, STATE_LIVE };

struct swarm_device {
    int fd;
    enum swarm_state state;
    int64_t seq;
    uint32_t room;
    unsigned char *part; /* the beginning of a frame whose rest has not come */
    size_t part_len;
};

/* Sends a client's frame of up to 500 bytes. */
void swarm_send(struct swarm *s, const struct swarm_device *d, unsigned char opcode, const void *payload,
                size_t n);
/* The device is there, and its room stands at `seq`. */
void swarm_live(struct swarm *s, struct swarm_device *d, int64_t seq);
/* Event `seq` came in a frame of `frame` bytes. */
void swarm_event(struct swarm *s, struct swarm_device *d, int64_t seq, size_t frame);
/* The first number behind "seq": in text that is not zero-terminated; -1: none. */
int64_t swarm_seq(const unsigned char *p, size_t n);
bool swarm_begins(const unsigned char *p, size_t n, const char *with);

/* swarm_recalld.c: the upgrade request; a text frame. */
int swarm_recalld_request(const struct swarm *s, uint32_t i, char *text, size_t size);
void swarm_recalld_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n);

/* swarm_peer.c, FLOOR and the peers: the upgrade request; after the upgrade; a frame. */
int swarm_peer_request(const struct swarm *s, uint32_t i, char *text, size_t size);
void swarm_peer_opened(struct swarm *s, struct swarm_device *d);
void swarm_peer_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n);

#endif
