#include "edge/http_reply.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

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

static void __attribute__((format(printf, 2, 3))) addf(struct text *t, const char *format, ...)
{
    char buf[512];
    va_list ap;
    int n;

    va_start(ap, format);
    n = vsnprintf(buf, sizeof(buf), format, ap);
    va_end(ap);
    if (n < 0 || (size_t)n >= sizeof(buf))
        t->full = true;
    else
        add(t, buf, (size_t)n);
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

    addf(&t, "HTTP/1.1 %d %s\r\nDate: %s\r\n", a->status, reason(a->status), r->date);
    if (a->status != 204 && a->status != 304 && !r->stream)
        addf(&t, "Content-Length: %zu\r\n", r->length);
    if (a->content_type != NULL && (r->length > 0 || r->stream))
        addf(&t, "Content-Type: %s\r\n", a->content_type);
    if (a->extra == NULL || strcasestr(a->extra, "cache-control:") == NULL)
        addf(&t, "Cache-Control: %s\r\n", r->cached ? "no-cache" : "no-store");
    addf(&t, "X-Content-Type-Options: nosniff\r\n");
    if (r->request_id.n > 0) {
        addf(&t, "X-Request-ID: ");
        add(&t, r->request_id.p, r->request_id.n);
        addf(&t, "\r\n");
    }
    if (a->retry_after_s > 0)
        addf(&t, "Retry-After: %lld\r\n", (long long)a->retry_after_s);
    if (r->origin.n > 0) {
        addf(&t, "Access-Control-Allow-Origin: ");
        add(&t, r->origin.p, r->origin.n);
        addf(&t, "\r\nAccess-Control-Expose-Headers: X-Request-ID, Retry-After\r\nVary: Origin\r\n");
    }
    if (r->close)
        addf(&t, "Connection: close\r\n");
    else if (r->keep_alive)
        addf(&t, "Connection: keep-alive\r\n");
    if (a->extra != NULL) {
        size_t n = strlen(a->extra);

        add(&t, a->extra, n);
        if (n > 0 && a->extra[n - 1] != '\n')
            addf(&t, "\r\n");
    }
    addf(&t, "\r\n");
    return t.full ? 0 : t.n;
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

    if (path.n >= 5 && strncasecmp(path.p + path.n - 5, ".json", 5) == 0)
        n = snprintf(out, HTTP_REPLY_ERROR_MAX, "{\"code\":%d,\"errorMessage\":\"%s\"}",
                     status >= 500   ? 1000
                     : status == 411 ? 1003
                     : status == 413 ? 1005
                                     : 1002,
                     sentence);
    else
        n = snprintf(out, HTTP_REPLY_ERROR_MAX,
                     "{\"RC\":%d,\"RM\":\"%s\",\"error\":{\"code\":\"%s\",\"message\":\"%s\"}}", status,
                     sentence, code, sentence);
    return n > 0 && n < HTTP_REPLY_ERROR_MAX ? (size_t)n : 0;
}
