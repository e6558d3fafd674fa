/* Sends: private, group, chatroom, system, broadcast; and the recall that old SDKs send as a message (RC:RcCmd). */
#include "api/rc.h"

#include "api/rc_publish.h"
#include "api/rc_recall.h"
#include "base/text.h"
#include "core/object.h"
#include "core/quota.h"

bool rc_publish_object_name(struct api_call *call, struct str name)
{
    if (!text_utf8_valid(name.p, name.n) || text_has_control(name.p, name.n))
        return rc_refuse(call, RC_PARAMETER, "objectName must be text without control characters");
    if (!object_name_valid(name) && !text_is(name.p, name.n, "RC:RcCmd")) /* which is a recall, and read as one */
        return rc_refuse(call, RC_PARAMETER, "objectName: a type of the app's own must not begin with RC:");
    return true;
}

/* --- parameters --- */

static bool common(struct api_call *call, struct publish_command *c)
{
    bool counted = true, persisted = true, ignored = false;
    struct str unused;

    if (!rc_user(call, "fromUserId", true, &c->from) || !rc_text(call, "objectName", true, RC_OBJECT_NAME_MAX, &c->object_name) ||
        !rc_publish_object_name(call, c->object_name) || !rc_text(call, "content", true, RC_CONTENT_MAX, &c->content) ||
        !rc_text(call, "pushContent", false, PUBLISH_CONTENT_MAX, &c->push_content) ||
        !rc_text(call, "pushData", false, PUBLISH_CONTENT_MAX, &c->push_data) ||
        !rc_text(call, "pushExt", false, PUBLISH_CONTENT_MAX, &unused) ||
        !rc_text(call, "expansion", false, PUBLISH_CONTENT_MAX, &c->expansion) ||
        !rc_text(call, "extraContent", false, PUBLISH_CONTENT_MAX, &c->extra_content) ||
        !rc_text(call, "msgRandom", false, PUBLISH_RANDOM_MAX, &c->random) || !rc_flag(call, "isCounted", &counted) ||
        !rc_flag(call, "isPersisted", &persisted) || !rc_flag(call, "disablePush", &ignored) ||
        !rc_flag(call, "isIncludeSender", &c->include_sender) || !rc_flag(call, "disableUpdateLastMsg", &c->disable_update_last))
        return false;
    c->not_counted = !counted;
    c->not_persisted = !persisted;
    return true;
}

static bool targets(struct api_call *call, const char *name, size_t max, bool users, struct publish_command *c)
{
    struct rc_list list;

    if (users ? !rc_users(call, name, true, max, &list) : !rc_groups(call, name, true, max, &list))
        return false;
    c->targets = list.p;
    c->target_count = list.n;
    return true;
}

/* toUserId beside toGroupId: a message for some of one group's members alone. */
static bool directed(struct api_call *call, struct publish_command *c)
{
    struct rc_list list;

    if (!rc_users(call, "toUserId", false, PUBLISH_RECEIVERS_MAX, &list))
        return false;
    if (list.n > 0 && c->target_count > 1)
        return rc_refuse(call, RC_PARAMETER, "toUserId: a message for some members goes to one toGroupId at a time");
    c->receivers = list.p;
    c->receiver_count = list.n;
    return true;
}

static bool parse(struct api_call *call, enum publish_kind kind, const char *target, size_t max)
{
    struct rc_publish_call *p = arena_alloc(&call->arena, sizeof(*p));
    struct publish_command *c = &p->command;

    call->command = p;
    c->kind = kind;
    p->target = target;
    if (!common(call, c) ||
        (target != NULL && !targets(call, target, max, kind == PUBLISH_PRIVATE || kind == PUBLISH_SYSTEM, c)))
        return false;
    if (text_is(c->object_name.p, c->object_name.n, "RC:RcCmd")) {
        p->recall = rc_recall_of_message(call, c);
        return p->recall != NULL;
    }
    if (kind == PUBLISH_GROUP && !directed(call, c))
        return false;
    p->sent = arena_alloc(&call->arena, (c->target_count + 1) * sizeof(*p->sent));
    call->out.rc = publish_check(c, &call->out);
    return call->out.rc == RESULT_OK;
}

