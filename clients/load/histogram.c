#include "clients/load/histogram.h"

#include <stdlib.h>
#include <string.h>

/* 2^11 buckets of equal width for each power of two; the lower half is the power before. */
#define SUB_BITS 11
#define HALF     (1 << (SUB_BITS - 1))
#define BUCKETS  ((42 - SUB_BITS + 2) * HALF)

bool histogram_init(struct histogram *h)
{
    *h = (struct histogram){.counts = calloc(BUCKETS, sizeof(uint64_t))};
    return h->counts != NULL;
}

void histogram_free(struct histogram *h)
{
    free(h->counts);
    *h = (struct histogram){.counts = NULL};
}

void histogram_reset(struct histogram *h)
{
    uint64_t *counts = h->counts;

    if (h->count != 0)
        memset(counts, 0, BUCKETS * sizeof(uint64_t));
    *h = (struct histogram){.counts = counts};
}

static size_t bucket_of(int64_t value)
{
    int shift;

    if (value < 2 * HALF)
        return (size_t)value;
    shift = 63 - __builtin_clzll((unsigned long long)value) - (SUB_BITS - 1);
    return (size_t)shift * HALF + (size_t)(value >> shift);
}

/* The greatest value that falls into the bucket. */
static int64_t end_of(size_t bucket)
{
    size_t shift;

    if (bucket < 2 * HALF)
        return (int64_t)bucket;
    shift = bucket / HALF - 1;
    return ((int64_t)(bucket - shift * HALF + 1) << shift) - 1;
}

void histogram_record(struct histogram *h, int64_t value)
{
    value = value < 0 ? 0 : value > HISTOGRAM_MOST ? HISTOGRAM_MOST : value;
    h->counts[bucket_of(value)]++;
    h->least = h->count == 0 || value < h->least ? value : h->least;
    h->most = value > h->most ? value : h->most;
    h->sum += (double)value;
    h->count++;
}

void histogram_add(struct histogram *h, const struct histogram *from)
{
    if (from->count == 0)
        return;
    for (size_t i = 0; i < BUCKETS; i++)
        h->counts[i] += from->counts[i];
    h->least = h->count == 0 || from->least < h->least ? from->least : h->least;
    h->most = from->most > h->most ? from->most : h->most;
    h->sum += from->sum;
    h->count += from->count;
}

int64_t histogram_at(const struct histogram *h, double percent)
{
    double exact = (double)h->count * percent / 100;
    uint64_t wanted = (uint64_t)exact, seen = 0;

    if (h->count == 0)
        return 0;
    wanted += (double)wanted < exact;
    wanted = wanted < 1 ? 1 : wanted > h->count ? h->count : wanted;
    for (size_t i = 0; i < BUCKETS; i++) {
        seen += h->counts[i];
        if (seen >= wanted)
            return end_of(i) < h->most ? end_of(i) : h->most;
    }
    return h->most;
}

double histogram_mean(const struct histogram *h)
{
    return h->count == 0 ? 0 : h->sum / (double)h->count;
}
