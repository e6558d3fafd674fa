#include "api/call.h"

#include "api/credentials.h"
#include "api/envelope.h"
#include "api/events_stream.h"
#include "api/rc.h"
#include "api/recalled.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "bus/bus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PATH_LOGGED 256U
#define BUSY_RETRY_S 1
#define DAY_MS INT64_C(86400000)

_Static_assert(sizeof(struct api_call) <= 1032, "the largest block that malloc keeps at hand for a thread");

bool call_refuse(struct api_call *call, enum result rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(call->out.text, sizeof(call->out.text), format, args);
    va_end(args);
    call->out.rc = rc;
    return false;
}

struct api_call *call_create(struct api_thread *thread, const struct api_request *request,
                             api_reply_fn *answer, void *edge_context)
{
    /* Not calloc, which does not look among the freed blocks that malloc keeps at hand for a thread (glibc 2.36, malloc/malloc.c). */
    struct api_call *call = malloc(sizeof(*call));

    if (call == NULL)
        return NULL;
    memset(call, 0, sizeof(*call));
    call->thread = thread;
    call->answer = answer;
    call->edge_context = edge_context;
    call->began_ns = clock_mono_ns();
    call->method = arena_str(&call->arena, request->method);
    call->path = arena_str(&call->arena, request->path);
    call->query = arena_str(&call->arena, request->query);
    call->request_id = arena_str(&call->arena, request->request_id);
    call->peer = arena_str(&call->arena, request->peer);
    call->accept = arena_str(&call->arena, request->accept);
    call->last_event_id = arena_str(&call->arena, request->last_event_id);
    call->host = arena_str(&call->arena, request->host);
    call->config = config_holder_get(thread->gateway->config);
    tx_outcome_init(&call->out);
    return call;
}

static void call_free(struct api_call *call)
{
    if (call->command_free != NULL)
        call->command_free(call->command);
    recalled_ids_free(call->ids);
    json_decref(call->body);
    tx_outcome_free(&call->out);
    config_unref(call->config);
    arena_free(&call->arena);
    free(call);
}

/* One line for each call: never its body, its query, a key or a token. */
static void log_call(const struct api_call *call, int status)
{
    const enum log_level level = status >= 500 ? LOG_LEVEL_WARN : LOG_LEVEL_INFO;
    const struct str path = api_logged_path(call->path);
    const uint64_t us = (clock_mono_ns() - call->began_ns) / 1000;

    if (!log_enabled(level))
        return;
    log_write(level, "request",
              (const struct log_field[]){
                  LOG_STR("id", call->request_id.p, call->request_id.n),
                  LOG_STR("method", call->method.p, call->method.n), LOG_STR("path", path.p, path.n < PATH_LOGGED ? path.n : PATH_LOGGED),
                  LOG_INT("status", status),
                  call->rongcloud ? LOG_INT("code", rc_reply_code(call))
                                  : LOG_TEXT("code", call->out.rc == RESULT_OK ? "OK" : result_imkit_code(call->out.rc)),
                  LOG_TEXT("app", call->app != NULL ? call->app->name : NULL), LOG_UINT("us", us),
                  LOG_STR("peer", call->peer.p, call->peer.n), LOG_END});
}

static void give(struct api_call *call, struct api_reply *reply)
{
    struct gateway_metrics *m = &call->thread->gateway->metrics;

    metrics_inc(m->requests);
    if (reply->status >= 400)
        metrics_inc(m->request_errors);
    log_call(call, reply->status);
    if (call->answer != NULL) {
        reply->ids = reply->watched ? call->ids : NULL;
        call->ids = reply->ids != NULL ? NULL : call->ids;
        call->answer(call->edge_context, reply);
    } else {
        free(reply->body); /* a stream is opened for a caller alone who is there */
    }
    call_free(call);
}

/* The outcome in the dialect that was spoken. */
static void make_reply(struct api_call *call, struct api_reply *reply)
{
    if (call->raw_type != NULL && call->out.rc == RESULT_OK) {
        *reply = (struct api_reply){.status = 200, .content_type = call->raw_type};
        reply->body = json_out_take(&call->out.result, &reply->len);
    } else if (call->rongcloud) {
        rc_reply(call, reply);
    } else {
        envelope_reply(&call->out, reply);
    }
}

void call_finish(struct api_call *call)
{
    struct api_reply reply = {.status = 200, .content_type = "text/event-stream"};

    if (call->stream == NULL)
        make_reply(call, &reply);
    reply.stream = call->stream;
    reply.extra = call->raw_type == NULL || call->out.rc == RESULT_OK ? call->extra : NULL;
    reply.watched = call->stream == NULL && call->route != NULL && call->route->where == CALL_READ && call->out.rc == RESULT_OK;
    reply.app_id = call->app_id;
    reply.mark = call->mark;
    give(call, &reply);
}

/* --- on the writer or a reader --- */

