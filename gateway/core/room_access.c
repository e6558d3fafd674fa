#include "core/room_access.h"

#include "core/conversation.h"

enum reader {
    READER_MEMBER,  /* the member row says it */
    READER_NAMED,   /* the name says that they may */
    READER_NOBODY,  /* the name says that they may not */
    READER_PRIVATE, /* the member row says it, and the name while the room has not begun */
    READER_CHATROOM,
};

static bool begins(struct str s, const char *with, struct str *rest)
{
    const size_t n = strlen(with);

    if (s.n <= n || memcmp(s.p, with, n) != 0)
        return false;
    *rest = str_n(s.p + n, s.n - n);
    return true;
}

static enum reader reader_of(struct str id, struct str user)
{
    struct str rest;

    if (id.n == 0 || id.p[0] != '~')
        return READER_MEMBER;
    if (str_eq(id, STR("~broadcast")))
        return READER_NAMED;
    if (begins(id, "~system/", &rest))
        return user.p == NULL || str_eq(rest, user) ? READER_NAMED : READER_NOBODY;
    if (begins(id, "~private/", &rest))
        return READER_PRIVATE;
    if (begins(id, "~chatroom/", &rest))
        return READER_CHATROOM;
    return READER_MEMBER;
}

/* Does ~private/A/B name the user beyond doubt? Ids may hold slashes themselves: then only member rows tell who is meant. */
static bool names_pair(struct str id, struct str user)
{
    const struct str pair = str_n(id.p + sizeof("~private/") - 1, id.n - (sizeof("~private/") - 1));
    const char *slash = memchr(pair.p, '/', pair.n);
    struct str a, b;

    if (slash == NULL || memrchr(pair.p, '/', pair.n) != slash)
        return false;
    a = str_n(pair.p, (size_t)(slash - pair.p));
    b = str_n(slash + 1, pair.n - a.n - 1);
    return a.n != 0 && b.n != 0 && (user.p == NULL || str_eq(a, user) || str_eq(b, user));
}

/* A room that has no row. */
static enum result not_begun(struct core_tx *tx, enum reader reader, struct str user, struct str id, struct room_row *room)
{
    if (store_conn_failed(tx->conn))
        return RESULT_UNAVAILABLE;
    if (reader == READER_NAMED || (reader == READER_PRIVATE && names_pair(id, user))) {
        *room = (struct room_row){.app = tx->app_id,
                                  .id = id,
                                  .name = STR(""),
                                  .type = reader == READER_PRIVATE ? STR("direct") : STR("group"),
                                  .owner = STR(""),
                                  .min_seq = 1};
        return RESULT_OK;
    }
    return user.p == NULL ? RESULT_NO_ROOM : RESULT_NOT_MEMBER;
}

enum result room_access_open(struct core_tx *tx, struct str user, struct str id, struct room_row *room, struct member_row *member)
{
    const enum reader reader = reader_of(id, user);
    struct member_row unused;

    if (member == NULL)
        member = &unused;
    *member = (struct member_row){.role = ROLE_MEMBER};
    if (reader == READER_NOBODY)
        return RESULT_NOT_MEMBER;
    if (!store_room_get(tx->conn, tx->app_id, id, room))
        return not_begun(tx, reader, user, id, room);
    if (user.p == NULL || reader == READER_NAMED)
        return RESULT_OK;
    if (reader == READER_CHATROOM)
        return !conversation_closed(room) ? RESULT_OK : RESULT_NOT_MEMBER;
    if (store_member_get(tx->conn, room->key, user, member))
        return RESULT_OK;
    return store_conn_failed(tx->conn) ? RESULT_UNAVAILABLE : RESULT_NOT_MEMBER;
}

enum result room_access_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                              struct member_row *member, struct outcome *out)
{
    const enum result rc = room_access_open(tx, who->kind == PRINCIPAL_CLIENT ? who->user : STR_NULL, id, room, member);

    if (rc == RESULT_NO_ROOM)
        return tx_fail(out, rc, "The room %.*s does not exist", (int)id.n, id.p);
    if (rc == RESULT_NOT_MEMBER)
        return tx_fail(out, rc, "You are no member of the room %.*s", (int)id.n, id.p);
    return rc == RESULT_OK ? rc : tx_fail(out, rc, "%s", result_text(rc));
}
