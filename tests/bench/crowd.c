#include "crowd.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct order {
    enum { ORDER_GROW, ORDER_SHRINK, ORDER_SLICE, ORDER_END } what;
    uint32_t count;
    struct slice_order slice;
};

struct answer {
    bool ok;
    char error[200];
    struct slice_figures figures;
    struct crowd_growth growth;
};

/* --- in the process --- */

struct member {
    struct swarm swarm;
    struct slice slice;
    int fd;
    bool ended;
};

static bool grow(struct member *m, uint32_t count, struct crowd_growth *g)
{
    const struct server *server = m->slice.server;
    struct timespec own, own_after;
    bool ok;

    server_rest();
    g->count = count - m->swarm.live;
    g->wall_ns = server_now_ns();
    g->cpu_ns = server_cpu_ns(server);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own);
    ok = swarm_grow(&m->swarm, count);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &own_after);
    g->wall_ns = server_now_ns() - g->wall_ns;
    server_rest();
    g->cpu_ns = server_cpu_ns(server) - g->cpu_ns;
    g->own_ns = (own_after.tv_sec - own.tv_sec) * 1000000000 + own_after.tv_nsec - own.tv_nsec;
    return ok;
}

static void obey(struct member *m)
{
    struct order order;
    struct answer answer = {.ok = false};
    const ssize_t n = recv(m->fd, &order, sizeof(order), 0);

    if (n != sizeof(order) || order.what == ORDER_END) {
        m->ended = true;
        return;
    }
    if (order.what == ORDER_GROW)
        answer.ok = grow(m, order.count, &answer.growth);
    else if (order.what == ORDER_SLICE)
        answer.ok = slice_run(&m->slice, &order.slice, &answer.figures);
    if (order.what == ORDER_SHRINK) {
        swarm_shrink(&m->swarm, order.count);
        answer.ok = true;
    }
    snprintf(answer.error, sizeof(answer.error), "%s", m->swarm.error);
    if (send(m->fd, &answer, sizeof(answer), MSG_NOSIGNAL) != sizeof(answer))
        m->ended = true;
}

static void on_other(void *arg, uint64_t tag)
{
    struct member *m = arg;

    askers_readable(&m->slice.askers, tag);
}

/* Orders are looked for between turns, never within one: a slice makes turns of its own. */
static void live(const struct crowd_target *t, int fd)
{
    static struct member m;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    server_pin(t->own_core);
    m.fd = fd;
    if (!swarm_init(&m.swarm, &t->swarm, t->most))
        return;
    m.swarm.other = on_other;
    m.swarm.arg = &m;
    slice_init(&m.slice, &m.swarm, t->server, t->server_core, &t->asks);
    m.slice.quiet = t->quiet;
    m.slice.quiet_rooms = t->quiet_rooms > 1 ? t->quiet_rooms : 1;
    while (!m.ended) {
        struct order peeked;

        if (recv(fd, &peeked, sizeof(peeked), MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN)
            obey(&m);
        else if (m.swarm.broken)
            usleep(20000); /* the next order gets the error */
        else
            swarm_turn(&m.swarm, 20);
    }
}

/* --- outside --- */

bool crowd_start(struct crowd *c, const struct crowd_target *target)
{
    int pair[2];

    *c = (struct crowd){.pid = -1, .fd = -1, .name = target->name};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
        fprintf(stderr, "bench: socketpair: %s\n", strerror(errno));
        return false;
    }
    fflush(NULL);
    c->pid = fork();
    if (c->pid == 0) {
        close(pair[0]);
        live(target, pair[1]);
        _exit(0);
    }
    close(pair[1]);
    c->fd = pair[0];
    return c->pid > 0;
}

static bool give(struct crowd *c, const struct order *order, struct answer *answer)
{
    *answer = (struct answer){.ok = false};
    if (send(c->fd, order, sizeof(*order), MSG_NOSIGNAL) != sizeof(*order) ||
        recv(c->fd, answer, sizeof(*answer), 0) != sizeof(*answer)) {
        fprintf(stderr, "bench: %s: the process with the connections is gone\n", c->name);
        return false;
    }
    if (!answer->ok)
        fprintf(stderr, "bench: %s: %s\n", c->name, answer->error);
    return answer->ok;
}

bool crowd_grow(struct crowd *c, uint32_t count, struct crowd_growth *growth)
{
    const struct order order = {.what = ORDER_GROW, .count = count};
    struct answer answer;
    const bool ok = give(c, &order, &answer);

    if (growth != NULL)
        *growth = answer.growth;
    return ok;
}

bool crowd_shrink(struct crowd *c, uint32_t count)
{
    const struct order order = {.what = ORDER_SHRINK, .count = count};
    struct answer answer;

    return give(c, &order, &answer);
}

bool crowd_slice(struct crowd *c, const struct slice_order *slice, struct slice_figures *figures)
{
    const struct order order = {.what = ORDER_SLICE, .slice = *slice};
    struct answer answer;
    const bool ok = give(c, &order, &answer);

    *figures = answer.figures;
    return ok;
}

void crowd_stop(struct crowd *c)
{
    const struct order order = {.what = ORDER_END};

    if (c == NULL || c->pid <= 0)
        return;
    /* Closing would not tell it: crowds that were started later have inherited this end of the socket. */
    if (send(c->fd, &order, sizeof(order), MSG_NOSIGNAL) != sizeof(order))
        kill(c->pid, SIGKILL);
    close(c->fd);
    waitpid(c->pid, NULL, 0);
    *c = (struct crowd){.pid = -1, .fd = -1};
}
