/*
 * gateway/base/clock.h - the two clocks, and times as text.
 *
 * Owns nothing, allocates nothing, never blocks; any thread. Wall time is ms since 1970-01-01T00:00:00Z as
 * int64_t and may jump; monotonic time is ns since an arbitrary start and does not. core/ reads no clock: it
 * gets times as parameters.
 */
#ifndef RECALLD_BASE_CLOCK_H
#define RECALLD_BASE_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CLOCK_ISO_SIZE 25                       /* "2024-05-01T10:00:00.123Z" and its zero byte */
#define CLOCK_MS_MIN (-INT64_C(62167219200000)) /* 0000-01-01T00:00:00.000Z */
#define CLOCK_MS_MAX INT64_C(253402300799999)   /* 9999-12-31T23:59:59.999Z */

/* Wall clock, ms since 1970. */
int64_t clock_wall_ms(void);
/* Monotonic clock, ns. */
uint64_t clock_mono_ns(void);
/* Monotonic clock, ms: for deadlines. */
int64_t clock_mono_ms(void);

/* Writes `ms` as ISO 8601 in UTC with three digits of fraction. Times outside CLOCK_MS_MIN..MAX are clamped
 * to it. */
void clock_format_iso(int64_t ms, char out[static CLOCK_ISO_SIZE]);

/*
 * Reads a time: ISO 8601 ("2024-05-01", "2024-05-01T10:00", "…:00", "….123456", then nothing or Z for UTC, or
 * +hh:mm, +hhmm, +hh, with '-' alike; 'T', 't' or a space between date and time; digits after ms are
 * dropped), or 1 to 15 digits of ms since 1970, with '-' before them allowed. True and *ms on success; false,
 * *ms untouched, for anything else, the empty text included.
 */
bool clock_parse(const char *text, size_t len, int64_t *ms);

/* Days since 1970-01-01 of a date of the proleptic Gregorian calendar; month 1..12, day 1..31. */
int64_t clock_days_from_date(int64_t year, unsigned month, unsigned day);
/* The date of a day counted from 1970-01-01: the reverse of the above. */
void clock_date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day);

#endif
