/*
 * bench: measures one row of the table of targets: recalld against FLOOR, or against the clock. README.md beside
 * it says how, and how to read the output. Started by tests/bench/run.
 *
 * Exit status: 0 measured, whatever the verdict; 1 an event was lost, repeated or out of order, or something did
 * not work; 2 usage.
 */
#include "rows.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    bool (*run)(struct bench *b);
} rows[] = {{"fanout", row_fanout},   {"rooms", row_rooms},     {"path", row_path},
            {"recalls", row_recalls}, {"memory", row_memory},   {"upgrades", row_upgrades},
            {"storm", row_storm},     {"comeback", row_comeback}, {"stalled", row_stalled}, {"peers", row_peers}};

static bool parse(struct bench *b, int argc, char **argv, double *seconds)
{
    static const struct option options[] = {
        {"recalld", required_argument, NULL, 'r'}, {"inside", required_argument, NULL, 'i'},
        {"floor", required_argument, NULL, 'f'},   {"fsyncs", required_argument, NULL, 's'},
        {"work", required_argument, NULL, 'w'},    {"results", required_argument, NULL, 'o'},
        {"here", required_argument, NULL, 'h'},    {"seconds", required_argument, NULL, 't'},
        {"quick", no_argument, NULL, 'q'},         {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        b->recalld = c == 'r' ? optarg : b->recalld;
        b->inside = c == 'i' ? optarg : b->inside;
        b->floor = c == 'f' ? optarg : b->floor;
        b->fsyncs = c == 's' ? optarg : b->fsyncs;
        b->work = c == 'w' ? optarg : b->work;
        b->results = c == 'o' ? optarg : b->results;
        b->here = c == 'h' ? optarg : b->here;
        *seconds = c == 't' ? strtod(optarg, NULL) : *seconds;
        b->quick = b->quick || c == 'q';
        if (c == '?')
            return false;
    }
    b->row = optind == argc - 1 ? argv[optind] : NULL;
    return b->row != NULL && b->recalld != NULL && b->floor != NULL && b->work != NULL && b->here != NULL;
}

int main(int argc, char **argv)
{
    struct bench b = {.slice_ms = 1000};
    double seconds = 120;

    if (!parse(&b, argc, argv, &seconds)) {
        fputs(
            "usage: bench --recalld FILE --floor FILE --work DIR --here DIR [--inside FILE] [--fsyncs FILE] "
            "[--results FILE] [--seconds N] [--quick] ROW\n",
            stderr);
        return 2;
    }
    b.slice_ms = b.quick ? 200 : 1000;
    b.driver_core = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 1 : 0;
    b.most = sysconf(_SC_OPEN_MAX) < (long)(BENCH_MOST + BENCH_RESERVE)
                 ? (uint32_t)sysconf(_SC_OPEN_MAX) - BENCH_RESERVE
                 : BENCH_MOST;
    if (b.most < 900 && !b.quick) {
        fputs("bench: this wants a limit of open files (ulimit -n) of 20000, and at least 1000\n", stderr);
        return 1;
    }
    b.until_ns = server_now_ns() + (int64_t)(seconds * 1e9);
    snprintf(b.log, sizeof(b.log), "%s/servers.log", b.work);
    signal(SIGPIPE, SIG_IGN);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (strcmp(rows[i].name, b.row) == 0)
            return rows[i].run(&b) ? 0 : 1;
    }
    fprintf(stderr, "bench: no row is called %s\n", b.row);
    return 2;
}
