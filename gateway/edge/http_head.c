#include "edge/http_head.h"

#include "base/text.h"

#include <string.h>

static enum http_head_result bad(struct http_head *h, int status, const char *error)
{
    h->status = status;
    h->error = error;
    return HTTP_HEAD_BAD;
}

/* The characters of a method or header name (RFC 9110, token): letters, digits and !#$%&'*+-.^_`|~, a bit for each. */
static bool is_token(unsigned char c)
{
    static const uint64_t set[2] = {UINT64_C(0x03ff6cfa00000000), UINT64_C(0x57ffffffc7fffffe)};

    return c < 128 && (set[c / 64] >> (c % 64) & 1) != 0;
}

static struct str trim(struct str s)
{
    while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) {
        s.p++;
        s.n--;
    }
    while (s.n > 0 && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

bool http_head_list_has(struct str list, const char *token)
{
    while (list.n > 0) {
        const char *comma = memchr(list.p, ',', list.n);
        size_t n = comma != NULL ? (size_t)(comma - list.p) : list.n;
        struct str item = trim(str_n(list.p, n));

        if (text_is_nocase(item.p, item.n, token))
            return true;
        if (comma == NULL)
            return false;
        list.p += n + 1;
        list.n -= n + 1;
    }
    return false;
}

/* --- the request line --- */

static enum http_head_result parse_target(struct http_head *h, struct str target)
{
    const char *question;

    for (size_t i = 0; i < target.n; i++)
        if ((unsigned char)target.p[i] <= ' ' || target.p[i] == 0x7f)
            return bad(h, 400, "The request's path holds a character that must be percent-encoded.");
    /* The absolute form, as proxies send it: the authority is in Host as well. */
    if (target.n > 7 && (text_is_nocase(target.p, 7, "http://") ||
                         (target.n > 8 && text_is_nocase(target.p, 8, "https://")))) {
        size_t skip = target.p[4] == ':' ? 7 : 8;
        const char *slash = memchr(target.p + skip, '/', target.n - skip);

        if (slash == NULL)
            return bad(h, 400, "The request's target has no path.");
        target.n -= (size_t)(slash - target.p);
        target.p = slash;
    }
    if (target.n == 0 || (target.p[0] != '/' && !(target.n == 1 && target.p[0] == '*')))
        return bad(h, 400, "The request's target must be a path.");
    question = memchr(target.p, '?', target.n);
    if (question == NULL) {
        h->api.path = target;
        return HTTP_HEAD_OK;
    }
    h->api.path = str_n(target.p, (size_t)(question - target.p));
    h->api.query = str_n(question + 1, target.n - h->api.path.n - 1);
    return HTTP_HEAD_OK;
}

static enum http_head_result parse_request_line(struct http_head *h, struct str line)
{
    const char *space = memchr(line.p, ' ', line.n), *last;
    struct str version;

    if (space == NULL || space == line.p)
        return bad(h, 400, "The request line is malformed.");
    h->api.method = str_n(line.p, (size_t)(space - line.p));
    for (size_t i = 0; i < h->api.method.n; i++)
        if (!is_token((unsigned char)h->api.method.p[i]))
            return bad(h, 400, "The request line is malformed.");
    last = memrchr(line.p, ' ', line.n);
    if (last == space)
        return bad(h, 400, "The request line is malformed.");
    version = str_n(last + 1, line.n - (size_t)(last + 1 - line.p));
    if (text_is(version.p, version.n, "HTTP/1.0"))
        h->http10 = true;
    else if (!text_is(version.p, version.n, "HTTP/1.1"))
        return version.n > 5 && memcmp(version.p, "HTTP/", 5) == 0
                   ? bad(h, 505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.")
                   : bad(h, 400, "The request line is malformed.");
    return parse_target(h, str_n(space + 1, (size_t)(last - space - 1)));
}

/* --- header lines --- */

/* Where a header's value goes. */
struct known {
    const char *name;
    size_t len;
    size_t offset;
    bool once; /* a second one is refused: which of them counts would be anybody's guess */
};

#define API(name_, field_, once_)                                                                            \
    {                                                                                                        \
        name_, sizeof(name_) - 1, offsetof(struct http_head, api.field_), once_                              \
    }
#define OWN(name_, field_, once_)                                                                            \
    {                                                                                                        \
        name_, sizeof(name_) - 1, offsetof(struct http_head, field_), once_                                  \
    }
static const struct known headers[] = {
    API("host", host, true),
    API("content-type", content_type, true),
    API("accept", accept, false),
    API("origin", origin, true),
    API("last-event-id", last_event_id, true),
    API("x-request-id", request_id, false),
    API("im-api-key", im_api_key, true),
    API("im-client-key", im_client_key, true),
    API("im-authorization", im_authorization, true),
    API("authorization", authorization, true),
    API("app-key", rc_app_key, true),
    API("nonce", rc_nonce, true),
    API("timestamp", rc_timestamp, true),
    API("signature", rc_signature, true),
    OWN("upgrade", upgrade, true),
    OWN("expect", expect, true),
    OWN("sec-websocket-key", ws_key, true),
    OWN("sec-websocket-version", ws_version, true),
    OWN("im-device-id", device, true),
    OWN("im-caps", caps, true),
    OWN("im-app-package", package, true),
    OWN("access-control-request-method", cors_method, true),
};
/* The same under the names that one SDK sends; they fill what is still absent after the last line. */
static const struct known rc_headers[] = {
    API("rc-app-key", rc_app_key, false),
    API("rc-nonce", rc_nonce, false),
    API("rc-timestamp", rc_timestamp, false),
    API("rc-signature", rc_signature, false),
};

/* Most of the table has another length: few names are compared. */
static bool names(const struct known *k, struct str name)
{
    return name.n == k->len && text_is_nocase(name.p, name.n, k->name);
}

static struct str *field(struct http_head *h, const struct known *k)
{
    return (struct str *)(void *)((char *)h + k->offset);
}

static enum http_head_result content_length(struct http_head *h, struct str value)
{
    int64_t v;

    if (h->has_length)
        return bad(h, 400, "Content-Length was sent twice.");
    h->has_length = true;
    /* Digits alone: text_parse_int refuses "+3", "0x3" and blanks, and a minus sign is below 0. */
    if (value.n > 18) {
        for (size_t i = 0; i < value.n; i++)
            if (value.p[i] < '0' || value.p[i] > '9')
                return bad(h, 400, "Content-Length must be a number.");
        h->content_length = UINT64_MAX;
        return HTTP_HEAD_OK;
    }
    if (value.n == 0 || value.p[0] == '-' || !text_parse_int(value.p, value.n, 0, INT64_MAX, &v))
        return bad(h, 400, "Content-Length must be a number.");
    h->content_length = (uint64_t)v;
    return HTTP_HEAD_OK;
}

static enum http_head_result store(struct http_head *h, struct str name, struct str value, struct str rc[])
{
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        struct str *to;

        if (!names(&headers[i], name))
            continue;
        to = field(h, &headers[i]);
        if (to->p == NULL)
            *to = value;
        else if (headers[i].once)
            return bad(h, 400, "A header that may be sent once was sent twice.");
        return HTTP_HEAD_OK;
    }
    for (size_t i = 0; i < sizeof(rc_headers) / sizeof(rc_headers[0]); i++)
        if (names(&rc_headers[i], name)) {
            rc[i] = value;
            return HTTP_HEAD_OK;
        }
    if (text_is_nocase(name.p, name.n, "content-length"))
        return content_length(h, value);
    if (text_is_nocase(name.p, name.n, "transfer-encoding"))
        h->has_encoding = true;
    else if (text_is_nocase(name.p, name.n, "connection")) {
        h->close = h->close || http_head_list_has(value, "close");
        h->keep_alive = h->keep_alive || http_head_list_has(value, "keep-alive");
        h->wants_upgrade = h->wants_upgrade || http_head_list_has(value, "upgrade");
    } else if (text_is_nocase(name.p, name.n, "sec-websocket-protocol"))
        h->ws_protocol = h->ws_protocol || http_head_list_has(value, "recall.v1");
    return HTTP_HEAD_OK;
}

static enum http_head_result parse_header_line(struct http_head *h, struct str line, struct str rc[])
{
    const char *colon = memchr(line.p, ':', line.n);
    struct str value;

    if (line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t'))
        return bad(h, 400, "Folded header lines are not taken.");
    if (colon == NULL || colon == line.p)
        return bad(h, 400, "A header line is malformed.");
    for (const char *c = line.p; c < colon; c++)
        if (!is_token((unsigned char)*c))
            return bad(h, 400, "A header's name is malformed.");
    value = trim(str_n(colon + 1, line.n - (size_t)(colon + 1 - line.p)));
    for (size_t i = 0; i < value.n; i++)
        if (((unsigned char)value.p[i] < ' ' && value.p[i] != '\t') || value.p[i] == 0x7f)
            return bad(h, 400, "A header's value holds a control character.");
    return store(h, str_n(line.p, (size_t)(colon - line.p)), value, rc);
}

/* What the head as a whole must satisfy. */
static enum http_head_result check(struct http_head *h)
{
    if (!h->http10 && h->api.host.p == NULL)
        return bad(h, 400, "The Host header is missing.");
    for (size_t i = 0; i < h->api.host.n; i++)
        if (strchr(" \t,/\\@?#", h->api.host.p[i]) != NULL)
            return bad(h, 400, "The Host header is malformed.");
    if (h->has_encoding && h->has_length)
        return bad(h, 400, "Content-Length and Transfer-Encoding exclude each other.");
    return HTTP_HEAD_OK;
}

static enum http_head_result too_large(struct http_head *h, const char *p, size_t n)
{
    return memchr(p, '\n', n) == NULL ? bad(h, 414, "The request line is longer than 8 KiB.")
                                      : bad(h, 431, "Request line and headers are longer than 8 KiB.");
}

enum http_head_result http_head_parse(const char *p, size_t n, struct http_head *h)
{
    size_t skip = 0, limit, lines = 0;
    struct str rc[sizeof(rc_headers) / sizeof(rc_headers[0])] = {{NULL, 0}};
    const char *at, *end;

    memset(h, 0, sizeof(*h));
    /* Empty lines before a request, which old clients send after a body, are passed over. */
    while (skip + 1 < n && skip < 8 && p[skip] == '\r' && p[skip + 1] == '\n')
        skip += 2;
    limit = n - skip < HTTP_HEAD_MAX ? n - skip : HTTP_HEAD_MAX;
    at = p + skip;
    end = memmem(at, limit, "\r\n\r\n", 4);
    if (end == NULL) {
        const char *eol = memchr(at, '\n', limit);

        if (eol != NULL && (eol == at || eol[-1] != '\r'))
            return bad(h, 400, "Lines must end with carriage return and line feed.");
        return n - skip >= HTTP_HEAD_MAX ? too_large(h, at, limit) : HTTP_HEAD_MORE;
    }
    h->size = (size_t)(end + 4 - p);
    while (at < end + 2) {
        const char *eol = memchr(at, '\r', (size_t)(end + 2 - at));
        struct str line;
        enum http_head_result r;

        if (eol == NULL || eol[1] != '\n' || memchr(at, '\n', (size_t)(eol - at)) != NULL)
            return bad(h, 400, "Lines must end with carriage return and line feed.");
        line = str_n(at, (size_t)(eol - at));
        at = eol + 2;
        if (lines++ > HTTP_HEAD_LINES)
            return bad(h, 431, "There are more than 100 header lines.");
        r = lines == 1 ? parse_request_line(h, line) : parse_header_line(h, line, rc);
        if (r != HTTP_HEAD_OK)
            return r;
    }
    for (size_t i = 0; i < sizeof(rc) / sizeof(rc[0]); i++)
        if (field(h, &rc_headers[i])->p == NULL)
            *field(h, &rc_headers[i]) = rc[i];
    return check(h);
}
