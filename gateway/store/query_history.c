#include "store/query.h"

#include "store/conn.h"
#include "store/read.h"

/* An absent user hid nothing; no user has the empty id. */
static struct str user_of(struct str user)
{
    return user.p != NULL ? user : STR("");
}

/* Binds what all twelve have in common; NULL after a failure. `first`: the first of six. */
static struct db_stmt *select_page(struct store_conn *c, enum sql_id first, const struct message_page *page)
{
    const enum sql_id id = (enum sql_id)((int)first + 2 * (int)page->order + (page->ascending ? 1 : 0));
    const int64_t end = page->ascending ? INT64_MIN : INT64_MAX;
    struct db_stmt *s = conn_query(c, id);

    if (s == NULL)
        return NULL;
    db_bind_int(s, 1, page->room_key);
    db_bind_text(s, 2, user_of(page->user));
    db_bind_int(s, 3, page->has_from ? page->from_ms : end);
    db_bind_int(s, 4, page->has_from ? page->from_key : end);
    db_bind_int(s, 5, page->has_min_ms ? page->min_ms : INT64_MIN);
    return s;
}

size_t store_message_page(struct store_conn *c, const struct message_page *page, struct message_row *out)
{
    struct db_stmt *s = select_page(c, SQL_PAGE_UPDATED_DESC, page);

    if (s == NULL)
        return 0;
    db_bind_int(s, 6, (int64_t)page->limit);
    return read_messages(c, s, out, page->limit);
}

/* What `sees` says of the message's row, of which it gets seq, created_ms and audience, in place. */
static bool is_seen(struct store_conn *c, int64_t room_key, int64_t key,
                    bool (*sees)(void *ctx, const struct message_row *row), void *ctx)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_AUDIENCE);
    bool seen = false;

    if (s == NULL)
        return false;
    db_bind_int(s, 1, key);
    if (conn_row(c, s)) {
        const struct message_row row = {.key = key,
                                        .room_key = room_key,
                                        .seq = db_int(s, 0),
                                        .created_ms = db_int(s, 1),
                                        .audience = db_bytes(s, 2)};

        seen = row.audience.p == NULL || sees(ctx, &row);
    }
    conn_end(c, s);
    return seen;
}

size_t store_message_page_seen(struct store_conn *c, const struct message_page *page,
                               bool (*sees)(void *ctx, const struct message_row *row), void *ctx, struct message_row *out)
{
    struct db_stmt *s = page->limit != 0 ? select_page(c, SQL_KEYS_UPDATED_DESC, page) : NULL;
    size_t n = 0;

    if (s == NULL)
        return 0;
    while (n < page->limit && conn_row(c, s)) {
        const int64_t key = db_int(s, 0);

        if (is_seen(c, page->room_key, key, sees, ctx) && store_message_by_key(c, key, &out[n]))
            n++;
    }
    conn_end(c, s);
    return c->failed ? 0 : n;
}

int64_t store_message_page_total(struct store_conn *c, const struct message_page *page)
{
    const int64_t min_ms = page->has_min_ms ? page->min_ms : INT64_MIN;
    const enum sql_id id =
        page->has_min_ms ? (enum sql_id)((int)SQL_TOTAL_UPDATED + (int)page->order) : SQL_TOTAL_ALL;
    struct db_stmt *s = conn_query(c, id);
    int64_t total;

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, page->room_key);
    if (page->has_min_ms)
        db_bind_int(s, 2, min_ms);
    total = conn_number(c, s, 0);
    if (str_empty(page->user))
        return total;
    /* Counting all and taking off the few that the user hid keeps the first count on the index alone. */
    s = conn_query(c, (enum sql_id)((int)SQL_HIDDEN_TOTAL_UPDATED + (int)page->order));
    if (s == NULL)
        return 0;
    db_bind_int(s, 1, page->app);
    db_bind_int(s, 2, page->room_key);
    db_bind_text(s, 3, page->user);
    db_bind_int(s, 4, min_ms);
    return total - conn_number(c, s, 0);
}

void store_hidden_put(struct store_conn *c, int64_t app, struct str user, int64_t room_key,
                      struct str message, int64_t now_ms)
{
    struct db_stmt *s = conn_query(c, SQL_HIDDEN_PUT);

    (void)app; /* the room's key says it */
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, message);
    db_bind_int(s, 4, now_ms);
    conn_write(c, s);
}

size_t store_hidden_list(struct store_conn *c, int64_t app, struct str user, int64_t room_key,
                         struct str *out, size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_HIDDEN_LIST);
    size_t n = 0;

    (void)app;
    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_int(s, 3, (int64_t)limit);
    while (n < limit && conn_row(c, s))
        out[n++] = conn_text(c, s, 0);
    conn_end(c, s);
    return c->failed ? 0 : n;
}
