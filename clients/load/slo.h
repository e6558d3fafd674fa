/*
 * clients/load/slo.h - service level objectives: limits that the run is judged by
 * ("p99=50ms,lost=0,deliveries=10000").
 *
 * Owns:    the list. Names are static.
 * Bounds:  SLO_MOST limits.
 * Fails:   slo_read: a sentence that names what is wrong and what there is.
 * Thread:  one.
 *
 * A limit is the most that is allowed; of what grows with the load (rates) it is the least.
 */
#ifndef RECALL_LOAD_SLO_H
#define RECALL_LOAD_SLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define SLO_MOST 32

struct figures;

enum slo_unit { SLO_NS, SLO_COUNT, SLO_RATE, SLO_PERCENT, SLO_MB };

struct slo_limit {
    const char *name;
    enum slo_unit unit;
    bool at_least;
    double limit, value; /* durations in ns */
    bool judged, kept;
};

struct slo_list {
    struct slo_limit limits[SLO_MOST];
    size_t count;
};

bool slo_read(struct slo_list *list, const char *text, char *error, size_t size);
/* Fills in values and verdicts; true if every limit is kept. A limit on what was not measured (the CPU of a
 * remote server, the recovery of nobody) is broken. */
bool slo_judge(struct slo_list *list, const struct figures *f);
/* Limit or value as text: "50 ms", "0", "12.5 %". */
void slo_format(const struct slo_limit *limit, double value, char *out, size_t size);
/* The names, with what they mean, for --help. */
void slo_help(FILE *to);

#endif
