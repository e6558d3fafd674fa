/*
 * gateway/api/recalled.h - the messages that were recalled last: answers that were read in a snapshot from before a recall's commit, and
 * would leave after it, are found here.
 *
 * Owns:    a number for each of the last RECALLED_KEPT recalls, 16 bytes each.
 * Bounds:  that many; who asks about more than are kept is told "yes".
 * Fails:   recalled_create: NULL without memory. A NULL one is legal and knows of no recall.
 * Thread:  noted by whoever publishes commits, before anyone hears of the recall; asked by any.
 *
 *     recalled_mark ──→ (a reader renders the answer) ──→ recalled_shown? ──→ socket takes a part ──→ recalled_shown? ──→ …
 *
 * Ids are kept as 64-bit hashes: two that meet make one answer be read again, which nobody notices.
 */
#ifndef RECALLD_API_RECALLED_H
#define RECALLD_API_RECALLED_H

#include "base/str.h"

#include <stdint.h>

#define RECALLED_KEPT 16384U /* a second's worth at 16,000 recalls a second */
#define RECALLED_LARGE ((size_t)64 << 10) /* bytes of an answer from which on a list of its ids pays */

struct recalled;
/* The ids that an answer shows: made once, on the thread that rendered it, so that nobody has to search megabytes while the writer or an edge
 * thread waits. Owned by whoever has the answer; immutable. */
struct recalled_ids;

struct recalled *recalled_create(void);
void recalled_free(struct recalled *r);

/* A recall was committed. */
void recalled_note(struct recalled *r, int64_t app, struct str message);
/* Where the recalls stand now: taken before the read begins. */
uint64_t recalled_mark(struct recalled *r);
/* Whether `body`, JSON text of that app rendered after *mark was taken, shows a message that was recalled since then; or might, because
 * too many were. Moves *mark on, so that asking again looks only at what came in between. Costs nothing when nothing was recalled, else
 * one pass over the body. */
bool recalled_shown(struct recalled *r, int64_t app, uint64_t *mark, const char *body, size_t n);

/* The list for `body`, 8 bytes an id; NULL for one below RECALLED_LARGE, or without memory: then recalled_shown does. */
struct recalled_ids *recalled_ids_make(int64_t app, const char *body, size_t n);
void recalled_ids_free(struct recalled_ids *ids); /* NULL is legal */
/* As recalled_shown, by the list: the cost is that of the recalls in between, whatever the answer's size. */
bool recalled_listed(struct recalled *r, const struct recalled_ids *ids, uint64_t *mark);

#endif
