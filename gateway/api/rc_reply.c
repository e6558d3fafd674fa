#include "api/rc.h"

#include "api/envelope.h"

#include <stdlib.h>

#define JSON_TYPE "application/json; charset=utf-8"

int rc_reply_code(const struct api_call *call)
{
    if (call->rc_code != 0)
        return call->rc_code;
    switch (call->out.rc) {
    case RESULT_OK:
        return RC_OK;
    case RESULT_NO_CALL:
    case RESULT_BAD_METHOD:
        return RC_NO_CALL;
    case RESULT_TOO_LARGE:
        return RC_TOO_LONG;
    case RESULT_FORBIDDEN:
        return RC_RESTRICTED;
    case RESULT_RATE_LIMITED:
        return RC_RATE_LIMITED;
    case RESULT_INTERNAL:
    case RESULT_UNAVAILABLE:
        return RC_INTERNAL;
    default: /* what is missing, malformed, unknown or in the wrong state was named by a parameter */
        return RC_PARAMETER;
    }
}

static int status_of(const struct api_call *call, int code)
{
    switch (code) {
    case RC_OK:
        return 200;
    case RC_NO_CALL:
        return 404;
    case RC_INTERNAL:
        return call->out.rc == RESULT_UNAVAILABLE ? 503 : 500;
    case RC_WRONG_SECRET:
    case RC_BAD_SIGNATURE:
    case RC_LOCKED:
    case RC_RESTRICTED:
        return 401;
    case RC_RATE_LIMITED:
        return 429;
    default:
        return 400;
    }
}

/* The path without the slashes that stand twice. */
static void write_url(struct json_out *o, const struct api_call *call)
{
    char *path = malloc(call->path.n + 1);
    size_t n = 0;

    if (path == NULL) {
        o->failed = true;
        return;
    }
    for (size_t i = 0; i < call->path.n; i++)
        if (call->path.p[i] != '/' || n == 0 || path[n - 1] != '/')
            path[n++] = call->path.p[i];
    json_out_kstr(o, "url", path, n);
    free(path);
}

static void write_answer(struct json_out *o, const struct api_call *call, int code)
{
    json_out_object(o);
    json_out_kint(o, "code", code);
    if (code != RC_OK) {
        json_out_kcstr(o, "errorMessage", envelope_text(&call->out));
        write_url(o, call);
    } else if (call->out.result.len > 0 && call->out.result.p[0] == '[') { /* a query's list */
        json_out_kraw(o, "data", call->out.result.p, call->out.result.len);
    } else if (call->out.result.len > 2) { /* more than {} */
        json_out_members(o, call->out.result.p, call->out.result.len);
    }
    json_out_object_end(o);
}

void rc_reply(const struct api_call *call, struct api_reply *reply)
{
    static const char no_memory[] = "{\"code\":1000,\"errorMessage\":\"The server is out of memory\",\"url\":\"\"}";
    const int code = rc_reply_code(call);
    struct json_out o;

    memset(reply, 0, sizeof(*reply));
    reply->status = status_of(call, code);
    reply->content_type = JSON_TYPE;
    reply->retry_after_s = code == RC_OK ? 0 : call->out.retry_after_s;
    json_out_init(&o);
    write_answer(&o, call, code);
    reply->body = json_out_take(&o, &reply->len);
    if (reply->body == NULL) {
        json_out_free(&o);
        reply->status = 500;
        reply->static_body = no_memory;
        reply->len = sizeof(no_memory) - 1;
    }
}
