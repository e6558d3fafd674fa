/* Prometheus text, and counts that no thread loses. */
#include "base/metrics.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define THREADS 4
#define EACH 20000

static void text_of_every_kind(void **state)
{
    (void)state;
    struct metrics *m = metrics_create();
    assert_non_null(m);
    static const uint64_t bounds[] = {1000, 2500, 1000000};
    struct metric *a = metrics_counter(m, "recalls_total", "Recalls.", "app=\"A\"");
    struct metric *g = metrics_gauge(m, "connections", "Open connections.", NULL);
    struct metric *b = metrics_counter(m, "recalls_total", "Recalls.", "app=\"B\"");
    struct metric *h = metrics_histogram(m, "commit_seconds", "Commits.", NULL, 1e6, bounds, 3);
    metrics_inc(a);
    metrics_add(a, 4);
    metrics_inc(b);
    metrics_set(g, 10);
    metrics_add(g, -3);
    metrics_observe(h, 0);
    metrics_observe(h, 1000);
    metrics_observe(h, 1001);
    metrics_observe(h, 5000000);
    size_t len;
    char *text = metrics_render(m, &len);
    assert_non_null(text);
    assert_string_equal(text,
                        "# HELP recalls_total Recalls.\n# TYPE recalls_total counter\n"
                        "recalls_total{app=\"A\"} 5\nrecalls_total{app=\"B\"} 1\n"
                        "# HELP connections Open connections.\n# TYPE connections gauge\nconnections 7\n"
                        "# HELP commit_seconds Commits.\n# TYPE commit_seconds histogram\n"
                        "commit_seconds_bucket{le=\"0.001\"} 2\ncommit_seconds_bucket{le=\"0.0025\"} 3\n"
                        "commit_seconds_bucket{le=\"1\"} 3\ncommit_seconds_bucket{le=\"+Inf\"} 4\n"
                        "commit_seconds_sum 5.002001\ncommit_seconds_count 4\n");
    assert_int_equal(len, strlen(text));
    assert_int_equal(metrics_value(h), 4);
    assert_int_equal(metrics_value(g), 7);
    free(text);
    metrics_free(m);
    metrics_free(NULL);
}

static void what_cannot_be_registered(void **state)
{
    (void)state;
    struct metrics *m = metrics_create();
    static const uint64_t falling[] = {5, 5};
    assert_null(metrics_counter(m, "bad name", "x", NULL));
    assert_null(metrics_counter(m, "9bad", "x", NULL));
    assert_null(metrics_counter(m, "", "x", NULL));
    assert_non_null(metrics_counter(m, "good", "x", NULL));
    assert_null(metrics_counter(m, "good", "x", NULL));
    assert_null(metrics_gauge(m, "good", "x", "a=\"1\""));
    assert_null(metrics_histogram(m, "h", "x", NULL, 1, falling, 2));
    assert_null(metrics_histogram(m, "h", "x", NULL, 1, falling, 0));
    /* Updating what is not there is legal. */
    metrics_inc(NULL);
    metrics_set(NULL, 1);
    metrics_observe(NULL, 1);
    assert_int_equal(metrics_value(NULL), 0);
    metrics_free(m);
}

static void the_registry_is_bounded(void **state)
{
    (void)state;
    struct metrics *m = metrics_create();
    static char labels[METRICS_MAX + 1][16];
    for (size_t i = 0; i <= METRICS_MAX; i++) {
        (void)snprintf(labels[i], sizeof labels[i], "i=\"%zu\"", i);
        struct metric *one = metrics_counter(
            m, "a_rather_long_name_of_a_metric_that_fills_the_first_buffer_and_more", "Help.", labels[i]);
        assert_int_equal(one != NULL, i < METRICS_MAX);
    }
    size_t len;
    char *text = metrics_render(m, &len);
    assert_non_null(text);
    assert_true(len > 16384); /* beyond the first buffer */
    assert_non_null(strstr(text, "{i=\"255\"} 0\n"));
    free(text);
    metrics_free(m);
}

struct both {
    struct metric *counter;
    struct metric *histogram;
};

static void *update(void *arg)
{
    struct both *both = arg;
    for (unsigned i = 0; i < EACH; i++) {
        metrics_inc(both->counter);
        metrics_observe(both->histogram, i % 20);
    }
    return NULL;
}

static void threads_lose_no_count(void **state)
{
    (void)state;
    struct metrics *m = metrics_create();
    static const uint64_t bounds[] = {9};
    struct both both = {metrics_counter(m, "c", "x", NULL),
                        metrics_histogram(m, "h", "x", NULL, 1, bounds, 1)};
    pthread_t threads[THREADS];
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, update, &both), 0);
    }
    size_t len;
    char *text = metrics_render(m, &len); /* meanwhile */
    assert_non_null(text);
    free(text);
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_int_equal(metrics_value(both.counter), THREADS * EACH);
    assert_int_equal(metrics_value(both.histogram), THREADS * EACH);
    metrics_free(m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_of_every_kind),
        cmocka_unit_test(what_cannot_be_registered),
        cmocka_unit_test(the_registry_is_bounded),
        cmocka_unit_test(threads_lose_no_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
