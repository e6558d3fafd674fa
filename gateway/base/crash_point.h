/*
 * gateway/base/crash_point.h - named places at which a test has the process killed, as a power cut would end it.
 *
 * Owns:    one counter. Borrows the environment variable RECALLD_CRASHPOINT, "NAME:COUNT", read when a place is first reached:
 *          at the COUNT-th time (1: the first) that the place NAME is reached the process sends itself SIGKILL.
 * Bounds:  one place in one process; anything else in the variable is no place, and nothing happens.
 * Fails:   never.
 * Thread:  any.
 *
 * The places: before-commit (its statements ran), in-commit (half of a write to the log; a large commit makes several),
 * in-commit-sync (written, not yet synced), after-commit (durable; nobody has heard of it), before-fan-out (heard by an edge thread,
 * sent to nobody there), after-publish (handed to every edge thread, not answered), before-erase (the log of erased bytes is about
 * to be emptied).
 *
 * Without the build option RECALL_CRASH_POINTS there is no counter, no variable and no code: the macro is empty.
 */
#ifndef RECALLD_BASE_CRASH_POINT_H
#define RECALLD_BASE_CRASH_POINT_H

#ifdef RECALL_CRASH_POINTS
/* Does not return if this is the place and the time. `name` is one of those above. */
void crash_point(const char *name);
#else
#define crash_point(name) ((void)0)
#endif

#endif
