/*
 * gateway/edge/ws_out.h - what goes out on a WebSocket: shared frames, replies, pings, the close frame.
 *
 * Owns:    nothing; what the socket does not take is copied into libwebsockets' buffer of the connection.
 * Bounds:  see ws.h.
 * Fails:   a socket that refuses is shut down, which libwebsockets then notices and closes.
 * Thread:  the edge thread that owns the connection.
 *
 * The hot path is one send on the socket. It is safe because every byte that leaves goes through here
 * or, when libwebsockets has something of its own to say (a pong, an answer to a close), through its
 * buffer, and here that buffer is asked each time: while it holds anything, bytes go behind it.
 */
#ifndef RECALLD_EDGE_WS_OUT_H
#define RECALLD_EDGE_WS_OUT_H

#include "edge/ws.h"

/* The session's way out (api/session.h). */
const struct session_transport *ws_out_transport(void);

/* Sends a ping. */
void ws_out_ping(struct ws *w);
/* Sends a close frame and gives the peer WS_CLOSE_MS to answer it. Code 0 cuts the connection at once,
 * without a frame and without sending what waits. */
void ws_out_close(struct ws *w, int code, const char *reason);
/* libwebsockets says the socket takes bytes again. */
void ws_out_writeable(struct ws *w);
/* From here on no frame goes out. */
void ws_out_end(struct ws *w);
/* Ends it without further ado. */
void ws_out_cut(struct ws *w);

#endif
