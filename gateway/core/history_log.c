#include "core/history_log.h"

#include "auth/digest.h"
#include "base/id.h"
#include "base/zone.h"
#include "core/audience.h"
#include "core/object.h"
#include "core/room_pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* More lines than these would be above HISTORY_LOG_MAX in any case. */
#define MESSAGES_MAX 300000U
#define STEP_MESSAGES 2048U
#define QUERY_PAGE_MAX 1024U
#define COMMAND STR("RC:RcCmd")

/* A message, or the command that recalled one. */
struct entry {
    int64_t time_ms;
    const struct message_row *message; /* NULL: a command */
    const struct recall_row *recall;
    const struct room_row *room;
};

/* --- parts of both --- */

struct str history_log_command_uid(struct arena *arena, struct str message)
{
    const struct str text = arena_printf(arena, "recall%.*s", (int)message.n, message.p);
    unsigned char digest[DIGEST_SHA256_SIZE];
    char uid[ID_UID_SIZE];

    if (!digest_sha256(text.p, text.n, digest))
        abort();
    id_uid_of(digest, uid);
    return arena_str(arena, str_c(uid));
}

void history_log_date(const struct config_app *app, int64_t ms, char out[static HISTORY_LOG_DATE_SIZE])
{
    const int64_t local = ms + zone_offset(app->time_zone, ms) * 1000;
    const time_t seconds = (time_t)(local / 1000);
    struct tm tm;

    if (gmtime_r(&seconds, &tm) == NULL || tm.tm_year > 8099) {
        out[0] = '\0';
        return;
    }
    (void)snprintf(out, HISTORY_LOG_DATE_SIZE, "%04u-%02u-%02u %02u:%02u:%02u.%03u", (unsigned)(tm.tm_year + 1900) % 10000U,
                   (unsigned)(tm.tm_mon + 1) % 100U, (unsigned)tm.tm_mday % 100U, (unsigned)tm.tm_hour % 100U,
                   (unsigned)tm.tm_min % 100U, (unsigned)tm.tm_sec % 100U, (unsigned)(local % 1000) % 1000U);
}

static void kstr(struct json_out *o, const char *key, struct str s)
{
    json_out_kstr(o, key, s.p != NULL ? s.p : "", s.n);
}

static struct str author_of(const struct entry *e)
{
    return e->message != NULL ? e->message->sender : e->recall->author;
}

/* Who the entry is from: of a command, who recalled. */
static struct str from_of(const struct entry *e)
{
    if (e->message != NULL)
        return e->message->sender;
    return e->recall->operator_id.p != NULL ? e->recall->operator_id : e->recall->author;
}

/* The content of the command, as clients get it. */
static struct str command_content(struct core_tx *tx, const struct entry *e)
{
    const struct recall_row *r = e->recall;
    struct client_row client = {.nickname = STR_NULL};
    struct json_out o;
    struct str text;

    json_out_init(&o);
    json_out_object(&o);
    kstr(&o, "messageUId", r->message);
    kstr(&o, "targetId", conversation_target(tx->arena, e->room, r->author));
    json_out_kcstr(&o, "channelId", "");
    json_out_kint(&o, "conversationType", (int)conversation_of(e->room));
    json_out_kint(&o, "sentTime", r->sent_ms);
    json_out_kbool(&o, "isAdmin", r->is_admin);
    json_out_kbool(&o, "isDelete", r->is_delete);
    kstr(&o, "extra", r->extra);
    json_out_kbool(&o, "disableUpdateLastMsg", r->disable_update_last);
    kstr(&o, "originalFromUserId", r->author);
    json_out_key(&o, "user");
    if (r->operator_id.p == NULL) {
        json_out_null(&o);
    } else {
        (void)store_client_get(tx->conn, tx->app_id, r->operator_id, &client);
        json_out_object(&o);
        kstr(&o, "id", r->operator_id);
        kstr(&o, "name", client.nickname);
        json_out_object_end(&o);
    }
    json_out_object_end(&o);
    text = json_out_ok(&o) ? arena_str(tx->arena, str_n(o.p, o.len)) : STR("{}");
    json_out_free(&o);
    return text;
}

/* What the entry is to RongCloud's clients, and its UID. False: it is not for the history. */
static bool read_entry(struct core_tx *tx, const struct entry *e, struct object *object, struct str *uid)
{
    if (e->message != NULL) {
        object_read(tx, e->message, object);
        *uid = e->message->id;
        return !object->not_persisted;
    }
    *object = (struct object){.name = COMMAND, .content = command_content(tx, e)};
    *uid = history_log_command_uid(tx->arena, e->recall->message);
    return true;
}

