/* clients/load: answers over HTTP in pieces, the command line, the limits of --slo. */
#include "clients/load/figures.h"
#include "clients/load/http_reader.h"
#include "clients/load/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* --- http_reader.h --- */

/* Fed in two pieces at every cut, the answer must come out the same. */
static void read_cut(const char *text, int status, const char *body, bool closes)
{
    const size_t n = strlen(text);

    for (size_t cut = 0; cut < n; cut++) {
        struct http_reader r = {.text = NULL};
        enum http_reader_state state = HTTP_READER_MORE;

        if (cut > 0)
            assert_int_equal(http_reader_feed(&r, text, cut), HTTP_READER_MORE);
        state = http_reader_feed(&r, text + cut, n - cut);
        assert_int_equal(state, HTTP_READER_DONE);
        assert_int_equal(r.status, status);
        assert_int_equal(r.body_len, strlen(body));
        assert_string_equal(r.body, body);
        assert_int_equal(r.closes, closes);
        http_reader_free(&r);
    }
}

static void answers_are_read_in_any_pieces(void **state)
{
    (void)state;
    read_cut("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false);
    read_cut("HTTP/1.1 204 No Content\r\nX: y\r\n\r\n", 204, "", false);
    read_cut("HTTP/1.1 503 Busy\r\ncontent-length:2\r\nConnection: close\r\nRetry-After: 7\r\n\r\n{}", 503,
             "{}", true);
    read_cut("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", 200, "x", true);
    read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhell\r\n1;x=y\r\no\r\n0\r\n\r\n", 200,
             "hello", false);
    read_cut("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nTrailer: v\r\n\r\n", 200,
             "x", false);
}

static void one_reader_reads_many_answers(void **state)
{
    static const char text[] = "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 1\r\n\r\nx";
    struct http_reader r = {.text = NULL};

    (void)state;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(http_reader_feed(&r, text, strlen(text)), HTTP_READER_DONE);
        assert_int_equal(r.retry_after_s, 7);
        http_reader_next(&r);
    }
    http_reader_free(&r);
}

static void a_body_may_end_with_the_connection(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\n\r\nall of it";
    struct http_reader r = {.text = NULL};

    (void)state;
    assert_int_equal(http_reader_feed(&r, text, strlen(text)), HTTP_READER_MORE);
    assert_int_equal(http_reader_end(&r), HTTP_READER_DONE);
    assert_string_equal(r.body, "all of it");
    assert_true(r.closes);
    http_reader_free(&r);
    assert_int_equal(http_reader_feed(&r, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe", 40),
                     HTTP_READER_MORE);
    assert_int_equal(http_reader_end(&r), HTTP_READER_BROKEN);
    http_reader_free(&r);
}

static void what_is_no_answer_is_refused(void **state)
{
    static const char *const wrong[] = {
        "SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\n", "HTTP/1.1 9 x\r\nA: b\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};

    (void)state;
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct http_reader r = {.text = NULL};

        assert_int_equal(http_reader_feed(&r, wrong[i], strlen(wrong[i])), HTTP_READER_BROKEN);
        http_reader_free(&r);
    }
}

/* --- options.h --- */

static enum options_status read_line(struct options *o, const char *line, char error[400])
{
    static char text[512];
    char *argv[32], *save = NULL;
    int argc = 0;

    snprintf(text, sizeof(text), "recall-load %s", line);
    for (char *word = strtok_r(text, " ", &save); word != NULL && argc < 32;
         word = strtok_r(NULL, " ", &save))
        argv[argc++] = word;
    return options_read(o, argc, argv, error, 400);
}

static void the_command_of_the_manual_is_read(void **state)
{
    struct options o;
    char error[400] = "";

    (void)state;
    assert_int_equal(read_line(&o,
                               "--url http://127.0.0.1:8080 --api-key K --connections 10000 --rooms 100 "
                               "--rate 500 --duration 60s",
                               error),
                     OPTIONS_RUN);
    assert_int_equal(o.port, 8080);
    assert_string_equal(o.host_header, "127.0.0.1:8080");
    assert_true(o.loopback && !o.closed && o.acks && o.scenario == OPTIONS_MIXED);
    assert_int_equal(o.connections, 10000);
    assert_int_equal(o.rooms, 100);
    assert_int_equal(o.duration_ns, INT64_C(60000000000));
    assert_int_equal(o.source_addresses, 1);
    assert_int_equal(
        read_line(&o,
                  "--url=http://[::1]/ --api-key=K --connections=3 --rooms=9 --scenario=fanout --loop=closed",
                  error),
        OPTIONS_RUN);
    assert_true(o.port == 80 && o.rooms == 1 && o.closed && o.in_flight == 16 && !o.acks);
    assert_int_equal(read_line(&o, "--url http://127.0.0.1:1 --api-key K --connections 60000", error),
                     OPTIONS_RUN);
    assert_int_equal(o.source_addresses, 3);
    assert_int_equal(read_line(&o, "--url x --help", error), OPTIONS_HELP);
    assert_int_equal(read_line(&o, "--version", error), OPTIONS_VERSION);
}

static void what_is_wrong_is_named(void **state)
{
    static const struct {
        const char *line, *named;
    } wrong[] = {
        {"--api-key K", "--url"},
        {"--url http://127.0.0.1:1", "--api-key"},
        {"--url https://127.0.0.1:1 --api-key K", "TLS"},
        {"--url ftp://127.0.0.1 --api-key K", "http://127.0.0.1:8080"},
        {"--url http://127.0.0.1:1/x --api-key K", "path"},
        {"--url http://127.0.0.1: --api-key K", "port"},
        {"--url http://192.0.2.7:1 --api-key K", "--yes-remote"},
        {"--url http://127.0.0.1:1 --api-key K --conections 5", "--conections"},
        {"--url http://127.0.0.1:1 --api-key K --connections 0", "--connections"},
        {"--url http://127.0.0.1:1 --api-key K --connections", "wants a value"},
        {"--url http://127.0.0.1:1 --api-key K --keep=1", "takes no value"},
        {"--url http://127.0.0.1:1 --api-key K --scenario storm", "fanout"},
        {"--url http://127.0.0.1:1 --api-key K --loop half", "--loop"},
        {"--url http://127.0.0.1:1 --api-key K --loop closed --rate 5", "--rate"},
        {"--url http://127.0.0.1:1 --api-key K --rate fast", "--rate"},
        {"--url http://127.0.0.1:1 --api-key K --duration 5x", "--duration"},
        {"--url http://127.0.0.1:1 --api-key K --app-key A", "--app-secret"},
        {"--url http://127.0.0.1:1 --api-key K --slo p98=1ms", "p98"},
        {"--url http://127.0.0.1:1 --api-key K --slo p99", "p99"},
        {"--url http://127.0.0.1:1 --api-key K --slo p99=fast", "time"},
        {"--url http://192.0.2.7:1 --yes-remote --api-key K --source-addresses 4", "--source-addresses"},
    };

    (void)state;
    unsetenv("RECALL_LOAD_API_KEY");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
        struct options o;
        char error[400] = "";

        assert_int_equal(read_line(&o, wrong[i].line, error), OPTIONS_WRONG);
        if (strstr(error, wrong[i].named) == NULL)
            fail_msg("%s: \"%s\" names no %s", wrong[i].line, error, wrong[i].named);
    }
}

