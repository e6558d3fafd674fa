#include "store/ranks.h"

#include <stddef.h>

bool ranks_push(struct ranks *r, struct job *job, int64_t now_ms)
{
    const unsigned most = job->rank == JOB_RECALL ? r->limit : r->limit - r->limit / 8;

    if (r->depth >= most || (job->rank == JOB_LATER && r->of[JOB_LATER].depth >= (r->limit + 3) / 4))
        return false;
    if (job->rank == JOB_LATER && r->of[JOB_LATER].depth == 0)
        r->later_ms = now_ms;
    r->of[job->rank].limit = r->limit;
    r->depth++;
    return queue_push(&r->of[job->rank], job);
}

bool ranks_ready(const struct ranks *r, int64_t now_ms)
{
    const unsigned later = r->of[JOB_LATER].depth;

    return r->depth != later || later >= RANKS_LATER_MANY || now_ms >= ranks_due_ms(r);
}

int64_t ranks_due_ms(const struct ranks *r)
{
    return r->of[JOB_LATER].depth != 0 ? r->later_ms + RANKS_LATER_MS : INT64_MAX;
}

/* Moves up to `max` jobs of a rank to the end of the batch; how many. */
static unsigned move(struct ranks *r, enum job_rank rank, unsigned max, struct job ***end)
{
    const unsigned before = r->of[rank].depth;
    unsigned n;

    **end = queue_take(&r->of[rank], max);
    while (**end != NULL)
        *end = &(**end)->next;
    n = before - r->of[rank].depth;
    r->depth -= n;
    return n;
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

struct job *ranks_take(struct ranks *r, unsigned max)
{
    const bool others = r->depth != r->of[JOB_RECALL].depth;
    struct job *first = NULL;
    struct job **end = &first;
    unsigned n = move(r, JOB_RECALL, others ? max - max / 4 : max, &end);

    n += move(r, JOB_ORDINARY, max > n ? max - n : 1, &end);
    /* Those for later are never left out, however full the batch is: a few over `max` harm nobody. */
    (void)move(r, JOB_LATER, n != 0 ? RANKS_LATER_FEW : least(max, RANKS_LATER_MANY), &end);
    return first;
}

unsigned ranks_count(const struct job *first)
{
    unsigned n = 0;

    for (; first != NULL; first = first->next)
        n += first->rank != JOB_LATER ? 1U : 0U;
    return n;
}
