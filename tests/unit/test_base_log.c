/* Log lines are JSON, whatever is put into them. */
#include "base/log.h"

#include <fcntl.h>
#include <jansson.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define THREADS 4
#define LINES 500

static size_t format(char *out, size_t cap, const char *event, const struct log_field *fields)
{
    size_t n = log_format(out, cap, LOG_LEVEL_WARN, 1714557600123, event, fields);
    assert_true(n <= cap && n <= LOG_LINE_MAX);
    assert_int_equal(out[n - 1], '\n');
    assert_ptr_equal(memchr(out, '\n', n), out + n - 1);
    return n;
}

static void fields_of_every_kind(void **state)
{
    (void)state;
    char line[LOG_LINE_MAX];
    size_t n =
        format(line, sizeof line, "request",
               (const struct log_field[]){LOG_TEXT("a", "x"), LOG_TEXT("none", NULL), LOG_STR("b", "xyz", 2),
                                          LOG_INT("i", -5), LOG_UINT("u", UINT64_MAX), LOG_REAL("r", 1.5),
                                          LOG_REAL("inf", INFINITY), LOG_BOOL("yes", true), LOG_END});
    static const char expected[] =
        "{\"time\":\"2024-05-01T10:00:00.123Z\",\"level\":\"warn\",\"event\":\"request\",\"a\":\"x\","
        "\"none\":null,"
        "\"b\":\"xy\",\"i\":-5,\"u\":18446744073709551615,\"r\":1.5,\"inf\":null,\"yes\":true}\n";
    assert_int_equal(n, sizeof expected - 1);
    assert_memory_equal(line, expected, n);
}

static void hostile_text_stays_one_line(void **state)
{
    (void)state;
    char line[LOG_LINE_MAX];
    static const char text[] = "a\"b\\c\nd\x01\x7F\xFF\xC3\xA9\xE2\x82";
    size_t n = format(line, sizeof line, "e",
                      (const struct log_field[]){LOG_STR("t", text, sizeof text - 1), LOG_END});
    json_t *o = json_loadb(line, n, 0, NULL);
    assert_non_null(o);
    assert_string_equal(json_string_value(json_object_get(o, "t")),
                        "a\"b\\c\nd\x01\x7F\xEF\xBF\xBD\xC3\xA9\xEF\xBF\xBD\xEF\xBF\xBD");
    json_decref(o);
}

/* At every size the line is whole JSON that says that it was cut. */
static void a_long_line_is_cut_and_says_so(void **state)
{
    (void)state;
    char line[LOG_LINE_MAX];
    char text[300];
    memset(text, 'x', sizeof text);
    memcpy(text + 100, "\n\xE2\x82\xAC\"", 5);
    for (size_t cap = 64; cap < 500; cap++) {
        size_t n = format(line, cap, "event",
                          (const struct log_field[]){LOG_INT("n", 123456789), LOG_STR("t", text, sizeof text),
                                                     LOG_TEXT("after", "y"), LOG_END});
        json_t *o = json_loadb(line, n, JSON_REJECT_DUPLICATES, NULL);
        assert_non_null(o);
        bool cut = json_is_true(json_object_get(o, "cut"));
        const char *after = json_string_value(json_object_get(o, "after"));
        assert_int_equal(cut, after == NULL || strcmp(after, "y") != 0);
        json_decref(o);
    }
    char *large = malloc(20000);
    assert_non_null(large);
    memset(large, 'x', 20000);
    size_t n =
        format(line, sizeof line, "event", (const struct log_field[]){LOG_STR("t", large, 20000), LOG_END});
    free(large);
    assert_true(n > LOG_LINE_MAX - 32);
}

static void levels(void **state)
{
    (void)state;
    enum log_level level;
    assert_true(log_parse_level("debug", 5, &level) && level == LOG_LEVEL_DEBUG);
    assert_true(log_parse_level("error", 5, &level) && level == LOG_LEVEL_ERROR);
    assert_false(log_parse_level("INFO", 4, &level));
    assert_false(log_parse_level("", 0, &level));
    assert_int_equal(log_get_level(), LOG_LEVEL_INFO);
    assert_false(log_enabled(LOG_LEVEL_DEBUG));
    log_set_level(LOG_LEVEL_ERROR);
    assert_false(log_enabled(LOG_LEVEL_WARN));
    assert_true(log_enabled(LOG_LEVEL_ERROR));
    log_set_level(LOG_LEVEL_INFO);
}

