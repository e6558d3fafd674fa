/*
 * clients/load/plot.h - one plot of lines, written as an inline SVG whose colours are the page's.
 *
 * Owns:    nothing.
 * Borrows: all of it, during the call.
 * Bounds:  PLOT_LINES lines.
 * Fails:   never; the caller looks at ferror once.
 * Thread:  one.
 */
#ifndef RECALL_LOAD_PLOT_H
#define RECALL_LOAD_PLOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define PLOT_LINES 5

struct plot_line {
    const char *name;
    const double *y; /* `count` values of the plot; NAN: none here */
};

struct plot {
    const char *title, *x_name, *y_name; /* y_name: the unit */
    const char *id;                      /* unique on the page */
    const double *x;                     /* ascending */
    size_t count;
    bool nines; /* x is a percentile from 0 to below 100, drawn so that each further nine takes the same width
                 */
    bool log_y; /* powers of ten; values must be above 0 */
    bool area;  /* the first line is filled down to zero */
    struct plot_line lines[PLOT_LINES];
    size_t line_count;
};

void plot_write(const struct plot *p, FILE *to);

#endif
