/* api/rc_replay.h: a signature is good once, as long as it is remembered. */
#include "api/rc_replay.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

/* Signature number `i`, of 40 hex digits. */
static struct str signature(uint64_t i, char out[41])
{
    (void)snprintf(out, 41, "%016llx%024d", (unsigned long long)(i * UINT64_C(0x9E3779B97F4A7C15)), 0);
    return str_c(out);
}

static void a_signature_is_good_once(void **state)
{
    struct rc_replay *r = rc_replay_create();
    char text[41];

    (void)state;
    assert_non_null(r);
    assert_false(rc_replay_used(r, signature(1, text)));
    assert_true(rc_replay_used(r, signature(1, text)));
    assert_false(rc_replay_used(r, signature(2, text)));
    assert_true(rc_replay_used(r, signature(1, text)));
    rc_replay_free(r);
}

static void the_oldest_is_forgotten_first(void **state)
{
    struct rc_replay *r = rc_replay_create();
    char text[41];

    (void)state;
    assert_non_null(r);
    for (uint64_t i = 0; i < RC_REPLAY_KEPT; i++)
        assert_false(rc_replay_used(r, signature(i, text)));
    assert_true(rc_replay_used(r, signature(0, text)));
    assert_false(rc_replay_used(r, signature(RC_REPLAY_KEPT, text))); /* takes the place of the oldest */
    assert_false(rc_replay_used(r, signature(0, text)));              /* and this of the second oldest */
    assert_true(rc_replay_used(r, signature(2, text)));
    assert_true(rc_replay_used(r, signature(RC_REPLAY_KEPT, text)));
    assert_false(rc_replay_used(r, signature(1, text)));
    rc_replay_free(r);
}

static void without_memory_nothing_is_remembered(void **state)
{
    char text[41];

    (void)state;
    assert_false(rc_replay_used(NULL, signature(1, text)));
    rc_replay_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signature_is_good_once),
        cmocka_unit_test(the_oldest_is_forgotten_first),
        cmocka_unit_test(without_memory_nothing_is_remembered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
