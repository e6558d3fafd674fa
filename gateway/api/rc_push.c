/* /push.json: a notification, and a message for everyone, for some users, or for whom tags and a package choose. */
#include "api/rc.h"

#include "api/rc_publish.h"
#include "base/id.h"
#include "base/text.h"
#include "core/audience.h"
#include "core/quota.h"
#include "core/tag.h"

#include <stdlib.h>

#define TAGS_MAX 20
#define USERS_MAX 1000
#define PACKAGE_MAX 256

struct push_call {
    bool has_message;
    struct publish_command command;
};

static bool is_tag(struct api_call *call, const char *name, struct str tag)
{
    if (tag.n > TAG_BYTES_MAX)
        return rc_refuse(call, RC_TOO_LONG, "%s: a tag is longer than %u bytes", name, TAG_BYTES_MAX);
    return tag.n > 0 || rc_refuse(call, RC_PARAMETER, "%s: a tag is empty", name);
}

/* A list of texts inside `audience`; absent or null: none. One text stands for a list of it. */
static bool read_list(struct api_call *call, const json_t *audience, const char *key, const char *name, size_t max,
                      bool (*is_valid)(struct api_call *, const char *, struct str), struct rc_list *out)
{
    const json_t *value = json_object_get(audience, key);
    const size_t n = json_is_array(value) ? json_array_size(value) : json_is_string(value) ? 1 : 0;

    *out = (struct rc_list){arena_alloc(&call->arena, (n + 1) * sizeof(*out->p)), 0};
    if (value != NULL && !json_is_null(value) && !json_is_array(value) && !json_is_string(value))
        return rc_refuse(call, RC_PARAMETER, "%s must be a list of texts", name);
    if (n > max)
        return rc_refuse(call, RC_TOO_LONG, "There are more than %zu of %s", max, name);
    for (size_t i = 0; i < n; i++) {
        const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
        const struct str text = str_n(json_string_value(one), json_string_length(one));

        if (!json_is_string(one))
            return rc_refuse(call, RC_PARAMETER, "%s must be a list of texts", name);
        if (!is_valid(call, name, text))
            return false;
        out->p[out->n++] = text;
    }
    rc_unique(&call->arena, out);
    return true;
}

/* A flag inside an object: booleans, numbers and texts alike. */
static bool read_flag(struct api_call *call, const json_t *object, const char *key, const char *name, bool *out)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value))
        return true;
    if (json_is_boolean(value)) {
        *out = json_is_true(value);
        return true;
    }
    if (json_is_integer(value) && (json_integer_value(value) == 0 || json_integer_value(value) == 1)) {
        *out = json_integer_value(value) == 1;
        return true;
    }
    return (json_is_string(value) && text_parse_bool(json_string_value(value), json_string_length(value), out)) ||
           rc_refuse(call, RC_PARAMETER, "%s must be true or false", name);
}

/* Whom the push is for, as core/audience.h has it. */
static bool read_audience(struct api_call *call, struct publish_command *c)
{
    const json_t *audience = json_object_get(call->body, "audience");
    const json_t *package = json_object_get(audience, "packageName");
    struct rc_list users, all, any;
    struct str name = STR_NULL;
    bool to_all = false;

    if (!json_is_object(audience))
        return rc_refuse(call, RC_PARAMETER, audience == NULL ? "audience is missing" : "audience must be an object");
    if (!read_flag(call, audience, "is_to_all", "audience.is_to_all", &to_all) ||
        !read_list(call, audience, "userid", "audience.userid", USERS_MAX, rc_is_user, &users) ||
        !read_list(call, audience, "tag", "audience.tag", TAGS_MAX, is_tag, &all) ||
        !read_list(call, audience, "tag_or", "audience.tag_or", TAGS_MAX, is_tag, &any))
        return false;
    if (json_is_string(package) && json_string_length(package) > 0)
        name = str_n(json_string_value(package), json_string_length(package));
    else if (package != NULL && !json_is_null(package) && !json_is_string(package))
        return rc_refuse(call, RC_PARAMETER, "audience.packageName must be a text");
    if (name.n > PACKAGE_MAX)
        return rc_refuse(call, RC_TOO_LONG, "audience.packageName is longer than %d bytes", PACKAGE_MAX);
    if (to_all)
        return true;
    if (users.n > 0)
        c->audience = audience_users(&call->arena, users.p, users.n);
    else if (all.n > 0 || any.n > 0 || name.p != NULL)
        c->audience = audience_push(&call->arena, all.p, all.n, any.p, any.n, name);
    else
        return rc_refuse(call, RC_PARAMETER, "audience names nobody: give tag, tag_or, userid or packageName, or is_to_all true");
    return true;
}

static bool parses(struct str text)
{
    json_t *value = fields_too_deep(text) ? NULL : json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
    const bool ok = value != NULL;

    json_decref(value);
    return ok;
}

