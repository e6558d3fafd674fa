#include "clients/load/http_reader.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MOST  65536U
#define KEPT_MOST  65536U
#define FIRST_SIZE 2048U

void http_reader_free(struct http_reader *r)
{
    free(r->text);
    *r = (struct http_reader){.text = NULL};
}

void http_reader_next(struct http_reader *r)
{
    if (r->cap > KEPT_MOST) {
        http_reader_free(r);
        return;
    }
    *r = (struct http_reader){.text = r->text, .cap = r->cap};
}

static bool append(struct http_reader *r, const char *p, size_t n)
{
    if (r->len + n + 1 > r->cap) {
        size_t cap = r->cap != 0 ? r->cap : FIRST_SIZE;
        char *more;

        while (cap < r->len + n + 1)
            cap *= 2;
        more = realloc(r->text, cap);
        if (more == NULL)
            return false;
        r->text = more;
        r->cap = cap;
    }
    memcpy(r->text + r->len, p, n);
    r->len += n;
    r->text[r->len] = '\0';
    return true;
}

/* The value of the header line at `line` if it has this name; NULL otherwise. */
static const char *value_of(const char *line, const char *name)
{
    const size_t n = strlen(name);

    if (strncasecmp(line, name, n) != 0 || line[n] != ':')
        return NULL;
    line += n + 1;
    return line + strspn(line, " \t");
}

static bool number(const char *text, int base, size_t *out)
{
    char *end;
    const unsigned long long v = strtoull(text, &end, base);

    if (end == text || *text == '-' || v > HTTP_READER_BODY_MOST)
        return false;
    *out = (size_t)v;
    return true;
}

/* Reads the lines of the head, each of which ends within it; the head is zero-terminated behind them. */
static bool read_head(struct http_reader *r)
{
    const char *line = r->text, *v;

    if (strncmp(line, "HTTP/1.", 7) != 0 || r->head_len < 16 || line[8] != ' ')
        return false;
    r->status = atoi(line + 9);
    r->closes = line[7] == '0';
    r->retry_after_s = -1;
    r->kind = HTTP_READER_TO_END;
    while ((line = strstr(line, "\r\n")) != NULL && line + 4 < r->text + r->head_len) {
        line += 2;
        if ((v = value_of(line, "Content-Length")) != NULL && r->kind != HTTP_READER_CHUNKED) {
            if (!number(v, 10, &r->length))
                return false;
            r->kind = HTTP_READER_LENGTH;
        } else if ((v = value_of(line, "Transfer-Encoding")) != NULL) {
            r->kind = HTTP_READER_CHUNKED;
        } else if ((v = value_of(line, "Connection")) != NULL) {
            r->closes =
                strncasecmp(v, "close", 5) == 0 || (r->closes && strncasecmp(v, "keep-alive", 10) != 0);
        } else if ((v = value_of(line, "Retry-After")) != NULL) {
            r->retry_after_s = atoi(v);
        }
    }
    if (r->status == 204 || r->status == 304 || (r->status >= 100 && r->status < 200)) {
        r->kind = HTTP_READER_LENGTH;
        r->length = 0;
    }
    r->closes = r->closes || r->kind == HTTP_READER_TO_END;
    return r->status >= 100 && r->status < 600;
}

/* Joins the chunks in place, once all are here. */
static enum http_reader_state join_chunks(struct http_reader *r, bool join)
{
    char *at = r->text + r->head_len, *to = at, *end = r->text + r->len;

    for (;;) {
        char *line = memmem(at, (size_t)(end - at), "\r\n", 2);
        size_t n;

        if (line == NULL)
            return HTTP_READER_MORE;
        if (!number(at, 16, &n))
            return HTTP_READER_BROKEN;
        at = line + 2;
        if (n == 0)
            break;
        if ((size_t)(end - at) < n + 2)
            return HTTP_READER_MORE;
        if (join) {
            memmove(to, at, n);
            to += n;
        }
        at += n + 2;
    }
    if ((end - at < 2 || memcmp(at, "\r\n", 2) != 0) && memmem(at, (size_t)(end - at), "\r\n\r\n", 4) == NULL)
        return HTTP_READER_MORE;
    if (!join)
        return join_chunks(r, true);
    r->body = r->text + r->head_len;
    r->body_len = (size_t)(to - r->body);
    *to = '\0';
    return HTTP_READER_DONE;
}

enum http_reader_state http_reader_feed(struct http_reader *r, const char *p, size_t n)
{
    const char *end;

    if (r->len + n > HEAD_MOST + HTTP_READER_BODY_MOST || !append(r, p, n))
        return HTTP_READER_BROKEN;
    if (r->kind == HTTP_READER_HEAD) {
        end = memmem(r->text, r->len, "\r\n\r\n", 4);
        if (end == NULL)
            return r->len > HEAD_MOST ? HTTP_READER_BROKEN : HTTP_READER_MORE;
        r->head_len = (size_t)(end - r->text) + 4;
        if (!read_head(r))
            return HTTP_READER_BROKEN;
    }
    if (r->kind == HTTP_READER_CHUNKED)
        return join_chunks(r, false);
    r->body = r->text + r->head_len;
    if (r->kind == HTTP_READER_TO_END || r->len - r->head_len < r->length)
        return HTTP_READER_MORE;
    r->body_len = r->length;
    r->body[r->length] = '\0';
    return HTTP_READER_DONE;
}

enum http_reader_state http_reader_end(struct http_reader *r)
{
    if (r->kind != HTTP_READER_TO_END || r->head_len == 0)
        return HTTP_READER_BROKEN;
    r->body = r->text + r->head_len;
    r->body_len = r->len - r->head_len;
    return HTTP_READER_DONE;
}
