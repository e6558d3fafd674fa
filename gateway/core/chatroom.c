#include "core/chatroom.h"

#include "base/text.h"
#include "core/conversation.h"
#include "core/event.h"

#define NAME_MAX_BYTES 256U

static enum result check(struct str id, struct str name, struct outcome *out)
{
    if (id.n > CHATROOM_ID_MAX || !text_user_valid(id.p, id.n))
        return tx_fail(out, RESULT_INVALID_BODY, "chatroomId must be 1 to %u bytes without control characters", CHATROOM_ID_MAX);
    if (name.n > NAME_MAX_BYTES || !text_utf8_valid(name.p, name.n))
        return tx_fail(out, RESULT_INVALID_BODY, "the chatroom's name must be text of at most %u bytes", NAME_MAX_BYTES);
    return RESULT_OK;
}

enum result chatroom_create(struct core_tx *tx, struct str id, struct str name, struct outcome *out)
{
    struct room_row room;
    const enum result rc = check(id, name, out);

    if (rc != RESULT_OK)
        return rc;
    if (!store_room_get(tx->conn, tx->app_id, conversation_room(tx->arena, CONVERSATION_CHATROOM, STR_NULL, id), &room)) {
        room = (struct room_row){.app = tx->app_id,
                                 .id = conversation_room(tx->arena, CONVERSATION_CHATROOM, STR_NULL, id),
                                 .name = name.p != NULL ? name : STR(""),
                                 .type = STR("group"),
                                 .owner = STR(""),
                                 .min_seq = 1,
                                 .created_ms = tx->now_ms,
                                 .updated_ms = tx->now_ms};
        store_room_add(tx->conn, &room);
    } else if (conversation_closed(&room) || (name.p != NULL && !str_eq(room.name, name))) {
        room.name = name.p != NULL ? name : room.name;
        room.opening = 0;
        room.updated_ms = tx->now_ms;
        store_room_update(tx->conn, &room);
        out->seq = event_room(tx, &room, "updated", STR_NULL, NULL, 0, STR_NULL);
    }
    return RESULT_OK;
}

enum result chatroom_destroy(struct core_tx *tx, struct str id, struct outcome *out)
{
    struct room_row room;
    const enum result rc = check(id, STR_NULL, out);

    if (rc != RESULT_OK ||
        !store_room_get(tx->conn, tx->app_id, conversation_room(tx->arena, CONVERSATION_CHATROOM, STR_NULL, id), &room) ||
        conversation_closed(&room))
        return rc;
    room.opening = CONVERSATION_CLOSED;
    room.updated_ms = tx->now_ms;
    store_room_update(tx->conn, &room);
    /* Who follows it learns of it; who asks later is refused. */
    out->seq = event_room(tx, &room, "updated", STR_NULL, NULL, 0, STR_NULL);
    return RESULT_OK;
}
