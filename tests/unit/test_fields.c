/* The reader of a call's JSON: what it takes, what it refuses, and that a refusal names the field. */
#include "api/fields.h"
#include "api/imkit_body.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct target {
    struct str text, user, room, message;
    int flag;
    int64_t number, time;
    const json_t *value;
    struct field_list list;
};

static const struct field table[] = {
    {"text", FIELD_TEXT, false, 1, 5, offsetof(struct target, text)},
    {"user", FIELD_USER, false, 0, 0, offsetof(struct target, user)},
    {"room", FIELD_ROOM, false, 0, 0, offsetof(struct target, room)},
    {"message", FIELD_MESSAGE, false, 0, 0, offsetof(struct target, message)},
    {"flag", FIELD_FLAG, false, 0, 0, offsetof(struct target, flag)},
    {"number", FIELD_INT, false, 1, 9, offsetof(struct target, number)},
    {"time", FIELD_TIME, false, 0, 0, offsetof(struct target, time)},
    {"value", FIELD_VALUE, false, 0, 0, offsetof(struct target, value)},
    {"list", FIELD_LIST, false, 1, 3, offsetof(struct target, list)},
};
static const struct field needed[] = {{"_id", FIELD_USER, true, 0, 0, 0}};

#define COUNT(t) (sizeof(t) / sizeof((t)[0]))

static struct arena arena;

static json_t *parse(const char *text)
{
    struct fields_error err;
    json_t *root = fields_parse(str_c(text), false, &err);

    if (root == NULL)
        fail_msg("%s: %s", text, err.text);
    return root;
}

static bool reads(const char *text, struct target *out, struct fields_error *err)
{
    static json_t *last;

    json_decref(last); /* texts of the one before are not looked at any more */
    last = NULL;
    if (text == NULL)
        return true;
    last = parse(text);
    *out = (struct target){.number = -7};
    return fields_read(last, table, COUNT(table), out, &arena, err);
}

static void test_bodies_that_are_no_object(void **state)
{
    static const char *const bad[] = {"",
                                      " ",
                                      "{",
                                      "[]",
                                      "\"text\"",
                                      "7",
                                      "nul",
                                      "{\"a\":1",
                                      "{\"a\":1}x",
                                      "{'a':1}",
                                      "{\"a\":\"\\u0000\"}",
                                      "{\"a\":\"\xff\"}"};

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct fields_error err = {RESULT_OK, ""};

        if (fields_parse(str_c(bad[i]), false, &err) != NULL)
            fail_msg("taken: %s", bad[i]);
        assert_int_equal(err.rc, RESULT_INVALID_BODY);
        assert_non_null(strstr(err.text, "body"));
    }
}

static void test_arrays_only_where_allowed(void **state)
{
    struct fields_error err;
    json_t *root = fields_parse(STR("[{}]"), true, &err);

    (void)state;
    assert_true(json_is_array(root));
    json_decref(root);
    assert_null(fields_parse(STR("[{}]"), false, &err));
    assert_null(fields_parse(STR("7"), true, &err));
}

static void test_depth(void **state)
{
    char text[600];
    struct fields_error err;

    (void)state;
    for (size_t depth = 63; depth <= 65; depth++) {
        json_t *root;

        /* The object around it is one level. */
        memcpy(text, "{\"a\":", 5);
        memset(text + 5, '[', depth - 1);
        memset(text + 5 + depth - 1, ']', depth - 1);
        text[5 + 2 * (depth - 1)] = '}';
        root = fields_parse(str_n(text, 6 + 2 * (depth - 1)), false, &err);
        assert_true((root != NULL) == (depth <= FIELDS_DEPTH));
        json_decref(root);
    }
    /* Brackets in a text are no levels. */
    assert_false(fields_too_deep(
        STR("{\"a\":\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\\\"[\"}")));
    /* An opening bracket alone, thousands of them, must not cost the stack. */
    memset(text, '[', sizeof(text));
    assert_true(fields_too_deep(str_n(text, sizeof(text))));
}

static void test_absent_and_null(void **state)
{
    struct fields_error err;
    struct target t;

    (void)state;
    assert_true(reads(
        "{\"text\":null,\"flag\":null,\"list\":null,\"time\":null,\"value\":null,\"user\":null}", &t, &err));
    assert_null(t.text.p);
    assert_null(t.user.p);
    assert_null(t.value);
    assert_int_equal(t.flag, -1);
    assert_int_equal(t.number, -7);
    assert_int_equal(t.time, 0);
    assert_int_equal(t.list.n, 0);
}

