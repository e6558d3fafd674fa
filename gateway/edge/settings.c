#include "edge/settings.h"

/* Of a number that the configuration's table keeps within bounds already; the clamp makes the narrower type
 * certain. */
static uint32_t clamp32(int64_t v)
{
    if (v < 0)
        return 0;
    return v > INT32_MAX ? (uint32_t)INT32_MAX : (uint32_t)v;
}

void settings_read(struct settings *s, struct config_holder *holder)
{
    const struct config *config = config_holder_get(holder);

    s->ping_interval_ms = config->server.ping_interval * 1000;
    s->ping_timeout_ms = config->server.ping_timeout * 1000;
    s->body_timeout_ms = config->server.body_timeout * 1000;
    s->max_body = config->server.max_body > 0 ? (uint64_t)config->server.max_body : 0;
    s->frame_max = clamp32(config->server.frame_max);
    s->output_buffer = clamp32(config->server.output_buffer);
    config_unref(config);
}
