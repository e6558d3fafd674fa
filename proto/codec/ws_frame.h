/*
 * proto/codec/ws_frame.h - the header of a server's WebSocket text frame (RFC 6455, section 5.2).
 *
 * Owns:    nothing.
 * Borrows: the caller's ten bytes, during the call.
 * Bounds:  any payload below 2^63 bytes, the protocol's own limit.
 * Fails:   only on a payload of 2^63 bytes or more: 0 is returned and nothing is written.
 * Thread:  any; no state.
 *
 * An event goes to its subscribers as one immutable buffer with the header in front, so it is made here,
 * once, and not by the socket library once a connection.
 */
#ifndef RECALL_PROTO_WS_FRAME_H
#define RECALL_PROTO_WS_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define WS_FRAME_HEADER_MAX 10

/* How many bytes the header of a payload of `payload` bytes takes: 2, 4 or 10; 0 from 2^63 bytes on. Any
 * thread. */
size_t ws_frame_header_size(uint64_t payload);

/* Writes the header of one final, unmasked text frame to `out`, in the shortest form, and returns its size in
 * bytes as ws_frame_header_size does. Any thread. */
size_t ws_frame_header(unsigned char out[WS_FRAME_HEADER_MAX], uint64_t payload);

#endif
