#include "base/log.h"

#include "base/clock.h"
#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The one global: see the header. */
static _Atomic int level_now = LOG_LEVEL_INFO;

static _Thread_local struct {
    bool on;
    size_t len;
    char lines[LOG_LINE_MAX];
} gathered;

static const char *const level_names[] = {"debug", "info", "warn", "error"};

/* What ends a line that was cut, and what ends one that was not. */
static const char tail_cut[] = ",\"cut\":true}\n";
static const char tail[] = "}\n";

/* A line being written: the tail's room is set aside from the start, so that a cut line is still JSON. */
struct line {
    char *p;
    size_t len;
    size_t cap;
    bool full;
};

static void put(struct line *l, const char *s, size_t n)
{
    if (l->full || n > l->cap - l->len) {
        l->full = true;
        return;
    }
    memcpy(l->p + l->len, s, n);
    l->len += n;
}

static void put_text(struct line *l, const char *z)
{
    put(l, z, strlen(z));
}

/* The length of the well-formed UTF-8 character at s, 0 if there is none. */
static size_t character(const char *s, size_t len)
{
    for (size_t n = 1; n <= 4 && n <= len; n++) {
        if (text_utf8_valid(s, n)) {
            return n;
        }
    }
    return 0;
}

/* How many of the bytes stand in JSON as they are, one for a character. */
static size_t plain_run(const char *s, size_t len)
{
    size_t n = 0;
    while (n < len && (unsigned char)s[n] >= 0x20 && (unsigned char)s[n] < 0x7F && s[n] != '"' && s[n] != '\\') {
        n++;
    }
    return n;
}

/* A text in quotes. One too long for the line loses its end, not its quotes. */
static void put_quoted(struct line *l, const char *s, size_t len)
{
    if (l->full || l->cap - l->len < 2) {
        l->full = true;
        return;
    }
    put(l, "\"", 1);
    l->cap--; /* the closing quote's */
    for (size_t i = 0; i < len && !l->full;) {
        unsigned char c = (unsigned char)s[i];
        const size_t run = plain_run(s + i, len - i);
        const size_t room = l->cap - l->len;
        if (run > 0) {
            put(l, s + i, run <= room ? run : room);
            l->full = l->full || run > room;
            i += run;
            continue;
        }
        size_t n = character(s + i, len - i);
        char escape[8];
        if (n == 0) {
            put_text(l, "\xEF\xBF\xBD");
            n = 1;
        } else if (c == '"' || c == '\\') {
            put(l, (char[]){'\\', (char)c}, 2);
        } else if (c < 0x20 || c == 0x7F) {
            (void)snprintf(escape, sizeof escape, "\\u%04x", c);
            put(l, escape, 6);
        } else {
            put(l, s + i, n);
        }
        i += n;
    }
    l->cap++;
    l->p[l->len++] = '"';
}

static void put_value(struct line *l, const struct log_field *f)
{
    char number[40];
    switch (f->kind) {
    case LOG_KIND_TEXT:
        if (f->text == NULL) {
            put_text(l, "null");
        } else {
            put_quoted(l, f->text, strlen(f->text));
        }
        return;
    case LOG_KIND_STR:
        if (f->text == NULL) {
            put_text(l, "null");
        } else {
            put_quoted(l, f->text, f->len);
        }
        return;
    case LOG_KIND_INT:
        (void)snprintf(number, sizeof number, "%lld", (long long)f->as.i);
        break;
    case LOG_KIND_UINT:
        (void)snprintf(number, sizeof number, "%llu", (unsigned long long)f->as.u);
        break;
    case LOG_KIND_REAL:
        /* JSON knows neither infinity nor NaN. */
        if (isfinite(f->as.d)) {
            (void)snprintf(number, sizeof number, "%.9g", f->as.d);
        } else {
            (void)snprintf(number, sizeof number, "null");
        }
        break;
    case LOG_KIND_BOOL:
        (void)snprintf(number, sizeof number, "%s", f->as.b ? "true" : "false");
        break;
    case LOG_KIND_END:
        return;
    }
    put_text(l, number);
}

size_t log_format(char *out, size_t cap, enum log_level level, int64_t now_ms, const char *event,
                  const struct log_field *fields)
{
    char time[CLOCK_ISO_SIZE];
    if (cap > LOG_LINE_MAX) {
        cap = LOG_LINE_MAX;
    }
    struct line l = {.p = out, .cap = cap - (sizeof tail_cut - 1)};
    clock_format_iso(now_ms, time);
    put_text(&l, "{\"time\":\"");
    put_text(&l, time);
    put_text(&l, "\",\"level\":\"");
    put_text(&l, level_names[level]);
    put_text(&l, "\"");
    size_t whole = l.len; /* up to here the line is JSON but for its tail */
    put_text(&l, ",\"event\":");
    put_quoted(&l, event, strlen(event));
    for (const struct log_field *f = fields;; f++) {
        if (!l.full || l.p[l.len - 1] == '"') {
            /* A text that lost its end is kept; a field that lost its key or its number is not. */
            whole = l.len;
        }
        if (l.full || f->kind == LOG_KIND_END) {
            break;
        }
        put_text(&l, ",\"");
        put_text(&l, f->key);
        put_text(&l, "\":");
        if (l.full) {
            break;
        }
        put_value(&l, f);
    }
    const char *end = l.full ? tail_cut : tail;
    memcpy(out + whole, end, strlen(end));
    return whole + strlen(end);
}

static void write_out(const char *lines, size_t len)
{
    int saved = errno;
    ssize_t n;
    do {
        n = write(STDERR_FILENO, lines, len);
    } while (n < 0 && errno == EINTR);
    errno = saved;
}

void log_flush(void)
{
    if (gathered.len > 0) {
        write_out(gathered.lines, gathered.len);
        gathered.len = 0;
    }
}

void log_gather(bool on)
{
    log_flush();
    gathered.on = on;
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (!log_enabled(level)) {
        return;
    }
    char line[LOG_LINE_MAX];
    size_t len = log_format(line, sizeof line, level, clock_wall_ms(), event, fields);
    if (!gathered.on || level >= LOG_LEVEL_WARN) {
        log_flush();
        write_out(line, len);
        return;
    }
    if (len > sizeof gathered.lines - gathered.len) {
        log_flush();
    }
    memcpy(gathered.lines + gathered.len, line, len);
    gathered.len += len;
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

enum log_level log_get_level(void)
{
    return (enum log_level)atomic_load_explicit(&level_now, memory_order_relaxed);
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&level_now, memory_order_relaxed);
}

bool log_parse_level(const char *text, size_t len, enum log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof level_names[0]; i++) {
        if (text_is(text, len, level_names[i])) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}
