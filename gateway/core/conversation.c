#include "core/conversation.h"

#include "base/text.h"
#include "core/event.h"

#define PRIVATE STR("~private/")
#define CHATROOM STR("~chatroom/")
#define SYSTEM STR("~system/")

static bool starts(struct str s, struct str with)
{
    return s.n >= with.n && memcmp(s.p, with.p, with.n) == 0;
}

static struct str behind(struct str s, struct str prefix)
{
    return str_n(s.p + prefix.n, s.n - prefix.n);
}

/* In byte order, a shorter one before what it begins. */
static bool in_order(struct str a, struct str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

    return order != 0 ? order < 0 : a.n <= b.n;
}

static struct str join(struct arena *arena, struct str prefix, struct str id)
{
    return arena_printf(arena, "%.*s%.*s", (int)prefix.n, prefix.p, (int)id.n, id.p);
}

struct str conversation_room(struct arena *arena, enum conversation kind, struct str from, struct str target)
{
    const struct str first = in_order(from, target) ? from : target, second = in_order(from, target) ? target : from;

    switch (kind) {
    case CONVERSATION_PRIVATE:
        return arena_printf(arena, "~private/%.*s/%.*s", (int)first.n, first.p, (int)second.n, second.p);
    case CONVERSATION_CHATROOM:
        return join(arena, CHATROOM, target);
    case CONVERSATION_SYSTEM:
        return target.p != NULL ? join(arena, SYSTEM, target) : CONVERSATION_BROADCAST;
    case CONVERSATION_NONE:
    case CONVERSATION_GROUP:
    case CONVERSATION_ULTRAGROUP:
        break;
    }
    return target;
}

enum conversation conversation_of(const struct room_row *room)
{
    if (starts(room->id, PRIVATE))
        return CONVERSATION_PRIVATE;
    if (starts(room->id, CHATROOM))
        return CONVERSATION_CHATROOM;
    if (starts(room->id, STR("~")))
        return CONVERSATION_SYSTEM;
    return str_eq(room->type, STR("direct")) ? CONVERSATION_PRIVATE : CONVERSATION_GROUP;
}

/* The other one of "A/B". */
static struct str other(struct str pair, struct str author)
{
    if (author.p == NULL || pair.n <= author.n)
        return pair;
    if (pair.p[author.n] == '/' && starts(pair, author))
        return str_n(pair.p + author.n + 1, pair.n - author.n - 1);
    if (pair.p[pair.n - author.n - 1] == '/' && memcmp(pair.p + pair.n - author.n, author.p, author.n) == 0)
        return str_n(pair.p, pair.n - author.n - 1);
    return pair;
}

struct str conversation_target(struct arena *arena, const struct room_row *room, struct str author)
{
    (void)arena;
    if (starts(room->id, PRIVATE))
        return other(behind(room->id, PRIVATE), author);
    if (starts(room->id, CHATROOM))
        return behind(room->id, CHATROOM);
    if (starts(room->id, SYSTEM))
        return behind(room->id, SYSTEM);
    return str_eq(room->id, CONVERSATION_BROADCAST) && author.p != NULL ? author : room->id;
}

bool conversation_closed(const struct room_row *room)
{
    return room->opening == CONVERSATION_CLOSED;
}

/* Does the room hold nobody but these two? */
static bool holds_pair(struct core_tx *tx, const struct room_row *room, struct str a, struct str b)
{
    struct member_row members[3];
    const size_t n = store_member_list(tx->conn, room->key, STR_NULL, members, 3);

    for (size_t i = 0; i < n; i++)
        if (!str_eq(members[i].user, a) && !str_eq(members[i].user, b))
            return false;
    return n != 0;
}

/* Could "A/B" be another two's? Only where an id has a slash itself. */
static bool ambiguous(struct str a, struct str b)
{
    return memchr(a.p, '/', a.n) != NULL || memchr(b.p, '/', b.n) != NULL;
}

static enum result none(struct outcome *out, const char *what, struct str id)
{
    return tx_fail(out, RESULT_NO_ROOM, "There is no %s \"%.*s\"", what, (int)id.n, id.p);
}

/* What the room of a conversation is before anybody said anything in it. */
static struct room_row blank(struct core_tx *tx, enum conversation kind, struct str id)
{
    return (struct room_row){.app = tx->app_id,
                             .id = id,
                             .name = STR(""),
                             .type = kind == CONVERSATION_PRIVATE ? STR("direct") : STR("group"),
                             .owner = STR(""),
                             .min_seq = 1,
                             .created_ms = tx->now_ms,
                             .updated_ms = tx->now_ms};
}

enum result conversation_open(struct core_tx *tx, enum conversation kind, struct str from, struct str target,
                              struct room_row *room, struct outcome *out)
{
    const struct str id = conversation_room(tx->arena, kind, from, target);
    const bool chatroom = kind == CONVERSATION_CHATROOM;
    bool found;

    if (!chatroom && kind != CONVERSATION_PRIVATE && kind != CONVERSATION_SYSTEM && !text_room_valid(id.p, id.n))
        return none(out, "group", target); /* a name of the server's own is no group's */
    found = store_room_get(tx->conn, tx->app_id, id, room);
    switch (kind) {
    case CONVERSATION_PRIVATE:
        if (found && ambiguous(from, target) && !holds_pair(tx, room, from, target))
            return tx_fail(out, RESULT_CONFLICT, "toUserId: the conversation of these two cannot be told from another's, because of "
                                                 "the slashes in the ids; use ids without a slash");
        break;
    case CONVERSATION_SYSTEM:
        break;
    case CONVERSATION_NONE:
    case CONVERSATION_GROUP:
    case CONVERSATION_CHATROOM:
    case CONVERSATION_ULTRAGROUP:
        if (!found || conversation_closed(room))
            return none(out, chatroom ? "chatroom" : "group", target);
        if (conversation_of(room) == CONVERSATION_PRIVATE)
            return tx_fail(out, RESULT_CONFLICT, "The room \"%.*s\" is a direct room, not a group", (int)target.n, target.p);
        break;
    }
    if (!found)
        *room = blank(tx, kind, id);
    return RESULT_OK;
}

void conversation_make(struct core_tx *tx, enum conversation kind, struct str from, struct str target, struct room_row *room)
{
    const bool first = in_order(from, target);
    const struct str users[2] = {first ? from : target, first ? target : from};
    const size_t n = str_eq(from, target) ? 1 : 2;

    store_room_add(tx->conn, room);
    if (kind != CONVERSATION_PRIVATE)
        return;
    for (size_t i = 0; i < n; i++) {
        const struct member_row member = {.user = users[i], .role = ROLE_MEMBER, .joined_ms = tx->now_ms};

        store_member_put(tx->conn, tx->app_id, room->key, &member);
    }
    event_room(tx, room, "created", STR_NULL, users, n, STR_NULL);
}

bool conversation_holds(struct core_tx *tx, enum conversation kind, struct str from, struct str target, const struct room_row *room)
{
    const struct str id = conversation_room(tx->arena, kind, from, target);

    if (kind == CONVERSATION_PRIVATE)
        return (str_eq(room->id, id) || (!starts(room->id, STR("~")) && str_eq(room->type, STR("direct")))) &&
               holds_pair(tx, room, from, target);
    /* An IMKit direct room has a room id too, but it is no group. */
    return str_eq(room->id, id) && (conversation_of(room) == kind || kind == CONVERSATION_ULTRAGROUP);
}
