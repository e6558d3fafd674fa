/*
 * gateway/edge/http_reply.h - the head of an answer, and the edge's own error answers, as bytes; no
 * sockets.
 *
 * Owns:    nothing; writes into the caller's buffer.
 * Bounds:  HTTP_REPLY_HEAD_MAX bytes of head, HTTP_REPLY_ERROR_MAX of an error's body.
 * Fails:   http_reply_head returns 0 when `extra` makes the head too long.
 * Thread:  any; no state.
 */
#ifndef RECALLD_EDGE_HTTP_REPLY_H
#define RECALLD_EDGE_HTTP_REPLY_H

#include "api/api.h"

#include <stdbool.h>
#include <stddef.h>

#define HTTP_REPLY_HEAD_MAX 4096
#define HTTP_REPLY_ERROR_MAX 768

struct http_reply {
    const struct api_reply *reply; /* status, content type, retry_after_s, extra */
    size_t length;                 /* Content-Length; none for 204 and 304 */
    struct str request_id;
    struct str origin; /* an allowed Origin to echo, or absent */
    const char *date;  /* of the Date header */
    bool stream;       /* no length: the answer ends with the connection */
    bool cached;       /* a file of the page: no-cache instead of no-store */
    bool close;        /* Connection: close */
    bool keep_alive;   /* HTTP/1.0 asked for keep-alive */
};

/* Writes status line and headers, the empty line included; returns the length, 0: does not fit. */
size_t http_reply_head(char out[static HTTP_REPLY_HEAD_MAX], const struct http_reply *r);

/* The body of an error that the edge itself answers, in the path's dialect: RongCloud's end in ".json".
 * Returns its length. */
size_t http_reply_error(char out[static HTTP_REPLY_ERROR_MAX], int status, const char *sentence,
                        struct str path);

#endif
