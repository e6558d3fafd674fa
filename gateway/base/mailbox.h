/*
 * gateway/base/mailbox.h - a bounded queue between threads.
 *
 * Owns:    the queue itself. A mail belongs to its sender until posted, then to the mailbox, then, when its
 *          `deliver` is called, to that function. The mailbox never frees a mail.
 * Borrows: wake_arg, until mailbox_free.
 * Bounds:  `limit` mails. Policy when full: mailbox_post refuses (the sender tells its caller "try again",
 *          RESULT_UNAVAILABLE) and nothing is dropped. mailbox_post_always goes over the limit: it is for
 *          answers to work that was admitted under a limit already, so the number of those bounds it.
 * Fails:   creating: NULL without memory. Posting and draining do not allocate.
 * Thread:  any thread posts. Delivery happens on the thread that drains; several may drain (a pool of
 *          readers).
 * Order:   first in, first out; one thread's mails arrive in the order it posted them. With several drainers,
 *          in the order taken.
 */
#ifndef RECALLD_BASE_MAILBOX_H
#define RECALLD_BASE_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>

struct mailbox;

/* Embedded in what is sent. */
struct mail {
    /* The mailbox's, while the mail is in it. */
    struct mail *next;
    /* Called once, on the draining thread, with the drainer's ctx. */
    void (*deliver)(struct mail *mail, void *ctx);
};

/*
 * A mailbox for `limit` mails (at least 1). `wake` (may be NULL) is called on the posting thread, outside the
 * lock, when the mailbox turns from empty to not empty, and by mailbox_drain when it leaves mails behind. It
 * must be cheap and thread safe (a write to an eventfd). NULL without memory.
 */
struct mailbox *mailbox_create(size_t limit, void (*wake)(void *arg), void *wake_arg);

/* Frees the mailbox; NULL is legal. Nobody may post, drain or wait any more, and it must have been drained:
 * mails still in it are left to whoever allocated them. */
void mailbox_free(struct mailbox *mb);

/* Takes the mail in and returns true; false, the mail still the caller's, when full or closed. */
bool mailbox_post(struct mailbox *mb, struct mail *mail);
/* Takes the mail in whatever the depth, also when closed. */
void mailbox_post_always(struct mailbox *mb, struct mail *mail);
/* The same without `wake`: for a thread that posts many. Once it has posted them it calls mailbox_wake; where both threads share a core,
 * the one that drains would else be woken for each mail. */
void mailbox_post_quietly(struct mailbox *mb, struct mail *mail);
/* Wakes for what was posted quietly and not drained since; nothing otherwise. */
void mailbox_wake(struct mailbox *mb);

/* Delivers at most `max` mails (0: all that are in now) and returns how many. Mails posted by a delivery wait
 * for the next drain. */
size_t mailbox_drain(struct mailbox *mb, void *ctx, size_t max);
/* Takes the oldest mail out without delivering it; NULL if there is none. The caller owns it. */
struct mail *mailbox_take(struct mailbox *mb);

/* For a thread without an event loop: waits until there is a mail (true), or the mailbox is closed and empty,
 * or `timeout_ms` has passed (false). A negative timeout waits for good. */
bool mailbox_wait(struct mailbox *mb, int timeout_ms);

/* From now on mailbox_post refuses; every waiter wakes up. What is in it can still be drained. */
void mailbox_close(struct mailbox *mb);
bool mailbox_closed(struct mailbox *mb);

/* Mails waiting now: for metrics and for admission. */
size_t mailbox_depth(struct mailbox *mb);

#endif
