#include "api/rc_recall.h"

#include "base/clock.h"
#include "base/text.h"
#include "core/quota.h"

#include <inttypes.h>

/* The author rule, unless an administrator recalls or the app does without it. */
static void finish(const struct api_call *call, struct recall_command *c)
{
    c->require_author = call->app->recall_requires_author && !c->is_admin;
}

/* What both paths take. */
static bool common(struct api_call *call, struct recall_command *c)
{
    bool ignored = false;

    if (!rc_user(call, "fromUserId", true, &c->sender) || !rc_message(call, "messageUID", true, &c->message) ||
        !rc_time(call, "sentTime") || !rc_flag(call, "isAdmin", &c->is_admin) || !rc_flag(call, "isDelete", &c->is_delete) ||
        !rc_flag(call, "disablePush", &ignored) || !rc_text(call, "extra", false, RC_EXTRA_MAX, &c->extra) ||
        !rc_flag(call, "disableUpdateLastMsg", &c->disable_update_last))
        return false;
    finish(call, c);
    return true;
}

static bool is_conversation(int64_t type)
{
    return type == CONVERSATION_PRIVATE || type == CONVERSATION_GROUP || type == CONVERSATION_CHATROOM ||
           type == CONVERSATION_SYSTEM || type == CONVERSATION_ULTRAGROUP;
}

static bool refuse_type(struct api_call *call)
{
    return rc_refuse(call, RC_PARAMETER,
                     "conversationType must be 1 (private), 3 (group), 4 (chatroom), 6 (system) or 10 (ultra group)");
}

/* targetId is a user's or a group's id, as the type says. */
static bool check_target(struct api_call *call, enum conversation type, struct str target)
{
    return type == CONVERSATION_PRIVATE || type == CONVERSATION_SYSTEM ? rc_is_user(call, "targetId", target)
                                                                       : rc_is_group(call, "targetId", target);
}

bool rc_recall_parse(struct api_call *call)
{
    struct rc_recall *r = arena_alloc(&call->arena, sizeof(*r));
    const struct str given = rc_form_get(call->form, "conversationType");
    int64_t type = 0;
    struct str channel;

    call->command = r;
    call->job.rank = JOB_RECALL;
    if (!common(call, &r->command) || !rc_text(call, "busChannel", false, TEXT_USER_MAX, &channel) ||
        !rc_text(call, "targetId", false, SIZE_MAX, &r->command.target))
        return false;
    if (given.p == NULL && r->command.target.p == NULL) {
        r->perhaps_broadcast = true;
        return true;
    }
    if (given.p == NULL)
        return rc_refuse(call, RC_PARAMETER, "conversationType is missing");
    if (!text_parse_int(given.p, given.n, 0, 100, &type) || !is_conversation(type))
        return refuse_type(call);
    if (r->command.target.p == NULL)
        return rc_refuse(call, RC_PARAMETER, "targetId is missing");
    r->command.conversation = (enum conversation)type;
    return check_target(call, r->command.conversation, r->command.target);
}

bool rc_recall_broadcast_parse(struct api_call *call)
{
    struct rc_recall *r = arena_alloc(&call->arena, sizeof(*r));

    call->command = r;
    call->job.rank = JOB_RECALL;
    r->command.broadcast = true;
    return common(call, &r->command);
}

/* --- RC:RcCmd as a message --- */

/* What its content says: values may be texts, numbers or booleans. */
static bool read_content(struct api_call *call, struct str content, struct recall_command *c)
{
    const struct rc_form *outer = call->form;
    struct rc_form inner;
    struct rc_form_error err;
    json_t *object = fields_too_deep(content) ? NULL : json_loadb(content.p, content.n, 0, NULL);
    bool ok = false;

    if (!json_is_object(object)) {
        (void)rc_refuse(call, RC_PARAMETER, "content of an RC:RcCmd must be a JSON object with messageUId");
    } else if (!rc_form_from_json(&call->arena, object, &inner, &err)) {
        (void)rc_refuse(call, RC_TOO_LONG, "content: %s", err.text);
    } else {
        call->form = &inner; /* the same readers, on what the content holds */
        ok = rc_message(call, "messageUId", false, &c->message) &&
             (c->message.p != NULL || rc_message(call, "messageUID", true, &c->message)) && rc_time(call, "sentTime") &&
             rc_flag(call, "isAdmin", &c->is_admin) && rc_flag(call, "isDelete", &c->is_delete) &&
             rc_text(call, "extra", false, RC_EXTRA_MAX, &c->extra) &&
             rc_flag(call, "disableUpdateLastMsg", &c->disable_update_last);
        call->form = outer;
        c->message = arena_str(&call->arena, c->message);
        c->extra = arena_str(&call->arena, c->extra);
    }
    json_decref(object);
    return ok;
}

struct rc_recall *rc_recall_of_message(struct api_call *call, const struct publish_command *c)
{
    static const enum conversation types[] = {[PUBLISH_PRIVATE] = CONVERSATION_PRIVATE,
                                              [PUBLISH_GROUP] = CONVERSATION_GROUP,
                                              [PUBLISH_CHATROOM] = CONVERSATION_CHATROOM,
                                              [PUBLISH_SYSTEM] = CONVERSATION_SYSTEM,
                                              [PUBLISH_BROADCAST] = CONVERSATION_NONE};
    struct rc_recall *r = arena_alloc(&call->arena, sizeof(*r));

