/*
 * gateway/core/tag.h - the tags of a user, by which a push chooses its receivers.
 *
 * Owns:    nothing; listed tags live in tx->arena.
 * Bounds:  TAG_COUNT_MAX tags of TAG_BYTES_MAX bytes each.
 * Fails:   INVALID_BODY naming the parameter.
 * Thread:  tag_check on any, tag_set on the writer, tag_list inside a job's run.
 *
 * A tag is kept with the numbers of ~broadcast between which it held: a push that was sent while the user had the tag, and its recall, reach the
 * user for good, whatever is set later. A tag that was set and taken away between two broadcasts leaves nothing.
 */
#ifndef RECALLD_CORE_TAG_H
#define RECALLD_CORE_TAG_H

#include "core/tx.h"

#define TAG_COUNT_MAX 20U
#define TAG_BYTES_MAX 40U

/* Whether these could be a user's tags. */
enum result tag_check(struct str user, const struct str *tags, size_t n, struct outcome *out);
/* These are the user's tags from now on, in place of all others; n = 0: none. The user need not be a client. The result stays empty. */
enum result tag_set(struct core_tx *tx, struct str user, const struct str *tags, size_t n, struct outcome *out);
/* The user's tags in byte order, at most `limit` (TAG_COUNT_MAX holds all); how many. */
size_t tag_list(struct core_tx *tx, struct str user, struct str *out, size_t limit);

#endif
