#include "core/quota.h"

#include "base/zone.h"

#define HOUR_MS INT64_C(3600000)

struct limits {
    int64_t hour, day; /* 0: none */
    const char *hour_setting, *day_setting, *what;
};

static struct limits limits_of(const struct config_app *app, enum quota_kind kind)
{
    if (kind == QUOTA_BROADCAST)
        return (struct limits){app->broadcasts_per_hour, app->broadcasts_per_day, "broadcasts_per_hour", "broadcasts_per_day",
                               "broadcasts"};
    return (struct limits){app->broadcast_recalls_per_hour, app->broadcast_recalls_per_day, "broadcast_recalls_per_hour",
                           "broadcast_recalls_per_day", "broadcast recalls"};
}

/* The moment at which the next calendar day begins: no day is longer than 26 hours, none shorter than 20. */
static int64_t next_day(const struct core_tx *tx)
{
    const int64_t today = zone_day_start(tx->app->time_zone, tx->now_ms);

    return zone_day_start(tx->app->time_zone, today + 26 * HOUR_MS);
}

enum result quota_check(struct core_tx *tx, enum quota_kind kind, struct outcome *out)
{
    const struct limits l = limits_of(tx->app, kind);
    int64_t hour_until = 0, day_until = 0, until;

    /* The hour is free again when the oldest of the last `hour` ones is an hour old. */
    if (l.hour > 0) {
        const int64_t oldest = store_quota_nth(tx->conn, tx->app_id, (int)kind, tx->now_ms - HOUR_MS + 1, l.hour);

        hour_until = oldest != 0 ? oldest + HOUR_MS : 0;
    }
    if (l.day > 0 &&
        store_quota_nth(tx->conn, tx->app_id, (int)kind, zone_day_start(tx->app->time_zone, tx->now_ms), l.day) != 0)
        day_until = next_day(tx);
    if (hour_until == 0 && day_until == 0)
        return RESULT_OK;
    until = hour_until > day_until ? hour_until : day_until;
    out->retry_after_s = (until - tx->now_ms + 999) / 1000;
    if (out->retry_after_s < 1)
        out->retry_after_s = 1;
    return tx_fail(out, RESULT_RATE_LIMITED, "Too many %s: at most %lld %s (%s); try again in %lld s", l.what,
                   (long long)(day_until > hour_until ? l.day : l.hour),
                   day_until > hour_until ? "a calendar day" : "within an hour",
                   day_until > hour_until ? l.day_setting : l.hour_setting, (long long)out->retry_after_s);
}

void quota_take(struct core_tx *tx, enum quota_kind kind)
{
    const struct limits l = limits_of(tx->app, kind);
    const int64_t today = zone_day_start(tx->app->time_zone, tx->now_ms), hour = tx->now_ms - HOUR_MS;

    if (l.hour <= 0 && l.day <= 0)
        return; /* an app without limits keeps no rows */
    store_quota_purge(tx->conn, tx->app_id, (int)kind, today < hour ? today : hour);
    store_quota_add(tx->conn, tx->app_id, (int)kind, tx->now_ms);
}
