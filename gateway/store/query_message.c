#include "store/query.h"

#include "store/conn.h"
#include "store/read.h"

/* An absent sender, the platform, is stored as ''. */
static struct str sender_of(struct str sender)
{
    return sender.p != NULL ? sender : STR("");
}

bool store_message_get(struct store_conn *c, int64_t app, struct str id, struct message_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_GET);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    return read_one_message(c, s, out);
}

bool store_message_outline(struct store_conn *c, int64_t app, struct str id, struct message_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_OUTLINE);
    bool found;

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    found = conn_row(c, s);
    if (found)
        read_outline(c, s, id, out);
    conn_end(c, s);
    return found;
}

bool store_message_by_client_id(struct store_conn *c, int64_t app, struct str sender,
                                struct str client_msg_id, struct message_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_BY_CLIENT_ID);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, client_msg_id);
    db_bind_text(s, 3, sender_of(sender));
    return read_one_message(c, s, out);
}

/* A new row of content; 0 if there is none, or after a failure. */
static int64_t add_content(struct store_conn *c, struct str body, struct str content)
{
    struct db_stmt *s;

    if (body.p == NULL && content.p == NULL)
        return 0;
    s = conn_query(c, SQL_CONTENT_ADD);
    if (s == NULL)
        return 0;
    db_bind_blob(s, 1, body);
    db_bind_blob(s, 2, content);
    return conn_insert(c, s);
}

static void bind_zeros_like(struct db_stmt *s, int at, int64_t n)
{
    if (n >= 0)
        db_bind_zeros(s, at, (size_t)n);
    else
        db_bind_blob(s, at, STR_NULL);
}

/* Where a message's content is, and how large. */
struct extent {
    int64_t key; /* 0: it has none */
    int64_t body, content; /* bytes; -1: absent */
};

static struct extent extent_of(struct store_conn *c, const struct message_row *row)
{
    struct extent x = {.key = 0};
    struct db_stmt *s;

    if (row->outlined)
        return (struct extent){row->content_key, row->body_size, row->content.p != NULL ? (int64_t)row->content.n : -1};
    s = conn_query(c, SQL_CONTENT_SIZE);
    if (s == NULL)
        return x;
    db_bind_int(s, 1, row->key);
    if (conn_row(c, s)) {
        x.key = db_int(s, 0);
        x.body = db_bytes(s, 1).p != NULL ? db_int(s, 1) : -1;
        x.content = db_bytes(s, 2).p != NULL ? db_int(s, 2) : -1;
    }
    conn_end(c, s);
    return x;
}

/* Overwrites the message's content with as many zero bytes, which SQLite does in place (schema.c says
 * why). */
static void erase_content(struct store_conn *c, const struct message_row *row)
{
    const struct extent x = extent_of(c, row);
    struct db_stmt *s = x.key != 0 ? conn_query(c, SQL_CONTENT_ERASE) : NULL;

    if (s == NULL)
        return;
    db_bind_int(s, 1, x.key);
    bind_zeros_like(s, 2, x.body);
    bind_zeros_like(s, 3, x.content);
    conn_write(c, s);
}

static void bind_key(struct db_stmt *s, int at, int64_t key)
{
    if (key != 0)
        db_bind_int(s, at, key);
    else
        db_bind_text(s, at, STR_NULL);
}

/* May a conversation list show it? A gray bar yes, what was recalled with isDelete or deleted no. */
static bool is_listed(struct store_conn *c, int64_t app, const struct message_row *row)
{
    struct recall_row recall;

    if (row->state != MESSAGE_RECALLED)
        return row->state == MESSAGE_LIVE;
    return !store_recall_get(c, app, row->id, &recall) || !recall.is_delete;
}

void store_message_add(struct store_conn *c, int64_t app, struct message_row *row)
{
    /* A message that arrives after its recall is stored without content, whatever the row says. */
    const bool live = row->state == MESSAGE_LIVE;
    const bool listed = !row->unlisted && row->audience.p == NULL && is_listed(c, app, row);
    const int64_t content = live ? add_content(c, row->body, row->content) : 0;
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_ADD);

    row->key = 0;
    (void)room_seq_added(c, row->room_key, row->seq, false);
    row_cache_drop(c, ROW_LAST, row->room_key, STR_NULL);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_int(s, 2, row->room_key);
    db_bind_text(s, 3, row->id);
    db_bind_text(s, 4, sender_of(row->sender));
    db_bind_text(s, 5, row->type);
    bind_key(s, 6, content);
    db_bind_text(s, 7, live ? row->reply : STR_NULL);
    db_bind_text(s, 8, live ? row->batch : STR_NULL);
    db_bind_text(s, 9, row->client_msg_id);
    db_bind_int(s, 10, row->time_ms);
    db_bind_int(s, 11, row->created_ms);
    db_bind_int(s, 12, row->updated_ms);
    db_bind_int(s, 13, row->seq);
    db_bind_int(s, 14, row->version);
    db_bind_int(s, 15, (int64_t)row->state);
    db_bind_int(s, 16, listed);
    db_bind_text(s, 17, row->audience);
    db_bind_int(s, 18, !row->not_counted && row->audience.p == NULL);
    row->key = conn_insert(c, s);
}

