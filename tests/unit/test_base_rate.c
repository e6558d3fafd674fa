#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rate.h"

#define MS UINT64_C(1000000)
#define START (UINT64_C(5000) * MS)

static void no_limit_lets_everything_through(void **state)
{
    struct rate r = {0};
    int64_t wait = 0;

    (void)state;
    for (int i = 0; i < 100000; i++)
        assert_true(rate_take(&r, 0, START, &wait));
}

static void a_second_s_worth_at_once_and_then_the_rate(void **state)
{
    struct rate r = {0};
    int64_t wait = 0;
    int passed = 0;

    (void)state;
    for (int i = 0; i < 100; i++)
        passed += rate_take(&r, 10, START, &wait);
    assert_int_equal(passed, 10);
    assert_int_equal(wait, 1);
    for (uint64_t ms = 1; ms <= 10000; ms++)
        passed += rate_take(&r, 10, START + ms * MS, &wait);
    assert_in_range(passed, 109, 110);
}

static void a_quiet_time_is_not_saved_up_beyond_a_second(void **state)
{
    struct rate r = {0};
    int64_t wait = 0;
    int passed = 0;

    (void)state;
    assert_true(rate_take(&r, 5, START, &wait));
    for (int i = 0; i < 100; i++)
        passed += rate_take(&r, 5, START + 60000 * MS, &wait);
    assert_int_equal(passed, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_limit_lets_everything_through),
        cmocka_unit_test(a_second_s_worth_at_once_and_then_the_rate),
        cmocka_unit_test(a_quiet_time_is_not_saved_up_beyond_a_second),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
