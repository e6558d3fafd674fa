/*
 * clients/load/watch.h - what the server's process and this one cost: CPU and memory.
 *
 * Owns:    nothing that needs freeing.
 * Borrows: nothing.
 * Fails:   unknown figures are negative.
 * Thread:  one; reads /proc, some 20 µs a look.
 *
 * A server on this machine is found by the port that it listens on, if its /proc may be read (same user, or
 * root). Of another one is known what its /metrics tells under the usual names (process_cpu_seconds_total,
 * process_resident_memory_bytes), which watch_metrics takes from the text.
 */
#ifndef RECALL_LOAD_WATCH_H
#define RECALL_LOAD_WATCH_H

#include "clients/load/figures.h"

#include <stdbool.h>
#include <stdint.h>

struct watch {
    int pid;                     /* of the server; 0: not found */
    bool metrics;                /* /metrics tells it */
    struct figures_process told; /* what it told last */
};

/* Looks for the process that listens on `port`. */
void watch_find(struct watch *w, uint16_t port);
/* Takes what the text of /metrics tells. */
void watch_metrics(struct watch *w, const char *text);
/* The server's cost so far. */
struct figures_process watch_server(const struct watch *w);
/* Looks for the process anew if the one that was found is gone (the server was started again). True if there
 * is one. */
bool watch_again(struct watch *w, uint16_t port);
/* This process's own. */
struct figures_process watch_own(void);

#endif
