/*
 * clients/load/prepare.h - the users, tokens and rooms of a run, made over the public HTTP API and cleaned up
 * after it.
 *
 * Owns:    nothing; tokens become the crowd's.
 * Bounds:  500 users in a call.
 * Fails:   false; the run has failed then, or is over.
 * Thread:  the loop's; the loop runs meanwhile.
 *
 * Users and rooms cannot be deleted over the API. What can be is: tokens are revoked, members removed,
 * messages deleted.
 */
#ifndef RECALL_LOAD_PREPARE_H
#define RECALL_LOAD_PREPARE_H

#include "clients/load/run.h"

bool prepare_make(struct run *r);
/* Says on standard error what it could not clean up. */
void prepare_clean(struct run *r);

#endif
