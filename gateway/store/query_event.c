#include "store/query.h"

#include "store/conn.h"
#include "store/read.h"

bool store_recall_get(struct store_conn *c, int64_t app, struct str message, struct recall_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_RECALL_GET);
    bool found;

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, message);
    found = conn_row(c, s);
    if (found)
        read_recall(c, s, out);
    conn_end(c, s);
    return found;
}

void store_recall_put(struct store_conn *c, int64_t app, const struct recall_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_RECALL_PUT);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, row->message);
    db_bind_int(s, 3, row->room_key);
    db_bind_int(s, 4, row->seq);
    db_bind_int(s, 5, row->time_ms);
    db_bind_text(s, 6, row->operator_id);
    db_bind_int(s, 7, row->is_delete);
    db_bind_int(s, 8, row->is_admin);
    db_bind_int(s, 9, row->disable_update_last);
    db_bind_text(s, 10, row->extra);
    db_bind_text(s, 11, row->reason);
    db_bind_text(s, 12, row->author);
    db_bind_int(s, 13, row->sent_ms);
    db_bind_text(s, 14, row->objname);
    conn_write(c, s);
    /* Nothing of it is shown, so no conversation list may come upon it. */
    if (row->is_delete)
        row_cache_drop(c, ROW_LAST, row->room_key, STR_NULL);
    if (!row->is_delete || (s = conn_query(c, SQL_MESSAGE_UNLIST)) == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, row->message);
    conn_write(c, s);
}

int64_t store_recall_unseen_count(struct store_conn *c, int64_t app, int64_t since_ms)
{
    struct db_stmt *s = conn_query(c, SQL_RECALL_UNSEEN_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, since_ms);
    return conn_number(c, s, 0);
}

void store_event_add(struct store_conn *c, const struct event_row *row)
{
    const int64_t recalled = room_seq_added(c, row->room_key, row->seq, row->type == EVENT_RECALL);
    struct db_stmt *s = conn_query(c, SQL_EVENT_ADD);

    if (row->type == EVENT_MESSAGE)
        conn_fail(c); /* it would come twice */
    if (s == NULL || c->failed)
        return;
    db_bind_int(s, 1, row->room_key);
    db_bind_int(s, 2, row->seq);
    db_bind_int(s, 3, (int64_t)row->type);
    db_bind_text(s, 4, row->subject);
    db_bind_int(s, 5, row->version);
    db_bind_text(s, 6, row->data);
    db_bind_int(s, 7, row->time_ms);
    db_bind_int(s, 8, recalled);
    conn_write(c, s);
}

/* A statement made by LOG_PAGE (sql.c). NULL: the connection failed. */
static struct db_stmt *log_after(struct store_conn *c, enum sql_id id, int64_t room_key, int64_t after, size_t limit)
{
    struct db_stmt *s = conn_query(c, id);

    if (s == NULL)
        return NULL;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, after);
    db_bind_int(s, 3, (int64_t)limit);
    return s;
}

size_t store_event_page(struct store_conn *c, int64_t room_key, int64_t after, struct event_row *out,
                        size_t limit)
{
    struct db_stmt *s = log_after(c, SQL_EVENT_PAGE, room_key, after, limit);
    size_t n = 0;

    if (s == NULL)
        return 0;
    for (; n < limit && conn_row(c, s); n++)
        out[n] = (struct event_row){
            .room_key = room_key,
            .seq = db_int(s, 0),
            .type = (enum event_type)db_int(s, 1),
            .subject = conn_text(c, s, 2),
            .version = db_int(s, 3),
            .data = conn_text(c, s, 4),
            .time_ms = db_int(s, 5),
            .message_key = db_int(s, 6),
        };
    conn_end(c, s);
    return c->failed ? 0 : n;
}

size_t store_event_times(struct store_conn *c, int64_t room_key, int64_t after, struct event_row *out, size_t limit)
{
    struct db_stmt *s = log_after(c, SQL_EVENT_TIMES, room_key, after, limit);
    size_t n = 0;

    if (s == NULL)
        return 0;
    for (; n < limit && conn_row(c, s); n++)
        out[n] = (struct event_row){.room_key = room_key, .seq = db_int(s, 0), .time_ms = db_int(s, 1)};
    conn_end(c, s);
    return c->failed ? 0 : n;
}

int64_t store_event_first_ms(struct store_conn *c, int64_t room_key, int64_t first)
{
    int64_t time_ms = room_seq_first_ms(c, room_key, first);
    struct event_row event;

    if (time_ms == 0 && store_event_times(c, room_key, first - 1, &event, 1) != 0) {
        time_ms = event.time_ms;
        room_seq_keep_first(c, room_key, first, time_ms);
    }
    return time_ms;
}

void store_event_trim(struct store_conn *c, int64_t room_key, int64_t min_seq)
{
    /* The log says these only while it has an event that does. */
    const int64_t seq = room_seq_last(c, room_key, -1), recalled = store_recall_last_seq(c, room_key, min_seq - 1);
    struct db_stmt *s = conn_query(c, SQL_EVENT_TRIM);

    row_cache_drop(c, ROW_ROOM, room_key, STR_NULL);
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, min_seq);
    conn_write(c, s);
    s = conn_query(c, SQL_ROOM_SET_MIN_SEQ);
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, min_seq);
    db_bind_int(s, 3, seq);
    db_bind_int(s, 4, recalled);
    conn_write(c, s);
}

bool store_device_get(struct store_conn *c, int64_t app, struct str user, struct str device,
                      struct device_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_DEVICE_GET);
    bool found;

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, device);
    found = conn_row(c, s);
    if (found)
        *out = (struct device_row){
            .user = conn_text(c, s, 0),
            .device = conn_text(c, s, 1),
            .caps = conn_text(c, s, 2),
            .packages = conn_text(c, s, 3),
            .seen_ms = db_int(s, 4),
        };
    conn_end(c, s);
    return found;
}

void store_device_put(struct store_conn *c, int64_t app, const struct device_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_DEVICE_PUT);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, row->user);
    db_bind_text(s, 3, row->device);
    db_bind_text(s, 4, row->caps);
    db_bind_text(s, 5, row->packages);
    db_bind_int(s, 6, row->seen_ms);
    conn_write(c, s);
}

void store_ack_put(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct str device,
                   int64_t seq, int64_t now_ms)
{
    struct db_stmt *s = conn_query(c, SQL_ACK_PUT);

    (void)app; /* the room's key says it */
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, device);
    db_bind_int(s, 4, seq);
    db_bind_int(s, 5, now_ms);
    conn_write(c, s);
}

int64_t store_ack_get(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct str device)
{
    struct db_stmt *s = conn_query(c, SQL_ACK_GET);

    (void)app;
    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, device);
    return conn_number(c, s, 0);
}

void store_refused_put(struct store_conn *c, int64_t app, int64_t room_key, struct str user,
                       struct str device, int64_t seq, int64_t now_ms)
{
    struct db_stmt *s = conn_query(c, SQL_REFUSED_PUT);

    (void)app;
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_int(s, 2, seq);
    db_bind_text(s, 3, user);
    db_bind_text(s, 4, device);
    db_bind_int(s, 5, now_ms);
    conn_write(c, s);
}
