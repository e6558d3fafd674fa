/* Ids have the form and the order that they promise. */
#include "base/id.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MANY 20000

static void message_ids_follow_time(void **state)
{
    (void)state;
    char before[ID_MESSAGE_SIZE] = "";
    for (int64_t ms = 1558435851576; ms < 1558435851576 + 3000; ms++) {
        char id[ID_MESSAGE_SIZE];
        id_message(id, ms);
        assert_int_equal(strlen(id), 24);
        assert_int_equal(strspn(id, "0123456789abcdef"), 24);
        assert_true(strcmp(id, before) > 0);
        memcpy(before, id, sizeof id);
    }
    /* The first eight digits are the seconds, as in the ids of IMKit's documentation. */
    id_message(before, 1558435851576);
    assert_memory_equal(before, "5ce3d80b", 8);
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, ID_MESSAGE_SIZE);
}

static void message_ids_of_one_moment_differ(void **state)
{
    (void)state;
    char(*ids)[ID_MESSAGE_SIZE] = calloc(MANY, sizeof *ids);
    assert_non_null(ids);
    for (size_t i = 0; i < MANY; i++) {
        id_message(ids[i], 1700000000000);
    }
    qsort(ids, MANY, sizeof *ids, compare);
    for (size_t i = 1; i < MANY; i++) {
        assert_string_not_equal(ids[i - 1], ids[i]);
    }
    free(ids);
}

static void uids_look_like_the_field(void **state)
{
    (void)state;
    char before[ID_UID_SIZE] = "";
    unsigned seen = 0;
    static const char set[] = "0123456789ABCDEFGHIJKLMNOPQRSTUV";
    for (int i = 0; i < 500; i++) {
        char uid[ID_UID_SIZE];
        id_uid(uid);
        assert_int_equal(strlen(uid), 19);
        for (size_t j = 0; j < 19; j++) {
            if (j % 5 == 4) {
                assert_int_equal(uid[j], '-');
                continue;
            }
            const char *at = strchr(set, uid[j]);
            assert_non_null(at);
            seen |= 1U << (at - set);
        }
        assert_string_not_equal(uid, before);
        memcpy(before, uid, sizeof uid);
    }
    assert_int_equal(seen, UINT32_MAX);
}

static void tokens_and_names(void **state)
{
    (void)state;
    char a[ID_TOKEN_SIZE];
    char b[ID_TOKEN_SIZE];
    id_token(a);
    id_token(b);
    assert_int_equal(strlen(a), 43);
    assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
    assert_string_not_equal(a, b);
    char c[ID_SHORT_SIZE];
    char d[ID_SHORT_SIZE];
    id_short(c);
    id_short(d);
    assert_int_equal(strlen(c), 16);
    assert_int_equal(strspn(c, "abcdefghijklmnopqrstuvwxyz234567"), 16);
    assert_string_not_equal(c, d);
}

static void random_bytes_fill_it_all(void **state)
{
    (void)state;
    unsigned char bytes[1001];
    unsigned char all[1001] = {0};
    bytes[1000] = 7;
    for (int round = 0; round < 16; round++) {
        id_random(bytes, 1000);
        for (size_t i = 0; i < 1000; i++) {
            all[i] |= bytes[i];
        }
    }
    for (size_t i = 0; i < 1000; i++) {
        assert_int_not_equal(all[i], 0);
    }
    assert_int_equal(bytes[1000], 7);
    assert_true(id_random_u64() != id_random_u64());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_ids_follow_time),  cmocka_unit_test(message_ids_of_one_moment_differ),
        cmocka_unit_test(uids_look_like_the_field), cmocka_unit_test(tokens_and_names),
        cmocka_unit_test(random_bytes_fill_it_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
