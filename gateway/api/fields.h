/*
 * gateway/api/fields.h - reads a call's JSON body: one table of fields, one reader, one way to say what is
 * wrong.
 *
 * Owns:    the JSON that fields_parse returns is the caller's (json_decref).
 * Borrows: texts that are read lie in that JSON; lists and dumped texts lie in the arena given.
 * Bounds:  64 levels of JSON; each field as its line in the table says. The size of the body is bounded by
 *          the edge.
 * Fails:   with MISSING_PARAMETER or INVALID_BODY and a sentence that begins with the field's name and says
 *          what to do.
 * Thread:  any; no shared state.
 *
 * A field that is null counts as absent. Of a key that stands twice the last counts. Fields that the table
 * does not name are not looked at here: fields_rest keeps them where a dialect stores additional ones.
 */
#ifndef RECALLD_API_FIELDS_H
#define RECALLD_API_FIELDS_H

#include "base/arena.h"
#include "base/result.h"
#include "base/str.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FIELDS_DEPTH 64

struct fields_error {
    enum result rc;
    char text[240];
};

/* What a field is, and what its place in the target structure is. */
enum field_kind {
    FIELD_TEXT,    /* struct str: a string of min to max bytes */
    FIELD_USER,    /* struct str: a user id */
    FIELD_ROOM,    /* struct str: a room id of the callers */
    FIELD_MESSAGE, /* struct str: a message id */
    FIELD_FLAG,    /* int: 0 or 1 from true, false, 0, 1 and the same as strings; -1 when absent */
    FIELD_INT,     /* int64_t: a whole number from min to max, also as a string; untouched when absent */
    FIELD_TIME,    /* int64_t: ISO 8601 or ms since 1970, as ms; 0 when absent */
    FIELD_VALUE,   /* const json_t *: any value; NULL when absent */
    FIELD_LIST     /* struct field_list: a string, or an array of up to max strings, each of 1 to 128 bytes */
};

struct field_list {
    const struct str *p; /* in the arena */
    size_t n;
};

struct field {
    const char *name;
    enum field_kind kind;
    bool required;
    int64_t min, max;
    size_t offset; /* of the place in the target */
};

/* Parses a whole body. With `array_too` an array is taken as well as an object. NULL and `err` on failure. */
json_t *fields_parse(struct str body, bool array_too, struct fields_error *err);
/* Whether the text nests deeper than FIELDS_DEPTH; a text that is no JSON may answer either way. */
bool fields_too_deep(struct str text);

/* Reads `n` fields of an object into `target`. True, or false and `err`; the target is then partly filled. */
bool fields_read(const json_t *object, const struct field *table, size_t n, void *target, struct arena *arena,
                 struct fields_error *err);
/* A JSON value as text in the arena; absent for NULL. */
struct str fields_dump(const json_t *value, struct arena *arena);
/* The fields of `object` whose names `skip` (NULL-terminated) does not list, as the text of an object; absent
 * if none is left. */
struct str fields_rest(const json_t *object, const char *const *skip, struct arena *arena);
/* Notes a refusal and returns false. */
bool fields_refuse(struct fields_error *err, enum result rc, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
