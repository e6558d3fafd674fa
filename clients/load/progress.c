#include "clients/load/progress.h"

#include <stdio.h>

#define ON_TERMINAL_NS INT64_C(250000000)
#define ELSEWHERE_NS   INT64_C(5000000000)

void progress_end(const struct run *r)
{
    if (r->tty && r->told_ns != 0)
        fputs("\r\033[K", stderr);
}

void progress_say(struct run *r, const char *text)
{
    progress_end(r);
    fprintf(stderr, "recall-load: %s\n", text);
}

void progress_tell(struct run *r, int64_t now_ns)
{
    const struct figures *f = &r->figures;
    const struct figures_second *last = f->second_count > 0 ? &f->seconds[f->second_count - 1] : NULL;
    const double span = last != NULL && last->span_s > 0 ? last->span_s : 1;
    char text[240];
    int n;

    if (now_ns - r->told_ns < (r->tty ? ON_TERMINAL_NS : ELSEWHERE_NS))
        return;
    if (r->told_ns == 0 && !r->tty) { /* a short run needs no line */
        r->told_ns = now_ns;
        return;
    }
    r->told_ns = now_ns;
    n = snprintf(text, sizeof(text), "%s", r->phase);
    if (r->measuring)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " %.0f of %.0f s",
                      (double)(now_ns - f->start_ns) / 1e9, (double)r->options->duration_ns / 1e9);
    n += snprintf(text + n, sizeof(text) - (size_t)n, " | %u connected", r->crowd.live);
    if (last != NULL)
        n += snprintf(text + n, sizeof(text) - (size_t)n,
                      " | %.0f events/s, %.0f deliveries/s | p50 %.2f p99 %.2f ms",
                      (double)last->answered / span, (double)last->deliveries / span,
                      (double)last->p50_ns / 1e6, (double)last->p99_ns / 1e6);
    if (f->failed + f->refused > 0)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " | %llu calls failed",
                      (unsigned long long)(f->failed + f->refused));
    if (f->duplicated + f->out_of_order + f->content + f->foreign > 0)
        n += snprintf(text + n, sizeof(text) - (size_t)n, " | PROMISES BROKEN");
    (void)n;
    fprintf(stderr, r->tty ? "\r\033[K%.150s" : "%s\n", text);
}
