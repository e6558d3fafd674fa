#include "core/retention.h"

#define DAY_MS INT64_C(86400000)

/* The first event that the count keeps. A small log is trimmed at each event, a large one an eighth at a time. */
static int64_t by_count(const struct core_tx *tx, const struct room_row *room, int64_t seq)
{
    const int64_t count = tx->app->retention_count;
    const int64_t kept = seq - room->min_seq + 1;

    if (count <= 0 || kept <= count + count / 8)
        return room->min_seq;
    return seq - count + 1;
}

/* The first event that the age keeps, looking at a few of the oldest. */
static int64_t by_age(struct core_tx *tx, const struct room_row *room, int64_t first)
{
    const int64_t oldest_ms = tx->now_ms - tx->app->retention_days * DAY_MS;
    struct event_row events[RETENTION_STEP];
    int64_t first_ms;
    size_t n;

    if (tx->app->retention_days <= 0)
        return first;
    /* Mostly the oldest is young enough: the others are read only behind one that is not. */
    first_ms = store_event_first_ms(tx->conn, room->key, first);
    if (first_ms == 0 || first_ms >= oldest_ms)
        return first;
    n = store_event_times(tx->conn, room->key, first - 1, events, RETENTION_STEP);
    for (size_t i = 0; i < n && events[i].time_ms < oldest_ms; i++)
        first = events[i].seq + 1;
    return first;
}

void retention_apply(struct core_tx *tx, struct room_row *room, int64_t seq)
{
    const int64_t first = by_age(tx, room, by_count(tx, room, seq));

    if (first <= room->min_seq)
        return;
    store_event_trim(tx->conn, room->key, first);
    room->min_seq = first;
}
