/*
 * gateway/edge/http_head.h - the head of an HTTP/1 request: bytes in, struct out; no sockets.
 *
 * Owns:    nothing.
 * Borrows: the bytes: every text of the result points into them.
 * Bounds:  HTTP_HEAD_MAX bytes, HTTP_HEAD_LINES header lines.
 * Fails:   HTTP_HEAD_BAD with a status and a sentence for the caller; strict, because what two parsers read
 *          differently is how requests are smuggled: bare line feeds, folded lines, blanks before a colon,
 *          repeated lengths and hosts are refused.
 * Thread:  any; no state.
 *
 * Why not libwebsockets' own: in 4.1.6 it decodes and cleans the path before anyone sees it, so that "%2F"
 * in a room's name is lost, and it closes without an answer where the contract wants 414 and 431.
 */
#ifndef RECALLD_EDGE_HTTP_HEAD_H
#define RECALLD_EDGE_HTTP_HEAD_H

#include "api/api.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_HEAD_MAX 8192
#define HTTP_HEAD_LINES 100

struct http_head {
    struct api_request api; /* all but body, request_id and peer; request_id as sent, whatever it is */
    struct str upgrade, expect, connection, ws_key, ws_version, device, caps, package;
    struct str cors_method; /* Access-Control-Request-Method */
    size_t size;            /* bytes, the empty line included */
    uint64_t content_length;
    bool has_length;   /* Content-Length was sent */
    bool has_encoding; /* Transfer-Encoding was sent */
    bool http10;
    bool close, keep_alive, wants_upgrade; /* named in Connection */
    bool ws_protocol;                      /* recall.v1 is among Sec-WebSocket-Protocol */
    int status;                            /* of HTTP_HEAD_BAD */
    const char *error;                     /* its sentence, static */
};

enum http_head_result { HTTP_HEAD_MORE, HTTP_HEAD_OK, HTTP_HEAD_BAD };

/* Reads a head from the first bytes of a connection. MORE: its end has not come yet and may still. */
enum http_head_result http_head_parse(const char *p, size_t n, struct http_head *head);

/* Whether `token` is in a comma-separated list, ignoring case. */
bool http_head_list_has(struct str list, const char *token);

#endif