    call->job.rank = JOB_RECALL;
    r->command.sender = c->from;
    r->command.disable_update_last = c->disable_update_last;
    r->command.broadcast = c->kind == PUBLISH_BROADCAST;
    r->command.conversation = types[c->kind];
    r->targets = c->targets;
    r->target_count = c->target_count;
    if (!read_content(call, c->content, &r->command))
        return NULL;
    finish(call, &r->command);
    return r;
}

/* --- on the writer --- */

/* The seed's own example sends a broadcast's recall to /message/recall.json, without a conversation. */
static enum result find_broadcast(struct api_call *call, struct core_tx *tx, struct recall_command *c)
{
    struct message_row m;

    if (store_message_get(tx->conn, tx->app_id, c->message, &m) && str_eq(m.room, CONVERSATION_BROADCAST)) {
        c->broadcast = true;
        return RESULT_OK;
    }
    return tx_fail(&call->out, RESULT_MISSING_PARAMETER,
                   "conversationType is missing: only the recall of a broadcast does without it and targetId");
}

/* The limits count what was new: looked at before, taken after. All of them are taken on the writer, so nobody comes in between. What was recalled
 * already is answered as it was then, however little is left: nothing new can come of it. */
static enum result admit(struct api_call *call, struct core_tx *tx, const struct recall_command *c)
{
    const int64_t wait = gateway_wait(call->thread->gateway, tx->app_id, GATEWAY_RC_RECALLS, tx->app->recalls_per_second, 1, clock_mono_ms());
    struct recall_row recalled;

    if (store_recall_get(tx->conn, tx->app_id, c->message, &recalled))
        return RESULT_OK;
    if (wait != 0) {
        call->out.retry_after_s = wait;
        return tx_fail(&call->out, RESULT_RATE_LIMITED,
                       "The app recalls more than %" PRId64 " messages a second (recalls_per_second): try again after %" PRId64 " s",
                       tx->app->recalls_per_second, wait);
    }
    return c->broadcast ? quota_check(tx, QUOTA_BROADCAST_RECALL, &call->out) : RESULT_OK;
}

static void take(struct api_call *call, struct core_tx *tx, const struct recall_command *c)
{
    (void)gateway_admit(call->thread->gateway, tx->app_id, GATEWAY_RC_RECALLS, tx->app->recalls_per_second, 1, clock_mono_ms());
    if (c->broadcast)
        quota_take(tx, QUOTA_BROADCAST_RECALL);
}

/* The message may be in the conversation with any of the targets: a refusal leaves nothing behind, so one after the other is asked. */
static enum result apply(struct api_call *call, struct core_tx *tx, const struct principal *who, struct recall_command *c,
                         const struct rc_recall *r)
{
    enum result rc = RESULT_NO_MESSAGE;

    if (r->targets == NULL)
        return recall_apply(tx, who, c, &call->out);
    for (size_t i = 0; i < r->target_count && rc == RESULT_NO_MESSAGE; i++) {
        tx_outcome_reset(&call->out);
        c->target = r->targets[i];
        rc = recall_apply(tx, who, c, &call->out);
    }
    return rc;
}

/* Says where the message is, if it is not where it was looked for. */
static enum result not_there(struct api_call *call, struct core_tx *tx, const struct recall_command *c)
{
    struct message_row m;
    const bool known = store_message_get(tx->conn, tx->app_id, c->message, &m);
    const bool sent_to_all = known && str_eq(m.room, CONVERSATION_BROADCAST);

    if (sent_to_all && !c->broadcast)
        return tx_fail(&call->out, RESULT_NO_MESSAGE,
                       "messageUID: there is no such message in this conversation; it is a broadcast: recall it with "
                       "/message/broadcast/recall.json");
    if (known && !sent_to_all && c->broadcast)
        return tx_fail(&call->out, RESULT_NO_MESSAGE,
                       "messageUID: there is no such message in ~broadcast; it was sent to a conversation: recall it with "
                       "/message/recall.json, conversationType and targetId");
    return tx_fail(&call->out, RESULT_NO_MESSAGE, "messageUID: there is no such message in %s%s",
                   c->broadcast ? "~broadcast" : "this conversation",
                   known && !c->broadcast ? "; check conversationType, fromUserId and targetId: as in the send" : "");
}

enum result rc_recall_run(struct api_call *call, struct core_tx *tx, const struct principal *who, const struct rc_recall *r)
{
    struct recall_command c = r->command;
    enum result rc = call_admit(call, tx, GATEWAY_RECALLS, 1);

    if (rc == RESULT_OK && r->perhaps_broadcast)
        rc = find_broadcast(call, tx, &c);
    if (rc == RESULT_OK)
        rc = admit(call, tx, &c);
    if (rc == RESULT_OK)
        rc = apply(call, tx, who, &c, r);
    if (rc == RESULT_NO_MESSAGE)
        return not_there(call, tx, &c);
    if (rc == RESULT_OK && call->out.seq != 0)
        take(call, tx, &c);
    json_out_reset(&call->out.result); /* the answer is the code alone */
    return rc;
}

enum result rc_recall(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return rc_recall_run(call, tx, who, call->command);
}
