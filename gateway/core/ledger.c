#include "core/ledger.h"

#include "base/text.h"
#include "core/audience.h"
#include "core/conversation.h"
#include "core/room_access.h"
#include "core/view.h"

#include <stdlib.h>

/* --- places in the list --- */

static int compare_text(struct str a, struct str b)
{
    const size_t n = a.n < b.n ? a.n : b.n;
    const int order = n != 0 ? memcmp(a.p, b.p, n) : 0;

    if (order != 0)
        return order;
    return (a.n > b.n) - (a.n < b.n);
}

static bool is_after(const struct ledger_query *q, const struct ledger_row *row)
{
    int order;

    if (q->after_user.p == NULL)
        return true;
    order = compare_text(row->user, q->after_user);
    return order > 0 || (order == 0 && compare_text(row->device, q->after_device) > 0);
}

struct str ledger_cursor(struct arena *arena, struct str user, struct str device)
{
    const struct str both = arena_printf(arena, "%.*s\n%.*s", (int)user.n, user.p, (int)device.n, device.p);
    char *text = arena_alloc(arena, TEXT_BASE64URL_SIZE(both.n));

    return str_n(text, text_base64url(both.p, both.n, text));
}

bool ledger_cursor_read(struct arena *arena, struct str cursor, struct str *user, struct str *device)
{
    char *both = arena_alloc(arena, cursor.n + 1);
    const char *cut;
    size_t n;

    if (!text_base64url_decode(cursor.p, cursor.n, both, &n))
        return false;
    cut = memchr(both, '\n', n);
    if (cut == NULL)
        return false;
    *user = str_n(both, (size_t)(cut - both));
    *device = str_n(cut + 1, n - user->n - 1);
    return text_user_valid(user->p, user->n) && text_device_valid(device->p, device->n);
}

/* --- one device --- */

static bool can_recall(struct str caps)
{
    const char *end = str_empty(caps) ? caps.p : caps.p + caps.n;

    for (const char *p = caps.p; p < end; p++) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        const struct str one = str_n(p, (size_t)((comma != NULL ? comma : end) - p));

        if (str_eq(one, STR("recall")))
            return true;
        p += one.n;
    }
    return false;
}

/* LEDGER_OFFLINE stands for "offline unless it is connected". */
static enum ledger_state state_of(const struct ledger_row *row, const struct recall_row *recall)
{
    if (row->refused)
        return LEDGER_REFUSED;
    if (row->acked_ms != 0)
        return LEDGER_ACKED;
    if (!can_recall(row->caps))
        return LEDGER_INCAPABLE;
    return row->cursor >= recall->seq ? LEDGER_ACKED : LEDGER_OFFLINE;
}

/* --- the receivers --- */

/* Leaves out the devices of users whom a limited message was not for. Those of one user come one after another. */
struct receivers {
    struct core_tx *tx;
    struct audience *audience;
    struct message_row message;
    char user[TEXT_USER_MAX + 1];
    size_t user_len;
    bool sees;
    bool (*each)(void *ctx, const struct ledger_row *row);
    void *ctx;
};

static bool on_receiver(void *ctx, const struct ledger_row *row)
{
    struct receivers *r = ctx;

    if (!str_eq(str_n(r->user, r->user_len), row->user)) {
        r->user_len = row->user.n < sizeof(r->user) ? row->user.n : sizeof(r->user);
        memcpy(r->user, row->user.p, r->user_len);
        r->sees = audience_holds(r->tx, r->audience, row->user, &r->message);
    }
    return !r->sees || r->each(r->ctx, row);
}

static bool begins(struct str id, struct str with, struct str *rest)
{
    if (id.n <= with.n || memcmp(id.p, with.p, with.n) != 0)
        return false;
    *rest = str_n(id.p + with.n, id.n - with.n);
    return true;
}

