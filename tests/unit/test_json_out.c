/* The JSON writer: exact bytes, escapes, refusal of broken nesting, bounds. */
#include "proto/codec/json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

static void is_text(const struct json_out *o, const char *want)
{
    assert_true(json_out_ok(o));
    assert_int_equal(o->len, strlen(want));
    assert_memory_equal(o->p, want, o->len);
}

static void every_kind_of_value(void **state)
{
    struct json_out o;

    (void)state;
    json_out_init(&o);
    json_out_object(&o);
    json_out_kstr(&o, "s", "abc", 2);
    json_out_kcstr(&o, "c", "x");
    json_out_kcstr(&o, "absent", NULL);
    json_out_kint(&o, "i", -5);
    json_out_kbool(&o, "t", true);
    json_out_kbool(&o, "f", false);
    json_out_knull(&o, "n");
    json_out_kraw(&o, "r", "[1,2]xx", 5);
    json_out_key(&o, "a");
    json_out_array(&o);
    json_out_int(&o, 1);
    json_out_object(&o);
    json_out_object_end(&o);
    json_out_array(&o);
    json_out_array_end(&o);
    json_out_raw(&o, "{}", 2);
    json_out_str(&o, NULL, 0);
    json_out_array_end(&o);
    json_out_kint(&o, "z", 0);
    json_out_object_end(&o);
    is_text(
        &o,
        "{\"s\":\"ab\",\"c\":\"x\",\"absent\":null,\"i\":-5,\"t\":true,\"f\":false,\"n\":null,\"r\":[1,2],"
        "\"a\":[1,{},[],{},\"\"],\"z\":0}");
    json_out_free(&o);
}

static void integers_at_their_ends(void **state)
{
    static const struct {
        int64_t v;
        const char *text;
    } cases[] = {
        {0, "0"},
        {9, "9"},
        {10, "10"},
        {-1, "-1"},
        {1558435851576, "1558435851576"},
        {INT64_MAX, "9223372036854775807"},
        {INT64_MIN, "-9223372036854775808"},
    };
    struct json_out o;

    (void)state;
    json_out_init(&o);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_out_reset(&o);
        json_out_int(&o, cases[i].v);
        is_text(&o, cases[i].text);
    }
    json_out_free(&o);
}

