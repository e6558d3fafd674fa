/*
 * gateway/store/page_cache.h - SQLite's page cache, without the walk over all of its pages that ends most commits.
 *
 * Why:     when SQLite divides a page of a b-tree it gives pages new numbers, and for a moment one of them that of the page which holds its
 *          locks and no data (1 GiB into the file; balance_nonroot in src/btree.c, 3.40). The cache notes the greatest number it has had.
 *          At the commit everything behind the file's end is to be dropped from it, and because of that number it looks at each page
 *          it has for one (pcache1TruncateUnsafe in src/pcache1.c): with 64 MiB of cache, 16,384 of them, in most commits.
 *          Here that number is kept as 0, which no page has.
 * Owns:    nothing; process-wide state of SQLite's.
 * Borrows: SQLite's own cache, which does everything else.
 * Fails:   once SQLite is in use it cannot be configured any more: then all stays as it was, only slower.
 * Thread:  before SQLite's first use, one thread; again is harmless.
 */
#ifndef RECALLD_STORE_PAGE_CACHE_H
#define RECALLD_STORE_PAGE_CACHE_H

/* For all connections that are opened from here on. */
void page_cache_configure(void);

#endif
