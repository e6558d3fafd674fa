/* The store's time: never back, never standing still. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/store_clock.h"

#include <pthread.h>

#define HOUR INT64_C(3600000)
#define T0 INT64_C(1700000000000)

static struct store_clock c;

static int begin(void **unused)
{
    (void)unused;
    store_clock_init(&c);
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    store_clock_destroy(&c);
    return 0;
}

static void it_is_the_wall_clocks(void **unused)
{
    (void)unused;
    assert_int_equal(store_clock_at(&c, T0, 5), T0);
    assert_int_equal(store_clock_at(&c, T0, 6), T0);
    assert_int_equal(store_clock_at(&c, T0 + 7, 7), T0 + 7);
    assert_int_equal(store_clock_at(&c, T0 + HOUR, 8), T0 + HOUR); /* set ahead */
}

static void set_back_it_goes_on_at_half_the_pace_until_the_wall_clock_has_caught_up(void **unused)
{
    int64_t last;

    (void)unused;
    assert_int_equal(store_clock_at(&c, T0, 1000), T0);
    assert_int_equal(store_clock_at(&c, T0 - HOUR, 1000), T0);
    for (int64_t s = 1; s < 7190; s++)
        assert_int_equal(store_clock_at(&c, T0 - HOUR + s * 1000, 1000 + s * 1000), T0 + s * 500);
    assert_int_equal(store_clock_at(&c, T0 + HOUR, 1000 + 2 * HOUR), T0 + HOUR);
    assert_int_equal(store_clock_at(&c, T0 + HOUR + 1000, 1000 + 2 * HOUR + 1000), T0 + HOUR + 1000);
    /* A second time, and while it is behind once more. */
    assert_int_equal(store_clock_at(&c, T0, 2000 + 2 * HOUR), T0 + HOUR + 1000);
    assert_int_equal(store_clock_at(&c, T0 + 1000, 3000 + 2 * HOUR), T0 + HOUR + 1500);
    last = store_clock_at(&c, T0 - 5 * HOUR, 4000 + 2 * HOUR);
    assert_int_equal(last, T0 + HOUR + 2000);
    assert_int_equal(store_clock_at(&c, T0 - 5 * HOUR + 2000, 6000 + 2 * HOUR), last + 1000);
}

static void a_thread_that_comes_late_with_what_it_read_gets_no_less(void **unused)
{
    (void)unused;
    assert_int_equal(store_clock_at(&c, T0, 1000), T0);
    assert_int_equal(store_clock_at(&c, T0 - 1, 999), T0);
    assert_int_equal(store_clock_at(&c, T0 - HOUR, 3000), T0 + 1000);
    assert_int_equal(store_clock_at(&c, T0 - HOUR, 2000), T0 + 1000);
    assert_int_equal(store_clock_at(&c, T0 + 500, 1500), T0 + 1000);
}

static void *race(void *arg)
{
    int64_t last = 0;

    for (int64_t i = 0; i < 20000; i++) {
        /* Set back by an hour in the middle. */
        const int64_t now = store_clock_at(&c, T0 + i - (i > 10000 ? HOUR : 0), i);

        if (now < last)
            return arg; /* anything but NULL */
        last = now;
    }
    return NULL;
}

static void no_thread_sees_it_go_back(void **unused)
{
    pthread_t threads[4];
    void *failed;

    (void)unused;
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, race, &c), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &failed);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_the_wall_clocks, begin, end),
        cmocka_unit_test_setup_teardown(set_back_it_goes_on_at_half_the_pace_until_the_wall_clock_has_caught_up, begin, end),
        cmocka_unit_test_setup_teardown(a_thread_that_comes_late_with_what_it_read_gets_no_less, begin, end),
        cmocka_unit_test_setup_teardown(no_thread_sees_it_go_back, begin, end),
    };

    return cmocka_run_group_tests_name("the store's clock", tests, NULL, NULL);
}
