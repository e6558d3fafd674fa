/*
 * clients/load/progress.h - the line on standard error that tells how a run goes: rewritten four times a
 * second on a terminal, else a new line every 5 s.
 *
 * Owns:    nothing; what it told last is in the run.
 * Fails:   never.
 * Thread:  the loop's.
 */
#ifndef RECALL_LOAD_PROGRESS_H
#define RECALL_LOAD_PROGRESS_H

#include "clients/load/run.h"

/* Tells, if it is time. */
void progress_tell(struct run *r, int64_t now_ns);
/* A sentence of its own. */
void progress_say(struct run *r, const char *text);
/* Leaves the line free for what follows. */
void progress_end(const struct run *r);

#endif
