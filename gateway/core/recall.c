#include "core/recall.h"

#include "core/audience.h"
#include "core/event.h"
#include "core/object.h"
#include "core/quota.h"
#include "core/room.h"
#include "core/view.h"

#define DAY_MS INT64_C(86400000)
/* Quoting messages whose place in the history moves with the recall, so that pollers see the cleared quote. */
#define QUOTING_TOUCHED 1000U

/* What the decision needs to know, read once. */
struct recall_case {
    struct room_row room;
    struct member_row member; /* of a client */
    struct message_row message;
    bool seen; /* the message is here */
    struct recall_row recall;
    bool recalled; /* a recall of it is here */
};

static bool is_author(const struct principal *who, const struct message_row *m)
{
    return who->kind == PRINCIPAL_CLIENT && m->sender.p != NULL && str_eq(m->sender, who->user);
}

static enum result unknown(const struct recall_command *command, const char *where, struct outcome *out)
{
    return tx_fail(out, RESULT_NO_MESSAGE, "This %s has no message \"%.*s\"", where, (int)command->message.n, command->message.p);
}

static bool may_recall_unseen(const struct core_tx *tx, const struct principal *who)
{
    return who->kind == PRINCIPAL_PLATFORM && tx->app->recall_unseen == CONFIG_RECALL_UNSEEN_PLATFORM;
}

/* Does the call come in RongCloud's way, naming a conversation? */
static bool names_conversation(const struct recall_command *command)
{
    return command->broadcast || command->conversation != CONVERSATION_NONE;
}

static enum conversation kind_of(const struct recall_command *command)
{
    return command->broadcast ? CONVERSATION_SYSTEM : command->conversation;
}

static struct str target_of(const struct recall_command *command)
{
    return command->broadcast ? STR_NULL : command->target;
}

/* Is the message in the conversation that was named? A private one is named by its receiver, as in the send: so whoever recalls, also an
 * administrator who is neither of the two, means the author's conversation with that user. */
static bool is_there(struct core_tx *tx, const struct recall_command *command, const struct recall_case *c)
{
    const struct str author = c->seen ? c->message.sender : STR_NULL;

    return conversation_holds(tx, kind_of(command), command->sender, target_of(command), &c->room) ||
           (kind_of(command) == CONVERSATION_PRIVATE && author.p != NULL &&
            conversation_holds(tx, CONVERSATION_PRIVATE, author, command->target, &c->room));
}

/* The message is looked for where it is, and must be in the conversation that was named. */
static enum result look_in_conversation(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                                        struct recall_case *c, struct outcome *out)
{
    const int64_t room = c->seen ? c->message.room_key : c->recall.room_key;

    if (str_empty(command->sender) || (!command->broadcast && str_empty(command->target)))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "fromUserId and targetId must name the conversation of the message");
    if (!c->seen && !may_recall_unseen(tx, who))
        return unknown(command, "conversation", out);
    if (!c->seen && !c->recalled)
        return conversation_open(tx, kind_of(command), command->sender, target_of(command), &c->room, out);
    if (!store_room_by_key(tx->conn, room, &c->room) || (c->seen && c->message.state == MESSAGE_DELETED) ||
        !is_there(tx, command, c))
        return unknown(command, "conversation", out);
    return RESULT_OK;
}

/* Reads the room, the message and an earlier recall of it. */
static enum result look(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                        struct recall_case *c, struct outcome *out)
{
    enum result rc = RESULT_OK;

    if (!names_conversation(command))
        rc = room_enter(tx, who, command->room, &c->room, &c->member, out);
    if (rc != RESULT_OK)
        return rc;
    c->seen = store_message_outline(tx->conn, tx->app_id, command->message, &c->message);
    /* One that stands has none: a message that comes after its recall is never live. */
    c->recalled = !(c->seen && c->message.state == MESSAGE_LIVE) &&
                  store_recall_get(tx->conn, tx->app_id, command->message, &c->recall);
    if (names_conversation(command))
        return look_in_conversation(tx, who, command, c, out);
    if (c->seen ? c->message.room_key != c->room.key || c->message.state == MESSAGE_DELETED
                : !may_recall_unseen(tx, who) || (c->recalled && c->recall.room_key != c->room.key))
        return unknown(command, "room", out);
    /* To a member whom the message is not for, there is none; its author knows it all the same. */
    if (who->kind == PRINCIPAL_CLIENT && !is_author(who, &c->message) && !audience_sees(tx, who->user, &c->message))
        return unknown(command, "room", out);
    return RESULT_OK;
}

