#include "core/publish.h"

#include "base/id.h"
#include "base/text.h"
#include "core/audience.h"
#include "core/chatroom.h"
#include "core/conversation.h"
#include "core/message.h"
#include "core/object.h"

#include <jansson.h>
#include <stdlib.h>

/* What the kinds of sends differ in. */
static const struct {
    enum conversation conversation;
    const char *parameter;
    size_t max;
} kinds[] = {
    [PUBLISH_PRIVATE] = {CONVERSATION_PRIVATE, "toUserId", PUBLISH_TARGETS_MAX},
    [PUBLISH_GROUP] = {CONVERSATION_GROUP, "toGroupId", 3},
    [PUBLISH_CHATROOM] = {CONVERSATION_CHATROOM, "toChatroomId", 10},
    [PUBLISH_SYSTEM] = {CONVERSATION_SYSTEM, "toUserId", 100},
    [PUBLISH_BROADCAST] = {CONVERSATION_SYSTEM, "", 0},
};

/* What one transaction of a send in steps holds: every other write waits for it. No group or chatroom send has more targets than the least. */
#define STEP_BYTES ((size_t)2 << 20)
#define STEP_TARGET_BYTES 1024U /* what a target costs besides its texts */
#define STEP_TARGETS_MIN 10U

/* --- parameters --- */

static enum result check_text(struct str text, const char *name, size_t max, struct outcome *out)
{
    if (text.n > max)
        return tx_fail(out, RESULT_TOO_LARGE, "%s is too long: at most %zu bytes", name, max);
    if (!text_utf8_valid(text.p, text.n))
        return tx_fail(out, RESULT_INVALID_BODY, "%s must be UTF-8", name);
    return RESULT_OK;
}

static enum result check_user(struct str user, const char *name, struct outcome *out)
{
    if (str_empty(user))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "%s is missing: name a user", name);
    if (!text_user_valid(user.p, user.n))
        return tx_fail(out, RESULT_INVALID_BODY, "%s must be 1 to %d bytes without control characters", name, TEXT_USER_MAX);
    return RESULT_OK;
}

static enum result check_target(const struct publish_command *c, struct str target, struct outcome *out)
{
    const char *name = kinds[c->kind].parameter;

    if (c->kind == PUBLISH_GROUP && !text_room_valid(target.p, target.n))
        return tx_fail(out, RESULT_INVALID_BODY, "%s must be 1 to %d bytes without control characters and without a leading ~", name,
                       TEXT_ROOM_MAX);
    if (c->kind == PUBLISH_CHATROOM && (target.n > CHATROOM_ID_MAX || !text_user_valid(target.p, target.n)))
        return tx_fail(out, RESULT_INVALID_BODY, "%s must be 1 to %u bytes without control characters", name, CHATROOM_ID_MAX);
    return c->kind == PUBLISH_GROUP || c->kind == PUBLISH_CHATROOM ? RESULT_OK : check_user(target, name, out);
}

static enum result check_targets(const struct publish_command *c, struct outcome *out)
{
    const char *name = kinds[c->kind].parameter;
    enum result rc = RESULT_OK;

    if (c->kind == PUBLISH_BROADCAST)
        return RESULT_OK;
    if (c->target_count == 0)
        return tx_fail(out, RESULT_MISSING_PARAMETER, "%s is missing: name at least one", name);
    if (c->target_count > kinds[c->kind].max)
        return tx_fail(out, RESULT_INVALID_BODY, "%s: at most %zu in one call", name, kinds[c->kind].max);
    for (size_t i = 0; i < c->target_count && rc == RESULT_OK; i++)
        rc = check_target(c, c->targets[i], out);
    if (rc == RESULT_OK && c->receiver_count > PUBLISH_RECEIVERS_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "toUserId: a directed message has at most %u receivers", PUBLISH_RECEIVERS_MAX);
    for (size_t i = 0; i < c->receiver_count && rc == RESULT_OK; i++)
        rc = check_user(c->receivers[i], "toUserId", out);
    return rc;
}

static bool rongclouds(struct str name)
{
    return name.n >= 3 && memcmp(name.p, "RC:", 3) == 0;
}

static bool is_object(struct str text)
{
    struct arena arena = {NULL, NULL};
    const struct str json = object_compact(&arena, text);
    const bool ok = json.p != NULL && json.p[0] == '{';

    arena_free(&arena);
    return ok;
}

static enum result check_object(const struct publish_command *c, struct outcome *out)
{
    enum result rc;