static void test_values(void **state)
{
    struct fields_error err;
    struct target t;

    (void)state;
    assert_true(reads(
        "{\"text\":\"h\xc3\xa9\",\"user\":\"a/b\",\"room\":\"r 1\",\"message\":\"m\",\"flag\":\"1\",\"number\":\"9\","
        "\"time\":\"2024-05-01T10:00:00.123Z\",\"value\":[1],\"list\":[\"a\",\"b\"],\"other\":{}}",
        &t, &err));
    assert_int_equal(t.text.n, 3);
    assert_true(str_eq(t.user, STR("a/b")));
    assert_int_equal(t.flag, 1);
    assert_int_equal(t.number, 9);
    assert_int_equal(t.time, INT64_C(1714557600123));
    assert_true(json_is_array(t.value));
    assert_int_equal(t.list.n, 2);
    assert_true(str_eq(t.list.p[1], STR("b")));
    assert_true(reads("{\"flag\":false,\"time\":1714557600123,\"list\":\"alone\"}", &t, &err));
    assert_int_equal(t.flag, 0);
    assert_int_equal(t.time, INT64_C(1714557600123));
    assert_int_equal(t.list.n, 1);
    assert_true(reads("{\"flag\":true}", &t, &err) && t.flag == 1);
    assert_true(reads("{\"flag\":0}", &t, &err) && t.flag == 0);
    assert_true(reads("{\"flag\":\"false\"}", &t, &err) && t.flag == 0);
    (void)reads(NULL, &t, &err);
}

static void test_refusals_name_the_field(void **state)
{
    static const char *const bad[][2] = {
        {"text", "{\"text\":7}"},
        {"text", "{\"text\":\"\"}"},
        {"text", "{\"text\":\"123456\"}"},
        {"user", "{\"user\":\"\"}"},
        {"user", "{\"user\":{}}"},
        {"user", "{\"user\":\"a\\nb\"}"},
        {"room", "{\"room\":\"~system\"}"},
        {"room", "{\"room\":true}"},
        {"message", "{\"message\":[]}"},
        {"flag", "{\"flag\":2}"},
        {"flag", "{\"flag\":\"yes\"}"},
        {"flag", "{\"flag\":1.0}"},
        {"number", "{\"number\":0}"},
        {"number", "{\"number\":10}"},
        {"number", "{\"number\":\"+3\"}"},
        {"number", "{\"number\":2.5}"},
        {"time", "{\"time\":\"soon\"}"},
        {"time", "{\"time\":-1}"},
        {"list", "{\"list\":[]}"},
        {"list", "{\"list\":[1]}"},
        {"list", "{\"list\":[\"\"]}"},
        {"list", "{\"list\":{}}"},
        {"list", "{\"list\":[\"a\",\"b\",\"c\",\"d\"]}"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct fields_error err = {RESULT_OK, ""};
        struct target t;

        if (reads(bad[i][1], &t, &err))
            fail_msg("taken: %s", bad[i][1]);
        assert_int_equal(err.rc, RESULT_INVALID_BODY);
        assert_int_equal(strncmp(err.text, bad[i][0], strlen(bad[i][0])), 0);
        (void)reads(NULL, &t, &err);
    }
}

static void test_required(void **state)
{
    struct fields_error err;
    struct str id;
    json_t *root = parse("{\"_id\":null}");

    (void)state;
    assert_false(fields_read(root, needed, 1, &id, &arena, &err));
    assert_int_equal(err.rc, RESULT_MISSING_PARAMETER);
    assert_int_equal(strncmp(err.text, "_id ", 4), 0);
    json_decref(root);
}

static void test_rest_leaves_out(void **state)
{
    static const char *const skip[] = {"_id", "sender", NULL};
    json_t *root =
        parse("{\"_id\":\"x\",\"width\":3,\"sender\":{},\"extra\":{\"a\":[1,\"\\u00e9\"]},\"gone\":null}");
    const struct str rest = fields_rest(root, skip, &arena);

    (void)state;
    assert_true(str_eq(rest, STR("{\"width\":3,\"extra\":{\"a\":[1,\"\xc3\xa9\"]}}")));
    json_decref(root);
    root = parse("{\"_id\":\"x\"}");
    assert_null(fields_rest(root, skip, &arena).p);
    json_decref(root);
}

static void test_a_dump_reads_back_as_the_value(void **state)
{
    static const char *const values[] = {"\"\"", "\"plain </b> \xe4\xbd\xa0\xc3\xa9\x7f\"", "\"a \\\"quote\\\"\"", "\"\\\\\"", "\"line\\nend\\u001f\"",
                                         "7", "[\"a\",{\"b\":null}]"};

    (void)state;
    for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        json_t *value = json_loads(values[i], JSON_DECODE_ANY, NULL), *again;
        const struct str text = fields_dump(value, &arena);

        assert_non_null(value);
        again = json_loadb(text.p, text.n, JSON_DECODE_ANY, NULL);
        assert_true(json_equal(value, again));
        json_decref(value);
        json_decref(again);
    }
    assert_null(fields_dump(NULL, &arena).p);
}

/* --- a message's body --- */

