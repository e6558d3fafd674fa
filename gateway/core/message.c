#include "core/message.h"

#include "base/id.h"
#include "core/audience.h"
#include "core/conversation.h"
#include "core/event.h"
#include "core/object.h"
#include "core/recall.h"
#include "core/room.h"
#include "core/view.h"

/* Messages that one job of "delete them all" erases: other commands get their turn between two jobs. */
#define DELETE_STEP 200U

/* In whose name: a client's own, or the one the platform names, who must exist. */
static enum result choose_sender(struct core_tx *tx, const struct principal *who, const struct message_command *command,
                                 struct str *sender, struct outcome *out)
{
    struct client_row client;

    if (who->kind == PRINCIPAL_CLIENT) {
        *sender = who->user;
        return RESULT_OK;
    }
    *sender = command->sender;
    if (command->sender.p != NULL && !store_client_get(tx->conn, tx->app_id, command->sender, &client))
        return tx_fail(out, RESULT_NO_CLIENT, "sender: no client has the id \"%.*s\"; create it with POST /admin/clients",
                       (int)command->sender.n, command->sender.p);
    return RESULT_OK;
}

/* A quote must point at a message of the same room that still stands there, recalled or not. */
static enum result check_reply(struct core_tx *tx, struct str user, const struct room_row *room, struct str reply,
                               struct outcome *out)
{
    struct message_row quoted;

    if (reply.p == NULL)
        return RESULT_OK;
    if (!store_message_get(tx->conn, tx->app_id, reply, &quoted) || quoted.room_key != room->key ||
        quoted.state == MESSAGE_DELETED || !audience_sees(tx, user, &quoted))
        return tx_fail(out, RESULT_NO_MESSAGE, "reply: this room has no message \"%.*s\" to quote", (int)reply.n, reply.p);
    return RESULT_OK;
}

/* `shown`: the object, where it was rendered for the event already. */
static void answer(struct core_tx *tx, const struct message_row *m, struct str shown, struct outcome *out)
{
    if (shown.p != NULL)
        json_out_raw(&out->result, shown.p, shown.n);
    else
        view_message(tx, &out->result, m, NULL);
}

static enum result edit(struct core_tx *tx, const struct principal *who, const struct message_command *command,
                        struct room_row *room, struct message_row *m, struct outcome *out)
{
    enum result rc;

    if (who->kind == PRINCIPAL_CLIENT && (m->sender.p == NULL || !str_eq(m->sender, who->user)))
        return tx_fail(out, RESULT_FORBIDDEN, "_id: a message with this id exists and is another sender's; only its author may "
                                              "edit it. Leave _id out to send a new message");
    if (m->room_key != room->key)
        return tx_fail(out, RESULT_CONFLICT, "_id: this id belongs to a message of another room; choose another");
    if (m->state != MESSAGE_LIVE)
        return tx_fail(out, RESULT_CONFLICT, "The message was %s and cannot be edited; send a new one",
                       m->state == MESSAGE_RECALLED ? "recalled" : "deleted");
    rc = check_reply(tx, who->user, room, command->reply, out);
    if (rc != RESULT_OK)
        return rc;
    out->seq = event_next(tx, room);
    if (command->type.p != NULL)
        m->type = command->type;
    m->body = command->body;
    m->content = command->content;
    m->reply = command->reply.p != NULL ? command->reply : m->reply;
    m->updated_ms = tx->now_ms;
    m->version++;
    store_message_edit(tx->conn, m);
    answer(tx, m, event_append(tx, room, EVENT_EDIT, out->seq, m->id, m, STR_NULL, NULL, 0), out);
    return RESULT_OK;
}

/* The message arrives after its recall: it is kept without its content, and delivered as recalled. */
static enum result arrive_recalled(struct str sender, struct recall_row *recall, struct message_row *m,
                                   struct outcome *out)
{
    if (recall->author.p != NULL && (sender.p == NULL || !str_eq(recall->author, sender)))
        return tx_fail(out, RESULT_CONFLICT, "_id: this id is reserved for another author; choose another");
    if (recall->room_key != m->room_key)
        return tx_fail(out, RESULT_CONFLICT, "_id: the message with this id was recalled in another room; choose another");
    m->state = MESSAGE_RECALLED;
    /* The history looks for a recall among what changed since; the clock may have been set back. */
    if (m->updated_ms < recall->time_ms)
        m->updated_ms = recall->time_ms;
    m->body = m->content = m->reply = m->batch = STR_NULL;
    recall->author = sender;
    recall->sent_ms = m->time_ms;
    return RESULT_OK;
}