static void job_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct api_call *call = (struct api_call *)job;
    struct core_tx tx = {.conn = conn,
                         .arena = store_conn_arena(conn),
                         .now_ms = now_ms,
                         .app = call->app,
                         .app_id = call->app_id,
                         .device_ms = call->config->server.device_days * DAY_MS,
                         .bus = call->route->where == CALL_WRITE ? call->thread->gateway->bus : NULL};
    struct principal who = {.kind = PRINCIPAL_PLATFORM};

    tx_outcome_reset(&call->out);
    recalled_ids_free(call->ids);
    call->ids = NULL;
    if (call->route->auth != CALL_OPEN)
        call->out.rc = principal_resolve(&tx, &call->claim, &who, &call->out);
    /* Asked only now, so that a token that is no good is told as that. */
    if (call->out.rc == RESULT_OK && call->route->auth == CALL_PLATFORM && who.kind != PRINCIPAL_PLATFORM)
        (void)tx_fail(&call->out, RESULT_FORBIDDEN, "This call needs the platform key: send IM-API-KEY");
    if (call->out.rc == RESULT_OK)
        call->out.rc = call->route->run(call, &tx, &who);
    if (call->route->where == CALL_READ && call->out.rc == RESULT_OK && !call->out.more)
        call->ids = recalled_ids_make(call->app_id, call->out.result.p, call->out.result.len);
}

enum result call_admit(struct api_call *call, const struct core_tx *tx, enum gateway_limit limit, int64_t n)
{
    const int64_t wait = call->again ? 0
                                     : gateway_admit(call->thread->gateway, tx->app_id, limit, tx->app->sends_per_second, n, clock_mono_ms());

    if (wait == 0)
        return RESULT_OK;
    call->out.retry_after_s = wait;
    return tx_fail(&call->out, RESULT_RATE_LIMITED,
                   "The app sends or recalls more than %" PRId64 " messages a second: try again after %" PRId64 " s",
                   tx->app->sends_per_second, wait);
}

static bool submit(struct api_call *call);

static bool shows_recalled(struct api_call *call)
{
    struct recalled *r = call->thread->gateway->recalled;
    const struct json_out *o = &call->out.result;

    return call->ids != NULL ? recalled_listed(r, call->ids, &call->mark)
                             : recalled_shown(r, call->app_id, &call->mark, o->p, o->len);
}

/* A message that the answer shows was recalled after the snapshot it was read in, perhaps: true when it is being read again. */
static bool reread(struct api_call *call)
{
    if (call->route->where != CALL_READ || call->answer == NULL || call->out.rc != RESULT_OK || call->out.more ||
        !shows_recalled(call))
        return false;
    call->steps_done = 0;
    if (++call->reruns <= CALL_RERUNS)
        return submit(call); /* a full queue is noted as the answer */
    call->out.retry_after_s = BUSY_RETRY_S;
    return call_refuse(call, RESULT_UNAVAILABLE, "Messages are being recalled faster than they can be read: try again");
}

/* A recall went before what was submitted earlier, and finds no message: that may be what is still to come, under an id of the caller's own. */
static bool look_again(struct api_call *call)
{
    if (call->job.rank != JOB_RECALL || call->out.rc != RESULT_NO_MESSAGE)
        return false;
    call->job.rank = JOB_ORDINARY;
    call->again = true;
    return submit(call); /* a full queue is noted as the answer */
}

static void job_done(struct job *job, void *ctx);

static void fenced_home(struct mail *mail, void *ctx)
{
    job_done((struct job *)mail, ctx);
}

/* Content was taken back: the caller hears of it when no thread can send that content any more. */
static bool wait_for_threads(struct api_call *call)
{
    if (!call->out.erased || call->fenced)
        return false;
    call->fenced = true;
    call->job.mail.deliver = fenced_home;
    return bus_fence(call->thread->gateway->bus, call->thread->mailbox, &call->job.mail);
}

/* A command in steps goes to the end of the queue again. */
static bool next_step(struct api_call *call)
{
    if (!call->out.more || (call->route->where == CALL_READ && call->answer == NULL))
        return false;
    if (atomic_load(&call->thread->gateway->draining)) {
        call->out.retry_after_s = BUSY_RETRY_S;
        return call_refuse(call, RESULT_UNAVAILABLE, "The server is leaving with a part of it done: call again");
    }
    call->steps_done = call->out.count;
    if (call->steps_since_ms == 0)
        call->steps_since_ms = call->thread->now_ms();
    return submit(call);
}

static void job_done(struct job *job, void *ctx)
{
    struct api_call *call = (struct api_call *)job;

    (void)ctx;
    if (job->fate == RESULT_OK && (look_again(call) || reread(call) || next_step(call) || wait_for_threads(call)))
        return;
    if (job->fate != RESULT_OK) {
        tx_outcome_reset(&call->out);
        (void)call_refuse(call, job->fate, "%s",
                          job->fate == RESULT_UNAVAILABLE ? "The server cannot save at the moment: try again"
                                                          : "");
        call->out.retry_after_s = job->fate == RESULT_UNAVAILABLE ? BUSY_RETRY_S : 0;
    } else if (call->out.rc == RESULT_OK && call->then != NULL) {
        call->then(call);
        return;
    } else if (call->out.rc == RESULT_OK && (call->rongcloud ? call->out.result.failed : !json_out_ok(&call->out.result))) {
        (void)call_refuse(call, RESULT_INTERNAL, "The answer could not be written");
    }
    call_finish(call);
}

