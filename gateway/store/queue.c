#include "store/queue.h"

#include <stddef.h>

/* Homes whose wake waits until all jobs of a list are sent; there are as many as edge threads. */
#define QUEUE_HOMES 64U

bool queue_push(struct queue *q, struct job *job)
{
    if (q->depth >= q->limit)
        return false;
    job->next = NULL;
    if (q->tail != NULL)
        q->tail->next = job;
    else
        q->head = job;
    q->tail = job;
    q->depth++;
    return true;
}

struct job *queue_take(struct queue *q, unsigned max)
{
    struct job *const first = q->head;
    struct job *last = first;
    unsigned n = 1;

    if (first == NULL || max == 0)
        return NULL;
    for (; n < max && last->next != NULL; n++)
        last = last->next;
    q->head = last->next;
    if (q->head == NULL)
        q->tail = NULL;
    q->depth -= n;
    last->next = NULL;
    return first;
}

/* --- home --- */

static void deliver(struct mail *mail, void *ctx)
{
    struct job *job = (struct job *)(void *)((char *)mail - offsetof(struct job, mail));

    job->done(job, ctx);
}

static void send_home(struct job *job, enum result fate, bool quietly)
{
    job->fate = fate;
    if (job->home != NULL && job->done != NULL) {
        job->mail.deliver = deliver;
        if (quietly)
            mailbox_post_quietly(job->home, &job->mail);
        else
            mailbox_post_always(job->home, &job->mail);
    } else if (job->drop != NULL) {
        job->drop(job);
    }
}

void queue_send_home(struct job *job, enum result fate)
{
    send_home(job, fate, false);
}

/* Notes the home among those to wake. False: there are too many. */
static bool note_home(struct mailbox *homes[static QUEUE_HOMES], unsigned *n, struct mailbox *home)
{
    for (unsigned i = 0; i < *n; i++)
        if (homes[i] == home)
            return true;
    if (*n == QUEUE_HOMES)
        return false;
    homes[(*n)++] = home;
    return true;
}

void queue_send_all_home(struct job *first, enum result fate, void (*before_wake)(void *ctx), void *ctx)
{
    struct mailbox *homes[QUEUE_HOMES];
    struct job *next;
    unsigned n = 0;

    for (struct job *job = first; job != NULL; job = next) {
        next = job->next; /* once sent, the job is its maker's */
        send_home(job, fate, job->home != NULL && note_home(homes, &n, job->home));
    }
    if (before_wake != NULL)
        before_wake(ctx);
    for (unsigned i = 0; i < n; i++)
        mailbox_wake(homes[i]);
}
