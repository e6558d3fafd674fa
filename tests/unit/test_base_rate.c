#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rate.h"

#define START INT64_C(5000)

static int take(struct rate *r, int64_t per_second, int times, int64_t now_ms)
{
    int passed = 0;

    for (int i = 0; i < times; i++)
        passed += rate_take(r, per_second, 1, now_ms) == 0;
    return passed;
}

static void no_limit_lets_everything_through(void **state)
{
    struct rate r = {0};

    (void)state;
    assert_int_equal(take(&r, 0, 100000, START), 100000);
}

static void a_second_s_worth_at_once_and_then_the_rate(void **state)
{
    struct rate r = {0};
    int passed;

    (void)state;
    passed = take(&r, 10, 100, START);
    assert_int_equal(passed, 10);
    assert_int_equal(rate_take(&r, 10, 1, START), 1);
    for (int64_t ms = 1; ms <= 10000; ms++)
        passed += take(&r, 10, 1, START + ms);
    assert_in_range(passed, 109, 110);
}

static void a_quiet_time_is_not_saved_up_beyond_a_second(void **state)
{
    struct rate r = {0};

    (void)state;
    assert_int_equal(take(&r, 5, 1, START), 1);
    assert_int_equal(take(&r, 5, 100, START + 60000), 5);
}

static void a_large_batch_passes_and_is_paid_for_afterwards(void **state)
{
    struct rate r = {0};

    (void)state;
    assert_int_equal(rate_take(&r, 10, 50, START), 0);
    assert_int_equal(rate_take(&r, 10, 1, START), 5);
    assert_int_equal(rate_take(&r, 10, 1, START + 5000), 0);
}

static void what_would_be_taken_is_asked_without_taking(void **state)
{
    struct rate r = {0};

    (void)state;
    for (int i = 0; i < 5; i++)
        assert_int_equal(rate_wait(&r, 2, 1, 1000), 0);
    assert_int_equal(rate_take(&r, 2, 1, 1000), 0);
    assert_int_equal(rate_take(&r, 2, 1, 1000), 0);
    assert_true(rate_wait(&r, 2, 1, 1000) >= 1);
    assert_int_equal(rate_wait(&r, 2, 1, 1000), rate_take(&r, 2, 1, 1000));
    assert_int_equal(rate_wait(&r, 0, 1, 1000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_would_be_taken_is_asked_without_taking),
        cmocka_unit_test(no_limit_lets_everything_through),
        cmocka_unit_test(a_second_s_worth_at_once_and_then_the_rate),
        cmocka_unit_test(a_quiet_time_is_not_saved_up_beyond_a_second),
        cmocka_unit_test(a_large_batch_passes_and_is_paid_for_afterwards),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
