/*
 * gateway/api/api.h - an HTTP call in, an answer out; no sockets.
 *
 * Owns:    an api_call while it is under way.
 * Borrows: the request's texts, from api_begin until the answer is given or the call is cancelled.
 * Bounds:  the store's queues; a full one is answered 503 with Retry-After at once.
 * Fails:   every failure is an answer in the caller's dialect.
 * Thread:  the edge thread that owns the connection; one `api_thread` belongs to each.
 */
#ifndef RECALLD_API_API_H
#define RECALLD_API_API_H

#include "api/gateway.h"
#include "base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What the edge took off the wire. Absent headers are STR_NULL. Header values are as sent, without surrounding blanks. */
struct api_request {
    struct str method;          /* "GET", "POST", ... */
    struct str path;            /* as sent, still percent-encoded, without the query */
    struct str query;           /* without '?'; may be absent */
    struct str body;            /* at most max_body bytes */
    struct str request_id;      /* for the log and X-Request-ID; the caller's if usable, else made by the edge */
    struct str content_type, accept, host, origin, last_event_id;
    struct str im_api_key, im_client_key, im_authorization, authorization;
    struct str rc_app_key, rc_nonce, rc_timestamp, rc_signature; /* App-Key or RC-App-Key, ... */
    struct str peer;            /* address in text, for the log */
};

struct events_stream;
struct recalled_ids;

struct api_reply {
    int status;
    const char *content_type;   /* static */
    char *body;                 /* malloc'd; the edge frees it; may be NULL with len 0 */
    size_t len;
    const char *static_body;    /* instead of body: lives as long as the process (files of the demo page) */
    int64_t retry_after_s;      /* 0: no header */
    struct events_stream *stream; /* instead of a body: what follows the head, until it ends (events_stream.h); the edge closes it */
    bool watched;               /* the body shows messages: before each further part of it the edge asks recalled_shown(app_id, mark) */
    struct recalled_ids *ids;   /* with `watched`: asks recalled_listed(ids, mark) instead; the edge frees it. May be NULL */
    int64_t app_id;
    uint64_t mark;
    const char *extra;          /* static extra header lines "Name: value\r\n…" (CSP of the demo page), or NULL */
};

struct api_call;
/* Gives the answer: called exactly once on the edge thread, perhaps before api_begin returns, unless the call is cancelled.
 * The reply is the edge's to free (body, ids) and to close (stream). */
typedef void api_reply_fn(void *edge_context, struct api_reply *reply);

/* Whether a path is one of RongCloud's dialect, known or not: it ends in ".json" and is not IMKit's. */
bool api_is_rongcloud(struct str path);
/* A path as the log may show it: without the key of a history log's link. */
struct str api_logged_path(struct str path);
/* The largest body of this request; `max_body` is the setting. RongCloud's forms may be larger: what is percent-encoded in them is up to three
 * times as long as what it holds. */
uint64_t api_body_max(const struct api_request *request, uint64_t max_body);

/* Starts a call. Returns NULL when it was answered already. */
struct api_call *api_begin(struct api_thread *thread, const struct api_request *request, api_reply_fn *answer, void *edge_context);
/* The peer left: the answer is not wanted any more. What was admitted to the writer still happens. */
void api_cancel(struct api_call *call);

#endif
