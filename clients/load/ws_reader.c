#include "clients/load/ws_reader.h"

#include "proto/codec/ws_frame.h"

#include <stdlib.h>
#include <string.h>

#define HEADER_MOST  10 /* a server's frames are not masked */
#define CONTROL_MOST 125

struct header {
    uint8_t opcode;
    bool final;
    size_t size;
    uint64_t payload;
};

void ws_reader_init(struct ws_reader *r)
{
    *r = (struct ws_reader){.part = NULL};
}

void ws_reader_free(struct ws_reader *r)
{
    free(r->part);
    free(r->message);
    *r = (struct ws_reader){.part = NULL};
}

/* The header at p: 1 read, 0 more bytes are needed, -1 no server sends this. */
static int read_header(const unsigned char *p, size_t n, size_t most, struct header *h, const char **error)
{
    if (n < 2)
        return 0;
    *h = (struct header){.opcode = p[0] & 0x0f, .final = (p[0] & 0x80) != 0, .payload = p[1] & 0x7f};
    h->size = h->payload == 126 ? 4 : h->payload == 127 ? 10 : 2;
    if (p[0] & 0x70)
        *error = "a frame with reserved bits set";
    else if (p[1] & 0x80)
        *error = "a masked frame from a server";
    else if (h->opcode > WS_READER_PONG || (h->opcode > WS_READER_BINARY && h->opcode < WS_READER_CLOSE))
        *error = "a frame with an unknown opcode";
    else if (h->opcode >= WS_READER_CLOSE && (!h->final || h->payload > CONTROL_MOST))
        *error = "a control frame that is too long or in fragments";
    if (*error != NULL)
        return -1;
    if (n < h->size)
        return 0;
    if (h->size > 2) {
        h->payload = 0;
        for (size_t i = 2; i < h->size; i++)
            h->payload = h->payload << 8 | p[i];
    }
    if (h->payload > most) {
        *error = "a frame larger than any that was to be expected";
        return -1;
    }
    return 1;
}

/* A data frame that is not a whole message by itself. */
static bool on_fragment(struct ws_reader *r, const struct header *h, const unsigned char *p, size_t most,
                        ws_reader_fn *fn, void *arg, const char **error)
{
    const size_t n = (size_t)h->payload;
    unsigned char *more, *message;
    bool on;

    if ((h->opcode == 0) != (r->opcode != 0))
        *error =
            h->opcode == 0 ? "a continuation of no message" : "a message within the fragments of another";
    else if (r->message_len + n > most)
        *error = "a message larger than any that was to be expected";
    if (*error != NULL)
        return false;
    more = realloc(r->message, r->message_len + n + 1);
    if (more == NULL) {
        *error = "out of memory";
        return false;
    }
    r->message = more;
    if (n > 0)
        memcpy(more + r->message_len, p, n);
    r->message_len += (uint32_t)n;
    if (h->opcode != 0)
        r->opcode = h->opcode;
    if (!h->final)
        return true;
    message = r->message;
    r->message = NULL;
    on = fn(arg, (enum ws_reader_opcode)r->opcode, message, r->message_len);
    free(message);
    if (on) {
        r->message_len = 0;
        r->opcode = 0;
    }
    return on;
}

static bool on_frame(struct ws_reader *r, const struct header *h, const unsigned char *p, size_t most,
                     ws_reader_fn *fn, void *arg, const char **error)
{
    if (h->opcode >= WS_READER_CLOSE || (h->final && h->opcode != 0 && r->opcode == 0))
        return fn(arg, (enum ws_reader_opcode)h->opcode, p, (size_t)h->payload);
    return on_fragment(r, h, p, most, fn, arg, error);
}

/* Adds to the kept part; exact sizes, for a connection keeps one for as long as a frame takes to come. */
static bool keep(struct ws_reader *r, const unsigned char *p, size_t n, size_t cap, const char **error)
{
    if (r->part_len + n > r->part_cap) {
        unsigned char *more = realloc(r->part, cap);

        if (more == NULL) {
            *error = "out of memory";
            return false;
        }
        r->part = more;
        r->part_cap = (uint32_t)cap;
    }
    memcpy(r->part + r->part_len, p, n);
    r->part_len += (uint32_t)n;
    return true;
}

/* Brings the kept part on with what came; `*used` is how much of that it took. */
static bool complete(struct ws_reader *r, const unsigned char *p, size_t n, size_t *used, size_t most,
                     ws_reader_fn *fn, void *arg, const char **error)
{
    struct header h = {.size = 0};
    unsigned char *part;
    int got;
    bool on;

    *used = 0;
    while ((got = read_header(r->part, r->part_len, most, &h, error)) == 0 && *used < n) {
        if (!keep(r, p + *used, 1, HEADER_MOST, error))
            return false;
        ++*used;
    }
    if (got <= 0)
        return got == 0;
    if (r->part_len < h.size + h.payload) {
        const size_t wanted = h.size + (size_t)h.payload - r->part_len, here = n - *used;
        const size_t taken = here < wanted ? here : wanted;

        if (!keep(r, p + *used, taken, h.size + (size_t)h.payload, error))
            return false;
        *used += taken;
        if (taken < wanted)
            return true;
    }
    part = r->part;
    r->part = NULL;
    r->part_len = r->part_cap = 0;
    on = on_frame(r, &h, part + h.size, most, fn, arg, error);
    free(part);
    return on;
}

bool ws_reader_feed(struct ws_reader *r, const unsigned char *p, size_t n, size_t most, ws_reader_fn *fn,
                    void *arg, const char **error)
{
    size_t at = 0;

    *error = NULL;
    if (r->part_len > 0 && !complete(r, p, n, &at, most, fn, arg, error))
        return false;
    while (at < n) {
        struct header h;
        const int got = read_header(p + at, n - at, most, &h, error);

        if (got < 0)
            return false;
        if (got == 0 || n - at < h.size + h.payload)
            return keep(r, p + at, n - at, got == 0 ? HEADER_MOST : h.size + (size_t)h.payload, error);
        if (!on_frame(r, &h, p + at + h.size, most, fn, arg, error))
            return false;
        at += h.size + (size_t)h.payload;
    }
    return true;
}

size_t ws_reader_frame(unsigned char *out, enum ws_reader_opcode opcode, const void *payload, size_t n,
                       uint32_t mask)
{
    const unsigned char *from = payload, key[4] = {(unsigned char)(mask >> 24), (unsigned char)(mask >> 16),
                                                   (unsigned char)(mask >> 8), (unsigned char)mask};
    const size_t head = ws_frame_header(out, n);

    if (head == 0)
        return 0;
    out[0] = (unsigned char)(0x80 | opcode);
    out[1] |= 0x80;
    memcpy(out + head, key, sizeof(key));
    for (size_t i = 0; i < n; i++)
        out[head + 4 + i] = from[i] ^ key[i % 4];
    return head + 4 + n;
}
