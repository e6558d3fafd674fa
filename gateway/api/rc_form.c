#include "api/rc_form.h"

#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>

/* A pair as it stands in the body: raw bytes. */
struct raw {
    struct str name, value;
};

/* Bytes that the names of parameters are made of, as sent: letters, digits, "chatroom[ID]" and escapes. */
static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.' ||
           c == '[' || c == ']' || c == '%';
}

/* "group[my group]": what stands in the brackets is the caller's. */
static bool is_keyed(struct str name)
{
    const char *open = memchr(name.p, '[', name.n);

    if (open == NULL || open == name.p || name.p[name.n - 1] != ']')
        return false;
    for (const char *at = name.p; at < open; at++)
        if (!is_name_byte(*at) || *at == '%')
            return false;
    return true;
}

static bool is_name(struct str name)
{
    if (name.n == 0)
        return false;
    if (is_keyed(name))
        return true;
    for (size_t i = 0; i < name.n; i++)
        if (!is_name_byte(name.p[i]))
            return false;
    return true;
}

static bool is_known(struct str name, const char *const *known)
{
    for (; known != NULL && *known != NULL; known++)
        if (text_is(name.p, name.n, *known))
            return true;
    return false;
}

/* Does this piece begin a parameter, or does it belong to the value before it? */
static bool begins(struct str piece, const char *const *known, struct raw *out)
{
    const char *equals = memchr(piece.p, '=', piece.n);

    if (equals == NULL) {
        *out = (struct raw){piece, str_n(piece.p + piece.n, 0)};
        return is_known(piece, known);
    }
    out->name = str_n(piece.p, (size_t)(equals - piece.p));
    out->value = str_n(equals + 1, piece.n - out->name.n - 1);
    return is_name(out->name);
}

/* Splits into raw pairs; their number, or RC_FORM_PAIRS + 1 for too many. `pairs` NULL: only counts. */
static size_t split(struct str body, const char *const *known, struct raw *pairs)
{
    size_t n = 0;
    struct raw last = {STR_NULL, STR_NULL};

    for (size_t i = 0; i < body.n;) {
        const char *amp = memchr(body.p + i, '&', body.n - i);
        const struct str piece = str_n(body.p + i, amp != NULL ? (size_t)(amp - body.p) - i : body.n - i);
        struct raw pair;

        i += piece.n + 1;
        if (piece.n == 0)
            continue;
        if (begins(piece, known, &pair) || n == 0) {
            if (++n > RC_FORM_PAIRS)
                return n;
            last = pair;
        } else { /* the value before goes on to here */
            last.value.n = (size_t)(piece.p + piece.n - last.value.p);
        }
        if (pairs != NULL)
            pairs[n - 1] = last;
    }
    return n;
}

static struct str decode(struct arena *arena, struct str raw)
{
    char *out = arena_alloc(arena, raw.n + 1);
    size_t n = 0;

    (void)text_percent_decode(raw.p, raw.n, TEXT_DECODE_FORM, out, &n); /* lenient: cannot fail */
    return str_n(out, n);
}

static bool is_text(struct str s)
{
    return text_utf8_valid(s.p, s.n) && (s.n == 0 || memchr(s.p, '\0', s.n) == NULL);
}

static bool too_many(struct rc_form_error *err)
{
    err->too_many = true;
    (void)snprintf(err->text, sizeof(err->text), "There are more than %u parameters", RC_FORM_PAIRS);
    return false;
}

bool rc_form_parse(struct arena *arena, struct str body, const char *const *known, struct rc_form *out,
                   struct rc_form_error *err)
{
    const size_t n = split(body, known, NULL);
    struct rc_form_pair *pairs;
    struct raw *raws;

