#include "core/group.h"

#include "base/text.h"
#include "core/conversation.h"
#include "core/event.h"
#include "core/room_people.h"

#define NAME_MAX_BYTES 256U
#define PAGE 1000U

static enum result check(struct str id, struct str name, struct outcome *out)
{
    if (str_empty(id))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "groupId is missing: name the group");
    if (!text_room_valid(id.p, id.n))
        return tx_fail(out, RESULT_INVALID_BODY, "groupId must be 1 to %d bytes without control characters and without a leading ~",
                       TEXT_ROOM_MAX);
    if (name.n > NAME_MAX_BYTES || !text_utf8_valid(name.p, name.n))
        return tx_fail(out, RESULT_INVALID_BODY, "groupName must be text of at most %u bytes", NAME_MAX_BYTES);
    return RESULT_OK;
}

static enum result check_users(const struct str *users, size_t n, struct outcome *out)
{
    if (n == 0)
        return tx_fail(out, RESULT_MISSING_PARAMETER, "userId is missing: name at least one user");
    if (n > GROUP_USERS_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "userId: at most %u users in one call", GROUP_USERS_MAX);
    for (size_t i = 0; i < n; i++)
        if (!text_user_valid(users[i].p, users[i].n))
            return tx_fail(out, RESULT_INVALID_BODY, "userId must be 1 to %d bytes without control characters", TEXT_USER_MAX);
    return RESULT_OK;
}

static enum result find(struct core_tx *tx, struct str id, struct str name, struct room_row *room, struct outcome *out)
{
    enum result rc = check(id, name, out);

    if (rc == RESULT_OK)
        rc = conversation_open(tx, CONVERSATION_GROUP, STR_NULL, id, room, out);
    return rc;
}

/* Puts in who is missing, and tells it as `change`, or as nothing where nobody is new and the change is "joined". */
static void put_in(struct core_tx *tx, struct room_row *room, const char *change, const struct str *users, size_t n,
                   struct outcome *out)
{
    struct str *joined = arena_alloc(tx->arena, (n + 1) * sizeof(*joined));
    const size_t count = room_people_add(tx, room, users, n, joined);

    if (count != 0 || strcmp(change, "joined") != 0)
        out->seq = event_room(tx, room, change, STR_NULL, joined, count, STR_NULL);
}

static void give_name(struct core_tx *tx, struct room_row *room, struct str name, struct outcome *out)
{
    const bool closed = conversation_closed(room);

    if (!closed && (str_empty(name) || str_eq(room->name, name)))
        return;
    if (!str_empty(name))
        room->name = name;
    room->opening = closed ? 0 : room->opening;
    room->updated_ms = tx->now_ms;
    store_room_update(tx->conn, room);
    out->seq = event_room(tx, room, "updated", STR_NULL, NULL, 0, STR_NULL);
}

enum result group_create(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *out)
{
    struct room_row room;
    enum result rc = check(id, name, out);

    if (rc == RESULT_OK)
        rc = check_users(users, n, out);
    if (rc != RESULT_OK)
        return rc;
    if (store_room_get(tx->conn, tx->app_id, id, &room)) {
        if (conversation_of(&room) == CONVERSATION_PRIVATE)
            return tx_fail(out, RESULT_CONFLICT, "groupId: the room \"%.*s\" is a direct room; choose another id", (int)id.n, id.p);
        give_name(tx, &room, name, out);
        put_in(tx, &room, "joined", users, n, out);
    } else {
        room = (struct room_row){.app = tx->app_id,
                                 .id = id,
                                 .name = name.p != NULL ? name : STR(""),
                                 .type = STR("group"),
                                 .owner = STR(""),
                                 .min_seq = 1,
                                 .created_ms = tx->now_ms,
                                 .updated_ms = tx->now_ms};
        store_room_add(tx->conn, &room);
        put_in(tx, &room, "created", users, n, out);
    }
    return RESULT_OK;
}

