/*
 * tests/bench/peer.h - other servers, started as FLOOR and recalld are, each in the configuration that serves it best here.
 *
 * Owns:    the process.
 * Bounds:  ready within 15 s.
 * Fails:   false with a sentence on standard error; a peer that is not installed is not started, which is no failure.
 * Thread:  one.
 */
#ifndef BENCH_PEER_H
#define BENCH_PEER_H

#include "bench.h"

struct peer {
    enum kind kind;
    const char *name;
    struct server server;
    struct sockaddr_in at, asks;
    char config[1200]; /* what it was started with, for the report */
};

/* Which kinds are peers, in the order of the report. */
#define PEERS 4U
enum kind peer_kind(unsigned i);
const char *peer_name(enum kind kind);
/* Is it installed? */
bool peer_installed(const struct bench *b, enum kind kind);
bool peer_start(const struct bench *b, enum kind kind, struct peer *p);
void peer_stop(struct peer *p);

#endif
