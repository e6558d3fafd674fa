/* What clients send: the golden vectors of proto/vectors/decode.json, and what those cannot hold. */
#include "proto/codec/wire_in.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifndef RECALL_VECTORS_DIR
#define RECALL_VECTORS_DIR "proto/vectors"
#endif

static json_t *load(const char *name)
{
    const char *dir = getenv("RECALL_VECTORS");
    char path[1024];
    json_error_t error;
    json_t *v;

    snprintf(path, sizeof path, "%s/%s", dir != NULL ? dir : RECALL_VECTORS_DIR, name);
    v = json_load_file(path, 0, &error);
    if (v == NULL)
        fail_msg("%s: %s (line %d)", path, error.text, error.line);
    return v;
}

static json_t *text_or_null(struct wire_text t)
{
    return t.p == NULL ? json_null() : json_stringn(t.p, t.n);
}

static json_t *caps_of(const struct wire_in_auth *a)
{
    json_t *list = json_array();

    if (!a->has_caps) {
        json_decref(list);
        return json_null();
    }
    if (a->caps & WIRE_CAP_ACK)
        json_array_append_new(list, json_string("ack"));
    if (a->caps & WIRE_CAP_QUOTE)
        json_array_append_new(list, json_string("quote"));
    if (a->caps & WIRE_CAP_RECALL)
        json_array_append_new(list, json_string("recall"));
    return list;
}

static json_t *rooms_of(const struct wire_in *in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->room_count; i++) {
        const struct wire_in_room *r = &in->rooms[i];

        if (in->op == WIRE_IN_UNSUBSCRIBE) {
            assert_int_equal(r->since, -1);
            json_array_append_new(list, text_or_null(r->room));
            continue;
        }
        json_array_append_new(list, json_pack("{s:o,s:o,s:o}", "room", text_or_null(r->room), "epoch",
                                              text_or_null(r->epoch), "since",
                                              r->since < 0 ? json_null() : json_integer(r->since)));
    }
    return list;
}

static json_t *refused_of(const struct wire_in *in)
{
    json_t *list = json_array();

    for (size_t i = 0; i < in->refused_count; i++)
        json_array_append_new(list, json_integer(in->refused[i]));
    return list;
}

/* The decoded frame in the form of the vectors' `fields`. */
static json_t *fields_of(struct wire_in *in)
{
    switch (in->op) {
    case WIRE_IN_AUTH:
        return json_pack("{s:o,s:o,s:o,s:o,s:o}", "clientKey", text_or_null(in->auth.client_key), "token",
                         text_or_null(in->auth.token), "device", text_or_null(in->auth.device), "package",
                         text_or_null(in->auth.package), "caps", caps_of(&in->auth));
    case WIRE_IN_SUBSCRIBE:
        return json_pack("{s:b,s:o}", "all", in->all, "rooms", rooms_of(in));
    case WIRE_IN_UNSUBSCRIBE:
        return json_pack("{s:o}", "rooms", rooms_of(in));
    case WIRE_IN_ACK:
        return json_pack("{s:o,s:I,s:o}", "room", text_or_null(in->room), "seq", (json_int_t)in->seq,
                         "refused", refused_of(in));
    case WIRE_IN_SEND:
        return json_pack("{s:o,s:o,s:o}", "room", text_or_null(in->room), "clientMsgId",
                         text_or_null(in->client_msg_id), "body", wire_in_take_body(in));
    case WIRE_IN_RECALL:
        return json_pack("{s:o,s:o,s:b,s:b,s:b,s:o,s:o,s:o}", "room", text_or_null(in->room), "_id",
                         text_or_null(in->recall.message_id), "isDelete", in->recall.is_delete, "isAdmin",
                         in->recall.is_admin, "disableUpdateLastMsg", in->recall.disable_update_last, "extra",
                         text_or_null(in->recall.extra), "reason", text_or_null(in->recall.reason), "body",
                         wire_in_take_body(in));
    case WIRE_IN_TYPING:
        return json_pack("{s:o}", "room", text_or_null(in->room));
    case WIRE_IN_PING:
        return json_object();
    case WIRE_IN_NONE:
        break;
    }
    return NULL;
}

