/* clients/load/ws_reader.h: whatever pieces the bytes come in, the same messages come out; what no server may
 * send is refused. */
#include "clients/load/ws_reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MOST 200000U

/* What came, as text: "1:hello;9:x;" */
struct heard {
    char text[400];
    size_t len, calls, last_len, stop_at;
};

static bool on_message(void *arg, enum ws_reader_opcode opcode, const unsigned char *p, size_t n)
{
    struct heard *h = arg;

    h->len += (size_t)snprintf(h->text + h->len, sizeof(h->text) - h->len, "%d:%.*s;", (int)opcode,
                               n < 40 ? (int)n : 40, (const char *)p);
    h->last_len = n;
    return ++h->calls != h->stop_at;
}

/* A server's frame at `out`; its size. */
static size_t frame(unsigned char *out, unsigned first, const char *payload, size_t n)
{
    size_t head = 2;

    out[0] = (unsigned char)first;
    out[1] = n < 126 ? (unsigned char)n : n < 65536 ? 126 : 127;
    if (n >= 126) {
        const size_t bytes = n < 65536 ? 2 : 8;

        for (size_t i = 0; i < bytes; i++)
            out[2 + i] = (unsigned char)(n >> (8 * (bytes - 1 - i)));
        head += bytes;
    }
    memcpy(out + head, payload, n);
    return head + n;
}

/* Text, a fragmented text with a ping and a pong within, an empty text, one with a 16-bit length, close. */
static size_t conversation(unsigned char *out, char *want, size_t want_size)
{
    char middle[300];
    size_t n = 0;

    memset(middle, 'm', sizeof(middle));
    n += frame(out + n, 0x81, "hello", 5);
    n += frame(out + n, 0x01, "one ", 4);
    n += frame(out + n, 0x89, "are you there", 13);
    n += frame(out + n, 0x00, "", 0);
    n += frame(out + n, 0x8a, "", 0);
    n += frame(out + n, 0x80, "two", 3);
    n += frame(out + n, 0x81, "", 0);
    n += frame(out + n, 0x81, middle, sizeof(middle));
    n += frame(out + n, 0x82, "bin", 3);
    n += frame(out + n, 0x88, "ok", 2);
    snprintf(want, want_size, "1:hello;9:are you there;10:;1:one two;1:;1:%.40s;2:bin;8:ok;", middle);
    return n;
}

static void any_two_cuts_give_the_same_messages(void **state)
{
    unsigned char bytes[600];
    char want[400];
    const size_t n = conversation(bytes, want, sizeof(want));

    (void)state;
    for (size_t a = 0; a <= n; a++) {
        for (size_t b = a; b <= n; b += 1 + (b - a) / 7) {
            const size_t cuts[] = {0, a, b, n};
            struct heard h = {.len = 0};
            struct ws_reader r;
            const char *error;

            ws_reader_init(&r);
            for (int i = 0; i < 3; i++) {
                /* A copy of its own, so that a sanitizer sees whoever reads beyond it. */
                unsigned char *piece = malloc(cuts[i + 1] - cuts[i] + 1);

                assert_non_null(piece);
                memcpy(piece, bytes + cuts[i], cuts[i + 1] - cuts[i]);
                assert_true(ws_reader_feed(&r, piece, cuts[i + 1] - cuts[i], MOST, on_message, &h, &error));
                free(piece);
            }
            assert_string_equal(h.text, want);
            assert_null(r.part); /* nothing is kept between messages */
            assert_null(r.message);
            ws_reader_free(&r);
        }
    }
}

static void byte_by_byte_gives_the_same_messages(void **state)
{
    unsigned char bytes[600];
    char want[400];
    const size_t n = conversation(bytes, want, sizeof(want));
    struct heard h = {.len = 0};
    struct ws_reader r;
    const char *error;

    (void)state;
    ws_reader_init(&r);
    for (size_t i = 0; i < n; i++)
        assert_true(ws_reader_feed(&r, bytes + i, 1, MOST, on_message, &h, &error));
    assert_string_equal(h.text, want);
    ws_reader_free(&r);
}

