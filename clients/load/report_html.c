/* The report as one page without scripts: a verdict, figures, plots as inline SVG, light and dark. */
#include "clients/load/plot.h"
#include "clients/load/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define POINTS      400U
#define MB          1048576.0
#define SLOPE_LEAST 60 /* seconds of a run that is no soak, before its slope is told */

static const char style[] =
    ":root{color-scheme:light "
    "dark;--page:#f6f6f4;--card:#fff;--ink:#1b1b1a;--soft:#5d5d59;--rule:#e2e2de;--good:#0b6b3a;"
    "--good-page:#e3f3ea;--bad:#a3201a;--bad-page:#fbe7e5;--c1:#2a6fcb;--c2:#d2601a;--c3:#12875f;--c4:#"
    "7a4fc4;--c5:#8a6d00}"
    "@media(prefers-color-scheme:dark){:root{--page:#161615;--card:#201f1e;--ink:#f1f0ee;--soft:#a9a8a3;--"
    "rule:#383734;"
    "--good:#6fd39b;--good-page:#15301f;--bad:#ff9b93;--bad-page:#3d1a18;--c1:#6ba6f0;--c2:#f0925a;--c3:#"
    "4fc498;--c4:#b79af0;"
    "--c5:#d8b93f}}"
    "*{box-sizing:border-box}body{margin:0;background:var(--page);color:var(--ink);font:15px/1.45 "
    "system-ui,sans-serif}"
    "main{max-width:1120px;margin:0 auto;padding:28px 20px 48px}h1{font-size:22px;margin:0 0 "
    "4px}h2{font-size:16px;margin:28px 0 "
    "10px}p{margin:4px 0}.soft{color:var(--soft)}.verdict{display:inline-block;padding:6px "
    "12px;border-radius:6px;font-weight:600;"
    "margin:14px 0 "
    "4px}.good{background:var(--good-page);color:var(--good)}.bad{background:var(--bad-page);color:var(--bad)"
    "}"
    ".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:14px 0}"
    ".tile{background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:10px 14px}"
    ".tile b{display:block;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}.tile "
    "span{color:var(--soft);font-size:"
    "13px}.wide{overflow-x:auto}table{border-collapse:collapse;background:var(--card);border:1px solid "
    "var(--rule);border-radius:"
    "8px;width:100%}th,td{padding:6px 12px;text-align:right;border-top:1px solid "
    "var(--rule);font-variant-numeric:tabular-nums;"
    "white-space:nowrap}thead "
    "th{border-top:0;color:var(--soft);font-weight:500}th:first-child,td:first-child{text-align:left}"
    "tbody "
    "th{font-weight:400}.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(480px,100%),1fr)"
    ");gap:14px}"
    "figure{margin:0;background:var(--card);border:1px solid var(--rule);border-radius:8px;padding:12px 14px "
    "8px;min-width:0}"
    "figcaption{font-weight:600}.unit{color:var(--soft);font-weight:400;margin-left:8px}svg{display:block;"
    "width:100%;height:auto}"
    ".legend{display:flex;flex-wrap:wrap;gap:4px "
    "14px;font-size:13px;color:var(--soft);min-height:20px}.legend i{display:inline-"
    "block;width:14px;height:3px;border-radius:2px;margin-right:6px;vertical-align:middle}.grid{stroke:var(--"
    "rule);stroke-width:1}"
    ".tick{fill:var(--soft);font-size:12px}.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-"
    "linecap:round}"
    ".area{stroke:none;opacity:.12}.line.c1{stroke:var(--c1)}.line.c2{stroke:var(--c2)}.line.c3{stroke:var(--"
    "c3)}.line.c4{stroke:"
    "var(--c4)}.line.c5{stroke:var(--c5)}.area.c1{fill:var(--c1)}i.c1{background:var(--c1)}i.c2{background:"
    "var(--c2)}i.c3{"
    "background:var(--c3)}i.c4{background:var(--c4)}i.c5{background:var(--c5)}ul{margin:6px "
    "0;padding-left:20px}";

static void escaped(const char *s, FILE *to)
{
    for (; *s != '\0'; s++) {
        if (*s == '<')
            fputs("&lt;", to);
        else if (*s == '&')
            fputs("&amp;", to);
        else if (*s == '"')
            fputs("&quot;", to);
        else
            fputc(*s, to);
    }
}

