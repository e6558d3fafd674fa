/* What the server sends: the golden vectors of proto/vectors/encode.json, byte for byte. */
#include "proto/codec/wire_out.h"
#include "proto/codec/ws_frame.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

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

static struct wire_text text(const json_t *f, const char *key)
{
    const json_t *v = json_object_get(f, key);

    assert_non_null(v);
    return (struct wire_text){json_string_value(v), json_string_length(v)};
}

static int64_t number(const json_t *f, const char *key, int64_t otherwise)
{
    const json_t *v = json_object_get(f, key);

    assert_non_null(v);
    return json_is_integer(v) ? json_integer_value(v) : otherwise;
}

static bool flag(const json_t *f, const char *key)
{
    return json_is_true(json_object_get(f, key));
}

static bool encode_control(struct json_out *o, const char *frame, const json_t *f)
{
    int64_t number_id = json_integer_value(json_object_get(f, "id"));
    const int64_t *id = json_is_integer(json_object_get(f, "id")) ? &number_id : NULL;

    if (strcmp(frame, "ready") == 0)
        wire_out_ready(o, &(struct wire_ready){.id = id,
                                               .session = text(f, "session"),
                                               .device = text(f, "device"),
                                               .user_id = text(f, "user"),
                                               .nickname = text(f, "nickname"),
                                               .ping_ms = number(f, "pingMS", -1),
                                               .frame_max = number(f, "frame", -1),
                                               .rooms_max = number(f, "rooms", -1)});
    else if (strcmp(frame, "reply") == 0)
        wire_out_reply(o, id, text(f, "result"));
    else if (strcmp(frame, "error") == 0)
        wire_out_error(o, id, (int)number(f, "rc", 0), text(f, "code").p, text(f, "rm"),
                       (int)number(f, "retryS", -1));
    else if (strcmp(frame, "pong") == 0)
        wire_out_pong(o, id, number(f, "tsMS", -1));
    else if (strcmp(frame, "expiring") == 0)
        wire_out_expiring(o, number(f, "inMS", -1));
    else if (strcmp(frame, "bye") == 0)
        wire_out_bye(o, (int)number(f, "code", 0), text(f, "reason").p, number(f, "reconnectMS", -1));
    else if (strcmp(frame, "read") == 0)
        wire_out_read(o, text(f, "room"), text(f, "client"), text(f, "lastRead"));
    else if (strcmp(frame, "typing") == 0)
        wire_out_typing(o, text(f, "room"), text(f, "client"));
    else if (strcmp(frame, "recallProgress") == 0)
        wire_out_progress(o, text(f, "room"), text(f, "_id"), number(f, "acked", -1),
                          number(f, "devices", -1));
    else
        return false;
    return true;
}

static void encode_recall(struct json_out *o, const struct wire_event *at, const json_t *f)
{
    const json_t *list = json_object_get(f, "quotedBy");
    struct wire_text quoted[4];
    struct wire_recall r = {
        .message_id = text(f, "messageUId"),
        .target_id = text(f, "targetId"),
        .conversation_type = (int)number(f, "conversationType", 0),
        .sent_ms = number(f, "sentTime", -1),
        .is_admin = flag(f, "isAdmin"),
        .is_delete = flag(f, "isDelete"),
        .disable_update_last = flag(f, "disableUpdateLastMsg"),
        .extra = text(f, "extra"),
        .author_id = text(f, "originalFromUserId"),
        .user_id = text(f, "userId"),
        .user_name = text(f, "userName"),
        .message = text(f, "message"),
        .recall_ms = number(f, "recallTimeMS", -1),
        .last_message = text(f, "lastMessage"),
        .quoted_by = quoted,
        .quoted_count = json_array_size(list),
    };

    assert_true(r.quoted_count <= 4);
    for (size_t i = 0; i < r.quoted_count; i++)
        quoted[i] = (struct wire_text){json_string_value(json_array_get(list, i)),
                                       json_string_length(json_array_get(list, i))};
    wire_out_recall(o, at, &r);
}

static bool encode_event(struct json_out *o, const char *frame, const json_t *f)
{
    struct wire_event at = {text(f, "room"), text(f, "epoch"), number(f, "seq", -1)};

    if (strcmp(frame, "message") == 0)
        wire_out_message(o, &at, text(f, "message"));
    else if (strcmp(frame, "edit") == 0)
        wire_out_edit(o, &at, text(f, "message"));
    else if (strcmp(frame, "recall") == 0)
        encode_recall(o, &at, f);
    else if (strcmp(frame, "room") == 0)
        wire_out_room(o, &at, text(f, "data"));
    else if (strcmp(frame, "reset") == 0)
        wire_out_reset(o, &at);
    else
        return false;
    return true;
}

static void frames_from_the_server(void **state)
{
    json_t *file = load("encode.json");
    struct json_out o;
    size_t i;
    json_t *v;

    (void)state;
    json_out_init(&o);
    json_array_foreach(json_object_get(file, "vectors"), i, v)
    {
        const char *frame = json_string_value(json_object_get(v, "frame"));
        const json_t *f = json_object_get(v, "fields");
        struct wire_text want = text(v, "text");

        json_out_reset(&o);
        if (!encode_control(&o, frame, f) && !encode_event(&o, frame, f))
            fail_msg("the vector '%s' is of no kind that is known", frame);
        assert_true(json_out_ok(&o));
        if (o.len != want.n || memcmp(o.p, want.p, want.n) != 0)
            fail_msg("%s:\n%.*s\n%s", json_string_value(json_object_get(v, "name")), (int)o.len, o.p, want.p);
    }
    assert_true(i >= 20);
    json_out_free(&o);
    json_decref(file);
}

static void frame_headers(void **state)
{
    json_t *file = load("encode.json");
    size_t i;
    json_t *v;

    (void)state;
    json_array_foreach(json_object_get(file, "headers"), i, v)
    {
        uint64_t payload = (uint64_t)json_integer_value(json_object_get(v, "payload"));
        const char *want = json_string_value(json_object_get(v, "hex"));
        unsigned char header[WS_FRAME_HEADER_MAX];
        char got[2 * WS_FRAME_HEADER_MAX + 1] = "";
        size_t n = ws_frame_header(header, payload);

        assert_int_equal(n, ws_frame_header_size(payload));
        for (size_t k = 0; k < n; k++)
            snprintf(got + 2 * k, 3, "%02x", header[k]);
        assert_string_equal(got, want);
    }
    assert_true(i >= 10);
    assert_int_equal(ws_frame_header_size(UINT64_MAX >> 1), 10);
    assert_int_equal(ws_frame_header_size((UINT64_MAX >> 1) + 1), 0);
    json_decref(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_from_the_server),
        cmocka_unit_test(frame_headers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