static const char *const op_names[] = {"none", "auth",   "subscribe", "unsubscribe", "ack",
                                       "send", "recall", "ping",      "typing"};
static const char *const status_names[] = {"ok", "malformed", "badOp", "badField", "no memory"};

/* Puts the repeated texts in the place of their marks. Returns malloc'd bytes of exactly *len, so that the
 * sanitizer sees a byte read too many. */
static char *fill(const json_t *v, size_t *len)
{
    const char *text = json_string_value(json_object_get(v, "text"));
    json_t *marks = json_object_get(v, "fill");
    char *out = NULL;
    char *exact;
    FILE *f = open_memstream(&out, len);

    for (; *text != '\0'; text++) {
        const char *end = text[0] == '$' && text[1] == '{' ? strchr(text, '}') : NULL;
        char mark[16] = "";
        json_t *m;

        if (end == NULL) {
            fputc(*text, f);
            continue;
        }
        memcpy(mark, text + 2, (size_t)(end - text - 2));
        m = json_object_get(marks, mark);
        assert_non_null(m);
        for (json_int_t i = json_integer_value(json_object_get(m, "times")); i > 0; i--)
            fputs(json_string_value(json_object_get(m, "text")), f);
        text = end;
    }
    fclose(f);
    exact = malloc(*len > 0 ? *len : 1);
    memcpy(exact, out, *len);
    free(out);
    return exact;
}

static char *bytes_of(const json_t *v, size_t *len)
{
    const char *hex = json_string_value(json_object_get(v, "hex"));
    char *out;

    if (hex == NULL)
        return fill(v, len);
    *len = strlen(hex) / 2;
    out = malloc(*len);
    for (size_t i = 0; i < *len; i++) {
        unsigned byte = 0;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &byte), 1);
        out[i] = (char)byte;
    }
    return out;
}

static bool decodes_as(const json_t *v)
{
    const char *status = json_string_value(json_object_get(v, "status"));
    const json_t *id = json_object_get(v, "id");
    struct wire_in in;
    size_t len = 0;
    char *bytes = bytes_of(v, &len);
    enum wire_in_status got = wire_in_decode(&in, bytes, len);
    bool same;

    memset(bytes, 'z', len); /* nothing of the frame may lie in the caller's bytes */
    free(bytes);
    same = strcmp(status_names[got], status) == 0 && in.has_id == json_is_integer(id) &&
           in.id == json_integer_value(id);
    if (same && got == WIRE_IN_OK) {
        json_t *fields = fields_of(&in);

        same = strcmp(op_names[in.op], json_string_value(json_object_get(v, "op"))) == 0 &&
               json_equal(fields, json_object_get(v, "fields"));
        if (!same)
            json_dumpf(fields, stderr, 0);
        json_decref(fields);
    } else if (same && got != WIRE_IN_MALFORMED) {
        const char *field = json_string_value(json_object_get(v, "field"));

        same = strcmp(in.field, field) == 0 && in.missing == json_is_true(json_object_get(v, "missing")) &&
               strncmp(in.text, field[0] != '\0' ? field : "The frame", strlen(field)) == 0 &&
               in.text[strlen(in.text) - 1] == '.';
    }
    if (!same)
        print_error("%s: status %s, id %lld, field '%s', text '%s'\n",
                    json_string_value(json_object_get(v, "name")), status_names[got], (long long)in.id,
                    in.field, in.text);
    wire_in_free(&in);
    return same;
}

static void frames_from_clients(void **state)
{
    json_t *file = load("decode.json");
    size_t wrong = 0;
    size_t i;
    json_t *v;

    (void)state;
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        if (!decodes_as(v))
            wrong++;
    }
    assert_true(i >= 100);
    assert_int_equal(wrong, 0);
    json_decref(file);
}

/* Every way to cut a good frame is refused as malformed, reads no byte too many and leaks nothing. */
static void cut_frames(void **state)
{
    static const char frame[] =
        "{\"op\":\"subscribe\",\"id\":2,\"rooms\":[{\"room\":\"\\u00fc\",\"epoch\":\"e\",\"since\":-0.5e1}]}";
    struct wire_in in;

    (void)state;
    for (size_t n = 0; n < sizeof frame - 1; n++) {
        char *exact = malloc(n + 1);
        char *end = exact + 1; /* the bytes end where the allocation does */

        memcpy(end, frame, n);
        assert_int_equal(wire_in_decode(&in, end, n), WIRE_IN_MALFORMED);
        wire_in_free(&in);
        free(exact);
    }
    wire_in_free(NULL);
}

