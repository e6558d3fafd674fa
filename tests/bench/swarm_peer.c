#include "swarm_device.h"

#include <stdio.h>
#include <string.h>

int swarm_peer_request(const struct swarm *s, uint32_t i, char *text, size_t size)
{
    const enum kind kind = s->target->kind;
    char name[80];

    swarm_room_name(s, s->devices[i].room, name);
    return snprintf(text, size,
                    "GET /%s%s HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n",
                    kind == KIND_NCHAN ? "sub/" : "", kind == KIND_NATS ? "" : name,
                    kind == KIND_MOSQUITTO ? "Sec-WebSocket-Protocol: mqtt\r\n" : "");
}

/* CONNECT of MQTT 3.1.1: a clean session, no keep-alive. */
static void mqtt_connect(struct swarm *s, struct swarm_device *d)
{
    unsigned char packet[64] = {0x10, 0, 0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0, 0, 0};
    const int id = snprintf((char *)packet + 14, sizeof(packet) - 14, "d%d-%u", d->fd, s->opened);

    packet[1] = (unsigned char)(12 + id);
    packet[13] = (unsigned char)id;
    swarm_send(s, d, 2, packet, (size_t)(14 + id));
}

static void mqtt_subscribe(struct swarm *s, struct swarm_device *d)
{
    unsigned char packet[128] = {0x82, 0, 0, 1, 0, 0};
    char name[80];
    size_t n;

    swarm_room_name(s, d->room, name);
    n = strlen(name);
    packet[1] = (unsigned char)(5 + n);
    packet[5] = (unsigned char)n;
    memcpy(packet + 6, name, n + 1); /* the zero behind it is the quality of service asked for */
    swarm_send(s, d, 2, packet, 7 + n);
}

static void mqtt_packet(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n,
                        size_t frame)
{
    switch (p[0] >> 4) {
    case 2: /* CONNACK */
        if (n < 4 || p[3] != 0)
            swarm_fail(s, "mosquitto refused a device: %u", n < 4 ? 0U : (unsigned)p[3]);
        d->state = STATE_SUBSCRIBING;
        mqtt_subscribe(s, d);
        break;
    case 9: /* SUBACK */
        if (n < 5 || p[4] > 2)
            swarm_fail(s, "mosquitto refused a subscription");
        swarm_live(s, d, s->rooms[d->room].head);
        break;
    case 3: /* PUBLISH */
        swarm_event(s, d, swarm_seq(p, n), frame);
        break;
    default:
        swarm_fail(s, "a device got an MQTT packet of type %u", (unsigned)p[0] >> 4);
    }
}

/* The MQTT packets of a frame; mosquitto puts whole ones into each. */
static void mqtt_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const size_t frame = n + (n <= 125 ? 2 : 4);
    size_t at = 0;

    while (at < n && !s->broken) {
        size_t len = 0, head = 1;
        unsigned shift = 0;

        do {
            if (at + head >= n || head > 4) {
                swarm_fail(s, "a device got a part of an MQTT packet");
                return;
            }
            len |= (size_t)(p[at + head] & 0x7f) << shift;
            shift += 7;
        } while (p[at + head++] & 0x80);
        if (len + head > n - at) {
            swarm_fail(s, "a device got a part of an MQTT packet");
            return;
        }
        mqtt_packet(s, d, p + at, head + len, frame);
        at += head + len;
    }
}

static void nats_subscribe(struct swarm *s, struct swarm_device *d)
{
    char text[256], name[80];
    int n;

    swarm_room_name(s, d->room, name);
    n = snprintf(text, sizeof(text),
                 "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\nSUB %s 1\r\nPING\r\n",
                 name);
    d->state = STATE_SUBSCRIBING;
    swarm_send(s, d, 2, text, (size_t)n);
}

/* NATS may put several messages into a frame; all that is looked for is their numbers. */
static void nats_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const unsigned char *at = p, *end = p + n;
    const size_t frame = n + (n <= 125 ? 2 : 4);

    if (d->state == STATE_AUTHENTICATING && swarm_begins(p, n, "INFO ")) {
        nats_subscribe(s, d);
    } else if (d->state == STATE_SUBSCRIBING && memmem(p, n, "PONG\r\n", 6) != NULL) {
        swarm_live(s, d, s->rooms[d->room].head);
    } else if (swarm_begins(p, n, "-ERR")) {
        swarm_fail(s, "a device got: %.*s", (int)(n < 150 ? n : 150), (const char *)p);
    } else {
        if (memmem(p, n, "PING\r\n", 6) != NULL)
            swarm_send(s, d, 2, "PONG\r\n", 6);
        while ((at = memmem(at, (size_t)(end - at), "\"seq\":", 6)) != NULL) {
            swarm_event(s, d, swarm_seq(at, (size_t)(end - at)), frame);
            at += 6;
        }
    }
}

void swarm_peer_opened(struct swarm *s, struct swarm_device *d)
{
    d->state = STATE_AUTHENTICATING;
    if (s->target->kind == KIND_MOSQUITTO)
        mqtt_connect(s, d);
    else if (s->target->kind != KIND_NATS && s->target->backlog == 0)
        swarm_live(s, d, s->rooms[d->room].head);
}

void swarm_peer_frame(struct swarm *s, struct swarm_device *d, const unsigned char *p, size_t n)
{
    const int64_t seq = swarm_seq(p, n);

    switch (s->target->kind) {
    case KIND_MOSQUITTO:
        mqtt_frame(s, d, p, n);
        break;
    case KIND_NATS:
        nats_frame(s, d, p, n);
        break;
    default:
        swarm_event(s, d, seq, n + (n <= 125 ? 2 : 4));
        if (d->state != STATE_LIVE && seq == (int64_t)s->target->backlog)
            swarm_live(s, d, seq);
    }
}