/* --- head and figures --- */

static void tile(FILE *to, const char *name, const char *format, double value)
{
    char text[40];

    if (value < 0)
        snprintf(text, sizeof(text), "–");
    else if (format == NULL)
        (void)report_count(value, text);
    else
        snprintf(text, sizeof(text), "%.*f%s", value < 10 ? 2 : value < 100 ? 1 : 0, value, format);
    fprintf(to, "<div class=\"tile\"><b>%s</b><span>%s</span></div>", text, name);
}

static void write_tiles(const struct report *r, FILE *to)
{
    const struct figures *f = r->figures;
    const struct histogram *d = &f->all_delivery;

    fputs("<div class=\"tiles\">", to);
    tile(to, "deliveries/s", NULL, figures_delivery_rate(f));
    tile(to, "events/s", NULL, figures_event_rate(f));
    tile(to, "p50 delivery", " ms", d->count > 0 ? (double)histogram_at(d, 50) / 1e6 : -1);
    tile(to, "p99 delivery", " ms", d->count > 0 ? (double)histogram_at(d, 99) / 1e6 : -1);
    tile(to, "upgrades/s", NULL, figures_upgrade_rate(f));
    tile(to, "server CPU", " %", figures_server_cpu(f));
    tile(to, "server memory", " MB", figures_server_rss(f) < 0 ? -1 : figures_server_rss(f) / MB);
    fputs("</div><div class=\"tiles\">", to);
    tile(to, "lost", NULL, (double)f->lost);
    tile(to, "duplicated", NULL, (double)f->duplicated);
    tile(to, "out of order", NULL, (double)f->out_of_order);
    tile(to, "recalled content", NULL, (double)f->content);
    tile(to, "foreign frames", NULL, (double)f->foreign);
    tile(to, "failed calls", NULL, (double)(f->failed + f->refused + f->unsent));
    tile(to, "dropped", NULL, (double)f->dropped);
    fputs("</div>\n", to);
}

static void write_head(const struct report *r, FILE *to)
{
    char what[200], when[40] = "", notes[REPORT_NOTES][320];
    const size_t n = report_notes(r, notes);
    const time_t at = (time_t)r->when_s;
    struct tm tm;

    report_what(r, what, sizeof(what));
    if (gmtime_r(&at, &tm) != NULL)
        (void)strftime(when, sizeof(when), "%Y-%m-%d %H:%M UTC", &tm);
    fprintf(to, "<h1>recall-load: %s</h1><p>%s</p><p class=\"soft\">",
            options_scenario_name(r->options->scenario), what);
    escaped(r->options->url, to);
    fprintf(to, " · %s · run %s · recall-load " RECALLD_VERSION "</p>", when, r->names->run);
    fprintf(to, "<div class=\"verdict %s\">%s</div>", report_good(r) ? "good" : "bad",
            report_good(r)              ? "✓ Good: every promise and every limit was kept"
            : !figures_kept(r->figures) ? "✗ Broken: the server did not keep a promise"
                                        : "✗ Broken: a limit of --slo was not kept");
    if (n > 0)
        fputs("<ul>", to);
    for (size_t i = 0; i < n; i++) {
        fputs("<li>", to);
        escaped(notes[i], to);
        fputs("</li>", to);
    }
    fputs(n > 0 ? "</ul>\n" : "\n", to);
}

