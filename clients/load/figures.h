/*
 * clients/load/figures.h - everything that a run measures.
 *
 * Owns:    the histograms and the series.
 * Borrows: nothing.
 * Bounds:  one entry of the series for each second, of some 130 bytes.
 * Fails:   figures_init and figures_second, without memory.
 * Thread:  one.
 *
 * Times are nanoseconds, of the monotonic clock where they are moments.
 */
#ifndef RECALL_LOAD_FIGURES_H
#define RECALL_LOAD_FIGURES_H

#include "clients/load/histogram.h"

enum figures_kind { FIGURES_MESSAGE, FIGURES_RECALL, FIGURES_KINDS };

/* What a process costs. */
struct figures_process {
    double cpu_s; /* of all its threads; negative: unknown */
    double rss;   /* bytes; negative: unknown */
};

struct figures_second {
    double at_s;   /* its end, since the run's start */
    double span_s; /* its length */
    uint64_t asked, answered, failed, deliveries;
    int64_t p50_ns, p99_ns, most_ns; /* of the deliveries in it */
    uint32_t connections;
    double server_cpu; /* percent of one core; negative: unknown */
    double server_rss; /* bytes; negative: unknown */
    double own_cpu;    /* percent of one core */
};

struct figures {
    /* From the moment for which a call was intended (open loop) or at which it was made (closed): to its HTTP
     * answer, to each subscriber, to the first and to the last of them. */
    struct histogram commit[FIGURES_KINDS], delivery[FIGURES_KINDS], first[FIGURES_KINDS],
        last[FIGURES_KINDS];
    struct histogram all_commit, all_delivery, all_first,
        all_last;             /* both kinds, once figures_end was called */
    struct histogram service; /* from the sending of a call to its answer, whatever it had waited before */
    struct histogram connect; /* from opening a connection to its subscription */
    struct histogram resume;  /* the same of connections that came back with a cursor: to being caught up */
    struct histogram second;  /* deliveries of the running second */

    uint64_t messages, recalls, quotes;         /* asked for */
    uint64_t answered, refused, failed, unsent; /* refused: 429 and 503; failed: other answers, or none */
    uint64_t deliveries, replayed, events,
        bytes; /* events: acknowledged ones; replayed: deliveries behind a cursor */
    uint64_t typing, acks, signals;
    uint64_t upgrades, dropped, resets;
    uint64_t lost, duplicated, out_of_order, content, foreign; /* broken promises */
    uint32_t connections;
    int64_t start_ns, end_ns; /* of the load */
    int64_t connect_ns;       /* how long it took until all were connected */
    int64_t storm_ns;         /* how long the storm took, of the last one; 0: there was none */
    uint64_t storm_upgrades;  /* connections that were made in storms */
    uint64_t left_outside;    /* connections that were not let in when a storm was over */
    int64_t storms_ns;        /* how long all storms took */
    int64_t longest_turn_ns;  /* of the harness's loop: what it did not look at a socket for */
    bool stopped;             /* ended by a signal */
    bool unfinished;          /* what was acknowledged was still coming when the waiting ended */
    char broken[200];         /* the first broken promise, as a sentence; "": none */
    char failure[200];        /* the first call that failed, as a sentence; "": none */

    bool local;     /* the server's process is on this machine and may be looked at */
    int server_pid; /* 0: its cost is from /metrics */
    struct figures_process server_start, server_end, own_start, own_end;
    double rss_slope, cpu_slope; /* bytes an hour; percent of a core an hour */
    bool slope_known;

    struct figures_second *seconds;
    size_t second_count, second_cap;
};

bool figures_init(struct figures *f);
/* Legal on a zeroed one. */
void figures_free(struct figures *f);
/* Adds a second; its deliveries are those in `second`, which is emptied. */
bool figures_second(struct figures *f, const struct figures_second *s);
/* Joins the kinds and computes the slopes; call it once. */
void figures_end(struct figures *f);
/* Seconds of load. */
double figures_seconds(const struct figures *f);
/* Deliveries a second, events acknowledged a second, upgrades a second. */
double figures_delivery_rate(const struct figures *f);
double figures_event_rate(const struct figures *f);
double figures_upgrade_rate(const struct figures *f);
/* Percent of one core over the load; negative: unknown. */
double figures_server_cpu(const struct figures *f);
double figures_own_cpu(const struct figures *f);
/* The most memory that was seen, in bytes; negative: unknown. */
double figures_server_rss(const struct figures *f);
/* Whether every promise was kept. */
bool figures_kept(const struct figures *f);
/* Notes a broken promise; the first one stays. */
void figures_broken(struct figures *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
