/* What is done in steps, so that one call does not keep every other from the store: sends to many, a large group's end, the log of an hour. */
#include "core/history_log.h"
#include "publish_fixture.h"

#define TARGETS 60U
#define LARGE (100U << 10)
#define START INT64_C(1642750828920)
#define HOUR INT64_C(3600000)

/* --- sends --- */

struct send_step {
    const struct publish_command *c;
    size_t first;
};

static struct publish_sent step_sent[SENT_MAX];
static char step_ids[SENT_MAX][24];
static size_t step_next;

static enum result do_send_step(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct send_step *s = arg;
    const enum result rc = publish_send_some(tx, s->c, s->first, step_sent, &step_next, &out);

    (void)who;
    for (size_t i = s->first; rc == RESULT_OK && i < step_next; i++) { /* beyond the transaction, as a caller does */
        assert_int_equal(step_sent[i].message.n, 19);
        memcpy(step_ids[i], step_sent[i].message.p, 19);
        step_sent[i].message = str_c(step_ids[i]);
    }
    return rc;
}

static struct publish_command large_to(struct str *targets, char names[][8], size_t n)
{
    static char content[LARGE + 16];
    struct publish_command c = text_to(PUBLISH_PRIVATE, "ann", targets);

    for (size_t i = 0; i < n; i++) {
        snprintf(names[i], sizeof(names[i]), "u%zu", i % (TARGETS - 1)); /* the last is the first again */
        targets[i] = str_c(names[i]);
    }
    memset(content, 'x', sizeof(content));
    memcpy(content, "{\"content\":\"", 12);
    memcpy(content + LARGE, "\"}", 3);
    c.content = str_c(content);
    c.target_count = n;
    return c;
}

static void test_a_large_message_to_many_is_sent_in_parts(void **state)
{
    struct str targets[TARGETS] = {STR_NULL};
    char names[TARGETS][8];
    const struct publish_command c = large_to(targets, names, TARGETS);
    struct send_step s = {&c, 0};
    size_t parts = 0;

    (void)state;
    for (; s.first < TARGETS; s.first = step_next, parts++) {
        assert_int_equal(act(NULL, do_send_step, &s), RESULT_OK);
        assert_true(step_next > s.first);
        assert_true((step_next - s.first) * LARGE <= (2U << 20)); /* what a part may hold */
    }
    assert_true(parts > 2);
    assert_string_equal(step_ids[TARGETS - 1], step_ids[0]);
    for (size_t i = 0; i + 1 < TARGETS; i++) {
        char room[40];

        snprintf(room, sizeof(room), "~private/ann/%.7s", names[i]);
        assert_true(look_at(room, step_ids[i]).found);
        assert_int_equal(look_at(room, NULL).seq, 2);
    }
}

static void test_a_small_message_to_the_most_targets_is_one_part(void **state)
{
    static struct str targets[SENT_MAX];
    static char names[SENT_MAX][8];
    struct publish_command c = large_to(targets, names, SENT_MAX);
    const struct send_step s = {&c, 0};

    (void)state;
    c.content = STR("{\"content\":\"hello\"}");
    assert_int_equal(act(NULL, do_send_step, &s), RESULT_OK);
    assert_int_equal(step_next, SENT_MAX);
}

/* --- a group's end --- */

static enum result do_room_of(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return room_get(tx, who, str_c(arg), &out);
}

static enum result do_fill(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const size_t from = *(const size_t *)arg;
    struct str users[GROUP_USERS_MAX];

    (void)who;
    for (size_t i = 0; i < GROUP_USERS_MAX; i++)
        users[i] = arena_printf(tx->arena, "m%zu", from + i);
    return from == 0 ? group_create(tx, STR("big"), STR_NULL, users, GROUP_USERS_MAX, &out)
                     : group_join(tx, STR("big"), STR_NULL, users, GROUP_USERS_MAX, &out);
}

static enum result do_dismiss(struct core_tx *tx, const struct principal *who, const void *arg)
{
    (void)who;
    return group_dismiss(tx, STR("big"), *(const int64_t *)arg, &out);
}

static void test_a_large_group_is_dismissed_in_steps(void **state)
{
    int64_t done = 0, steps = 0;

    (void)state;
    for (size_t from = 0; from < 3 * GROUP_USERS_MAX; from += GROUP_USERS_MAX)
        assert_int_equal(act(NULL, do_fill, &from), RESULT_OK);
    do {
        assert_int_equal(act(NULL, do_dismiss, &done), RESULT_OK);
        assert_true(out.count - done <= (int64_t)GROUP_USERS_MAX);
        done = out.count;
        steps++;
    } while (out.more);
    assert_int_equal(done, 3 * GROUP_USERS_MAX);
    assert_true(steps > 2);
    assert_int_equal(act("m2999", do_room_of, "big"), RESULT_NOT_MEMBER);
}

