/* RongCloud's signature, and digests of tokens. */
#include "auth/digest.h"
#include "auth/rc_sign.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "Y1W2MeFwwwRxa0"
#define VECTOR "30be0bbca9c9b2e27578701e9fda2358a814c88f"
#define AT INT64_C(1408710653000)

static enum rc_sign_result check(const char *nonce, const char *timestamp, const char *signature,
                                 int64_t now_ms, int64_t skew)
{
    struct rc_sign s = {nonce, timestamp, signature, strlen(nonce), strlen(timestamp), strlen(signature)};
    return rc_sign_check(SECRET, strlen(SECRET), &s, now_ms, skew);
}

static void the_published_vector(void **state)
{
    (void)state;
    char out[RC_SIGN_SIZE];
    assert_true(rc_sign_make(SECRET, strlen(SECRET), "14314", 5, "1408710653000", 13, out));
    assert_string_equal(out, VECTOR);
    assert_int_equal(check("14314", "1408710653000", VECTOR, 0, 0), RC_SIGN_OK);
    assert_int_equal(check("14314", "1408710653000", "30BE0BBCA9C9B2E27578701E9FDA2358A814C88F", 0, 0),
                     RC_SIGN_OK);
}

static void anything_altered_is_wrong(void **state)
{
    (void)state;
    char altered[] = VECTOR;
    for (size_t i = 0; i < 40; i++) {
        altered[i] = altered[i] == '0' ? '1' : '0';
        assert_int_equal(check("14314", "1408710653000", altered, 0, 0), RC_SIGN_WRONG);
        altered[i] = VECTOR[i];
    }
    assert_int_equal(check("14315", "1408710653000", VECTOR, 0, 0), RC_SIGN_WRONG);
    assert_int_equal(check("14314", "1408710653001", VECTOR, 0, 0), RC_SIGN_WRONG);
    struct rc_sign s = {"14314", "1408710653000", VECTOR, 5, 13, 40};
    assert_int_equal(rc_sign_check("another", 7, &s, 0, 0), RC_SIGN_WRONG);
    /* The text is joined without separators, so a digit may move from nonce to timestamp: the field's own
     * weakness. */
    assert_int_equal(check("143141", "408710653000", VECTOR, 0, 0), RC_SIGN_OK);
}

static void malformed(void **state)
{
    (void)state;
    char nonce[66];
    memset(nonce, 'n', 65);
    nonce[65] = '\0';
    assert_int_equal(check(nonce, "1", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    nonce[64] = '\0';
    assert_int_equal(check(nonce, "1", VECTOR, 0, 0), RC_SIGN_WRONG);
    assert_int_equal(check("", "1408710653000", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "-5", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "soon", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "1408710653000000", VECTOR, 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "1408710653000", VECTOR "0", 0, 0), RC_SIGN_MALFORMED);
    assert_int_equal(check("14314", "1408710653000", "", 0, 0), RC_SIGN_MALFORMED);
}

static void seconds_and_milliseconds(void **state)
{
    (void)state;
    int64_t ms;
    assert_true(rc_sign_time("1408710653", 10, &ms) && ms == AT);
    assert_true(rc_sign_time("1408710653000", 13, &ms) && ms == AT);
    assert_false(rc_sign_time("14.5", 4, &ms));
    char out[RC_SIGN_SIZE];
    assert_true(rc_sign_make(SECRET, strlen(SECRET), "n", 1, "1408710653", 10, out));
    assert_int_equal(check("n", "1408710653", out, AT + 59000, 60), RC_SIGN_OK);
    assert_int_equal(check("n", "1408710653", out, AT + 60001, 60), RC_SIGN_SKEWED);
    assert_int_equal(check("n", "1408710653", out, AT - 60001, 60), RC_SIGN_SKEWED);
    assert_int_equal(check("n", "1408710653", out, AT + 60001, 0), RC_SIGN_OK);
    /* A wrong signature is told as wrong, whatever its time. */
    assert_int_equal(check("m", "1408710653", out, AT + 60001, 60), RC_SIGN_WRONG);
}

static void digests(void **state)
{
    (void)state;
    char hex[DIGEST_SHA256_HEX_SIZE];
    unsigned char raw[DIGEST_SHA256_SIZE];
    assert_true(digest_sha256_hex("abc", 3, hex));
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_true(digest_sha256_hex("", 0, hex));
    assert_string_equal(hex, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_true(digest_sha256("abc", 3, raw));
    assert_memory_equal(raw, "\xBA\x78\x16\xBF", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_vector),
        cmocka_unit_test(anything_altered_is_wrong),
        cmocka_unit_test(malformed),
        cmocka_unit_test(seconds_and_milliseconds),
        cmocka_unit_test(digests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
