#include "api/imkit.h"

#include "core/client.h"

#include <stdio.h>

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define CLIENTS_MAX 1000

/* Fields of a client that are the server's, and those that steer the call: not kept as additional ones. */
static const char *const server_fields[] = {
    "_id",       "id",        "appID",          "nickname",         "avatarUrl",
    "isRobot",   "token",     "expirationDate", "issueAccessToken", "lastLoginTimeMS",
    "createdAt", "updatedAt", "createdAtMS",    "updatedAtMS",      NULL};

struct clients_call {
    struct client_command *commands;
    size_t n;
    bool as_list;
};

struct client_body {
    struct str id, nickname, avatar, token;
    int is_robot, issue;
    int64_t expires_ms;
};

static bool read_client(const json_t *object, struct arena *arena, struct client_command *out,
                        struct fields_error *err)
{
    static const struct field table[] = {
        {"_id", FIELD_USER, true, 0, 0, offsetof(struct client_body, id)},
        {"nickname", FIELD_TEXT, false, 0, 256, offsetof(struct client_body, nickname)},
        {"avatarUrl", FIELD_TEXT, false, 0, 2048, offsetof(struct client_body, avatar)},
        {"isRobot", FIELD_FLAG, false, 0, 0, offsetof(struct client_body, is_robot)},
        {"issueAccessToken", FIELD_FLAG, false, 0, 0, offsetof(struct client_body, issue)},
        {"token", FIELD_TEXT, false, 1, 4096, offsetof(struct client_body, token)},
        {"expirationDate", FIELD_TIME, false, 0, 0, offsetof(struct client_body, expires_ms)},
    };
    struct client_body body = {.is_robot = -1};

    if (!fields_read(object, table, COUNT(table), &body, arena, err))
        return false;
    *out = (struct client_command){.id = body.id,
                                   .nickname = body.nickname,
                                   .avatar = body.avatar,
                                   .fields = fields_rest(object, server_fields, arena),
                                   .is_robot = body.is_robot,
                                   .issue = body.issue == 1,
                                   .bind_token = body.token,
                                   .expires_ms = body.expires_ms};
    return true;
}

bool imkit_client_parse(struct api_call *call)
{
    struct clients_call *c = arena_alloc(&call->arena, sizeof(*c));
    struct fields_error err;

    call->command = c;
    c->commands = arena_alloc(&call->arena, sizeof(*c->commands));
    c->n = 1;
    return read_client(call->body, &call->arena, c->commands, &err) ||
           call_refuse(call, err.rc, "%s", err.text);
}

bool imkit_client_parse_list(struct api_call *call)
{
    const json_t *list = json_is_array(call->body) ? call->body : json_object_get(call->body, "clients");
    struct clients_call *c = arena_alloc(&call->arena, sizeof(*c));
    struct fields_error err;

    call->command = c;
    c->as_list = true;
    if (!json_is_array(list) || json_array_size(list) == 0 || json_array_size(list) > CLIENTS_MAX)
        return call_refuse(call, RESULT_INVALID_BODY, "The body must be an array of 1 to %d clients",
                           CLIENTS_MAX);
    c->commands = arena_alloc(&call->arena, json_array_size(list) * sizeof(*c->commands));
    for (; c->n < json_array_size(list); c->n++) {
        const json_t *object = json_array_get(list, c->n);

        if (!json_is_object(object))
            return call_refuse(call, RESULT_INVALID_BODY, "[%zu] must be an object with _id", c->n);
        if (!read_client(object, &call->arena, &c->commands[c->n], &err))
            return call_refuse(call, err.rc, "[%zu].%s", c->n, err.text);
    }
    return true;
}

enum result imkit_client_upsert(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct clients_call *c = call->command;

    return client_upsert(tx, who, c->commands, c->n, c->as_list, &call->out);
}

struct token_body {
    struct str token;
    int64_t expires_ms;
};

bool imkit_client_parse_token(struct api_call *call)
{
    static const struct field table[] = {
        {"token", FIELD_TEXT, false, 1, 4096, offsetof(struct token_body, token)},
        {"expirationDate", FIELD_TIME, false, 0, 0, offsetof(struct token_body, expires_ms)},
    };
    struct client_command *command = arena_alloc(&call->arena, sizeof(*command));
    struct token_body body = {STR_NULL, 0};

    call->command = command;
    if (!call_user_param(call, 0))
        return false;
    if (call->body != NULL && !call_fields(call, table, COUNT(table), &body))
        return false;
    *command = (struct client_command){
        .id = call->params[0], .is_robot = -1, .bind_token = body.token, .expires_ms = body.expires_ms};
    return true;
}

enum result imkit_client_put_token(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    return client_token_put(tx, who, call->command, &call->out);
}

enum result imkit_client_revoke(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct client_command *command = call->command;

    return client_token_revoke(tx, who, command->id, command->bind_token, &call->out);
}
