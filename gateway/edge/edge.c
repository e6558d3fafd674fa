#include "edge/edge.h"

#include "base/log.h"
#include "edge/accept.h"
#include "edge/thread.h"
#include "edge/tls.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

struct edge {
    struct thread_shared shared;
    struct edge_thread *threads;
    struct mailbox **mailboxes;
    size_t thread_count;
    struct accept_address address;
    int64_t drain_ms;
};

/* How many file descriptors the process may have when nothing says otherwise. */
#define EDGE_FDS 65536

/* Sets the soft limit of file descriptors, within the hard one, to what the connections need. Not to more:
 * Debian's libwebsockets has its self-checks on and walks a table of that size each time a connection closes.
 * Called before its contexts are made. */
static void set_fd_limit(const struct config *config)
{
    struct rlimit rl = {0};
    rlim_t want = EDGE_FDS;

    if (config->server.max_connections > 0)
        want = (rlim_t)(config->server.max_connections + config->server.reserve_fds + 1024);
    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return;
    if (rl.rlim_max != RLIM_INFINITY && want > rl.rlim_max)
        want = rl.rlim_max;
    if (rl.rlim_cur == want)
        return;
    rl.rlim_cur = want;
    if (setrlimit(RLIMIT_NOFILE, &rl) != 0)
        log_warn("edge.fds", LOG_TEXT("error", "the limit of file descriptors cannot be set"), LOG_END);
}

/* File descriptors for connections: the limit without the reserve and without what is open already (database,
 * logs) or will be (each thread's ring). */
static long socket_limit(const struct config *config, size_t threads)
{
    struct rlimit rl = {0};
    long limit, used = 0;
    DIR *dir;

    if (getrlimit(RLIMIT_NOFILE, &rl) != 0)
        return 256;
    limit = (long)rl.rlim_cur - (long)config->server.reserve_fds;
    dir = opendir("/proc/self/fd");
    if (dir != NULL) {
        while (readdir(dir) != NULL)
            used++;
        closedir(dir);
    }
    limit -= used + (config->server.io_uring ? (long)threads : 0);
    if (config->server.max_connections > 0 && config->server.max_connections < limit)
        limit = (long)config->server.max_connections;
    return limit < 1 ? 1 : limit;
}

static size_t thread_number(const struct config *config)
{
    long n = (long)config->server.threads;

    if (n <= 0)
        n = sysconf(_SC_NPROCESSORS_ONLN);
    if (n < 1)
        n = 1;
    return n > GATEWAY_THREADS_MAX ? GATEWAY_THREADS_MAX : (size_t)n;
}

static bool init_threads(struct edge *e, const struct config *config, char *error, size_t n)
{
    int *fds = calloc(e->thread_count * ACCEPT_ADDRESSES_MAX, sizeof(*fds));
    size_t addresses, i = 0;
    bool ok = false;

    if (fds == NULL) {
        snprintf(error, n, "out of memory");
        return false;
    }
    if (!accept_bind(config->server.listen_host, config->server.listen_port, e->thread_count, fds, &addresses,
                     &e->address, error, n))
        goto out;
    for (i = 0; i < e->thread_count; i++) {
        if (!thread_init(&e->threads[i], &e->shared, (int)i, &fds[i * ACCEPT_ADDRESSES_MAX], addresses,
                         (size_t)config->server.edge_queue, error, n)) {
            for (i++; i < e->thread_count; i++)
                for (size_t a = 0; a < addresses; a++)
                    close(fds[i * ACCEPT_ADDRESSES_MAX + a]);
            goto out;
        }
        e->mailboxes[i] = e->threads[i].mailbox;
    }
    ok = true;

out:
    free(fds);
    return ok;
}

struct edge *edge_create(struct gateway *g, char *error, size_t n)
{
    const struct config *config = config_holder_get(g->config);
    struct edge *e = calloc(1, sizeof(*e));
    pthread_condattr_t attr;

