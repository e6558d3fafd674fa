#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_MS 15000

int64_t server_now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool server_pin(int core)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)core, &set);
    return sched_setaffinity(0, sizeof(set), &set) == 0;
}

static bool open_counter(struct server *s, const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    void *page = MAP_FAILED;

    if (fd >= 0 && ftruncate(fd, sizeof(uint64_t)) == 0)
        page = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (fd >= 0)
        close(fd);
    s->fsyncs = page != MAP_FAILED ? page : NULL;
    return s->fsyncs != NULL;
}

/* In the child: never returns. */
static void become(const struct server_start *how, int out)
{
    const int log = open(how->log, O_WRONLY | O_CREAT | O_APPEND, 0600);

    prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive the benchmark */
    if (how->core >= 0)
        server_pin(how->core);
    dup2(how->announces != NULL || log < 0 ? out : log, STDOUT_FILENO);
    if (log >= 0)
        dup2(log, STDERR_FILENO);
    if (how->preload != NULL) {
        setenv("LD_PRELOAD", how->preload, 1);
        setenv("BENCH_FSYNCS", how->counter, 1);
        /* A build with sanitizers wants to be the first library otherwise. */
        setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    }
    execv(how->argv[0], how->argv);
    fprintf(stderr, "%s: %s\n", how->argv[0], strerror(errno));
    _exit(127);
}

static bool await_ready(struct server *s, const char *announces)
{
    const int64_t until = server_now_ns() + (int64_t)PATIENCE_MS * 1000000;
    const size_t prefix = strlen(announces);
    char text[1024];
    size_t len = 0;

    while (len < sizeof(text) - 1) {
        struct pollfd p = {.fd = s->out, .events = POLLIN};
        const int64_t left = (until - server_now_ns()) / 1000000;
        char *line, *end;
        ssize_t n;

        if (left <= 0 || poll(&p, 1, (int)left) <= 0 ||
            (n = read(s->out, text + len, sizeof(text) - 1 - len)) <= 0)
            break;
        len += (size_t)n;
        text[len] = '\0';
        line = strstr(text, announces);
        end = line != NULL ? strchr(line, '\n') : NULL;
        if (end != NULL) {
            *end = '\0';
            snprintf(s->ready, sizeof(s->ready), "%s", line + prefix);
            return true;
        }
    }
    return false;
}

/* For servers that say nothing. */
static bool await_connect(const struct server *s, const struct sockaddr_in *at)
{
    const int64_t until = server_now_ns() + (int64_t)PATIENCE_MS * 1000000;
    bool open = false;

    while (!open && server_now_ns() < until && waitpid(s->pid, NULL, WNOHANG) == 0) {
        const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        open = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;
        if (fd >= 0)
            close(fd);
        if (!open)
            usleep(20000);
    }
    return open;
}

bool server_start(struct server *s, const struct server_start *how)
{
    int out[2];

    *s = (struct server){.pid = -1, .out = -1};
    if ((how->preload != NULL && !open_counter(s, how->counter)) || pipe2(out, O_CLOEXEC) != 0) {
        fprintf(stderr, "bench: cannot prepare to start %s: %s\n", how->argv[0], strerror(errno));
        return false;
    }
    s->pid = fork();
    if (s->pid == 0)
        become(how, out[1]);
    close(out[1]);
    s->out = out[0];
    if (s->pid > 0 &&
        (how->announces != NULL ? await_ready(s, how->announces) : await_connect(s, &how->connects)) &&
        clock_getcpuclockid(s->pid, &s->clock) == 0)
        return true;
    fprintf(stderr, "bench: %s did not start; see %s\n", how->argv[0], how->log);
    server_stop(s, false);
    return false;
}

bool server_stop(struct server *s, bool clean)
{
    const int64_t until = server_now_ns() + (int64_t)PATIENCE_MS * 1000000;
    int status = 0;
    pid_t got = 0;

    if (s->pid > 0) {
        kill(s->pid, SIGTERM);
        while ((got = waitpid(s->pid, &status, WNOHANG)) == 0 && server_now_ns() < until)
            usleep(10000);
        if (got == 0) {
            kill(s->pid, SIGKILL);
            waitpid(s->pid, &status, 0);
            fprintf(stderr, "bench: a server did not end on SIGTERM within %d s\n", PATIENCE_MS / 1000);
        }
    }
    if (s->out >= 0)
        close(s->out);
    if (s->fsyncs != NULL)
        munmap(s->fsyncs, sizeof(uint64_t));
    *s = (struct server){.pid = -1, .out = -1};
    return got > 0 && (!clean || (WIFEXITED(status) && WEXITSTATUS(status) == 0));
}

int64_t server_cpu_ns(const struct server *s)
{
    struct timespec t;

    if (clock_gettime(s->clock, &t) != 0)
        return 0;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int64_t server_memory_kib(const struct server *s, const char *what)
{
    const size_t n = strlen(what);
    char path[64], line[256];
    long long kib = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/status", (int)s->pid);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, what, n) == 0 && sscanf(line + n, ": %lld", &kib) == 1)
            break;
    }
    if (f != NULL)
        fclose(f);
    return kib;
}

int64_t server_fsyncs(const struct server *s)
{
    return s->fsyncs != NULL ? (int64_t)__atomic_load_n(s->fsyncs, __ATOMIC_RELAXED) : -1;
}

bool server_has_ring(const struct server *s)
{
    char name[300], target[64];
    const struct dirent *entry;
    bool found = false;
    DIR *dir;

    snprintf(name, sizeof(name), "/proc/%d/fd", (int)s->pid);
    dir = opendir(name);
    while (dir != NULL && !found && (entry = readdir(dir)) != NULL) {
        ssize_t n;

        snprintf(name, sizeof(name), "/proc/%d/fd/%s", (int)s->pid, entry->d_name);
        n = readlink(name, target, sizeof(target) - 1);
        target[n < 0 ? 0 : n] = '\0';
        found = strstr(target, "io_uring") != NULL;
    }
    if (dir != NULL)
        closedir(dir);
    return found;
}

void server_rest(void)
{
    usleep(5000);
}

void server_settle(const struct server *s)
{
    for (int i = 0; i < 25; i++) {
        const int64_t before = server_cpu_ns(s);

        usleep(200000);
        if (server_cpu_ns(s) - before < 2000000)
            break;
    }
}

unsigned server_free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    unsigned port = 0;

    if (fd >= 0 && bind(fd, (struct sockaddr *)&a, n) == 0 && getsockname(fd, (struct sockaddr *)&a, &n) == 0)
        port = ntohs(a.sin_port);
    if (fd >= 0)
        close(fd);
    return port;
}

int64_t server_core_busy_ns(int core)
{
    const int64_t tick_ns = 1000000000 / sysconf(_SC_CLK_TCK);
    long long user, nice, system, idle, wait, irq, softirq, steal;
    char line[256], name[16];
    int64_t ticks = 0;
    FILE *f = fopen("/proc/stat", "re");

    snprintf(name, sizeof(name), "cpu%d ", core);
    while (f != NULL && fgets(line, sizeof(line), f) != NULL) {
        if (strncmp(line, name, strlen(name)) == 0 &&
            sscanf(line + strlen(name), "%lld %lld %lld %lld %lld %lld %lld %lld", &user, &nice, &system,
                   &idle, &wait, &irq, &softirq, &steal) == 8) {
            ticks = user + nice + system + irq + softirq + steal;
            break;
        }
    }
    if (f != NULL)
        fclose(f);
    return ticks * tick_ns;
}
