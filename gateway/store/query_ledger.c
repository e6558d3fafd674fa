#include "store/query.h"

#include "store/conn.h"

/* Rows of one purge. */
#define PURGE_MAX 512U

struct old_row {
    int64_t number; /* room or app */
    struct str user, device;
    int64_t seq;
};

void store_ledger_devices(struct store_conn *c, const struct ledger_selection *which,
                          bool (*each)(void *ctx, const struct ledger_row *row), void *ctx)
{
    struct db_stmt *s = conn_query(c, (enum sql_id)((int)SQL_LEDGER_MEMBERS + (int)which->whose));
    bool more = true;

    if (s == NULL)
        return;
    db_bind_int(s, 1, which->app);
    db_bind_int(s, 2, which->room_key);
    db_bind_int(s, 3, which->seq);
    db_bind_int(s, 4, which->seen_since_ms);
    if (which->whose == LEDGER_USER)
        db_bind_text(s, 5, which->user);
    /* The columns are read in place: copies of a hundred thousand rows would fill the arena for nothing. */
    while (more && conn_row(c, s)) {
        const bool covered = db_int(s, 5) != 0 && db_int(s, 4) < which->seq;
        const struct ledger_row row = {
            .user = db_bytes(s, 0),
            .device = db_bytes(s, 1),
            .caps = db_bytes(s, 2),
            .cursor = db_int(s, 3),
            .acked_ms = covered ? db_int(s, 5) : 0,
            .refused = db_int(s, 6) != 0,
        };

        more = each(ctx, &row);
    }
    conn_end(c, s);
}

size_t store_ledger_watchers(struct store_conn *c, int64_t room_key, struct str but, struct str *out, size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_LEDGER_WATCHERS);
    size_t n = 0;

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, but.p != NULL ? but : STR("")); /* user ids are never empty */
    db_bind_int(s, 3, (int64_t)limit);
    while (n < limit && conn_row(c, s))
        out[n++] = conn_text(c, s, 0);
    conn_end(c, s);
    return c->failed ? 0 : n;
}

int64_t store_recall_last_seq(struct store_conn *c, int64_t room_key, int64_t seq)
{
    struct db_stmt *s = conn_query(c, SQL_RECALL_LAST_SEQ);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, seq);
    return conn_number(c, s, 0);
}

size_t store_recall_between(struct store_conn *c, int64_t room_key, int64_t from, int64_t to, struct recall_row *out, size_t limit)
{
    int64_t at = store_recall_last_seq(c, room_key, to);
    bool here = true;
    size_t n = 0;

    /* From each recall to the one before it; where retention ended the log, nothing is known of earlier ones. */
    while (here && at > from && n < limit) {
        struct db_stmt *s = conn_query(c, SQL_RECALL_AT);

        if (s == NULL)
            return 0;
        db_bind_int(s, 1, room_key);
        db_bind_int(s, 2, at);
        here = conn_row(c, s);
        if (here) {
            out[n++] = (struct recall_row){
                .message = conn_text(c, s, 0), .room_key = room_key, .seq = at, .time_ms = db_int(s, 1)};
            at = db_int(s, 2);
        }
        conn_end(c, s);
    }
    return c->failed ? 0 : n;
}

void store_ack_log_add(struct store_conn *c, int64_t room_key, struct str user, struct str device, int64_t from, int64_t to,
                       int64_t acked_ms)
{
    struct db_stmt *s = conn_query(c, SQL_ACK_LOG_ADD);

    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, device);
    db_bind_int(s, 4, to);
    db_bind_int(s, 5, from);
    db_bind_int(s, 6, acked_ms);
    conn_write(c, s);
}

/* The oldest are read first and then deleted by their keys: one statement for both would look through whole rooms. */
static struct db_stmt *oldest(struct store_conn *c, enum sql_id id, int64_t before_ms, size_t limit)
{
    struct db_stmt *s = conn_query(c, id);