/* Calls `each` for every device that the recall was for. */
static void each_device(struct core_tx *tx, const struct room_row *room, const struct recall_row *recall, int64_t device_ms,
                        bool (*each)(void *ctx, const struct ledger_row *row), void *ctx)
{
    struct core_tx at = *tx;
    struct receivers r = {.tx = &at, .each = each, .ctx = ctx};
    struct ledger_selection which = {.app = tx->app_id,
                                     .room_key = room->key,
                                     .seq = recall->seq,
                                     .seen_since_ms = recall->time_ms - device_ms,
                                     .whose = LEDGER_MEMBERS};

    at.device_ms = device_ms;
    if (str_eq(room->id, CONVERSATION_BROADCAST))
        which.whose = LEDGER_EVERYONE;
    else if (begins(room->id, STR("~system/"), &which.user))
        which.whose = LEDGER_USER;
    else if (begins(room->id, STR("~chatroom/"), &which.user))
        which.whose = LEDGER_PLACES;
    if (store_message_get(tx->conn, tx->app_id, recall->message, &r.message) && r.message.audience.p != NULL)
        r.audience = audience_parse(r.message.audience);
    if (r.audience != NULL)
        store_ledger_devices(tx->conn, &which, on_receiver, &r);
    else
        store_ledger_devices(tx->conn, &which, each, ctx);
    audience_unref(r.audience);
}

/* --- the walk --- */

struct delays {
    int64_t *ms;
    size_t count, cap;
};

struct walk {
    struct ledger *ledger;
    const struct ledger_query *query;
    const struct recall_row *recall;
    struct delays delays;
};

static void add_delay(struct delays *d, int64_t ms)
{
    if (d->count == d->cap) {
        d->cap = d->cap == 0 ? 256 : d->cap * 2;
        d->ms = realloc(d->ms, d->cap * sizeof(*d->ms));
        if (d->ms == NULL)
            abort();
    }
    d->ms[d->count++] = ms;
}

static struct ledger_open *add_open(struct ledger *l, struct str user, struct str device)
{
    struct ledger_open *open;

    if (l->last == NULL || l->last->n == LEDGER_CHUNK) {
        struct ledger_chunk *chunk = arena_alloc(l->arena, sizeof(*chunk));

        if (l->last != NULL)
            l->last->next = chunk;
        else
            l->chunks = chunk;
        l->last = chunk;
    }
    open = &l->last->open[l->last->n++];
    open->user = user;
    open->device = device;
    atomic_init(&open->connected, false);
    return open;
}

static bool on_device(void *ctx, const struct ledger_row *row)
{
    struct walk *w = ctx;
    struct ledger *l = w->ledger;
    struct ledger_device d = {.state = state_of(row, w->recall), .ack_ms = -1};
    const bool candidate = is_after(w->query, row);
    const bool listed = candidate && l->page_count < w->query->limit;
    const bool open = d.state == LEDGER_OFFLINE;

    if (d.state == LEDGER_ACKED && row->acked_ms != 0) {
        d.ack_ms = row->acked_ms > w->recall->time_ms ? row->acked_ms - w->recall->time_ms : 0;
        add_delay(&w->delays, d.ack_ms);
    }
    if (!open)
        l->counts[d.state]++;
    if (listed || (open && l->open_count < LEDGER_OPEN_MAX)) {
        d.user = arena_str(l->arena, row->user);
        d.device = arena_str(l->arena, row->device);
        if (open)
            d.open = add_open(l, d.user, d.device);
    }
    if (open)
        l->open_count++;
    if (listed)
        l->page[l->page_count++] = d;
    l->more = l->more || (candidate && !listed);
    return true;
}

