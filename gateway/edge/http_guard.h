/*
 * gateway/edge/http_guard.h - what is refused before a body is read or a protocol is switched.
 *
 * Owns nothing; bounded by the head's bounds; never fails. Thread: the edge thread.
 */
#ifndef RECALLD_EDGE_HTTP_GUARD_H
#define RECALLD_EDGE_HTTP_GUARD_H

#include "edge/http_head.h"
#include "edge/thread.h"

/* What to do with a request whose head was read. */
enum http_guard_verdict {
    HTTP_GUARD_CALL,    /* read its body, give it to the api */
    HTTP_GUARD_UPGRADE, /* hand it to ws.h */
    HTTP_GUARD_REFUSE,  /* answer `status` and `sentence`, close */
    HTTP_GUARD_OPTIONS, /* answer 204 with `extra` */
};

struct http_guard {
    enum http_guard_verdict verdict;
    int status;
    const char *sentence; /* static */
    const char *extra;    /* static header lines, or NULL */
};

struct http_guard http_guard_check(struct edge_thread *t, const struct http_head *h);
/* Whether the answer may tell a browser's page of this Origin: it is on some app's list. False without an
 * Origin. */
bool http_guard_origin(struct edge_thread *t, const struct http_head *h);
/* A caller's X-Request-ID is taken over if it is 1 to 36 visible characters that need no quoting. */
bool http_guard_id_usable(struct str id);

#endif
