#include "api/events.h"

#include "api/events_stream.h"
#include "base/clock.h"
#include "base/text.h"
#include "core/replay.h"

#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#define MEDIA_TYPE "text/event-stream"

struct events_call {
    struct replay_query page;
    bool platform;
    char user[TEXT_USER_MAX + 1]; /* of a stream: who follows */
    int64_t expires_ms;           /* of a stream: the token's end; 0: never */
};

/* Whether the header names event streams; parameters (";q=…") are not weighed. */
static bool wants_stream(struct str accept)
{
    const size_t n = sizeof(MEDIA_TYPE) - 1;

    for (size_t i = 0; i + n <= accept.n; i++) {
        if (strncasecmp(accept.p + i, MEDIA_TYPE, n) == 0)
            return true;
    }
    return false;
}

/* "epoch:seq", as the stream's `id:` lines tell it. */
static bool take_last_event(struct api_call *call, struct replay_query *q)
{
    const struct str id = call->last_event_id;
    const char *colon = id.n != 0 ? memrchr(id.p, ':', id.n) : NULL;
    const size_t n = colon != NULL ? (size_t)(colon - id.p) : 0;

    if (id.n == 0)
        return true;
    if (n == 0 || !text_parse_int(colon + 1, id.n - n - 1, 0, INT64_MAX, &q->since))
        return call_refuse(call, RESULT_INVALID_BODY,
                           "Last-Event-ID must be the id of an event of this stream: epoch:seq");
    q->epoch = str_n(id.p, n);
    return true;
}

/* Opening a stream counts as a connection does. */
static bool admit(struct api_call *call)
{
    const int64_t wait =
        gateway_admit(call->thread->gateway, call->app_id, GATEWAY_CONNECTIONS, call->app->connections_per_second, 1,
                      clock_mono_ms());

    if (wait == 0)
        return true;
    call->out.retry_after_s = wait;
    return call_refuse(call, RESULT_RATE_LIMITED, "The app accepts no more new connections this second");
}

/* `then` of a stream: the answer stays open. */
static void open_stream(struct api_call *call)
{
    const struct events_call *e = call->command;
    const struct events_start start = {.thread = call->thread,
                                       .config = call->config,
                                       .app = call->app,
                                       .app_id = call->app_id,
                                       .claim = &call->claim,
                                       .user = e->platform ? STR_NULL : str_c(e->user),
                                       .expires_ms = e->expires_ms,
                                       .room = e->page.room,
                                       .epoch = e->page.epoch,
                                       .since = e->page.since};

    if (call->answer != NULL) { /* the caller is still there */
        call->stream = events_stream_create(&start);
        if (call->stream == NULL)
            (void)call_refuse(call, RESULT_UNAVAILABLE, "The server is out of memory: try again");
    }
    /* Proxies that gather an answer would hold events back. */
    call->extra = "X-Accel-Buffering: no\r\n";
    call_finish(call);
}

bool events_parse(struct api_call *call)
{
    struct events_call *e = arena_alloc(&call->arena, sizeof(*e));
    int64_t limit = REPLAY_LIMIT;

    memset(e, 0, sizeof(*e));
    call->command = e;
    e->page.room = call->params[0];
    if (!call_log_param(call, 0))
        return false;
    e->page.epoch = call_query(call, "epoch");
    if (e->page.epoch.n == 0)
        e->page.epoch = STR_NULL;
    if (!call_query_int(call, "since", 0, INT64_MAX, &e->page.since) ||
        !call_query_int(call, "limit", 1, REPLAY_LIMIT, &limit))
        return false;
    e->page.limit = (size_t)limit;
    if (!wants_stream(call->accept))
        return true;
    call->then = open_stream;
    return take_last_event(call, &e->page) && admit(call);
}

enum result events_run(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    struct events_call *e = call->command;
    struct room_row room;

    if (call->then == NULL)
        return replay_page(tx, who, &e->page, &call->out);
    e->platform = who->kind == PRINCIPAL_PLATFORM;
    (void)snprintf(e->user, sizeof(e->user), "%.*s", (int)who->user.n, who->user.p != NULL ? who->user.p : "");
    e->expires_ms = who->expires_ms;
    return replay_enter(tx, who, e->page.room, &room, &call->out);
}
