#include "api/rc.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* Every parameter's name: a piece of an unencoded form that is one of these begins a parameter even without "=". */
static const char *const names[] = {
    "fromUserId",     "toUserId",    "toGroupId",    "toChatroomId",     "objectName",      "content",     "pushContent",
    "pushData",       "pushExt",     "isPersisted",  "isCounted",        "isIncludeSender", "disablePush", "expansion",
    "extraContent",   "msgRandom",   "isMentioned",  "contentAvailable", "verifyBlacklist", "messageUID",  "conversationType",
    "targetId",       "busChannel",  "sentTime",     "isAdmin",          "isDelete",        "extra",       "disableUpdateLastMsg",
    "userId",         "userIds",     "name",         "portraitUri",      "tags",            "groupId",     "groupName",
    "chatroomId",     "date",        "startTime",    "endTime",          "pageSize",        NULL};

bool rc_refuse(struct api_call *call, enum rc_code code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(call->out.text, sizeof(call->out.text), format, args);
    va_end(args);
    call->rc_code = (int)code;
    call->out.rc = RESULT_INVALID_BODY;
    return false;
}

bool rc_params(struct api_call *call, struct str body)
{
    struct rc_form *form = arena_alloc(&call->arena, sizeof(*form));
    struct rc_form_error err;
    struct fields_error json_err;
    size_t blank = 0;
    bool ok;

    call->form = form;
    while (blank < body.n && (body.p[blank] == ' ' || body.p[blank] == '\t' || body.p[blank] == '\r' || body.p[blank] == '\n'))
        blank++;
    if (blank == body.n)
        return rc_refuse(call, RC_NO_DATA, "There is no POST data: send the parameters in the body");
    if (body.p[blank] == '{') {
        call->body = fields_parse(body, false, &json_err);
        if (call->body == NULL)
            return rc_refuse(call, RC_PARAMETER, "%s", json_err.text);
        ok = rc_form_from_json(&call->arena, call->body, form, &err);
    } else {
        ok = rc_form_parse(&call->arena, body, names, form, &err);
    }
    return ok || rc_refuse(call, err.too_many ? RC_TOO_LONG : RC_PARAMETER, "%s", err.text);
}

bool rc_text(struct api_call *call, const char *name, bool required, size_t max, struct str *out)
{
    *out = rc_form_get(call->form, name);
    if (out->p == NULL && required)
        return rc_refuse(call, RC_PARAMETER, "%s is missing", name);
    if (out->n > max)
        return rc_refuse(call, RC_TOO_LONG, "%s is longer than %zu bytes", name, max);
    return true;
}

bool rc_is_user(struct api_call *call, const char *name, struct str id)
{
    if (id.n > TEXT_USER_MAX)
        return rc_refuse(call, RC_TOO_LONG, "%s is longer than %d bytes", name, TEXT_USER_MAX);
    return text_user_valid(id.p, id.n) ||
           rc_refuse(call, RC_PARAMETER, "%s must be 1 to %d bytes without control characters", name, TEXT_USER_MAX);
}

bool rc_is_group(struct api_call *call, const char *name, struct str id)
{
    if (id.n > RC_GROUP_MAX)
        return rc_refuse(call, RC_TOO_LONG, "%s is longer than %d bytes", name, RC_GROUP_MAX);
    return text_room_valid(id.p, id.n) ||
           rc_refuse(call, RC_PARAMETER, "%s must be 1 to %d bytes without control characters and without a leading ~", name,
                     RC_GROUP_MAX);
}

bool rc_user(struct api_call *call, const char *name, bool required, struct str *out)
{
    return rc_text(call, name, required, SIZE_MAX, out) && (out->p == NULL || rc_is_user(call, name, *out));
}

bool rc_group(struct api_call *call, const char *name, bool required, struct str *out)
{
    return rc_text(call, name, required, SIZE_MAX, out) && (out->p == NULL || rc_is_group(call, name, *out));
}

