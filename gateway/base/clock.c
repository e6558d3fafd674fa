#include "base/clock.h"

#include <time.h>

#define MS_A_DAY INT64_C(86400000)

int64_t clock_wall_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_REALTIME, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

uint64_t clock_mono_ns(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

int64_t clock_mono_ms(void)
{
    return (int64_t)(clock_mono_ns() / UINT64_C(1000000));
}

/* Both conversions count in eras of 400 years (146,097 days) that start on 1 March, so that a leap day comes
 * last. */
int64_t clock_days_from_date(int64_t year, unsigned month, unsigned day)
{
    if (month <= 2) {
        year--;
    }
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void clock_date_from_days(int64_t days, int64_t *year, unsigned *month, unsigned *day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t m = (5 * day_of_year + 2) / 153;
    *day = (unsigned)(day_of_year - (153 * m + 2) / 5 + 1);
    *month = (unsigned)(m < 10 ? m + 3 : m - 9);
    *year = year_of_era + era * 400 + (*month <= 2 ? 1 : 0);
}

/* `width` decimal digits of a value that has no more. */
static char *digits(char *out, int64_t value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + width;
}

void clock_format_iso(int64_t ms, char out[static CLOCK_ISO_SIZE])
{
    if (ms < CLOCK_MS_MIN) {
        ms = CLOCK_MS_MIN;
    } else if (ms > CLOCK_MS_MAX) {
        ms = CLOCK_MS_MAX;
    }
    int64_t day_number = ms / MS_A_DAY;
    int64_t rest = ms % MS_A_DAY;
    if (rest < 0) {
        rest += MS_A_DAY;
        day_number--;
    }
    int64_t year;
    unsigned month;
    unsigned day;
    clock_date_from_days(day_number, &year, &month, &day);
    char *p = digits(out, year, 4);
    *p++ = '-';
    p = digits(p, month, 2);
    *p++ = '-';
    p = digits(p, day, 2);
    *p++ = 'T';
    p = digits(p, rest / 3600000, 2);
    *p++ = ':';
    p = digits(p, rest / 60000 % 60, 2);
    *p++ = ':';
    p = digits(p, rest / 1000 % 60, 2);
    *p++ = '.';
    p = digits(p, rest % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
}

/* What is left to read of a time. */
struct scan {
    const char *p;
    size_t n;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Exactly `width` digits with a value of at most `max`. */
static bool scan_digits(struct scan *s, int width, int max, int *value)
{
    int v = 0;
    if (s->n < (size_t)width) {
        return false;
    }
    for (int i = 0; i < width; i++) {
        if (!is_digit(s->p[i])) {
            return false;
        }
        v = v * 10 + (s->p[i] - '0');
    }
    s->p += width;
    s->n -= (size_t)width;
    *value = v;
    return v <= max;
}

static bool scan_char(struct scan *s, char c)
{
    if (s->n == 0 || *s->p != c) {
        return false;
    }
    s->p++;
    s->n--;
    return true;
}

static bool scan_epoch(struct scan s, int64_t *ms)
{
    bool negative = scan_char(&s, '-');
    if (s.n == 0 || s.n > 15) {
        return false;
    }
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (!is_digit(s.p[i])) {
            return false;
        }
        v = v * 10 + (s.p[i] - '0');
    }
    *ms = negative ? -v : v;
    return true;
}

static bool scan_date(struct scan *s, int64_t *days)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year;
    int month;
    int day;
    if (!scan_digits(s, 4, 9999, &year) || !scan_char(s, '-') || !scan_digits(s, 2, 12, &month) ||
        month < 1 || !scan_char(s, '-') || !scan_digits(s, 2, 31, &day) || day < 1) {
        return false;
    }
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (day > lengths[month - 1] + (month == 2 && leap ? 1 : 0)) {
        return false;
    }
    *days = clock_days_from_date(year, (unsigned)month, (unsigned)day);
    return true;
}

/* hh:mm[:ss[.fraction]] as ms. A leap second (60) counts as the second after. */
static bool scan_time(struct scan *s, int64_t *ms)
{
    int hour;
    int minute;
    int second = 0;
    int64_t fraction = 0;
    if (!scan_digits(s, 2, 23, &hour) || !scan_char(s, ':') || !scan_digits(s, 2, 59, &minute)) {
        return false;
    }
    if (scan_char(s, ':')) {
        if (!scan_digits(s, 2, 60, &second)) {
            return false;
        }
        if (scan_char(s, '.') || scan_char(s, ',')) {
            int64_t unit = 100;
            if (s->n == 0 || !is_digit(*s->p)) {
                return false;
            }
            for (; s->n > 0 && is_digit(*s->p); s->p++, s->n--) {
                fraction += (*s->p - '0') * unit;
                unit /= 10;
            }
        }
    }
    *ms = ((int64_t)hour * 60 + minute) * 60000 + (int64_t)second * 1000 + fraction;
    return true;
}

/* Nothing, Z, +hh:mm, +hhmm or +hh, as ms east of UTC. */
static bool scan_offset(struct scan *s, int64_t *ms)
{
    *ms = 0;
    if (s->n == 0 || scan_char(s, 'Z') || scan_char(s, 'z')) {
        return true;
    }
    bool west = scan_char(s, '-');
    int hour;
    int minute = 0;
    if ((!west && !scan_char(s, '+')) || !scan_digits(s, 2, 23, &hour)) {
        return false;
    }
    if (s->n > 0) {
        (void)scan_char(s, ':');
        if (!scan_digits(s, 2, 59, &minute)) {
            return false;
        }
    }
    *ms = ((int64_t)hour * 60 + minute) * (west ? -60000 : 60000);
    return true;
}

bool clock_parse(const char *text, size_t len, int64_t *ms)
{
    struct scan s = {text, len};
    int64_t days;
    int64_t time = 0;
    int64_t offset = 0;
    if (scan_epoch(s, ms)) {
        return true;
    }
    if (!scan_date(&s, &days)) {
        return false;
    }
    if (s.n > 0) {
        if (!scan_char(&s, 'T') && !scan_char(&s, 't') && !scan_char(&s, ' ')) {
            return false;
        }
        if (!scan_time(&s, &time) || !scan_offset(&s, &offset) || s.n > 0) {
            return false;
        }
    }
    *ms = days * MS_A_DAY + time - offset;
    return true;
}
