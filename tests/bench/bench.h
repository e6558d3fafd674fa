/*
 * tests/bench/bench.h - what the rows share: the servers as they are measured, the rounds, the verdict.
 *
 * Owns:    nothing; servers and crowds are the rows'.
 * Bounds:  a row ends its rounds when its time is up.
 * Fails:   false with a sentence on standard error.
 * Thread:  one.
 */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include "crowd.h"
#include "series.h"

#define BENCH_WARM    20U    /* a receiver that was idle acknowledges its next 16 segments at once */
#define BENCH_MOST    19900U /* connections of a server with 20,000 descriptors */
#define BENCH_RESERVE 100U   /* descriptors of a process beside its connections */
#define BENCH_APART   3      /* bytes by which two frames that are compared may differ */

struct bench {
    const char *recalld, *inside, *floor, *fsyncs, *work, *results, *here;
    const char *row;
    bool quick;
    uint32_t most; /* connections: BENCH_MOST, or as many as the limit of open files allows */
    int64_t slice_ms;
    int64_t until_ns;             /* when the row must be done */
    int server_core, driver_core; /* the same where there is only one; then nothing counts as spoiled */
    char log[512];
};

/* recalld, one edge thread, on the servers' core; its store is WORK/NAME.db. `settings` are more lines for
 * [server], or NULL. `inside`: with inside.c, whose control address is told in `control`. */
struct bench_recalld {
    const char *name, *settings;
    bool inside;
    bool spread; /* on every core, with a thread for each, as it would run; else all of it on the servers' core */
    struct server server;
    struct sockaddr_in at, control;
};

bool bench_recalld_start(const struct bench *b, struct bench_recalld *r);
/* SIGTERM; false if it did not leave with status 0. Legal for one that never started. */
bool bench_recalld_stop(struct bench_recalld *r);
/* A copy of a stopped recalld's store. */
bool bench_store_copy(const struct bench *b, const char *from, const char *to);
bool bench_floor_start(const struct bench *b, struct server *server, struct sockaddr_in *at,
                       struct sockaddr_in *control);

/* The numbers of devices to measure at, ascending: 1,000, 10,000 and the most; one small one with --quick. Returns
 * how many. */
size_t bench_sizes(const struct bench *b, uint32_t sizes[static 3]);

/* Did others use the servers' core for more than 6 % of the slice? */
bool bench_spoiled(const struct bench *b, const struct slice_figures *f);
/* The same for any stretch of time: begun once, then asked. */
struct bench_watch {
    const struct server *first, *second; /* whose work is not others'; second may be NULL */
    int64_t wall_ns, other_ns;
};
void bench_watch(const struct bench *b, struct bench_watch *w, const struct server *first,
                 const struct server *second);
bool bench_disturbed(const struct bench *b, const struct bench_watch *w);

/* A share of the time that the row has left. */
struct bench_span {
    int64_t began_ns, until_ns;
};
struct bench_span bench_span(const struct bench *b, double seconds);
/* Is another round to be run? `r` is a figure that each round adds one value to. Goes on until `rounds` were not
 * disturbed, or the time is up; past that until there are three, if the row's own time allows. */
bool bench_go_on(const struct bench *b, const struct series *r, uint32_t rounds, struct bench_span span);

/* A line of the table. */
struct bench_line {
    const char *what, *target;
    const struct series *series;
    const char *format; /* of the value: one %f, with its unit */
    double limit;       /* 0: shown, not judged */
    bool least;         /* the value must be at least the limit; else at most */
    bool once;          /* there are no rounds */
    char detail[400];
};

/* Prints the line and adds it to the results. */
void bench_line(const struct bench *b, const struct bench_line *line);

#endif
