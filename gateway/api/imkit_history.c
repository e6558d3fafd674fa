#include "api/imkit.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/history.h"

#define HISTORY_MAX 1000
#define AROUND_DEFAULT 20

/* A message id from the query; absent stays absent. */
static bool query_message(struct api_call *call, const char *name, struct str *out)
{
    *out = call_query(call, name);
    if (out->n == 0)
        *out = STR_NULL;
    if (out->p == NULL || text_message_id_valid(out->p, out->n))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY, "%s must be a message id of 1 to %d bytes", name,
                       TEXT_MESSAGE_ID_MAX);
}

static bool query_time(struct api_call *call, struct history_query *q)
{
    const struct str text = call_query(call, "afterTime");

    if (text.n == 0)
        return true;
    q->has_after_time = true;
    if (clock_parse(text.p, text.n, &q->after_time_ms))
        return true;
    return call_refuse(call, RESULT_INVALID_BODY,
                       "afterTime must be ISO 8601 (2024-05-01T10:00:00.000Z) or ms since 1970");
}

static bool query_order(struct api_call *call, struct history_query *q)
{
    const struct str text = call_query(call, "timeRangeField");

    q->field = MESSAGE_BY_UPDATED;
    if (text.n == 0 || str_eq(text, STR("updatedAt")))
        return true;
    if (str_eq(text, STR("createdAt")))
        q->field = MESSAGE_BY_CREATED;
    else if (str_eq(text, STR("messageTime")))
        q->field = MESSAGE_BY_TIME;
    else
        return call_refuse(call, RESULT_INVALID_BODY,
                           "timeRangeField must be updatedAt, createdAt or messageTime");
    return true;
}

/* A number of messages: 400 for what is none, 413 for more than one answer may hold. */
static bool query_count(struct api_call *call, const char *name, int64_t min, size_t *out)
{
    int64_t n = (int64_t)*out;

    if (!call_query_int(call, name, min, INT64_MAX, &n))
        return call_refuse(call, RESULT_INVALID_BODY, "%s must be a whole number from %d to %d", name,
                           (int)min, HISTORY_MAX);
    if (n > HISTORY_MAX)
        return call_refuse(call, RESULT_TOO_LARGE,
                           "%s must be at most %d: ask for the rest with further calls", name, HISTORY_MAX);
    *out = (size_t)n;
    return true;
}

bool imkit_history_parse(struct api_call *call)
{
    struct history_query *q = arena_alloc(&call->arena, sizeof(*q));

    call->command = q;
    q->room = call->params[0];
    return call_log_param(call, 0) && query_count(call, "limit", 1, &q->limit) &&
           query_message(call, "beforeMessage", &q->before) &&
           query_message(call, "afterMessage", &q->after) && query_time(call, q) && query_order(call, q);
}

enum result imkit_history_run(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return history_page(tx, who, call->command, &call->out);
}

struct around_call {
    size_t before, after;
};

bool imkit_history_parse_around(struct api_call *call)
{
    struct around_call *a = arena_alloc(&call->arena, sizeof(*a));

    call->command = a;
    a->before = a->after = AROUND_DEFAULT;
    return call_log_param(call, 0) && call_message_param(call, 1) &&
           query_count(call, "before", 0, &a->before) && query_count(call, "after", 0, &a->after);
}

enum result imkit_history_around(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct around_call *a = call->command;

    return history_around(tx, who, call->params[0], call->params[1], a->before, a->after, &call->out);
}
