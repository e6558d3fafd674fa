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
