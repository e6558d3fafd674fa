#include "api/fields.h"

#include "base/clock.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#define LIST_ENTRY_MAX 64 /* bytes: lists are of users or of messages */

bool fields_refuse(struct fields_error *err, enum result rc, const char *format, ...)
{
    va_list args;

    err->rc = rc;
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return false;
}

bool fields_too_deep(struct str text)
{
    size_t depth = 0;
    bool in_string = false;

    for (size_t i = 0; i < text.n; i++) {
        const char c = text.p[i];

        if (in_string) {
            if (c == '\\')
                i++;
            else if (c == '"')
                in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '{' || c == '[') {
            if (++depth > FIELDS_DEPTH)
                return true;
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return false;
}

json_t *fields_parse(struct str body, bool array_too, struct fields_error *err)
{
    const char *wanted = array_too ? "a JSON object or an array of objects" : "a JSON object";
    json_error_t where;
    json_t *root;

    if (body.n == 0) {
        (void)fields_refuse(err, RESULT_INVALID_BODY, "The body is empty: it must be %s", wanted);
        return NULL;
    }
    if (fields_too_deep(body)) {
        (void)fields_refuse(err, RESULT_INVALID_BODY, "The body nests deeper than %d levels of JSON",
                            FIELDS_DEPTH);
        return NULL;
    }
    /* Any value is decoded, so that a lone text or number is told apart from broken JSON. */
    root = json_loadb(body.p, body.n, JSON_DECODE_ANY, &where);
    if (root == NULL) {
        (void)fields_refuse(err, RESULT_INVALID_BODY,
                            "The body is not valid JSON (UTF-8, no \\u0000): line %d, column %d", where.line,
                            where.column);
        return NULL;
    }
    if (!json_is_object(root) && !(array_too && json_is_array(root))) {
        json_decref(root);
        (void)fields_refuse(err, RESULT_INVALID_BODY, "The body must be %s", wanted);
        return NULL;
    }
    return root;
}

static struct str text_of(const json_t *v)
{
    return json_is_string(v) ? str_n(json_string_value(v), json_string_length(v)) : STR_NULL;
}

static bool read_text(const struct field *f, const json_t *v, struct str *out, struct fields_error *err)
{
    const struct str s = text_of(v);

    if (s.p == NULL || s.n < (size_t)f->min || s.n > (size_t)f->max)
        return fields_refuse(err, RESULT_INVALID_BODY,
                             "%s must be a string of %" PRId64 " to %" PRId64 " bytes", f->name, f->min,
                             f->max);
    *out = s;
    return true;
}

static bool read_id(const struct field *f, const json_t *v, struct str *out, struct fields_error *err)
{
    const struct str s = text_of(v);
    const char *what = "user id";
    int max = TEXT_USER_MAX;
    bool valid;

    if (f->kind == FIELD_ROOM) {
        what = "room id (without a leading ~)";
        max = TEXT_ROOM_MAX;
        valid = s.p != NULL && text_room_valid(s.p, s.n);
    } else if (f->kind == FIELD_MESSAGE) {
        what = "message id";
        max = TEXT_MESSAGE_ID_MAX;
        valid = s.p != NULL && text_message_id_valid(s.p, s.n);
    } else {
        valid = s.p != NULL && text_user_valid(s.p, s.n);
    }
    if (!valid)
        return fields_refuse(err, RESULT_INVALID_BODY,
                             "%s must be a %s: a string of 1 to %d bytes without control characters", f->name,
                             what, max);
    *out = s;
    return true;
}

static bool read_flag(const struct field *f, const json_t *v, int *out, struct fields_error *err)
{
    const struct str s = text_of(v);
    bool flag;

    if (json_is_boolean(v)) {
        *out = json_is_true(v) ? 1 : 0;
        return true;
    }
    if (json_is_integer(v) && (json_integer_value(v) == 0 || json_integer_value(v) == 1)) {
        *out = (int)json_integer_value(v);
        return true;
    }
    if (s.p != NULL && text_parse_bool(s.p, s.n, &flag)) {
        *out = flag ? 1 : 0;
        return true;
    }
    return fields_refuse(err, RESULT_INVALID_BODY, "%s must be true, false, 1 or 0", f->name);
}

static bool read_int(const struct field *f, const json_t *v, int64_t *out, struct fields_error *err)
{
    const struct str s = text_of(v);

    if (json_is_integer(v) && json_integer_value(v) >= f->min && json_integer_value(v) <= f->max) {
        *out = json_integer_value(v);
        return true;
    }
    if (s.p != NULL && text_parse_int(s.p, s.n, f->min, f->max, out))
        return true;
    return fields_refuse(err, RESULT_INVALID_BODY, "%s must be a whole number from %" PRId64 " to %" PRId64,
                         f->name, f->min, f->max);
}

static bool read_time(const struct field *f, const json_t *v, int64_t *out, struct fields_error *err)
{
    const struct str s = text_of(v);

    if (json_is_integer(v) && json_integer_value(v) >= 0 && json_integer_value(v) <= CLOCK_MS_MAX) {
        *out = json_integer_value(v);
        return true;
    }
    if (s.p != NULL && clock_parse(s.p, s.n, out) && *out >= 0)
        return true;
    return fields_refuse(err, RESULT_INVALID_BODY,
                         "%s must be a time: ISO 8601 (2024-05-01T10:00:00.000Z) or ms since 1970", f->name);
}

static bool read_list(const struct field *f, const json_t *v, struct field_list *out, struct arena *arena,
                      struct fields_error *err)
{
    const bool alone = json_is_string(v);
    const size_t n = alone ? 1 : json_array_size(v);
    struct str *list;

    if ((!alone && !json_is_array(v)) || n > (size_t)f->max || n < (size_t)f->min)
        goto refuse;
    list = arena_alloc(arena, (n + 1) * sizeof(*list));
    for (size_t i = 0; i < n; i++) {
        list[i] = text_of(alone ? v : json_array_get(v, i));
        if (list[i].n == 0 || list[i].n > LIST_ENTRY_MAX || text_has_control(list[i].p, list[i].n))
            goto refuse;
    }
    *out = (struct field_list){list, n};
    return true;
refuse:
    return fields_refuse(err, RESULT_INVALID_BODY,
                         "%s must be an id, or an array of %" PRId64 " to %" PRId64
                         " ids (strings of 1 to %d bytes)",
                         f->name, f->min, f->max, LIST_ENTRY_MAX);
}

static bool read_one(const struct field *f, const json_t *v, void *place, struct arena *arena,
                     struct fields_error *err)
{
    switch (f->kind) {
    case FIELD_TEXT:
        return read_text(f, v, place, err);
    case FIELD_USER:
    case FIELD_ROOM:
    case FIELD_MESSAGE:
        return read_id(f, v, place, err);
    case FIELD_FLAG:
        return read_flag(f, v, place, err);
    case FIELD_INT:
        return read_int(f, v, place, err);
    case FIELD_TIME:
        return read_time(f, v, place, err);
    case FIELD_LIST:
        return read_list(f, v, place, arena, err);
    case FIELD_VALUE:
        break;
    }
    *(const json_t **)place = v;
    return true;
}

static void set_absent(const struct field *f, void *place)
{
    switch (f->kind) {
    case FIELD_FLAG:
        *(int *)place = -1;
        break;
    case FIELD_TIME:
        *(int64_t *)place = 0;
        break;
    case FIELD_INT:
        break;
    case FIELD_LIST:
        *(struct field_list *)place = (struct field_list){NULL, 0};
        break;
    case FIELD_VALUE:
        *(const json_t **)place = NULL;
        break;
    case FIELD_TEXT:
    case FIELD_USER:
    case FIELD_ROOM:
    case FIELD_MESSAGE:
        *(struct str *)place = STR_NULL;
        break;
    }
}

bool fields_read(const json_t *object, const struct field *table, size_t n, void *target, struct arena *arena,
                 struct fields_error *err)
{
    for (size_t i = 0; i < n; i++) {
        const struct field *f = &table[i];
        const json_t *v = json_object_get(object, f->name);
        void *place = (char *)target + f->offset;

        if (v != NULL && !json_is_null(v)) {
            if (!read_one(f, v, place, arena, err))
                return false;
        } else if (f->required) {
            return fields_refuse(err, RESULT_MISSING_PARAMETER, "%s is missing: the body must give it",
                                 f->name);
        } else {
            set_absent(f, place);
        }
    }
    return true;
}

/* A text of which nothing needs an escape, as most are, in quotes; else STR_NULL. jansson would prepare for a tree, and measure before it
 * writes. */
static struct str dump_plain(struct str text, struct arena *arena)
{
    char *p;

    for (size_t i = 0; i < text.n; i++)
        if ((unsigned char)text.p[i] < 0x20 || text.p[i] == '"' || text.p[i] == '\\')
            return STR_NULL;
    p = arena_alloc(arena, text.n + 2);
    p[0] = p[text.n + 1] = '"';
    memcpy(p + 1, text.p, text.n);
    return str_n(p, text.n + 2);
}

struct str fields_dump(const json_t *value, struct arena *arena)
{
    const size_t flags = JSON_COMPACT | JSON_ENCODE_ANY;
    struct str plain;
    size_t n;
    char *p;

    if (value == NULL)
        return STR_NULL;
    if (json_is_string(value) && (plain = dump_plain(text_of(value), arena)).p != NULL)
        return plain;
    n = json_dumpb(value, NULL, 0, flags);
    p = arena_alloc(arena, n + 1);
    (void)json_dumpb(value, p, n, flags);
    return str_n(p, n);
}

static bool listed(const char *const *names, const char *name)
{
    for (; *names != NULL; names++)
        if (strcmp(*names, name) == 0)
            return true;
    return false;
}

struct str fields_rest(const json_t *object, const char *const *skip, struct arena *arena)
{
    json_t *rest = NULL;
    const char *key;
    json_t *value;
    struct str text;

    /* json_object_foreach wants a mutable object only because its iterator could change it. */
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        if (listed(skip, key) || json_is_null(value))
            continue;
        if (rest == NULL)
            rest = json_object(); /* mostly nothing is left */
        (void)json_object_set(rest, key, value);
    }
    text = fields_dump(rest, arena);
    json_decref(rest);
    return text;
}