/* --- the log of an hour --- */

void history_log_free(struct history_log *log)
{
    free(log->p);
    free(log->places);
    memset(log, 0, sizeof(*log));
}

/* Appends a line; false without memory or above the bound. */
static bool append(struct history_log *log, const struct json_out *line)
{
    const size_t needed = log->len + line->len + 1;

    if (!json_out_ok(line) || needed > HISTORY_LOG_MAX)
        return false;
    if (needed > log->cap) {
        const size_t cap = needed > log->cap * 2 ? needed + 4096 : log->cap * 2;
        char *p = realloc(log->p, cap);

        if (p == NULL)
            return false;
        log->p = p;
        log->cap = cap;
    }
    memcpy(log->p + log->len, line->p, line->len);
    log->p[needed - 1] = '\n';
    log->len = needed;
    return true;
}

static bool write_line(struct core_tx *tx, const struct entry *e, struct json_out *line, struct history_log *log)
{
    const enum conversation kind = conversation_of(e->room);
    const struct str target = conversation_target(tx->arena, e->room, author_of(e));
    const struct config_app *app = tx->app;
    char date[HISTORY_LOG_DATE_SIZE];
    struct object object;
    struct str uid;

    if (!read_entry(tx, e, &object, &uid))
        return true;
    history_log_date(app, e->time_ms, date);
    json_out_reset(line);
    json_out_object(line);
    json_out_kcstr(line, "appId", app->app_key != NULL ? app->app_key : app->name);
    kstr(line, "fromUserId", from_of(e));
    kstr(line, "targetId", target);
    json_out_kint(line, "targetType", (int)kind);
    kstr(line, "GroupId", kind == CONVERSATION_GROUP ? target : STR(""));
    kstr(line, "classname", object.name);
    json_out_kraw(line, "content", object.content.p, object.content.n);
    json_out_kcstr(line, "dateTime", date);
    json_out_kint(line, "timestamp", e->time_ms);
    json_out_kint(line, "sentTime", e->time_ms);
    kstr(line, "msgUID", uid);
    json_out_kcstr(line, "source", "Server");
    json_out_object_end(line);
    return append(log, line);
}

/* What is walked over: messages by their places and recalls, both by time. */
struct walk {
    const struct log_place *places;
    size_t messages, next_message;
    struct recall_row *recalls;
    size_t recall_count, next_recall;
    struct message_row message; /* the next one */
    bool has_message;
    struct room_row room; /* of the last entry: most lines in a row are of one room */
};

static void read_next(struct core_tx *tx, struct walk *w)
{
    w->has_message = false;
    while (!w->has_message && w->next_message < w->messages && !store_conn_failed(tx->conn))
        w->has_message = store_message_by_key(tx->conn, w->places[w->next_message++].key, &w->message) &&
                         w->message.state != MESSAGE_DELETED;
}

static bool room_of(struct core_tx *tx, struct walk *w, int64_t key)
{
    return w->room.key == key || store_room_by_key(tx->conn, key, &w->room);
}

/* The next entry's line. False after the last one, and when the line did not fit. */
static bool step(struct core_tx *tx, struct walk *w, struct json_out *line, struct history_log *log, bool *fits)
{
    const bool has_recall = w->next_recall < w->recall_count;
    const struct recall_row *recall = has_recall ? &w->recalls[w->next_recall] : NULL;
    /* Of the same moment the message comes first. */
    const bool message = w->has_message && (!has_recall || w->message.time_ms <= recall->time_ms);
    const struct entry e = {.time_ms = message ? w->message.time_ms : has_recall ? recall->time_ms : 0,
                            .message = message ? &w->message : NULL,
                            .recall = message ? NULL : recall,
                            .room = &w->room};

    if ((!message && !has_recall) || store_conn_failed(tx->conn))
        return false;
    if (room_of(tx, w, message ? w->message.room_key : recall->room_key))
        *fits = write_line(tx, &e, line, log);
    if (message)
        read_next(tx, w);
    else
        w->next_recall++;
    return *fits;
}

static enum result too_large(struct history_log *log, struct outcome *out)
{
    history_log_free(log);
    return tx_fail(out, RESULT_TOO_LARGE,
                   "That hour's log would be larger than %zu MiB; read its conversations with /v3/message/…/query.json instead",
                   HISTORY_LOG_MAX >> 20);
}

