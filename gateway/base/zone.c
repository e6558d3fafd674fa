#include "base/zone.h"

#include "base/text.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS_A_DAY INT64_C(86400000)
#define FILE_MAX ((size_t)256 * 1024)
#define HEADER ((size_t)44)
#define FOLDER "/usr/share/zoneinfo/"

/* The offset `offset[i]` holds from `from[i]` on (seconds since 1970), the first one also before. At least
 * one. */
struct zone {
    size_t count;
    int64_t *from;
    int32_t *offset;
};

/* The six counts of a block of a zone file (RFC 8536), in their order. */
struct counts {
    size_t isut, isstd, leap, time, type, chars;
};

static uint32_t big32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static struct zone *zone_alloc(size_t count)
{
    struct zone *z = calloc(1, sizeof *z);
    if (z == NULL) {
        goto err0;
    }
    z->count = count;
    z->from = calloc(count, sizeof *z->from);
    z->offset = calloc(count, sizeof *z->offset);
    if (z->from == NULL || z->offset == NULL) {
        goto err1;
    }
    return z;
err1:
    zone_free(z);
err0:
    return NULL;
}

void zone_free(struct zone *z)
{
    if (z == NULL) {
        return;
    }
    free(z->from);
    free(z->offset);
    free(z);
}

static bool read_counts(const unsigned char *p, size_t len, struct counts *c)
{
    if (len < HEADER || memcmp(p, "TZif", 4) != 0) {
        return false;
    }
    c->isut = big32(p + 20);
    c->isstd = big32(p + 24);
    c->leap = big32(p + 28);
    c->time = big32(p + 32);
    c->type = big32(p + 36);
    c->chars = big32(p + 40);
    /* Each is below the file's size, so that no sum below overflows. */
    return c->isut < FILE_MAX && c->isstd < FILE_MAX && c->leap < FILE_MAX && c->time < FILE_MAX &&
           c->type < FILE_MAX && c->chars < FILE_MAX && c->type > 0;
}

static size_t block_size(const struct counts *c, size_t time_size)
{
    return c->time * (time_size + 1) + c->type * 6 + c->chars + c->leap * (time_size + 4) + c->isstd +
           c->isut;
}

/* Reads the second block of the file, the one with times of 64 bits. */
static struct zone *parse(const unsigned char *p, size_t len)
{
    struct counts c;
    if (!read_counts(p, len, &c) || p[4] < '2') {
        return NULL;
    }
    size_t skip = HEADER + block_size(&c, 4);
    if (skip > len || !read_counts(p + skip, len - skip, &c)) {
        return NULL;
    }
    p += skip + HEADER;
    len -= skip + HEADER;
    if (block_size(&c, 8) > len) {
        return NULL;
    }
    const unsigned char *index = p + c.time * 8;
    const unsigned char *types = index + c.time;
    struct zone *z = zone_alloc(c.time + 1);
    if (z == NULL) {
        return NULL;
    }
    z->from[0] = INT64_MIN;
    z->offset[0] = (int32_t)big32(types);
    for (size_t i = 0; i < c.time; i++) {
        if (index[i] >= c.type) {
            zone_free(z);
            return NULL;
        }
        z->from[i + 1] = (int64_t)((uint64_t)big32(p + i * 8) << 32 | big32(p + i * 8 + 4));
        z->offset[i + 1] = (int32_t)big32(types + (size_t)index[i] * 6);
    }
    return z;
}

static struct zone *load(const char *name)
{
    char path[256];
    struct zone *z = NULL;
    int n = snprintf(path, sizeof path, FOLDER "%s", name);
    if (n < 0 || (size_t)n >= sizeof path) {
        return NULL;
    }
    FILE *f = fopen(path, "rbe");
    if (f == NULL) {
        return NULL;
    }
    unsigned char *bytes = malloc(FILE_MAX);
    if (bytes != NULL) {
        z = parse(bytes, fread(bytes, 1, FILE_MAX, f));
    }
    free(bytes);
    (void)fclose(f);
    return z;
}

/* "+hh:mm" or "-hh:mm", up to 14 hours, as seconds. */
static bool parse_offset(const char *s, int32_t *seconds)
{
    int64_t hours;
    int64_t minutes;
    if (strlen(s) != 6 || (s[0] != '+' && s[0] != '-') || s[3] != ':' ||
        !text_parse_int(s + 1, 2, 0, 14, &hours) || !text_parse_int(s + 4, 2, 0, 59, &minutes)) {
        return false;
    }
    *seconds = (int32_t)((hours * 60 + minutes) * (s[0] == '-' ? -60 : 60));
    return true;
}

struct zone *zone_create(const char *name)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+-/";
    int32_t seconds = 0;
    if (strcmp(name, "UTC") == 0 || parse_offset(name, &seconds)) {
        struct zone *z = zone_alloc(1);
        if (z != NULL) {
            z->from[0] = INT64_MIN;
            z->offset[0] = seconds;
        }
        return z;
    }
    /* No dot is allowed, so the name cannot leave the folder. */
    if (name[0] == '\0' || name[0] == '/' || name[strspn(name, allowed)] != '\0') {
        return NULL;
    }
    return load(name);
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

int64_t zone_offset(const struct zone *z, int64_t ms)
{
    int64_t s = floor_div(ms, 1000);
    size_t low = 0;
    size_t high = z->count;
    while (high - low > 1) {
        size_t middle = low + (high - low) / 2;
        if (z->from[middle] <= s) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return z->offset[low];
}

int64_t zone_day(const struct zone *z, int64_t ms)
{
    return floor_div(ms + zone_offset(z, ms) * 1000, MS_A_DAY);
}

int64_t zone_day_start(const struct zone *z, int64_t ms)
{
    /* A search, because a day may start at another hour than 0:00 where the clock is set forward at midnight.
     * Its bounds depend on the day alone, so that every moment of a day gets the same answer. */
    int64_t day = zone_day(z, ms);
    int64_t before = day * MS_A_DAY - 2 * MS_A_DAY;
    int64_t in = day * MS_A_DAY + 2 * MS_A_DAY;
    while (in - before > 1) {
        int64_t middle = before + (in - before) / 2;
        if (zone_day(z, middle) >= day) {
            in = middle;
        } else {
            before = middle;
        }
    }
    return in;
}
