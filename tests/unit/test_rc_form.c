/* api/rc_form.h: forms as RongCloud's SDKs really write them. */
#include "api/rc_form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const known[] = {"extra", "isAdmin", "fromUserId", NULL};

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct arena));
    return *state == NULL;
}

static int tear_down(void **state)
{
    arena_free(*state);
    free(*state);
    return 0;
}

static struct rc_form parse(void **state, const char *body)
{
    struct rc_form form;
    struct rc_form_error err;

    assert_true(rc_form_parse(*state, str_c(body), known, &form, &err));
    return form;
}

static void has(const struct rc_form *form, const char *name, const char *value)
{
    const struct str got = rc_form_get(form, name);

    if (value == NULL) {
        assert_null(got.p);
        return;
    }
    assert_non_null(got.p);
    assert_int_equal(got.n, strlen(value));
    assert_memory_equal(got.p, value, got.n);
}

static void percent_and_plus_are_decoded(void **state)
{
    const struct rc_form f = parse(state, "fromUserId=a%26b%3Dc+d&extra=%E4%BD%A0&chatroom%5Bx%20y%5D=n");
    struct str key, value;
    size_t at = 0;

    has(&f, "fromUserId", "a&b=c d");
    has(&f, "extra", "\xE4\xBD\xA0");
    assert_true(rc_form_next_keyed(&f, "chatroom", &at, &key, &value));
    assert_true(str_eq(key, STR("x y")) && str_eq(value, STR("n")));
    assert_false(rc_form_next_keyed(&f, "chatroom", &at, &key, &value));
}

static void raw_values_stay_whole(void **state)
{
    const struct rc_form f = parse(state, "content={\"content\":\"http://h/p?q=1, 100% :;\"}&extra=why? & x&isAdmin=0");

    has(&f, "content", "{\"content\":\"http://h/p?q=1, 100% :;\"}");
    has(&f, "extra", "why? & x");
    has(&f, "isAdmin", "0");
}

static void a_piece_that_is_no_parameter_belongs_to_the_value_before(void **state)
{
    struct rc_form f = parse(state, "content={\"a\":\"x & y\",\"b\" & \"c=d\"}&fromUserId=u");

    has(&f, "content", "{\"a\":\"x & y\",\"b\" & \"c=d\"}");
    has(&f, "fromUserId", "u");
    f = parse(state, "extra=a && b&&&isAdmin=1&&");
    has(&f, "extra", "a && b");
    has(&f, "isAdmin", "1");
}

static void a_name_begins_a_parameter(void **state)
{
    /* A word before "=" cannot be told from a parameter, and a parameter's name needs no "=". */
    struct rc_form f = parse(state, "extra=a&b=c");

    has(&f, "extra", "a");
    has(&f, "b", "c");
    f = parse(state, "fromUserId=u&extra&isAdmin=1");
    has(&f, "fromUserId", "u");
    has(&f, "extra", NULL);
    has(&f, "isAdmin", "1");
}

static void what_was_not_set_is_absent(void **state)
{
    const struct rc_form f = parse(state, "a=undefined&b=null&c=&d=Undefined&e=0&e=1&f=&f=x");

    has(&f, "a", NULL);
    has(&f, "b", NULL);
    has(&f, "c", NULL);
    has(&f, "d", "Undefined");
    has(&f, "e", "0");
    has(&f, "f", "x");
    has(&f, "g", NULL);
}

static void repeated_keys_are_a_list(void **state)
{
    const struct rc_form f = parse(state, "to=a&x=1&to=b&to=undefined&to%5B%5D=c&to[7]=d&to[y]=e&tom=f&to=");
    static const char *const want[] = {"a", "b", "c", "d"};
    struct str value;
    size_t at = 0, n = 0;

    for (; rc_form_next(&f, "to", &at, &value); n++) {
        assert_in_range(n, 0, 3);
        assert_true(str_eq(value, str_c(want[n])));
    }
    assert_int_equal(n, 4);
}

static void what_is_no_text_is_refused_by_name(void **state)
{
    struct rc_form_error err;
    struct rc_form form;

    assert_false(rc_form_parse(*state, STR("ok=1&bad=%FF"), known, &form, &err));
    assert_false(err.too_many);
    assert_non_null(strstr(err.text, "bad"));
    assert_false(rc_form_parse(*state, STR("zero=a%00b"), known, &form, &err));
    assert_non_null(strstr(err.text, "zero"));
    assert_false(rc_form_parse(*state, STR("a=1&%FF=2"), known, &form, &err));
}

static void the_number_of_parameters_is_bounded(void **state)
{
    char *body = malloc(2 * (RC_FORM_PAIRS + 1) + 1);
    struct rc_form_error err;
    struct rc_form form;

    assert_non_null(body);
    for (size_t i = 0; i <= RC_FORM_PAIRS; i++)
        memcpy(body + 2 * i, "=&", 2);
    for (size_t i = 0; i <= RC_FORM_PAIRS; i++)
        body[2 * i] = 'a';
    assert_true(rc_form_parse(*state, str_n(body, 2 * RC_FORM_PAIRS), known, &form, &err)); /* one long value */
    assert_int_equal(form.n, 1);
    free(body);
    body = malloc(3 * (RC_FORM_PAIRS + 1));
    assert_non_null(body);
    for (size_t i = 0; i <= RC_FORM_PAIRS; i++)
        memcpy(body + 3 * i, "a=&", 3);
    assert_true(rc_form_parse(*state, str_n(body, 3 * RC_FORM_PAIRS), known, &form, &err));
    assert_int_equal(form.n, RC_FORM_PAIRS);
    assert_false(rc_form_parse(*state, str_n(body, 3 * (RC_FORM_PAIRS + 1)), known, &form, &err));
    assert_true(err.too_many);
    free(body);
}

static void an_object_is_read_as_a_form(void **state)
{
    json_t *object = json_loads("{\"u\":\"a\",\"n\":7,\"t\":true,\"f\":false,\"none\":null,\"list\":[\"x\",2,null],\"empty\":[],"
                                "\"deep\":{\"k\":[1]}}",
                                0, NULL);
    struct rc_form f;
    struct rc_form_error err;
    struct str value;
    size_t at = 0;

    assert_non_null(object);
    assert_true(rc_form_from_json(*state, object, &f, &err));
    has(&f, "u", "a");
    has(&f, "n", "7");
    has(&f, "t", "true");
    has(&f, "f", "false");
    has(&f, "none", NULL);
    has(&f, "empty", NULL);
    has(&f, "deep", "{\"k\":[1]}");
    assert_true(rc_form_next(&f, "list", &at, &value) && str_eq(value, STR("x")));
    assert_true(rc_form_next(&f, "list", &at, &value) && str_eq(value, STR("2")));
    assert_false(rc_form_next(&f, "list", &at, &value));
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(percent_and_plus_are_decoded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(raw_values_stay_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_piece_that_is_no_parameter_belongs_to_the_value_before, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_begins_a_parameter, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_was_not_set_is_absent, set_up, tear_down),
        cmocka_unit_test_setup_teardown(repeated_keys_are_a_list, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_text_is_refused_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_number_of_parameters_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_object_is_read_as_a_form, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