/* Whose message it is, as far as that is known. */
static struct str author_of(const struct recall_command *command, const struct recall_case *c)
{
    if (c->seen)
        return c->message.sender;
    if (c->recalled)
        return c->recall.author;
    if (command->author.p != NULL)
        return command->author;
    return command->require_author ? command->sender : STR_NULL;
}

static bool too_late(const struct core_tx *tx, const struct recall_case *c, int64_t window_s)
{
    return c->seen && !c->recalled && window_s > 0 && tx->now_ms - c->message.time_ms > window_s * 1000;
}

/* The platform may always, unless it acts as the message's author. */
static enum result permit_platform(struct core_tx *tx, const struct recall_command *command, const struct recall_case *c,
                                   struct outcome *out)
{
    const struct str author = author_of(command, c);
    const bool own = command->sender.p != NULL && author.p != NULL && str_eq(author, command->sender);

    if (command->require_author && !own)
        return tx_fail(out, RESULT_FORBIDDEN,
                       "fromUserId is not the author of this message: set isAdmin=1 to recall it as an administrator");
    if (!command->is_admin && (own || names_conversation(command)) && too_late(tx, c, tx->app->recall_window_platform))
        return tx_fail(out, RESULT_FORBIDDEN,
                       "The time to recall this message has passed: it is %lld s after sending (recall_window_platform); set "
                       "isAdmin to recall it as an administrator",
                       (long long)tx->app->recall_window_platform);
    return RESULT_OK;
}

/* May this principal recall this message now? */
static enum result permit(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                          const struct recall_case *c, struct outcome *out)
{
    if (who->kind == PRINCIPAL_PLATFORM)
        return permit_platform(tx, command, c, out);
    if (c->member.role >= ROLE_MANAGER)
        return RESULT_OK;
    if (!is_author(who, &c->message))
        return tx_fail(out, RESULT_FORBIDDEN,
                       "Only the author, the room's owner, admins and managers, or the platform may recall this message");
    if (command->is_admin)
        return tx_fail(out, RESULT_FORBIDDEN, "isAdmin: only the room's owner, admins and managers, or the platform may recall "
                                              "as an administrator; leave it out to recall your own message");
    if (too_late(tx, c, tx->app->recall_window))
        return tx_fail(out, RESULT_FORBIDDEN,
                       "The time to recall this message has passed: it is %lld s after sending; the room's owner or a "
                       "manager still can",
                       (long long)tx->app->recall_window);
    return RESULT_OK;
}

/* Who recalls, as everyone will see it. RongCloud's backend may know users that never connected here. */
static enum result choose_operator(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                                   struct str *operator_id, struct outcome *out)
{
    struct client_row client;

    *operator_id = who->kind == PRINCIPAL_CLIENT ? who->user : command->sender;
    if (who->kind == PRINCIPAL_PLATFORM && command->sender.p != NULL && !names_conversation(command) &&
        !store_client_get(tx->conn, tx->app_id, command->sender, &client))
        return tx_fail(out, RESULT_NO_CLIENT, "sender: no client has the id \"%.*s\"; create it with POST /admin/clients",
                       (int)command->sender.n, command->sender.p);
    return RESULT_OK;
}

/* A recall before its message: how many wait already? */
static enum result admit_unseen(struct core_tx *tx, struct outcome *out)
{
    const int64_t since = tx->now_ms - tx->app->recall_unseen_days * DAY_MS;

    if (store_recall_unseen_count(tx->conn, tx->app_id, since) >= tx->app->recall_unseen_count) {
        out->retry_after_s = 3600;
        return tx_fail(out, RESULT_RATE_LIMITED,
                       "Too many recalls wait for a message that has not come (recall_unseen_count = %lld)",
                       (long long)tx->app->recall_unseen_count);
    }
    return RESULT_OK;
}

