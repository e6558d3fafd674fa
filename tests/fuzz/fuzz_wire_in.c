/* A frame of a client: any bytes give a status, and a refusal always has a sentence. */
#include "proto/codec/wire_in.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct wire_in in;
    const enum wire_in_status status = wire_in_decode(&in, (const char *)data, size);

    if ((status == WIRE_IN_BAD_OP || status == WIRE_IN_BAD_FIELD) && in.text[0] == '\0')
        abort();
    if (status == WIRE_IN_OK && in.op == WIRE_IN_NONE)
        abort();
    json_decref(wire_in_take_body(&in));
    wire_in_free(&in);
    return 0;
}
