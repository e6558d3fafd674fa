#include "core/room_pair.h"

#include "auth/digest.h"
#include "base/id.h"
#include "base/text.h"

#include <stdlib.h>

#define PAIR_PAGE 128U /* rooms of one look */

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

bool room_pair_find(struct core_tx *tx, struct str a, struct str b, struct room_row *room)
{
    struct room_row *rooms;
    struct str after = STR_NULL;
    struct member_row other;
    size_t n;

    if (store_room_get(tx->conn, tx->app_id, made_id(tx, a, b), room) && is_of(tx, room, a, b))
        return true;
    /* A room that was created with an id of the caller's choice. */
    rooms = arena_alloc(tx->arena, PAIR_PAGE * sizeof(*rooms));
    do {
        n = store_rooms_of(tx->conn, tx->app_id, b, after, rooms, NULL, PAIR_PAGE);
        for (size_t i = 0; i < n; i++) {
            if (!str_eq(rooms[i].type, STR("direct")) || !store_member_get(tx->conn, rooms[i].key, a, &other))
                continue;
            if (is_of(tx, &rooms[i], a, b)) {
                *room = rooms[i];
                return true;
            }
        }
        if (n != 0)
            after = rooms[n - 1].id;
    } while (n == PAIR_PAGE);
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
