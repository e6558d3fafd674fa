/* Rules of names, encodings, comparisons. */
#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define Z(s) (s), strlen(s)

/* Decodes a code point's UTF-8 the long way, as a second opinion. */
static bool slow_valid(const unsigned char *s, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned c = s[i];
        size_t n = c < 0x80             ? 1
                   : (c & 0xE0) == 0xC0 ? 2
                   : (c & 0xF0) == 0xE0 ? 3
                   : (c & 0xF8) == 0xF0 ? 4
                                        : 0;
        static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (n == 0 || len - i < n) {
            return false;
        }
        unsigned point = n == 1 ? c : c & (0x7FU >> n);
        for (size_t j = 1; j < n; j++) {
            if ((s[i + j] & 0xC0) != 0x80) {
                return false;
            }
            point = point << 6 | (s[i + j] & 0x3FU);
        }
        if (point < least[n] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000)) {
            return false;
        }
        i += n;
    }
    return true;
}

static void utf8_of_two_and_three_bytes(void **state)
{
    (void)state;
    unsigned char s[3];
    for (unsigned v = 0; v < 0x1000000; v += 7) {
        s[0] = (unsigned char)(v >> 16);
        s[1] = (unsigned char)(v >> 8);
        s[2] = (unsigned char)v;
        if (text_utf8_valid((const char *)s, 3) != slow_valid(s, 3) ||
            text_utf8_valid((const char *)s, 2) != slow_valid(s, 2)) {
            fail_msg("%06x", v);
        }
    }
}

static void utf8_of_four_bytes(void **state)
{
    (void)state;
    for (unsigned first = 0xF0; first <= 0xF8; first++) {
        for (unsigned second = 0x70; second <= 0xD0; second++) {
            for (unsigned third = 0x7E; third <= 0xC1; third++) {
                unsigned char s[5] = {(unsigned char)first, (unsigned char)second, (unsigned char)third, 0x80,
                                      'x'};
                assert_int_equal(text_utf8_valid((const char *)s, 5), slow_valid(s, 5));
                assert_int_equal(text_utf8_valid((const char *)s, 3), slow_valid(s, 3));
            }
        }
    }
    assert_true(text_utf8_valid(NULL, 0));
    assert_true(text_utf8_valid(Z("a text with more than eight bytes, then \xC3\xA9")));
    assert_false(text_utf8_valid(Z("a text with more than eight bytes, then \xC3")));
}

static void names(void **state)
{
    (void)state;
    char room[TEXT_ROOM_MAX + 1];
    memset(room, 'r', sizeof room);
    assert_true(text_room_valid(room, TEXT_ROOM_MAX));
    assert_false(text_room_valid(room, TEXT_ROOM_MAX + 1));
    assert_false(text_room_valid("", 0));
    assert_true(text_room_valid(Z("demo-room")));
    assert_true(text_room_valid(Z("caf\xC3\xA9 / ~x")));
    assert_false(text_room_valid(Z("~broadcast")));
    assert_false(text_room_valid(Z("a\nb")));
    assert_false(text_room_valid("a\0b", 3));
    assert_false(text_room_valid(Z("a\x7F")));
    assert_false(text_room_valid(Z("a\xC2\x85"
                                   "b")));
    assert_true(text_room_valid(Z("a\xC2\xA0"
                                  "b")));
    assert_false(text_room_valid(Z("a\xFF")));
    assert_true(text_log_valid(Z("~private/ann/ben")));
    assert_true(text_log_valid(Z("demo-room")));
    assert_false(text_log_valid(room, TEXT_ROOM_MAX + 1));
    assert_true(text_user_valid(room, TEXT_USER_MAX));
    assert_false(text_user_valid(room, TEXT_USER_MAX + 1));
    assert_false(text_user_valid("", 0));
    assert_true(text_message_id_valid(Z("5ce3d80bd594874e495895a4")));
    assert_false(text_message_id_valid(room, TEXT_MESSAGE_ID_MAX + 1));
    assert_false(text_message_id_valid(Z("a\tb")));
    assert_true(text_device_valid(room, TEXT_DEVICE_MAX));
    assert_false(text_device_valid(room, TEXT_DEVICE_MAX + 1));
}

static void decodes(const char *in, enum text_decode how, const char *expected)
{
    char out[64];
    size_t n = 0;
    bool ok = text_percent_decode(Z(in), how, out, &n);
    assert_int_equal(ok, expected != NULL);
    if (expected != NULL) {
        assert_int_equal(n, strlen(expected));
        assert_memory_equal(out, expected, n);
    }
}

