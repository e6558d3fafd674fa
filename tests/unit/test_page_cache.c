/* SQLite's page cache as we configure it holds what SQLite's own holds, whatever is done to both. */
#include "store/page_cache.h"

#include <setjmp.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BYTES 4096
#define LOCK_PAGE 262145U /* 1 GiB into the file: https://www.sqlite.org/fileformat2.html#the_lock_byte_page */
#define PAGES 300U
#define STEPS 20000

static sqlite3_pcache_methods2 own, ours;

/* The same page in both caches. */
struct page {
    sqlite3_pcache_page *own, *ours;
};

static sqlite3_pcache *caches[2];

static int configure(void **state)
{
    (void)state;
    if (sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &own) != SQLITE_OK)
        return -1;
    page_cache_configure();
    return sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &ours) == SQLITE_OK && sqlite3_initialize() == SQLITE_OK ? 0 : -1;
}

static void create(void)
{
    caches[0] = own.xCreate(BYTES, 64, 1);
    caches[1] = ours.xCreate(BYTES, 64, 1);
    assert_true(caches[0] != NULL && caches[1] != NULL);
    own.xCachesize(caches[0], (int)(PAGES * 2)); /* else it would choose what to drop */
    ours.xCachesize(caches[1], (int)(PAGES * 2));
}

static void destroy(void)
{
    own.xDestroy(caches[0]);
    ours.xDestroy(caches[1]);
}

static struct page fetch(unsigned number, int make)
{
    const struct page p = {own.xFetch(caches[0], number, make), ours.xFetch(caches[1], number, make)};

    assert_int_equal(p.own != NULL, p.ours != NULL);
    return p;
}

/* A page that neither held before is stamped with its number. */
static struct page make(unsigned number, uint32_t stamp)
{
    const bool known = fetch(number, 0).own != NULL;
    const struct page p = fetch(number, 2);

    assert_non_null(p.own);
    if (!known) {
        memcpy(p.own->pBuf, &stamp, sizeof(stamp));
        memcpy(p.ours->pBuf, &stamp, sizeof(stamp));
    }
    return p;
}

static void same(unsigned number)
{
    const struct page p = fetch(number, 0);

    if (p.own != NULL)
        assert_memory_equal(p.own->pBuf, p.ours->pBuf, sizeof(uint32_t));
}

static void all_are_the_same(void)
{
    assert_int_equal(own.xPagecount(caches[0]), ours.xPagecount(caches[1]));
    for (unsigned n = 1; n <= PAGES; n++)
        same(n);
    same(LOCK_PAGE);
    same(LOCK_PAGE + 1);
}

static void rekey(unsigned from, unsigned to)
{
    const struct page p = fetch(from, 0);

    if (p.own == NULL || from == to || fetch(to, 0).own != NULL)
        return;
    own.xRekey(caches[0], p.own, from, to);
    ours.xRekey(caches[1], p.ours, from, to);
}

static void unpin(unsigned number, int drop)
{
    const struct page p = fetch(number, 0);

    if (p.own == NULL)
        return;
    own.xUnpin(caches[0], p.own, drop);
    ours.xUnpin(caches[1], p.ours, drop);
}

static void cut(unsigned limit)
{
    own.xTruncate(caches[0], limit);
    ours.xTruncate(caches[1], limit);
}

static void it_is_configured(void **state)
{
    (void)state;
    assert_ptr_not_equal(own.xFetch, ours.xFetch);
    assert_ptr_not_equal(own.xRekey, ours.xRekey);
    assert_ptr_not_equal(own.xTruncate, ours.xTruncate);
}

/* What SQLite does where it divides a page: one page's number is lent to another by way of the lock page's. */
static void pages_that_change_numbers_are_found_under_the_new_ones(void **state)
{
    (void)state;
    create();
    make(7, 7);
    make(9, 9);
    rekey(7, LOCK_PAGE);
    assert_null(fetch(7, 0).own);
    assert_non_null(own.xFetch(caches[1], 0, 0)); /* the greatest number stays that of a page */
    assert_null(own.xFetch(caches[1], LOCK_PAGE, 0));
    all_are_the_same();
    rekey(9, 7);
    rekey(LOCK_PAGE, 9);
    assert_null(fetch(LOCK_PAGE, 0).own);
    assert_non_null(fetch(9, 0).own);
    all_are_the_same();
    destroy();
}

/* With pages of other sizes the lock page's number is that of any page. */
static void the_lock_page_is_dropped_with_those_behind_the_end(void **state)
{
    static const unsigned limits[] = {LOCK_PAGE + 1, LOCK_PAGE, LOCK_PAGE - 1, 5, 1};
    (void)state;

    for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
        create();
        make(3, 3);
        make(LOCK_PAGE, 4);
        make(LOCK_PAGE + 1, 5);
        cut(limits[i]);
        all_are_the_same();
        assert_int_equal(fetch(LOCK_PAGE, 0).own != NULL, limits[i] > LOCK_PAGE);
        destroy();
    }
}

static void whatever_is_done_both_hold_the_same(void **state)
{
    uint64_t random = 88172645463325252;
    (void)state;

    create();
    for (uint32_t step = 1; step <= STEPS; step++) {
        unsigned n[2];

        for (int i = 0; i < 2; i++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            n[i] = (unsigned)(random % (PAGES + 2)) + 1;
            n[i] = n[i] > PAGES ? LOCK_PAGE + n[i] - PAGES - 1 : n[i];
        }
        switch (random >> 40 & 15) {
        case 0:
            unpin(n[0], 1);
            break;
        case 1:
            if (step % 7 == 0)
                cut(n[0]);
            break;
        case 2:
        case 3:
        case 4:
            rekey(n[0], n[1]);
            break;
        case 5:
            rekey(n[0], LOCK_PAGE);
            break;
        case 6:
            rekey(LOCK_PAGE, n[1]);
            break;
        default:
            make(n[0], step);
        }
        if (step % 16 == 0)
            all_are_the_same();
    }
    all_are_the_same();
    destroy();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_configured),
        cmocka_unit_test(pages_that_change_numbers_are_found_under_the_new_ones),
        cmocka_unit_test(the_lock_page_is_dropped_with_those_behind_the_end),
        cmocka_unit_test(whatever_is_done_both_hold_the_same),
    };

    return cmocka_run_group_tests(tests, configure, NULL);
}
