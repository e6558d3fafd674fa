#include "core/view.h"

#include "core/audience.h"

#include <jansson.h>
#include <stdlib.h>


static void kstr(struct json_out *o, const char *key, struct str s)
{
    json_out_key(o, key);
    if (s.p == NULL)
        json_out_null(o);
    else
        json_out_str(o, s.p, s.n);
}

static void sender_fields(struct json_out *o, const struct client_row *c)
{
    kstr(o, "_id", c->id);
    kstr(o, "nickname", c->nickname);
    kstr(o, "avatarUrl", c->avatar);
    json_out_kbool(o, "isRobot", c->is_robot);
    kstr(o, "id", c->id);
    json_out_kint(o, "lastLoginTimeMS", c->last_login_ms);
}

void view_sender(struct core_tx *tx, struct json_out *o, struct str user)
{
    struct client_row c;

    if (user.p == NULL) {
        json_out_null(o);
        return;
    }
    if (!store_client_get(tx->conn, tx->app_id, user, &c)) {
        memset(&c, 0, sizeof(c));
        c.id = user;
        c.nickname = STR("");
    }
    if (c.avatar.p == NULL)
        c.avatar = STR("");
    json_out_object(o);
    sender_fields(o, &c);
    json_out_object_end(o);
}

void view_client_fields(struct json_out *o, const struct client_row *c)
{
    static const char *const skip[] = {"_id",       "id",       "nickname",        "avatarUrl", "isRobot",
                                       "lastLoginTimeMS", "createdAtMS", "updatedAtMS", NULL};

    sender_fields(o, c);
    json_out_kint(o, "createdAtMS", c->created_ms);
    json_out_kint(o, "updatedAtMS", c->updated_ms);
    if (!str_empty(c->fields))
        view_merge_fields(o, c->fields, skip);
}

void view_merge_fields(struct json_out *o, struct str object, const char *const *skip)
{
    json_t *root = json_loadb(object.p, object.n, 0, NULL);
    const char *key;
    json_t *value;

    json_object_foreach (root, key, value) {
        const char *const *s = skip;
        char *text;

        while (*s != NULL && strcmp(*s, key) != 0)
            s++;
        if (*s != NULL)
            continue;
        text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
        if (text == NULL)
            continue;
        json_out_name(o, key, strlen(key));
        json_out_raw(o, text, strlen(text));
        free(text);
    }
    json_decref(root);
}

static void mark(struct view_marks *marks, struct str id, size_t at, size_t end)
{
    if (marks == NULL || marks->count == VIEW_MARKS)
        return;
    marks->mark[marks->count++] = (struct view_mark){id, at, end - at};
}

/* Where the value begins that is written next: behind a comma if one is due. */
static size_t value_start(const struct json_out *o)
{
    const bool comma = o->depth > 0 && !o->after_key && (o->filled & ((uint32_t)1 << (o->depth - 1))) != 0;

    return o->len + (comma ? 1 : 0);
}

static void message_times(struct json_out *o, const struct message_row *m)
{
    json_out_kint(o, "messageTimeMS", m->time_ms);
    json_out_kint(o, "updatedAtMS", m->updated_ms);
    json_out_kint(o, "createdAtMS", m->created_ms);
}

bool view_recall(const struct core_tx *tx, struct str message, struct recall_row *out)
{
    if (tx->recall == NULL || !str_eq(tx->recall->message, message))
        return store_recall_get(tx->conn, tx->app_id, message, out);
    *out = *tx->recall;
    return true;
}

/* Nothing of the content: what every reader of a recalled or deleted message gets. */
static void recalled_message(struct core_tx *tx, struct json_out *o, const struct message_row *m)
{
    struct recall_row recall;
    const bool known = view_recall(tx, m->id, &recall);

    json_out_object(o);
    kstr(o, "_id", m->id);
    json_out_kcstr(o, "message", "");
    kstr(o, "room", m->room);
    json_out_key(o, "sender");
    view_sender(tx, o, known ? recall.operator_id : STR_NULL);
    json_out_kcstr(o, "messageType", "recall");
    json_out_kcstr(o, "appID", tx->app->name);
    kstr(o, "id", m->id);
    message_times(o, m);
    if (known && recall.is_delete)
        json_out_kbool(o, "isDelete", true);
    if (known && recall.is_admin)
        json_out_kbool(o, "isAdmin", true);
    json_out_object_end(o);
}