static void keys_may_come_from_the_environment(void **state)
{
    struct options o;
    char error[400] = "";

    (void)state;
    setenv("RECALL_LOAD_API_KEY", "from-outside", 1);
    assert_int_equal(read_line(&o, "--url http://127.0.0.1:1", error), OPTIONS_RUN);
    assert_string_equal(o.api_key, "from-outside");
    assert_int_equal(read_line(&o, "--url http://127.0.0.1:1 --api-key K", error), OPTIONS_RUN);
    assert_string_equal(o.api_key, "K");
    unsetenv("RECALL_LOAD_API_KEY");
}

static void durations_have_units(void **state)
{
    int64_t ns = 0;

    (void)state;
    assert_true(options_duration("500us", 1, &ns) && ns == 500000);
    assert_true(options_duration("1.5s", 1, &ns) && ns == 1500000000);
    assert_true(options_duration("2", 1000000, &ns) && ns == 2000000);
    assert_true(options_duration("8h", 1, &ns) && ns == INT64_C(28800000000000));
    assert_false(options_duration("", 1, &ns) || options_duration("s", 1, &ns) ||
                 options_duration("-1s", 1, &ns) || options_duration("1 s", 1, &ns) ||
                 options_duration("nan", 1, &ns));
}

/* --- slo.h --- */

static void limits_are_judged_by_what_was_measured(void **state)
{
    struct slo_list list = {.count = 0};
    struct figures f;
    char error[200] = "";

    (void)state;
    assert_true(figures_init(&f));
    for (int i = 0; i < 100; i++)
        histogram_record(&f.delivery[FIGURES_MESSAGE], i < 99 ? 1000000 : 60000000);
    f.start_ns = 1;
    f.end_ns = 1000000001;
    f.deliveries = 100;
    figures_end(&f);
    assert_true(slo_read(&list, "p50=2ms,p99=2ms,max=50,lost=0,deliveries=99", error, sizeof(error)));
    assert_false(slo_judge(&list, &f)); /* of `max` alone; a bare number is ms */
    assert_true(list.limits[0].kept && list.limits[1].kept && !list.limits[2].kept && list.limits[3].kept &&
                list.limits[4].kept);
    f.lost = 1;
    list.count = 0;
    assert_true(slo_read(&list, "lost=0", error, sizeof(error)));
    assert_false(slo_judge(&list, &f));
    list.count = 0;
    assert_true(slo_read(&list, "deliveries=101", error, sizeof(error)));
    assert_false(slo_judge(&list, &f)); /* of a rate the limit is the least */
    list.count = 0;
    assert_true(slo_read(&list, "resume-p99=1h", error, sizeof(error)));
    assert_false(slo_judge(&list, &f)); /* nobody resumed: it was not measured */
    figures_free(&f);
}

static void a_slope_is_that_of_the_line_behind_the_warm_up(void **state)
{
    struct figures f;

    (void)state;
    assert_true(figures_init(&f));
    for (int i = 1; i <= 40; i++) {
        const struct figures_second s = {
            .at_s = i, .span_s = 1, .server_rss = i <= 10 ? 1000.0 * i : 10000.0 + 2 * i, .server_cpu = 50};

        assert_true(figures_second(&f, &s));
    }
    figures_end(&f);
    assert_true(f.slope_known);
    assert_true(f.rss_slope > 7199.9 && f.rss_slope < 7200.1);
    assert_true(f.cpu_slope > -0.01 && f.cpu_slope < 0.01);
    figures_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_are_read_in_any_pieces),
        cmocka_unit_test(one_reader_reads_many_answers),
        cmocka_unit_test(a_body_may_end_with_the_connection),
        cmocka_unit_test(what_is_no_answer_is_refused),
        cmocka_unit_test(the_command_of_the_manual_is_read),
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(keys_may_come_from_the_environment),
        cmocka_unit_test(durations_have_units),
        cmocka_unit_test(limits_are_judged_by_what_was_measured),
        cmocka_unit_test(a_slope_is_that_of_the_line_behind_the_warm_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
