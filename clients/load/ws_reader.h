/*
 * clients/load/ws_reader.h - a client's end of a WebSocket without any I/O: reads what a server sends, in
 * pieces of whatever size, and writes a client's frames (RFC 6455).
 *
 * Owns:    the part of a frame or message whose rest has not come; nothing between messages.
 * Borrows: the bytes, during ws_reader_feed.
 * Bounds:  a message, its fragments together, of at most `most` bytes.
 * Fails:   false, with the reason in `error` (static), for bytes that are no WebSocket of a server and
 * without memory. The reader is of no further use then but to ws_reader_free. Thread:  one.
 */
#ifndef RECALL_LOAD_WS_READER_H
#define RECALL_LOAD_WS_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ws_reader_opcode {
    WS_READER_TEXT = 1,
    WS_READER_BINARY = 2,
    WS_READER_CLOSE = 8,
    WS_READER_PING = 9,
    WS_READER_PONG = 10
};

#define WS_READER_FRAME_EXTRA 14 /* bytes that a client's frame has beside its payload, at most */

struct ws_reader {
    unsigned char *part;    /* the beginning of a frame */
    unsigned char *message; /* the fragments of a message so far */
    uint32_t part_len, part_cap, message_len;
    uint8_t opcode; /* of the message whose fragments are coming; 0: none */
};

/* Told of each whole message and each control frame, in order; `p` is the reader's or the feeder's, for the
 * call. False ends the feeding. */
typedef bool ws_reader_fn(void *arg, enum ws_reader_opcode opcode, const unsigned char *p, size_t n);

void ws_reader_init(struct ws_reader *r);
/* Legal on a zeroed reader and twice. */
void ws_reader_free(struct ws_reader *r);
/* Reads all of p[0..n). False, `*error` NULL: `fn` ended it (the reader may be freed within `fn` only if it
 * answers false). */
bool ws_reader_feed(struct ws_reader *r, const unsigned char *p, size_t n, size_t most, ws_reader_fn *fn,
                    void *arg, const char **error);
/* Writes one final, masked frame to `out`, which has n + WS_READER_FRAME_EXTRA bytes; returns its size, 0 for
 * 2^63 bytes and more. */
size_t ws_reader_frame(unsigned char *out, enum ws_reader_opcode opcode, const void *payload, size_t n,
                       uint32_t mask);

#endif