static int compare_ms(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

/* Nearest rank: the smallest delay that `percent` of the devices did not exceed. */
static int64_t percentile(const struct delays *d, size_t percent)
{
    return d->count == 0 ? -1 : d->ms[(d->count * percent + 99) / 100 - 1];
}

static void collect_devices(struct core_tx *tx, const struct ledger_query *q, const struct room_row *room,
                            const struct recall_row *recall, struct ledger *l)
{
    struct walk w = {.ledger = l, .query = q, .recall = recall};

    l->page = arena_alloc(l->arena, q->limit * sizeof(*l->page));
    each_device(tx, room, recall, q->device_ms, on_device, &w);
    if (w.delays.count != 0)
        qsort(w.delays.ms, w.delays.count, sizeof(*w.delays.ms), compare_ms);
    l->p50_ms = percentile(&w.delays, 50);
    l->p99_ms = percentile(&w.delays, 99);
    l->max_ms = percentile(&w.delays, 100);
    free(w.delays.ms);
}

/* --- the recall --- */

/* Who recalled may see it, also from outside: an administrator of a conversation of others, or one who left. */
static bool recalled_by(struct core_tx *tx, const struct principal *who, const struct ledger_query *q, struct room_row *room,
                        struct recall_row *recall)
{
    return store_room_get(tx->conn, tx->app_id, q->room, room) && store_recall_get(tx->conn, tx->app_id, q->message, recall) &&
           recall->room_key == room->key && recall->operator_id.p != NULL && str_eq(recall->operator_id, who->user);
}

static enum result find(struct core_tx *tx, const struct principal *who, const struct ledger_query *q, struct room_row *room,
                        struct recall_row *recall, struct outcome *out)
{
    struct member_row member = {.role = ROLE_MEMBER};
    struct message_row m;
    bool has, recalled, may;
    const enum result rc = room_access_enter(tx, who, q->room, room, &member, out);

    if (rc == RESULT_NOT_MEMBER && recalled_by(tx, who, q, room, recall)) {
        tx_outcome_reset(out);
        return RESULT_OK;
    }
    if (rc != RESULT_OK)
        return rc;
    has = store_message_get(tx->conn, tx->app_id, q->message, &m) && m.room_key == room->key;
    recalled = store_recall_get(tx->conn, tx->app_id, q->message, recall) && recall->room_key == room->key;
    may = who->kind == PRINCIPAL_PLATFORM || member.role >= ROLE_MANAGER ||
          (recalled && recall->operator_id.p != NULL && str_eq(recall->operator_id, who->user));
    /* To a member whom the message is not for, there is none. */
    if (!recalled && has && m.state == MESSAGE_LIVE && (may || audience_sees(tx, who->user, &m)))
        return tx_fail(out, RESULT_NO_MESSAGE, "The message \"%.*s\" was not recalled", (int)q->message.n, q->message.p);
    if (!recalled || (!may && has && !audience_sees(tx, who->user, &m)))
        return tx_fail(out, RESULT_NO_MESSAGE, "This room has no message \"%.*s\"", (int)q->message.n, q->message.p);
    if (!may)
        return tx_fail(out, RESULT_FORBIDDEN,
                       "Only who recalled the message, the room's owner, admins and managers, or the platform may see its ledger");
    return RESULT_OK;
}

static void text_or_null(struct json_out *o, const char *key, struct str text)
{
    if (text.p == NULL)
        json_out_knull(o, key);
    else
        json_out_kstr(o, key, text.p, text.n);
}

enum result ledger_collect(struct core_tx *tx, const struct principal *who, const struct ledger_query *q, struct ledger *l,
                           struct arena *arena, struct outcome *out)
{
    struct json_out *o = &out->result;
    struct recall_row recall;
    struct room_row room;
    const enum result rc = find(tx, who, q, &room, &recall, out);

    *l = (struct ledger){.arena = arena};
    if (rc != RESULT_OK)
        return rc;
    collect_devices(tx, q, &room, &recall, l);
    json_out_object(o);
    json_out_kstr(o, "_id", recall.message.p, recall.message.n);
    json_out_kstr(o, "room", room.id.p, room.id.n);
    json_out_kint(o, "seq", recall.seq);
    json_out_kint(o, "recallTimeMS", recall.time_ms);
    json_out_key(o, "operator");
    view_sender(tx, o, recall.operator_id);
    json_out_kbool(o, "isDelete", recall.is_delete);
    json_out_kbool(o, "isAdmin", recall.is_admin);
    text_or_null(o, "reason", recall.reason);
    text_or_null(o, "extra", recall.extra);
    return RESULT_OK;
}

/* --- the answer --- */

static void ms_or_null(struct json_out *o, const char *key, int64_t ms)
{
    if (ms < 0)
        json_out_knull(o, key);
    else
        json_out_kint(o, key, ms);
}

static void write_counts(struct ledger *l, struct json_out *o)
{
    static const struct {
        const char *name;
        enum ledger_state state;
    } all[] = {{"acked", LEDGER_ACKED}, {"refused", LEDGER_REFUSED}, {"pending", LEDGER_PENDING},
               {"offline", LEDGER_OFFLINE}, {"incapable", LEDGER_INCAPABLE}};

    for (const struct ledger_chunk *chunk = l->chunks; chunk != NULL; chunk = chunk->next)
        for (size_t i = 0; i < chunk->n; i++)
            l->counts[LEDGER_PENDING] += atomic_load(&chunk->open[i].connected) ? 1 : 0;
    l->counts[LEDGER_OFFLINE] = l->open_count - l->counts[LEDGER_PENDING];
    json_out_key(o, "counts");
    json_out_object(o);
    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        json_out_kint(o, all[i].name, l->counts[all[i].state]);
    json_out_object_end(o);
}

static void write_device(const struct ledger_device *d, struct json_out *o)
{
    static const char *const names[LEDGER_STATES] = {[LEDGER_ACKED] = "acked",
                                                     [LEDGER_REFUSED] = "refused",
                                                     [LEDGER_PENDING] = "pending",
                                                     [LEDGER_OFFLINE] = "offline",
                                                     [LEDGER_INCAPABLE] = "incapable"};
    const bool pending = d->open != NULL && atomic_load(&d->open->connected);

    json_out_object(o);
    json_out_kstr(o, "user", d->user.p, d->user.n);
    json_out_kstr(o, "device", d->device.p, d->device.n);
    json_out_kcstr(o, "state", names[pending ? LEDGER_PENDING : d->state]);
    ms_or_null(o, "ackMS", d->ack_ms);
    json_out_object_end(o);
}

void ledger_finish(struct ledger *l, struct json_out *o)
{
    write_counts(l, o);
    json_out_key(o, "ackMS");
    json_out_object(o);
    ms_or_null(o, "p50", l->p50_ms);
    ms_or_null(o, "p99", l->p99_ms);
    ms_or_null(o, "max", l->max_ms);
    json_out_object_end(o);
    json_out_key(o, "devices");
    json_out_array(o);
    for (size_t i = 0; i < l->page_count; i++)
        write_device(&l->page[i], o);
    json_out_array_end(o);
    text_or_null(o, "next", l->more ? ledger_cursor(l->arena, l->page[l->page_count - 1].user, l->page[l->page_count - 1].device)
                                    : STR_NULL);
    json_out_object_end(o);
}

/* --- progress --- */

struct progress_walk {
    struct ledger_progress *out;
    const struct recall_row *recall;
};

static bool on_progress(void *ctx, const struct ledger_row *row)
{
    struct progress_walk *w = ctx;

    w->out->devices++;
    w->out->acked += state_of(row, w->recall) == LEDGER_ACKED ? 1 : 0;
    return true;
}

bool ledger_progress(struct core_tx *tx, struct str room_id, struct str message, int64_t device_ms, struct ledger_progress *out)
{
    struct recall_row recall;
    struct room_row room;
    struct progress_walk w = {.out = out, .recall = &recall};
    size_t n = 0;

    memset(out, 0, sizeof(*out));
    if (!store_room_get(tx->conn, tx->app_id, room_id, &room) || !store_recall_get(tx->conn, tx->app_id, message, &recall) ||
        recall.room_key != room.key)
        return false;
    each_device(tx, &room, &recall, device_ms, on_progress, &w);
    if (recall.operator_id.p != NULL)
        out->watchers[n++] = recall.operator_id;
    out->watcher_count = n + store_ledger_watchers(tx->conn, room.key, recall.operator_id, out->watchers + n, LEDGER_WATCHERS - n);
    return !store_conn_failed(tx->conn);
}
