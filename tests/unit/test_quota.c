/* Quotas by the hour and the calendar day, and the tags of users. */
#include "base/zone.h"
#include "core/quota.h"
#include "core/tag.h"
#include "publish_fixture.h"

#define HOUR INT64_C(3600000)
/* 2026-03-01 00:00 UTC, 08:00 in Shanghai. */
#define MIDNIGHT INT64_C(1772323200000)

static enum result do_check(struct core_tx *tx, const struct principal *who, const void *arg)
{
    (void)who;
    return quota_check(tx, *(const enum quota_kind *)arg, &out);
}

/* Asks and, when allowed, does it. */
static enum result do_take(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const enum result rc = do_check(tx, who, arg);

    if (rc == RESULT_OK)
        quota_take(tx, *(const enum quota_kind *)arg);
    return rc;
}

static const enum quota_kind broadcast = QUOTA_BROADCAST, recall = QUOTA_BROADCAST_RECALL;

static enum result take_at(int64_t ms)
{
    clock_ms = ms;
    return act(NULL, do_take, &broadcast);
}

static void test_two_an_hour_and_the_hour_slides(void **state)
{
    (void)state;
    assert_int_equal(take_at(MIDNIGHT), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT), RESULT_OK); /* in the same millisecond */
    assert_int_equal(take_at(MIDNIGHT + 10 * 60000), RESULT_RATE_LIMITED);
    assert_int_equal(out.retry_after_s, 50 * 60);
    assert_non_null(strstr(out.text, "broadcasts_per_hour"));
    assert_int_equal(take_at(MIDNIGHT + HOUR - 1), RESULT_RATE_LIMITED);
    assert_int_equal(out.retry_after_s, 1);
    assert_int_equal(take_at(MIDNIGHT + HOUR), RESULT_OK);
}

static void test_three_a_calendar_day(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(take_at(MIDNIGHT + i * HOUR), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT + 20 * HOUR), RESULT_RATE_LIMITED);
    assert_int_equal(out.retry_after_s, 4 * 3600);
    assert_non_null(strstr(out.text, "broadcasts_per_day"));
    assert_int_equal(take_at(MIDNIGHT + 24 * HOUR - 1), RESULT_RATE_LIMITED);
    assert_int_equal(take_at(MIDNIGHT + 24 * HOUR), RESULT_OK);
}

static void test_the_day_is_the_zones(void **state)
{
    struct zone *utc = config->apps[0].time_zone;
    struct zone *east = zone_create("+08:00");

    (void)state;
    assert_non_null(east);
    config->apps[0].time_zone = east;
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(take_at(MIDNIGHT + i * HOUR), RESULT_OK);
    /* 16:00 UTC is midnight there. */
    assert_int_equal(take_at(MIDNIGHT + 15 * HOUR), RESULT_RATE_LIMITED);
    assert_int_equal(out.retry_after_s, 3600);
    assert_int_equal(take_at(MIDNIGHT + 16 * HOUR), RESULT_OK);
    config->apps[0].time_zone = utc;
    zone_free(east);
}

static void test_the_longer_wait_counts(void **state)
{
    (void)state;
    assert_int_equal(take_at(MIDNIGHT + 22 * HOUR), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT + 23 * HOUR + 30 * 60000), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT + 23 * HOUR + 40 * 60000), RESULT_OK);
    /* The day ends in ten minutes, the hour is free only in forty. */
    assert_int_equal(take_at(MIDNIGHT + 23 * HOUR + 50 * 60000), RESULT_RATE_LIMITED);
    assert_int_equal(out.retry_after_s, 40 * 60);
}

static void test_kinds_and_limits_are_their_own(void **state)
{
    (void)state;
    assert_int_equal(take_at(MIDNIGHT), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT), RESULT_OK);
    assert_int_equal(act(NULL, do_check, &recall), RESULT_OK);
    config->apps[0].broadcasts_per_hour = 5;
    config->apps[0].broadcasts_per_day = 0;
    for (int i = 0; i < 3; i++)
        assert_int_equal(take_at(MIDNIGHT + 1), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT + 1), RESULT_RATE_LIMITED);
    config->apps[0].broadcasts_per_hour = 0;
    for (int i = 0; i < 10; i++)
        assert_int_equal(take_at(MIDNIGHT + 2), RESULT_OK);
}

static void test_a_restart_forgets_nothing(void **state)
{
    (void)state;
    assert_int_equal(take_at(MIDNIGHT), RESULT_OK);
    assert_int_equal(take_at(MIDNIGHT + 1), RESULT_OK);
    fixture_restart(&store);
    assert_int_equal(take_at(MIDNIGHT + 2), RESULT_RATE_LIMITED);
}

