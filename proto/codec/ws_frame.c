#include "proto/codec/ws_frame.h"

#define FINAL_TEXT 0x81
#define LENGTH_16 126
#define LENGTH_64 127

size_t ws_frame_header_size(uint64_t payload)
{
    if (payload < LENGTH_16)
        return 2;
    if (payload <= UINT16_MAX)
        return 4;
    return payload >> 63 ? 0 : 10;
}

size_t ws_frame_header(unsigned char out[WS_FRAME_HEADER_MAX], uint64_t payload)
{
    size_t size = ws_frame_header_size(payload);

    if (size == 0)
        return 0;
    out[0] = FINAL_TEXT;
    if (size == 2) {
        out[1] = (unsigned char)payload;
        return size;
    }
    out[1] = size == 4 ? LENGTH_16 : LENGTH_64;
    for (size_t i = size; i > 2; i--) {
        out[i - 1] = (unsigned char)(payload & 0xff);
        payload >>= 8;
    }
    return size;
}
