/*
 * proto/codec/wire_field.h - reads single fields of a client's frame; wire_in's own helper.
 *
 * Owns:    nothing; texts that are read lie in the frame's JSON.
 * Borrows: the frame and the values, during the call.
 * Bounds:  each call names its own.
 * Fails:   with WIRE_IN_BAD_FIELD, after the frame's field, text and missing were set.
 * Thread:  the frame's.
 *
 * A value of NULL stands for one that is absent or null (wire_field_get).
 */
#ifndef RECALL_PROTO_WIRE_FIELD_H
#define RECALL_PROTO_WIRE_FIELD_H

#include "proto/codec/wire_in.h"

/* Where a value stands, for the error's field: key, list[index].key or list["name"].key. */
struct wire_place {
    const char *list; /* NULL: at the top of the frame */
    const char *name; /* the member of an object, instead of an index */
    size_t index;
    const char *key; /* NULL: the entry itself */
};

enum wire_need { WIRE_OPTIONAL, WIRE_REQUIRED };

struct wire_place wire_field_top(const char *key);
struct wire_place wire_field_entry(const char *list, size_t index, const char *key);
struct wire_place wire_field_member(const char *list, const char *name, const char *key);

/* Refuses the frame, telling what the value at `at` must be ("an array of room ids"). */
__attribute__((format(printf, 4, 5))) enum wire_in_status
wire_field_refuse(struct wire_in *in, struct wire_place at, bool missing, const char *must_be, ...);

/* The member of an object, NULL if it is absent or null. */
json_t *wire_field_get(const json_t *object, const char *key);

/* A name of any kind: 1 to max bytes without control characters. */
enum wire_in_status wire_field_name(struct wire_in *in, const json_t *v, struct wire_place at, size_t max,
                                    enum wire_need need, struct wire_text *out);
/* A room id, required; the server's own ids may be longer than a caller's. */
enum wire_in_status wire_field_room(struct wire_in *in, const json_t *v, struct wire_place at,
                                    struct wire_text *out);
/* An optional text of up to max bytes at the top of the frame. */
enum wire_in_status wire_field_text(struct wire_in *in, const char *key, size_t max, struct wire_text *out);
/* A whole number, required. */
enum wire_in_status wire_field_number(struct wire_in *in, const json_t *v, struct wire_place at, int64_t min,
                                      int64_t max, int64_t *out);
/* An optional true, false, 1 or 0 at the top of the frame. */
enum wire_in_status wire_field_flag(struct wire_in *in, const char *key, bool *out);

#endif