static void job_drop(struct job *job)
{
    call_free((struct api_call *)job);
}

/* --- on the edge thread --- */

static bool take_body(struct api_call *call, const struct api_request *request)
{
    const enum call_body kind = call->route->body;
    struct fields_error err;

    if (kind == CALL_NO_BODY || (kind == CALL_MAY_BODY && request->body.n == 0))
        return true;
    if (kind == CALL_FORM)
        return rc_params(call, request->body);
    call->body = fields_parse(request->body, kind == CALL_ARRAY, &err);
    return call->body != NULL || call_refuse(call, err.rc, "%s", err.text);
}

static bool take_credentials(struct api_call *call, const struct api_request *request)
{
    enum result rc;

    if (call->route->auth == CALL_OPEN)
        return true;
    if (call->route->auth == CALL_RONGCLOUD) {
        if (!rc_auth(call, request))
            return false;
    } else {
        rc = credentials_request(call->config, request, call->thread->now_ms(), &call->claim, &call->app,
                                 call->out.text, sizeof(call->out.text));
        if (rc != RESULT_OK) {
            call->out.rc = rc;
            return false;
        }
    }
    call->app_id = gateway_app_id(call->thread->gateway, str_c(call->app->name));
    if (call->app_id == 0)
        return call_refuse(call, RESULT_UNAVAILABLE, "The app is not ready yet: try again");
    return true;
}

static bool submit(struct api_call *call)
{
    struct gateway *g = call->thread->gateway;
    bool taken;

    call->job.home = call->thread->mailbox;
    call->job.run = job_run;
    call->job.done = job_done;
    call->job.drop = job_drop;
    if (call->steps_done == 0) /* of a read in steps the first one's counts */
        call->mark = recalled_mark(call->thread->gateway->recalled);
    taken = call->route->where == CALL_WRITE ? store_submit_write_soon(g->store, &call->job)
                                             : store_submit_read(g->store, &call->job);
    if (!taken) {
        call->out.retry_after_s = BUSY_RETRY_S;
        return call_refuse(call, RESULT_UNAVAILABLE, "The server is busy: try again after %d s",
                           BUSY_RETRY_S);
    }
    return true;
}

struct api_call *call_start(struct api_call *call, const struct api_request *request)
{
    struct api_reply reply = {.status = 0};

    if (call->route->where != CALL_HERE && atomic_load(&call->thread->gateway->draining)) {
        call->out.retry_after_s = BUSY_RETRY_S;
        (void)call_refuse(call, RESULT_UNAVAILABLE, "The server is shutting down: try again after %d s",
                          BUSY_RETRY_S);
        goto answered;
    }
    if (!take_credentials(call, request) || !take_body(call, request))
        goto answered;
    if (call->route->parse != NULL && !call->route->parse(call))
        goto answered;
    if (call->route->where == CALL_HERE) {
        call->route->here(call, &reply);
        if (reply.status == 0)
            make_reply(call, &reply);
        give(call, &reply);
        return NULL;
    }
    if (submit(call))
        return call;
answered:
    call_finish(call);
    return NULL;
}

/* --- for `parse` --- */

bool call_fields(struct api_call *call, const struct field *table, size_t n, void *target)
{
    struct fields_error err;

    return fields_read(call->body, table, n, target, &call->arena, &err) ||
           call_refuse(call, err.rc, "%s", err.text);
}

struct str call_query(struct api_call *call, const char *name)
{
    char *value = arena_alloc(&call->arena, call->query.n + 1);
    size_t n;

    if (!text_query_find(call->query.p, call->query.n, name, value, call->query.n, &n))
        return STR_NULL;
    return str_n(value, n);
}

bool call_query_int(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const struct str value = call_query(call, name);

    if (value.p == NULL || text_parse_int(value.p, value.n, min, max, out))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY, "%s must be a whole number from %" PRId64 " to %" PRId64,
                       name, min, max);
}

bool call_room_param(struct api_call *call, size_t i)
{
    if (text_room_valid(call->params[i].p, call->params[i].n))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY,
                       "roomId must be 1 to %d bytes without control characters and without a leading ~",
                       TEXT_ROOM_MAX);
}

bool call_log_param(struct api_call *call, size_t i)
{
    if (text_log_valid(call->params[i].p, call->params[i].n))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY, "roomId must be 1 to %d bytes without control characters", TEXT_ROOM_MAX);
}

bool call_message_param(struct api_call *call, size_t i)
{
    if (text_message_id_valid(call->params[i].p, call->params[i].n))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY,
                       "The message's id must be 1 to %d bytes without control characters",
                       TEXT_MESSAGE_ID_MAX);
}

bool call_user_param(struct api_call *call, size_t i)
{
    if (text_user_valid(call->params[i].p, call->params[i].n))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY,
                       "The client's id must be 1 to %d bytes without control characters", TEXT_USER_MAX);
}