static void live_message(struct core_tx *tx, struct json_out *o, const struct message_row *m, bool with_quote,
                         struct view_marks *marks)
{
    json_out_object(o);
    kstr(o, "_id", m->id);
    json_out_key(o, "message");
    if (m->body.p == NULL)
        json_out_cstr(o, "");
    else
        json_out_raw(o, m->body.p, m->body.n);
    kstr(o, "room", m->room);
    json_out_key(o, "sender");
    view_sender(tx, o, m->sender);
    kstr(o, "messageType", m->type);
    json_out_kcstr(o, "appID", tx->app->name);
    kstr(o, "id", m->id);
    message_times(o, m);
    if (m->batch.p != NULL)
        kstr(o, "batchID", m->batch);
    if (m->client_msg_id.p != NULL)
        kstr(o, "clientMsgId", m->client_msg_id);
    if (!str_empty(m->content))
        json_out_members(o, m->content.p, m->content.n);
    if (m->reply.p != NULL && with_quote) {
        struct message_row quoted;

        json_out_key(o, "reply");
        /* What is for some alone is quoted only for the same. */
        if (!store_message_get(tx->conn, tx->app_id, m->reply, &quoted) ||
            !audience_covers(m->audience, quoted.audience)) {
            json_out_null(o);
        } else {
            const size_t at = o->len;

            if (quoted.state == MESSAGE_LIVE)
                live_message(tx, o, &quoted, false, NULL);
            else
                recalled_message(tx, o, &quoted);
            mark(marks, m->reply, at, o->len);
        }
    }
    json_out_object_end(o);
}

void view_message(struct core_tx *tx, struct json_out *o, const struct message_row *m, struct view_marks *marks)
{
    const size_t at = value_start(o);
    size_t slot = VIEW_MARKS;

    /* The object's own mark stands before its quote's, so that marks come outermost first. */
    if (marks != NULL && marks->count < VIEW_MARKS) {
        slot = marks->count;
        mark(marks, m->id, at, at);
    }
    if (m->state == MESSAGE_LIVE)
        live_message(tx, o, m, true, marks);
    else
        recalled_message(tx, o, m);
    if (slot < VIEW_MARKS)
        marks->mark[slot].len = o->len - at;
}

static const char *role_name(enum member_role role)
{
    switch (role) {
    case ROLE_OWNER:
        return "owner";
    case ROLE_ADMIN:
        return "admin";
    case ROLE_MANAGER:
        return "manager";
    case ROLE_MEMBER:
        break;
    }
    return "member";
}

/* The caller's own badge is exact; others' are dear and shown while the budget lasts. */
static void badge(struct core_tx *tx, struct json_out *o, const struct room_row *r, const struct member_row *m, struct str user,
                  struct view_budget *budget)
{
    json_out_key(o, "badge");
    if (user.p != NULL && str_eq(m->user, user)) {
        json_out_int(o, store_message_unread(tx->conn, r->key, m->user, m->read_seq, VIEW_UNREAD_MAX));
    } else if (budget->badges > 0) {
        budget->badges--;
        json_out_int(o, store_message_unread(tx->conn, r->key, m->user, m->read_seq, VIEW_BADGE_MAX));
    } else {
        json_out_null(o);
    }
}

static void room_members(struct core_tx *tx, struct json_out *o, const struct room_row *r, struct str user,
                         struct view_budget *budget)
{
    struct member_row *members = arena_alloc(tx->arena, budget->members * sizeof(*members));
    const size_t n = store_member_list(tx->conn, r->key, STR_NULL, members, budget->members);

    json_out_key(o, "members");
    json_out_array(o);
    for (size_t i = 0; i < n; i++)
        view_sender(tx, o, members[i].user);
    json_out_array_end(o);
    json_out_kint(o, "memberCount", n < budget->members ? (int64_t)n : store_member_count(tx->conn, r->key));
    json_out_key(o, "memberProperties");
    json_out_array(o);
    for (size_t i = 0; i < n; i++) {
        json_out_object(o);
        kstr(o, "client", members[i].user);
        badge(tx, o, r, &members[i], user, budget);
        kstr(o, "lastRead", members[i].read_id);
        json_out_kcstr(o, "role", role_name(members[i].role));
        json_out_object_end(o);
    }
    json_out_array_end(o);
}

void view_room(struct core_tx *tx, struct json_out *o, const struct room_row *r, struct str user, struct view_budget *budget)
{
    static const char *const skip[] = {"_id",         "id",          "appID",       "name",   "roomType",
                                       "owner",       "opening",     "members",     "memberProperties", "memberCount",
                                       "lastMessage", "unread",      "createdAtMS", "updatedAtMS", NULL};
    struct message_row last;
    struct member_row member;

    json_out_object(o);
    kstr(o, "_id", r->id);
    kstr(o, "id", r->id);
    json_out_kcstr(o, "appID", tx->app->name);
    kstr(o, "name", r->name);
    kstr(o, "roomType", r->type);
    json_out_key(o, "owner");
    view_sender(tx, o, str_empty(r->owner) ? STR_NULL : r->owner);
    json_out_kint(o, "opening", r->opening);
    json_out_kint(o, "createdAtMS", r->created_ms);
    json_out_kint(o, "updatedAtMS", r->updated_ms);
    if (!str_empty(r->fields))
        view_merge_fields(o, r->fields, skip);
    room_members(tx, o, r, user, budget);
    json_out_key(o, "lastMessage");
    if (store_message_last(tx->conn, tx->app_id, r->key, user, &last))
        view_message(tx, o, &last, NULL);
    else
        json_out_null(o);
    json_out_key(o, "unread");
    if (user.p != NULL && store_member_get(tx->conn, r->key, user, &member))
        json_out_int(o, store_message_unread(tx->conn, r->key, user, member.read_seq, VIEW_UNREAD_MAX));
    else
        json_out_int(o, 0);
    json_out_object_end(o);
}
