/*
 * tests/bench/server.h - a server under measurement: starts it on a core, reads what it costs, ends it.
 *
 * Owns:    the child process, the pipe to its standard output, the counter that fsyncs.so writes.
 * Bounds:  ready within 15 s, gone within 15 s of SIGTERM.
 * Fails:   false with a sentence on standard error; the meters give 0 once the process is gone.
 * Thread:  one.
 */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct server {
    pid_t pid;
    int out;
    clockid_t clock;
    uint64_t *fsyncs; /* shared memory; NULL: not counted */
    char ready[256];  /* the rest of the line that announced it */
};

struct server_start {
    char *const *argv;
    const char *announces; /* how its ready line begins; NULL: it is ready when `connects` does */
    struct sockaddr_in connects;
    const char *log;       /* file for its standard error; appended to */
    const char *preload;   /* fsyncs.so; NULL: do not count */
    const char *counter;   /* file for the counter */
    int core;              /* -1: wherever the system puts it */
};

bool server_start(struct server *s, const struct server_start *how);
/* SIGTERM, then waits; false if it did not leave with status 0 (`clean`) or not in time. */
bool server_stop(struct server *s, bool clean);

/* CPU of all its threads so far, user and system, in ns. The kernel adds up what a thread that is running now has used at its
 * next tick: ask when the server has come to rest (server_rest), to be exact. */
int64_t server_cpu_ns(const struct server *s);
/* A line of /proc/PID/status in KiB: "VmRSS" is all resident memory, "RssFile" the part that is program and
 * library text. */
int64_t server_memory_kib(const struct server *s, const char *line);
/* fsync and fdatasync calls so far; -1: not counted. */
int64_t server_fsyncs(const struct server *s);
/* Has it a ring of io_uring open? */
bool server_has_ring(const struct server *s);
/* A few milliseconds, in which a server that has answered everything comes to rest. */
void server_rest(void);
/* Until it has nothing left to do: less than 1 % of a core, or 5 s. */
void server_settle(const struct server *s);
/* A port of 127.0.0.1 that nobody listens on now; 0: none. */
unsigned server_free_port(void);
/* What the core has been busy with in all, in ns, in steps of the kernel's tick. */
int64_t server_core_busy_ns(int core);

int64_t server_now_ns(void);
/* Binds this process, and what it starts, to a core. */
bool server_pin(int core);

#endif
