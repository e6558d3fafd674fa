#include "swarm_device.h"

#include <stdio.h>
#include <string.h>

int swarm_recalld_request(const struct swarm *s, uint32_t i, char *text, size_t size)
{
    const struct swarm_target *t = s->target;
    static const char common[] =
        "GET /ws HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Protocol: recall.v1\r\n";

    if (t->follow == SWARM_FOLLOW_NOTHING)
        return snprintf(text, size, "%s\r\n", common);
    return snprintf(text, size,
                    "%sIM-CLIENT-KEY: " SETUP_CLIENT_KEY "\r\nIM-Authorization: %s\r\n"
                    "IM-Device-ID: device-%u\r\nIM-Caps: recall,quote,ack\r\n\r\n",
                    common, t->users->tokens[i % t->users->count], i);
}

static void subscribe(struct swarm *s, struct swarm_device *d)
{
    char text[256], name[80];
    int n;

    swarm_room_name(s, d->room, name);
    if (s->target->follow == SWARM_FOLLOW_ALL)
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":2,\"all\":true}");
    else if (s->target->epoch != NULL)
        n = snprintf(
            text, sizeof(text),
            "{\"op\":\"subscribe\",\"id\":2,\"rooms\":[{\"room\":\"%s\",\"epoch\":\"%s\",\"since\":%lld}]}",
            name, s->target->epoch, (long long)(d->seq = s->target->since));
    else
        n = snprintf(text, sizeof(text), "{\"op\":\"subscribe\",\"id\":2,\"rooms\":[{\"room\":\"%s\"}]}",
                     name);
    swarm_send(s, d, 1, text, (size_t)n);
}

/* The answer to a subscribe. A device that goes on from an event has everything up to the answer by then. */
static void on_followed(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const int64_t seq = swarm_seq(p, n);
    const unsigned char *epoch = memmem(p, n, "\"epoch\":\"", 9);
    size_t len = 0;

    if (epoch != NULL) {
        for (epoch += 9; epoch + len < p + n && epoch[len] != '"' && len < sizeof(s->epoch) - 1; len++)
            s->epoch[len] = (char)epoch[len];
        s->epoch[len] = '\0';
    }
    if (s->target->epoch != NULL) {
        if (memmem(p, n, "\"recovered\":true", 16) == NULL)
            swarm_fail(s, "a device that went on from event %lld was not taken up there: %.*s",
                       (long long)s->target->since, (int)(n < 150 ? n : 150), (const char *)p);
        s->missed += seq > d->seq ? (uint64_t)(seq - d->seq) : 0;
        s->repeated += seq < d->seq ? (uint64_t)(d->seq - seq) : 0;
    }
    swarm_live(s, d, seq);
}

void swarm_recalld_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    if (swarm_begins(p, n, "{\"op\":\"event\"")) {
        if (s->target->follow == SWARM_FOLLOW_ALL)
            return;
        swarm_event(s, d, swarm_seq(p, n), n + (n <= 125 ? 2 : 4));
        if (s->event != NULL)
            s->event(s->arg, p, n);
    } else if (d->state == STATE_AUTHENTICATING && swarm_begins(p, n, "{\"op\":\"ready\"")) {
        d->state = STATE_SUBSCRIBING;
        subscribe(s, d);
    } else if (d->state == STATE_SUBSCRIBING && swarm_begins(p, n, "{\"op\":\"reply\"") &&
               memmem(p, n, "\"RC\":0", 6) != NULL && memmem(p, n, "\"error\"", 7) == NULL) {
        on_followed(s, d, p, n);
    } else if (!swarm_begins(p, n, "{\"op\":\"signal\"")) {
        swarm_fail(s, "a device got: %.*s", (int)(n < 150 ? n : 150), (const char *)p);
    }
}