static void percent(void **state)
{
    (void)state;
    decodes("a%20b%2Fc%e4", TEXT_DECODE_URL, "a b/c\xE4");
    decodes("a+b", TEXT_DECODE_URL, "a+b");
    decodes("a+b%2B", TEXT_DECODE_PLUS, "a b+");
    decodes("100%", TEXT_DECODE_URL, NULL);
    decodes("%zz", TEXT_DECODE_PLUS, NULL);
    decodes("%4", TEXT_DECODE_URL, NULL);
    decodes("100% %zz %4", TEXT_DECODE_FORM, "100% %zz %4");
    decodes("%25%", TEXT_DECODE_LENIENT, "%%");
    char same[] = "%41%42%43";
    size_t n;
    assert_true(text_percent_decode(same, 9, TEXT_DECODE_URL, same, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(same, "ABC", 3);
}

static void query(void **state)
{
    (void)state;
    static const char text[] = "?a=1&&b=&c&d=x%3Dy=z&a=2&li%6Dit=5+0";
    struct text_query q = text_query_start(Z(text));
    struct text_pair p;
    static const char *const expected[][2] = {{"a", "1"},       {"b", ""},  {"c", ""},
                                              {"d", "x%3Dy=z"}, {"a", "2"}, {"li%6Dit", "5+0"}};
    for (size_t i = 0; i < 6; i++) {
        assert_true(text_query_next(&q, &p));
        assert_true(text_is(p.name, p.name_len, expected[i][0]));
        assert_true(text_is(p.value, p.value_len, expected[i][1]));
    }
    assert_false(text_query_next(&q, &p));
    char out[8];
    size_t n;
    assert_true(text_query_find(Z(text), "limit", out, sizeof out, &n));
    assert_int_equal(n, 3);
    assert_memory_equal(out, "5 0", 3);
    assert_true(text_query_find(Z(text), "a", out, 1, &n));
    assert_memory_equal(out, "1", 1);
    assert_true(text_query_find(Z("x=%41%42%43"), "x", out, 3, &n));
    assert_false(text_query_find(Z("x=%41%42%43"), "x", out, 2, &n));
    assert_false(text_query_find(Z(text), "e", out, sizeof out, &n));
    assert_false(text_query_find(NULL, 0, "e", out, sizeof out, &n));
}

static void comparisons(void **state)
{
    (void)state;
    assert_true(text_equal_secret("abc", 3, "abc", 3));
    assert_false(text_equal_secret("abc", 3, "abd", 3));
    assert_false(text_equal_secret("xbc", 3, "abc", 3));
    assert_false(text_equal_secret("abc", 3, "abcd", 4));
    assert_true(text_equal_secret(NULL, 0, "", 0));
    assert_true(text_is_nocase(Z("WebSocket"), "websocket"));
    assert_false(text_is_nocase(Z("WebSocke"), "websocket"));
    assert_false(text_is(Z("A"), "a"));
}

static void base64url(void **state)
{
    (void)state;
    unsigned char in[40];
    unsigned char back[40];
    char out[TEXT_BASE64URL_SIZE(40)];
    size_t n;
    for (size_t i = 0; i < sizeof in; i++) {
        in[i] = (unsigned char)(i * 37 + 251);
    }
    for (size_t len = 0; len <= sizeof in; len++) {
        size_t text_len = text_base64url(in, len, out);
        assert_int_equal(text_len, (len * 4 + 2) / 3);
        assert_int_equal(out[text_len], '\0');
        assert_true(text_base64url_decode(out, text_len, back, &n));
        assert_int_equal(n, len);
        assert_memory_equal(in, back, len);
    }
    (void)text_base64url("\xFB\xFF", 2, out);
    assert_string_equal(out, "-_8");
    assert_false(text_base64url_decode(Z("-_9"), back, &n)); /* unused bits set: a second spelling */
    assert_false(text_base64url_decode(Z("-_8="), back, &n));
    assert_false(text_base64url_decode(Z("+/8"), back, &n));
    assert_false(text_base64url_decode(Z("A"), back, &n));
    assert_false(text_base64url_decode(Z("AA A"), back, &n));
}

static void hex(void **state)
{
    (void)state;
    char out[9];
    unsigned char back[4];
    text_hex("\x00\x9A\xFF\x10", 4, out);
    assert_string_equal(out, "009aff10");
    assert_true(text_unhex(Z("009AfF10"), back));
    assert_memory_equal(back, "\x00\x9A\xFF\x10", 4);
    assert_false(text_unhex(Z("009"), back));
    assert_false(text_unhex(Z("0g"), back));
}

static void numbers(void **state)
{
    (void)state;
    int64_t v = 5;
    bool b = true;
    assert_true(text_parse_int(Z("-9223372036854775808"), INT64_MIN, INT64_MAX, &v) && v == INT64_MIN);
    assert_true(text_parse_int(Z("9223372036854775807"), INT64_MIN, INT64_MAX, &v) && v == INT64_MAX);
    assert_false(text_parse_int(Z("9223372036854775808"), INT64_MIN, INT64_MAX, &v));
    assert_false(text_parse_int(Z("-9223372036854775809"), INT64_MIN, INT64_MAX, &v));
    assert_false(text_parse_int(Z("99999999999999999999"), INT64_MIN, INT64_MAX, &v));
    static const char *const wrong[] = {"", "-", "+1", " 1", "1 ", "1.0", "0x1", "11"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_false(text_parse_int(Z(wrong[i]), 0, 10, &v));
    }
    assert_int_equal(v, INT64_MAX);
    assert_true(text_parse_int(Z("007"), 0, 10, &v) && v == 7);
    assert_true(text_parse_bool(Z("0"), &b) && !b);
    assert_true(text_parse_bool(Z("True"), &b) && b);
    assert_true(text_parse_bool(Z("false"), &b) && !b);
    assert_false(text_parse_bool(Z("2"), &b));
    assert_false(text_parse_bool(Z(""), &b));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_of_two_and_three_bytes),
        cmocka_unit_test(utf8_of_four_bytes),
        cmocka_unit_test(names),
        cmocka_unit_test(percent),
        cmocka_unit_test(query),
        cmocka_unit_test(comparisons),
        cmocka_unit_test(base64url),
        cmocka_unit_test(hex),
        cmocka_unit_test(numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
