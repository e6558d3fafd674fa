#include "core/history.h"

#include "core/audience.h"
#include "core/room_access.h"
#include "core/view.h"

#define HISTORY_LIMIT 20U
#define HISTORY_HIDDEN_MAX 1000U

static int64_t order_time(const struct message_row *m, enum message_order order)
{
    switch (order) {
    case MESSAGE_BY_CREATED:
        return m->created_ms;
    case MESSAGE_BY_TIME:
        return m->time_ms;
    case MESSAGE_BY_UPDATED:
        break;
    }
    return m->updated_ms;
}

/* A message that a page starts from. One that was deleted since still marks its place. */
static enum result cursor(struct core_tx *tx, const struct room_row *room, struct str user, struct str id, const char *name,
                          struct message_row *out_row, struct outcome *out)
{
    if (store_message_get(tx->conn, tx->app_id, id, out_row) && out_row->room_key == room->key &&
        audience_sees(tx, user, out_row))
        return RESULT_OK;
    return tx_fail(out, RESULT_NO_MESSAGE, "%s: the message %.*s does not exist in the room", name, (int)id.n,
                   id.p);
}

static bool beyond(const struct message_row *m, const struct message_row *than, enum message_order order)
{
    const int64_t a = order_time(m, order), b = order_time(than, order);

    return a > b || (a == b && m->key > than->key);
}

static void reverse(struct message_row *rows, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        const struct message_row row = rows[i];

        rows[i] = rows[n - 1 - i];
        rows[n - 1 - i] = row;
    }
}

static void start_from(struct message_page *page, const struct message_row *m)
{
    page->has_from = true;
    page->from_ms = order_time(m, page->order);
    page->from_key = m->key;
}

struct onlooker {
    struct core_tx *tx;
    struct str user;
    int64_t others; /* messages that are not for the user */
};

static bool sees(void *ctx, const struct message_row *row)
{
    const struct onlooker *o = ctx;

    return audience_sees(o->tx, o->user, row);
}

static bool count_other(void *ctx, const struct message_row *row)
{
    struct onlooker *o = ctx;

    o->others += sees(o, row) ? 0 : 1;
    return true;
}

static bool note_first(void *ctx, const struct message_row *row)
{
    bool *any = ctx;

    (void)row;
    *any = true;
    return false;
}

/* The next rows of the page that its user may see, at most page->limit. Most rooms hold nothing that is for some users alone. */
static size_t seen_page(struct core_tx *tx, const struct message_page *page, struct message_row *rows)
{
    const struct message_page room = {.room_key = page->room_key};
    struct onlooker o = {.tx = tx, .user = page->user};
    bool limited = false;

    if (page->user.p != NULL)
        store_message_limited(tx->conn, &room, note_first, &limited);
    return limited ? store_message_page_seen(tx->conn, page, sees, &o, rows) : store_message_page(tx->conn, page, rows);
}

/* The rows of the page, newest first. */
static size_t read_page(struct core_tx *tx, const struct history_query *q, struct message_page *page,
                        const struct message_row *before, const struct message_row *after,
                        struct message_row *rows)
{
    size_t n;

    if (before == NULL && after != NULL) {
        page->ascending = true;
        start_from(page, after);
        n = seen_page(tx, page, rows);
        reverse(rows, n);
        return n;
    }
    if (before != NULL)
        start_from(page, before);
    if (after != NULL && (!page->has_min_ms || order_time(after, q->field) > page->min_ms)) {
        page->has_min_ms = true;
        page->min_ms = order_time(after, q->field);
    }
    n = seen_page(tx, page, rows);
    while (after != NULL && n != 0 && !beyond(&rows[n - 1], after, q->field))
        n--;
    return n;
}

/* How many messages the page's selection has in all, for its user. */
static int64_t total(struct core_tx *tx, const struct message_page *page)
{
    struct onlooker o = {.tx = tx, .user = page->user};

    if (page->user.p != NULL)
        store_message_limited(tx->conn, page, count_other, &o);
    return store_message_page_total(tx->conn, page) - o.others;
}

