#include "asker.h"
#include "server.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PAYLOAD_FIRST 300U /* of a peer's event, until the length of its frame was seen */
#define PAYLOAD_MOST  60000U
#define KEPT_NS       INT64_C(3000000000) /* every server keeps an idle connection for longer */

void askers_init(struct askers *a, struct swarm *swarm, const struct sockaddr_in *at)
{
    *a = (struct askers){.swarm = swarm, .kind = swarm->target->kind, .at = *at, .payload = PAYLOAD_FIRST};
    for (unsigned i = 0; i < ASKERS; i++)
        a->list[i].fd = -1;
}

static void say(struct askers *a, const struct asker *k, const void *text, size_t n)
{
    if (k->fd < 0 || send(k->fd, text, n, MSG_NOSIGNAL) != (ssize_t)n)
        swarm_fail(a->swarm, "cannot ask for an event: %s", strerror(errno));
}

/* --- opening --- */

/* What a publisher says first. NATS speaks first itself: see greeted. */
static void greet(struct askers *a, struct asker *k)
{
    static const unsigned char mqtt[] = {0x10, 17, 0, 4, 'M', 'Q', 'T', 'T', 4,  2,
                                         0,    0,  0, 5, 'a', 's', 'k', 'e', 'r'};

    k->ready = a->kind != KIND_MOSQUITTO && a->kind != KIND_NATS;
    if (a->kind == KIND_MOSQUITTO)
        say(a, k, mqtt, sizeof(mqtt));
}

static bool open_one(struct askers *a, unsigned i)
{
    struct asker *k = &a->list[i];
    const int one = 1;

    k->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    k->busy = false;
    k->len = 0;
    if (k->fd < 0 || connect(k->fd, (const struct sockaddr *)&a->at, sizeof(a->at)) != 0 ||
        setsockopt(k->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) != 0 ||
        !swarm_watch(a->swarm, k->fd, SWARM_OTHER | i)) {
        swarm_fail(a->swarm, "cannot reach the server: %s", strerror(errno));
        return false;
    }
    greet(a, k);
    return true;
}

bool askers_open(struct askers *a, unsigned count)
{
    const bool fresh = server_now_ns() - a->used_ns < KEPT_NS;

    a->count = kind_answers(a->kind) ? count : 1;
    a->next = 0;
    for (unsigned i = 0; i < ASKERS; i++) {
        struct asker *k = &a->list[i];

        if (i < a->count && k->fd >= 0 && !k->busy && fresh)
            continue;
        if (k->fd >= 0)
            close(k->fd);
        *k = (struct asker){.fd = -1};
        if (i < a->count && !open_one(a, i))
            return false;
    }
    for (int i = 0; i < 50 && !a->list[0].ready && !a->swarm->broken; i++)
        swarm_turn(a->swarm, 100);
    if (!a->list[0].ready)
        swarm_fail(a->swarm, "the server does not greet a publisher");
    return !a->swarm->broken;
}

/* --- asking --- */

bool askers_free(struct askers *a)
{
    for (unsigned i = 0; i < a->count; i++) {
        const unsigned at = (a->next + i) % a->count;

        if (!a->list[at].busy) {
            a->next = at;
            return a->list[at].fd >= 0 || open_one(a, at);
        }
    }
    return false;
}

void askers_tell(struct askers *a, const char *what, uint32_t value)
{
    char line[160];

    say(a, &a->list[0], line, (size_t)snprintf(line, sizeof(line), "%s %u\n", what, value));
}

void askers_tell_epoch(struct askers *a, const char *epoch)
{
    char line[160];

    say(a, &a->list[0], line, (size_t)snprintf(line, sizeof(line), "epoch %s\n", epoch));
}

/* A peer's event: a number, and as many bytes as make the frames equal. */
static size_t peer_event(const struct askers *a, int64_t seq, char text[static PAYLOAD_MOST])
{
    const size_t n = a->payload;
    const int head =
        snprintf(text, PAYLOAD_MOST, "{\"op\":\"event\",\"seq\":%-12lld,\"pad\":\"", (long long)seq);

    memset(text + head, 'x', n - (size_t)head);
    memcpy(text + n - 2, "\"}", 2);
    return n;
}

