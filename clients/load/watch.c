#include "clients/load/watch.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SOCKETS_MOST 64 /* a recalld has one listening socket a thread */
#define LISTENING    0x0a

struct inodes {
    unsigned long of[SOCKETS_MOST];
    size_t count;
};

/* The sockets that listen on `port`, from /proc/net/tcp or tcp6. */
static void read_listening(const char *file, uint16_t port, struct inodes *found)
{
    FILE *f = fopen(file, "re");
    char line[512];

    while (f != NULL && found->count < SOCKETS_MOST && fgets(line, sizeof(line), f) != NULL) {
        unsigned local, state;
        unsigned long inode;

        if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*x:%*x %*x:%*x %*x %*u %*u %lu",
                   &local, &state, &inode) == 3 &&
            local == port && state == LISTENING)
            found->of[found->count++] = inode;
    }
    if (f != NULL)
        fclose(f);
}

static bool holds(const char *pid, const struct inodes *found)
{
    char path[300], target[64];
    struct dirent *e;
    bool held = false;
    DIR *d;

    snprintf(path, sizeof(path), "/proc/%s/fd", pid);
    d = opendir(path);
    while (d != NULL && !held && (e = readdir(d)) != NULL) {
        const ssize_t n = readlinkat(dirfd(d), e->d_name, target, sizeof(target) - 1);
        unsigned long inode;

        if (n <= 0)
            continue;
        target[n] = '\0';
        if (sscanf(target, "socket:[%lu]", &inode) != 1)
            continue;
        for (size_t i = 0; i < found->count; i++)
            held = held || found->of[i] == inode;
    }
    if (d != NULL)
        closedir(d);
    return held;
}

void watch_find(struct watch *w, uint16_t port)
{
    struct inodes found = {.count = 0};
    struct dirent *e;
    DIR *d;

    read_listening("/proc/net/tcp", port, &found);
    read_listening("/proc/net/tcp6", port, &found);
    d = found.count > 0 ? opendir("/proc") : NULL;
    while (d != NULL && w->pid == 0 && (e = readdir(d)) != NULL) {
        if (isdigit((unsigned char)e->d_name[0]) && holds(e->d_name, &found))
            w->pid = atoi(e->d_name);
    }
    if (d != NULL)
        closedir(d);
}

static double metric(const char *text, const char *name)
{
    const size_t n = strlen(name);

    for (const char *line = text; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, name, n) == 0 && (line[n] == ' ' || line[n] == '{')) {
            const char *value =
                strrchr(line, '}') != NULL && line[n] == '{' ? strchr(line, '}') + 1 : line + n;

            return strtod(value, NULL);
        }
    }
    return -1;
}

void watch_metrics(struct watch *w, const char *text)
{
    w->told.cpu_s = metric(text, "process_cpu_seconds_total");
    w->told.rss = metric(text, "process_resident_memory_bytes");
    w->metrics = w->told.cpu_s >= 0 || w->told.rss >= 0;
}

static struct figures_process look(const char *stat)
{
    struct figures_process p = {-1, -1};
    FILE *f = fopen(stat, "re");
    char line[1024];
    const char *at;
    unsigned long user, system;
    long pages;

    if (f == NULL)
        return p;
    /* The name of the program, in brackets, may hold anything. */
    if (fgets(line, sizeof(line), f) != NULL && (at = strrchr(line, ')')) != NULL &&
        sscanf(at + 2,
               "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu %*d %*d %*d %*d %*d %*d %*u %*u %ld",
               &user, &system, &pages) == 3) {
        p.cpu_s = (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
        p.rss = (double)pages * (double)sysconf(_SC_PAGESIZE);
    }
    fclose(f);
    return p;
}

struct figures_process watch_server(const struct watch *w)
{
    char path[64];

    if (w->pid == 0)
        return w->metrics ? w->told : (struct figures_process){-1, -1};
    snprintf(path, sizeof(path), "/proc/%d/stat", w->pid);
    return look(path);
}

bool watch_again(struct watch *w, uint16_t port)
{
    if (w->pid != 0 && watch_server(w).rss > 0)
        return true;
    w->pid = 0;
    watch_find(w, port);
    return w->pid != 0;
}

struct figures_process watch_own(void)
{
    return look("/proc/self/stat");
}
