#include "api/progress.h"

#include "core/event.h"
#include "core/ledger.h"

#include <pthread.h>
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define SHARE 10 /* a recall's counts take at most one part in so many of a reader's time */

struct entry {
    struct device_touched recall;
    int64_t next_ms; /* not counted before */
    bool used, dirty, counting;
};

struct progress {
    pthread_mutex_t lock;
    struct entry entries[PROGRESS_RECALLS];
    atomic_size_t dirty; /* entries that are */
    int64_t free_ms;     /* no count begins before */
    bool counting;
};

struct count_job {
    struct job job; /* first */
    struct api_thread *thread;
    struct entry *entry;
    struct device_touched recall;
    int64_t device_ms, began_ms;
    bool found;
    int64_t acked, devices;
    struct arena arena; /* of the watchers' ids */
    struct str watchers[LEDGER_WATCHERS];
    size_t watcher_count;
};

struct progress *progress_create(void)
{
    struct progress *p = calloc(1, sizeof(*p));

    if (p == NULL)
        return NULL;
    if (pthread_mutex_init(&p->lock, NULL) != 0) {
        free(p);
        return NULL;
    }
    atomic_init(&p->dirty, 0);
    return p;
}

void progress_free(struct progress *p)
{
    if (p == NULL)
        return;
    pthread_mutex_destroy(&p->lock);
    free(p);
}

/* --- notes --- */

static bool same(const struct device_touched *a, const struct device_touched *b)
{
    return a->seq == b->seq && a->app == b->app && strcmp(a->message, b->message) == 0 && strcmp(a->room, b->room) == 0;
}

/* The recall's entry, else a free one, else the one that has been quiet for longest; NULL: all are busy. */
static struct entry *entry_for(struct progress *p, const struct device_touched *recall)
{
    struct entry *best = NULL;

    for (size_t i = 0; i < PROGRESS_RECALLS; i++) {
        struct entry *e = &p->entries[i];

        if (e->used && same(&e->recall, recall))
            return e;
        if (e->dirty || e->counting)
            continue;
        if (best == NULL || (best->used && (!e->used || e->next_ms < best->next_ms)))
            best = e;
    }
    if (best != NULL)
        *best = (struct entry){.recall = *recall, .used = true};
    return best;
}

static void set_dirty(struct progress *p, struct entry *e)
{
    if (!e->dirty)
        atomic_fetch_add(&p->dirty, 1);
    e->dirty = true;
}

void progress_note(struct progress *p, const struct device_touched *touched, size_t n, int64_t now_ms)
{
    if (p == NULL || n == 0)
        return;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < n; i++) {
        struct entry *e = entry_for(p, &touched[i]);

        if (e == NULL)
            continue;
        if (e->next_ms > now_ms + DEVICE_TOUCHED_MS)
            e->next_ms = now_ms; /* the clock was set back */
        set_dirty(p, e);
    }
    pthread_mutex_unlock(&p->lock);
}

/* --- counting --- */

static void count_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct count_job *j = (struct count_job *)job;
    struct core_tx tx = {.conn = conn, .arena = store_conn_arena(conn), .now_ms = now_ms, .app_id = j->recall.app};
    struct ledger_progress *found = arena_alloc(tx.arena, sizeof(*found));

    arena_reset(&j->arena);
    j->found = ledger_progress(&tx, str_c(j->recall.room), str_c(j->recall.message), j->device_ms, found);
    j->acked = found->acked;
    j->devices = found->devices;
    j->watcher_count = found->watcher_count;
    for (size_t i = 0; i < found->watcher_count; i++)
        j->watchers[i] = arena_str(&j->arena, found->watchers[i]);
}

/* The count is over: when may this recall's next one be, and any? */
static void settle(struct progress *p, struct entry *e, int64_t now_ms, int64_t took_ms, bool again)
{
    const int64_t pause = took_ms * SHARE > PROGRESS_EVERY_MS ? took_ms * SHARE : PROGRESS_EVERY_MS;

    pthread_mutex_lock(&p->lock);
    e->counting = p->counting = false;
    e->next_ms = now_ms + pause;
    p->free_ms = now_ms + took_ms;
    if (again)
        set_dirty(p, e);
    pthread_mutex_unlock(&p->lock);
}

static void count_drop(struct job *job)
{
    struct count_job *j = (struct count_job *)job;

    settle(j->thread->gateway->progress, j->entry, j->began_ms, 0, true);
    arena_free(&j->arena);
    free(j);
}

static void count_done(struct job *job, void *ctx)
{
    struct count_job *j = (struct count_job *)job;
    struct api_thread *t = ctx;
    const int64_t now_ms = t->now_ms();
    const int64_t took_ms = now_ms > j->began_ms ? now_ms - j->began_ms : 0;
    const bool ok = job->fate == RESULT_OK;

    if (ok && j->found)
        event_progress(t->gateway->bus, j->recall.app, str_c(j->recall.room), j->watchers, j->watcher_count,
                       str_c(j->recall.message), j->acked, j->devices);
    settle(t->gateway->progress, j->entry, now_ms, took_ms, !ok);
    arena_free(&j->arena);
    free(j);
    progress_beat(t, now_ms);
}

/* Takes the entry whose turn it is; NULL: none. */
static struct entry *take_due(struct progress *p, int64_t now_ms, struct device_touched *recall)
{
    struct entry *due = NULL;

    pthread_mutex_lock(&p->lock);
    if (p->free_ms > now_ms + DEVICE_TOUCHED_MS)
        p->free_ms = now_ms;
    for (size_t i = 0; !p->counting && now_ms >= p->free_ms && i < PROGRESS_RECALLS; i++) {
        struct entry *e = &p->entries[i];

        if (e->dirty && e->next_ms <= now_ms && (due == NULL || e->next_ms < due->next_ms))
            due = e;
    }
    if (due != NULL) {
        due->dirty = false;
        due->counting = p->counting = true;
        atomic_fetch_sub(&p->dirty, 1);
        *recall = due->recall;
    }
    pthread_mutex_unlock(&p->lock);
    return due;
}

void progress_beat(struct api_thread *t, int64_t now_ms)
{
    struct progress *p = t->gateway->progress;
    const struct config *config;
    struct count_job *j;

    if (p == NULL || atomic_load(&p->dirty) == 0 || atomic_load(&t->gateway->draining))
        return;
    j = calloc(1, sizeof(*j));
    if (j == NULL)
        return;
    j->entry = take_due(p, now_ms, &j->recall);
    if (j->entry == NULL) {
        free(j);
        return;
    }
    config = config_holder_get(t->gateway->config);
    j->device_ms = config->server.device_days * DAY_MS;
    config_unref(config);
    j->thread = t;
    j->began_ms = now_ms;
    j->job.home = t->mailbox;
    j->job.run = count_run;
    j->job.done = count_done;
    j->job.drop = count_drop;
    if (!store_submit_read(t->gateway->store, &j->job))
        count_drop(&j->job);
}