static void write_latencies(const struct report *r, FILE *to)
{
    struct report_row rows[REPORT_ROWS];
    const size_t n = report_rows(r->figures, rows);
    char count[32];

    fputs("<h2>Latency, ms</h2><div "
          "class=\"wide\"><table><thead><tr><th>to</th><th>p50</th><th>p90</th><th>p99</th><th>p99.9</th>"
          "<th>max</th><th>count</th></tr></thead><tbody>",
          to);
    for (size_t i = 0; i < n; i++) {
        const struct histogram *h = rows[i].histogram;

        fprintf(to,
                "<tr><th>%s%s</th><td>%.3f</td><td>%.3f</td><td>%.3f</td><td>%.3f</td><td>%.3f</td><td>%s</"
                "td></tr>",
                rows[i].name[0] == ' ' ? "&emsp;" : "", rows[i].name, (double)histogram_at(h, 50) / 1e6,
                (double)histogram_at(h, 90) / 1e6, (double)histogram_at(h, 99) / 1e6,
                (double)histogram_at(h, 99.9) / 1e6, (double)h->most / 1e6,
                report_count((double)h->count, count));
    }
    fprintf(to,
            "</tbody></table></div><p class=\"soft\">Counted from %s. The recall-load process used %.0f %% "
            "of a core.</p>\n",
            r->options->closed ? "the moment of the call"
                               : "the moment for which the call was intended, so that no stall hides",
            figures_own_cpu(r->figures));
}

static void write_limits(const struct report *r, FILE *to)
{
    if (r->options->slo.count == 0)
        return;
    fputs(
        "<h2>Limits</h2><div "
        "class=\"wide\"><table><thead><tr><th>--slo</th><th>limit</th><th>measured</th><th>verdict</th></tr>"
        "</thead><tbody>",
        to);
    for (size_t i = 0; i < r->options->slo.count; i++) {
        const struct slo_limit *l = &r->options->slo.limits[i];
        char limit[48], value[48];

        slo_format(l, l->limit, limit, sizeof(limit));
        slo_format(l, l->value, value, sizeof(value));
        fprintf(to, "<tr><th>%s</th><td>%s %s</td><td>%s</td><td>%s</td></tr>", l->name,
                l->at_least ? "≥" : "≤", limit, value, l->kept ? "✓ kept" : "✗ broken");
    }
    fputs("</tbody></table></div>\n", to);
}

/* --- plots --- */

static void plot_distribution(const struct report *r, FILE *to)
{
    static const struct {
        const char *name;
        size_t at;
    } lines[PLOT_LINES] = {{"every", offsetof(struct figures, all_delivery)},
                           {"recalls", offsetof(struct figures, delivery[FIGURES_RECALL])},
                           {"first", offsetof(struct figures, all_first)},
                           {"last", offsetof(struct figures, all_last)},
                           {"commit", offsetof(struct figures, all_commit)}};
    double x[101], y[PLOT_LINES][101];
    const double most = r->figures->all_delivery.count > 20000  ? 4
                        : r->figures->all_delivery.count > 2000 ? 3
                                                                : 2; /* nines */
    struct plot p = {.title = "Latency to subscribers",
                     .x_name = "percentile",
                     .y_name = "ms",
                     .id = "plot-distribution",
                     .x = x,
                     .count = 101,
                     .nines = true,
                     .log_y = true};

    for (size_t i = 0; i < 101; i++)
        x[i] = 100 * (1 - pow(10, -most * (double)i / 100));
    for (size_t l = 0; l < PLOT_LINES; l++) {
        const struct histogram *h = (const struct histogram *)((const char *)r->figures + lines[l].at);

        if (h->count == 0)
            continue;
        for (size_t i = 0; i < 101; i++)
            y[p.line_count][i] = (double)histogram_at(h, x[i]) / 1e6;
        p.lines[p.line_count] = (struct plot_line){lines[l].name, y[p.line_count]};
        p.line_count++;
    }
    plot_write(&p, to);
}

enum column { P50, P99, MOST, DELIVERIES, EVENTS, CONNECTIONS, CPU, OWN_CPU, RSS, COLUMNS };

struct columns {
    size_t count;
    double x[POINTS], y[COLUMNS][POINTS];
};

static double value_of(const struct figures_second *s, enum column c)
{
    const double span = s->span_s > 0 ? s->span_s : 1;
    const double values[COLUMNS] = {
        [P50] = s->deliveries > 0 ? (double)s->p50_ns / 1e6 : NAN,
        [P99] = s->deliveries > 0 ? (double)s->p99_ns / 1e6 : NAN,
        [MOST] = s->deliveries > 0 ? (double)s->most_ns / 1e6 : NAN,
        [DELIVERIES] = (double)s->deliveries / span,
        [EVENTS] = (double)s->answered / span,
        [CONNECTIONS] = s->connections,
        [CPU] = s->server_cpu < 0 ? NAN : s->server_cpu,
        [OWN_CPU] = s->own_cpu < 0 ? NAN : s->own_cpu,
        [RSS] = s->server_rss < 0 ? NAN : s->server_rss / MB,
    };

    return values[c];
}

