#include "proto/codec/wire_field.h"

#include <stdarg.h>
#include <stdio.h>

struct wire_place wire_field_top(const char *key)
{
    return (struct wire_place){.key = key};
}

struct wire_place wire_field_entry(const char *list, size_t index, const char *key)
{
    return (struct wire_place){.list = list, .index = index, .key = key};
}

struct wire_place wire_field_member(const char *list, const char *name, const char *key)
{
    return (struct wire_place){.list = list, .name = name, .key = key};
}

enum wire_in_status wire_field_refuse(struct wire_in *in, struct wire_place at, bool missing,
                                      const char *must_be, ...)
{
    const char *dot = at.key != NULL ? "." : "";
    const char *key = at.key != NULL ? at.key : "";
    char what[128];
    va_list args;

    if (at.list == NULL)
        snprintf(in->field, sizeof in->field, "%s", key);
    else if (at.name != NULL)
        snprintf(in->field, sizeof in->field, "%s[\"%.32s\"]%s%s", at.list, at.name, dot, key);
    else
        snprintf(in->field, sizeof in->field, "%s[%zu]%s%s", at.list, at.index, dot, key);
    va_start(args, must_be);
    vsnprintf(what, sizeof what, must_be, args);
    va_end(args);
    snprintf(in->text, sizeof in->text, "%s %s %s.", in->field[0] != '\0' ? in->field : "The frame",
             missing ? "is missing; it must be" : "must be", what);
    in->missing = missing;
    return WIRE_IN_BAD_FIELD;
}

json_t *wire_field_get(const json_t *object, const char *key)
{
    json_t *v = json_object_get(object, key);

    return json_is_null(v) ? NULL : v;
}

static struct wire_text text_of(const json_t *v)
{
    return (struct wire_text){.p = json_string_value(v), .n = json_string_length(v)};
}

enum wire_in_status wire_field_name(struct wire_in *in, const json_t *v, struct wire_place at, size_t max,
                                    enum wire_need need, struct wire_text *out)
{
    if (v == NULL && need == WIRE_OPTIONAL)
        return WIRE_IN_OK;
    *out = text_of(v);
    if (out->p != NULL && wire_in_printable(out->p, out->n, max))
        return WIRE_IN_OK;
    return wire_field_refuse(in, at, v == NULL, "a text of 1 to %zu bytes without control characters", max);
}

enum wire_in_status wire_field_room(struct wire_in *in, const json_t *v, struct wire_place at,
                                    struct wire_text *out)
{
    const char *s = json_string_value(v);

    return wire_field_name(in, v, at, s != NULL && s[0] == '~' ? WIRE_OWN_ROOM_MAX : WIRE_ROOM_MAX,
                           WIRE_REQUIRED, out);
}

enum wire_in_status wire_field_text(struct wire_in *in, const char *key, size_t max, struct wire_text *out)
{
    const json_t *v = wire_field_get(in->root, key);

    if (v == NULL)
        return WIRE_IN_OK;
    *out = text_of(v);
    if (out->p != NULL && out->n <= max)
        return WIRE_IN_OK;
    return wire_field_refuse(in, wire_field_top(key), false, "a text of at most %zu bytes", max);
}

enum wire_in_status wire_field_number(struct wire_in *in, const json_t *v, struct wire_place at, int64_t min,
                                      int64_t max, int64_t *out)
{
    *out = json_integer_value(v);
    if (json_is_integer(v) && *out >= min && *out <= max)
        return WIRE_IN_OK;
    return wire_field_refuse(in, at, v == NULL, "a whole number from %lld to %lld", (long long)min,
                             (long long)max);
}

enum wire_in_status wire_field_flag(struct wire_in *in, const char *key, bool *out)
{
    const json_t *v = wire_field_get(in->root, key);

    if (v == NULL)
        return WIRE_IN_OK;
    *out = json_is_true(v) || json_integer_value(v) == 1;
    if (*out || json_is_false(v) || (json_is_integer(v) && json_integer_value(v) == 0))
        return WIRE_IN_OK;
    return wire_field_refuse(in, wire_field_top(key), false, "true, false, 1 or 0");
}