static void ask_peer(struct askers *a, struct asker *k, const struct ask *ask)
{
    static char text[PAYLOAD_MOST + 512];
    static char event[PAYLOAD_MOST];
    const size_t n = peer_event(a, ask->seq, event), name = strlen(ask->room);
    size_t head = 0;

    if (a->kind == KIND_MOSQUITTO) { /* PUBLISH, quality of service 0 */
        size_t left = 2 + name + n;

        text[head++] = 0x30;
        for (; left > 127; left >>= 7)
            text[head++] = (char)(0x80 | (left & 0x7f));
        text[head++] = (char)left;
        text[head++] = 0;
        text[head++] = (char)name;
        memcpy(text + head, ask->room, name);
        head += name;
    } else if (a->kind == KIND_NATS) {
        head = (size_t)snprintf(text, 512, "PUB %s %zu\r\n", ask->room, n);
    } else {
        head = (size_t)snprintf(text, 512,
                                "POST /pub/%s HTTP/1.1\r\nHost: bench\r\nContent-Type: text/plain\r\n"
                                "Content-Length: %zu\r\n\r\n",
                                ask->room, n);
        k->busy = true;
    }
    memcpy(text + head, event, n);
    memcpy(text + head + n, "\r\n", 2); /* NATS only */
    say(a, k, text, head + n + (a->kind == KIND_NATS ? 2 : 0));
}

static void ask_recalld(struct askers *a, struct asker *k, const struct ask *ask)
{
    static const char words[] =
        "\"message\":\"The quick brown fox jumps over the lazy dog\",\"messageType\":\"text\"";
    char body[256], text[640];
    int n;

    if (ask->what == ASKER_RECALL)
        n = snprintf(body, sizeof(body), "{\"_id\":\"%024llx\",\"messageType\":\"recall\"}",
                     (unsigned long long)ask->id);
    else if (ask->what == ASKER_NAMED)
        n = snprintf(body, sizeof(body), "{\"_id\":\"%024llx\",%s}", (unsigned long long)ask->id, words);
    else
        n = snprintf(body, sizeof(body), "{%s}", words);
    n = snprintf(text, sizeof(text),
                 "POST /rooms/%s/message HTTP/1.1\r\nHost: bench\r\nIM-API-KEY: " SETUP_API_KEY
                 "\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s",
                 ask->room, n, body);
    k->busy = true;
    say(a, k, text, (size_t)n);
}

void askers_ask(struct askers *a, const struct ask *ask)
{
    struct asker *k = &a->list[a->next];
    char line[160];

    a->used_ns = server_now_ns();
    if (kind_takes_lines(a->kind))
        say(a, k, line,
            (size_t)snprintf(line, sizeof(line), "send %s %lld\n", ask->room, (long long)ask->seq));
    else if (a->kind == KIND_RECALLD)
        ask_recalld(a, k, ask);
    else
        ask_peer(a, k, ask);
    a->next = (a->next + 1) % a->count;
}

/* --- answers --- */

static void greeted(struct askers *a, struct asker *k)
{
    static const char connect_line[] = "CONNECT {\"verbose\":false,\"pedantic\":false,\"headers\":false}\r\n";

    if (a->kind == KIND_NATS && strstr(k->answer, "INFO ") != NULL) {
        say(a, k, connect_line, sizeof(connect_line) - 1);
        k->ready = true;
    } else if (a->kind == KIND_MOSQUITTO && k->len >= 4 && k->answer[0] == 0x20) {
        if (k->answer[3] != 0)
            swarm_fail(a->swarm, "mosquitto refused the publisher");
        k->ready = true;
    }
    if (a->kind == KIND_NATS && strstr(k->answer, "PING\r\n") != NULL)
        say(a, k, "PONG\r\n", 6);
    if (a->kind == KIND_NATS && strstr(k->answer, "-ERR") != NULL)
        swarm_fail(a->swarm, "NATS answered: %.100s", k->answer);
    k->len = 0;
}

/* An HTTP answer, once it is whole. */
static void answered(struct askers *a, struct asker *k)
{
    const char *end = strstr(k->answer, "\r\n\r\n");
    const char *length = strcasestr(k->answer, "\r\nContent-Length:");

    if (end == NULL || length == NULL ||
        k->len < (size_t)(end + 4 - k->answer) + strtoul(length + 17, NULL, 10))
        return;
    if (strncmp(k->answer, "HTTP/1.1 2", 10) != 0 ||
        (a->kind == KIND_RECALLD && strstr(end, "\"RC\":0") == NULL))
        swarm_fail(a->swarm, "an event was answered: %.20s %.120s", k->answer, end + 4);
    k->len = 0;
    k->busy = false;
    a->answers++;
}

void askers_readable(struct askers *a, uint64_t i)
{
    struct asker *k = &a->list[i];
    const ssize_t got = recv(k->fd, k->answer + k->len, sizeof(k->answer) - 1 - k->len, MSG_DONTWAIT);

    if (got < 0 && errno == EAGAIN)
        return;
    if (got <= 0) {
        if (k->busy || !kind_answers(a->kind))
            swarm_fail(a->swarm, "the server ended the connection that asks for events");
        close(k->fd);
        k->fd = -1;
        return;
    }
    k->len += (size_t)got;
    k->answer[k->len] = '\0';
    if (kind_answers(a->kind))
        answered(a, k);
    else
        greeted(a, k);
}
