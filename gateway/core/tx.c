#include "core/tx.h"

#include <stdio.h>

void tx_outcome_init(struct outcome *out)
{
    memset(out, 0, sizeof(*out));
    json_out_init(&out->result);
}

void tx_outcome_reset(struct outcome *out)
{
    struct json_out kept = out->result;

    json_out_reset(&kept);
    memset(out, 0, sizeof(*out));
    out->result = kept;
}

void tx_outcome_free(struct outcome *out)
{
    if (out == NULL)
        return;
    json_out_free(&out->result);
}

/* As much of the text as fits, zero-terminated. */
static void note(char *to, size_t size, struct str s)
{
    const size_t n = s.n < size ? s.n : size - 1;

    if (n != 0)
        memcpy(to, s.p, n);
    to[n] = '\0';
}

void tx_about(struct outcome *out, struct str message, struct str room)
{
    note(out->message_id, sizeof(out->message_id), message);
    note(out->room_id, sizeof(out->room_id), room);
}

enum result tx_fail(struct outcome *out, enum result rc, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(out->text, sizeof(out->text), format, args);
    va_end(args);
    json_out_reset(&out->result);
    out->rc = rc;
    return rc;
}
