/* The head of an HTTP request: whatever the bytes, every text of the result lies in them, and what is not complete yet stays so. */
#include "edge/http_head.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(const char *p, size_t n, struct str s)
{
    if (s.p != NULL && s.n != 0 && (s.p < p || s.p + s.n > p + n))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *p = malloc(size + 1); /* of the exact size, so that a byte too many is seen */
    struct http_head head;
    enum http_head_result r;

    if (p == NULL)
        return 0;
    memcpy(p, data, size);
    r = http_head_parse(p, size, &head);
    if (r == HTTP_HEAD_OK) {
        if (head.size > size || head.size > HTTP_HEAD_MAX)
            abort();
        inside(p, size, head.api.method);
        inside(p, size, head.api.path);
        inside(p, size, head.api.query);
        inside(p, size, head.api.im_authorization);
        inside(p, size, head.ws_key);
        /* The same bytes with more behind them are the same head. */
        if (http_head_parse(p, head.size, &head) != HTTP_HEAD_OK)
            abort();
    } else if (r == HTTP_HEAD_BAD && (head.status < 400 || head.status > 599 || head.error == NULL)) {
        abort();
    }
    free(p);
    return 0;
}