enum result group_join(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *out)
{
    struct room_row room;
    enum result rc = check_users(users, n, out);

    if (rc == RESULT_OK)
        rc = find(tx, id, name, &room, out);
    if (rc != RESULT_OK)
        return rc;
    give_name(tx, &room, name, out);
    put_in(tx, &room, "joined", users, n, out);
    return RESULT_OK;
}

static void take_out(struct core_tx *tx, struct room_row *room, const struct str *users, size_t n, struct outcome *out)
{
    struct str *left = arena_alloc(tx->arena, (n + 1) * sizeof(*left));
    const size_t count = room_people_remove(tx, room, users, n, left);

    if (count != 0)
        out->seq = event_room(tx, room, "left", STR_NULL, left, count, STR_NULL);
}

enum result group_quit(struct core_tx *tx, struct str id, const struct str *users, size_t n, struct outcome *out)
{
    struct room_row room;
    enum result rc = check_users(users, n, out);

    if (rc == RESULT_OK)
        rc = find(tx, id, STR_NULL, &room, out);
    if (rc == RESULT_OK)
        take_out(tx, &room, users, n, out);
    return rc;
}

/* At most PAGE members after `after`, in byte order. */
static size_t next_members(struct core_tx *tx, const struct room_row *room, struct str after, struct str *users)
{
    struct member_row *rows = arena_alloc(tx->arena, PAGE * sizeof(*rows));
    const size_t n = store_member_list(tx->conn, room->key, after, rows, PAGE);

    for (size_t i = 0; i < n; i++)
        users[i] = rows[i].user;
    return n;
}

enum result group_dismiss(struct core_tx *tx, struct str id, int64_t done, struct outcome *out)
{
    struct str *users;
    struct room_row room;
    enum result rc = check(id, STR_NULL, out);
    size_t n;

    if (rc != RESULT_OK)
        return rc;
    if (!store_room_get(tx->conn, tx->app_id, id, &room) || !conversation_closed(&room)) {
        if (done != 0) /* somebody made it anew meanwhile */
            return RESULT_OK;
        rc = find(tx, id, STR_NULL, &room, out);
        if (rc != RESULT_OK)
            return rc;
        room.opening = CONVERSATION_CLOSED;
        room.updated_ms = tx->now_ms;
        store_room_update(tx->conn, &room);
    }
    users = arena_alloc(tx->arena, PAGE * sizeof(*users));
    n = next_members(tx, &room, STR_NULL, users);
    take_out(tx, &room, users, n, out);
    out->count = done + (int64_t)n;
    out->more = n == PAGE;
    return RESULT_OK;
}

enum result group_refresh(struct core_tx *tx, struct str id, struct str name, struct outcome *out)
{
    struct room_row room;
    enum result rc;

    if (str_empty(name))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "groupName is missing: give the new name");
    rc = find(tx, id, name, &room, out);
    if (rc == RESULT_OK)
        give_name(tx, &room, name, out);
    return rc;
}

enum result group_users(struct core_tx *tx, struct str id, struct str **users, size_t *n, struct outcome *out)
{
    struct room_row room;
    const enum result rc = find(tx, id, STR_NULL, &room, out);
    size_t count, got;

    *users = NULL;
    *n = 0;
    if (rc != RESULT_OK)
        return rc;
    count = (size_t)store_member_count(tx->conn, room.key);
    if (count > GROUP_LIST_MAX)
        return tx_fail(out, RESULT_TOO_LARGE, "The group has %zu members, more than the %u that one answer lists", count,
                       GROUP_LIST_MAX);
    *users = arena_alloc(tx->arena, (count + PAGE) * sizeof(**users));
    do {
        got = next_members(tx, &room, *n != 0 ? (*users)[*n - 1] : STR_NULL, *users + *n);
        *n += got;
    } while (got == PAGE && *n <= count);
    return RESULT_OK;
}
