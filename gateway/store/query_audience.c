#include "store/query.h"

#include "store/conn.h"

bool store_tag_held(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq)
{
    struct db_stmt *s = conn_query(c, SQL_TAG_HELD);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, tag);
    db_bind_int(s, 4, seq);
    return conn_number(c, s, 0) != 0;
}

void store_package_put(struct store_conn *c, int64_t app, struct str user, struct str package, struct str device, int64_t from_seq)
{
    struct db_stmt *s = conn_query(c, SQL_PACKAGE_PUT);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, package);
    db_bind_text(s, 4, device);
    db_bind_int(s, 5, from_seq);
    conn_write(c, s);
}

bool store_package_held(struct store_conn *c, int64_t app, struct str user, struct str package, int64_t seq, int64_t seen_since_ms)
{
    struct db_stmt *s = conn_query(c, SQL_PACKAGE_HELD);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, package);
    db_bind_int(s, 4, seq);
    db_bind_int(s, 5, seen_since_ms);
    return conn_number(c, s, 0) != 0;
}

void store_package_forget(struct store_conn *c, int64_t app, struct str user, struct str device)
{
    struct db_stmt *s = conn_query(c, SQL_PACKAGE_FORGET);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, device);
    conn_write(c, s);
}

void store_message_limited(struct store_conn *c, const struct message_page *page,
                           bool (*each)(void *ctx, const struct message_row *row), void *ctx)
{
    const enum sql_id id = (enum sql_id)((int)SQL_LIMITED_UPDATED + (int)page->order);
    struct db_stmt *s = conn_query(c, id);
    bool more = true;

    if (s == NULL)
        return;
    db_bind_int(s, 1, page->room_key);
    db_bind_int(s, 2, page->has_min_ms ? page->min_ms : INT64_MIN);
    /* Read in place, as there may be many. */
    while (more && conn_row(c, s)) {
        const struct message_row row = {.room_key = page->room_key,
                                        .seq = db_int(s, 0),
                                        .created_ms = db_int(s, 1),
                                        .audience = db_bytes(s, 2)};

        more = each(ctx, &row);
    }
    conn_end(c, s);
}