/* `content` is a text that holds JSON; one SDK percent-encodes it once more, another leaves it as an object. */
static bool read_content(struct api_call *call, const json_t *message, struct str *out)
{
    const json_t *value = json_object_get(message, "content");
    char *decoded;
    size_t n;

    if (value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
        return rc_refuse(call, RC_PARAMETER, "message.content is missing");
    *out = json_is_string(value) ? str_n(json_string_value(value), json_string_length(value)) : fields_dump(value, &call->arena);
    if (json_is_string(value) && !parses(*out) && memchr(out->p, '%', out->n) != NULL) {
        decoded = arena_alloc(&call->arena, out->n + 1);
        if (text_percent_decode(out->p, out->n, TEXT_DECODE_FORM, decoded, &n) && parses(str_n(decoded, n)))
            *out = str_n(decoded, n);
    }
    return out->n <= RC_CONTENT_MAX || rc_refuse(call, RC_TOO_LONG, "message.content is longer than %d bytes", RC_CONTENT_MAX);
}

static bool optional_text(struct api_call *call, const json_t *object, const char *key, const char *name, size_t max, struct str *out)
{
    const json_t *value = json_object_get(object, key);

    if (value == NULL || json_is_null(value) || (json_is_string(value) && json_string_length(value) == 0))
        return true;
    if (!json_is_string(value))
        return rc_refuse(call, RC_PARAMETER, "%s must be a text", name);
    *out = str_n(json_string_value(value), json_string_length(value));
    return out->n <= max || rc_refuse(call, RC_TOO_LONG, "%s is longer than %zu bytes", name, max);
}

static bool read_message(struct api_call *call, const json_t *message, struct publish_command *c)
{
    bool counted = true, persisted = true;

    if (!json_is_object(message))
        return rc_refuse(call, RC_PARAMETER, "message must be an object with content and objectName");
    if (c->from.p == NULL)
        return rc_refuse(call, RC_PARAMETER, "fromuserid is missing");
    if (!optional_text(call, message, "objectName", "message.objectName", RC_OBJECT_NAME_MAX, &c->object_name))
        return false;
    if (c->object_name.p == NULL)
        return rc_refuse(call, RC_PARAMETER, "message.objectName is missing");
    if (!rc_publish_object_name(call, c->object_name) || !read_content(call, message, &c->content) ||
        !optional_text(call, message, "pushContent", "message.pushContent", PUBLISH_CONTENT_MAX, &c->push_content) ||
        !optional_text(call, message, "pushData", "message.pushData", PUBLISH_CONTENT_MAX, &c->push_data) ||
        !read_flag(call, message, "disableUpdateLastMsg", "message.disableUpdateLastMsg", &c->disable_update_last) ||
        !read_flag(call, message, "isCounted", "message.isCounted", &counted) ||
        !read_flag(call, message, "isPersisted", "message.isPersisted", &persisted))
        return false;
    if (text_is(c->object_name.p, c->object_name.n, "RC:RcCmd"))
        return rc_refuse(call, RC_PARAMETER, "message.objectName: a recall goes to /message/broadcast/recall.json");
    c->not_counted = !counted;
    c->not_persisted = !persisted;
    call->out.rc = publish_check(c, &call->out);
    return call->out.rc == RESULT_OK;
}

bool rc_push_parse(struct api_call *call)
{
    struct push_call *p = arena_alloc(&call->arena, sizeof(*p));
    const json_t *message;

    call->command = p;
    p->command.kind = PUBLISH_BROADCAST;
    if (call->body == NULL)
        return rc_refuse(call, RC_PARAMETER, "The body must be a JSON object");
    message = json_object_get(call->body, "message");
    p->has_message = message != NULL && !json_is_null(message);
    if (!rc_user(call, "fromuserid", false, &p->command.from) ||
        (p->command.from.p == NULL && !rc_user(call, "fromUserId", false, &p->command.from)) ||
        !rc_text(call, "msgRandom", false, PUBLISH_RANDOM_MAX, &p->command.random) || !read_audience(call, &p->command))
        return false;
    return !p->has_message || read_message(call, message, &p->command);
}

/* A notification without a message lands in no conversation: nothing is stored, and it counts as a broadcast. */
static enum result notify(struct api_call *call, struct core_tx *tx)
{
    const enum result rc = quota_check(tx, QUOTA_BROADCAST, &call->out);
    char id[ID_UID_SIZE];

    if (rc != RESULT_OK)
        return rc;
    quota_take(tx, QUOTA_BROADCAST);
    id_uid(id);
    json_out_object(&call->out.result);
    json_out_kcstr(&call->out.result, "id", id);
    json_out_object_end(&call->out.result);
    return RESULT_OK;
}

enum result rc_push(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct push_call *p = call->command;
    struct publish_sent sent;
    enum result rc = call_admit(call, tx, GATEWAY_SENDS, 1);

    (void)who;
    if (rc != RESULT_OK || !p->has_message)
        return rc != RESULT_OK ? rc : notify(call, tx);
    rc = rc_publish_broadcast(call, tx, &p->command, &sent);
    if (rc != RESULT_OK)
        return rc;
    json_out_object(&call->out.result);
    json_out_kstr(&call->out.result, "id", sent.message.p, sent.message.n);
    json_out_kstr(&call->out.result, "messageUID", sent.message.p, sent.message.n);
    json_out_object_end(&call->out.result);
    return RESULT_OK;
}
