/* Which answers show a message that was recalled while they were on their way. */
#include "api/recalled.h"
#include "proto/codec/json_out.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define APP 3

static int start(void **state)
{
    *state = recalled_create();
    return *state == NULL;
}

static int stop(void **state)
{
    recalled_free(*state);
    return 0;
}

static bool shown(struct recalled *r, uint64_t mark, const char *body)
{
    return recalled_shown(r, APP, &mark, body, strlen(body));
}

static void a_message_recalled_since_the_mark_is_found_by_its_id(void **state)
{
    struct recalled *r = *state;
    const uint64_t before = recalled_mark(r);
    uint64_t mark = before;

    recalled_note(r, APP, STR("m1"));
    assert_true(shown(r, before, "[{\"_id\":\"m0\"},{\"_id\":\"m1\",\"message\":\"x\"}]"));
    assert_true(shown(r, before, "{\"_id\":\"q\",\"reply\":{\"_id\":\"m1\"}}"));
    assert_false(shown(r, before, "{\"_id\":\"m10\"}"));
    assert_false(shown(r, before, "{\"_id\":\"m\"}"));
    assert_false(shown(r, before, "{\"id\":\"m1\",\"message\":\"m1\"}"));
    assert_false(shown(r, before, "{\"_id\":\"m1"));
    assert_false(shown(r, before, ""));
    assert_false(shown(r, recalled_mark(r), "{\"_id\":\"m1\"}"));
    /* Asked again, only what came in between counts. */
    assert_true(recalled_shown(r, APP, &mark, "{\"_id\":\"m1\"}", 12));
    assert_false(recalled_shown(r, APP, &mark, "{\"_id\":\"m1\"}", 12));
    recalled_note(r, APP, STR("m1"));
    assert_true(recalled_shown(r, APP, &mark, "{\"_id\":\"m1\"}", 12));
}

static void another_apps_message_of_the_same_id_is_another(void **state)
{
    struct recalled *r = *state;
    const uint64_t mark = recalled_mark(r);

    recalled_note(r, APP + 1, STR("m1"));
    assert_false(shown(r, mark, "{\"_id\":\"m1\"}"));
}

static void ids_that_json_escapes_are_found(void **state)
{
    static const char *const ids[] = {"a\"b", "back\\slash", "<b>", "\xe2\x80\xa8", "\\\"", "ümlaut"};
    struct recalled *r = *state;

    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        const uint64_t mark = recalled_mark(r);
        struct json_out o;

        recalled_note(r, APP, str_c(ids[i]));
        json_out_init(&o);
        json_out_object(&o);
        json_out_kcstr(&o, "_id", ids[i]);
        json_out_object_end(&o);
        assert_true(json_out_ok(&o));
        assert_true(recalled_shown(r, APP, &(uint64_t){mark}, o.p, o.len));
        json_out_free(&o);
    }
}

/* In RongCloud's dialect a message's id stands under other names, and a quote's inside a text that is itself JSON. */
static void ids_under_rongclouds_names_are_found(void **state)
{
    static const char *const bodies[] = {
        "{\"data\":[{\"messageUID\":\"m1\",\"content\":\"x\"}]}",
        "PK..{\"msgUID\":\"m0\"}\n{\"content\":{},\"msgUID\":\"m1\"}\n..PK",
        "{\"messageUID\":\"m0\",\"content\":{\"referMsg\":{},\"referMsgUid\":\"m1\"}}",
        "{\"messageUID\":\"m0\",\"content\":\"{\\\"referMsgUid\\\":\\\"m1\\\"}\"}",
        "{\"content\":\"{\\\"referMsgUid\\\":\\\"a\\\\\\\"b\\\"}\"}", /* an id that is escaped twice: it might be */
    };
    struct recalled *r = *state;
    const uint64_t mark = recalled_mark(r);

    recalled_note(r, APP, STR("m1"));
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
        assert_true(shown(r, mark, bodies[i]));
    assert_false(shown(r, mark, "{\"messageUID\":\"m2\",\"content\":\"{\\\"referMsgUid\\\":\\\"m10\\\"}\"}"));
    assert_false(shown(r, mark, "{\"userId\":\"m1\",\"content\":\"{\\\"referMsgUid\\\":\\\"m1"));
}