/* Finds where the hour's messages are. */
static enum result begin(struct core_tx *tx, int64_t from_ms, int64_t to_ms, struct history_log *log, struct outcome *out)
{
    const int64_t recalls = store_log_recall_count(tx->conn, tx->app_id, from_ms, to_ms);
    struct log_place *places;
    size_t n;

    history_log_free(log);
    if (recalls > HISTORY_LOG_RECALLS)
        return tx_fail(out, RESULT_TOO_LARGE, "That hour holds %lld recalls, more than the %d that a log can hold",
                       (long long)recalls, HISTORY_LOG_RECALLS);
    n = store_log_messages(tx->conn, tx->app_id, from_ms, to_ms, MESSAGES_MAX + 1, &places);
    if (n > MESSAGES_MAX)
        return too_large(log, out);
    log->places = malloc((n + 1) * sizeof(*places));
    if (log->places == NULL)
        return tx_fail(out, RESULT_INTERNAL, "There is no memory for the log");
    memcpy(log->places, places, n * sizeof(*places));
    log->count = n;
    return RESULT_OK;
}

/* Where a step ends that begins at `from`: what was sent in one moment stays together, so that recalls are told apart by their time. */
static size_t step_end(const struct history_log *log, size_t from)
{
    size_t end = from + STEP_MESSAGES;

    while (end < log->count && log->places[end].time_ms == log->places[end - 1].time_ms)
        end++;
    return end < log->count ? end : log->count;
}

static bool write_step(struct core_tx *tx, int64_t from_ms, int64_t to_ms, size_t until, struct history_log *log)
{
    const int64_t recalls = store_log_recall_count(tx->conn, tx->app_id, from_ms, to_ms);
    struct walk w = {.places = log->places, .messages = until, .next_message = log->step};
    struct json_out line;
    bool fits = true;

    w.recalls = arena_alloc(tx->arena, ((size_t)recalls + 1) * sizeof(*w.recalls));
    w.recall_count = store_log_recalls(tx->conn, tx->app_id, from_ms, to_ms, w.recalls, (size_t)recalls);
    json_out_init(&line);
    read_next(tx, &w);
    while (step(tx, &w, &line, log, &fits)) {
    }
    json_out_free(&line);
    return fits;
}

enum result history_log_lines(struct core_tx *tx, int64_t from_ms, int64_t to_ms, int64_t done, struct history_log *log, struct outcome *out)
{
    const enum result rc = done == 0 ? begin(tx, from_ms, to_ms, log, out) : RESULT_OK;
    size_t until;

    if (rc != RESULT_OK)
        return rc;
    if ((size_t)done != log->step) {
        log->step = (size_t)done;
        log->step_len = log->len;
    }
    log->len = log->step_len;
    until = step_end(log, log->step);
    if (!write_step(tx, done == 0 ? from_ms : log->places[done].time_ms, until < log->count ? log->places[until].time_ms : to_ms, until, log))
        return too_large(log, out);
    out->count = (int64_t)until;
    out->more = until < log->count;
    return RESULT_OK;
}

/* --- the queries --- */

struct query {
    struct str user; /* whose view of a group it is; absent: all of it */
    int64_t low_ms, high_ms;
    bool ascending;
    size_t limit;
    struct entry *entries;
    size_t count;
};

static void add_messages(struct core_tx *tx, const struct room_row *room, struct query *q)
{
    struct message_page page = {.app = tx->app_id,
                                .room_key = room->key,
                                .order = MESSAGE_BY_TIME,
                                .ascending = q->ascending,
                                .has_from = true,
                                .from_ms = q->ascending ? q->low_ms : q->high_ms,
                                .from_key = q->ascending ? -1 : INT64_MAX,
                                .has_min_ms = true,
                                .min_ms = q->low_ms,
                                .limit = q->limit};
    size_t added = 0, n;
    bool more;

    do {
        struct message_row *rows = arena_alloc(tx->arena, page.limit * sizeof(*rows));
        const size_t asked = page.limit;

        n = store_message_page(tx->conn, &page, rows);
        /* Each page sorts the room: where many are left out, few pages are to find the rest. */
        page.limit = asked < QUERY_PAGE_MAX ? 2 * asked : asked;
        more = n == asked;
        for (size_t i = 0; i < n && added < q->limit; i++) {
            if (rows[i].time_ms > q->high_ms)
                return;
            page.from_ms = rows[i].time_ms;
            page.from_key = rows[i].key;
            if (str_eq(object_member(rows[i].content, "isPersisted"), STR("false")) || !audience_sees(tx, q->user, &rows[i]))
                continue;
            q->entries[q->count++] = (struct entry){.time_ms = rows[i].time_ms, .message = &rows[i], .room = room};
            added++;
        }
    } while (more && added < q->limit);
}

