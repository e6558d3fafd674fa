#include "clients/load/report.h"

#include <string.h>

#define MB 1048576.0

bool report_good(const struct report *r)
{
    return figures_kept(r->figures) && r->limits_kept;
}

size_t report_rows(const struct figures *f, struct report_row rows[REPORT_ROWS])
{
    const struct report_row all[REPORT_ROWS] = {
        {"commit (HTTP answer)", "commit", &f->all_commit},
        {"first subscriber", "first", &f->all_first},
        {"every subscriber", "delivery", &f->all_delivery},
        {"  messages", "messages", &f->delivery[FIGURES_MESSAGE]},
        {"  recalls", "recalls", &f->delivery[FIGURES_RECALL]},
        {"last subscriber", "last", &f->all_last},
        {"call alone", "service", &f->service},
        {"connect and subscribe", "connect", &f->connect},
        {"resume, caught up", "resume", &f->resume},
    };
    size_t n = 0;

    for (size_t i = 0; i < REPORT_ROWS; i++) {
        if (all[i].histogram->count > 0)
            rows[n++] = all[i];
    }
    return n;
}

const char *report_count(double v, char out[32])
{
    char digits[32];
    const int n = snprintf(digits, sizeof(digits), "%.0f", v < 0 ? 0 : v);
    size_t to = 0;

    for (int i = 0; i < n && to < 30; i++) {
        if (i > 0 && (n - i) % 3 == 0)
            out[to++] = ',';
        out[to++] = digits[i];
    }
    out[to] = '\0';
    return out;
}

void report_what(const struct report *r, char *out, size_t size)
{
    const struct options *o = r->options;
    char rate[64];

    if (o->closed)
        snprintf(rate, sizeof(rate), "closed loop, %u in flight", o->in_flight);
    else
        snprintf(rate, sizeof(rate), "open loop, %g calls/s", o->rate);
    snprintf(out, size, "%s, %s, %.4g s, %u connections in %u room%s", options_scenario_name(o->scenario),
             rate, figures_seconds(r->figures), o->connections, o->rooms, o->rooms == 1 ? "" : "s");
}

size_t report_notes(const struct report *r, char notes[REPORT_NOTES][320])
{
    const struct figures *f = r->figures;
    const double own = figures_own_cpu(f);
    size_t n = 0;

    if (f->broken[0] != '\0')
        snprintf(notes[n++], 320, "First broken promise: %s.", f->broken);
    if (f->failure[0] != '\0')
        snprintf(notes[n++], 320, "First call that failed: %s.", f->failure);
    if (f->unsent > 0)
        snprintf(
            notes[n++], 320,
            "%llu calls were due and could not be made: the server answers more slowly than --rate asks, or "
            "--in-flight is too small.",
            (unsigned long long)f->unsent);
    if (f->stopped)
        snprintf(notes[n++], 320, "The run was stopped by a signal; the figures are those so far.");
    if (f->unfinished)
        snprintf(notes[n++], 320,
                 "Two minutes after the load events were still coming (or the waiting was ended by a "
                 "signal): what "
                 "had not come by then counts as lost.");
    if (own > 85)
        snprintf(
            notes[n++], 320,
            "recall-load itself used %.0f %% of a core: latencies contain its own waiting. Use a faster or "
            "second machine, or less load.",
            own);
    if (f->longest_turn_ns > 100000000)
        snprintf(
            notes[n++], 320,
            "recall-load did not look at its sockets for up to %.0f ms: the greatest latencies contain that.",
            (double)f->longest_turn_ns / 1e6);
    if (f->resets > 0)
        snprintf(
            notes[n++], 320,
            "%llu times the server's log did not reach back to a cursor, and it said so (retention_count, "
            "retention_days).",
            (unsigned long long)f->resets);
    if (f->left_outside > 0)
        snprintf(notes[n++], 320,
                 "%llu connections were not let in when for 30 s of a storm nobody was: the server may be at "
                 "its limit of open "
                 "files or max_connections.",
                 (unsigned long long)f->left_outside);
    if (f->dropped > 0)
        snprintf(notes[n++], 320, "The server ended %llu connections, which came back with their cursors.",
                 (unsigned long long)f->dropped);
    if (f->server_start.cpu_s < 0)
        snprintf(notes[n++], 320,
                 "The server's CPU and memory are unknown: it is not on this machine, or its /proc may not "
                 "be read "
                 "(run as the same user).");
    return n;
}

/* --- the table --- */

static void tell_latencies(const struct report *r, FILE *to)
{
    struct report_row rows[REPORT_ROWS];
    const size_t n = report_rows(r->figures, rows);
    char count[32];

    fprintf(to, "\n%-22s %9s %9s %9s %9s %9s %13s\n", "latency, ms", "p50", "p90", "p99", "p99.9", "max",
            "count");
    for (size_t i = 0; i < n; i++) {
        const struct histogram *h = rows[i].histogram;

        fprintf(to, "%-22s %9.3f %9.3f %9.3f %9.3f %9.3f %13s\n", rows[i].name,
                (double)histogram_at(h, 50) / 1e6, (double)histogram_at(h, 90) / 1e6,
                (double)histogram_at(h, 99) / 1e6, (double)histogram_at(h, 99.9) / 1e6, (double)h->most / 1e6,
                report_count((double)h->count, count));
    }
}

