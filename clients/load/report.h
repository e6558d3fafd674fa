/*
 * clients/load/report.h - tells a finished run: a table for people, JSON for machines, a page with plots.
 *
 * Owns:    nothing.
 * Borrows: all of it, during the calls.
 * Bounds:  the page shows at most 400 points of a series; JSON has every second.
 * Fails:   false, with errno, if the file cannot be written; or without memory.
 * Thread:  one.
 */
#ifndef RECALL_LOAD_REPORT_H
#define RECALL_LOAD_REPORT_H

#include "clients/load/figures.h"
#include "clients/load/names.h"
#include "clients/load/options.h"

#include <stdio.h>

struct report {
    const struct options *options;
    const struct figures *figures; /* figures_end was called */
    const struct names *names;
    int64_t when_s;   /* seconds since 1970 */
    bool limits_kept; /* every --slo */
};

/* The run kept every promise and every limit. */
bool report_good(const struct report *r);
void report_table(const struct report *r, FILE *to);
bool report_json(const struct report *r, FILE *to);
bool report_html(const struct report *r, FILE *to);

/* Shared by the three: the rows of latencies (NULL name: no more), in the order in which they are told. */
struct report_row {
    const char *name, *key; /* for people; for machines */
    const struct histogram *histogram;
};
#define REPORT_ROWS 9
/* Rows in which something was recorded, and their number. */
size_t report_rows(const struct figures *f, struct report_row rows[REPORT_ROWS]);
/* A number with commas between thousands. */
const char *report_count(double v, char out[32]);
/* What a reader should know before trusting the figures, one sentence each; returns how many. */
#define REPORT_NOTES 12
size_t report_notes(const struct report *r, char notes[REPORT_NOTES][320]);
/* "mixed, open loop, 500 calls/s for 60 s" */
void report_what(const struct report *r, char *out, size_t size);

#endif
