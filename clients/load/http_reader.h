/*
 * clients/load/http_reader.h - reads an HTTP/1.1 server's answers without any I/O, in pieces of whatever
 * size.
 *
 * Owns:    its buffer, which it keeps from one answer to the next.
 * Borrows: the bytes, during http_reader_feed.
 * Bounds:  64 KiB of headers, HTTP_READER_BODY_MOST bytes of body.
 * Fails:   HTTP_READER_BROKEN for what is no answer, or is larger; or without memory.
 * Thread:  one.
 *
 * Bodies may have a length, come in chunks, or end with the connection.
 */
#ifndef RECALL_LOAD_HTTP_READER_H
#define RECALL_LOAD_HTTP_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HTTP_READER_BODY_MOST ((size_t)64 << 20)

enum http_reader_state { HTTP_READER_MORE, HTTP_READER_DONE, HTTP_READER_BROKEN };

struct http_reader {
    char *text;
    size_t len, cap;
    /* Of the answer, once HTTP_READER_DONE is said: */
    int status;
    bool closes;       /* the connection is not to be used again */
    int retry_after_s; /* -1: not said */
    char *body;        /* within `text`, zero-terminated */
    size_t body_len;
    /* Private: */
    size_t head_len, length;
    enum { HTTP_READER_HEAD, HTTP_READER_LENGTH, HTTP_READER_CHUNKED, HTTP_READER_TO_END } kind;
};

/* Legal on a zeroed reader and twice. */
void http_reader_free(struct http_reader *r);
/* Forgets the last answer and keeps the buffer, unless it is a large one. */
void http_reader_next(struct http_reader *r);
/* Takes p[0..n); after DONE no more may come before http_reader_next, what came behind the answer is lost. */
enum http_reader_state http_reader_feed(struct http_reader *r, const char *p, size_t n);
/* The connection ended: whether that ends the answer well. */
enum http_reader_state http_reader_end(struct http_reader *r);

#endif