/* Any single byte changed gives some answer and never a crash; what is refused has a sentence. */
static void changed_frames(void **state)
{
    static const char frame[] =
        "{\"op\":\"ack\",\"id\":3,\"room\":\"demo-room\",\"seq\":57,\"refused\":[49,50],\"x\":\"\\u0041\"}";
    struct wire_in in;
    char copy[sizeof frame];
    size_t counts[5] = {0};

    (void)state;
    for (size_t at = 0; at < sizeof frame - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            enum wire_in_status s;

            memcpy(copy, frame, sizeof frame);
            copy[at] = (char)byte;
            s = wire_in_decode(&in, copy, sizeof frame - 1);
            counts[s]++;
            if (s == WIRE_IN_BAD_OP || s == WIRE_IN_BAD_FIELD)
                assert_true(strlen(in.text) > 10);
            wire_in_free(&in);
        }
    }
    assert_true(counts[WIRE_IN_OK] > 0 && counts[WIRE_IN_MALFORMED] > 0 && counts[WIRE_IN_BAD_OP] > 0 &&
                counts[WIRE_IN_BAD_FIELD] > 0);
    assert_int_equal(counts[WIRE_IN_NO_MEMORY], 0);
}

/* jansson's allocations fail one after the other: no crash, no leak, and never a frame taken half. */
static size_t allocations_left;

static void *failing_malloc(size_t n)
{
    return allocations_left-- == 0 ? (allocations_left = 0, NULL) : malloc(n);
}

static void out_of_memory(void **state)
{
    static const char frame[] =
        "{\"op\":\"send\",\"id\":4,\"room\":\"a\",\"message\":{\"b\":[1,\"two\"]},\"extra\":\"e\"}";
    struct wire_in in;
    enum wire_in_status s = WIRE_IN_NO_MEMORY;
    size_t allowed = 0;

    (void)state;
    json_set_alloc_funcs(failing_malloc, free);
    for (; allowed < 1000 && s != WIRE_IN_OK; allowed++) {
        allocations_left = allowed;
        s = wire_in_decode(&in, frame, sizeof frame - 1);
        if (s == WIRE_IN_OK)
            assert_int_equal(json_object_size(in.body), 2);
        wire_in_free(&in);
    }
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(s, WIRE_IN_OK);
    assert_true(allowed > 5);
}

static void caps_of_a_header(void **state)
{
    static const char list[] = " recall,quote ,\tack,sparkle,,";

    (void)state;
    assert_int_equal(wire_in_caps(list, sizeof list - 1), WIRE_CAP_RECALL | WIRE_CAP_QUOTE | WIRE_CAP_ACK);
    assert_int_equal(wire_in_caps("recall", 6), WIRE_CAP_RECALL);
    assert_int_equal(wire_in_caps("recall", 5), 0);
    assert_int_equal(wire_in_caps("Recall", 6), 0);
    assert_int_equal(wire_in_caps("", 0), 0);
}

static void bodies_are_handed_over_once(void **state)
{
    static const char frame[] = "{\"op\":\"send\",\"room\":\"a\",\"message\":\"hi\",\"clientMsgId\":\"c1\"}";
    struct wire_in in;
    json_t *body;

    (void)state;
    assert_int_equal(wire_in_decode(&in, frame, sizeof frame - 1), WIRE_IN_OK);
    body = wire_in_take_body(&in);
    assert_non_null(body);
    assert_null(wire_in_take_body(&in));
    assert_memory_equal(in.client_msg_id.p, "c1", 2);
    wire_in_free(&in);
    assert_string_equal(json_string_value(json_object_get(body, "message")), "hi");
    json_decref(body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_from_clients), cmocka_unit_test(cut_frames),
        cmocka_unit_test(changed_frames),      cmocka_unit_test(out_of_memory),
        cmocka_unit_test(caps_of_a_header),    cmocka_unit_test(bodies_are_handed_over_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
