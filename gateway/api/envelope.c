#include "api/envelope.h"

#include "proto/codec/json_out.h"

#define JSON_TYPE "application/json; charset=utf-8"

const char *envelope_text(const struct outcome *out)
{
    return out->text[0] != '\0' ? out->text : result_text(out->rc);
}

static void write_ok(struct json_out *o, const struct outcome *out)
{
    json_out_object(o);
    json_out_kint(o, "RC", 0);
    json_out_kcstr(o, "RM", "OK");
    if (out->result.len != 0)
        json_out_kraw(o, "result", out->result.p, out->result.len);
    else
        json_out_kraw(o, "result", "{}", 2);
    json_out_object_end(o);
}

static void write_error(struct json_out *o, const struct outcome *out)
{
    const char *text = envelope_text(out);

    json_out_object(o);
    json_out_kint(o, "RC", result_status(out->rc));
    json_out_kcstr(o, "RM", text);
    json_out_key(o, "error");
    json_out_object(o);
    json_out_kcstr(o, "code", result_imkit_code(out->rc));
    json_out_kcstr(o, "message", text);
    json_out_object_end(o);
    if (out->retry_after_s > 0)
        json_out_kint(o, "retryAfter", out->retry_after_s);
    json_out_object_end(o);
}

void envelope_reply(const struct outcome *out, struct api_reply *reply)
{
    static const char no_memory[] =
        "{\"RC\":500,\"RM\":\"The server is out of memory\","
        "\"error\":{\"code\":\"INTERNAL_ERROR\",\"message\":\"The server is out of memory\"}}";
    struct json_out o;

    json_out_init(&o);
    if (out->rc == RESULT_OK)
        write_ok(&o, out);
    else
        write_error(&o, out);
    memset(reply, 0, sizeof(*reply));
    reply->status = result_status(out->rc);
    reply->content_type = JSON_TYPE;
    reply->retry_after_s = out->rc == RESULT_OK ? 0 : out->retry_after_s;
    reply->body = json_out_take(&o, &reply->len);
    if (reply->body == NULL) {
        json_out_free(&o);
        reply->status = 500;
        reply->static_body = no_memory;
        reply->len = sizeof(no_memory) - 1;
    }
}