static void test_a_dismissal_that_was_cut_off_is_finished_by_the_next(void **state)
{
    const int64_t none = 0;
    const size_t first = 0, second = GROUP_USERS_MAX;

    (void)state;
    assert_int_equal(act(NULL, do_fill, &first), RESULT_OK);
    assert_int_equal(act(NULL, do_fill, &second), RESULT_OK);
    assert_int_equal(act(NULL, do_dismiss, &none), RESULT_OK);
    assert_true(out.more); /* and here the server was killed */
    assert_int_equal(act(NULL, do_dismiss, &none), RESULT_OK);
    assert_int_equal(out.count, GROUP_USERS_MAX);
    assert_int_equal(act("m1999", do_room_of, "big"), RESULT_NOT_MEMBER);
}

static void test_a_group_made_anew_meanwhile_keeps_its_members(void **state)
{
    const int64_t none = 0;
    const size_t first = 0, second = GROUP_USERS_MAX;
    int64_t done;

    (void)state;
    assert_int_equal(act(NULL, do_fill, &first), RESULT_OK);
    assert_int_equal(act(NULL, do_fill, &second), RESULT_OK);
    assert_int_equal(act(NULL, do_dismiss, &none), RESULT_OK);
    done = out.count;
    assert_int_equal(make_group("big", "cho", NULL), RESULT_OK);
    assert_int_equal(act(NULL, do_dismiss, &done), RESULT_OK);
    assert_false(out.more);
    assert_int_equal(act("cho", do_room_of, "big"), RESULT_OK);
}

/* --- the log of an hour --- */

static struct history_log hour;

static enum result do_log_step(struct core_tx *tx, const struct principal *who, const void *arg)
{
    (void)who;
    return history_log_lines(tx, START, START + HOUR, *(const int64_t *)arg, &hour, &out);
}

static size_t count_of(const char *needle)
{
    size_t n = 0;

    for (const char *at = hour.p; (at = memmem(at, hour.len - (size_t)(at - hour.p), needle, strlen(needle))) != NULL; at++)
        n++;
    return n;
}

static void test_a_long_log_is_written_in_steps(void **state)
{
    static struct str targets[SENT_MAX];
    static char names[SENT_MAX][8];
    struct publish_command c = large_to(targets, names, 50);
    int64_t done = 0;
    size_t steps = 0;
    char uid[72];

    (void)state;
    c.content = STR("{\"content\":\"hello\"}");
    for (int i = 0; i < 60; i++) {
        clock_ms = START + i;
        assert_int_equal(publish(&c), RESULT_OK);
        if (i == 5) {
            say(PUBLISH_PRIVATE, "ann", "ben", uid);
            assert_int_equal(take_back(CONVERSATION_PRIVATE, "ann", "ben", uid), RESULT_OK);
        }
    }
    do {
        assert_int_equal(act(NULL, do_log_step, &done), RESULT_OK);
        assert_int_equal(act(NULL, do_log_step, &done), RESULT_OK); /* a step that was cut off is run again */
        done = out.count;
        steps++;
    } while (out.more);
    assert_true(steps > 1);
    assert_int_equal(count_of("\"classname\":\"RC:TxtMsg\""), 3001);
    assert_int_equal(count_of("\"classname\":\"RC:RcCmd\""), 1);
    assert_int_equal(count_of("\n"), 3002);
    for (size_t i = 0; i + 1 < 60; i++) { /* by time */
        char this[40], next[40];

        snprintf(this, sizeof(this), "\"timestamp\":%lld,", (long long)START + (long long)i);
        snprintf(next, sizeof(next), "\"timestamp\":%lld,", (long long)START + (long long)i + 1);
        assert_int_equal(count_of(this), i == 5 ? 52 : 50);
        assert_true(memmem(hour.p, hour.len, this, strlen(this)) < memmem(hour.p, hour.len, next, strlen(next)));
    }
    history_log_free(&hour);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_large_message_to_many_is_sent_in_parts),
        TEST(test_a_small_message_to_the_most_targets_is_one_part),
        TEST(test_a_large_group_is_dismissed_in_steps),
        TEST(test_a_dismissal_that_was_cut_off_is_finished_by_the_next),
        TEST(test_a_group_made_anew_meanwhile_keeps_its_members),
        TEST(test_a_long_log_is_written_in_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
