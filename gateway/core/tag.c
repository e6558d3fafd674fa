#include "core/tag.h"

#include "base/text.h"
#include "core/conversation.h"

enum result tag_check(struct str user, const struct str *tags, size_t n, struct outcome *out)
{
    if (!text_user_valid(user.p, user.n))
        return tx_fail(out, RESULT_INVALID_BODY, "userId must be 1 to %d bytes without control characters", TEXT_USER_MAX);
    if (n > TAG_COUNT_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "tags: a user has at most %u", TAG_COUNT_MAX);
    for (size_t i = 0; i < n; i++)
        if (tags[i].n == 0 || tags[i].n > TAG_BYTES_MAX || !text_utf8_valid(tags[i].p, tags[i].n) ||
            text_has_control(tags[i].p, tags[i].n))
            return tx_fail(out, RESULT_INVALID_BODY, "tags[%zu] must be a string of 1 to %u bytes without control characters", i,
                           TAG_BYTES_MAX);
    return RESULT_OK;
}

static bool among(struct str tag, const struct str *tags, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(tags[i], tag))
            return true;
    return false;
}

enum result tag_set(struct core_tx *tx, struct str user, const struct str *tags, size_t n, struct outcome *out)
{
    struct str had[TAG_COUNT_MAX];
    struct room_row broadcast = {.seq = 0};
    size_t count;
    const enum result rc = tag_check(user, tags, n, out);

    if (rc != RESULT_OK)
        return rc;
    (void)store_room_get(tx->conn, tx->app_id, CONVERSATION_BROADCAST, &broadcast);
    count = tag_list(tx, user, had, TAG_COUNT_MAX);
    for (size_t i = 0; i < count; i++)
        if (!among(had[i], tags, n))
            store_tag_end(tx->conn, tx->app_id, user, had[i], broadcast.seq);
    for (size_t i = 0; i < n; i++)
        if (!among(tags[i], had, count) && !among(tags[i], tags, i))
            store_tag_begin(tx->conn, tx->app_id, user, tags[i], broadcast.seq);
    return RESULT_OK;
}

size_t tag_list(struct core_tx *tx, struct str user, struct str *out, size_t limit)
{
    return store_tag_list(tx->conn, tx->app_id, user, out, limit);
}
