/*
 * gateway/base/zone.h - calendar days of a time zone, for quotas that count by the day.
 *
 * Owns:    a `struct zone` owns its table of offsets; immutable once made.
 * Bounds:  a zone file of at most 256 KiB.
 * Fails:   zone_create gives NULL for an unknown zone or without memory; the rest cannot fail.
 * Thread:  any; libc's TZ is one for the whole process and is not touched.
 */
#ifndef RECALLD_BASE_ZONE_H
#define RECALLD_BASE_ZONE_H

#include <stdint.h>

struct zone;

/* A zone by name: "UTC", "+08:00" and the like, or a name of the system's database ("Asia/Shanghai"). NULL:
 * see above. */
struct zone *zone_create(const char *name);
/* NULL is legal. */
void zone_free(struct zone *z);

/* Seconds east of UTC at a moment (ms since 1970). After the database's last change, the last known offset.
 */
int64_t zone_offset(const struct zone *z, int64_t ms);
/* The calendar day of a moment, counted from 1970-01-01 in that zone. */
int64_t zone_day(const struct zone *z, int64_t ms);
/* The moment (ms since 1970) at which that calendar day began. */
int64_t zone_day_start(const struct zone *z, int64_t ms);

#endif
