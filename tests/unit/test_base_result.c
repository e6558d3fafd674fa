/* Every outcome has a text, a status and a code, as the dialects rely on. */
#include "base/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_outcome_is_told(void **state)
{
    (void)state;
    for (int r = 0; r < RESULT_COUNT; r++) {
        assert_true(strlen(result_text((enum result)r)) > 0);
        assert_true(strlen(result_imkit_code((enum result)r)) > 0);
        int status = result_status((enum result)r);
        assert_true(status == 200 || (status >= 400 && status <= 503));
        if (r != RESULT_INTERNAL) {
            assert_int_not_equal(status, 500);
        }
    }
}

static void codes_follow_the_dialect(void **state)
{
    (void)state;
    assert_string_equal(result_text(RESULT_OK), "OK");
    assert_string_equal(result_imkit_code(RESULT_NOT_MEMBER), "NOT_ROOM_MEMBER");
    assert_int_equal(result_status(RESULT_NOT_MEMBER), 403);
    assert_string_equal(result_imkit_code(RESULT_CONFLICT), "INSUFFICIENT_PERMISSION");
    assert_int_equal(result_status(RESULT_CONFLICT), 409);
    assert_string_equal(result_imkit_code(RESULT_NO_CALL), "INVALID_BODY");
    assert_int_equal(result_status(RESULT_NO_CALL), 404);
    assert_string_equal(result_imkit_code(RESULT_RATE_LIMITED), "RATE_LIMIT_EXCEEDED");
    assert_int_equal(result_status(RESULT_RATE_LIMITED), 429);
}

static void an_unknown_outcome_is_our_fault(void **state)
{
    (void)state;
    assert_int_equal(result_status((enum result)RESULT_COUNT), 500);
    assert_int_equal(result_status((enum result)4000), 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_outcome_is_told),
        cmocka_unit_test(codes_follow_the_dialect),
        cmocka_unit_test(an_unknown_outcome_is_our_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