static void escapes(void **state)
{
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"", "\"\""},
        {"plain", "\"plain\""},
        {"\"\\\b\f\n\r\t/", "\"\\\"\\\\\\b\\f\\n\\r\\t/\""},
        {"\x01\x1f\x7f", "\"\\u0001\\u001f\x7f\""},
        {"</script><!--", "\"\\u003c/script>\\u003c!--\""},
        {"a\xe2\x80\xa8"
         "b\xe2\x80\xa9"
         "c\xe2\x80\xaa",
         "\"a\\u2028b\\u2029c\xe2\x80\xaa\""},
        {"\xc3\xbc \xe4\xb8\xad \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf",
         "\"\xc3\xbc \xe4\xb8\xad \xf0\x9f\x98\x80 \xf4\x8f\xbf\xbf\""},
        {"\xff", "\"\xef\xbf\xbd\""},
        {"a\x80z", "\"a\xef\xbf\xbdz\""},
        {"\xc0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},                 /* overlong */
        {"\xed\xa0\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* a surrogate */
        {"\xe0\x9f\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* overlong */
        {"\xf0\x8f\xbf\xbf", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf4\x90\x80\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""}, /* past U+10FFFF */
        {"ab\xe4\xb8", "\"ab\xef\xbf\xbd\xef\xbf\xbd\""},                             /* cut at the end */
        {"\xe2\x80", "\"\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xf0\x9f\x98", "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
        {"\xc3(", "\"\xef\xbf\xbd(\""},
    };
    struct json_out o;

    (void)state;
    json_out_init(&o);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char *exact = malloc(strlen(cases[i].in) + 1); /* so that the sanitizer sees a byte read too many */

        memcpy(exact, cases[i].in, strlen(cases[i].in));
        json_out_reset(&o);
        json_out_str(&o, exact, strlen(cases[i].in));
        is_text(&o, cases[i].out);
        free(exact);
    }
    json_out_reset(&o);
    json_out_str(&o, "a\0b", 3);
    is_text(&o, "\"a\\u0000b\"");
    json_out_free(&o);
}

/* Each byte that needs care at each place of the eight bytes that are looked at together, read back by
 * another parser. */
static void every_byte_at_every_place(void **state)
{
    struct json_out o;
    char text[24];

    (void)state;
    json_out_init(&o);
    for (int byte = 1; byte < 0x80; byte++) {
        for (size_t at = 0; at < sizeof text; at++) {
            json_t *back;

            memset(text, 'x', sizeof text);
            text[at] = (char)byte;
            json_out_reset(&o);
            json_out_str(&o, text, sizeof text);
            assert_true(json_out_ok(&o));
            assert_null(memchr(o.p, '<', o.len));
            back = json_loadb(o.p, o.len, JSON_DECODE_ANY, NULL);
            assert_non_null(back);
            assert_int_equal(json_string_length(back), sizeof text);
            assert_memory_equal(json_string_value(back), text, sizeof text);
            json_decref(back);
        }
    }
    json_out_free(&o);
}

/* Any bytes at all become a text that a strict parser takes. */
static void any_bytes_become_json(void **state)
{
    struct json_out o;
    unsigned char bytes[61];
    uint32_t seed = 12345;

    (void)state;
    json_out_init(&o);
    for (int round = 0; round < 20000; round++) {
        size_t n = (size_t)round % (sizeof bytes + 1);
        char *exact = malloc(n + 1);
        json_t *back;

        for (size_t i = 0; i < n; i++) {
            seed = seed * 1664525 + 1013904223;
            exact[i] = (char)(seed >> 28 < 8 ? 0xe2 + (seed >> 26 & 3) : seed >> 20 & 0xff);
        }
        json_out_reset(&o);
        json_out_str(&o, exact, n);
        assert_true(json_out_ok(&o));
        back = json_loadb(o.p, o.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        assert_non_null(back);
        json_decref(back);
        free(exact);
    }
    json_out_free(&o);
}

static void grows_and_keeps_what_was_written(void **state)
{
    struct json_out o;
    char piece[1000];
    json_t *back;
    size_t len = 0;
    char *taken;

    (void)state;
    memset(piece, 'p', sizeof piece);
    json_out_init(&o);
    json_out_array(&o);
    for (int i = 0; i < 2000; i++)
        json_out_str(&o, piece, (size_t)i % sizeof piece);
    json_out_array_end(&o);
    taken = json_out_take(&o, &len);
    assert_non_null(taken);
    assert_null(o.p);
    assert_int_equal(o.len, 0);
    back = json_loadb(taken, len, 0, NULL);
    assert_int_equal(json_array_size(back), 2000);
    assert_int_equal(json_string_length(json_array_get(back, 1999)), 999);
    json_decref(back);
    free(taken);
    json_out_free(&o);
    json_out_free(NULL);
}

static void reset_keeps_the_buffer(void **state)
{
    struct json_out o;
    char *before;

    (void)state;
    json_out_init(&o);
    json_out_object_end(&o);
    assert_true(o.failed);
    json_out_reset(&o);
    json_out_cstr(&o, "first");
    before = o.p;
    json_out_reset(&o);
    json_out_int(&o, 2);
    assert_ptr_equal(o.p, before);
    is_text(&o, "2");
    json_out_free(&o);
}

static void names_and_members(void **state)
{
    struct json_out o;

    (void)state;
    json_out_init(&o);
    json_out_object(&o);
    json_out_members(&o, "{}", 2);
    json_out_members(&o, "{\"a\":1,\"b\":{}}", 14);
    json_out_members(&o, "{}", 2);
    json_out_name(&o, "c\"<\n", 4);
    json_out_int(&o, 2);
    json_out_members(&o, "{\"d\":3}", 7);
    json_out_kint(&o, "e", 4);
    json_out_object_end(&o);
    is_text(&o, "{\"a\":1,\"b\":{},\"c\\\"\\u003c\\n\":2,\"d\":3,\"e\":4}");
    json_out_reset(&o);
    json_out_array(&o);
    json_out_members(&o, "{\"a\":1}", 7);
    assert_true(o.failed);
    json_out_reset(&o);
    json_out_object(&o);
    json_out_members(&o, "[1]", 3);
    assert_true(o.failed);
    json_out_reset(&o);
    json_out_array(&o);
    json_out_name(&o, "a", 1);
    assert_true(o.failed);
    json_out_reset(&o);
    json_out_object(&o);
    json_out_name(&o, "a", 1);
    json_out_members(&o, "{\"a\":1}", 7);
    assert_true(o.failed);
    json_out_free(&o);
}

static void depth_is_bounded(void **state)
{
    struct json_out o;

    (void)state;
    json_out_init(&o);
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        json_out_array(&o);
    json_out_int(&o, 1);
    json_out_int(&o, 2);
    assert_false(json_out_ok(&o)); /* not closed yet */
    for (int i = 0; i < JSON_OUT_DEPTH; i++)
        json_out_array_end(&o);
    assert_true(json_out_ok(&o));
    json_out_reset(&o);
    for (int i = 0; i <= JSON_OUT_DEPTH; i++)
        json_out_array(&o);
    assert_true(o.failed);
    json_out_free(&o);
}

enum mistake {
    NOTHING,
    END_TOO_MUCH,
    WRONG_END,
    WRONG_END_OF_ARRAY,
    SECOND_TEXT,
    KEY_AT_TOP,
    KEY_IN_ARRAY,
    TWO_KEYS,
    KEY_WITHOUT_VALUE,
    VALUE_WITHOUT_KEY,
    EMPTY_RAW,
    MISTAKES
};

static void make(struct json_out *o, enum mistake m)
{
    if (m == NOTHING)
        return;
    if (m == KEY_AT_TOP) {
        json_out_key(o, "k");
        json_out_int(o, 1);
        return;
    }
    if (m == WRONG_END || m == KEY_IN_ARRAY) {
        json_out_array(o);
        if (m == KEY_IN_ARRAY)
            json_out_kint(o, "k", 1);
        (m == WRONG_END ? json_out_object_end : json_out_array_end)(o);
        return;
    }
    json_out_object(o);
    if (m == TWO_KEYS)
        json_out_key(o, "a");
    if (m == TWO_KEYS || m == KEY_WITHOUT_VALUE)
        json_out_key(o, "b");
    if (m == TWO_KEYS || m == VALUE_WITHOUT_KEY)
        json_out_int(o, 1);
    if (m == EMPTY_RAW)
        json_out_kraw(o, "k", "", 0);
    (m == WRONG_END_OF_ARRAY ? json_out_array_end : json_out_object_end)(o);
    if (m == END_TOO_MUCH)
        json_out_object_end(o);
    if (m == SECOND_TEXT)
        json_out_object(o);
}

static void mistakes_fail_and_stay_failed(void **state)
{
    (void)state;
    for (int m = NOTHING; m < MISTAKES; m++) {
        struct json_out o;
        size_t len = 0;

        json_out_init(&o);
        make(&o, (enum mistake)m);
        assert_false(json_out_ok(&o));
        assert_int_equal(o.failed, m != NOTHING);
        assert_null(json_out_take(&o, &len));
        if (m != NOTHING) {
            size_t before = o.len;

            json_out_object(&o);
            json_out_kint(&o, "k", 1);
            json_out_object_end(&o);
            assert_int_equal(o.len, before);
        }
        json_out_free(&o);
    }
}

static void size_is_bounded(void **state)
{
    struct json_out o;
    size_t n = JSON_OUT_MAX / 4;
    char *quarter = malloc(n);

    (void)state;
    assert_non_null(quarter);
    memset(quarter, 'q', n);
    json_out_init(&o);
    json_out_array(&o);
    for (int i = 0; i < 3; i++)
        json_out_str(&o, quarter, n);
    assert_false(o.failed);
    json_out_str(&o, quarter, n);
    assert_true(o.failed);
    assert_true(o.cap <= JSON_OUT_MAX);
    json_out_free(&o);
    free(quarter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(integers_at_their_ends),
        cmocka_unit_test(escapes),
        cmocka_unit_test(every_byte_at_every_place),
        cmocka_unit_test(any_bytes_become_json),
        cmocka_unit_test(grows_and_keeps_what_was_written),
        cmocka_unit_test(reset_keeps_the_buffer),
        cmocka_unit_test(names_and_members),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(mistakes_fail_and_stay_failed),
        cmocka_unit_test(size_is_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