/* The place of a message that has not come: what the answer shows. */
static void unseen_place(struct core_tx *tx, const struct recall_command *command, struct recall_case *c)
{
    memset(&c->message, 0, sizeof(c->message));
    c->message.id = command->message;
    c->message.room = c->room.id;
    c->message.room_key = c->room.key;
    c->message.state = MESSAGE_RECALLED;
    c->message.time_ms = c->message.created_ms = c->message.updated_ms = c->recalled ? c->recall.time_ms : tx->now_ms;
}

bool recall_touch_quoting(struct core_tx *tx, struct str id)
{
    struct message_row few[1];
    struct message_row *rows;
    size_t n;

    if (store_message_quoting(tx->conn, tx->app_id, id, few, 1) == 0)
        return false;
    rows = arena_alloc(tx->arena, QUOTING_TOUCHED * sizeof(*rows));
    n = store_message_quoting(tx->conn, tx->app_id, id, rows, QUOTING_TOUCHED);
    for (size_t i = 0; i < n; i++)
        store_message_touch(tx->conn, &rows[i], tx->now_ms);
    return true;
}

/* A broadcast's recall counts in whichever dialect it comes; RongCloud's calls look at the quota before they look for the message. */
static bool counts_here(const struct recall_command *command, const struct recall_case *c)
{
    return !c->recalled && !names_conversation(command) && str_eq(c->room.id, CONVERSATION_BROADCAST);
}

/* Returns the message object that everyone gets. */
static struct str commit(struct core_tx *tx, const struct recall_command *command, struct str operator_id, struct recall_case *c,
                   struct outcome *out)
{
    struct message_row *m = &c->message;
    struct str shown;

    if (c->room.key == 0) { /* a recall before anything was said there */
        conversation_make(tx, kind_of(command), command->sender, target_of(command), &c->room);
        m->room_key = c->room.key;
    }
    c->recall = (struct recall_row){.message = command->message,
                                    .room_key = c->room.key,
                                    .seq = event_next(tx, &c->room),
                                    .time_ms = tx->now_ms,
                                    .operator_id = operator_id,
                                    .is_delete = command->is_delete,
                                    .is_admin = command->is_admin,
                                    .disable_update_last = command->disable_update_last,
                                    .extra = command->extra,
                                    .reason = command->reason,
                                    .author = author_of(command, c),
                                    .sent_ms = c->seen ? m->time_ms : 0,
                                    .objname = c->seen ? object_name_of(tx, m) : STR_NULL};
    store_recall_put(tx->conn, tx->app_id, &c->recall);
    if (c->seen) {
        store_message_recall(tx->conn, m, tx->now_ms);
        tx->recall_unquoted = !m->quoted || !recall_touch_quoting(tx, m->id);
        m->state = MESSAGE_RECALLED;
        m->body = m->content = m->reply = m->batch = STR_NULL;
        m->updated_ms = tx->now_ms;
    }
    out->seq = c->recall.seq;
    out->erased = true;
    tx->recall = &c->recall;
    shown = event_append(tx, &c->room, EVENT_RECALL, c->recall.seq, command->message, m, STR_NULL, NULL, 0);
    tx->recall = NULL;
    tx->recall_unquoted = false;
    return shown;
}

enum result recall_apply(struct core_tx *tx, const struct principal *who, const struct recall_command *command,
                         struct outcome *out)
{
    struct recall_case c = {.seen = false};
    struct str operator_id = STR_NULL, shown = STR_NULL;
    enum result rc;

    rc = look(tx, who, command, &c, out);
    if (rc == RESULT_OK)
        rc = permit(tx, who, command, &c, out);
    if (rc == RESULT_OK)
        rc = choose_operator(tx, who, command, &operator_id, out);
    if (rc == RESULT_OK && !c.seen && !c.recalled)
        rc = admit_unseen(tx, out);
    if (rc == RESULT_OK && counts_here(command, &c))
        rc = quota_check(tx, QUOTA_BROADCAST_RECALL, out);
    if (rc != RESULT_OK)
        return rc;
    if (c.seen)
        c.message.room = c.room.id;
    else
        unseen_place(tx, command, &c);
    if (counts_here(command, &c))
        quota_take(tx, QUOTA_BROADCAST_RECALL);
    if (!c.recalled)
        shown = commit(tx, command, operator_id, &c, out);
    if (shown.p != NULL)
        json_out_raw(&out->result, shown.p, shown.n);
    else
        view_message(tx, &out->result, &c.message, NULL);
    return RESULT_OK;
}
