#include "clients/load/slo.h"

#include "clients/load/figures.h"
#include "clients/load/options.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define MB           (1024.0 * 1024.0)

struct name {
    const char *name;
    enum slo_unit unit;
    bool at_least;
    const char *meaning;
};

static const struct name names[] = {
    {"p50", SLO_NS, false, "half of all deliveries came within this time"},
    {"p90", SLO_NS, false, NULL},
    {"p99", SLO_NS, false, NULL},
    {"p999", SLO_NS, false, "999 of 1,000 deliveries (also written p99.9)"},
    {"max", SLO_NS, false, "the slowest delivery"},
    {"first-p99", SLO_NS, false, "the first subscriber of an event"},
    {"last-p99", SLO_NS, false, "the last subscriber of an event"},
    {"recall-p99", SLO_NS, false, "deliveries of recalls alone"},
    {"commit-p50", SLO_NS, false, "the HTTP answer"},
    {"commit-p99", SLO_NS, false, NULL},
    {"connect-p99", SLO_NS, false, "from opening a connection to its subscription"},
    {"resume-p99", SLO_NS, false, "from opening a connection again to being caught up"},
    {"resume-max", SLO_NS, false, NULL},
    {"lost", SLO_COUNT, false, "deliveries that never came"},
    {"duplicated", SLO_COUNT, false, "deliveries that came again"},
    {"out-of-order", SLO_COUNT, false, "deliveries that came behind a later event"},
    {"content", SLO_COUNT, false, "frames with content of a message that had been recalled"},
    {"failed", SLO_COUNT, false,
     "calls without a good answer, those refused for overload (429, 503) included"},
    {"dropped", SLO_COUNT, false, "connections that the server ended"},
    {"deliveries", SLO_RATE, true, "at least so many deliveries a second"},
    {"events", SLO_RATE, true, "at least so many events acknowledged a second"},
    {"upgrades", SLO_RATE, true, "at least so many connections made a second"},
    {"cpu", SLO_PERCENT, false, "of the server, in percent of one core"},
    {"rss", SLO_MB, false, "memory of the server, in MB"},
    {"rss-slope", SLO_MB, false, "growth of the server's memory, in MB an hour"},
};

static const struct name *find(const char *text, size_t n)
{
    if (n == 5 && memcmp(text, "p99.9", 5) == 0)
        return find("p999", 4);
    for (size_t i = 0; i < COUNT(names); i++) {
        if (strlen(names[i].name) == n && memcmp(names[i].name, text, n) == 0)
            return &names[i];
    }
    return NULL;
}

static bool read_value(const struct name *name, const char *text, double *out)
{
    int64_t ns;
    char *end;

    if (name->unit == SLO_NS) {
        if (!options_duration(text, 1000000, &ns))
            return false;
        *out = (double)ns;
        return true;
    }
    *out = strtod(text, &end);
    if (end == text || *out < 0 || *out > 1e15)
        return false;
    return *end == '\0' || (name->unit == SLO_PERCENT && strcmp(end, "%") == 0) ||
           (name->unit == SLO_MB && strcmp(end, "MB") == 0);
}

static bool read_one(struct slo_list *list, const char *text, size_t n, char *error, size_t size)
{
    const char *equal = memchr(text, '=', n);
    const struct name *name;
    struct slo_limit *limit = &list->limits[list->count];
    char value[64];

    if (equal == NULL) {
        snprintf(error, size, "--slo: \"%.*s\" has no limit: write for example p99=50ms", (int)n, text);
        return false;
    }
    name = find(text, (size_t)(equal - text));
    if (name == NULL) {
        snprintf(error, size, "--slo: there is no \"%.*s\"; recall-load --help lists the names",
                 (int)(equal - text), text);
        return false;
    }
    snprintf(value, sizeof(value), "%.*s", (int)(text + n - equal - 1), equal + 1);
    if (list->count == SLO_MOST || !read_value(name, value, &limit->limit)) {
        snprintf(error, size, "--slo: %s=%s: %s", name->name, value,
                 list->count == SLO_MOST ? "there are too many limits"
                 : name->unit == SLO_NS  ? "the limit must be a time, for example 50ms"
                                         : "the limit must be a number");
        return false;
    }
    limit->name = name->name;
    limit->unit = name->unit;
    limit->at_least = name->at_least;
    list->count++;
    return true;
}

