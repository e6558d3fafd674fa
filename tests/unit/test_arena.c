/* Memory given back all at once: alignment, zeroes, texts, reuse. */
#include "base/arena.h"

#include <malloc.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != 0)
            return false;
    }
    return true;
}

static void aligned_zeroed_and_apart(void **state)
{
    static const size_t sizes[] = {0, 1, 7, 16, 100, 5000, 16384, 20000, 300000};
    struct arena a = {0};
    unsigned char *got[64];

    (void)state;
    for (int round = 0; round < 3; round++) {
        size_t n = 0;

        for (size_t i = 0; i < 64; i++) {
            const size_t size = sizes[i % 9];

            got[n] = arena_alloc(&a, size);
            assert_non_null(got[n]);
            assert_int_equal((uintptr_t)got[n] % alignof(max_align_t), 0);
            assert_true(all_zero(got[n], size)); /* also where an earlier round wrote */
            memset(got[n], (int)i + 1, size);
            n++;
        }
        for (size_t i = 0; i < n; i++) {
            const size_t size = sizes[i % 9];

            for (size_t j = 0; j < size; j += size / 7 + 1)
                assert_int_equal(got[i][j], i + 1);
        }
        arena_reset(&a);
    }
    arena_free(&a);
    arena_free(&a); /* legal: it is empty */
}

static void texts(void **state)
{
    struct arena a = {0};
    char source[] = "with\0zero";
    const struct str copy = arena_str(&a, str_n(source, 9));
    const struct str empty = arena_str(&a, STR(""));
    const struct str printed = arena_printf(&a, "%s-%d", "n", 42);

    (void)state;
    source[0] = 'W';
    assert_int_equal(copy.n, 9);
    assert_memory_equal(copy.p, "with\0zero", 10); /* and a zero byte behind */
    assert_null(arena_str(&a, STR_NULL).p);
    assert_non_null(empty.p);
    assert_int_equal(empty.n, 0);
    assert_true(str_eq(printed, STR("n-42")));
    assert_int_equal(printed.p[printed.n], 0);
    arena_free(&a);
}

static void a_block_is_used_again(void **state)
{
    struct arena a = {0};
    const void *first = arena_alloc(&a, 10);

    (void)state;
    arena_reset(&a);
    assert_ptr_equal(arena_alloc(&a, 10), first);
    arena_free(&a);
}

static void little_takes_little_and_the_largest_block_is_kept(void **state)
{
    struct arena a = {0};
    const void *large;

    (void)state;
    (void)arena_alloc(&a, 500);
    assert_true(malloc_usable_size(a.head) < 1100);
    (void)arena_alloc(&a, 300);
    assert_true(malloc_usable_size(a.head) < 1100);
    large = arena_alloc(&a, 5000);
    assert_true(malloc_usable_size(a.head) > 16000);
    (void)arena_alloc(&a, 40000); /* has a block of its own, which is not kept */
    for (int i = 0; i < 3; i++) {
        arena_reset(&a);
        assert_ptr_equal(arena_alloc(&a, 500), large);
    }
    arena_free(&a);
}

static void a_rewind_gives_back_what_came_after_the_mark(void **state)
{
    struct arena a = {0};
    const struct arena_mark empty = arena_mark(&a);
    const struct str before = arena_str(&a, STR("before"));
    const struct arena_mark mark = arena_mark(&a);
    const void *first = arena_alloc(&a, 100);

    (void)state;
    for (int i = 0; i < 10; i++) {
        memset(arena_alloc(&a, 100), 7, 100);
        memset(arena_alloc(&a, 20000), 7, 20000); /* in blocks of its own */
        arena_rewind(&a, mark);
        assert_true(str_eq(before, STR("before")));
        assert_ptr_equal(arena_alloc(&a, 100), first);
        assert_true(all_zero(first, 100));
        arena_rewind(&a, mark);
    }
    arena_rewind(&a, empty);
    assert_null(a.head);
    arena_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aligned_zeroed_and_apart),
        cmocka_unit_test(texts),
        cmocka_unit_test(a_block_is_used_again),
        cmocka_unit_test(little_takes_little_and_the_largest_block_is_kept),
        cmocka_unit_test(a_rewind_gives_back_what_came_after_the_mark),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