void store_message_edit(struct store_conn *c, const struct message_row *row)
{
    struct db_stmt *s;
    int64_t content;

    row_cache_drop(c, ROW_LAST, row->room_key, STR_NULL);
    erase_content(c, row);
    content = add_content(c, row->body, row->content);
    s = conn_query(c, SQL_MESSAGE_EDIT);
    if (s == NULL)
        return;
    db_bind_int(s, 1, row->key);
    db_bind_text(s, 2, row->type);
    bind_key(s, 3, content);
    db_bind_text(s, 4, row->reply);
    db_bind_int(s, 5, row->updated_ms);
    db_bind_int(s, 6, row->version);
    conn_write(c, s);
}

/* The room's last message is another one now, or another row of it. */
static void last_changed(struct store_conn *c, const struct message_row *row)
{
    struct message_row last;

    if (row_cache_get(c, ROW_LAST, row->room_key, STR_NULL, &last) && last.key == row->key)
        row_cache_drop(c, ROW_LAST, row->room_key, STR_NULL);
}

static void erase(struct store_conn *c, const struct message_row *row, int64_t updated_ms, enum message_state state)
{
    struct db_stmt *s;

    last_changed(c, row);
    erase_content(c, row);
    store_conn_erases(c);
    if (state == MESSAGE_RECALLED && row->reply.p == NULL && row->batch.p == NULL) {
        s = conn_query(c, SQL_MESSAGE_RECALL);
        if (s == NULL)
            return;
        db_bind_int(s, 1, row->key);
        db_bind_int(s, 2, updated_ms);
        conn_write(c, s);
        return;
    }
    s = conn_query(c, SQL_MESSAGE_ERASE);
    if (s == NULL)
        return;
    db_bind_int(s, 1, row->key);
    db_bind_int(s, 2, (int64_t)state);
    db_bind_int(s, 3, updated_ms);
    db_bind_int(s, 4, state != MESSAGE_DELETED);
    conn_write(c, s);
}

void store_message_recall(struct store_conn *c, const struct message_row *row, int64_t updated_ms)
{
    erase(c, row, updated_ms, MESSAGE_RECALLED);
}

void store_message_delete(struct store_conn *c, const struct message_row *row, int64_t updated_ms)
{
    erase(c, row, updated_ms, MESSAGE_DELETED);
}

void store_message_touch(struct store_conn *c, const struct message_row *row, int64_t updated_ms)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_TOUCH);

    last_changed(c, row);
    if (s == NULL)
        return;
    db_bind_int(s, 1, row->key);
    db_bind_int(s, 2, updated_ms);
    conn_write(c, s);
}

size_t store_message_quoting(struct store_conn *c, int64_t app, struct str id, struct message_row *out,
                             size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_QUOTING);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    db_bind_int(s, 3, (int64_t)limit);
    return read_messages(c, s, out, limit);
}

bool store_message_last(struct store_conn *c, int64_t app, int64_t room_key, struct str user,
                        struct message_row *out)
{
    const bool any = str_empty(user); /* who hid nothing */
    struct db_stmt *s;
    bool found;

    (void)app; /* the room's key says it */
    if (any && row_cache_get(c, ROW_LAST, room_key, STR_NULL, out))
        return true;
    s = conn_query(c, any ? SQL_MESSAGE_LAST_ANY : SQL_MESSAGE_LAST);
    if (s == NULL)
        return false;
    db_bind_int(s, 1, room_key);
    if (!any)
        db_bind_text(s, 2, user);
    found = read_one_message(c, s, out);
    if (found && any && out->audience.p == NULL)
        row_cache_put(c, ROW_LAST, room_key, STR_NULL, out);
    return found;
}

int64_t store_message_unread(struct store_conn *c, int64_t room_key, struct str user, int64_t read_seq, int64_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_UNREAD);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    db_bind_int(s, 3, read_seq);
    db_bind_int(s, 4, limit);
    return conn_number(c, s, 0);
}

int64_t store_message_count(struct store_conn *c, int64_t app)
{
    struct db_stmt *s = conn_query(c, SQL_MESSAGE_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    return conn_number(c, s, 0);
}
