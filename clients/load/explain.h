/*
 * clients/load/explain.h - turns what went wrong into a sentence that says what to do about it.
 *
 * Owns, borrows, bounds: nothing; texts are cut to the size given.
 * Fails:   never.
 * Thread:  any.
 */
#ifndef RECALL_LOAD_EXPLAIN_H
#define RECALL_LOAD_EXPLAIN_H

#include "clients/load/caller.h"

/* A call for preparation or cleaning up that was not answered well. `what`: what it was for ("make the
 * users"). */
void explain_answer(const struct options *o, const char *what, const struct caller_answer *answer, char *out,
                    size_t size);
/* A connection that could not be made; `error` is errno. */
void explain_connect(const struct options *o, int error, char *out, size_t size);
/* An upgrade answered with `status` instead of 101, or the reply before a close; `text` is the server's
 * sentence. */
void explain_upgrade(const struct options *o, int status, const char *text, char *out, size_t size);
/* The value of "RM" in an answer's JSON, as it stands there; cut to size. "" without one. */
void explain_sentence(const char *body, size_t n, char *out, size_t size);
/* Whether the limits of this machine let so many connections be made; raises the soft limit of open files.
 * False, and why not. */
bool explain_limits(const struct options *o, char *out, size_t size);

#endif
