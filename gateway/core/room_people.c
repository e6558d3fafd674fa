#include "core/room_people.h"

size_t room_people_add(struct core_tx *tx, const struct room_row *room, const struct str *users, size_t n, struct str *joined)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        struct member_row row;

        if (store_member_get(tx->conn, room->key, users[i], &row))
            continue;
        row = (struct member_row){.user = users[i],
                                  .role = str_eq(users[i], room->owner) ? ROLE_OWNER : ROLE_MEMBER,
                                  .joined_seq = room->seq,
                                  .joined_ms = tx->now_ms,
                                  .read_seq = room->seq};
        store_member_put(tx->conn, tx->app_id, room->key, &row);
        joined[count++] = users[i];
    }
    return count;
}

size_t room_people_remove(struct core_tx *tx, const struct room_row *room, const struct str *users, size_t n, struct str *left)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        struct member_row row;

        if (!store_member_get(tx->conn, room->key, users[i], &row))
            continue;
        /* They have seen everything up to here. */
        store_member_past_add(tx->conn, room->key, users[i], row.joined_seq, room->seq, tx->now_ms);
        store_member_remove(tx->conn, room->key, users[i]);
        left[count++] = users[i];
    }
    return count;
}
