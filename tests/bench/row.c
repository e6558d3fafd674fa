#include "row.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLEAN_LEAST         3U /* with fewer clean rounds the spoiled ones are used too, and the row says so */
#define MEDIAN(row, member) median(row, offsetof(struct row_round, member))

static int compare(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

/* One figure of all rounds that count; returns how many. */
static size_t sorted(const struct row *r, size_t member, double out[ROW_ROUNDS])
{
    size_t n = 0;

    for (uint32_t i = 0; i < r->count; i++) {
        if (!r->rounds[i].spoiled || r->clean < CLEAN_LEAST)
            memcpy(&out[n++], (const char *)&r->rounds[i] + member, sizeof(double));
    }
    qsort(out, n, sizeof(*out), compare);
    return n;
}

static double median(const struct row *r, size_t member)
{
    double v[ROW_ROUNDS];
    const size_t n = sorted(r, member, v);

    if (n == 0)
        return 0;
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

void row_head(void)
{
    printf("\nFan-out of an event to a room: server CPU in µs a delivery, medians of the rounds\n\n"
           "%6s %3s %5s  %6s %6s %7s %6s  %5s %10s %6s  %4s %-6s %12s %10s %6s\n",
           "subs", "fly", "bytes", "FLOOR", "whole", "fan-out", "taking", "ratio", "spread", "rounds", "goal",
           "", "ms p50 F/R", "delivered", "fsyncs");
}

bool row_print(const struct row *r, double target)
{
    const double ratio = MEDIAN(r, ratio);
    const bool met = target <= 0 || ratio <= target;
    const char *verdict = r->count < CLEAN_LEAST ? "unsure" : met ? "met" : "MISSED";
    char spread[32], used[32], waits[32];
    double v[ROW_ROUNDS];
    const size_t n = sorted(r, offsetof(struct row_round, ratio), v);

    if (n == 0)
        return false;
    snprintf(spread, sizeof(spread), "%.2f-%.2f", v[0], v[n - 1]);
    snprintf(used, sizeof(used), "%zu/%u%s", n, r->count, r->clean < CLEAN_LEAST ? "*" : "");
    snprintf(waits, sizeof(waits), "%.1f/%.1f", MEDIAN(r, floor_wall_ms), MEDIAN(r, wall_ms));
    printf("%6u %3u %5u  %6.2f %6.2f %7.2f %6.0f  %5.2f %10s %6s  ", r->size, r->window, r->frame,
           MEDIAN(r, floor), MEDIAN(r, whole), MEDIAN(r, fanout), MEDIAN(r, taking_in), ratio, spread, used);
    if (target > 0)
        printf("%4.1f %-6s", target, verdict);
    else
        printf("%4s %-6s", "-", "-");
    printf(" %12s %10llu", waits, (unsigned long long)r->deliveries);
    if (r->fsyncs >= 0)
        printf(" %6.2f\n", (double)r->fsyncs / (double)r->events);
    else
        printf(" %6s\n", "-");
    fflush(stdout);
    return met && (target <= 0 || r->count >= CLEAN_LEAST);
}
