#include "core/room_pair.h"

#include "auth/digest.h"
#include "base/id.h"
#include "base/text.h"

#include <stdlib.h>

#define PAIR_PAGE 64U /* rooms of one look */

static int compare(struct str a, struct str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

    if (order != 0)
        return order;
    return a.n < b.n ? -1 : a.n > b.n;
}

/* The digest stands for the two ids: both together may be longer than a room id is allowed to be. */
static struct str made_id(struct core_tx *tx, struct str a, struct str b)
{
    const bool in_order = compare(a, b) <= 0;
    const struct str first = in_order ? a : b, second = in_order ? b : a;
    /* The length first: "ab" + "c" is not "a" + "bc". */
    const struct str text =
        arena_printf(tx->arena, "%zu:%.*s%.*s", first.n, (int)first.n, first.p, (int)second.n, second.p);
    unsigned char digest[DIGEST_SHA256_SIZE];
    char hex[41];

    if (!digest_sha256(text.p, text.n, digest))
        abort();
    text_hex(digest, 20, hex);
    return arena_printf(tx->arena, "direct-%s", hex);
}

static bool is_of(struct core_tx *tx, const struct room_row *room, struct str a, struct str b)
{
    struct member_row members[3];
    size_t n;

    if (!str_eq(room->type, STR("direct")))
        return false;
    if (!str_empty(room->owner) && !str_eq(room->owner, a) && !str_eq(room->owner, b))
        return false;
    n = store_member_list(tx->conn, room->key, STR_NULL, members, 3);
    for (size_t i = 0; i < n; i++)
        if (!str_eq(members[i].user, a) && !str_eq(members[i].user, b))
            return false;
    return n != 0;
}

/* The next page of one user's rooms, looked through for the direct room with the other. */
struct look {
    struct str user, other;
    struct str after; /* the last room of the page before */
    bool ended;
};

static bool look_on(struct core_tx *tx, struct look *l, struct room_row *rooms, struct room_row *found)
{
    const size_t n = store_rooms_of(tx->conn, tx->app_id, l->user, l->after, rooms, NULL, PAIR_PAGE);
    struct member_row member;

    l->ended = n < PAIR_PAGE;
    if (n != 0)
        l->after = rooms[n - 1].id;
    for (size_t i = 0; i < n; i++) {
        if (str_eq(rooms[i].type, STR("direct")) && store_member_get(tx->conn, rooms[i].key, l->other, &member) &&
            is_of(tx, &rooms[i], l->user, l->other)) {
            *found = rooms[i];
            return true;
        }
    }
    return false;
}

bool room_pair_find(struct core_tx *tx, struct str a, struct str b, struct room_row *room)
{
    struct look looks[2] = {{.user = a, .other = b}, {.user = b, .other = a}};
    struct room_row *rooms;

    if (store_room_get(tx->conn, tx->app_id, made_id(tx, a, b), room) && is_of(tx, room, a, b))
        return true;
    /* A room that was created with an id of the caller's choice. Both users' rooms in turns, until those of one are through: a new
     * customer has few rooms, however many the agent has. */
    rooms = arena_alloc(tx->arena, PAIR_PAGE * sizeof(*rooms));
    for (unsigned turn = 0; !looks[0].ended && !looks[1].ended; turn = 1 - turn)
        if (look_on(tx, &looks[turn], rooms, room))
            return true;
    return false;
}

struct str room_pair_id(struct core_tx *tx, struct str a, struct str b)
{
    const struct str id = made_id(tx, a, b);
    struct room_row taken;
    char random_id[ID_MESSAGE_SIZE];

    if (!store_room_get(tx->conn, tx->app_id, id, &taken))
        return id;
    id_message(random_id, tx->now_ms);
    return arena_str(tx->arena, str_c(random_id));
}