    if (str_empty(c->object_name))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "objectName is missing: name the message's type, such as RC:TxtMsg");
    if (c->object_name.n > OBJECT_NAME_MAX)
        return tx_fail(out, RESULT_TOO_LARGE, "objectName is too long: at most %u bytes", OBJECT_NAME_MAX);
    if (!object_name_valid(c->object_name))
        return tx_fail(out, RESULT_INVALID_BODY,
                       "objectName must be text without control characters; a type of your own must not begin with RC:");
    if (str_empty(c->content))
        return tx_fail(out, RESULT_MISSING_PARAMETER, "content is missing: give the message's JSON text");
    rc = check_text(c->content, "content", PUBLISH_CONTENT_MAX, out);
    /* Also because the copy in a quote is found in an object alone. */
    if (rc == RESULT_OK && rongclouds(c->object_name) && !is_object(c->content))
        return tx_fail(out, RESULT_INVALID_BODY, "content must be the JSON text of an object, such as {\"content\":\"hello\"}");
    return rc;
}

enum result publish_check(const struct publish_command *c, struct outcome *out)
{
    enum result rc = check_user(c->from, "fromUserId", out);

    if (rc == RESULT_OK)
        rc = check_targets(c, out);
    if (rc == RESULT_OK)
        rc = check_object(c, out);
    if (rc == RESULT_OK)
        rc = check_text(c->push_content, "pushContent", PUBLISH_CONTENT_MAX, out);
    if (rc == RESULT_OK)
        rc = check_text(c->push_data, "pushData", PUBLISH_CONTENT_MAX, out);
    if (rc == RESULT_OK)
        rc = check_text(c->extra_content, "extraContent", PUBLISH_CONTENT_MAX, out);
    if (rc == RESULT_OK)
        rc = check_text(c->expansion, "expansion", PUBLISH_CONTENT_MAX, out);
    if (rc == RESULT_OK)
        rc = check_text(c->random, "msgRandom", PUBLISH_RANDOM_MAX, out);
    return rc;
}

/* --- the message --- */

/* What every target gets the same. */
struct draft {
    struct str type, body, content;
    struct str quoted;   /* id that a quote names; absent: none */
    struct str audience;
};

/* A quote without the copy that it embeds: what is quoted is rendered from the quoted message. */
static struct str without_copy(struct arena *arena, struct str object, struct str *quoted)
{
    json_t *root = json_loadb(object.p, object.n, 0, NULL);
    struct str text;
    char *dumped;

    if (root == NULL)
        return STR("{}"); /* a number that this cannot keep: rather nothing than a copy that no recall reaches */
    *quoted = object_string(arena, object_member(object, "referMsgUid"));
    json_object_del(root, "referMsg");
    json_object_del(root, "referMsgStatus");
    dumped = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
    text = dumped != NULL ? object_compact(arena, str_c(dumped)) : STR("{}"); /* escapes as everywhere */
    free(dumped);
    json_decref(root);
    return text;
}

static void kstr(struct json_out *o, const char *key, struct str text)
{
    if (text.p != NULL)
        json_out_kstr(o, key, text.p, text.n);
}

static struct str draft_content(struct arena *arena, const struct publish_command *c, struct str object)
{
    struct json_out o;
    struct str text;

    json_out_init(&o);
    json_out_object(&o);
    kstr(&o, "objectName", c->object_name);
    if (object.p != NULL)
        json_out_kraw(&o, "content", object.p, object.n);
    else
        kstr(&o, "content", c->content);
    kstr(&o, "pushContent", c->push_content);
    kstr(&o, "pushData", c->push_data);
    kstr(&o, "extraContent", c->extra_content);
    if (text_is(c->expansion.p, c->expansion.n, "true") || text_is(c->expansion.p, c->expansion.n, "false"))
        json_out_kbool(&o, "expansion", text_is(c->expansion.p, c->expansion.n, "true"));
    else
        kstr(&o, "expansion", c->expansion);
    if (c->disable_update_last)
        json_out_kbool(&o, "disableUpdateLastMsg", true);
    if (c->not_counted)
        json_out_kbool(&o, "isCounted", false);
    if (c->not_persisted)
        json_out_kbool(&o, "isPersisted", false);
    json_out_object_end(&o);
    if (!json_out_ok(&o))
        abort(); /* four bounded texts: only memory can fail */
    text = arena_str(arena, str_n(o.p, o.len));
    json_out_free(&o);
    return text;
}

