#include "store/page_cache.h"

#include <sqlite3.h>
#include <stddef.h>

/* Where SQLite's locks are, and so the number of the page there: with pages of 4,096 bytes, as all of ours have, it holds no data. With
 * others it may; nothing here relies on it. https://www.sqlite.org/fileformat2.html#the_lock_byte_page */
#define LOCK_BYTES 0x40000000U
#define PAGE_BYTES 4096U
#define LOCK_PAGE (LOCK_BYTES / PAGE_BYTES + 1)
#define STAND_IN 0U

static sqlite3_pcache_methods2 own;

static unsigned key_of(unsigned page)
{
    return page == LOCK_PAGE ? STAND_IN : page;
}

static sqlite3_pcache_page *fetch(sqlite3_pcache *cache, unsigned page, int create)
{
    return own.xFetch(cache, key_of(page), create);
}

static void rekey(sqlite3_pcache *cache, sqlite3_pcache_page *p, unsigned from, unsigned to)
{
    own.xRekey(cache, p, key_of(from), key_of(to));
}

/* Drops the pages from `limit` on. */
static void drop_from(sqlite3_pcache *cache, unsigned limit)
{
    sqlite3_pcache_page *p;

    own.xTruncate(cache, limit);
    if (limit <= LOCK_PAGE && (p = own.xFetch(cache, STAND_IN, 0)) != NULL)
        own.xUnpin(cache, p, 1);
}

void page_cache_configure(void)
{
    sqlite3_pcache_methods2 methods;

    if (own.xFetch != NULL || sqlite3_config(SQLITE_CONFIG_GETPCACHE2, &methods) != SQLITE_OK)
        return;
    own = methods;
    methods.xFetch = fetch;
    methods.xRekey = rekey;
    methods.xTruncate = drop_from;
    if (sqlite3_config(SQLITE_CONFIG_PCACHE2, &methods) != SQLITE_OK)
        own.xFetch = NULL;
}