    *out = (struct rc_form){NULL, 0};
    if (n > RC_FORM_PAIRS)
        return too_many(err);
    raws = arena_alloc(arena, (n + 1) * sizeof(*raws));
    pairs = arena_alloc(arena, (n + 1) * sizeof(*pairs));
    (void)split(body, known, raws);
    for (size_t i = 0; i < n; i++) {
        pairs[i] = (struct rc_form_pair){decode(arena, raws[i].name), decode(arena, raws[i].value)};
        if (is_text(pairs[i].name) && is_text(pairs[i].value))
            continue;
        err->too_many = false;
        (void)snprintf(err->text, sizeof(err->text), "%.*s must be UTF-8 text without zero bytes",
                       is_text(pairs[i].name) && pairs[i].name.n < 64 ? (int)pairs[i].name.n : 0, pairs[i].name.p);
        return false;
    }
    *out = (struct rc_form){pairs, n};
    return true;
}

/* A scalar or an object as the text of a parameter; absent for null. */
static struct str json_text(struct arena *arena, const json_t *value)
{
    char *dumped;
    struct str text;

    if (json_is_string(value))
        return str_n(json_string_value(value), json_string_length(value));
    if (json_is_boolean(value))
        return json_is_true(value) ? STR("true") : STR("false");
    if (value == NULL || json_is_null(value))
        return STR_NULL;
    dumped = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    text = arena_str(arena, str_c(dumped));
    free(dumped);
    return text;
}

static size_t json_size(const json_t *value)
{
    return json_is_array(value) ? json_array_size(value) : 1;
}

bool rc_form_from_json(struct arena *arena, const json_t *object, struct rc_form *out, struct rc_form_error *err)
{
    struct rc_form_pair *pairs;
    const char *name;
    json_t *own = NULL, *value; /* jansson's walk wants a pointer that is not const */
    size_t n = 0;

    *out = (struct rc_form){NULL, 0};
    memcpy(&own, &object, sizeof(own));
    json_object_foreach(own, name, value) {
        n += json_size(value);
        if (n > RC_FORM_PAIRS)
            return too_many(err);
    }
    pairs = arena_alloc(arena, (n + 1) * sizeof(*pairs));
    n = 0;
    json_object_foreach(own, name, value) {
        const struct str key = arena_str(arena, str_c(name));

        for (size_t i = 0; i < json_size(value); i++) {
            const struct str text = json_text(arena, json_is_array(value) ? json_array_get(value, i) : value);

            if (text.p != NULL)
                pairs[n++] = (struct rc_form_pair){key, text};
        }
    }
    *out = (struct rc_form){pairs, n};
    return true;
}

/* --- looking up --- */

static bool is_absent(struct str value)
{
    return value.n == 0 || text_is(value.p, value.n, "undefined") || text_is(value.p, value.n, "null");
}

struct str rc_form_get(const struct rc_form *form, const char *name)
{
    for (size_t i = 0; i < form->n; i++)
        if (text_is(form->pairs[i].name.p, form->pairs[i].name.n, name) && !is_absent(form->pairs[i].value))
            return form->pairs[i].value;
    return STR_NULL;
}

/* "name[KEY]". */
static bool has_key(struct str full, const char *name, struct str *key)
{
    const size_t n = strlen(name);

    if (full.n < n + 2 || memcmp(full.p, name, n) != 0 || full.p[n] != '[' || full.p[full.n - 1] != ']')
        return false;
    *key = str_n(full.p + n + 1, full.n - n - 2);
    return true;
}

static bool is_index(struct str key)
{
    for (size_t i = 0; i < key.n; i++)
        if (key.p[i] < '0' || key.p[i] > '9')
            return false;
    return true;
}

bool rc_form_next(const struct rc_form *form, const char *name, size_t *at, struct str *value)
{
    while (*at < form->n) {
        const struct rc_form_pair *pair = &form->pairs[(*at)++];
        struct str key;

        if (is_absent(pair->value) ||
            (!text_is(pair->name.p, pair->name.n, name) && !(has_key(pair->name, name, &key) && is_index(key))))
            continue;
        *value = pair->value;
        return true;
    }
    return false;
}

bool rc_form_next_keyed(const struct rc_form *form, const char *name, size_t *at, struct str *key, struct str *value)
{
    while (*at < form->n) {
        const struct rc_form_pair *pair = &form->pairs[(*at)++];

        if (!has_key(pair->name, name, key))
            continue;
        *value = is_absent(pair->value) ? STR("") : pair->value;
        return true;
    }
    return false;
}
