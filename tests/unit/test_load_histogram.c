/* clients/load/histogram.h: exact below 2,048, three digits above, percentiles as they are defined. */
#include "clients/load/histogram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void small_values_are_exact(void **state)
{
    struct histogram h;

    (void)state;
    assert_true(histogram_init(&h));
    for (int64_t v = 0; v < 2048; v++)
        histogram_record(&h, v);
    assert_int_equal(histogram_at(&h, 50), 1023);
    assert_int_equal(histogram_at(&h, 100), 2047);
    assert_int_equal(histogram_at(&h, 0), 0);
    assert_int_equal(h.least, 0);
    assert_int_equal(h.most, 2047);
    histogram_free(&h);
}

static void every_value_comes_back_within_a_thousandth(void **state)
{
    struct histogram h;

    (void)state;
    assert_true(histogram_init(&h));
    for (int64_t v = 1; v < HISTOGRAM_MOST / 3; v = v * 3 / 2 + 1) {
        int64_t back;

        histogram_reset(&h);
        histogram_record(&h, v);
        histogram_record(&h, HISTOGRAM_MOST); /* so that the greatest does not cut the answer */
        back = histogram_at(&h, 50);
        assert_true(back >= v);
        assert_true(back - v <= v / 1000);
    }
    histogram_free(&h);
}

static void percentiles_are_those_of_the_sorted_values(void **state)
{
    struct histogram h;
    int64_t *values = malloc(10000 * sizeof(*values));

    (void)state;
    assert_non_null(values);
    assert_true(histogram_init(&h));
    for (int i = 0; i < 10000; i++) {
        values[i] = (int64_t)i * i * 37 + 5; /* ascending */
        histogram_record(&h, values[i]);
    }
    for (int p = 1; p <= 1000; p++) {
        const int64_t want = values[p * 10 - 1], got = histogram_at(&h, (double)p / 10);

        assert_true(got >= want && got - want <= want / 1000 + 1);
    }
    assert_int_equal(histogram_at(&h, 100), values[9999]);
    histogram_free(&h);
    free(values);
}

static void what_is_out_of_range_counts_at_its_end(void **state)
{
    struct histogram h;

    (void)state;
    assert_true(histogram_init(&h));
    histogram_record(&h, -5);
    histogram_record(&h, INT64_MAX);
    assert_int_equal(h.count, 2);
    assert_int_equal(h.least, 0);
    assert_int_equal(h.most, HISTOGRAM_MOST);
    assert_int_equal(histogram_at(&h, 50), 0);
    assert_int_equal(histogram_at(&h, 100), HISTOGRAM_MOST);
    histogram_free(&h);
}

static void one_is_added_to_another(void **state)
{
    struct histogram a, b;

    (void)state;
    assert_true(histogram_init(&a) && histogram_init(&b));
    assert_int_equal(histogram_at(&a, 99), 0);
    histogram_record(&a, 10);
    histogram_record(&b, 3);
    histogram_record(&b, 20);
    histogram_add(&a, &b);
    assert_int_equal(a.count, 3);
    assert_int_equal(a.least, 3);
    assert_int_equal(a.most, 20);
    assert_int_equal(histogram_at(&a, 50), 10);
    assert_true(histogram_mean(&a) == 11);
    histogram_reset(&a);
    assert_int_equal(a.count, 0);
    assert_int_equal(histogram_at(&a, 50), 0);
    histogram_add(&a, &b);
    assert_int_equal(a.least, 3);
    histogram_free(&a);
    histogram_free(&b);
    histogram_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_values_are_exact),
        cmocka_unit_test(every_value_comes_back_within_a_thousandth),
        cmocka_unit_test(percentiles_are_those_of_the_sorted_values),
        cmocka_unit_test(what_is_out_of_range_counts_at_its_end),
        cmocka_unit_test(one_is_added_to_another),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
