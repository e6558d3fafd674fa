#include "edge/http_reply.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define URL_SHOWN 256U /* bytes of a path in an error */

struct text {
    char *p;
    size_t n, cap;
    bool full;
};

static void add(struct text *t, const char *p, size_t n)
{
    if (n > t->cap - t->n) {
        t->full = true;
        return;
    }
    memcpy(t->p + t->n, p, n);
    t->n += n;
}

/* Not printf: this is done for every answer. */
static void add_text(struct text *t, const char *p)
{
    add(t, p, strlen(p));
}

static void add_number(struct text *t, uint64_t value)
{
    char digits[20];
    size_t at = sizeof(digits);

    do
        digits[--at] = (char)('0' + value % 10);
    while ((value /= 10) != 0);
    add(t, digits + at, sizeof(digits) - at);
}

/* "Name: value" and the line's end. */
static void add_line(struct text *t, const char *name, struct str value)
{
    add_text(t, name);
    add(t, value.p, value.n);
    add(t, "\r\n", 2);
}

static const char *reason(int status)
{
    static const struct {
        int status;
        const char *text;
    } table[] = {
        {200, "OK"},
        {201, "Created"},
        {202, "Accepted"},
        {204, "No Content"},
        {301, "Moved Permanently"},
        {302, "Found"},
        {303, "See Other"},
        {304, "Not Modified"},
        {307, "Temporary Redirect"},
        {308, "Permanent Redirect"},
        {400, "Bad Request"},
        {401, "Unauthorized"},
        {403, "Forbidden"},
        {404, "Not Found"},
        {405, "Method Not Allowed"},
        {408, "Request Timeout"},
        {409, "Conflict"},
        {410, "Gone"},
        {411, "Length Required"},
        {413, "Content Too Large"},
        {414, "URI Too Long"},
        {415, "Unsupported Media Type"},
        {417, "Expectation Failed"},
        {422, "Unprocessable Content"},
        {426, "Upgrade Required"},
        {429, "Too Many Requests"},
        {430, "Not Enabled"},
        {431, "Request Header Fields Too Large"},
        {500, "Internal Server Error"},
        {501, "Not Implemented"},
        {503, "Service Unavailable"},
        {504, "Gateway Timeout"},
        {505, "HTTP Version Not Supported"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        if (table[i].status == status)
            return table[i].text;
    return "Status";
}

size_t http_reply_head(char out[static HTTP_REPLY_HEAD_MAX], const struct http_reply *r)
{
    const struct api_reply *a = r->reply;
    struct text t = {.p = out, .cap = HTTP_REPLY_HEAD_MAX};

    add_text(&t, "HTTP/1.1 ");
    add_number(&t, (uint64_t)a->status);
    add_text(&t, " ");
    add_text(&t, reason(a->status));
    add_line(&t, "\r\nDate: ", str_c(r->date));
    if (a->status != 204 && a->status != 304 && !r->stream) {
        add_text(&t, "Content-Length: ");
        add_number(&t, r->length);
        add_text(&t, "\r\n");
    }
    if (a->content_type != NULL && (r->length > 0 || r->stream))
        add_line(&t, "Content-Type: ", str_c(a->content_type));
    if (a->extra == NULL || strcasestr(a->extra, "cache-control:") == NULL)
        add_line(&t, "Cache-Control: ", r->cached ? STR("no-cache") : STR("no-store"));
    add_text(&t, "X-Content-Type-Options: nosniff\r\n");
    if (r->request_id.n > 0)
        add_line(&t, "X-Request-ID: ", r->request_id);
    if (a->retry_after_s > 0) {
        add_text(&t, "Retry-After: ");
        add_number(&t, (uint64_t)a->retry_after_s);
        add_text(&t, "\r\n");
    }
    if (r->origin.n > 0) {
        add_line(&t, "Access-Control-Allow-Origin: ", r->origin);
        add_text(&t, "Access-Control-Expose-Headers: X-Request-ID, Retry-After\r\nVary: Origin\r\n");
    }
    if (r->close)
        add_text(&t, "Connection: close\r\n");
    else if (r->keep_alive)
        add_text(&t, "Connection: keep-alive\r\n");
    if (a->extra != NULL) {
        size_t n = strlen(a->extra);

        add(&t, a->extra, n);
        if (n > 0 && a->extra[n - 1] != '\n')
            add_text(&t, "\r\n");
    }
    add_text(&t, "\r\n");
    return t.full ? 0 : t.n;
}

/* RongCloud's envelope: the number that fits the status, the sentence and the path. */
static int rongcloud_error(char out[static HTTP_REPLY_ERROR_MAX], int status, const char *sentence, struct str path)
{
    const int code = status >= 500                                        ? 1000
                     : status == 404                                      ? 404
                     : status == 403                                      ? 1007
                     : status == 411                                      ? 1003
                     : status == 413 || status == 414 || status == 431 ? 1005
                                                                          : 1002;
    char url[URL_SHOWN];
    size_t n = 0;

    for (size_t i = 0; i < path.n && n + 1 < sizeof(url); i++) {
        if (path.p[i] == '"' || path.p[i] == '\\' || (unsigned char)path.p[i] >= 0x7f || (path.p[i] == '/' && n > 0 && url[n - 1] == '/'))
            continue; /* what would need escaping is no part of a path of this dialect */
        url[n++] = path.p[i];
    }
    url[n] = '\0';
    return snprintf(out, HTTP_REPLY_ERROR_MAX, "{\"code\":%d,\"errorMessage\":\"%s\",\"url\":\"%s\"}", code, sentence, url);
}

size_t http_reply_error(char out[static HTTP_REPLY_ERROR_MAX], int status, const char *sentence,
                        struct str path)
{
    const char *code = status == 413                    ? "RESULT_TOO_LARGE"
                       : status == 403                  ? "INSUFFICIENT_PERMISSION"
                       : status == 503                  ? "SERVICE_UNAVAILABLE"
                       : status >= 500 && status != 505 ? "INTERNAL_ERROR"
                                                        : "INVALID_BODY";
    int n;

    if (api_is_rongcloud(path))
        n = rongcloud_error(out, status, sentence, path);
    else
        n = snprintf(out, HTTP_REPLY_ERROR_MAX,
                     "{\"RC\":%d,\"RM\":\"%s\",\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", status,
                     sentence, code, sentence);
    return n > 0 && n < HTTP_REPLY_ERROR_MAX ? (size_t)n : 0;
}