/* May anything new be said in the room at all? */
static enum result check_open(const struct room_row *room, struct outcome *out)
{
    if (str_eq(room->id, CONVERSATION_BROADCAST))
        return tx_fail(out, RESULT_FORBIDDEN, "Broadcasts are counted: send them with /message/broadcast.json or /push.json");
    if (conversation_closed(room))
        return tx_fail(out, RESULT_FORBIDDEN, "The room %.*s was closed: nothing can be sent there any more", (int)room->id.n,
                       room->id.p);
    return RESULT_OK;
}

static enum result add(struct core_tx *tx, const struct principal *who, const struct message_command *command,
                       struct room_row *room, struct str sender, struct outcome *out)
{
    char made[ID_MESSAGE_SIZE];
    struct message_row m = {.room_key = room->key,
                            .room = room->id,
                            .id = command->id,
                            .sender = sender,
                            .type = command->type.p != NULL ? command->type : STR("text"),
                            .body = command->body,
                            .content = command->content,
                            .reply = command->reply,
                            .batch = command->batch,
                            .client_msg_id = command->client_msg_id,
                            .time_ms = tx->now_ms,
                            .created_ms = tx->now_ms,
                            .updated_ms = tx->now_ms,
                            .version = 1,
                            .state = MESSAGE_LIVE};
    struct recall_row recall;
    enum result rc = check_open(room, out);

    if (rc == RESULT_OK)
        rc = check_reply(tx, who->user, room, command->reply, out);
    if (rc != RESULT_OK)
        return rc;
    if (m.id.p == NULL) {
        id_message(made, tx->now_ms);
        m.id = arena_str(tx->arena, str_c(made));
    } else if (store_recall_get(tx->conn, tx->app_id, m.id, &recall)) {
        rc = arrive_recalled(sender, &recall, &m, out);
        if (rc != RESULT_OK)
            return rc;
        store_recall_put(tx->conn, tx->app_id, &recall);
    }
    answer(tx, &m, message_append(tx, room, &m), out);
    out->seq = m.seq;
    return RESULT_OK;
}

struct str message_append(struct core_tx *tx, struct room_row *room, struct message_row *m)
{
    m->seq = event_next(tx, room);
    store_message_add(tx->conn, tx->app_id, m);
    return event_append(tx, room, EVENT_MESSAGE, m->seq, m->id, m, STR_NULL, NULL, 0);
}

enum result message_send(struct core_tx *tx, const struct principal *who, const struct message_command *command,
                         struct outcome *out)
{
    struct room_row room;
    struct message_row m;
    struct str sender;
    enum result rc;

    rc = room_enter(tx, who, command->room, &room, NULL, out);
    if (rc == RESULT_OK)
        rc = choose_sender(tx, who, command, &sender, out);
    if (rc != RESULT_OK)
        return rc;
    if (command->client_msg_id.p != NULL &&
        store_message_by_client_id(tx->conn, tx->app_id, sender, command->client_msg_id, &m)) {
        if (m.room_key != room.key)
            return tx_fail(out, RESULT_CONFLICT, "clientMsgId: already used for a message in another room; use a new one");
        answer(tx, &m, STR_NULL, out);
        return RESULT_OK;
    }
    if (command->id.p != NULL && store_message_get(tx->conn, tx->app_id, command->id, &m))
        return edit(tx, who, command, &room, &m, out);
    return add(tx, who, command, &room, sender, out);
}

/* Erases one message. To the members it is a recall that leaves nothing, which every client knows how to apply. */
static void erase(struct core_tx *tx, const struct principal *who, struct room_row *room, struct message_row *m)
{
    const struct recall_row recall = {.message = m->id,
                                      .room_key = room->key,
                                      .seq = event_next(tx, room),
                                      .time_ms = tx->now_ms,
                                      .operator_id = who->user,
                                      .is_delete = true,
                                      .is_admin = true,
                                      .author = m->sender,
                                      .sent_ms = m->time_ms,
                                      .objname = object_name_of(tx, m)};

    store_message_delete(tx->conn, m, tx->now_ms);
    (void)recall_touch_quoting(tx, m->id);
    store_recall_put(tx->conn, tx->app_id, &recall);
    m->state = MESSAGE_DELETED;
    m->body = m->content = m->reply = m->batch = STR_NULL;
    m->updated_ms = tx->now_ms;
    (void)event_append(tx, room, EVENT_RECALL, recall.seq, m->id, m, STR_NULL, NULL, 0);
}

