/* /v3/message/…/query.json: the messages of one conversation. */
#include "api/rc.h"

#include "base/clock.h"
#include "core/history_log.h"

#define PAGE_DEFAULT 20

struct query_call {
    enum conversation kind;
    struct str user, target;
    int64_t start_ms, end_ms, page_size;
};

static bool parse(struct api_call *call, enum conversation kind)
{
    struct query_call *q = arena_alloc(&call->arena, sizeof(*q));
    const bool is_private = kind == CONVERSATION_PRIVATE;

    call->command = q;
    q->kind = kind;
    q->page_size = PAGE_DEFAULT;
    return rc_user(call, "userId", is_private, &q->user) &&
           (is_private ? rc_user(call, "targetId", true, &q->target) : rc_group(call, "targetId", true, &q->target)) &&
           rc_number(call, "startTime", 0, CLOCK_MS_MAX, &q->start_ms) && rc_number(call, "endTime", 0, CLOCK_MS_MAX, &q->end_ms) &&
           rc_number(call, "pageSize", 1, HISTORY_QUERY_MAX, &q->page_size);
}

bool rc_query_private_parse(struct api_call *call)
{
    return parse(call, CONVERSATION_PRIVATE);
}

bool rc_query_group_parse(struct api_call *call)
{
    return parse(call, CONVERSATION_GROUP);
}

bool rc_query_chatroom_parse(struct api_call *call)
{
    return parse(call, CONVERSATION_CHATROOM);
}

enum result rc_query(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct query_call *q = call->command;

    (void)who;
    return history_query(tx, q->kind, q->user, q->target, q->start_ms, q->end_ms, (size_t)q->page_size, &call->out);
}
