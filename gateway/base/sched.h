/*
 * gateway/base/sched.h - how soon the kernel runs a thread that was woken, where several share a core.
 *
 * Owns and bounds nothing. Fails silently: where the kernel does not know the setting, or refuses it, the thread runs as any other.
 * Thread: the one that calls.
 */
#ifndef RECALLD_BASE_SCHED_H
#define RECALLD_BASE_SCHED_H

/* This thread works briefly and others wait for what it does: once woken it is to run at once. Asks for a time slice of 0.1 ms: Linux from 6.12
 * on lets a thread that is woken go before one whose slice is longer (kernel/sched/fair.c, PREEMPT_SHORT). Needs no privilege, and takes no more of
 * the core in the long run. */
void sched_prompt(void);

#endif
