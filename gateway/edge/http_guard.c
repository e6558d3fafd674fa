#include "edge/http_guard.h"

#include "api/session.h"
#include "base/text.h"
#include "edge/ws.h"

#define METHODS "GET, HEAD, POST, PUT, DELETE, OPTIONS"

static struct http_guard refuse(int status, const char *sentence, const char *extra)
{
    return (struct http_guard){
        .verdict = HTTP_GUARD_REFUSE, .status = status, .sentence = sentence, .extra = extra};
}

static bool is(struct str s, const char *z)
{
    return text_is(s.p, s.n, z);
}

bool http_guard_origin(struct edge_thread *t, const struct http_head *h)
{
    return h->api.origin.p != NULL && session_origin_allowed(t->gateway, h->api.origin, h->api.host);
}

bool http_guard_id_usable(struct str id)
{
    if (id.n == 0 || id.n > 36)
        return false;
    for (size_t i = 0; i < id.n; i++) {
        char c = id.p[i];

        if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '<' || c == '>')
            return false;
    }
    return true;
}

/* Base64 of 16 bytes, as the protocol has it. */
static bool key_valid(struct str key)
{
    if (key.n != WS_KEY_SIZE || key.p[22] != '=' || key.p[23] != '=')
        return false;
    for (size_t i = 0; i < 22; i++) {
        char c = key.p[i];

        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
              c == '/'))
            return false;
    }
    return true;
}

/* GET /ws. */
static struct http_guard check_upgrade(struct edge_thread *t, const struct http_head *h)
{
    if (!is(h->api.method, "GET"))
        return refuse(405, "A WebSocket is opened with GET.", "Allow: GET\r\n");
    if (!text_is_nocase(h->upgrade.p, h->upgrade.n, "websocket") || !h->wants_upgrade || h->http10)
        return refuse(426, "This path speaks WebSocket: send Upgrade: websocket and Connection: Upgrade.",
                      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (!is(h->ws_version, "13"))
        return refuse(426, "Only WebSocket version 13 is spoken here.",
                      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n");
    if (!key_valid(h->ws_key))
        return refuse(400, "Sec-WebSocket-Key must be the base64 of 16 bytes.", NULL);
    if (!h->ws_protocol)
        return refuse(400, "Sec-WebSocket-Protocol must name recall.v1.", NULL);
    if (h->content_length > 0 || h->has_encoding)
        return refuse(400, "An upgrade request has no body.", NULL);
    if (h->api.origin.p != NULL && !session_origin_allowed(t->gateway, h->api.origin, h->api.host))
        return refuse(403, "Pages of this Origin may not connect: add it to the app's origins.", NULL);
    if (t->draining || atomic_load(&t->gateway->draining))
        return refuse(503, "The server is leaving; connect again.", "Retry-After: 1\r\n");
    return (struct http_guard){.verdict = HTTP_GUARD_UPGRADE};
}

static struct http_guard check_options(struct edge_thread *t, const struct http_head *h)
{
    if (h->api.origin.p == NULL || h->cors_method.p == NULL)
        return (struct http_guard){
            .verdict = HTTP_GUARD_OPTIONS, .status = 204, .extra = "Allow: " METHODS "\r\n"};
    if (!http_guard_origin(t, h))
        return refuse(403, "Pages of this Origin may not call: add it to the app's origins.", NULL);
    return (struct http_guard){
        .verdict = HTTP_GUARD_OPTIONS,
        .status = 204,
        .extra = "Access-Control-Allow-Methods: GET, POST, PUT, DELETE\r\n"
                 "Access-Control-Allow-Headers: IM-CLIENT-KEY, IM-Authorization, Authorization, "
                 "Content-Type, IM-Device-ID, "
                 "X-Request-ID, Last-Event-ID\r\n"
                 "Access-Control-Max-Age: 600\r\n",
    };
}

struct http_guard http_guard_check(struct edge_thread *t, const struct http_head *h)
{
    bool sends = is(h->api.method, "POST") || is(h->api.method, "PUT");

    if (!sends && !is(h->api.method, "GET") && !is(h->api.method, "HEAD") && !is(h->api.method, "DELETE") &&
        !is(h->api.method, "OPTIONS"))
        return api_is_rongcloud(h->api.path)
                   ? refuse(404, "There is no such call: check path and method.", NULL)
                   : refuse(405, "This method is not known here.", "Allow: " METHODS "\r\n");
    if (h->expect.p != NULL && !text_is_nocase(h->expect.p, h->expect.n, "100-continue"))
        return refuse(417, "Only Expect: 100-continue is understood.", NULL);
    /* RongCloud's dialect has an answer of its own to a request without data. */
    if (h->has_encoding || (sends && !h->has_length && !api_is_rongcloud(h->api.path)))
        return refuse(411, "Content-Length is required; chunked bodies are not taken.", NULL);
    if (h->content_length != 0 && h->content_length > api_body_max(&h->api, t->settings.max_body))
        return refuse(413, "The body is larger than the server takes (max_body).", NULL);
    if (is(h->api.path, "/ws"))
        return check_upgrade(t, h);
    if (is(h->api.method, "OPTIONS"))
        return check_options(t, h);
    /* Any other Upgrade, h2c above all, is ignored as HTTP allows: the answer is HTTP/1.1. */
    return (struct http_guard){.verdict = HTTP_GUARD_CALL};
}
