/* A device that comes back: when nothing about it has to be written. */
#include "core_fixture.h"

#include "core/device.h"

#define T0   INT64_C(1790000000000)
#define HOUR INT64_C(3600000)
#define DAYS 30

/* user, device, package */
static enum result do_seen(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    (void)who;
    device_seen(tx, str_c(n->room), str_c(n->user), STR("ack,recall"), str_c(n->value), 1, DAYS);
    return RESULT_OK;
}

static bool found;

static enum result do_ask(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;
    const struct str caps = str_c(who->user.p != NULL ? "ack" : "ack,recall");

    found = device_noted(tx, str_c(n->room), str_c(n->user), caps, str_c(n->value));
    return RESULT_OK;
}

static bool noted(const char *user, const char *device, const char *package)
{
    assert_int_equal(act(NULL, do_ask, N3(user, device, package)), RESULT_OK);
    return found;
}

static void only_the_same_device_with_the_same_abilities_and_packages_is_noted(void **unused)
{
    (void)unused;
    clock_ms = T0;
    assert_false(noted("ann", "phone", ""));
    assert_int_equal(act(NULL, do_seen, N3("ann", "phone", "shop")), RESULT_OK);
    assert_true(noted("ann", "phone", ""));
    assert_true(noted("ann", "phone", "shop"));
    assert_false(noted("ann", "phone", "other"));
    assert_false(noted("ann", "tablet", ""));
    assert_false(noted("ben", "phone", ""));
    assert_int_equal(act("ann", do_ask, N3("ann", "phone", "")), RESULT_OK);
    assert_false(found); /* it cannot recall any more */
}

static void a_device_that_was_seen_an_hour_ago_is_to_be_noted_again(void **unused)
{
    (void)unused;
    clock_ms = T0;
    assert_int_equal(act(NULL, do_seen, N3("ann", "phone", "")), RESULT_OK);
    clock_ms = T0 + HOUR - 1;
    assert_true(noted("ann", "phone", ""));
    clock_ms = T0 + HOUR;
    assert_false(noted("ann", "phone", ""));
    assert_int_equal(act(NULL, do_seen, N3("ann", "phone", "")), RESULT_OK);
    assert_true(noted("ann", "phone", ""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(only_the_same_device_with_the_same_abilities_and_packages_is_noted),
        TEST(a_device_that_was_seen_an_hour_ago_is_to_be_noted_again),
    };

    return cmocka_run_group_tests_name("devices", tests, NULL, NULL);
}
