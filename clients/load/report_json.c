/* The report for machines. */
#include "clients/load/report.h"
#include "proto/codec/json_out.h"

#include <math.h>
#include <string.h>
#include <time.h>

static const double percentiles[] = {50, 75, 90, 95, 99, 99.9, 99.99, 100};

/* A number with up to three decimals; null for what is unknown. */
static void number(struct json_out *o, const char *key, double v)
{
    char text[48];
    const int n = snprintf(text, sizeof(text), "%.3f", v);

    if (!isfinite(v))
        json_out_knull(o, key);
    else
        json_out_kraw(o, key, text, (size_t)n);
}

static void known(struct json_out *o, const char *key, double v)
{
    number(o, key, v < 0 ? NAN : v);
}

static void count(struct json_out *o, const char *key, uint64_t v)
{
    json_out_kint(o, key, (int64_t)v);
}

static void write_options(struct json_out *o, const struct report *r)
{
    const struct options *op = r->options;

    json_out_key(o, "options");
    json_out_object(o);
    json_out_kcstr(o, "url", op->url);
    json_out_kcstr(o, "scenario", options_scenario_name(op->scenario));
    json_out_kcstr(o, "loop", op->closed ? "closed" : "open");
    count(o, "connections", op->connections);
    count(o, "rooms", op->rooms);
    if (!op->closed)
        number(o, "rate", op->rate);
    count(o, "inFlight", op->in_flight);
    number(o, "durationS", (double)op->duration_ns / 1e9);
    count(o, "bytes", op->bytes);
    count(o, "recallPercent", op->recalls);
    count(o, "sourceAddresses", op->source_addresses);
    json_out_kbool(o, "acks", op->acks);
    json_out_kbool(o, "rongcloud", op->app_key != NULL);
    json_out_object_end(o);
}

static void write_counts(struct json_out *o, const struct figures *f)
{
    json_out_key(o, "counts");
    json_out_object(o);
    count(o, "messages", f->messages);
    count(o, "quotes", f->quotes);
    count(o, "recalls", f->recalls);
    count(o, "answered", f->answered);
    count(o, "refused", f->refused);
    count(o, "failed", f->failed);
    count(o, "unsent", f->unsent);
    count(o, "events", f->events);
    count(o, "deliveries", f->deliveries);
    count(o, "replayed", f->replayed);
    count(o, "bytesReceived", f->bytes);
    count(o, "typing", f->typing);
    count(o, "acks", f->acks);
    count(o, "signals", f->signals);
    count(o, "upgrades", f->upgrades);
    count(o, "dropped", f->dropped);
    count(o, "resets", f->resets);
    count(o, "leftOutside", f->left_outside);
    json_out_object_end(o);
    json_out_key(o, "promises");
    json_out_object(o);
    count(o, "lost", f->lost);
    count(o, "duplicated", f->duplicated);
    count(o, "outOfOrder", f->out_of_order);
    count(o, "content", f->content);
    count(o, "foreign", f->foreign);
    json_out_object_end(o);
    json_out_key(o, "rates");
    json_out_object(o);
    number(o, "deliveriesPerS", figures_delivery_rate(f));
    number(o, "eventsPerS", figures_event_rate(f));
    number(o, "upgradesPerS", figures_upgrade_rate(f));
    if (f->storm_ns > 0)
        number(o, "stormS", (double)f->storm_ns / 1e9);
    json_out_object_end(o);
}

static void write_latencies(struct json_out *o, const struct figures *f)
{
    struct report_row rows[REPORT_ROWS];
    const size_t n = report_rows(f, rows);

    json_out_key(o, "latencyMS");
    json_out_object(o);
    for (size_t i = 0; i < n; i++) {
        const struct histogram *h = rows[i].histogram;
        char key[16];

        json_out_key(o, rows[i].key);
        json_out_object(o);
        count(o, "count", h->count);
        number(o, "mean", histogram_mean(h) / 1e6);
        number(o, "min", (double)h->least / 1e6);
        for (size_t p = 0; p < sizeof(percentiles) / sizeof(percentiles[0]); p++) {
            snprintf(key, sizeof(key), "p%g", percentiles[p]);
            json_out_name(o, percentiles[p] < 100 ? key : "max", strlen(percentiles[p] < 100 ? key : "max"));
            char text[32];
            const int len =
                snprintf(text, sizeof(text), "%.6f", (double)histogram_at(h, percentiles[p]) / 1e6);

            json_out_raw(o, text, (size_t)len);
        }
        json_out_object_end(o);
    }
    json_out_object_end(o);
}