bool rc_message(struct api_call *call, const char *name, bool required, struct str *out)
{
    if (!rc_text(call, name, required, TEXT_MESSAGE_ID_MAX, out))
        return false;
    return out->p == NULL || text_message_id_valid(out->p, out->n) ||
           rc_refuse(call, RC_PARAMETER, "%s must be 1 to %d bytes without control characters", name, TEXT_MESSAGE_ID_MAX);
}

bool rc_flag(struct api_call *call, const char *name, bool *out)
{
    const struct str value = rc_form_get(call->form, name);

    return value.p == NULL || text_parse_bool(value.p, value.n, out) ||
           rc_refuse(call, RC_PARAMETER, "%s must be 0 or 1, true or false", name);
}

bool rc_number(struct api_call *call, const char *name, int64_t min, int64_t max, int64_t *out)
{
    const struct str value = rc_form_get(call->form, name);

    return value.p == NULL || text_parse_int(value.p, value.n, min, max, out) ||
           rc_refuse(call, RC_PARAMETER, "%s must be a whole number from %" PRId64 " to %" PRId64, name, min, max);
}

bool rc_time(struct api_call *call, const char *name)
{
    const struct str value = rc_form_get(call->form, name);
    int64_t ms;

    return value.p == NULL || clock_parse(value.p, value.n, &ms) ||
           rc_refuse(call, RC_PARAMETER, "%s must be the time in ms, or as the history log has it", name);
}

/* --- repeated parameters --- */

static int order(const void *a, const void *b)
{
    const struct str *x = *(const struct str *const *)a, *y = *(const struct str *const *)b;
    const int c = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

    if (c != 0)
        return c;
    if (x->n != y->n)
        return x->n < y->n ? -1 : 1;
    return x < y ? -1 : x > y ? 1 : 0; /* the first of equal ones stays */
}

void rc_unique(struct arena *arena, struct rc_list *list)
{
    struct str **sorted = arena_alloc(arena, (list->n + 1) * sizeof(*sorted));
    size_t kept = 0;

    for (size_t i = 0; i < list->n; i++)
        sorted[i] = &list->p[i];
    if (list->n > 1)
        qsort(sorted, list->n, sizeof(*sorted), order);
    for (size_t i = list->n; i > 1; i--)
        if (str_eq(*sorted[i - 1], *sorted[i - 2]))
            *sorted[i - 1] = STR_NULL;
    for (size_t i = 0; i < list->n; i++)
        if (list->p[i].p != NULL)
            list->p[kept++] = list->p[i];
    list->n = kept;
}

bool rc_is_list(struct api_call *call, const char *name)
{
    const json_t *list = json_object_get(call->body, name);

    for (size_t i = 0; i < json_array_size(list); i++)
        if (json_is_array(json_array_get(list, i)) || json_is_object(json_array_get(list, i)))
            return rc_refuse(call, RC_PARAMETER, "%s must be a list of texts", name);
    return true;
}

static bool read_list(struct api_call *call, const char *name, bool required, size_t max,
                      bool (*is_valid)(struct api_call *, const char *, struct str), struct rc_list *out)
{
    size_t at = 0, n = 0;
    struct str value;

    if (!rc_is_list(call, name))
        return false;
    while (rc_form_next(call->form, name, &at, &value))
        n++;
    *out = (struct rc_list){arena_alloc(&call->arena, (n + 1) * sizeof(*out->p)), 0};
    for (at = 0; rc_form_next(call->form, name, &at, &value);) {
        if (!is_valid(call, name, value))
            return false;
        out->p[out->n++] = value;
    }
    rc_unique(&call->arena, out);
    if (out->n == 0 && required)
        return rc_refuse(call, RC_PARAMETER, "%s is missing", name);
    return out->n <= max || rc_refuse(call, RC_TOO_LONG, "There are more than %zu of %s", max, name);
}

bool rc_users(struct api_call *call, const char *name, bool required, size_t max, struct rc_list *out)
{
    return read_list(call, name, required, max, rc_is_user, out);
}

bool rc_groups(struct api_call *call, const char *name, bool required, size_t max, struct rc_list *out)
{
    return read_list(call, name, required, max, rc_is_group, out);
}