bool slo_read(struct slo_list *list, const char *text, char *error, size_t size)
{
    while (*text != '\0') {
        const size_t n = strcspn(text, ",");

        if (n > 0 && !read_one(list, text, n, error, size))
            return false;
        text += n + (text[n] == ',');
    }
    return true;
}

/* A percentile, negative where nothing was recorded. */
static double at(const struct histogram *h, double percent)
{
    return h->count == 0 ? -1 : (double)histogram_at(h, percent);
}

static double time_of(const char *name, const struct figures *f)
{
    static const struct {
        const char *name;
        size_t histogram;
        double percent;
    } times[] = {
        {"p50", offsetof(struct figures, all_delivery), 50},
        {"p90", offsetof(struct figures, all_delivery), 90},
        {"p99", offsetof(struct figures, all_delivery), 99},
        {"p999", offsetof(struct figures, all_delivery), 99.9},
        {"max", offsetof(struct figures, all_delivery), 100},
        {"first-p99", offsetof(struct figures, all_first), 99},
        {"last-p99", offsetof(struct figures, all_last), 99},
        {"recall-p99", offsetof(struct figures, delivery[FIGURES_RECALL]), 99},
        {"commit-p50", offsetof(struct figures, all_commit), 50},
        {"commit-p99", offsetof(struct figures, all_commit), 99},
        {"connect-p99", offsetof(struct figures, connect), 99},
        {"resume-p99", offsetof(struct figures, resume), 99},
        {"resume-max", offsetof(struct figures, resume), 100},
    };

    for (size_t i = 0; i < COUNT(times); i++) {
        if (strcmp(times[i].name, name) == 0)
            return at((const struct histogram *)((const char *)f + times[i].histogram), times[i].percent);
    }
    return -1;
}

static double value_of(const struct slo_limit *l, const struct figures *f)
{
    const struct {
        const char *name;
        double value;
    } values[] = {
        {"lost", (double)f->lost},
        {"duplicated", (double)f->duplicated},
        {"out-of-order", (double)f->out_of_order},
        {"content", (double)f->content},
        {"failed", (double)(f->failed + f->refused + f->unsent)},
        {"dropped", (double)f->dropped},
        {"deliveries", figures_delivery_rate(f)},
        {"events", figures_event_rate(f)},
        {"upgrades", figures_upgrade_rate(f)},
        {"cpu", figures_server_cpu(f)},
        {"rss", figures_server_rss(f) / MB},
        {"rss-slope", f->slope_known ? (f->rss_slope > 0 ? f->rss_slope / MB : 0) : -1},
    };

    if (l->unit == SLO_NS)
        return time_of(l->name, f);
    for (size_t i = 0; i < COUNT(values); i++) {
        if (strcmp(values[i].name, l->name) == 0)
            return values[i].value;
    }
    return -1;
}

bool slo_judge(struct slo_list *list, const struct figures *f)
{
    bool all = true;

    for (size_t i = 0; i < list->count; i++) {
        struct slo_limit *l = &list->limits[i];

        l->value = value_of(l, f);
        l->judged = true;
        l->kept = l->value >= 0 && (l->at_least ? l->value >= l->limit : l->value <= l->limit);
        all = all && l->kept;
    }
    return all;
}

void slo_format(const struct slo_limit *limit, double value, char *out, size_t size)
{
    if (value < 0)
        snprintf(out, size, "not measured");
    else if (limit->unit == SLO_NS)
        snprintf(out, size, "%.*f ms", value < 1e7 ? 2 : value < 1e8 ? 1 : 0, value / 1e6);
    else if (limit->unit == SLO_COUNT)
        snprintf(out, size, "%.0f", value);
    else
        snprintf(out, size, "%.*f%s", value < 10 ? 1 : 0, value,
                 limit->unit == SLO_RATE      ? "/s"
                 : limit->unit == SLO_PERCENT ? " %"
                                              : " MB");
}

void slo_help(FILE *to)
{
    for (size_t i = 0; i < COUNT(names); i++)
        fprintf(to, "    %-12s %s\n", names[i].name,
                names[i].meaning != NULL ? names[i].meaning : "the same");
}
