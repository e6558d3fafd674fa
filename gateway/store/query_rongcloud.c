#include "store/query.h"

#include "store/conn.h"
#include "store/read.h"

/* --- tags --- */

/* The to_seq of a tag that holds still. */
#define STILL INT64_MAX

size_t store_tag_list(struct store_conn *c, int64_t app, struct str user, struct str *out, size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_TAG_LIST);
    size_t n = 0;

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_int(s, 3, STILL);
    db_bind_int(s, 4, (int64_t)limit);
    while (n < limit && conn_row(c, s))
        out[n++] = conn_text(c, s, 0);
    conn_end(c, s);
    return c->failed ? 0 : n;
}

static void bind_tag(struct db_stmt *s, int64_t app, struct str user, struct str tag, int64_t seq)
{
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, tag);
    db_bind_int(s, 4, seq);
}

void store_tag_begin(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq)
{
    struct db_stmt *s = conn_query(c, SQL_TAG_BEGIN);

    if (s == NULL)
        return;
    bind_tag(s, app, user, tag, seq);
    db_bind_int(s, 5, STILL);
    conn_write(c, s);
}

void store_tag_end(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq)
{
    struct db_stmt *s = conn_query(c, SQL_TAG_END);

    if (s == NULL)
        return;
    bind_tag(s, app, user, tag, seq);
    db_bind_int(s, 5, STILL);
    conn_write(c, s);
    /* A tag that was set and taken away between two events never held for any. */
    s = conn_query(c, SQL_TAG_NEVER);
    if (s == NULL)
        return;
    bind_tag(s, app, user, tag, seq);
    conn_write(c, s);
}

/* --- quotas --- */

int64_t store_quota_nth(struct store_conn *c, int64_t app, int kind, int64_t since_ms, int64_t nth)
{
    struct db_stmt *s = conn_query(c, SQL_QUOTA_NTH);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, kind);
    db_bind_int(s, 3, since_ms);
    db_bind_int(s, 4, nth - 1);
    return conn_number(c, s, 0);
}

void store_quota_add(struct store_conn *c, int64_t app, int kind, int64_t time_ms)
{
    struct db_stmt *s = conn_query(c, SQL_QUOTA_ADD);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, kind);
    db_bind_int(s, 3, time_ms);
    conn_write(c, s);
}

void store_quota_purge(struct store_conn *c, int64_t app, int kind, int64_t before_ms)
{
    struct db_stmt *s = conn_query(c, SQL_QUOTA_PURGE);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, kind);
    db_bind_int(s, 3, before_ms);
    conn_write(c, s);
}

/* --- what was said in a time --- */

size_t store_log_messages(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms, size_t limit, struct log_place **places)
{
    struct db_stmt *s = conn_query(c, SQL_LOG_MESSAGES);
    size_t n = 0, room = 1024;

    *places = arena_alloc(&c->arena, room * sizeof(**places));
    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, from_ms);
    db_bind_int(s, 3, to_ms);
    db_bind_int(s, 4, (int64_t)limit);
    while (n < limit && conn_row(c, s)) {
        if (n == room) {
            struct log_place *more = arena_alloc(&c->arena, 2 * room * sizeof(*more));

            memcpy(more, *places, n * sizeof(*more));
            *places = more;
            room *= 2;
        }
        (*places)[n++] = (struct log_place){db_int(s, 0), db_int(s, 1)};
    }
    conn_end(c, s);
    return c->failed ? 0 : n;
}

bool store_message_by_key(struct store_conn *c, int64_t key, struct message_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_BY_KEY);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, key);
    return read_one_message(c, s, out);
}

static size_t read_recalls(struct store_conn *c, struct db_stmt *s, struct recall_row *out, size_t limit)
{
    size_t n = 0;

    while (n < limit && conn_row(c, s))
        read_recall(c, s, &out[n++]);
    conn_end(c, s);
    return c->failed ? 0 : n;
}

int64_t store_log_recall_count(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms)
{
    struct db_stmt *s = conn_query(c, SQL_LOG_RECALL_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, from_ms);
    db_bind_int(s, 3, to_ms);
    return conn_number(c, s, 0);
}

size_t store_log_recalls(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms, struct recall_row *out, size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_LOG_RECALLS);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, from_ms);
    db_bind_int(s, 3, to_ms);
    db_bind_int(s, 4, (int64_t)limit);
    return read_recalls(c, s, out, limit);
}

size_t store_recall_page(struct store_conn *c, int64_t room_key, int64_t from_ms, int64_t to_ms, bool ascending,
                         struct recall_row *out, size_t limit)
{
    struct db_stmt *s = conn_query(c, ascending ? SQL_RECALL_PAGE_ASC : SQL_RECALL_PAGE_DESC);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, from_ms);
    db_bind_int(s, 3, to_ms);
    db_bind_int(s, 4, (int64_t)limit);
    return read_recalls(c, s, out, limit);
}
