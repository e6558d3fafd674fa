/*
 * tests/bench/kind.h - the servers that the benchmark knows, and which of them are spoken to alike.
 */
#ifndef BENCH_KIND_H
#define BENCH_KIND_H

#include <stdbool.h>

enum kind {
    KIND_RECALLD,
    KIND_INSIDE, /* recalld with inside.c: events are published inside it, and not taken in over HTTP */
    KIND_FLOOR,
    KIND_WS, /* peer_ws.mjs */
    KIND_NCHAN,
    KIND_MOSQUITTO,
    KIND_NATS,
};

/* Its devices authenticate and subscribe as PROTOCOL.md says. */
static inline bool kind_is_recalld(enum kind k)
{
    return k == KIND_RECALLD || k == KIND_INSIDE;
}

/* Events are asked for by lines of text on a control connection; there is no answer. */
static inline bool kind_takes_lines(enum kind k)
{
    return k == KIND_INSIDE || k == KIND_FLOOR || k == KIND_WS;
}

/* Events are asked for over HTTP, and answered. */
static inline bool kind_answers(enum kind k)
{
    return k == KIND_RECALLD || k == KIND_NCHAN;
}

#endif