static void write_processes(struct json_out *o, const struct figures *f)
{
    json_out_key(o, "server");
    json_out_object(o);
    if (f->server_pid != 0)
        json_out_kint(o, "pid", f->server_pid);
    known(o, "cpuPercent", figures_server_cpu(f));
    known(o, "rssBytesFirst", f->server_start.rss);
    known(o, "rssBytesLast", f->server_end.rss);
    known(o, "rssBytesMost", figures_server_rss(f));
    number(o, "rssBytesPerHour", f->slope_known ? f->rss_slope : NAN);
    number(o, "cpuPercentPerHour", f->slope_known ? f->cpu_slope : NAN);
    json_out_object_end(o);
    json_out_key(o, "harness");
    json_out_object(o);
    known(o, "cpuPercent", figures_own_cpu(f));
    known(o, "rssBytes", f->own_end.rss);
    number(o, "longestPauseMS", (double)f->longest_turn_ns / 1e6);
    json_out_object_end(o);
}

static void write_seconds(struct json_out *o, const struct figures *f)
{
    json_out_key(o, "seconds");
    json_out_array(o);
    for (size_t i = 0; i < f->second_count; i++) {
        const struct figures_second *s = &f->seconds[i];

        json_out_object(o);
        number(o, "atS", s->at_s);
        count(o, "asked", s->asked);
        count(o, "answered", s->answered);
        count(o, "failed", s->failed);
        count(o, "deliveries", s->deliveries);
        number(o, "p50MS", (double)s->p50_ns / 1e6);
        number(o, "p99MS", (double)s->p99_ns / 1e6);
        number(o, "maxMS", (double)s->most_ns / 1e6);
        count(o, "connections", s->connections);
        known(o, "serverCpuPercent", s->server_cpu);
        known(o, "serverRssBytes", s->server_rss);
        known(o, "harnessCpuPercent", s->own_cpu);
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

static void write_verdict(struct json_out *o, const struct report *r)
{
    char notes[REPORT_NOTES][320];
    const size_t n = report_notes(r, notes);

    json_out_key(o, "slo");
    json_out_array(o);
    for (size_t i = 0; i < r->options->slo.count; i++) {
        const struct slo_limit *l = &r->options->slo.limits[i];
        const double unit = l->unit == SLO_NS ? 1e6 : 1;

        json_out_object(o);
        json_out_kcstr(o, "name", l->name);
        json_out_kcstr(o, "limitIs", l->at_least ? "least" : "most");
        json_out_kcstr(o, "unit",
                       l->unit == SLO_NS        ? "ms"
                       : l->unit == SLO_COUNT   ? ""
                       : l->unit == SLO_RATE    ? "/s"
                       : l->unit == SLO_PERCENT ? "%"
                                                : "MB");
        number(o, "limit", l->limit / unit);
        known(o, "value", l->value < 0 ? -1 : l->value / unit);
        json_out_kbool(o, "kept", l->kept);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_key(o, "notes");
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        json_out_cstr(o, notes[i]);
    json_out_array_end(o);
    json_out_kbool(o, "stopped", r->figures->stopped);
    json_out_kbool(o, "good", report_good(r));
}

bool report_json(const struct report *r, FILE *to)
{
    struct json_out o;
    char when[32];
    struct tm tm;
    const time_t at = (time_t)r->when_s;
    bool ok;

    json_out_init(&o);
    json_out_object(&o);
    json_out_kcstr(&o, "program", "recall-load " RECALLD_VERSION);
    if (gmtime_r(&at, &tm) != NULL && strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0)
        json_out_kcstr(&o, "when", when);
    json_out_kcstr(&o, "run", r->names->run);
    write_options(&o, r);
    number(&o, "measuredS", figures_seconds(r->figures));
    write_counts(&o, r->figures);
    write_latencies(&o, r->figures);
    write_processes(&o, r->figures);
    write_seconds(&o, r->figures);
    write_verdict(&o, r);
    json_out_object_end(&o);
    ok = json_out_ok(&o) && fwrite(o.p, 1, o.len, to) == o.len && fputc('\n', to) != EOF;
    json_out_free(&o);
    return ok && fflush(to) == 0;
}
