#include "clients/load/figures.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define SLOPE_LEAST 10 /* seconds that a slope needs behind the warm-up */

static struct histogram *const *list_of(struct figures *f, size_t *n)
{
    static struct histogram *list[4 * FIGURES_KINDS + 8];

    *n = 0;
    for (int k = 0; k < FIGURES_KINDS; k++) {
        list[(*n)++] = &f->commit[k];
        list[(*n)++] = &f->delivery[k];
        list[(*n)++] = &f->first[k];
        list[(*n)++] = &f->last[k];
    }
    list[(*n)++] = &f->all_commit;
    list[(*n)++] = &f->all_delivery;
    list[(*n)++] = &f->all_first;
    list[(*n)++] = &f->all_last;
    list[(*n)++] = &f->service;
    list[(*n)++] = &f->connect;
    list[(*n)++] = &f->resume;
    list[(*n)++] = &f->second;
    return list;
}

bool figures_init(struct figures *f)
{
    struct histogram *const *list;
    size_t n;

    *f = (struct figures){.server_start = {-1, -1}, .server_end = {-1, -1}};
    list = list_of(f, &n);
    for (size_t i = 0; i < n; i++) {
        if (!histogram_init(list[i])) {
            figures_free(f);
            return false;
        }
    }
    return true;
}

void figures_free(struct figures *f)
{
    size_t n;
    struct histogram *const *list = list_of(f, &n);

    for (size_t i = 0; i < n; i++)
        histogram_free(list[i]);
    free(f->seconds);
    f->seconds = NULL;
    f->second_count = f->second_cap = 0;
}

bool figures_second(struct figures *f, const struct figures_second *s)
{
    struct figures_second *e;

    if (f->second_count == f->second_cap) {
        const size_t cap = f->second_cap != 0 ? f->second_cap * 2 : 128;
        struct figures_second *more = realloc(f->seconds, cap * sizeof(*more));

        if (more == NULL)
            return false;
        f->seconds = more;
        f->second_cap = cap;
    }
    e = &f->seconds[f->second_count++];
    *e = *s;
    e->deliveries = f->second.count;
    e->p50_ns = histogram_at(&f->second, 50);
    e->p99_ns = histogram_at(&f->second, 99);
    e->most_ns = f->second.most;
    histogram_reset(&f->second);
    return true;
}

/* Least squares over what was known of seconds `from` and later: how much y grows in an hour. */
static bool slope(const struct figures *f, size_t from, double (*y)(const struct figures_second *),
                  double *out)
{
    double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0, below;

    for (size_t i = from; i < f->second_count; i++) {
        const double x = f->seconds[i].at_s, v = y(&f->seconds[i]);

        if (v < 0)
            continue;
        n++;
        sx += x;
        sy += v;
        sxx += x * x;
        sxy += x * v;
    }
    below = n * sxx - sx * sx;
    if (n < SLOPE_LEAST || below <= 0)
        return false;
    *out = (n * sxy - sx * sy) / below * 3600;
    return true;
}

static double rss_of(const struct figures_second *s)
{
    return s->server_rss;
}

static double cpu_of(const struct figures_second *s)
{
    return s->server_cpu;
}

void figures_end(struct figures *f)
{
    const size_t warm_up =
        f->second_count / 4; /* caches and pools fill in the first quarter, which is no leak */

    for (int k = 0; k < FIGURES_KINDS; k++) {
        histogram_add(&f->all_commit, &f->commit[k]);
        histogram_add(&f->all_delivery, &f->delivery[k]);
        histogram_add(&f->all_first, &f->first[k]);
        histogram_add(&f->all_last, &f->last[k]);
    }
    f->slope_known = slope(f, warm_up, rss_of, &f->rss_slope) && slope(f, warm_up, cpu_of, &f->cpu_slope);
}

double figures_seconds(const struct figures *f)
{
    return f->end_ns > f->start_ns ? (double)(f->end_ns - f->start_ns) / 1e9 : 0;
}

static double per_second(double n, double seconds)
{
    return seconds > 0 ? n / seconds : 0;
}

double figures_delivery_rate(const struct figures *f)
{
    return per_second((double)f->deliveries, figures_seconds(f));
}

double figures_event_rate(const struct figures *f)
{
    return per_second((double)f->events, figures_seconds(f));
}

double figures_upgrade_rate(const struct figures *f)
{
    if (f->storms_ns > 0)
        return per_second((double)f->storm_upgrades, (double)f->storms_ns / 1e9);
    return per_second(f->connections, (double)f->connect_ns / 1e9);
}

static double cpu(const struct figures *f, const struct figures_process *a, const struct figures_process *b)
{
    return a->cpu_s < 0 || b->cpu_s < 0 ? -1 : 100 * per_second(b->cpu_s - a->cpu_s, figures_seconds(f));
}

double figures_server_cpu(const struct figures *f)
{
    double busy = 0, known = 0;

    if (f->server_start.cpu_s < 0 || f->server_end.cpu_s >= f->server_start.cpu_s)
        return cpu(f, &f->server_start, &f->server_end);
    /* Another process than at first, or none: the seconds in which it was one and the same. */
    for (size_t i = 0; i < f->second_count; i++) {
        if (f->seconds[i].server_cpu < 0)
            continue;
        busy += f->seconds[i].server_cpu * f->seconds[i].span_s;
        known += f->seconds[i].span_s;
    }
    return known > 0 ? busy / known : -1;
}

double figures_own_cpu(const struct figures *f)
{
    return cpu(f, &f->own_start, &f->own_end);
}

double figures_server_rss(const struct figures *f)
{
    double most = f->server_start.rss > f->server_end.rss ? f->server_start.rss : f->server_end.rss;

    for (size_t i = 0; i < f->second_count; i++)
        most = f->seconds[i].server_rss > most ? f->seconds[i].server_rss : most;
    return most;
}

bool figures_kept(const struct figures *f)
{
    return f->lost + f->duplicated + f->out_of_order + f->content + f->foreign == 0;
}

void figures_broken(struct figures *f, const char *format, ...)
{
    va_list args;

    if (f->broken[0] != '\0')
        return;
    va_start(args, format);
    (void)vsnprintf(f->broken, sizeof(f->broken), format, args);
    va_end(args);
}