static void a_length_of_64_bits_is_read(void **state)
{
    const size_t n = 70000;
    unsigned char *bytes = malloc(n + 10);
    char *payload = malloc(n);
    struct heard h = {.len = 0};
    struct ws_reader r;
    const char *error;
    size_t all;

    (void)state;
    assert_true(bytes != NULL && payload != NULL);
    memset(payload, 'x', n);
    all = frame(bytes, 0x81, payload, n);
    ws_reader_init(&r);
    for (size_t at = 0; at < all; at += 4000)
        assert_true(
            ws_reader_feed(&r, bytes + at, all - at < 4000 ? all - at : 4000, MOST, on_message, &h, &error));
    assert_int_equal(h.calls, 1);
    assert_int_equal(h.last_len, n);
    ws_reader_free(&r);
    free(bytes);
    free(payload);
}

static void refuse(const unsigned char *bytes, size_t n, size_t most, const char *why)
{
    for (size_t cut = 0; cut <= n; cut++) {
        struct heard h = {.len = 0};
        struct ws_reader r;
        const char *error = NULL;
        bool ok;

        ws_reader_init(&r);
        ok = ws_reader_feed(&r, bytes, cut, most, on_message, &h, &error) &&
             ws_reader_feed(&r, bytes + cut, n - cut, most, on_message, &h, &error);
        assert_false(ok);
        assert_non_null(error);
        assert_non_null(strstr(error, why));
        ws_reader_free(&r);
    }
}

static void what_no_server_may_send_is_refused(void **state)
{
    unsigned char long_ping[140], twice[16];
    char payload[130] = {0};
    size_t n;

    (void)state;
    refuse((const unsigned char *)"\xc1\x01x", 3, MOST, "reserved");
    refuse((const unsigned char *)"\x81\x81\x00\x00\x00\x00x", 7, MOST, "masked");
    refuse((const unsigned char *)"\x83\x01x", 3, MOST, "opcode");
    refuse((const unsigned char *)"\x8b\x01x", 3, MOST, "opcode");
    refuse((const unsigned char *)"\x09\x01x", 3, MOST, "control");
    refuse((const unsigned char *)"\x80\x01x", 3, MOST, "continuation");
    n = frame(long_ping, 0x89, payload, 126);
    refuse(long_ping, n, MOST, "control");
    n = frame(twice, 0x01, "a", 1);
    n += frame(twice + n, 0x81, "b", 1);
    refuse(twice, n, MOST, "within");
    refuse((const unsigned char *)"\x81\x7f\xff\xff\xff\xff\xff\xff\xff\xff", 10, MOST, "larger");
    refuse((const unsigned char *)"\x81\x05hello", 7, 4, "larger");
    n = frame(twice, 0x01, "abc", 3);
    n += frame(twice + n, 0x80, "def", 3);
    refuse(twice, n, 5, "larger");
}

static void the_listener_may_end_it(void **state)
{
    unsigned char bytes[600];
    char want[400];
    const size_t n = conversation(bytes, want, sizeof(want));

    (void)state;
    for (size_t stop = 1; stop <= 8; stop++) {
        struct heard h = {.stop_at = stop};
        struct ws_reader r;
        const char *error = "unset";

        ws_reader_init(&r);
        assert_false(ws_reader_feed(&r, bytes, n, MOST, on_message, &h, &error));
        assert_null(error);
        assert_int_equal(h.calls, stop);
        ws_reader_free(&r);
        ws_reader_free(&r);
    }
}

static void a_client_frame_is_masked_and_says_what_it_should(void **state)
{
    static const size_t sizes[] = {0, 1, 125, 126, 1000, 65535, 65536};

    (void)state;
    for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
        const size_t n = sizes[k], head = n < 126 ? 2 : n < 65536 ? 4 : 10;
        unsigned char *out = malloc(n + WS_READER_FRAME_EXTRA), *payload = malloc(n + 1);

        assert_true(out != NULL && payload != NULL);
        for (size_t i = 0; i < n; i++)
            payload[i] = (unsigned char)(i * 7);
        assert_int_equal(ws_reader_frame(out, WS_READER_TEXT, payload, n, 0xa1b2c3d4), head + 4 + n);
        assert_int_equal(out[0], 0x81);
        assert_int_equal(out[1] & 0x80, 0x80);
        assert_memory_equal(out + head, "\xa1\xb2\xc3\xd4", 4);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(out[head + 4 + i] ^ out[head + i % 4], payload[i]);
        free(out);
        free(payload);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_two_cuts_give_the_same_messages),
        cmocka_unit_test(byte_by_byte_gives_the_same_messages),
        cmocka_unit_test(a_length_of_64_bits_is_read),
        cmocka_unit_test(what_no_server_may_send_is_refused),
        cmocka_unit_test(the_listener_may_end_it),
        cmocka_unit_test(a_client_frame_is_masked_and_says_what_it_should),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