static void what_is_kept_goes_round_and_more_than_that_counts_as_shown(void **state)
{
    struct recalled *r = *state;
    char id[32], body[64];

    /* Three times around, looking at the window's two ends. */
    for (unsigned i = 1; i <= 3 * RECALLED_KEPT; i++) {
        (void)snprintf(id, sizeof(id), "m%u", i);
        recalled_note(r, APP, str_c(id));
        if (i < RECALLED_KEPT || i % 97 != 0)
            continue;
        (void)snprintf(body, sizeof(body), "{\"_id\":\"m%u\"}", i - RECALLED_KEPT + 1);
        assert_true(shown(r, i - RECALLED_KEPT, body));
        assert_false(shown(r, i - RECALLED_KEPT + 1, body));
        (void)snprintf(body, sizeof(body), "{\"_id\":\"m%u\"}", i);
        assert_true(shown(r, i - 1, body));
        (void)snprintf(body, sizeof(body), "{\"_id\":\"m%u\"}", i - RECALLED_KEPT);
        assert_false(shown(r, i - RECALLED_KEPT, body));
    }
    assert_true(shown(r, recalled_mark(r) - RECALLED_KEPT - 1, "{}"));
    assert_false(shown(r, recalled_mark(r) - RECALLED_KEPT, "{}"));
}

static void without_it_nothing_is_known(void **state)
{
    uint64_t mark = recalled_mark(NULL);

    (void)state;
    recalled_note(NULL, APP, STR("m"));
    assert_false(recalled_shown(NULL, APP, &mark, "{\"_id\":\"m\"}", 11));
    recalled_free(NULL);
}

/* A large answer of `n` messages "m0", "m1", …; the caller frees it. */
static char *large_answer(size_t n, size_t *len)
{
    struct json_out o;

    json_out_init(&o);
    json_out_array(&o);
    for (size_t i = 0; i < n; i++) {
        char id[24];

        snprintf(id, sizeof(id), "m%zu", i);
        json_out_object(&o);
        json_out_kcstr(&o, i % 2 == 0 ? "_id" : "msgUID", id);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    assert_true(json_out_ok(&o));
    return json_out_take(&o, len);
}

static void a_large_answer_is_listed_once_and_then_asked_by_its_list(void **state)
{
    struct recalled *r = *state;
    uint64_t mark = recalled_mark(r);
    size_t len;
    char *text = large_answer(10000, &len);
    struct recalled_ids *ids = recalled_ids_make(APP, text, len);

    assert_non_null(ids);
    assert_null(recalled_ids_make(APP, text, 100)); /* a small one is searched */
    free(text);
    assert_false(recalled_listed(r, ids, &mark));
    recalled_note(r, APP, STR("m10000"));
    recalled_note(r, APP + 1, STR("m7"));
    assert_false(recalled_listed(r, ids, &mark));
    recalled_note(r, APP, STR("m7"));
    assert_true(recalled_listed(r, ids, &mark));
    assert_false(recalled_listed(r, ids, &mark));
    recalled_note(r, APP, STR("m9998"));
    recalled_note(r, APP, STR("elsewhere"));
    assert_true(recalled_listed(r, ids, &mark));
    for (unsigned i = 0; i <= RECALLED_KEPT; i++)
        recalled_note(r, APP, STR("elsewhere"));
    assert_true(recalled_listed(r, ids, &mark));
    recalled_ids_free(ids);
    recalled_ids_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_recalled_since_the_mark_is_found_by_its_id),
        TEST(another_apps_message_of_the_same_id_is_another),
        TEST(ids_that_json_escapes_are_found),
        TEST(ids_under_rongclouds_names_are_found),
        TEST(what_is_kept_goes_round_and_more_than_that_counts_as_shown),
        TEST(a_large_answer_is_listed_once_and_then_asked_by_its_list),
        TEST(without_it_nothing_is_known),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