/* Of a long run each point stands for several seconds: the worst of latencies, the mean of everything else.
 */
static void gather(const struct figures *f, struct columns *c)
{
    const size_t each = (f->second_count + POINTS - 1) / POINTS;

    c->count = 0;
    for (size_t from = 0; from < f->second_count; from += each) {
        const size_t to = from + each < f->second_count ? from + each : f->second_count;

        c->x[c->count] = f->seconds[to - 1].at_s;
        for (int k = 0; k < COLUMNS; k++) {
            double sum = 0, most = NAN;
            size_t n = 0;

            for (size_t i = from; i < to; i++) {
                const double v = value_of(&f->seconds[i], (enum column)k);

                if (!isfinite(v))
                    continue;
                sum += v;
                n++;
                most = isfinite(most) && most > v ? most : v;
            }
            c->y[k][c->count] = k <= MOST ? most : n > 0 ? sum / (double)n : NAN;
        }
        c->count++;
    }
}

/* The plots over time, each of one to three columns. */
static const struct over_time {
    const char *title, *unit, *id;
    bool log_y, area;
    struct {
        const char *name;
        enum column column;
    } lines[3]; /* name NULL: no more */
} over_time[] = {
    {"Latency of deliveries over time",
     "ms",
     "plot-latency",
     true,
     false,
     {{"p50", P50}, {"p99", P99}, {"max", MOST}}},
    {"Deliveries", "a second", "plot-deliveries", false, true, {{"deliveries", DELIVERIES}}},
    {"Events acknowledged", "a second", "plot-events", false, true, {{"events", EVENTS}}},
    {"Connections", "subscribed", "plot-connections", false, true, {{"connections", CONNECTIONS}}},
    {"CPU", "percent of one core", "plot-cpu", false, false, {{"server", CPU}, {"recall-load", OWN_CPU}}},
    {"Memory of the server", "MB", "plot-memory", false, true, {{"memory", RSS}}},
};

static void plot_over_time(const struct columns *c, const struct over_time *what, FILE *to)
{
    struct plot p = {.title = what->title,
                     .x_name = "s",
                     .y_name = what->unit,
                     .id = what->id,
                     .x = c->x,
                     .count = c->count,
                     .log_y = what->log_y,
                     .area = what->area};

    for (size_t l = 0; l < 3 && what->lines[l].name != NULL; l++)
        p.lines[p.line_count++] = (struct plot_line){what->lines[l].name, c->y[what->lines[l].column]};
    plot_write(&p, to);
}

static void write_plots(const struct report *r, FILE *to)
{
    struct columns *c = malloc(sizeof(*c));

    if (c == NULL)
        return;
    gather(r->figures, c);
    fputs("<h2>Plots</h2><div class=\"plots\">\n", to);
    plot_distribution(r, to);
    for (size_t i = 0; i < sizeof(over_time) / sizeof(over_time[0]); i++)
        plot_over_time(c, &over_time[i], to);
    fputs("</div>\n", to);
    if (r->figures->slope_known &&
        (r->options->scenario == OPTIONS_SOAK || r->figures->second_count >= SLOPE_LEAST))
        fprintf(
            to,
            "<p class=\"soft\">Slope without the first quarter: memory %+.2f MB an hour, CPU %+.2f %% of a "
            "core an hour.</p>\n",
            r->figures->rss_slope / MB, r->figures->cpu_slope);
    free(c);
}

bool report_html(const struct report *r, FILE *to)
{
    fprintf(to,
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
            "content=\"width=device-width,initial-scale=1\"><title>recall-load: "
            "%s</title><style>%s</style></head><body>"
            "<main>\n",
            options_scenario_name(r->options->scenario), style);
    write_head(r, to);
    write_tiles(r, to);
    write_plots(r, to);
    write_latencies(r, to);
    write_limits(r, to);
    fputs("</main></body></html>\n", to);
    return fflush(to) == 0 && !ferror(to);
}
