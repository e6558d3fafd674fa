#include "api/imkit.h"

#include "api/imkit_body.h"
#include "base/text.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define HIDE_MAX 1000

/* One body, two commands: the seed's recall comes the way a send comes. */
struct message_call {
    bool is_recall;
    struct message_command send;
    struct recall_command recall;
};

static bool parse_into(struct api_call *call, struct str room)
{
    struct message_call *m = arena_alloc(&call->arena, sizeof(*m));
    struct fields_error err;
    bool ok;

    call->command = m;
    m->is_recall = imkit_body_is_recall(call->body);
    call->job.rank = m->is_recall ? JOB_RECALL : JOB_ORDINARY;
    if (m->is_recall)
        ok = imkit_body_recall(call->body, &call->arena, &m->recall, &err);
    else
        ok = imkit_body_message(call->body, &call->arena, &m->send, &err);
    m->recall.room = m->send.room = room;
    return ok || call_refuse(call, err.rc, "%s", err.text);
}

bool imkit_message_parse(struct api_call *call)
{
    return call_log_param(call, 0) && parse_into(call, call->params[0]);
}

bool imkit_message_parse_direct(struct api_call *call)
{
    static const struct field table[] = {{"room", FIELD_ROOM, true, 0, 0, 0}};
    struct str room;

    return call_fields(call, table, COUNT(table), &room) && parse_into(call, room);
}

enum result imkit_message_run(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct message_call *m = call->command;
    enum result rc;

    rc = call_admit(call, tx, m->is_recall ? GATEWAY_RECALLS : GATEWAY_SENDS, 1);
    if (rc != RESULT_OK)
        return rc;
    return m->is_recall ? recall_apply(tx, who, &m->recall, &call->out) : message_send(tx, who, &m->send, &call->out);
}

bool imkit_message_parse_delete(struct api_call *call)
{
    return call_room_param(call, 0) && call_message_param(call, 1);
}

enum result imkit_message_delete(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return message_delete(tx, who, call->params[0], call->params[1], call->steps_done, call->steps_since_ms, &call->out);
}

struct hide_call {
    struct str room;
    struct field_list messages;
};

bool imkit_message_parse_hide(struct api_call *call)
{
    static const struct field table[] = {
        {"room", FIELD_ROOM, true, 0, 0, offsetof(struct hide_call, room)},
        {"messages", FIELD_LIST, true, 1, HIDE_MAX, offsetof(struct hide_call, messages)},
    };

    call->command = arena_alloc(&call->arena, sizeof(struct hide_call));
    return call_fields(call, table, COUNT(table), call->command);
}

enum result imkit_message_hide(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct hide_call *h = call->command;

    return message_hide(tx, who, h->room, h->messages.p, h->messages.n, &call->out);
}