static char path[] = "/tmp/recalld-log-XXXXXX";
static int was;

static void catch_lines(void)
{
    memcpy(path + sizeof path - 7, "XXXXXX", 6);
    int file = mkstemp(path);
    assert_true(file >= 0);
    was = dup(STDERR_FILENO);
    assert_true(fcntl(file, F_SETFL, O_APPEND) == 0 && dup2(file, STDERR_FILENO) >= 0);
    (void)close(file);
}

static void let_go(void)
{
    assert_true(dup2(was, STDERR_FILENO) >= 0);
    (void)close(was);
    (void)unlink(path);
}

/* How many whole lines were written, the last one's event in `last`. */
static int written(char last[static 32])
{
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    char line[LOG_LINE_MAX];
    int count = 0;
    while (fgets(line, sizeof line, f) != NULL) {
        json_t *o = json_loads(line, 0, NULL);
        assert_non_null(o);
        (void)snprintf(last, 32, "%s", json_string_value(json_object_get(o, "event")));
        json_decref(o);
        count++;
    }
    (void)fclose(f);
    return count;
}

static void *write_lines(void *arg)
{
    const char *name = arg;
    log_gather(name[0] > 'b');
    for (int i = 0; i < LINES; i++) {
        log_info("thread", LOG_TEXT("name", name), LOG_INT("i", i), LOG_END);
        log_debug("never", LOG_END);
    }
    log_gather(false);
    return NULL;
}

static void lines_of_several_threads_do_not_mix(void **state)
{
    (void)state;
    char last[32];
    catch_lines();
    pthread_t threads[THREADS];
    static char names[THREADS][2] = {"a", "b", "c", "d"};
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, names[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    int count = written(last);
    let_go();
    assert_int_equal(count, THREADS * LINES);
    assert_string_equal(last, "thread");
}

static void gathered_lines_wait_for_the_flush_and_for_no_warning(void **state)
{
    (void)state;
    char last[32] = "";
    int counts[6];
    catch_lines();
    log_gather(true);
    log_info("first", LOG_END);
    log_info("second", LOG_END);
    counts[0] = written(last);
    log_flush();
    counts[1] = written(last);
    log_info("third", LOG_END);
    counts[2] = written(last);
    log_warn("warning", LOG_END);
    counts[3] = written(last);
    log_info("last", LOG_END);
    log_gather(false);
    counts[4] = written(last);
    log_info("at once", LOG_END);
    counts[5] = written(last);
    let_go();
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 2);
    assert_int_equal(counts[2], 2);
    assert_int_equal(counts[3], 4);
    assert_int_equal(counts[4], 5);
    assert_int_equal(counts[5], 6);
    assert_string_equal(last, "at once");
}

static void lines_that_no_longer_fit_are_written(void **state)
{
    (void)state;
    char last[32] = "", text[1000];
    int counts[2];
    memset(text, 'x', sizeof text);
    catch_lines();
    log_gather(true);
    for (int i = 0; i < 3; i++) {
        log_info("fits", LOG_STR("t", text, sizeof text), LOG_END);
    }
    counts[0] = written(last);
    log_info("more", LOG_STR("t", text, sizeof text), LOG_END);
    counts[1] = written(last);
    log_gather(false);
    int all = written(last);
    let_go();
    assert_int_equal(counts[0], 0);
    assert_int_equal(counts[1], 3);
    assert_int_equal(all, 4);
    assert_string_equal(last, "more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_of_every_kind),
        cmocka_unit_test(hostile_text_stays_one_line),
        cmocka_unit_test(a_long_line_is_cut_and_says_so),
        cmocka_unit_test(levels),
        cmocka_unit_test(lines_of_several_threads_do_not_mix),
        cmocka_unit_test(gathered_lines_wait_for_the_flush_and_for_no_warning),
        cmocka_unit_test(lines_that_no_longer_fit_are_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
