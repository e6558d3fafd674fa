/*
 * inside: linked into recalld's own main.c, whose bus_create it stands in front of. A thread of its own takes
 * lines on a control port, as FLOOR does, and publishes events on the bus as the writer thread does after a
 * commit: recalld with taking in (HTTP, rules, commit) set aside. Everything behind the bus is recalld's own.
 *
 *   epoch E         the log's, for the events
 *   frame BYTES     an event's frame has that many bytes, header included
 *   send ROOM SEQ   one event
 *
 * BENCH_INSIDE names a file: the port is written to it. The store knows nothing of these events, so nobody may
 * fall back on the log here: all read what they get.
 */
#include "bus/bus.h"
#include "core/event.h"
#include "core/frame.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define APP       1 /* the first app of a new database */
#define FRAME_MAX 4096
#define LINES     (1 << 16)

/* As main.c calls it: it is compiled with -Dbus_create=inside_bus_create. */
struct bus *inside_bus_create(bus_handler *handler, unsigned pending);

struct inside {
    struct bus *bus;
    int listener;
    size_t frame;
    char epoch[64];
};

static void release(struct bus_notice *bus_notice)
{
    struct notice *n = (struct notice *)bus_notice;

    frame_unref(n->frame);
    free(n);
}

static void publish(const struct inside *in, const char *room, long long seq, bool more)
{
    static char payload[FRAME_MAX];
    struct frame_parts parts = {.type = EVENT_MESSAGE,
                                .app = APP,
                                .seq = seq,
                                .room = str_n(room, strlen(room)),
                                .message = STR("5ce3d80bd594874e495895a4"),
                                .payload = {payload, in->frame - 4}};
    struct notice *n = calloc(1, sizeof(*n));
    const int head = snprintf(
        payload, sizeof(payload),
        "{\"op\":\"event\",\"room\":\"%s\",\"epoch\":\"%s\",\"seq\":%lld,\"type\":\"message\",\"message\":\"",
        room, in->epoch, seq);

    memset(payload + head, 'x', in->frame - 4 - (size_t)head);
    memcpy(payload + in->frame - 6, "\"}", 2);
    if (n == NULL || (n->frame = frame_make(&parts)) == NULL)
        abort();
    atomic_init(&n->bus.refs, 1);
    n->bus.release = release;
    n->kind = NOTICE_EVENT;
    n->app = APP;
    bus_publish(in->bus, &n->bus, more);
}

static void command(struct inside *in, const char *line, bool more)
{
    char name[64];
    long long seq;
    unsigned n;

    if (sscanf(line, "send %63s %lld", name, &seq) == 2)
        publish(in, name, seq, more);
    else if (sscanf(line, "frame %u", &n) == 1 && n >= 300 && n <= FRAME_MAX)
        in->frame = n;
    else if (sscanf(line, "epoch %63s", name) == 1)
        memcpy(in->epoch, name, sizeof(in->epoch));
    else
        fprintf(stderr, "inside: not a command: %s\n", line);
}

/* One connection after the other. */
static void *serve(void *arg)
{
    static char text[LINES];
    const struct sched_param none = {0};
    struct inside *in = arg;
    int fd;

    /* The writer is woken at the end of an edge thread's turn; this thread's wakes come from the network, at any time, and must not cut
     * turns short on a core that both share. */
    (void)sched_setscheduler(0, SCHED_BATCH, &none);
    while ((fd = accept(in->listener, NULL, NULL)) >= 0) {
        size_t len = 0;
        ssize_t n;

        while ((n = recv(fd, text + len, sizeof(text) - 1 - len, 0)) > 0) {
            char *at = text, *end;

            len += (size_t)n;
            text[len] = '\0';
            for (; (end = strchr(at, '\n')) != NULL; at = end + 1) {
                *end = '\0';
                command(in, at, strchr(end + 1, '\n') != NULL);
            }
            len = strlen(at);
            memmove(text, at, len + 1);
        }
        close(fd);
    }
    return NULL;
}

struct bus *inside_bus_create(bus_handler *handler, unsigned pending)
{
    static struct inside in = {.frame = 368, .epoch = "none"};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    const char *path = getenv("BENCH_INSIDE");
    FILE *f = path != NULL ? fopen(path, "we") : NULL;
    socklen_t n = sizeof(a);
    pthread_t thread;

    in.bus = bus_create(handler, pending);
    in.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (f == NULL || in.bus == NULL || in.listener < 0 || bind(in.listener, (struct sockaddr *)&a, n) != 0 ||
        listen(in.listener, 16) != 0 || getsockname(in.listener, (struct sockaddr *)&a, &n) != 0 ||
        fprintf(f, "%u\n", ntohs(a.sin_port)) < 0 || fclose(f) != 0 ||
        pthread_create(&thread, NULL, serve, &in) != 0)
        abort();
    pthread_detach(thread);
    return in.bus;
}