static void tell_numbers(const struct report *r, FILE *to)
{
    const struct figures *f = r->figures;
    char a[32], b[32], c[32];

    fprintf(to, "connections   %s made, %s upgrades/s", report_count((double)f->upgrades, a),
            report_count(figures_upgrade_rate(f), b));
    if (f->storm_ns > 0)
        fprintf(to, ", all back in %.3g s", (double)f->storm_ns / 1e9);
    fprintf(to, "; %s dropped by the server\n", report_count((double)f->dropped, c));
    fprintf(to, "calls         %s messages (%s with a quote), %s recalls",
            report_count((double)f->messages, a), report_count((double)f->quotes, b),
            report_count((double)f->recalls, c));
    fprintf(to, "; %s refused, %s failed, %s not sent\n", report_count((double)f->refused, a),
            report_count((double)f->failed, b), report_count((double)f->unsent, c));
    fprintf(to, "events        %s acknowledged, %s/s\n", report_count((double)f->events, a),
            report_count(figures_event_rate(f), b));
    fprintf(to, "deliveries    %s, %s/s; %s behind a cursor or to slow readers\n",
            report_count((double)f->deliveries, a), report_count(figures_delivery_rate(f), b),
            report_count((double)f->replayed, c));
    if (f->typing + f->acks + f->signals > 0)
        fprintf(to, "beside        %s typing and %s acks sent, %s signals received\n",
                report_count((double)f->typing, a), report_count((double)f->acks, b),
                report_count((double)f->signals, c));
}

static const char *megabytes(double bytes, char out[32])
{
    if (bytes > 0)
        snprintf(out, 32, "%.1f MB", bytes / MB);
    else
        snprintf(out, 32, "unknown");
    return out;
}

static void tell_processes(const struct report *r, FILE *to)
{
    const struct figures *f = r->figures;
    char a[32], b[32], c[32];

    if (f->server_start.cpu_s >= 0) {
        fprintf(to, "server        CPU %.0f %% of a core; memory %s at first, %s at last, %s at most",
                figures_server_cpu(f), megabytes(f->server_start.rss, a), megabytes(f->server_end.rss, b),
                megabytes(figures_server_rss(f), c));
        if (f->server_pid != 0)
            fprintf(to, " (process %d)\n", f->server_pid);
        else
            fputs(" (from /metrics)\n", to);
        if (f->slope_known && (r->options->scenario == OPTIONS_SOAK || f->second_count >= 60))
            fprintf(to,
                    "slope         memory %+.2f MB an hour, CPU %+.2f %% of a core an hour (first quarter "
                    "left out)\n",
                    f->rss_slope / MB, f->cpu_slope);
    }
    fprintf(to, "recall-load   CPU %.0f %% of a core; longest pause %.1f ms\n", figures_own_cpu(f),
            (double)f->longest_turn_ns / 1e6);
}

static void tell_limits(const struct report *r, FILE *to)
{
    for (size_t i = 0; i < r->options->slo.count; i++) {
        const struct slo_limit *l = &r->options->slo.limits[i];
        char limit[48], value[48];

        slo_format(l, l->limit, limit, sizeof(limit));
        slo_format(l, l->value, value, sizeof(value));
        fprintf(to, "slo           %-12s %s %-12s %s: %s\n", l->name, l->at_least ? ">=" : "<=", limit,
                l->kept ? "kept  " : "BROKEN", value);
    }
}

void report_table(const struct report *r, FILE *to)
{
    const struct figures *f = r->figures;
    char what[200], notes[REPORT_NOTES][320];
    const size_t n = report_notes(r, notes);

    report_what(r, what, sizeof(what));
    fprintf(to, "recall-load " RECALLD_VERSION ": %s, %s\n\n", what, r->options->url);
    tell_numbers(r, to);
    tell_latencies(r, to);
    fprintf(to,
            "\npromises      lost %llu, duplicated %llu, out of order %llu, recalled content %llu, foreign "
            "%llu\n",
            (unsigned long long)f->lost, (unsigned long long)f->duplicated,
            (unsigned long long)f->out_of_order, (unsigned long long)f->content,
            (unsigned long long)f->foreign);
    tell_processes(r, to);
    tell_limits(r, to);
    for (size_t i = 0; i < n; i++)
        fprintf(to, "note          %s\n", notes[i]);
    fprintf(to, "verdict       %s\n",
            report_good(r)     ? "good"
            : !figures_kept(f) ? "BROKEN: the server did not keep a promise"
                               : "BROKEN: a limit of --slo");
}
