#include "base/metrics.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum metric_kind { KIND_COUNTER, KIND_GAUGE, KIND_HISTOGRAM };

struct metric {
    enum metric_kind kind;
    const char *name;
    const char *help;
    const char *labels;
    double unit;
    size_t bounds;
    uint64_t bound[METRICS_BUCKETS_MAX];
    _Atomic int64_t value;                            /* counter, gauge */
    _Atomic uint64_t sum;                             /* histogram, in the small unit */
    _Atomic uint64_t bucket[METRICS_BUCKETS_MAX + 1]; /* not cumulative; the last is +Inf's own */
};

struct metrics {
    size_t count;
    struct metric *list[METRICS_MAX];
};

struct metrics *metrics_create(void)
{
    return calloc(1, sizeof(struct metrics));
}

void metrics_free(struct metrics *m)
{
    if (m == NULL) {
        return;
    }
    for (size_t i = 0; i < m->count; i++) {
        free(m->list[i]);
    }
    free(m);
}

static bool name_valid(const char *name)
{
    static const char first[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:";
    static const char rest[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_:0123456789";
    return strspn(name, first) > 0 && name[strspn(name, rest)] == '\0';
}

static bool same(const char *a, const char *b)
{
    return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

static struct metric *add(struct metrics *m, enum metric_kind kind, const char *name, const char *help,
                          const char *labels)
{
    if (m == NULL || m->count == METRICS_MAX || !name_valid(name)) {
        return NULL;
    }
    for (size_t i = 0; i < m->count; i++) {
        const struct metric *other = m->list[i];
        if (same(other->name, name) && (other->kind != kind || same(other->labels, labels))) {
            return NULL;
        }
    }
    struct metric *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    made->kind = kind;
    made->name = name;
    made->help = help;
    made->labels = labels != NULL && labels[0] != '\0' ? labels : NULL;
    m->list[m->count++] = made;
    return made;
}

struct metric *metrics_counter(struct metrics *m, const char *name, const char *help, const char *labels)
{
    return add(m, KIND_COUNTER, name, help, labels);
}

struct metric *metrics_gauge(struct metrics *m, const char *name, const char *help, const char *labels)
{
    return add(m, KIND_GAUGE, name, help, labels);
}

struct metric *metrics_histogram(struct metrics *m, const char *name, const char *help, const char *labels,
                                 double unit_per_one, const uint64_t *bounds, size_t bound_count)
{
    if (bound_count == 0 || bound_count > METRICS_BUCKETS_MAX || !(unit_per_one > 0)) {
        return NULL;
    }
    for (size_t i = 1; i < bound_count; i++) {
        if (bounds[i] <= bounds[i - 1]) {
            return NULL;
        }
    }
    struct metric *made = add(m, KIND_HISTOGRAM, name, help, labels);
    if (made != NULL) {
        made->unit = unit_per_one;
        made->bounds = bound_count;
        memcpy(made->bound, bounds, bound_count * sizeof *bounds);
    }
    return made;
}

void metrics_add(struct metric *metric, int64_t n)
{
    if (metric != NULL) {
        (void)atomic_fetch_add_explicit(&metric->value, n, memory_order_relaxed);
    }
}

void metrics_inc(struct metric *metric)
{
    metrics_add(metric, 1);
}

void metrics_set(struct metric *metric, int64_t value)
{
    if (metric != NULL) {
        atomic_store_explicit(&metric->value, value, memory_order_relaxed);
    }
}

void metrics_observe(struct metric *metric, uint64_t value)
{
    if (metric == NULL) {
        return;
    }
    size_t i = 0;
    while (i < metric->bounds && value > metric->bound[i]) {
        i++;
    }
    (void)atomic_fetch_add_explicit(&metric->sum, value, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&metric->bucket[i], 1, memory_order_relaxed);
}

int64_t metrics_value(const struct metric *metric)
{
    if (metric == NULL) {
        return 0;
    }
    if (metric->kind != KIND_HISTOGRAM) {
        return atomic_load_explicit(&metric->value, memory_order_relaxed);
    }
    uint64_t n = 0;
    for (size_t i = 0; i <= metric->bounds; i++) {
        n += atomic_load_explicit(&metric->bucket[i], memory_order_relaxed);
    }
    return (int64_t)n;
}

/* A growing text; failed once, it stays failed. */
struct text {
    char *p;
    size_t len;
    size_t cap;
    bool failed;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *t, const char *format, ...)
{
    va_list args;
    if (t->failed) {
        return;
    }
    for (;;) {
        va_start(args, format);
        int n = vsnprintf(t->p + t->len, t->cap - t->len, format, args);
        va_end(args);
        if (n < 0) {
            t->failed = true;
            return;
        }
        if ((size_t)n < t->cap - t->len) {
            t->len += (size_t)n;
            return;
        }
        char *larger = realloc(t->p, t->cap * 2 + (size_t)n);
        if (larger == NULL) {
            t->failed = true;
            return;
        }
        t->p = larger;
        t->cap = t->cap * 2 + (size_t)n;
    }
}

static void put_histogram(struct text *t, const struct metric *h)
{
    const char *labels = h->labels != NULL ? h->labels : "";
    const char *comma = h->labels != NULL ? "," : "";
    uint64_t total = 0;
    for (size_t i = 0; i <= h->bounds; i++) {
        total += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        if (i < h->bounds) {
            put(t, "%s_bucket{%s%sle=\"%.9g\"} %llu\n", h->name, labels, comma, (double)h->bound[i] / h->unit,
                (unsigned long long)total);
        } else {
            put(t, "%s_bucket{%s%sle=\"+Inf\"} %llu\n", h->name, labels, comma, (unsigned long long)total);
        }
    }
    double sum = (double)atomic_load_explicit(&h->sum, memory_order_relaxed) / h->unit;
    const char *open = h->labels != NULL ? "{" : "";
    const char *close = h->labels != NULL ? "}" : "";
    put(t, "%s_sum%s%s%s %.9g\n", h->name, open, labels, close, sum);
    put(t, "%s_count%s%s%s %llu\n", h->name, open, labels, close, (unsigned long long)total);
}

static void put_metric(struct text *t, const struct metric *one)
{
    if (one->kind == KIND_HISTOGRAM) {
        put_histogram(t, one);
        return;
    }
    long long value = (long long)metrics_value(one);
    if (one->labels != NULL) {
        put(t, "%s{%s} %lld\n", one->name, one->labels, value);
    } else {
        put(t, "%s %lld\n", one->name, value);
    }
}

char *metrics_render(const struct metrics *m, size_t *len)
{
    static const char *const types[] = {"counter", "gauge", "histogram"};
    struct text t = {.cap = 16384};
    t.p = malloc(t.cap);
    if (t.p == NULL) {
        return NULL;
    }
    t.p[0] = '\0';
    /* All metrics of a name stand together, where its first one was registered. */
    for (size_t i = 0; i < m->count; i++) {
        const struct metric *one = m->list[i];
        bool told = false;
        for (size_t j = 0; j < i && !told; j++) {
            told = same(m->list[j]->name, one->name);
        }
        if (told) {
            continue;
        }
        put(&t, "# HELP %s %s\n# TYPE %s %s\n", one->name, one->help, one->name, types[one->kind]);
        for (size_t j = i; j < m->count; j++) {
            if (same(m->list[j]->name, one->name)) {
                put_metric(&t, m->list[j]);
            }
        }
    }
    if (t.failed) {
        free(t.p);
        return NULL;
    }
    *len = t.len;
    return t.p;
}
