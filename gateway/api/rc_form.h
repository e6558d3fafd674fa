/*
 * gateway/api/rc_form.h - the parameters of a RongCloud call: read from a form as its SDKs really write it, or from a JSON object.
 *
 * Owns nothing: pairs and decoded texts lie in the arena given.
 * Borrows: the body, for the call.
 * Bounds:  RC_FORM_PAIRS pairs; no text grows by decoding.
 * Fails:   with a sentence: too many pairs, or a value that is no UTF-8 or holds a zero byte.
 * Thread:  any; no shared state.
 *
 * One SDK sends its values as they are, without percent-encoding. So a form is read leniently:
 *   - a "%" that begins no escape stays a "%";
 *   - a piece between two "&" belongs to the value before it if it has no "=" and is no parameter's name, or if what stands before
 *     its "=" holds a character that no parameter's name has (a blank, a quote, a brace, …).
 * What is left cannot be told apart: "&word=" inside an unencoded value begins a new parameter, "+" in it is a blank, and "%41" an "A".
 *
 * A parameter that is empty, or is the text "undefined" or "null", counts as absent: SDKs print what was not set.
 */
#ifndef RECALLD_API_RC_FORM_H
#define RECALLD_API_RC_FORM_H

#include "base/arena.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#define RC_FORM_PAIRS 16384U

struct rc_form_pair {
    struct str name, value; /* decoded; "" without a value */
};

struct rc_form {
    const struct rc_form_pair *pairs;
    size_t n;
};

struct rc_form_error {
    bool too_many; /* else a value that is no text */
    char text[160];
};

/* Reads a form. `known` are the names of parameters (NULL-terminated) that may stand without "=". False and `err`. */
bool rc_form_parse(struct arena *arena, struct str body, const char *const *known, struct rc_form *out,
                   struct rc_form_error *err);
/* The members of an object as pairs: a list as so many pairs of one name, true and false as "true" and "false", objects as their
 * text. An empty list and null give none. */
bool rc_form_from_json(struct arena *arena, const json_t *object, struct rc_form *out, struct rc_form_error *err);

/* The first value of that name that is not absent; STR_NULL if there is none. */
struct str rc_form_get(const struct rc_form *form, const char *name);
/* The next value of that name, also of "name[]" and "name[0]", from *at on, which starts at 0; false at the end. Absent ones are skipped. */
bool rc_form_next(const struct rc_form *form, const char *name, size_t *at, struct str *value);
/* The next pair whose name is "name[KEY]": its key and its value ("" if absent). */
bool rc_form_next_keyed(const struct rc_form *form, const char *name, size_t *at, struct str *key, struct str *value);

#endif
