/*
 * gateway/api/presence.h - which of some devices are connected now: a question that goes round the edge threads by mail.
 *
 * Owns nothing: `struct presence` and the chunks are the caller's, until `done`.
 * Bounds:  LEDGER_CHUNK look-ups in one visit to a thread, one visit under way for each question: no thread is held up.
 * Fails:   never; a thread whose mailbox is full is left out, its devices then count as not connected.
 * Thread:  asked and answered on one edge thread.
 */
#ifndef RECALLD_API_PRESENCE_H
#define RECALLD_API_PRESENCE_H

#include "api/gateway.h"
#include "core/ledger.h"

struct presence {
    struct mail mail; /* first */
    struct api_thread *home;
    int64_t app_id;
    struct ledger_chunk *chunk; /* the one that is being asked for */
    void (*done)(void *arg);
    void *arg;
};

/* Fills in `connected` of every device in `chunks`, then calls `done` once, later, on this thread. */
void presence_ask(struct presence *p, struct api_thread *home, int64_t app_id, struct ledger_chunk *chunks, void (*done)(void *arg),
                  void *arg);

#endif
