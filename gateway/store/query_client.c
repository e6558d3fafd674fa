#include "store/query.h"

#include "store/conn.h"

/* An expired token is kept this long, so that its holder is told "expired", then forgotten. */
#define TOKEN_GRACE_MS (INT64_C(24) * 3600 * 1000)

static struct str hash_str(const unsigned char hash[32])
{
    return str_n((const char *)hash, 32);
}

int64_t store_app_intern(struct store_conn *c, struct str name)
{
    struct db_stmt *s = conn_query(c, SQL_APP_GET);
    int64_t key;

    if (s == NULL)
        return 0;
    db_bind_text(s, 1, name);
    key = conn_number(c, s, 0);
    if (key != 0 || (s = conn_query(c, SQL_APP_ADD)) == NULL)
        return key;
    db_bind_text(s, 1, name);
    return conn_insert(c, s);
}

bool store_client_get(struct store_conn *c, int64_t app, struct str id, struct client_row *out)
{
    struct db_stmt *s;
    bool found;

    if (row_cache_get(c, ROW_CLIENT, app, id, out))
        return true;
    s = conn_query(c, SQL_CLIENT_GET);
    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    found = conn_row(c, s);
    if (found)
        *out = (struct client_row){
            .id = conn_text(c, s, 0),
            .nickname = conn_text(c, s, 1),
            .avatar = conn_text(c, s, 2),
            .fields = conn_text(c, s, 3),
            .is_robot = db_int(s, 4) != 0,
            .last_login_ms = db_int(s, 5),
            .created_ms = db_int(s, 6),
            .updated_ms = db_int(s, 7),
            .token_gen = db_int(s, 8),
            .tokens_revoked_s = db_int(s, 9),
        };
    conn_end(c, s);
    if (found)
        row_cache_put(c, ROW_CLIENT, app, id, out);
    return found;
}

void store_client_put(struct store_conn *c, int64_t app, const struct client_row *row)
{
    struct db_stmt *s = conn_query(c, SQL_CLIENT_PUT);

    row_cache_drop(c, ROW_CLIENT, app, row->id);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, row->id);
    db_bind_text(s, 3, row->nickname);
    db_bind_text(s, 4, row->avatar);
    db_bind_text(s, 5, row->fields);
    db_bind_int(s, 6, row->is_robot);
    db_bind_int(s, 7, row->last_login_ms);
    db_bind_int(s, 8, row->created_ms);
    db_bind_int(s, 9, row->updated_ms);
    conn_write(c, s);
}

void store_client_set_login(struct store_conn *c, int64_t app, struct str id, int64_t now_ms)
{
    struct db_stmt *s = conn_query(c, SQL_CLIENT_SET_LOGIN);

    row_cache_drop(c, ROW_CLIENT, app, id);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    db_bind_int(s, 3, now_ms);
    conn_write(c, s);
}

void store_client_revoke_tokens(struct store_conn *c, int64_t app, struct str id, int64_t gen, int64_t now_s)
{
    struct db_stmt *s = conn_query(c, SQL_CLIENT_REVOKE_TOKENS);

    row_cache_drop(c, ROW_CLIENT, app, id);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, id);
    db_bind_int(s, 3, gen);
    db_bind_int(s, 4, now_s);
    conn_write(c, s);
}

int64_t store_client_count(struct store_conn *c, int64_t app)
{
    struct db_stmt *s = conn_query(c, SQL_CLIENT_COUNT);

    if (s == NULL)
        return 0;
    db_bind_int(s, 1, app);
    return conn_number(c, s, 0);
}

bool store_token_get(struct store_conn *c, int64_t app, const unsigned char hash[32], struct token_row *out)
{
    struct db_stmt *s = conn_query(c, SQL_TOKEN_GET);
    bool found;

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_blob(s, 2, hash_str(hash));
    found = conn_row(c, s);
    if (found) {
        memcpy(out->hash, hash, sizeof(out->hash));
        out->user = conn_text(c, s, 0);
        out->expires_ms = db_int(s, 1);
    }
    conn_end(c, s);
    return found;
}

/* Forgets what expired long ago, so that the two token tables do not grow for ever. Few rows: it runs at
 * each change. */
static void purge(struct store_conn *c, enum sql_id id)
{
    struct db_stmt *s = conn_query(c, id);

    if (s == NULL)
        return;
    db_bind_int(s, 1, c->now_ms - TOKEN_GRACE_MS);
    conn_write(c, s);
}

void store_token_put(struct store_conn *c, int64_t app, const struct token_row *row)
{
    struct db_stmt *s;

    purge(c, SQL_TOKEN_PURGE);
    s = conn_query(c, SQL_TOKEN_PUT);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_blob(s, 2, hash_str(row->hash));
    db_bind_text(s, 3, row->user);
    db_bind_int(s, 4, row->expires_ms);
    conn_write(c, s);
}

void store_token_revoke(struct store_conn *c, int64_t app, const unsigned char hash[32], int64_t expires_ms)
{
    struct db_stmt *s;

    purge(c, SQL_REVOKED_PURGE);
    s = conn_query(c, SQL_TOKEN_FORGET);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_blob(s, 2, hash_str(hash));
    conn_write(c, s);
    s = conn_query(c, SQL_REVOKED_PUT);
    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_blob(s, 2, hash_str(hash));
    db_bind_int(s, 3, expires_ms);
    conn_write(c, s);
}

bool store_token_revoked(struct store_conn *c, int64_t app, const unsigned char hash[32])
{
    struct db_stmt *s = conn_query(c, SQL_REVOKED_GET);

    if (s == NULL)
        return false;
    db_bind_int(s, 1, app);
    db_bind_blob(s, 2, hash_str(hash));
    return conn_number(c, s, 0) != 0;
}

void store_token_forget_user(struct store_conn *c, int64_t app, struct str user)
{
    struct db_stmt *s = conn_query(c, SQL_TOKEN_FORGET_USER);

    if (s == NULL)
        return;
    db_bind_int(s, 1, app);
    db_bind_text(s, 2, user);
    conn_write(c, s);
}