/* Erases some of a room's messages that are not newer than `since_ms`, the least recently changed first; returns how many, and whether there
 * may be more. */
static int64_t erase_some(struct core_tx *tx, const struct principal *who, struct room_row *room, int64_t since_ms,
                          bool *more)
{
    const struct message_page page = {.app = tx->app_id,
                                      .room_key = room->key,
                                      .order = MESSAGE_BY_UPDATED,
                                      .ascending = true,
                                      .limit = DELETE_STEP + 1};
    struct message_row *rows = arena_alloc(tx->arena, page.limit * sizeof(*rows));
    const size_t n = store_message_page(tx->conn, &page, rows);
    int64_t erased = 0;

    for (size_t i = 0; i < n && i < DELETE_STEP; i++) {
        if (rows[i].created_ms > since_ms)
            continue;
        erase(tx, who, room, &rows[i]);
        erased++;
    }
    *more = n > DELETE_STEP && erased > 0;
    return erased;
}

enum result message_delete(struct core_tx *tx, const struct principal *who, struct str room_id, struct str id,
                           int64_t done, int64_t since_ms, struct outcome *out)
{
    struct member_row member;
    struct room_row room;
    struct message_row m;
    enum result rc = room_enter(tx, who, room_id, &room, &member, out);
    int64_t count = 1;

    if (rc != RESULT_OK)
        return rc;
    if (who->kind == PRINCIPAL_CLIENT && member.role < ROLE_ADMIN)
        return tx_fail(out, RESULT_FORBIDDEN, "Only the room's owner, its admins or the platform may delete messages; "
                                              "to take back your own, recall it");
    if (str_eq(id, STR("_all"))) {
        count = erase_some(tx, who, &room, since_ms != 0 ? since_ms : tx->now_ms, &out->more);
    } else {
        if (!store_message_get(tx->conn, tx->app_id, id, &m) || m.room_key != room.key || m.state == MESSAGE_DELETED)
            return tx_fail(out, RESULT_NO_MESSAGE, "This room has no message \"%.*s\"", (int)id.n, id.p);
        erase(tx, who, &room, &m);
    }
    out->seq = room.seq;
    out->erased = true;
    out->count = done + count;
    json_out_object(&out->result);
    json_out_kint(&out->result, "deletedCount", out->count);
    json_out_kstr(&out->result, "roomID", room.id.p, room.id.n);
    json_out_kstr(&out->result, "messageID", id.p, id.n);
    json_out_key(&out->result, "deletedBy");
    if (who->user.p == NULL)
        json_out_null(&out->result);
    else
        json_out_str(&out->result, who->user.p, who->user.n);
    json_out_kint(&out->result, "deletedAt", tx->now_ms);
    json_out_object_end(&out->result);
    return RESULT_OK;
}

enum result message_hide(struct core_tx *tx, const struct principal *who, struct str room_id, const struct str *ids, size_t n,
                         struct outcome *out)
{
    struct room_row room;
    enum result rc;

    if (who->kind != PRINCIPAL_CLIENT)
        return tx_fail(out, RESULT_FORBIDDEN, "Hiding is for a user: call it with IM-CLIENT-KEY and IM-Authorization");
    rc = room_enter(tx, who, room_id, &room, NULL, out);
    if (rc != RESULT_OK)
        return rc;
    for (size_t i = 0; i < n; i++) {
        struct message_row m;

        if (!store_message_get(tx->conn, tx->app_id, ids[i], &m) || m.room_key != room.key || m.state == MESSAGE_DELETED ||
            !audience_sees(tx, who->user, &m))
            return tx_fail(out, RESULT_NO_MESSAGE, "messages[%zu]: this room has no message \"%.*s\"", i, (int)ids[i].n,
                           ids[i].p);
    }
    json_out_object(&out->result);
    json_out_kstr(&out->result, "room", room.id.p, room.id.n);
    json_out_key(&out->result, "messages");
    json_out_array(&out->result);
    for (size_t i = 0; i < n; i++) {
        store_hidden_put(tx->conn, tx->app_id, who->user, room.key, ids[i], tx->now_ms);
        json_out_str(&out->result, ids[i].p, ids[i].n);
    }
    json_out_array_end(&out->result);
    json_out_object_end(&out->result);
    return RESULT_OK;
}
