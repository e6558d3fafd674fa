#include "api/ledger_call.h"

#include "api/presence.h"

#define LIMIT_DEFAULT 100
#define DAY_MS INT64_C(86400000)

struct ledger_call {
    struct ledger_query query;
    struct ledger ledger;
    struct presence presence;
};

static void answer(void *arg)
{
    struct api_call *call = arg;
    struct ledger_call *c = call->command;

    ledger_finish(&c->ledger, &call->out.result);
    if (!json_out_ok(&call->out.result))
        (void)call_refuse(call, RESULT_INTERNAL, "The answer could not be written");
    call_finish(call);
}

/* What the database knows is collected; who is connected the edge threads know. */
static void ask(struct api_call *call)
{
    struct ledger_call *c = call->command;

    if (c->ledger.chunks == NULL)
        answer(call);
    else
        presence_ask(&c->presence, call->thread, call->app_id, c->ledger.chunks, answer, call);
}

bool ledger_call_parse(struct api_call *call)
{
    struct ledger_call *c = arena_alloc(&call->arena, sizeof(*c));
    const struct str after = call_query(call, "after");
    int64_t limit = LIMIT_DEFAULT;

    call->command = c;
    call->then = ask;
    if (!call_log_param(call, 0) || !call_message_param(call, 1))
        return false;
    if (!call_query_int(call, "limit", 1, INT64_MAX, &limit))
        return call_refuse(call, RESULT_INVALID_BODY, "limit must be a whole number from 1 to %d", LEDGER_LIMIT);
    if (limit > LEDGER_LIMIT)
        return call_refuse(call, RESULT_TOO_LARGE, "limit must be at most %d: ask for the rest with `after`", LEDGER_LIMIT);
    if (!str_empty(after) && !ledger_cursor_read(&call->arena, after, &c->query.after_user, &c->query.after_device))
        return call_refuse(call, RESULT_INVALID_BODY, "after must be the `next` of an earlier answer");
    c->query.room = call->params[0];
    c->query.message = call->params[1];
    c->query.limit = (size_t)limit;
    c->query.device_ms = call->config->server.device_days * DAY_MS;
    return true;
}

enum result ledger_call_run(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    struct ledger_call *c = call->command;

    return ledger_collect(tx, who, &c->query, &c->ledger, &call->arena, &call->out);
}
