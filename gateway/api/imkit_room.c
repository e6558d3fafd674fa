#include "api/imkit.h"

#include "base/text.h"
#include "core/room.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define MEMBERS_MAX 1000
#define ROOMS_LIMIT 200
#define ROOMS_LIMIT_MAX 1000

/* Fields of a room that are the server's, and those that steer the call: not kept as additional ones. */
static const char *const server_fields[] = {
    "_id",         "id",        "appID",     "name",        "roomType",         "opening",
    "invitee",     "invitees",  "members",   "owner",       "unread",           "lastMessage",
    "createdAtMS", "createdAt", "updatedAt", "updatedAtMS", "memberProperties", "memberCount",
    NULL};

struct room_body {
    struct str id, name, type, owner;
    int64_t opening;
    struct field_list invitee, invitees;
};

static bool parse_room(struct api_call *call, bool join_caller)
{
    static const struct field table[] = {
        {"_id", FIELD_ROOM, false, 0, 0, offsetof(struct room_body, id)},
        {"name", FIELD_TEXT, false, 0, 256, offsetof(struct room_body, name)},
        {"roomType", FIELD_TEXT, false, 1, 64, offsetof(struct room_body, type)},
        {"owner", FIELD_USER, false, 0, 0, offsetof(struct room_body, owner)},
        {"opening", FIELD_INT, false, 0, 1, offsetof(struct room_body, opening)},
        {"invitee", FIELD_LIST, false, 0, MEMBERS_MAX, offsetof(struct room_body, invitee)},
        {"invitees", FIELD_LIST, false, 0, MEMBERS_MAX, offsetof(struct room_body, invitees)},
    };
    struct room_body body = {.opening = -1};
    struct room_command *command = arena_alloc(&call->arena, sizeof(*command));

    if (call->body == NULL)
        call->body = json_object();
    if (!call_fields(call, table, COUNT(table), &body))
        return false;
    if (body.invitee.n == 0)
        body.invitee = body.invitees;
    call->command = command;
    *command = (struct room_command){.id = body.id,
                                     .name = body.name,
                                     .type = body.type,
                                     .opening = (int)body.opening,
                                     .fields = fields_rest(call->body, server_fields, &call->arena),
                                     .members = body.invitee.p,
                                     .member_count = body.invitee.n,
                                     .join_caller = join_caller,
                                     .owner = body.owner};
    return true;
}

bool imkit_room_parse(struct api_call *call)
{
    return parse_room(call, false);
}

bool imkit_room_parse_joined(struct api_call *call)
{
    return parse_room(call, true);
}

enum result imkit_room_create(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return room_create(tx, who, call->command, &call->out);
}

bool imkit_room_parse_one(struct api_call *call)
{
    return call_room_param(call, 0);
}

bool imkit_room_parse_any(struct api_call *call)
{
    return call_log_param(call, 0);
}

enum result imkit_room_get(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return room_get(tx, who, call->params[0], &call->out);
}

enum result imkit_room_join(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return room_join(tx, who, call->params[0], &call->out);
}

struct list_call {
    struct str user, after;
    int64_t limit;
};

bool imkit_room_parse_list(struct api_call *call)
{
    struct list_call *l = arena_alloc(&call->arena, sizeof(*l));

    call->command = l;
    l->limit = ROOMS_LIMIT;
    l->user = call_query(call, "client");
    l->after = call_query(call, "after");
    return call_query_int(call, "limit", 1, ROOMS_LIMIT_MAX, &l->limit);
}

enum result imkit_room_list(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct list_call *l = call->command;

    return room_list(tx, who, l->user, l->after, (size_t)l->limit, &call->out);
}

/* Under whichever of its names a list comes. */
struct members_body {
    struct field_list invitees, invitee, members;
};

bool imkit_room_parse_members(struct api_call *call)
{
    static const struct field table[] = {
        {"invitees", FIELD_LIST, false, 0, MEMBERS_MAX, offsetof(struct members_body, invitees)},
        {"invitee", FIELD_LIST, false, 0, MEMBERS_MAX, offsetof(struct members_body, invitee)},
        {"members", FIELD_LIST, false, 0, MEMBERS_MAX, offsetof(struct members_body, members)},
    };
    struct members_body *body = arena_alloc(&call->arena, sizeof(*body));

    call->command = body;
    return call_room_param(call, 0) && call_fields(call, table, COUNT(table), body);
}

enum result imkit_room_add(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct members_body *body = call->command;
    const struct field_list *list = body->invitees.n != 0  ? &body->invitees
                                    : body->invitee.n != 0 ? &body->invitee
                                                           : &body->members;

    return room_add_members(tx, who, call->params[0], list->p, list->n, &call->out);
}

enum result imkit_room_remove(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct members_body *body = call->command;

    return room_remove_members(tx, who, call->params[0], body->members.p, body->members.n, &call->out);
}

struct role_body {
    struct str property, value;
};

bool imkit_room_parse_role(struct api_call *call)
{
    static const struct field table[] = {
        {"property", FIELD_TEXT, true, 1, 64, offsetof(struct role_body, property)},
        {"value", FIELD_TEXT, true, 1, 64, offsetof(struct role_body, value)},
    };
    struct role_body *body = arena_alloc(&call->arena, sizeof(*body));

    call->command = body;
    if (!call_room_param(call, 0) || !call_user_param(call, 1) ||
        !call_fields(call, table, COUNT(table), body))
        return false;
    if (!str_eq(body->property, STR("role")))
        return call_refuse(call, RESULT_INVALID_BODY, "property must be role");
    return true;
}

enum result imkit_room_role(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct role_body *body = call->command;

    return room_set_role(tx, who, call->params[0], call->params[1], body->value, &call->out);
}

bool imkit_room_parse_read(struct api_call *call)
{
    static const struct field table[] = {{"message", FIELD_MESSAGE, true, 0, 0, 0}};

    call->command = arena_alloc(&call->arena, sizeof(struct str));
    return call_log_param(call, 0) && call_fields(call, table, COUNT(table), call->command);
}

enum result imkit_room_read(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct str *message = call->command;

    return room_mark_read(tx, who, call->params[0], *message, &call->out);
}
