/*
 * gateway/base/log.h - JSON lines on standard error, for people and for collectors.
 *
 * Owns:    the log level, the one global of the program; and for each thread that gathers, the lines that it has not written yet.
 * Borrows: every string given, only during the call.
 * Bounds:  a line is at most LOG_LINE_MAX bytes; a longer one loses its last fields and says "cut":true. A thread gathers as much at most.
 * Fails:   never: a line that standard error does not take is lost, the caller goes on. A process that is killed, or ends at once
 *          because it cannot go on, loses what other threads have gathered.
 * Thread:  any; lines are written whole, in one write(2) of at most LOG_LINE_MAX bytes, so lines of several threads do not mix (in a pipe
 *          neither: PIPE_BUF is as much).
 *
 *     log_info("request", LOG_STR("id", id, id_len), LOG_INT("ms", took), LOG_END);
 *     {"time":"2024-05-01T10:00:00.123Z","level":"info","event":"request","id":"…","ms":3}
 *
 * Never log a token, a key or a message's body. Bytes that are not UTF-8 are shown as U+FFFD.
 */
#ifndef RECALLD_BASE_LOG_H
#define RECALLD_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOG_LINE_MAX 4096

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

enum log_kind {
    LOG_KIND_END,
    LOG_KIND_TEXT,
    LOG_KIND_STR,
    LOG_KIND_INT,
    LOG_KIND_UINT,
    LOG_KIND_REAL,
    LOG_KIND_BOOL
};

/* One field of a line. Made with the macros below, not by hand. */
struct log_field {
    const char *key; /* plain ASCII without quotes: it is written as it is */
    enum log_kind kind;
    const char *text;
    size_t len;
    union {
        int64_t i;
        uint64_t u;
        double d;
        bool b;
    } as;
};

#define LOG_FIELD_(k, ...) ((struct log_field){.key = (k), __VA_ARGS__})
/* A text ending in a zero byte; NULL is written as null. */
#define LOG_TEXT(key_, text_) LOG_FIELD_(key_, .kind = LOG_KIND_TEXT, .text = (text_))
/* A text with its length in bytes. */
#define LOG_STR(key_, text_, len_) LOG_FIELD_(key_, .kind = LOG_KIND_STR, .text = (text_), .len = (len_))
#define LOG_INT(key_, value_) LOG_FIELD_(key_, .kind = LOG_KIND_INT, .as.i = (int64_t)(value_))
#define LOG_UINT(key_, value_) LOG_FIELD_(key_, .kind = LOG_KIND_UINT, .as.u = (uint64_t)(value_))
#define LOG_REAL(key_, value_) LOG_FIELD_(key_, .kind = LOG_KIND_REAL, .as.d = (double)(value_))
#define LOG_BOOL(key_, value_) LOG_FIELD_(key_, .kind = LOG_KIND_BOOL, .as.b = (value_))
/* Ends every list of fields. */
#define LOG_END LOG_FIELD_(NULL, .kind = LOG_KIND_END)

/* The four calls: an event's name, fields, LOG_END. The fields are evaluated even if the level is off. */
#define log_debug(event, ...) log_write(LOG_LEVEL_DEBUG, event, (const struct log_field[]){__VA_ARGS__})
#define log_info(event, ...) log_write(LOG_LEVEL_INFO, event, (const struct log_field[]){__VA_ARGS__})
#define log_warn(event, ...) log_write(LOG_LEVEL_WARN, event, (const struct log_field[]){__VA_ARGS__})
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, (const struct log_field[]){__VA_ARGS__})

/* Writes one line if the level is on. `fields` ends with LOG_END. Any thread; keeps errno. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* From here on the calling thread's lines below warn are gathered, and written together by log_flush, before the next line from warn on, and when
 * no further one fits: for a thread that writes a line for each request and flushes before it waits. Off, as it is at first: each is written at
 * once, and so are those gathered. */
void log_gather(bool on);
/* Writes what the calling thread has gathered. Keeps errno. */
void log_flush(void);

/* Formats the same line, with its newline, into `out` (at least 64 bytes, at most LOG_LINE_MAX are used).
 * Returns its length. `now_ms` is the wall clock in ms since 1970. For tests and for callers with their own
 * sink. */
size_t log_format(char *out, size_t cap, enum log_level level, int64_t now_ms, const char *event,
                  const struct log_field *fields);

/* Sets or tells the lowest level that is written (info at start). Any thread. */
void log_set_level(enum log_level level);
enum log_level log_get_level(void);
/* Whether a line of this level would be written: asked before costly fields. Any thread. */
bool log_enabled(enum log_level level);

/* "debug", "info", "warn" or "error" → level; false for another text. */
bool log_parse_level(const char *text, size_t len, enum log_level *level);

#endif