static struct str draft_audience(struct arena *arena, const struct publish_command *c)
{
    struct str *users;

    if (c->kind != PUBLISH_GROUP || c->receiver_count == 0)
        return c->kind == PUBLISH_BROADCAST ? c->audience : STR_NULL;
    users = arena_alloc(arena, (c->receiver_count + 1) * sizeof(*users));
    memcpy(users, c->receivers, c->receiver_count * sizeof(*users));
    users[c->receiver_count] = c->from;
    return audience_users(arena, users, c->receiver_count + (c->include_sender ? 1 : 0));
}

static struct draft draft_make(struct arena *arena, const struct publish_command *c)
{
    struct str object = object_compact(arena, c->content);
    struct draft d = {.type = object_type(c->object_name), .audience = draft_audience(arena, c)};

    if (object.p != NULL && object.p[0] != '{')
        object = STR_NULL; /* kept as the text that was sent */
    if (object.p != NULL && str_eq(c->object_name, STR("RC:ReferenceMsg")))
        object = without_copy(arena, object, &d.quoted);
    if (str_eq(d.type, STR("text"))) {
        d.body = object_member(object, "content");
        if (d.body.n == 0 || d.body.p[0] != '"')
            d.body = STR_NULL;
    }
    d.content = draft_content(arena, c, object);
    return d;
}

/* --- sending --- */

/* Where one message goes. */
struct place {
    struct room_row room;
    struct str client_msg_id;
    struct message_row before; /* sent with the same msgRandom */
    bool repeat;
    size_t same;               /* the first target of the same name */
};

struct ordered {
    struct str target;
    size_t at;
};

static int compare(const void *a, const void *b)
{
    const struct ordered *x = a, *y = b;
    const size_t n = x->target.n < y->target.n ? x->target.n : y->target.n;
    const int order = n != 0 ? memcmp(x->target.p, y->target.p, n) : 0;

    if (order != 0)
        return order;
    if (x->target.n != y->target.n)
        return x->target.n < y->target.n ? -1 : 1;
    return x->at < y->at ? -1 : x->at > y->at;
}

static void find_same(struct arena *arena, const struct publish_command *c, struct place *places)
{
    struct ordered *list = arena_alloc(arena, (c->target_count + 1) * sizeof(*list));

    for (size_t i = 0; i < c->target_count; i++)
        list[i] = (struct ordered){c->targets[i], i};
    qsort(list, c->target_count, sizeof(*list), compare);
    for (size_t i = 0, first = 0; i < c->target_count; i++) {
        if (!str_eq(list[i].target, list[first].target))
            first = i;
        places[list[i].at].same = list[first].at;
    }
}

static struct str target_of(const struct publish_command *c, size_t i)
{
    return c->kind == PUBLISH_BROADCAST ? STR_NULL : c->targets[i];
}

static struct str random_id(struct arena *arena, const struct publish_command *c, struct str room)
{
    if (str_empty(c->random))
        return STR_NULL;
    return arena_printf(arena, "rc:%.*s:%.*s", (int)c->random.n, c->random.p, (int)room.n, room.p);
}

/* Looks at everything before anything is written. */
static enum result find_place(struct core_tx *tx, const struct publish_command *c, size_t i, struct place *p, struct outcome *out)
{
    const enum result rc =
        conversation_open(tx, kinds[c->kind].conversation, c->from, target_of(c, i), &p->room, out);

    if (rc != RESULT_OK)
        return rc;
    p->client_msg_id = random_id(tx->arena, c, p->room.id);
    if (p->client_msg_id.p == NULL || p->room.key == 0 ||
        !store_message_by_client_id(tx->conn, tx->app_id, c->from, p->client_msg_id, &p->before))
        return RESULT_OK;
    if (p->before.room_key != p->room.key)
        return tx_fail(out, RESULT_CONFLICT, "msgRandom: already used for a message in another conversation; use a new one");
    p->repeat = true;
    return RESULT_OK;
}

static void note_sent(struct publish_sent *sent, struct str target, struct str message, int64_t sent_ms)
{
    *sent = (struct publish_sent){target, message, sent_ms};
}

/* A quote holds where the quoted message is in the same room; elsewhere readers could not hear of its recall. */
static struct str quote_in(struct core_tx *tx, const struct draft *d, const struct room_row *room)
{
    struct message_row quoted;

    if (d->quoted.p == NULL || !store_message_get(tx->conn, tx->app_id, d->quoted, &quoted) || quoted.room_key != room->key)
        return STR_NULL;
    return d->quoted;
}

