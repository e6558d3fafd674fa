#include "store/queue.h"

#include <stddef.h>

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

static void deliver(struct mail *mail, void *ctx)
{
    struct job *job = (struct job *)(void *)((char *)mail - offsetof(struct job, mail));

    job->done(job, ctx);
}

void queue_send_home(struct job *job, enum result fate)
{
    job->fate = fate;
    if (job->home != NULL && job->done != NULL) {
        job->mail.deliver = deliver;
        mailbox_post_always(job->home, &job->mail);
    } else if (job->drop != NULL) {
        job->drop(job);
    }
}