    signal(SIGPIPE, SIG_IGN);   /* a peer that left is an error of its write, not of the process */
    lws_set_log_level(0, NULL); /* what matters is told by our own lines; its lines show header contents */
    if (e == NULL) {
        snprintf(error, n, "out of memory");
        goto err0;
    }
    e->shared.gateway = g;
    pthread_mutex_init(&e->shared.lock, NULL);
    pthread_mutex_init(&e->shared.lws_lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&e->shared.changed, &attr);
    pthread_condattr_destroy(&attr);
    e->drain_ms = config->server.drain_timeout * 1000;
    e->thread_count = thread_number(config);
    e->threads = calloc(e->thread_count, sizeof(*e->threads));
    e->mailboxes = calloc(e->thread_count, sizeof(struct mailbox *));
    if (e->threads == NULL || e->mailboxes == NULL) {
        snprintf(error, n, "out of memory");
        goto err1;
    }
    if (config->server.tls_certificate != NULL) {
        e->shared.tls = tls_context_create(config->server.tls_certificate, config->server.tls_key, error, n);
        if (e->shared.tls == NULL)
            goto err1;
    }
    set_fd_limit(config);
    if (!init_threads(e, config, error, n))
        goto err1;
    e->shared.socket_limit = socket_limit(config, e->thread_count);
    config_unref(config);
    return e;

err1:
    edge_free(e);
err0:
    config_unref(config);
    return NULL;
}

bool edge_start(struct edge *e, char *error, size_t n)
{
    for (size_t i = 0; i < e->thread_count; i++)
        if (!thread_start(&e->threads[i], error, n))
            return false;
    return true;
}

void edge_address(const struct edge *e, char *buf, size_t n)
{
    snprintf(buf, n, "%s", e->address.text);
}

size_t edge_threads(const struct edge *e)
{
    return e->thread_count;
}

struct mailbox *edge_mailbox(const struct edge *e, size_t index)
{
    return e->mailboxes[index];
}

struct mailbox *const *edge_mailboxes(const struct edge *e)
{
    return e->mailboxes;
}

bool edge_reload(struct edge *e, char *error, size_t n)
{
    const struct config *config = config_holder_get(e->shared.gateway->config);
    bool ok = true;

    if (e->shared.tls != NULL && config->server.tls_certificate != NULL)
        ok = tls_context_reload(e->shared.tls, config->server.tls_certificate, config->server.tls_key, error,
                                n);
    config_unref(config);
    for (size_t i = 0; i < e->thread_count; i++)
        thread_reload(&e->threads[i]);
    return ok;
}

void edge_drain(struct edge *e)
{
    struct timespec until;
    unsigned running = 0;

    for (size_t i = 0; i < e->thread_count; i++) {
        if (e->threads[i].running)
            running++;
        thread_drain(&e->threads[i]);
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (time_t)(e->drain_ms / 1000);
    pthread_mutex_lock(&e->shared.lock);
    while (e->shared.drained < running)
        if (pthread_cond_timedwait(&e->shared.changed, &e->shared.lock, &until) != 0)
            break;
    if (e->shared.drained < running)
        log_warn("edge.drain", LOG_TEXT("error", "connections were left after drain_timeout"), LOG_END);
    pthread_mutex_unlock(&e->shared.lock);
}

void edge_free(struct edge *e)
{
    if (e == NULL)
        return;
    for (size_t i = 0; e->threads != NULL && i < e->thread_count; i++)
        thread_stop(&e->threads[i]);
    for (size_t i = 0; e->threads != NULL && i < e->thread_count; i++)
        thread_free(&e->threads[i]);
    tls_context_free(e->shared.tls);
    free(e->threads);
    free(e->mailboxes);
    pthread_cond_destroy(&e->shared.changed);
    pthread_mutex_destroy(&e->shared.lws_lock);
    pthread_mutex_destroy(&e->shared.lock);
    free(e);
}
