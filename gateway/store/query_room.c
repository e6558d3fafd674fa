#include "store/query.h"

#include "store/conn.h"

/* The columns of ROOM_COLUMNS (sql.c). */
static void read_room(struct store_conn *c, struct db_stmt *s, struct room_row *out)
{
    *out = (struct room_row){
        .key = db_int(s, 0),
        .app = db_int(s, 1),
        .id = conn_text(c, s, 2),
        .name = conn_text(c, s, 3),
        .type = conn_text(c, s, 4),
        .owner = conn_text(c, s, 5),
        .fields = conn_text(c, s, 6),
        .opening = (int)db_int(s, 7),
        .seq = room_seq_last(c, db_int(s, 0), db_int(s, 8)),
        .min_seq = db_int(s, 9),
        .created_ms = db_int(s, 10),
        .updated_ms = db_int(s, 11),
    };
}

/* The columns of MEMBER_COLUMNS (sql.c), from column `at` on. */
static void read_member(struct store_conn *c, struct db_stmt *s, int at, struct member_row *out)
{
    *out = (struct member_row){
        .user = conn_text(c, s, at),
        .role = (enum member_role)db_int(s, at + 1),
        .joined_seq = db_int(s, at + 2),
        .joined_ms = db_int(s, at + 3),
        .read_seq = db_int(s, at + 4),
        .read_id = conn_text(c, s, at + 5),
    };
}

static bool one_room(struct store_conn *c, struct db_stmt *s, struct room_row *out)
{
    const bool found = conn_row(c, s);

    if (found)
        read_room(c, s, out);
    conn_end(c, s);
    if (!found || c->failed)
        return false;
    row_cache_put(c, ROW_ROOM, out->key, STR_NULL, out);
    row_cache_put(c, ROW_ROOM_KEY, out->app, out->id, &out->key);
    return true;
}

/* The room from memory; false: ask the database. */
static bool kept_room(struct store_conn *c, int64_t key, struct room_row *out)
{
    if (!row_cache_get(c, ROW_ROOM, key, STR_NULL, out))
        return false;
    out->seq = room_seq_last(c, key, -1);
    return !c->failed;
}

bool store_room_get(struct store_conn *c, int64_t app, struct str id, struct room_row *out)
{
    struct db_stmt *s;
    int64_t key;

    if (row_cache_get(c, ROW_ROOM_KEY, app, id, &key) && kept_room(c, key, out))
        return true;
    s = conn_query(c, SQL_ROOM_GET);
    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    return one_room(c, s, out);
}

bool store_room_by_key(struct store_conn *c, int64_t key, struct room_row *out)
{
    struct db_stmt *s;

    if (kept_room(c, key, out))
        return true;
    s = conn_query(c, SQL_ROOM_BY_KEY);
    if (s == NULL)
        return false;
    db_bind_int(s, 1, key);
    return one_room(c, s, out);
}

void store_room_add(struct store_conn *c, struct room_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_ROOM_ADD);

    row->key = 0;
    if (s == NULL)
        return;
    db_bind_int(s, 1, row->app);
    db_bind_text(s, 2, row->id);
    db_bind_text(s, 3, row->name);
    db_bind_text(s, 4, row->type);
    db_bind_text(s, 5, row->owner);
    db_bind_text(s, 6, row->fields);
    db_bind_int(s, 7, row->opening);
    db_bind_int(s, 8, row->seq);
    db_bind_int(s, 9, row->min_seq);
    db_bind_int(s, 10, row->created_ms);
    db_bind_int(s, 11, row->updated_ms);
    row->key = conn_insert(c, s);
}

void store_room_update(struct store_conn *c, const struct room_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_ROOM_UPDATE);

    row_cache_drop(c, ROW_ROOM, row->key, STR_NULL);
    if (s == NULL)
        return;
    db_bind_int(s, 1, row->key);
    db_bind_text(s, 2, row->name);
    db_bind_text(s, 3, row->owner);
    db_bind_text(s, 4, row->fields);
    db_bind_int(s, 5, row->opening);
    db_bind_int(s, 6, row->updated_ms);
    conn_write(c, s);
}

int64_t store_room_next_seq(struct store_conn *c, int64_t room_key)
{
    return room_seq_next(c, room_key);
}

int64_t store_room_count(struct store_conn *c, int64_t app)
{
    struct db_stmt *s = conn_query(c, SQL_ROOM_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    return conn_number(c, s, 0);
}

bool store_member_get(struct store_conn *c, int64_t room_key, struct str user, struct member_row *out)
{
    struct db_stmt *s;
    bool found;

    if (row_cache_get(c, ROW_MEMBER, room_key, user, out))
        return true;
    s = conn_query(c, SQL_MEMBER_GET);
    if (s == NULL)
        return false;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    found = conn_row(c, s);
    if (found)
        read_member(c, s, 0, out);
    conn_end(c, s);
    if (found)
        row_cache_put(c, ROW_MEMBER, room_key, user, out);
    return found;
}

void store_member_put(struct store_conn *c, int64_t app, int64_t room_key, const struct member_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_PUT);

    row_cache_drop(c, ROW_MEMBER, room_key, row->user);
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, row->user);
    db_bind_int(s, 3, app);
    db_bind_int(s, 4, (int64_t)row->role);
    db_bind_int(s, 5, row->joined_seq);
    db_bind_int(s, 6, row->joined_ms);
    db_bind_int(s, 7, row->read_seq);
    db_bind_text(s, 8, row->read_id);
    conn_write(c, s);
}

void store_member_remove(struct store_conn *c, int64_t room_key, struct str user)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_REMOVE);

    row_cache_drop(c, ROW_MEMBER, room_key, user);
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, user);
    conn_write(c, s);
}

size_t store_member_list(struct store_conn *c, int64_t room_key, struct str after, struct member_row *out,
                         size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_LIST);
    size_t n = 0;

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    db_bind_text(s, 2, after.p != NULL ? after : STR("")); /* user ids are never empty */
    db_bind_int(s, 3, (int64_t)limit);
    while (n < limit && conn_row(c, s))
        read_member(c, s, 0, &out[n++]);
    conn_end(c, s);
    return c->failed ? 0 : n;
}

int64_t store_member_count(struct store_conn *c, int64_t room_key)
{
    struct db_stmt *s = conn_query(c, SQL_MEMBER_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, room_key);
    return conn_number(c, s, 0);
}

size_t store_rooms_of(struct store_conn *c, int64_t app, struct str user, struct str after,
                      struct room_row *rooms, struct member_row *members, size_t limit)
{
    struct db_stmt *s = conn_query(c, SQL_ROOMS_OF);
    size_t n = 0;

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    db_bind_text(s, 3, after.p != NULL ? after : STR("")); /* room ids are never empty */
    db_bind_int(s, 4, (int64_t)limit);
    while (n < limit && conn_row(c, s)) {
        read_room(c, s, &rooms[n]);
        if (members != NULL)
            read_member(c, s, 12, &members[n]);
        n++;
    }
    conn_end(c, s);
    return c->failed ? 0 : n;
}