static void send_one(struct core_tx *tx, const struct publish_command *c, const struct draft *d, size_t i, struct place *p,
                     struct publish_sent *sent, struct outcome *out)
{
    struct message_row m = {.type = d->type,
                            .sender = c->from,
                            .body = d->body,
                            .content = d->content,
                            .client_msg_id = p->client_msg_id,
                            .time_ms = tx->now_ms,
                            .created_ms = tx->now_ms,
                            .updated_ms = tx->now_ms,
                            .version = 1,
                            .state = MESSAGE_LIVE,
                            .audience = d->audience,
                            .not_counted = c->not_counted,
                            .unlisted = c->disable_update_last};
    char uid[ID_UID_SIZE];

    if (p->room.key == 0)
        conversation_make(tx, kinds[c->kind].conversation, c->from, target_of(c, i), &p->room);
    id_uid(uid);
    m.id = arena_str(tx->arena, str_c(uid));
    m.room = p->room.id;
    m.room_key = p->room.key;
    m.reply = quote_in(tx, d, &p->room);
    (void)message_append(tx, &p->room, &m);
    out->seq = m.seq;
    note_sent(sent, target_of(c, i), m.id, m.time_ms);
}

/* Looks at the targets from `from` to `to`, and sends to those from `from` to `until`. */
static enum result send_range(struct core_tx *tx, const struct publish_command *c, size_t from, size_t until, size_t to,
                              struct publish_sent *sent, struct outcome *out)
{
    const size_t n = c->kind == PUBLISH_BROADCAST ? 1 : c->target_count;
    struct place *places = arena_alloc(tx->arena, n * sizeof(*places));
    struct draft d;
    enum result rc = RESULT_OK;

    if (c->kind != PUBLISH_BROADCAST)
        find_same(tx->arena, c, places);
    for (size_t i = from; i < to && rc == RESULT_OK; i++)
        if (places[i].same == i)
            rc = find_place(tx, c, i, &places[i], out);
    if (rc != RESULT_OK)
        return rc;
    d = draft_make(tx->arena, c);
    for (size_t i = from; i < until; i++) {
        if (places[i].same != i)
            sent[i] = sent[places[i].same];
        else if (places[i].repeat)
            note_sent(&sent[i], target_of(c, i), places[i].before.id, places[i].before.time_ms);
        else
            send_one(tx, c, &d, i, &places[i], &sent[i], out);
    }
    return RESULT_OK;
}

enum result publish_send(struct core_tx *tx, const struct publish_command *c, struct publish_sent *sent, struct outcome *out)
{
    const size_t n = c->kind == PUBLISH_BROADCAST ? 1 : c->target_count;
    const enum result rc = publish_check(c, out);

    return rc == RESULT_OK ? send_range(tx, c, 0, n, n, sent, out) : rc;
}

/* As many targets as one transaction should hold. */
static size_t step_targets(const struct publish_command *c)
{
    const size_t each = STEP_TARGET_BYTES + c->content.n + c->push_content.n + c->push_data.n + c->extra_content.n + c->expansion.n;
    const size_t fitting = STEP_BYTES / each;

    return fitting > STEP_TARGETS_MIN ? fitting : STEP_TARGETS_MIN;
}

enum result publish_send_some(struct core_tx *tx, const struct publish_command *c, size_t first, struct publish_sent *sent,
                              size_t *next, struct outcome *out)
{
    const size_t step = step_targets(c), left = c->target_count - first;
    enum result rc = RESULT_OK;

    *next = left > step ? first + step : c->target_count;
    if (first == 0)
        rc = publish_check(c, out);
    /* All are looked at before the first is sent to; afterwards only those whose turn it is. */
    return rc == RESULT_OK ? send_range(tx, c, first, *next, first == 0 ? c->target_count : *next, sent, out) : rc;
}

bool publish_repeated(struct core_tx *tx, const struct publish_command *c, struct publish_sent *sent)
{
    const struct str id = random_id(tx->arena, c, CONVERSATION_BROADCAST);
    struct message_row m;

    if (c->kind != PUBLISH_BROADCAST || id.p == NULL || !store_message_by_client_id(tx->conn, tx->app_id, c->from, id, &m) ||
        !str_eq(m.room, CONVERSATION_BROADCAST))
        return false;
    note_sent(sent, STR_NULL, m.id, m.time_ms);
    return true;
}