static void count_rows(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    while (store_quota_nth(c, app_id, QUOTA_BROADCAST, 0, task->number + 1) != 0)
        task->number++;
}

static void test_old_rows_go(void **state)
{
    struct task task;

    (void)state;
    for (int64_t day = 0; day < 5; day++)
        assert_int_equal(take_at(MIDNIGHT + day * 24 * HOUR), RESULT_OK);
    task_init(&task, &store, count_rows, NULL);
    assert_true(store_submit_read(store.store, &task.job));
    fixture_await(&store, 1);
    assert_int_equal(task.number, 1);
}

/* --- tags --- */

struct tags {
    const char *user;
    const char *tags[22];
    size_t n;
};

static enum result do_tags(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct tags *t = arg;
    struct str tags[22], now[TAG_COUNT_MAX];
    enum result rc;
    size_t n;

    (void)who;
    for (size_t i = 0; i < t->n; i++)
        tags[i] = str_c(t->tags[i]);
    rc = tag_set(tx, str_c(t->user), tags, t->n, &out);
    if (rc != RESULT_OK)
        return rc;
    n = tag_list(tx, str_c(t->user), now, TAG_COUNT_MAX);
    json_out_array(&out.result);
    for (size_t i = 0; i < n; i++)
        json_out_str(&out.result, now[i].p, now[i].n);
    json_out_array_end(&out.result);
    return RESULT_OK;
}

static const char *tag_at(size_t i)
{
    return json_string_value(json_array_get(result, i));
}

static void test_setting_tags_replaces_them(void **state)
{
    const struct tags two = {"ann", {"b", "a", "b"}, 3}, one = {"ann", {"c"}, 1}, none = {"ann", {NULL}, 0};

    (void)state;
    assert_int_equal(act(NULL, do_tags, &two), RESULT_OK);
    assert_int_equal(json_array_size(result), 2);
    assert_string_equal(tag_at(0), "a");
    assert_string_equal(tag_at(1), "b");
    assert_int_equal(act(NULL, do_tags, &one), RESULT_OK);
    assert_int_equal(json_array_size(result), 1);
    assert_string_equal(tag_at(0), "c");
    assert_int_equal(act(NULL, do_tags, &none), RESULT_OK);
    assert_int_equal(json_array_size(result), 0);
}

static void test_bounds_of_tags(void **state)
{
    struct tags many = {"ann", {NULL}, 21}, edge = {"ann", {"1234567890123456789012345678901234567890"}, 1};
    static const char long_tag[] = "12345678901234567890123456789012345678901";

    (void)state;
    for (size_t i = 0; i < 21; i++)
        many.tags[i] = "t";
    assert_int_equal(act(NULL, do_tags, &many), RESULT_INVALID_BODY);
    assert_int_equal(act(NULL, do_tags, &edge), RESULT_OK);
    edge.tags[0] = long_tag;
    assert_int_equal(act(NULL, do_tags, &edge), RESULT_INVALID_BODY);
    assert_non_null(strstr(out.text, "tags[0]"));
}

static void held(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    for (int seq = 1; seq <= 3; seq++)
        task->number |= store_tag_held(c, app_id, STR("ann"), STR("vip"), seq) ? 1 << seq : 0;
}

static void test_a_tag_holds_for_the_broadcasts_of_its_time(void **state)
{
    const struct tags vip = {"ann", {"vip"}, 1}, none = {"ann", {NULL}, 0};
    struct task task;
    char uid[72];

    (void)state;
    say(PUBLISH_BROADCAST, "admin", NULL, uid); /* 1: before */
    assert_int_equal(act(NULL, do_tags, &vip), RESULT_OK);
    assert_int_equal(act(NULL, do_tags, &none), RESULT_OK);
    assert_int_equal(act(NULL, do_tags, &vip), RESULT_OK);
    say(PUBLISH_BROADCAST, "admin", NULL, uid); /* 2: while it held */
    assert_int_equal(act(NULL, do_tags, &none), RESULT_OK);
    say(PUBLISH_BROADCAST, "admin", NULL, uid); /* 3: after */
    task_init(&task, &store, held, NULL);
    assert_true(store_submit_read(store.store, &task.job));
    fixture_await(&store, 1);
    assert_int_equal(task.number, 1 << 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_two_an_hour_and_the_hour_slides),
        TEST(test_three_a_calendar_day),
        TEST(test_the_day_is_the_zones),
        TEST(test_the_longer_wait_counts),
        TEST(test_kinds_and_limits_are_their_own),
        TEST(test_a_restart_forgets_nothing),
        TEST(test_old_rows_go),
        TEST(test_setting_tags_replaces_them),
        TEST(test_bounds_of_tags),
        TEST(test_a_tag_holds_for_the_broadcasts_of_its_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
