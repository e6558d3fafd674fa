#include "base/mailbox.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

/*
 * A lock and a list. The lock is held for a few instructions: draining takes the whole list at once (a
 * bounded drain walks to its end first), and deliveries run without it.
 */
struct mailbox {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct mail *first;
    struct mail *last;
    size_t depth;
    size_t limit;
    bool closed;
    bool quiet; /* filled without a wake: mailbox_wake is to follow */
    void (*wake)(void *arg);
    void *wake_arg;
};

struct mailbox *mailbox_create(size_t limit, void (*wake)(void *arg), void *wake_arg)
{
    struct mailbox *mb = calloc(1, sizeof *mb);
    pthread_condattr_t attributes;
    if (mb == NULL) {
        goto err0;
    }
    mb->limit = limit > 0 ? limit : 1;
    mb->wake = wake;
    mb->wake_arg = wake_arg;
    if (pthread_condattr_init(&attributes) != 0) {
        goto err1;
    }
    /* A wait must not end early or late because somebody sets the wall clock. */
    if (pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) != 0 ||
        pthread_cond_init(&mb->filled, &attributes) != 0) {
        goto err2;
    }
    if (pthread_mutex_init(&mb->lock, NULL) != 0) {
        goto err3;
    }
    (void)pthread_condattr_destroy(&attributes);
    return mb;
err3:
    (void)pthread_cond_destroy(&mb->filled);
err2:
    (void)pthread_condattr_destroy(&attributes);
err1:
    free(mb);
err0:
    return NULL;
}

void mailbox_free(struct mailbox *mb)
{
    if (mb == NULL) {
        return;
    }
    (void)pthread_mutex_destroy(&mb->lock);
    (void)pthread_cond_destroy(&mb->filled);
    free(mb);
}

static bool post(struct mailbox *mb, struct mail *mail, bool always, bool quiet)
{
    mail->next = NULL;
    (void)pthread_mutex_lock(&mb->lock);
    if (!always && (mb->closed || mb->depth >= mb->limit)) {
        (void)pthread_mutex_unlock(&mb->lock);
        return false;
    }
    /* Behind a mail that came quietly another may come for which somebody has to wake up now. */
    bool wakes = mb->first == NULL || mb->quiet;
    mb->quiet = wakes && quiet;
    if (mb->first == NULL) {
        mb->first = mail;
    } else {
        mb->last->next = mail;
    }
    mb->last = mail;
    mb->depth++;
    (void)pthread_cond_signal(&mb->filled);
    (void)pthread_mutex_unlock(&mb->lock);
    if (wakes && !quiet && mb->wake != NULL) {
        mb->wake(mb->wake_arg);
    }
    return true;
}

bool mailbox_post(struct mailbox *mb, struct mail *mail)
{
    return post(mb, mail, false, false);
}

void mailbox_post_always(struct mailbox *mb, struct mail *mail)
{
    (void)post(mb, mail, true, false);
}

void mailbox_post_quietly(struct mailbox *mb, struct mail *mail)
{
    (void)post(mb, mail, true, true);
}

void mailbox_wake(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    bool wakes = mb->quiet && mb->first != NULL;
    mb->quiet = false;
    (void)pthread_mutex_unlock(&mb->lock);
    if (wakes && mb->wake != NULL) {
        mb->wake(mb->wake_arg);
    }
}

/* Takes at most `max` mails off as a list of their own. With the lock held. */
static struct mail *cut(struct mailbox *mb, size_t max)
{
    struct mail *first = mb->first;
    if (max == 0 || max >= mb->depth) {
        mb->first = NULL;
        mb->last = NULL;
        mb->depth = 0;
        return first;
    }
    struct mail *end = first;
    for (size_t i = 1; i < max; i++) {
        end = end->next;
    }
    mb->first = end->next;
    mb->depth -= max;
    end->next = NULL;
    return first;
}

size_t mailbox_drain(struct mailbox *mb, void *ctx, size_t max)
{
    (void)pthread_mutex_lock(&mb->lock);
    struct mail *mail = cut(mb, max);
    bool more = mb->first != NULL;
    (void)pthread_mutex_unlock(&mb->lock);
    /* Posting to a mailbox that is not empty wakes nobody, so what stays behind needs a wake of its own. */
    if (more && mb->wake != NULL) {
        mb->wake(mb->wake_arg);
    }
    size_t n = 0;
    while (mail != NULL) {
        struct mail *next = mail->next; /* read first: the delivery may free its mail */
        mail->next = NULL;
        mail->deliver(mail, ctx);
        mail = next;
        n++;
    }
    return n;
}

struct mail *mailbox_take(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    struct mail *mail = mb->first != NULL ? cut(mb, 1) : NULL;
    (void)pthread_mutex_unlock(&mb->lock);
    return mail;
}

bool mailbox_wait(struct mailbox *mb, int timeout_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    if (timeout_ms > 0) {
        until.tv_sec += timeout_ms / 1000;
        until.tv_nsec += (long)(timeout_ms % 1000) * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
    }
    int rc = 0;
    (void)pthread_mutex_lock(&mb->lock);
    while (mb->first == NULL && !mb->closed && rc != ETIMEDOUT) {
        rc = timeout_ms < 0 ? pthread_cond_wait(&mb->filled, &mb->lock)
                            : pthread_cond_timedwait(&mb->filled, &mb->lock, &until);
    }
    bool any = mb->first != NULL;
    (void)pthread_mutex_unlock(&mb->lock);
    return any;
}

void mailbox_close(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    mb->closed = true;
    (void)pthread_cond_broadcast(&mb->filled);
    (void)pthread_mutex_unlock(&mb->lock);
}

bool mailbox_closed(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    bool closed = mb->closed;
    (void)pthread_mutex_unlock(&mb->lock);
    return closed;
}

size_t mailbox_depth(struct mailbox *mb)
{
    (void)pthread_mutex_lock(&mb->lock);
    size_t depth = mb->depth;
    (void)pthread_mutex_unlock(&mb->lock);
    return depth;
}
