/*
 * proto/codec/wire_text.h - a piece of text by pointer and length.
 *
 * Owns:    nothing; whoever fills one says how long its bytes live.
 * Bounds:  none.
 * Fails:   never.
 * Thread:  any.
 */
#ifndef RECALL_PROTO_WIRE_TEXT_H
#define RECALL_PROTO_WIRE_TEXT_H

#include <stddef.h>

struct wire_text {
    const char *p; /* NULL: there is none, which differs from an empty text; not terminated in general */
    size_t n;      /* bytes */
};

#endif
