/*
 * gateway/edge/http_stream.h - an HTTP connection whose answer does not end: the socket below api/events_stream.h.
 *
 * Owns:    nothing; the connection is http.h's and closes the stream with itself.
 * Bounds:  the head of the answer; what the socket does not take of the stream stays with the stream. A reader that takes nothing for
 *          HTTP_STALL_MS while something waits is closed: it can come back with Last-Event-ID.
 * Fails:   by closing.
 * Thread:  the edge thread that owns the connection.
 *
 * Such an answer has no length: its end is the connection's (Connection: close). What the peer sends meanwhile is thrown away; its end,
 * also of one direction, ends the stream.
 */
#ifndef RECALLD_EDGE_HTTP_STREAM_H
#define RECALLD_EDGE_HTTP_STREAM_H

#include "api/events_stream.h"
#include "edge/http.h"

#define HTTP_STALL_MS 60000

/* Sends the head, then lets the stream begin. The connection becomes HTTP_STREAM. */
void http_stream_begin(struct http_conn *c, const char *head, size_t head_len, struct events_stream *stream);
/* The socket takes bytes again. */
void http_stream_writable(struct http_conn *c);
/* The peer sent something, or left. */
void http_stream_readable(struct http_conn *c);
/* When http_stream_fire wants to be called, monotonic ms. */
int64_t http_stream_due(const struct http_conn *c);
void http_stream_fire(struct http_conn *c, int64_t now_ms);
/* The server leaves. */
void http_stream_drain(struct http_conn *c);

#endif