static void add_recalls(struct core_tx *tx, const struct room_row *room, struct query *q)
{
    struct recall_row *rows = arena_alloc(tx->arena, q->limit * sizeof(*rows));
    const size_t n = store_recall_page(tx->conn, room->key, q->low_ms, q->high_ms, q->ascending, rows, q->limit);

    for (size_t i = 0; i < n; i++) {
        struct message_row m;

        if (q->user.p != NULL && store_message_get(tx->conn, tx->app_id, rows[i].message, &m) && !audience_sees(tx, q->user, &m))
            continue;
        q->entries[q->count++] = (struct entry){.time_ms = rows[i].time_ms, .recall = &rows[i], .room = room};
    }
}

/* A message before the command of the same moment; otherwise as they were added, which is their order in the room. */
static int earlier(const struct entry *a, const struct entry *b)
{
    if (a->time_ms != b->time_ms)
        return a->time_ms < b->time_ms ? -1 : 1;
    return (a->message == NULL) - (b->message == NULL);
}

/* An insertion sort: few entries, and those of one kind come in order. */
static void sort(struct query *q)
{
    for (size_t i = 1; i < q->count; i++) {
        const struct entry e = q->entries[i];
        size_t at = i;

        while (at > 0 && (q->ascending ? earlier(&e, &q->entries[at - 1]) : earlier(&q->entries[at - 1], &e)) < 0) {
            q->entries[at] = q->entries[at - 1];
            at--;
        }
        q->entries[at] = e;
    }
}

static void write_item(struct core_tx *tx, struct json_out *o, const struct entry *e)
{
    struct object object;
    struct str uid;

    (void)read_entry(tx, e, &object, &uid);
    json_out_object(o);
    kstr(o, "targetId", conversation_target(tx->arena, e->room, author_of(e)));
    kstr(o, "fromUserId", from_of(e));
    kstr(o, "messageUID", uid);
    json_out_kint(o, "msgTime", e->time_ms);
    kstr(o, "objectName", object.name);
    json_out_kint(o, "conversationType", (int)conversation_of(e->room));
    if (object.content.n != 0 && object.content.p[0] == '"')
        json_out_kraw(o, "content", object.content.p, object.content.n);
    else
        kstr(o, "content", object.content);
    json_out_kbool(o, "expansion", object.expansion);
    kstr(o, "extraContent", object.extra_content);
    json_out_object_end(o);
}

/* The rooms that hold the conversation; how many. */
static size_t rooms_of(struct core_tx *tx, enum conversation kind, struct str user, struct str target, struct room_row rooms[static 2])
{
    size_t n = 0;

    if (store_room_get(tx->conn, tx->app_id, conversation_room(tx->arena, kind, user, target), &rooms[0]) &&
        conversation_holds(tx, kind, user, target, &rooms[0]))
        n++;
    if (kind == CONVERSATION_PRIVATE && room_pair_find(tx, user, target, &rooms[n]) && (n == 0 || rooms[0].key != rooms[1].key))
        n++;
    return n;
}

enum result history_query(struct core_tx *tx, enum conversation kind, struct str user, struct str target, int64_t start_ms,
                          int64_t end_ms, size_t page_size, struct outcome *out)
{
    const int64_t end = end_ms > 0 ? end_ms : tx->now_ms;
    struct query q = {.user = kind == CONVERSATION_GROUP ? user : STR_NULL,
                      .ascending = start_ms <= end,
                      .low_ms = start_ms <= end ? start_ms : end,
                      .high_ms = start_ms <= end ? end : start_ms,
                      .limit = page_size};
    struct room_row rooms[2];
    struct json_out *o = &out->result;
    size_t n;

    if (page_size == 0 || page_size > HISTORY_QUERY_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "pageSize must be 1 to %u", HISTORY_QUERY_MAX);
    q.entries = arena_alloc(tx->arena, 4 * page_size * sizeof(*q.entries));
    n = rooms_of(tx, kind, user, target, rooms);
    for (size_t i = 0; i < n; i++) {
        add_messages(tx, &rooms[i], &q);
        add_recalls(tx, &rooms[i], &q);
    }
    sort(&q);
    json_out_array(o);
    for (size_t i = 0; i < q.count && i < page_size; i++)
        write_item(tx, o, &q.entries[i]);
    json_out_array_end(o);
    if (o->failed)
        return tx_fail(out, RESULT_TOO_LARGE, "The answer would be too large: ask for fewer messages with pageSize");
    return RESULT_OK;
}
