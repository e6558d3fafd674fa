/*
 * gateway/base/metrics.h - counters, gauges and histograms, told as Prometheus text.
 *
 * Owns:    a `struct metrics` owns its metrics. They live until metrics_free.
 * Borrows: names, helps and labels: static texts, or texts that outlive the registry.
 * Bounds:  METRICS_MAX metrics; METRICS_BUCKETS_MAX buckets each; a rendering is bounded by these.
 * Fails:   registering gives NULL without memory, beyond the bound, for a malformed name, or for a pair of
 *          name and labels that is taken. Updating never fails and accepts NULL, so that a metric that could
 *          not be made costs a figure, not a crash.
 * Thread:  register at start, on one thread, before others update. Updating and rendering: any thread, no
 *          lock.
 */
#ifndef RECALLD_BASE_METRICS_H
#define RECALLD_BASE_METRICS_H

#include <stddef.h>
#include <stdint.h>

#define METRICS_MAX 256
#define METRICS_BUCKETS_MAX 24

struct metrics;
struct metric;

/* An empty registry; NULL without memory. */
struct metrics *metrics_create(void);
/* Frees it and every metric in it; NULL is legal. */
void metrics_free(struct metrics *m);

/* Registers. `name` as Prometheus wants it ([a-zA-Z_:][a-zA-Z0-9_:]*); `labels` NULL or like "thread=\"0\"",
 * written as it is. Metrics of one name with different labels are told under one HELP and TYPE: give them the
 * same help. */
struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, const char *labels);
struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *labels);
/* Values are observed as integers of a small unit and told in `unit_per_one` of it: observe µs with 1e6 to
 * tell seconds. `bounds` are the buckets' upper bounds in the small unit, ascending; +Inf is added. Copied.
 */
struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *labels,
                                 double unit_per_one, const uint64_t *bounds, size_t bound_count);

/* Adds to a counter or gauge. */
void metrics_add(struct metric *metric, int64_t n);
/* Adds one, the usual case. */
void metrics_inc(struct metric *metric);
/* Sets a gauge. */
void metrics_set(struct metric *metric, int64_t value);
/* Observes one value of a histogram, in the small unit. */
void metrics_observe(struct metric *metric, uint64_t value);
/* The value of a counter or gauge, the number of observations of a histogram; 0 for NULL. */
int64_t metrics_value(const struct metric *metric);

/* The text of every metric, in order of registration, zero-terminated, in a new buffer that the caller frees
 * with free(); *len is its length. NULL without memory. */
char *metrics_render(const struct metrics *m, size_t *len);

#endif