static void test_message_keeps_fields_but_not_the_servers(void **state)
{
    json_t *root = parse(
        "{\"message\":\"hi\",\"sender\":\"ann\",\"messageTimeMS\":1,\"appID\":\"x\",\"room\":\"y\",\"id\":\"z\","
        "\"createdAtMS\":1,\"updatedAtMS\":1,\"batchID\":\"b\",\"reply\":{\"_id\":\"q\",\"message\":\"old\"},"
        "\"originalUrl\":\"http://a\",\"width\":2,\"mentions\":[\"ben\"]}");
    struct message_command c;
    struct fields_error err;

    (void)state;
    assert_true(imkit_body_message(root, &arena, &c, &err));
    assert_true(str_eq(c.body, STR("\"hi\"")));
    assert_true(str_eq(c.sender, STR("ann")));
    assert_true(str_eq(c.reply, STR("q")));
    assert_null(c.id.p);
    assert_null(c.batch.p);
    assert_true(str_eq(c.content, STR("{\"originalUrl\":\"http://a\",\"width\":2,\"mentions\":[\"ben\"]}")));
    json_decref(root);
}

static void test_message_types(void **state)
{
    static const char *const bad[][2] = {
        {"message", "{\"message\":7}"},
        {"message", "{\"message\":[]}"},
        {"messageType", "{\"messageType\":\"\"}"},
        {"reply", "{\"reply\":7}"},
        {"reply", "{\"reply\":{}}"},
        {"_id", "{\"_id\":7}"},
        {"sender", "{\"sender\":[]}"},
        {"clientMsgId", "{\"clientMsgId\":\"\"}"},
    };
    struct message_command c;
    struct fields_error err;
    json_t *root;

    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        root = parse(bad[i][1]);
        if (imkit_body_message(root, &arena, &c, &err))
            fail_msg("taken: %s", bad[i][1]);
        assert_int_equal(err.rc, RESULT_INVALID_BODY);
        assert_int_equal(strncmp(err.text, bad[i][0], strlen(bad[i][0])), 0);
        json_decref(root);
    }
    root = parse("{\"message\":{\"text\":\"x\"}}");
    assert_true(imkit_body_message(root, &arena, &c, &err));
    assert_true(str_eq(c.body, STR("{\"text\":\"x\"}")));
    json_decref(root);
    root = parse("{\"message\":null}");
    assert_false(imkit_body_message(root, &arena, &c, &err));
    assert_int_equal(err.rc, RESULT_MISSING_PARAMETER);
    json_decref(root);
    root = parse("{\"message\":null,\"messageType\":\"image\"}");
    assert_true(imkit_body_message(root, &arena, &c, &err));
    assert_true(str_eq(c.body, STR("\"\"")));
    assert_null(c.content.p);
    json_decref(root);
}

static void test_recall_body(void **state)
{
    static const char *const yes[] = {"1", "true", "\"1\"", "\"true\""};
    struct recall_command c;
    struct fields_error err;
    char text[128];
    json_t *root;

    (void)state;
    for (size_t i = 0; i < COUNT(yes); i++) {
        (void)snprintf(text, sizeof(text), "{\"_id\":\"m\",\"messageType\":\"recall\",\"isDelete\":%s}",
                       yes[i]);
        root = parse(text);
        assert_true(imkit_body_is_recall(root));
        assert_true(imkit_body_recall(root, &arena, &c, &err));
        assert_true(c.is_delete);
        assert_false(c.is_admin);
        json_decref(root);
    }
    root = parse(
        "{\"_id\":\"m\",\"messageType\":\"recall\",\"isDelete\":\"0\",\"extra\":\"e\",\"reason\":\"r\",\"author\":\"ann\","
        "\"sender\":\"ben\",\"isAdmin\":1,\"disableUpdateLastMsg\":true}");
    assert_true(imkit_body_recall(root, &arena, &c, &err));
    assert_false(c.is_delete);
    assert_true(c.is_admin && c.disable_update_last);
    assert_true(str_eq(c.extra, STR("e")) && str_eq(c.reason, STR("r")));
    assert_true(str_eq(c.author, STR("ann")) && str_eq(c.sender, STR("ben")));
    json_decref(root);
    root = parse("{\"messageType\":\"recall\"}");
    assert_false(imkit_body_recall(root, &arena, &c, &err));
    assert_int_equal(err.rc, RESULT_MISSING_PARAMETER);
    json_decref(root);
    root = parse("{\"_id\":\"m\",\"isDelete\":\"maybe\"}");
    assert_false(imkit_body_is_recall(root));
    assert_false(imkit_body_recall(root, &arena, &c, &err));
    assert_non_null(strstr(err.text, "isDelete"));
    json_decref(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bodies_that_are_no_object),
        cmocka_unit_test(test_arrays_only_where_allowed),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_absent_and_null),
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_refusals_name_the_field),
        cmocka_unit_test(test_required),
        cmocka_unit_test(test_rest_leaves_out),
        cmocka_unit_test(test_a_dump_reads_back_as_the_value),
        cmocka_unit_test(test_message_keeps_fields_but_not_the_servers),
        cmocka_unit_test(test_message_types),
        cmocka_unit_test(test_recall_body),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);

    arena_free(&arena);
    return failed;
}
