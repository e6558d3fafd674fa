#include "store/syncer.h"

#include "base/crash_point.h"
#include "base/log.h"
#include "base/sched.h"
#include "store/conn.h"
#include "store/queue.h"
#include "store/ranks.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What was committed and waits for the next sync. Batches that come meanwhile join it: one sync is good for all that was written before. */
struct line {
    struct effect *effects, **effects_end;
    struct job *jobs, **jobs_end;
    unsigned count; /* jobs */
    bool owed;      /* something of it was written */
};

struct syncer {
    pthread_mutex_t lock;
    pthread_cond_t work; /* for the thread */
    pthread_cond_t room; /* for the writer: something was sent home */
    struct line line;
    unsigned syncing; /* jobs that the thread has taken */
    /* Commits that may be owed are numbered. visible: the last one that readers may see; taken: the last one in the line; durable: the last
     * one that is on the disk and was told to all. */
    uint64_t visible, taken, durable;
    struct mail *held, **held_end; /* the first job's of each batch of readers, in the order of `seen` */
    bool ending;
    struct syncer_options options;
    pthread_t thread;
};

static void line_clear(struct line *l)
{
    *l = (struct line){.effects_end = &l->effects, .jobs_end = &l->jobs};
}

static struct job *job_of(struct mail *mail)
{
    return (struct job *)(void *)((char *)mail - offsetof(struct job, mail));
}

/* The thread's: those of the readers whose commits are durable. Lock held. */
static struct mail *take_held(struct syncer *s)
{
    struct mail *first = s->held, *last = NULL;

    for (struct mail *m = first; m != NULL && job_of(m)->seen <= s->durable; m = m->next)
        last = m;
    if (last == NULL)
        return NULL;
    s->held = last->next;
    if (s->held == NULL)
        s->held_end = &s->held;
    last->next = NULL;
    return first;
}

static void send_held(struct mail *first)
{
    struct mail *next;

    for (struct mail *m = first; m != NULL; m = next) {
        next = m->next; /* which sending uses anew */
        queue_send_all_home(job_of(m), RESULT_OK, NULL, NULL);
    }
}

static void sync_now(struct syncer *s)
{
    if (db_sync(s->options.db))
        return;
    log_error("store_fatal", LOG_TEXT("doing", "sync"), LOG_TEXT("error", strerror(errno)), LOG_END);
    _exit(1); /* see writer.c: what the disk holds is only known by reading it again */
}

/* Effects post what they have to tell without waking anyone. After a lone job each thread is woken once, for the event and the answer: on a core
 * that it shares with this one it takes over at once, and finds both. Behind a batch, which is long in a storm, what is live does not wait for
 * the answers. */
void syncer_publish(struct syncer *s, struct effect *effects, struct job *jobs)
{
    void (*const published)(void *ctx) = s->options.published;
    const bool lone = jobs->next == NULL;

    crash_point("after-commit");
    atomic_fetch_sub(s->options.under_way, ranks_count(jobs));
    conn_settle(effects, true);
    if (!lone && published != NULL)
        published(s->options.ctx);
    crash_point("after-publish");
    queue_send_all_home(jobs, RESULT_OK, lone ? published : NULL, s->options.ctx);
}

static void serve(struct syncer *s, struct line *l)
{
    if (l->owed)
        sync_now(s);
    if (l->count == 0)
        return; /* all that was announced failed */
    syncer_publish(s, l->effects, l->jobs);
}

static void *syncer_main(void *arg)
{
    struct syncer *s = arg;
    struct mail *held;

    sched_prompt();
    pthread_mutex_lock(&s->lock);
    for (;;) {
        struct line line;
        uint64_t upto;

        while (s->taken == s->durable && !s->ending)
            pthread_cond_wait(&s->work, &s->lock);
        if (s->taken == s->durable)
            break;
        line = s->line;
        upto = s->taken;
        s->syncing = line.count;
        line_clear(&s->line);
        pthread_mutex_unlock(&s->lock);
        serve(s, &line);
        pthread_mutex_lock(&s->lock);
        s->durable = upto;
        s->syncing = 0;
        held = take_held(s);
        pthread_cond_signal(&s->room);
        if (held != NULL) {
            pthread_mutex_unlock(&s->lock);
            send_held(held);
            pthread_mutex_lock(&s->lock);
        }
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

struct syncer *syncer_create(const struct syncer_options *options, char *error, size_t error_size)
{
    struct syncer *s = calloc(1, sizeof(*s));

    if (s == NULL) {
        snprintf(error, error_size, "no memory for the thread that waits for the disk");
        return NULL;
    }
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->work, NULL);
    pthread_cond_init(&s->room, NULL);
    line_clear(&s->line);
    s->held_end = &s->held;
    s->options = *options;
    if (pthread_create(&s->thread, NULL, syncer_main, s) != 0) {
        snprintf(error, error_size, "the thread that waits for the disk cannot be started");
        pthread_cond_destroy(&s->room);
        pthread_cond_destroy(&s->work);
        pthread_mutex_destroy(&s->lock);
        free(s);
        return NULL;
    }
    return s;
}

void syncer_free(struct syncer *s)
{
    if (s == NULL)
        return;
    pthread_mutex_lock(&s->lock);
    s->ending = true;
    pthread_cond_signal(&s->work);
    pthread_mutex_unlock(&s->lock);
    pthread_join(s->thread, NULL);
    pthread_cond_destroy(&s->room);
    pthread_cond_destroy(&s->work);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

bool syncer_busy(struct syncer *s)
{
    bool busy;

    pthread_mutex_lock(&s->lock);
    busy = s->visible != s->durable;
    pthread_mutex_unlock(&s->lock);
    return busy;
}

void syncer_announce(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    s->visible++;
    pthread_mutex_unlock(&s->lock);
}

void syncer_take(struct syncer *s, bool owed, struct effect *effects, struct job *jobs)
{
    pthread_mutex_lock(&s->lock);
    while (s->line.count + s->syncing >= SYNCER_MOST)
        pthread_cond_wait(&s->room, &s->lock);
    s->line.owed = s->line.owed || owed;
    *s->line.effects_end = effects;
    while (*s->line.effects_end != NULL)
        s->line.effects_end = &(*s->line.effects_end)->next;
    *s->line.jobs_end = jobs;
    for (; *s->line.jobs_end != NULL; s->line.count++)
        s->line.jobs_end = &(*s->line.jobs_end)->next;
    s->taken = s->visible;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->work);
}

void syncer_withdraw(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    s->taken = s->visible;
    pthread_mutex_unlock(&s->lock);
    pthread_cond_signal(&s->work);
}

void syncer_wait(struct syncer *s)
{
    pthread_mutex_lock(&s->lock);
    while (s->taken != s->durable)
        pthread_cond_wait(&s->room, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void syncer_release(struct syncer *s, struct job *first)
{
    bool waits;

    pthread_mutex_lock(&s->lock);
    waits = s->visible != s->durable;
    if (waits) {
        first->seen = s->visible;
        first->mail.next = NULL;
        *s->held_end = &first->mail;
        s->held_end = &first->mail.next;
    }
    pthread_mutex_unlock(&s->lock);
    if (!waits)
        queue_send_all_home(first, RESULT_OK, NULL, NULL);
}
