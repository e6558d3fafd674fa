/*
 * gateway/core/history_log.h - what was said, as RongCloud's server API tells it: the log of an hour, and the queries of a conversation.
 *
 * Owns:    a history_log owns its text; answers of queries are the outcome's.
 * Bounds:  HISTORY_LOG_MAX bytes and HISTORY_LOG_RECALLS recalls of an hour; HISTORY_QUERY_MAX messages of a query.
 * Fails:   TOO_LARGE for an hour above these bounds; INVALID_BODY naming the parameter.
 * Thread:  a reader; a query inside one snapshot, a log in steps, because a reader that stays holds up erasures and, with them, all reads.
 * Cost:    history_log_lines looks at every message of the app once and at every recall in each step: no index is kept for it, because one would cost
 *          each send and this is asked once an hour. history_query sorts the room's messages by time, a cost that grows with the room.
 *
 * Both hold the messages and, as RC:RcCmd, the commands that recalled them; a recalled message keeps its place with an empty content. A message
 * sent through another dialect is there with the objectName that its type stands for. What an IMKit call deleted is not there, nor what was
 * sent with isPersisted=0 (once such a message is recalled, its empty place and its command are).
 */
#ifndef RECALLD_CORE_HISTORY_LOG_H
#define RECALLD_CORE_HISTORY_LOG_H

#include "core/conversation.h"

#define HISTORY_LOG_MAX ((size_t)48 << 20)
#define HISTORY_LOG_RECALLS 100000
#define HISTORY_QUERY_MAX 100U
#define HISTORY_LOG_DATE_SIZE 24 /* "2022-01-21 15:40:28.920" and a zero byte */

/* A text that grows step by step; all zeros: empty. */
struct history_log {
    char *p;
    size_t len, cap;
    struct log_place *places; /* the messages of the hour */
    size_t count;
    size_t step, step_len;    /* where the last step began, and the text's length then: a step that is run again starts there */
};

/* Frees the text; all zeros again. */
void history_log_free(struct history_log *log);
/* Puts the messages and recalls with from_ms <= time < to_ms into the text, by time, one JSON object on each line, each line ended by \n; an hour in which
 * nothing was said gives an empty text. dateTime is in app->time_zone. A part of it in each call: `done` is 0 in the first, which replaces the text, then
 * out->count of the call before, as long as out->more. What is recalled between two calls is in the text, as in any answer that is under way. */
enum result history_log_lines(struct core_tx *tx, int64_t from_ms, int64_t to_ms, int64_t done, struct history_log *log, struct outcome *out);
/* The array `data` of /v3/message/{private,group,chatroom}/query.json as the result: messages with start_ms <= time <= end_ms, the oldest first;
 * with start_ms > end_ms from start_ms back to end_ms, the newest first. end_ms 0: now. page_size 1 to HISTORY_QUERY_MAX. A private query covers the
 * IMKit direct room of the two as well. A conversation in which nothing was said gives an empty array. `content` is a text, as RongCloud has it. */
enum result history_query(struct core_tx *tx, enum conversation kind, struct str user, struct str target, int64_t start_ms, int64_t end_ms,
                          size_t page_size, struct outcome *out);

/* The UID of the command that recalled a message: always the same for the same message, so that it need not be stored. In `arena`. */
struct str history_log_command_uid(struct arena *arena, struct str message);
/* A moment as dateTime shows it, in app->time_zone. */
void history_log_date(const struct config_app *app, int64_t ms, char out[static HISTORY_LOG_DATE_SIZE]);

#endif
