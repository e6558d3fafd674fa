/*
 * proto/codec/wire_scan.h - a look at a JSON text before it is parsed: how deep is it, and which `id`
 * does it have?
 *
 * Owns:    nothing.
 * Borrows: the bytes, during the call.
 * Thread:  any; no state.
 * Bounds:  one pass over the bytes, no recursion, no memory.
 * Fails:   never. It does not validate: of a text that is no JSON it tells something that is of no use,
 *          and the parser refuses that text.
 *
 * A frame that is too deep is refused unparsed, and one with a number that the parser cannot hold makes
 * the parser stop. The client still deserves an answer that bears its id.
 */
#ifndef RECALL_PROTO_WIRE_SCAN_H
#define RECALL_PROTO_WIRE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct wire_scan {
    bool object;  /* the first byte that is no white space opens an object */
    bool nul;     /* an escape \u0000 stands somewhere */
    size_t depth; /* most objects and arrays open at once */
    bool has_id;  /* the outer object has an `id` that is a whole number of at most 15 digits */
    int64_t id;
};

void wire_scan(struct wire_scan *s, const char *text, size_t len);

#endif
