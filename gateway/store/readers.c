#include "store/readers.h"

#include "base/log.h"
#include "store/conn.h"
#include "store/queue.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define READER_NICE 10
/* Brief jobs that one reader takes at a time. When thousands come back at once, each would else cost its threads a snapshot and two
 * switches. */
#define READER_BATCH 16U
/* How much of the core a reader takes before it lets others have it. */
#define TURN_NS 1000000
/* A reader without work for so long gives its page cache back, as the writer does. */
#define IDLE_S 1

struct reader {
    struct readers *pool;
    struct store_conn conn;
    pthread_t thread;
    bool started;
    bool warm; /* it read something since it gave its cache back */
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t wake; /* work, the gate opened, or the end */
    pthread_cond_t idle; /* nobody is reading */
    struct queue queue;
    unsigned running;
    unsigned brief; /* readers with brief jobs: they are back at the queue soon */
    atomic_bool unsaid; /* brief jobs came that no reader was woken for */
    bool paused, closed;
    struct store_clock *clock;
    struct syncer *syncer;
    unsigned count;
    struct reader reader[];
};

/* Waits for the gate, then takes part in what the gate counts. Lock held. */
static void enter(struct readers *r)
{
    while (r->paused)
        pthread_cond_wait(&r->wake, &r->lock);
    r->running++;
}

static void leave(struct readers *r)
{
    if (--r->running == 0)
        pthread_cond_signal(&r->idle);
}

/* Waits for work or the end. Lock held, but not while memory is given back. */
static void wait_for_work(struct reader *reader)
{
    struct readers *r = reader->pool;
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += IDLE_S;
    while (r->queue.head == NULL && !r->closed) {
        if (!reader->warm) {
            pthread_cond_wait(&r->wake, &r->lock);
        } else if (pthread_cond_timedwait(&r->wake, &r->lock, &until) == ETIMEDOUT) {
            reader->warm = false;
            pthread_mutex_unlock(&r->lock);
            db_release_memory(reader->conn.db);
            pthread_mutex_lock(&r->lock);
        }
    }
}

/* How many jobs at the front one reader takes: brief ones together. Lock held. */
static unsigned batch_of(const struct queue *q)
{
    unsigned n = 0;

    for (const struct job *j = q->head; j != NULL && j->brief && n < READER_BATCH; j = j->next)
        n++;
    return n != 0 ? n : 1;
}

/* The next job, or some brief ones, with the gate passed; NULL at the end. */
static struct job *next_jobs(struct reader *reader)
{
    struct readers *r = reader->pool;
    struct job *first;

    pthread_mutex_lock(&r->lock);
    wait_for_work(reader);
    /* Entered before taking: while it waits at the gate the job still counts as waiting and another thread
     * may take it. */
    enter(r);
    first = queue_take(&r->queue, batch_of(&r->queue));
    if (first == NULL)
        leave(r);
    else if (first->brief)
        r->brief++;
    else if (r->queue.head != NULL)
        pthread_cond_signal(&r->wake); /* those behind it may have come without a signal */
    pthread_mutex_unlock(&r->lock);
    return first;
}

/* Jobs in one snapshot. */
static enum db_status run_jobs(struct reader *reader, struct job *first)
{
    struct store_conn *c = &reader->conn;
    enum db_status status;
    bool ok = conn_begin(c);

    for (struct job *job = first; job != NULL && ok; job = job->next)
        ok = conn_run_job(c, job, store_clock_now(reader->pool->clock));
    ok = ok && conn_commit(c, NULL);
    status = db_status(c->db);
    if (!ok && status == DB_OK)
        status = DB_OTHER;
    if (!ok)
        conn_rollback(c);
    return ok ? DB_OK : status;
}

/* Lets the writer go first, if it waits. */
static void pass_gate(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    leave(r);
    enter(r);
    pthread_mutex_unlock(&r->lock);
}

/* A job of which `status` is known: cut short, it is run once more. */
static void finish(struct reader *reader, struct job *job, enum db_status status)
{
    if (status == DB_INTERRUPTED) {
        pass_gate(reader->pool);
        status = run_jobs(reader, job);
    }
    if (status != DB_OK)
        log_error("store_read_failed", LOG_TEXT("status", db_status_text(status)),
                  LOG_TEXT("error", db_error(reader->conn.db)), LOG_END);
    if (status == DB_OK)
        syncer_release(reader->pool->syncer, job);
    else
        queue_send_home(job, db_status_result(status));
}

/* Out of the gate. */
static void done(struct readers *r, bool brief)
{
    pthread_mutex_lock(&r->lock);
    r->brief -= brief ? 1 : 0;
    leave(r);
    pthread_mutex_unlock(&r->lock);
}

static void serve(struct reader *reader, struct job *first)
{
    struct readers *r = reader->pool;
    const enum db_status status = run_jobs(reader, first);
    const bool brief = first->brief, alone = first->next == NULL;
    struct job *next;

    if (status == DB_OK) {
        done(r, brief);
        syncer_release(r->syncer, first);
        return;
    }
    for (struct job *job = first; job != NULL; job = next) {
        next = job->next;
        job->next = NULL;
        if (!alone)
            pass_gate(r);
        finish(reader, job, alone ? status : run_jobs(reader, job)); /* each by itself: one may have spoilt it for the others */
    }
    done(r, brief);
}

