#include "api/native.h"

#include "api/files.h"
#include "base/clock.h"
#include "core/client.h"

#define BUSY_RETRY_S 1

/* The page runs its own script and style alone, talks to its own server alone, and stands in nobody's frame.
 */
static const char page_headers[] =
    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-cache\r\n";

void native_health(struct api_call *call, struct api_reply *reply)
{
    (void)reply;
    json_out_object(&call->out.result);
    json_out_kcstr(&call->out.result, "status", "alive");
    json_out_kcstr(&call->out.result, "version", RECALLD_VERSION);
    json_out_object_end(&call->out.result);
}

void native_ready(struct api_call *call, struct api_reply *reply)
{
    struct gateway *g = call->thread->gateway;
    const char *why = NULL;

    (void)reply;
    if (atomic_load(&g->draining))
        why = "The server is shutting down";
    else if (!store_healthy(g->store))
        why = "The database does not take writes at the moment";
    if (why != NULL) {
        call->out.retry_after_s = BUSY_RETRY_S;
        (void)call_refuse(call, RESULT_UNAVAILABLE, "%s", why);
        return;
    }
    json_out_object(&call->out.result);
    json_out_kcstr(&call->out.result, "status", "ready");
    json_out_object_end(&call->out.result);
}

void native_metrics(struct api_call *call, struct api_reply *reply)
{
    reply->body = metrics_render(call->thread->gateway->metrics.registry, &reply->len);
    if (reply->body == NULL) {
        (void)call_refuse(call, RESULT_INTERNAL, "The server is out of memory");
        return;
    }
    reply->status = 200;
    reply->content_type = "text/plain; version=0.0.4; charset=utf-8";
}

void native_demo_file(struct api_call *call, struct api_reply *reply)
{
    const struct gateway *g = call->thread->gateway;
    /* The path decides, not the parameter: only with its last slash do the page's relative links lead here.
     */
    const bool folder = call->path.n != 0 && call->path.p[call->path.n - 1] == '/';
    const bool page = call->params[0].p == NULL;
    const struct file *file;

    if (page && !folder) {
        native_demo_redirect(call, reply);
        return;
    }
    file = page || !folder ? files_find(g->demo_files, page ? STR("index.html") : call->params[0]) : NULL;
    if (file == NULL) {
        (void)call_refuse(call, RESULT_NO_CALL,
                          g->demo_files == NULL ? "The demo page is not installed: see demo_files"
                                                : "The demo page has no such file");
        return;
    }
    reply->status = 200;
    reply->content_type = file->type;
    reply->static_body = file->data.p;
    reply->len = file->data.n;
    reply->extra = page_headers;
}

void native_demo_redirect(struct api_call *call, struct api_reply *reply)
{
    (void)call;
    reply->status = 302;
    reply->content_type = "text/plain; charset=utf-8";
    reply->static_body = "The demo page is at /demo/\n";
    reply->len = strlen(reply->static_body);
    reply->extra = "Location: /demo/\r\n";
}

bool native_demo_parse_token(struct api_call *call)
{
    static const struct field table[] = {{"user", FIELD_USER, true, 0, 0, 0}};

    call->app = &call->config->apps[0];
    call->app_id = gateway_app_id(call->thread->gateway, str_c(call->app->name));
    call->command = arena_alloc(&call->arena, sizeof(struct str));
    return call_fields(call, table, 1, call->command);
}

enum result native_demo_token(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct str *user = call->command;
    struct json_out *o = &call->out.result;
    char iso[CLOCK_ISO_SIZE];
    struct client_row client;
    struct str token;
    int64_t expires_ms;
    enum result rc;

    (void)who;
    rc = client_issue_token(tx, *user, &token, &expires_ms, &call->out);
    if (rc != RESULT_OK || !store_client_get(tx->conn, tx->app_id, *user, &client))
        return rc;
    clock_format_iso(expires_ms, iso);
    json_out_object(o);
    json_out_kstr(o, "token", token.p, token.n);
    json_out_kcstr(o, "expirationDate", iso);
    json_out_key(o, "client");
    json_out_object(o);
    json_out_kstr(o, "_id", client.id.p, client.id.n);
    json_out_kstr(o, "nickname", client.nickname.p, client.nickname.n);
    json_out_object_end(o);
    json_out_object_end(o);
    return RESULT_OK;
}
