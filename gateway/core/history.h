/*
 * gateway/core/history.h - reading messages. Thread: a reader, inside one snapshot. Owns nothing.
 * A client is shown the messages that are for everyone or for them (core/audience.h), and no count tells of others.
 * A recalled message reads as recalled, everywhere, because content is not there any more.
 */
#ifndef RECALLD_CORE_HISTORY_H
#define RECALLD_CORE_HISTORY_H

#include "core/principal.h"

struct history_query {
    struct str room;
    size_t limit;              /* 1 to 1,000; 0: 20 */
    struct str before, after;  /* message ids; absent: none */
    bool has_after_time;
    int64_t after_time_ms;
    enum message_order field;  /* timeRangeField */
};

/* GET /rooms/{id}/messages/v3 -> {totalCount, data, userDeletedIDs}; newest first by the field. */
enum result history_page(struct core_tx *tx, const struct principal *who, const struct history_query *q, struct outcome *out);
/* GET /rooms/{id}/messages/{mid}?before&after -> the messages around one, in order of time: {message, data}. */
enum result history_around(struct core_tx *tx, const struct principal *who, struct str room, struct str message, size_t before,
                           size_t after, struct outcome *out);

#endif