static void write_hidden(struct core_tx *tx, struct json_out *o, struct str user, int64_t room_key)
{
    struct str *ids = arena_alloc(tx->arena, HISTORY_HIDDEN_MAX * sizeof(*ids));
    const size_t n =
        user.p == NULL ? 0 : store_hidden_list(tx->conn, tx->app_id, user, room_key, ids, HISTORY_HIDDEN_MAX);

    json_out_key(o, "userDeletedIDs");
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        json_out_str(o, ids[i].p, ids[i].n);
    json_out_array_end(o);
}

static enum result check_size(struct outcome *out)
{
    if (!out->result.failed)
        return RESULT_OK;
    return tx_fail(out, RESULT_TOO_LARGE, "The answer would be too large: ask for fewer messages with limit");
}

enum result history_page(struct core_tx *tx, const struct principal *who, const struct history_query *q,
                         struct outcome *out)
{
    struct message_page page = {.app = tx->app_id,
                                .user = who->kind == PRINCIPAL_CLIENT ? who->user : STR_NULL,
                                .order = q->field,
                                .has_min_ms = q->has_after_time,
                                .min_ms = q->after_time_ms,
                                .limit = q->limit != 0 ? q->limit : HISTORY_LIMIT};
    struct message_row before, after;
    struct message_row *rows;
    struct room_row room;
    struct json_out *o = &out->result;
    size_t n;
    enum result rc = room_access_enter(tx, who, q->room, &room, NULL, out);

    if (rc == RESULT_OK && q->before.p != NULL)
        rc = cursor(tx, &room, page.user, q->before, "beforeMessage", &before, out);
    if (rc == RESULT_OK && q->after.p != NULL)
        rc = cursor(tx, &room, page.user, q->after, "afterMessage", &after, out);
    if (rc != RESULT_OK)
        return rc;
    page.room_key = room.key;
    json_out_object(o);
    json_out_kint(o, "totalCount", total(tx, &page));
    rows = arena_alloc(tx->arena, page.limit * sizeof(*rows));
    n = read_page(tx, q, &page, q->before.p != NULL ? &before : NULL, q->after.p != NULL ? &after : NULL,
                  rows);
    json_out_key(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        view_message(tx, o, &rows[i], NULL);
    json_out_array_end(o);
    write_hidden(tx, o, page.user, room.key);
    json_out_object_end(o);
    return check_size(out);
}

enum result history_around(struct core_tx *tx, const struct principal *who, struct str room,
                           struct str message, size_t before, size_t after, struct outcome *out)
{
    struct message_page page = {.app = tx->app_id,
                                .user = who->kind == PRINCIPAL_CLIENT ? who->user : STR_NULL,
                                .order = MESSAGE_BY_TIME};
    struct message_row *rows = arena_alloc(tx->arena, (before + after + 1) * sizeof(*rows));
    struct json_out *o = &out->result;
    struct message_row middle;
    struct room_row entered;
    size_t n = 0, m = 0;
    enum result rc = room_access_enter(tx, who, room, &entered, NULL, out);

    if (rc != RESULT_OK)
        return rc;
    if (!store_message_get(tx->conn, tx->app_id, message, &middle) || middle.room_key != entered.key ||
        middle.state == MESSAGE_DELETED || !audience_sees(tx, page.user, &middle))
        return tx_fail(out, RESULT_NO_MESSAGE, "The message %.*s does not exist in the room", (int)message.n,
                       message.p);
    page.room_key = entered.key;
    start_from(&page, &middle);
    if (before != 0) {
        page.limit = before;
        n = seen_page(tx, &page, rows);
        reverse(rows, n);
    }
    rows[n++] = middle;
    if (after != 0) {
        page.limit = after;
        page.ascending = true;
        m = seen_page(tx, &page, rows + n);
    }
    json_out_object(o);
    json_out_key(o, "message");
    view_message(tx, o, &middle, NULL);
    json_out_key(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < n + m; i++)
        view_message(tx, o, &rows[i], NULL);
    json_out_array_end(o);
    json_out_object_end(o);
    return check_size(out);
}
