/* Times as text, both ways; days of time zones. */
#include "base/clock.h"
#include "base/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)

static int64_t at(const char *text)
{
    int64_t ms = -1;
    assert_true(clock_parse(text, strlen(text), &ms));
    return ms;
}

static void is_refused(const char *text)
{
    int64_t ms = 77;
    assert_false(clock_parse(text, strlen(text), &ms));
    assert_int_equal(ms, 77);
}

static void known_times(void **state)
{
    (void)state;
    char text[CLOCK_ISO_SIZE];
    clock_format_iso(1558435921086, text);
    assert_string_equal(text, "2019-05-21T10:52:01.086Z");
    clock_format_iso(0, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    clock_format_iso(-1, text);
    assert_string_equal(text, "1969-12-31T23:59:59.999Z");
    clock_format_iso(CLOCK_MS_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
    clock_format_iso(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void spellings(void **state)
{
    (void)state;
    assert_int_equal(at("2019-05-21T10:52:01.086Z"), 1558435921086);
    assert_int_equal(at("2019-05-21T10:52:01.0869999Z"), 1558435921086);
    assert_int_equal(at("2019-05-21T10:52:01.1Z"), 1558435921100);
    assert_int_equal(at("2019-05-21T18:52:01.086+08:00"), 1558435921086);
    assert_int_equal(at("2019-05-21T18:52:01.086+0800"), 1558435921086);
    assert_int_equal(at("2019-05-21T05:22:01.086-05:30"), 1558435921086);
    assert_int_equal(at("2019-05-21 10:52:01.086"), 1558435921086);
    assert_int_equal(at("2019-05-21T10:52"), 1558435920000);
    assert_int_equal(at("2019-05-21"), 1558396800000);
    assert_int_equal(at("1558435921086"), 1558435921086);
    assert_int_equal(at("-5"), -5);
    assert_int_equal(at("2024-02-29T00:00:00Z"), 1709164800000);
    assert_int_equal(at("2016-12-31T23:59:60Z"), 1483228800000);
}

static void nonsense(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "-",
                                        "soon",
                                        "2019-13-01",
                                        "2019-02-29",
                                        "2019-05-32",
                                        "2019-00-10",
                                        "2019-05-21T",
                                        "2019-05-21T24:00",
                                        "2019-05-21T10:60",
                                        "2019-05-21T10:52:61",
                                        "2019-05-21T10:52:01.",
                                        "2019-05-21T10:52Zx",
                                        "2019-05-21T10:52+",
                                        "2019-05-21T10:52+25:00",
                                        "2019-5-21",
                                        "1558435921086x",
                                        "1.5",
                                        "1234567890123456",
                                        "+5",
                                        " 5"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        is_refused(wrong[i]);
    }
}

/* Every day of nine centuries, against the C library. */
static void days_against_libc(void **state)
{
    (void)state;
    for (int64_t day = -200000; day < 130000; day++) {
        int64_t year;
        unsigned month;
        unsigned d;
        time_t t = (time_t)(day * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&t, &tm));
        clock_date_from_days(day, &year, &month, &d);
        if (year != tm.tm_year + 1900 || (int)month != tm.tm_mon + 1 || (int)d != tm.tm_mday ||
            clock_days_from_date(year, month, d) != day) {
            fail_msg("day %lld", (long long)day);
        }
    }
}

static void both_clocks_run(void **state)
{
    (void)state;
    uint64_t before = clock_mono_ns();
    int64_t wall = clock_wall_ms();
    struct timespec pause = {0, 3000000};
    (void)nanosleep(&pause, NULL);
    assert_true(clock_mono_ns() - before >= 3000000);
    assert_true(clock_wall_ms() >= wall);
    assert_true(wall > INT64_C(1700000000000));
    assert_true(clock_mono_ms() >= (int64_t)(before / 1000000));
}

static void fixed_zones(void **state)
{
    (void)state;
    struct zone *utc = zone_create("UTC");
    struct zone *east = zone_create("+08:00");
    assert_non_null(utc);
    assert_non_null(east);
    int64_t ms = at("2024-05-01T17:30:00Z");
    assert_int_equal(zone_day_start(utc, ms), at("2024-05-01T00:00:00Z"));
    assert_int_equal(zone_day_start(east, ms), at("2024-05-02T00:00:00+08:00"));
    assert_int_equal(zone_day(east, ms), zone_day(utc, ms) + 1);
    assert_int_equal(zone_day(utc, -1), -1);
    assert_null(zone_create("+8"));
    assert_null(zone_create("+15:00"));
    assert_null(zone_create(""));
    assert_null(zone_create("../../etc/passwd"));
    assert_null(zone_create("/etc/localtime"));
    assert_null(zone_create("Mars/Olympus"));
    zone_free(utc);
    zone_free(east);
    zone_free(NULL);
}

static void named_zones(void **state)
{
    (void)state;
    struct zone *shanghai = zone_create("Asia/Shanghai");
    struct zone *berlin = zone_create("Europe/Berlin");
    struct zone *beirut = zone_create("Asia/Beirut");
    if (shanghai == NULL || berlin == NULL || beirut == NULL) {
        /* No tzdata here: nothing to compare with. */
        zone_free(shanghai);
        zone_free(berlin);
        zone_free(beirut);
        skip();
    }
    assert_int_equal(zone_offset(shanghai, at("2024-05-01T00:00:00Z")), 8 * 3600);
    assert_int_equal(zone_day_start(shanghai, at("2024-05-01T20:00:00Z")), at("2024-05-02T00:00:00+08:00"));
    /* The night in which the clock goes forward at 02:00 has 23 hours, and both halves the same start. */
    int64_t start = at("2024-03-31T00:00:00+01:00");
    assert_int_equal(zone_day_start(berlin, at("2024-03-31T00:30:00Z")), start);
    assert_int_equal(zone_day_start(berlin, at("2024-03-31T21:59:59.999Z")), start);
    assert_int_equal(zone_day_start(berlin, at("2024-03-31T22:00:00Z")), start + 23 * HOUR);
    /* There the clock goes from 24:00 to 1:00: the day starts at 1:00 summer time, and has no hour 0. */
    assert_int_equal(zone_day_start(beirut, at("2022-03-27T12:00:00Z")), at("2022-03-27T01:00:00+03:00"));
    for (int64_t ms = at("2024-01-01"); ms < at("2025-01-01"); ms += 7 * HOUR) {
        assert_int_equal(zone_day(berlin, zone_day_start(berlin, ms)), zone_day(berlin, ms));
        assert_int_equal(zone_day(berlin, zone_day_start(berlin, ms) - 1), zone_day(berlin, ms) - 1);
        assert_true(ms - zone_day_start(berlin, ms) < DAY + HOUR);
    }
    zone_free(shanghai);
    zone_free(berlin);
    zone_free(beirut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_times),       cmocka_unit_test(spellings),       cmocka_unit_test(nonsense),
        cmocka_unit_test(days_against_libc), cmocka_unit_test(both_clocks_run), cmocka_unit_test(fixed_zones),
        cmocka_unit_test(named_zones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