static int64_t cpu_ns(void)
{
    struct timespec used = {0};

    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

static void *reader_main(void *arg)
{
    struct reader *reader = arg;
    struct readers *r = reader->pool;
    struct job *job;
    int64_t began_ns = cpu_ns();

    /* Reading again what others have seen already must not delay what is live: under load the edge threads and the writer go first. On
     * Linux this is the thread's own niceness; without the right to change it nothing is lost. */
    (void)setpriority(PRIO_PROCESS, 0, READER_NICE);
    for (;;) {
        bool end;

        while ((job = next_jobs(reader)) != NULL) {
            reader->warm = true;
            serve(reader, job);
            if (cpu_ns() - began_ns > TURN_NS) {
                (void)sched_yield(); /* on a shared core the kernel would else look again at its next tick, 4 ms later */
                began_ns = cpu_ns();
            }
        }
        /* Another thread may have taken the job that woke this one. */
        pthread_mutex_lock(&r->lock);
        end = r->closed && r->queue.head == NULL;
        pthread_mutex_unlock(&r->lock);
        if (end)
            return NULL;
    }
}

/* Has the connection read the schema and prepare what a device's arrival asks for, before the first device comes: it need not wait for
 * that, and the process shows from the start what each reader needs. What fails here fails again, and is told, when it is asked for. */
static void prepare(struct store_conn *c)
{
    static const enum sql_id asked[] = {SQL_CLIENT_GET, SQL_REVOKED_GET, SQL_TOKEN_GET, SQL_ROOM_GET, SQL_MEMBER_GET};
    bool ok = conn_begin(c);

    for (size_t i = 0; i < sizeof(asked) / sizeof(asked[0]) && ok; i++)
        ok = conn_query(c, asked[i]) != NULL;
    if (!ok || !conn_commit(c, NULL))
        conn_rollback(c);
}

struct readers *readers_create(const struct readers_options *options, char *error, size_t error_size)
{
    struct readers *r = calloc(1, sizeof(*r) + options->threads * sizeof(r->reader[0]));
    pthread_condattr_t attributes;

    if (r == NULL) {
        snprintf(error, error_size, "no memory for the reader threads");
        return NULL;
    }
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attributes);
    pthread_cond_init(&r->idle, &attributes);
    pthread_condattr_destroy(&attributes);
    r->queue.limit = options->limit;
    r->clock = options->clock;
    r->syncer = options->syncer;
    r->count = options->threads;
    for (unsigned i = 0; i < r->count; i++) {
        struct reader *reader = &r->reader[i];
        struct db *db = db_open(&options->db, error, error_size);

        if (db == NULL)
            goto err;
        reader->pool = r;
        conn_init(&reader->conn, db, options->epoch, false);
        prepare(&reader->conn);
        reader->warm = true;
        if (pthread_create(&reader->thread, NULL, reader_main, reader) != 0) {
            snprintf(error, error_size, "a reader thread cannot be started");
            goto err;
        }
        reader->started = true;
    }
    return r;

err:
    readers_free(r);
    return NULL;
}

void readers_close(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void readers_drain(struct readers *r)
{
    readers_close(r);
    for (unsigned i = 0; i < r->count; i++) {
        if (r->reader[i].started)
            pthread_join(r->reader[i].thread, NULL);
        r->reader[i].started = false;
    }
    pthread_mutex_lock(&r->lock); /* the writer may be about to interrupt */
    for (unsigned i = 0; i < r->count; i++)
        conn_close(&r->reader[i].conn);
    pthread_mutex_unlock(&r->lock);
}

void readers_free(struct readers *r)
{
    if (r == NULL)
        return;
    readers_drain(r);
    pthread_cond_destroy(&r->idle);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}

bool readers_submit(struct readers *r, struct job *job)
{
    bool taken;

    pthread_mutex_lock(&r->lock);
    taken = !r->closed && queue_push(&r->queue, job);
    if (taken && job->brief && r->queue.depth % READER_BATCH != 0)
        atomic_store_explicit(&r->unsaid, true, memory_order_relaxed);
    else if (taken)
        pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    return taken;
}

void readers_wake(struct readers *r)
{
    /* Relaxed is enough: the caller looks for what it submitted itself. */
    if (!atomic_load_explicit(&r->unsaid, memory_order_relaxed))
        return;
    pthread_mutex_lock(&r->lock);
    atomic_store_explicit(&r->unsaid, false, memory_order_relaxed);
    if (r->queue.head != NULL && r->brief == 0)
        pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

unsigned readers_depth(struct readers *r)
{
    unsigned depth;

    pthread_mutex_lock(&r->lock);
    depth = r->queue.depth;
    pthread_mutex_unlock(&r->lock);
    return depth;
}

bool readers_pause(struct readers *r, unsigned wait_us)
{
    struct timespec until;
    bool nobody;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += (long)wait_us * 1000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_mutex_lock(&r->lock);
    r->paused = true;
    while (r->running != 0) {
        if (pthread_cond_timedwait(&r->idle, &r->lock, &until) != 0)
            break;
    }
    nobody = r->running == 0;
    pthread_mutex_unlock(&r->lock);
    return nobody;
}

void readers_resume(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    r->paused = false;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
}

void readers_interrupt(struct readers *r)
{
    pthread_mutex_lock(&r->lock);
    for (unsigned i = 0; i < r->count; i++) {
        if (r->reader[i].conn.db != NULL)
            db_interrupt(r->reader[i].conn.db);
    }
    pthread_mutex_unlock(&r->lock);
}
