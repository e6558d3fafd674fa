/*
 * gateway/edge/settings.h - the settings that connections look at all the time, as plain numbers of each
 * thread.
 *
 * Owns nothing. Thread: the edge thread that has them; refreshed once a second and at a reload, so that a
 * request costs no atomic operation for its configuration.
 */
#ifndef RECALLD_EDGE_SETTINGS_H
#define RECALLD_EDGE_SETTINGS_H

#include "base/config.h"

#include <stdint.h>

struct settings {
    int64_t ping_interval_ms, ping_timeout_ms, body_timeout_ms;
    uint64_t max_body;
    uint32_t frame_max;
    uint32_t output_buffer; /* bytes of replies that may wait for one connection */
};

/* Reads the current ones. */
void settings_read(struct settings *s, struct config_holder *holder);

#endif
