#include "api/imkit_body.h"

#include "base/text.h"

#define REASON_MAX 256
#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What the server says about a message, and what steers a call: never stored as a message's content. `extra`
 * of a message is. */
static const char *const server_fields[] = {"_id",         "id",
                                            "appID",       "room",
                                            "message",     "messageType",
                                            "sender",      "messageTimeMS",
                                            "createdAtMS", "createdAt",
                                            "updatedAt",   "updatedAtMS",
                                            "messageTime", "reply",
                                            "batchID",     "clientMsgId",
                                            "paras",       "op",
                                            "isDelete",    "isAdmin",
                                            "author",      "disableUpdateLastMsg",
                                            "roomID",      NULL};

struct message_body {
    struct str id, client_msg_id, type;
    const json_t *message, *reply, *extra, *sender;
};

bool imkit_body_is_recall(const json_t *object)
{
    const json_t *type = json_object_get(object, "messageType");

    return json_is_string(type) && strcmp(json_string_value(type), "recall") == 0;
}

/* A message or a user is named by its id, or by the object that a client shows of it. */
static bool read_named(const char *name, const json_t *v, bool (*valid)(const char *, size_t),
                       struct str *out, struct fields_error *err)
{
    const json_t *id = json_is_object(v) ? json_object_get(v, "_id") : v;

    if (v == NULL || (json_is_string(v) && json_string_length(v) == 0))
        return true;
    if (!json_is_string(id) || !valid(json_string_value(id), json_string_length(id)))
        return fields_refuse(err, RESULT_INVALID_BODY,
                             "%s must be an id (a string of 1 to 64 bytes), or an object with its _id", name);
    *out = str_n(json_string_value(id), json_string_length(id));
    return true;
}

bool imkit_body_message(const json_t *object, struct arena *arena, struct message_command *out,
                        struct fields_error *err)
{
    static const struct field table[] = {
        {"_id", FIELD_MESSAGE, false, 0, 0, offsetof(struct message_body, id)},
        {"clientMsgId", FIELD_TEXT, false, 1, 64, offsetof(struct message_body, client_msg_id)},
        {"sender", FIELD_VALUE, false, 0, 0, offsetof(struct message_body, sender)},
        {"messageType", FIELD_TEXT, false, 1, IMKIT_TYPE_MAX, offsetof(struct message_body, type)},
        {"message", FIELD_VALUE, false, 0, 0, offsetof(struct message_body, message)},
        {"reply", FIELD_VALUE, false, 0, 0, offsetof(struct message_body, reply)},
        {"extra", FIELD_VALUE, false, 0, 0, offsetof(struct message_body, extra)},
    };
    struct message_body body = {.id = STR_NULL};
    size_t extra;

    if (!fields_read(object, table, COUNT(table), &body, arena, err))
        return false;
    if (body.message != NULL && !json_is_string(body.message) && !json_is_object(body.message))
        return fields_refuse(err, RESULT_INVALID_BODY, "message must be a string or an object");
    *out = (struct message_command){.id = body.id, .client_msg_id = body.client_msg_id, .type = body.type};
    if (!read_named("reply", body.reply, text_message_id_valid, &out->reply, err) ||
        !read_named("sender", body.sender, text_user_valid, &out->sender, err))
        return false;
    /* A text counts as it is, anything else as its JSON. */
    extra = json_is_string(body.extra) ? json_string_length(body.extra) : fields_dump(body.extra, arena).n;
    if (extra > IMKIT_EXTRA_MAX)
        return fields_refuse(err, RESULT_INVALID_BODY, "extra must be at most %d bytes", IMKIT_EXTRA_MAX);
    if (body.message == NULL && (body.type.p == NULL || str_eq(body.type, STR("text"))))
        return fields_refuse(err, RESULT_MISSING_PARAMETER,
                             "message is missing: send the text, or name another messageType");
    out->body = body.message != NULL ? fields_dump(body.message, arena) : STR("\"\"");
    out->content = fields_rest(object, server_fields, arena);
    return true;
}

struct recall_body {
    struct str id, extra, reason, author;
    const json_t *sender;
    int is_delete, is_admin, disable_update_last;
};

bool imkit_body_recall(const json_t *object, struct arena *arena, struct recall_command *out,
                       struct fields_error *err)
{
    static const struct field table[] = {
        {"_id", FIELD_MESSAGE, true, 0, 0, offsetof(struct recall_body, id)},
        {"extra", FIELD_TEXT, false, 0, IMKIT_EXTRA_MAX, offsetof(struct recall_body, extra)},
        {"reason", FIELD_TEXT, false, 0, REASON_MAX, offsetof(struct recall_body, reason)},
        {"sender", FIELD_VALUE, false, 0, 0, offsetof(struct recall_body, sender)},
        {"author", FIELD_USER, false, 0, 0, offsetof(struct recall_body, author)},
        {"isDelete", FIELD_FLAG, false, 0, 0, offsetof(struct recall_body, is_delete)},
        {"isAdmin", FIELD_FLAG, false, 0, 0, offsetof(struct recall_body, is_admin)},
        {"disableUpdateLastMsg", FIELD_FLAG, false, 0, 0, offsetof(struct recall_body, disable_update_last)},
    };
    struct recall_body body = {.id = STR_NULL};

    if (!fields_read(object, table, COUNT(table), &body, arena, err))
        return false;
    *out = (struct recall_command){.message = body.id,
                                   .is_delete = body.is_delete == 1,
                                   .is_admin = body.is_admin == 1,
                                   .disable_update_last = body.disable_update_last == 1,
                                   .extra = body.extra,
                                   .reason = body.reason,
                                   .author = body.author};
    return read_named("sender", body.sender, text_user_valid, &out->sender, err);
}