bool rc_publish_private_parse(struct api_call *call)
{
    return parse(call, PUBLISH_PRIVATE, "toUserId", 1000);
}

bool rc_publish_group_parse(struct api_call *call)
{
    return parse(call, PUBLISH_GROUP, "toGroupId", 3);
}

bool rc_publish_chatroom_parse(struct api_call *call)
{
    return parse(call, PUBLISH_CHATROOM, "toChatroomId", 10);
}

bool rc_publish_system_parse(struct api_call *call)
{
    return parse(call, PUBLISH_SYSTEM, "toUserId", 100);
}

bool rc_publish_broadcast_parse(struct api_call *call)
{
    return parse(call, PUBLISH_BROADCAST, NULL, 0);
}

/* --- sending --- */

enum result rc_publish_broadcast(struct api_call *call, struct core_tx *tx, const struct publish_command *c,
                                 struct publish_sent *sent)
{
    enum result rc;

    if (publish_repeated(tx, c, sent))
        return RESULT_OK;
    rc = quota_check(tx, QUOTA_BROADCAST, &call->out);
    if (rc == RESULT_OK)
        rc = publish_send(tx, c, sent, &call->out);
    if (rc == RESULT_OK && call->out.seq != 0)
        quota_take(tx, QUOTA_BROADCAST);
    return rc;
}

static void write_sent(struct json_out *o, const struct rc_publish_call *p, const struct publish_sent *sent)
{
    const char *const name = p->command.kind == PUBLISH_GROUP      ? "groupId"
                             : p->command.kind == PUBLISH_CHATROOM ? "chatroomId"
                                                                   : "userId";

    json_out_object(o);
    if (p->command.kind == PUBLISH_BROADCAST) {
        json_out_kstr(o, "messageUID", sent->message.p, sent->message.n);
    } else {
        json_out_key(o, "messageUIDs");
        json_out_array(o);
        for (size_t i = 0; i < p->command.target_count; i++) {
            json_out_object(o);
            json_out_kstr(o, name, sent[i].target.p, sent[i].target.n);
            json_out_kstr(o, "messageUID", sent[i].message.p, sent[i].message.n);
            json_out_object_end(o);
        }
        json_out_array_end(o);
    }
    json_out_object_end(o);
}

/* A part of the targets; their rows outlive the transaction, whose arena the ids are in. */
static enum result send_step(struct api_call *call, struct core_tx *tx, const struct rc_publish_call *p)
{
    const struct publish_command *c = &p->command;
    const size_t first = (size_t)call->steps_done;
    size_t next;
    const enum result rc = publish_send_some(tx, c, first, p->sent, &next, &call->out);

    if (rc != RESULT_OK)
        return rc;
    for (size_t i = first; i < next; i++)
        p->sent[i].message = arena_str(&call->arena, p->sent[i].message);
    call->out.count = (int64_t)next;
    call->out.more = next < c->target_count;
    return RESULT_OK;
}

enum result rc_publish(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct rc_publish_call *p = call->command;
    const struct publish_command *c = &p->command;
    const size_t n = c->kind == PUBLISH_BROADCAST ? 1 : c->target_count;
    enum result rc = RESULT_OK;

    if (p->recall != NULL)
        return rc_recall_run(call, tx, who, p->recall);
    if (call->steps_done == 0)
        rc = call_admit(call, tx, GATEWAY_SENDS, (int64_t)n);
    if (rc == RESULT_OK)
        rc = c->kind == PUBLISH_BROADCAST ? rc_publish_broadcast(call, tx, c, p->sent) : send_step(call, tx, p);
    if (rc == RESULT_OK && !call->out.more)
        write_sent(&call->out.result, p, p->sent);
    return rc;
}