    if (s == NULL)
        return NULL;
    db_bind_int(s, 1, before_ms);
    db_bind_int(s, 2, (int64_t)limit);
    return s;
}

void store_ack_log_purge(struct store_conn *c, int64_t before_ms, size_t limit)
{
    struct db_stmt *s = oldest(c, SQL_ACK_LOG_OLDEST, before_ms, limit);
    struct old_row *old;
    size_t n = 0;

    if (s == NULL)
        return;
    limit = limit < PURGE_MAX ? limit : PURGE_MAX;
    old = arena_alloc(&c->arena, limit * sizeof(*old));
    for (; n < limit && conn_row(c, s); n++)
        old[n] = (struct old_row){db_int(s, 0), conn_text(c, s, 1), conn_text(c, s, 2), db_int(s, 3)};
    conn_end(c, s);
    for (size_t i = 0; i < n && (s = conn_query(c, SQL_ACK_LOG_FORGET)) != NULL; i++) {
        db_bind_int(s, 1, old[i].number);
        db_bind_text(s, 2, old[i].user);
        db_bind_text(s, 3, old[i].device);
        db_bind_int(s, 4, old[i].seq);
        conn_write(c, s);
    }
}

void store_member_past_add(struct store_conn *c, int64_t room_key, struct str user, int64_t joined_seq, int64_t left_seq,
                           int64_t now_ms)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_PAST_ADD);

    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_int(s, 3, left_seq);
    db_bind_int(s, 4, joined_seq);
    db_bind_int(s, 5, now_ms);
    conn_write(c, s);
}

int64_t store_member_past_last(struct store_conn *c, int64_t room_key, struct str user)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_PAST_LAST);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    return conn_number(c, s, 0);
}

void store_member_past_purge(struct store_conn *c, int64_t before_ms, size_t limit)
{
    struct db_stmt *s = oldest(c, SQL_MEMBER_PAST_OLDEST, before_ms, limit);
    struct old_row *old;
    size_t n = 0;

    if (s == NULL)
        return;
    limit = limit < PURGE_MAX ? limit : PURGE_MAX;
    old = arena_alloc(&c->arena, limit * sizeof(*old));
    for (; n < limit && conn_row(c, s); n++)
        old[n] = (struct old_row){.number = db_int(s, 0), .user = conn_text(c, s, 1), .seq = db_int(s, 2)};
    conn_end(c, s);
    for (size_t i = 0; i < n && (s = conn_query(c, SQL_MEMBER_PAST_FORGET)) != NULL; i++) {
        db_bind_int(s, 1, old[i].number);
        db_bind_text(s, 2, old[i].user);
        db_bind_int(s, 3, old[i].seq);
        conn_write(c, s);
    }
}

void store_device_purge(struct store_conn *c, int64_t before_ms, size_t limit)
{
    static const enum sql_id forgets[] = {SQL_DEVICE_FORGET_ACKS, SQL_DEVICE_FORGET_REFUSED, SQL_PACKAGE_FORGET,
                                          SQL_DEVICE_FORGET};
    struct db_stmt *s = oldest(c, SQL_DEVICE_OLDEST, before_ms, limit);
    struct old_row *old;
    size_t n = 0;

    if (s == NULL)
        return;
    limit = limit < PURGE_MAX ? limit : PURGE_MAX;
    old = arena_alloc(&c->arena, limit * sizeof(*old));
    for (; n < limit && conn_row(c, s); n++)
        old[n] = (struct old_row){.number = db_int(s, 0), .user = conn_text(c, s, 1), .device = conn_text(c, s, 2)};
    conn_end(c, s);
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < sizeof(forgets) / sizeof(forgets[0]); j++) {
            s = conn_query(c, forgets[j]);
            if (s == NULL)
                return;
            db_bind_int(s, 1, old[i].number);
            db_bind_text(s, 2, old[i].user);
            db_bind_text(s, 3, old[i].device);
            conn_write(c, s);
        }
    }
}
