#include "core/device.h"

#include "core/event.h"

/* A device that comes back within this time with nothing new about it is not written again. */
#define SEEN_STEP_MS INT64_C(3600000)
#define PACKAGES_BYTES 1024U

/* Is `item` one of the comma separated `list`? */
static bool listed(struct str list, struct str item)
{
    const char *p = list.p;
    const char *end = list.p + list.n;

    while (p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const struct str one = str_n(p, (size_t)((comma != NULL ? comma : end) - p));

        if (str_eq(one, item))
            return true;
        p += one.n + 1;
    }
    return false;
}

void device_seen(struct core_tx *tx, struct str user, struct str device, struct str caps, struct str package, uint64_t serial)
{
    struct device_row row;
    const bool known = store_device_get(tx->conn, tx->app_id, user, device, &row);
    const bool same = known && str_eq(row.caps, caps) && (str_empty(package) || listed(row.packages, package)) &&
                      tx->now_ms - row.seen_ms < SEEN_STEP_MS;

    if (!same) {
        struct str packages = known && !str_empty(row.packages) ? row.packages : STR("");

        if (!str_empty(package) && !listed(packages, package))
            packages = packages.n == 0 || packages.n + package.n > PACKAGES_BYTES
                           ? package
                           : arena_printf(tx->arena, "%.*s,%.*s", (int)packages.n, packages.p, (int)package.n, package.p);
        row = (struct device_row){user, device, caps, packages, tx->now_ms};
        store_device_put(tx->conn, tx->app_id, &row);
    }
    event_device(tx, user, device, serial);
}

void device_ack(struct core_tx *tx, struct str user, struct str device, struct str room_id, int64_t seq,
                const int64_t *refused, size_t refused_count)
{
    struct member_row member;
    struct room_row room;

    if (!store_room_get(tx->conn, tx->app_id, room_id, &room))
        return;
    if (room_id.p[0] != '~' && !store_member_get(tx->conn, room.key, user, &member))
        return;
    if (seq > room.seq)
        seq = room.seq;
    store_ack_put(tx->conn, tx->app_id, room.key, user, device, seq, tx->now_ms);
    for (size_t i = 0; i < refused_count; i++)
        if (refused[i] >= 1 && refused[i] <= seq)
            store_refused_put(tx->conn, tx->app_id, room.key, user, device, refused[i], tx->now_ms);
}
