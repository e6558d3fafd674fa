#include "clients/load/plot.h"

#include <math.h>

#define WIDTH  540.0
#define HEIGHT 230.0
#define LEFT   50.0
#define RIGHT  16.0
#define TOP    34.0
#define BOTTOM 34.0
#define TICKS  5

struct scale {
    double low, high; /* of what is drawn: values, their logarithms, or nines */
    double from, to;  /* in the picture */
};

static double nines_of(double percent)
{
    return -log10(1 - percent / 100);
}

static double at(const struct scale *s, double v)
{
    return s->from + (s->high > s->low ? (v - s->low) / (s->high - s->low) : 0) * (s->to - s->from);
}

/* 1, 2 or 5 times a power of ten, so that at most TICKS of it reach over the range. */
static double step_of(double range)
{
    const double raw = range / TICKS, power = pow(10, floor(log10(raw)));
    const double times = raw / power;

    return (times <= 1 ? 1 : times <= 2 ? 2 : times <= 5 ? 5 : 10) * power;
}

static void write_number(FILE *to, double v)
{
    if (v >= 1e6)
        fprintf(to, "%gM", v / 1e6);
    else if (v >= 10000)
        fprintf(to, "%gk", v / 1e3);
    else
        fprintf(to, "%g", fabs(v) < 1e-12 ? 0 : v);
}

static bool range_of(const struct plot *p, double *low, double *high)
{
    bool any = false;

    *low = *high = 0;
    for (size_t l = 0; l < p->line_count; l++) {
        for (size_t i = 0; i < p->count; i++) {
            const double v = p->lines[l].y[i];

            if (!isfinite(v) || (p->log_y && v <= 0))
                continue;
            *low = !any || v < *low ? v : *low;
            *high = !any || v > *high ? v : *high;
            any = true;
        }
    }
    return any;
}

static void write_y_line(const struct plot *p, const struct scale *y, double place, double value, FILE *to)
{
    (void)p;
    fprintf(to, "<line class=\"grid\" x1=\"%.0f\" x2=\"%.0f\" y1=\"%.1f\" y2=\"%.1f\"/>", LEFT, WIDTH - RIGHT,
            at(y, place), at(y, place));
    fprintf(to, "<text class=\"tick\" x=\"%.0f\" y=\"%.1f\" text-anchor=\"end\">", LEFT - 8,
            at(y, place) + 4);
    write_number(to, value);
    fputs("</text>", to);
}

static void write_y(const struct plot *p, struct scale *y, double low, double high, FILE *to)
{
    *y = (struct scale){.from = HEIGHT - BOTTOM, .to = TOP};
    if (p->log_y) {
        y->low = floor(log10(low));
        y->high = ceil(log10(high));
        y->high = y->high <= y->low ? y->low + 1 : y->high;
        for (double e = y->low; e <= y->high + 1e-9; e++)
            write_y_line(p, y, e, pow(10, e), to);
    } else {
        const double step = high > 0 ? step_of(high) : 1;

        y->high = high > 0 ? ceil(high / step - 1e-9) * step : 1;
        for (double v = 0; v <= y->high + step / 2; v += step)
            write_y_line(p, y, v, v, to);
    }
}

static void write_x_mark(const struct scale *x, double place, const char *format, double value, FILE *to)
{
    fprintf(to, "<text class=\"tick\" x=\"%.1f\" y=\"%.0f\" text-anchor=\"middle\">", at(x, place),
            HEIGHT - BOTTOM + 18);
    fprintf(to, format, value);
    fputs("</text>", to);
}

static void write_x(const struct plot *p, struct scale *x, FILE *to)
{
    static const double marks[] = {0, 50, 90, 99, 99.9, 99.99, 99.999};
    const double last = p->count > 0 ? p->x[p->count - 1] : 1;

    *x = (struct scale){.from = LEFT, .to = WIDTH - RIGHT};
    if (p->nines) {
        x->high = nines_of(last);
        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]) && marks[i] <= last; i++)
            write_x_mark(x, nines_of(marks[i]), "%g", marks[i], to);
    } else {
        const double step = last > 0 ? step_of(last) : 1;

        x->high = last > 0 ? last : 1;
        for (double v = 0; v <= x->high + step * 1e-6; v += step)
            write_x_mark(x, v, "%g", v, to);
    }
    fprintf(to, "<text class=\"tick\" x=\"%.0f\" y=\"%.0f\" text-anchor=\"end\">%s</text>", WIDTH - RIGHT,
            HEIGHT - 2, p->x_name);
}

static void write_line(const struct plot *p, size_t l, const struct scale *x, const struct scale *y, FILE *to)
{
    double first = NAN, last = NAN;
    bool down = false;

    fprintf(to, "<path class=\"line c%zu\" d=\"", l + 1);
    for (size_t i = 0; i < p->count; i++) {
        const double v = p->lines[l].y[i], px = at(x, p->nines ? nines_of(p->x[i]) : p->x[i]);

        if (!isfinite(v) || (p->log_y && v <= 0)) {
            down = false;
            continue;
        }
        fprintf(to, "%c%.1f %.1f", down ? 'L' : 'M', px, at(y, p->log_y ? log10(v) : v));
        down = true;
        first = isfinite(first) ? first : px;
        last = px;
    }
    fputs("\"/>", to);
    if (!p->area || l != 0 || !isfinite(first))
        return;
    fprintf(to, "<path class=\"area c1\" d=\"M%.1f %.1f", first, at(y, 0));
    for (size_t i = 0; i < p->count; i++) {
        if (isfinite(p->lines[l].y[i]))
            fprintf(to, "L%.1f %.1f", at(x, p->x[i]), at(y, p->lines[l].y[i]));
    }
    fprintf(to, "L%.1f %.1fZ\"/>", last, at(y, 0));
}

void plot_write(const struct plot *p, FILE *to)
{
    struct scale x, y;
    double low, high;

    if (p->count < 2 || !range_of(p, &low, &high))
        return;
    fprintf(to, "<figure><figcaption>%s<span class=\"unit\">%s</span></figcaption>", p->title, p->y_name);
    fputs("<div class=\"legend\">", to);
    for (size_t l = 0; l < p->line_count && p->line_count > 1; l++)
        fprintf(to, "<span><i class=\"c%zu\"></i>%s</span>", l + 1, p->lines[l].name);
    fprintf(to,
            "</div><svg viewBox=\"0 %.0f %.0f %.0f\" role=\"img\" aria-labelledby=\"%s\"><title "
            "id=\"%s\">%s, %s</title>",
            TOP - 14, WIDTH, HEIGHT - TOP + 16, p->id, p->id, p->title, p->y_name);
    write_y(p, &y, low, high, to);
    write_x(p, &x, to);
    for (size_t l = p->line_count; l-- > 0;)
        write_line(p, l, &x, &y, to);
    fputs("</svg></figure>\n", to);
}
