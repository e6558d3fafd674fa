#include "series.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void series_add(struct series *s, double value, bool spoiled)
{
    if (s->count == SERIES_MOST || !isfinite(value))
        return;
    s->value[s->count] = value;
    s->spoiled[s->count++] = spoiled;
    s->clean += !spoiled;
}

static int compare(const void *a, const void *b)
{
    double x, y;

    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return (x > y) - (x < y);
}

static uint32_t sorted(const struct series *s, double out[static SERIES_MOST])
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < s->count; i++)
        if (!s->spoiled[i] || s->clean < SERIES_LEAST)
            out[n++] = s->value[i];
    qsort(out, n, sizeof(*out), compare);
    return n;
}

uint32_t series_used(const struct series *s)
{
    double v[SERIES_MOST];

    return sorted(s, v);
}

double series_median(const struct series *s)
{
    double v[SERIES_MOST];
    const uint32_t n = sorted(s, v);

    if (n == 0)
        return 0;
    return n % 2 == 1 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

double series_low(const struct series *s)
{
    double v[SERIES_MOST];

    return sorted(s, v) > 0 ? v[0] : 0;
}

double series_high(const struct series *s)
{
    double v[SERIES_MOST];
    const uint32_t n = sorted(s, v);

    return n > 0 ? v[n - 1] : 0;
}
