#include "store/writer.h"

#include "base/clock.h"
#include "base/crash_point.h"
#include "base/log.h"
#include "base/sched.h"
#include "store/conn.h"
#include "store/ranks.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/*
 * Checkpoints. The log's pages go into the file whenever CHECKPOINT_PAGES more of them have come together. An
 * erasure makes the log be emptied: ERASE_SOON_MS after its commit, so that a few recalls share it, and at
 * most once in ERASE_EVERY_MS, so that a stream of recalls does not pay for one each; together still within a
 * second. Readers are first asked to make way for GATE_US at a time; from ERASE_PATIENCE_MS on the gate stays
 * closed between tries, which holds reads up until the longest one is over; after ERASE_INTERRUPT_MS that one
 * is cut short. Erasure is promised within 5 s.
 */
#define CHECKPOINT_PAGES 8192U
#define LOG_PAGES_MAX 65536U /* 256 MiB: readers never let it begin anew; empty it as for an erasure */
#define ERASE_SOON_MS 100
#define ERASE_EVERY_MS 900
#define ERASE_RETRY_MS 20
#define ERASE_PATIENCE_MS 1000
#define ERASE_INTERRUPT_MS 2500
#define ERASE_LATE_MS 5000
#define GATE_US 2000U
#define PROBE_MS 1000
#define TELL_EVERY_MS 1000
/* A writer without work for so long gives its page cache back: what thousands of devices left there as they came would else be
 * held as long as they stay. Reading the pages again costs less than a commit. */
#define IDLE_MS 1000

struct writer {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ranks queue;
    bool closed; /* refuses */
    bool waits;  /* the thread, for work */
    bool ending; /* returns once the queue is empty */
    bool joined;
    pthread_t thread;

    /* the thread's own */
    struct store_conn conn;
    struct readers *readers;
    struct syncer *syncer;
    unsigned batch_max;
    struct store_clock *clock;
    _Atomic uint32_t *under_way;
    unsigned checkpointed_at;                                 /* log_pages at the last checkpoint */
    bool truncate;                                            /* the log is to be emptied */
    bool late;                                                /* said so in the log */
    int64_t truncate_since_ms, truncate_due_ms, truncated_ms; /* monotonic */
    int64_t probe_due_ms;
    int64_t idle_due_ms; /* when memory is given back; INT64_MAX: it was */
    int64_t told_ms; /* when a failure was last logged */

    /* read by others */
    _Atomic uint64_t commits, jobs, failed_commits, checkpoints;
    _Atomic int64_t erase_since_ms; /* monotonic; 0: none waits */
    _Atomic bool healthy;
};

static void count(_Atomic uint64_t *counter, uint64_t n)
{
    atomic_fetch_add_explicit(counter, n, memory_order_relaxed);
}

/*
 * After a failed write or fsync the kernel may have dropped the pages and forgotten the error: a second fsync
 * would succeed without the data. What the disk holds is only known by reading it again, which the next start
 * does.
 */
static _Noreturn void fatal(struct writer *w, const char *what)
{
    log_error("store_fatal", LOG_TEXT("doing", what), LOG_TEXT("error", db_error(w->conn.db)), LOG_END);
    _exit(1);
}

/* Notes a failed transaction. Those that only tell of a wrong statement say nothing about the next commit;
 * a disk that takes nothing fails every job, which needs no line each. */
static void note_failure(struct writer *w, enum db_status status, size_t jobs)
{
    const int64_t now = clock_mono_ms();
    const bool of_disk = status != DB_CONSTRAINT && status != DB_OTHER;

    count(&w->failed_commits, 1);
    if (!of_disk || now - w->told_ms >= TELL_EVERY_MS) {
        w->told_ms = now;
        log_error("store_commit_failed", LOG_TEXT("status", db_status_text(status)),
                  LOG_TEXT("error", db_error(w->conn.db)), LOG_UINT("jobs", jobs), LOG_END);
    }
    if (of_disk && atomic_exchange(&w->healthy, false))
        w->probe_due_ms = now + PROBE_MS;
}

static void erase_soon(struct writer *w)
{
    const int64_t now = clock_mono_ms();

    w->truncate = true;
    w->truncate_since_ms = now;
    w->truncate_due_ms = now + ERASE_SOON_MS;
    if (w->truncate_due_ms < w->truncated_ms + ERASE_EVERY_MS)
        w->truncate_due_ms = w->truncated_ms + ERASE_EVERY_MS;
    atomic_store_explicit(&w->erase_since_ms, now, memory_order_relaxed);
}

/* Commits what the jobs did. False: rolled back, `status` tells why. With `soon` it was announced to the syncer, and *owed tells whether
 * it is still to be synced. */
static bool commit(struct writer *w, bool soon, bool *owed, enum db_status *status)
{
    struct store_conn *c = &w->conn;
    const bool erases = c->erases;
    bool wrote = false;

    crash_point("before-commit");
    if (soon ? !conn_commit_soon(c, &wrote, owed) : !conn_commit(c, &wrote)) {
        *status = db_status(c->db);
        if (*status == DB_IO)
            fatal(w, "commit");
        return false;
    }
    if (wrote) {
        count(&w->commits, 1);
        if (!atomic_exchange(&w->healthy, true))
            log_info("store_recovered", LOG_END);
    }
    if (erases && !w->truncate)
        erase_soon(w);
    return true;
}

static bool more_wait(struct writer *w)
{
    bool more;

    pthread_mutex_lock(&w->lock);
    more = w->queue.depth != w->queue.of[JOB_LATER].depth;
    pthread_mutex_unlock(&w->lock);
    return more;
}

/* The batch is committed: it goes to the syncer, or, where that was not asked for, its disk was waited for already. */
static void hand_on(struct writer *w, bool soon, bool owed, struct job *first, size_t n)
{
    count(&w->jobs, n); /* before anyone who got an answer can ask */
    if (soon) {
        syncer_take(w->syncer, owed, conn_take_effects(&w->conn), first);
        return;
    }
    syncer_publish(w->syncer, conn_take_effects(&w->conn), first);
}

/* Runs the jobs from `first` in one transaction and sends them home. A lone batch waits for the disk itself, which is a thread's wake less;
 * where others wait, the syncer does, and the next batch runs meanwhile. */
static bool run_together(struct writer *w, struct job *first, enum db_status *status)
{
    struct store_conn *c = &w->conn;
    size_t n = 0;
    bool ok = conn_begin(c), soon, owed = false;

    for (struct job *job = first; ok && job != NULL; job = job->next) {
        n++;
        ok = conn_run_job(c, job, store_clock_now(w->clock));
    }
    *status = db_status(c->db);
    soon = ok && (more_wait(w) || syncer_busy(w->syncer));
    if (soon)
        syncer_announce(w->syncer);
    ok = ok && commit(w, soon, &owed, status);
    if (ok) {
        hand_on(w, soon, owed, first, n);
        return true;
    }
    if (soon)
        syncer_withdraw(w->syncer);
    if (*status == DB_OK)
        *status = DB_OTHER; /* conn_fail: the rows were not what they must be */
    note_failure(w, *status, n);
    conn_rollback(c);
    conn_settle(conn_take_effects(c), false);
    return false;
}

static void run_batch(struct writer *w, struct job *first)
{
    enum db_status status;
    struct job *next;

    if (run_together(w, first, &status))
        return;
    /* One of them spoiled the batch, or there was no room for all: each gets its own chance. */
    for (struct job *job = first; job != NULL; job = next) {
        next = job->next;
        job->next = NULL;
        if (run_together(w, job, &status))
            continue;
        atomic_fetch_sub(w->under_way, ranks_count(job));
        queue_send_home(job, db_status_result(status));
    }
}

static void checkpoint_failed(struct writer *w)
{
    const enum db_status status = db_status(w->conn.db);

    if (status == DB_IO)
        fatal(w, "checkpoint");
    if (status != DB_BUSY && status != DB_OK) {
        log_error("store_checkpoint_failed", LOG_TEXT("status", db_status_text(status)),
                  LOG_TEXT("error", db_error(w->conn.db)), LOG_END);
        w->truncate_due_ms = clock_mono_ms() + PROBE_MS;
    }
}

static bool erase_log(struct writer *w)
{
    crash_point("before-erase");
    return db_checkpoint(w->conn.db, true);
}

/* Empties the log, if the readers let it. */
static void truncate_log(struct writer *w, int64_t now)
{
    const int64_t waited = now - w->truncate_since_ms;
    bool keep_gate_closed = waited >= ERASE_PATIENCE_MS;

    w->truncate_due_ms = now + ERASE_RETRY_MS;
    if (!readers_pause(w->readers, GATE_US)) {
        if (waited >= ERASE_INTERRUPT_MS)
            readers_interrupt(w->readers);
    } else if (erase_log(w)) {
        w->truncate = false;
        w->late = false;
        keep_gate_closed = false;
        w->checkpointed_at = 0;
        w->truncated_ms = clock_mono_ms();
        count(&w->checkpoints, 1);
        atomic_store_explicit(&w->erase_since_ms, 0, memory_order_relaxed);
    } else {
        keep_gate_closed = false; /* our readers are not what is in the way */
        checkpoint_failed(w);
    }
    if (!keep_gate_closed)
        readers_resume(w->readers);
    if (w->truncate && waited >= ERASE_LATE_MS && !w->late) {
        w->late = true;
        log_warn("store_erasure_late", LOG_INT("ms", waited),
                 LOG_TEXT("why", db_status_text(db_status(w->conn.db))), LOG_END);
    }
}

/* A small commit, to learn whether the disk takes writes again. */
static void probe(struct writer *w)
{
    struct store_conn *c = &w->conn;
    enum db_status status;
    bool owed;
    char text[24];
    struct db_stmt *s;

    w->probe_due_ms = clock_mono_ms() + PROBE_MS;
    if (conn_begin(c)) {
        snprintf(text, sizeof(text), "%lld", (long long)store_clock_now(w->clock));
        s = conn_query(c, SQL_META_PUT);
        if (s != NULL) {
            db_bind_text(s, 1, STR("probe"));
            db_bind_text(s, 2, str_c(text));
            conn_write(c, s);
        }
        if (commit(w, false, &owed, &status))
            return;
    }
    conn_rollback(c);
}

/* What is due besides jobs. */
static void housekeeping(struct writer *w)
{
    const unsigned pages = db_log_pages(w->conn.db);
    int64_t now;

    if (pages < w->checkpointed_at)
        w->checkpointed_at = 0; /* the log began anew */
    if (pages >= w->checkpointed_at + CHECKPOINT_PAGES) {
        w->checkpointed_at = pages;
        if (!db_checkpoint(w->conn.db, false))
            checkpoint_failed(w);
        if (pages >= LOG_PAGES_MAX && !w->truncate) {
            w->truncate = true;
            w->truncate_since_ms = w->truncate_due_ms = clock_mono_ms();
        }
    }
    if (w->idle_due_ms != INT64_MAX && w->idle_due_ms <= clock_mono_ms()) {
        w->idle_due_ms = INT64_MAX;
        row_cache_clear(&w->conn);
        db_release_memory(w->conn.db);
    }
    if (w->truncate || !atomic_load(&w->healthy)) {
        now = clock_mono_ms();
        if (w->truncate && now >= w->truncate_due_ms)
            truncate_log(w, now);
        if (!atomic_load(&w->healthy) && now >= w->probe_due_ms)
            probe(w);
    }
}

/* When the thread must wake up without a job; INT64_MAX: never. */
static int64_t due_ms(const struct writer *w)
{
    int64_t due = w->truncate ? w->truncate_due_ms : INT64_MAX;

    if (!atomic_load(&w->healthy) && w->probe_due_ms < due)
        due = w->probe_due_ms;
    return w->idle_due_ms < due ? w->idle_due_ms : due;
}

/* Waits for jobs or for what is due. The jobs, or NULL with *end telling whether that is all. */
static struct job *wait_for_jobs(struct writer *w, bool *end)
{
    const int64_t due = due_ms(w);
    struct job *batch = NULL;

    pthread_mutex_lock(&w->lock);
    w->waits = true;
    while (!ranks_ready(&w->queue, clock_mono_ms()) && !w->ending) {
        const int64_t later = ranks_due_ms(&w->queue), first = later < due ? later : due;
        const struct timespec until = {first / 1000, (first % 1000) * 1000000};

        if (first == INT64_MAX)
            pthread_cond_wait(&w->wake, &w->lock);
        else if (pthread_cond_timedwait(&w->wake, &w->lock, &until) == ETIMEDOUT)
            break;
    }
    w->waits = false;
    if (w->ending || ranks_ready(&w->queue, clock_mono_ms()))
        batch = ranks_take(&w->queue, w->batch_max);
    *end = batch == NULL && w->ending;
    pthread_mutex_unlock(&w->lock);
    return batch;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    bool end = false;

    sched_prompt();
    while (!end) {
        struct job *batch = wait_for_jobs(w, &end);

        if (batch != NULL) {
            run_batch(w, batch);
            w->idle_due_ms = clock_mono_ms() + IDLE_MS;
        }
        housekeeping(w);
    }
    /* The readers are drained by now (store_close): this succeeds unless another process is reading. */
    syncer_wait(w->syncer);
    w->truncate_since_ms = clock_mono_ms();
    truncate_log(w, w->truncate_since_ms);
    return NULL;
}

struct writer *writer_create(const struct writer_options *options, char *error, size_t error_size)
{
    struct writer *w = calloc(1, sizeof(*w));
    pthread_condattr_t attributes;

    if (w == NULL) {
        db_close(options->db);
        snprintf(error, error_size, "no memory for the writer thread");
        return NULL;
    }
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    conn_init(&w->conn, options->db, options->epoch, true);
    w->queue.limit = options->limit;
    w->readers = options->readers;
    w->syncer = options->syncer;
    w->batch_max = options->batch_max;
    w->clock = options->clock;
    w->under_way = options->under_way;
    w->idle_due_ms = INT64_MAX;
    w->truncated_ms = w->told_ms = clock_mono_ms() - ERASE_EVERY_MS - TELL_EVERY_MS;
    atomic_store(&w->healthy, true);
    if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        snprintf(error, error_size, "the writer thread cannot be started");
        conn_close(&w->conn);
        pthread_cond_destroy(&w->wake);
        pthread_mutex_destroy(&w->lock);
        free(w);
        return NULL;
    }
    return w;
}

void writer_close(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->closed = true;
    pthread_mutex_unlock(&w->lock);
}

void writer_drain(struct writer *w)
{
    pthread_mutex_lock(&w->lock);
    w->closed = w->ending = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
    if (w->joined)
        return;
    pthread_join(w->thread, NULL);
    w->joined = true;
    conn_close(&w->conn);
}

void writer_free(struct writer *w)
{
    if (w == NULL)
        return;
    writer_drain(w);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->lock);
    free(w);
}

/* Signals are given without the lock: on a core that both threads share, the one that is woken would run at once and wait for it. */
bool writer_submit(struct writer *w, struct job *job, bool more)
{
    const bool later = job->rank == JOB_LATER;
    bool taken, wakes;
    unsigned n;

    pthread_mutex_lock(&w->lock);
    taken = !w->closed && ranks_push(&w->queue, job, later ? clock_mono_ms() : 0);
    n = w->queue.of[JOB_LATER].depth;
    if (taken && !later)
        atomic_fetch_add(w->under_way, 1);
    if (later) /* the first has the thread wait no longer than for it */
        wakes = taken && w->waits && (n == 1 || n == RANKS_LATER_MANY);
    else
        wakes = taken && w->waits && (!more || w->queue.depth - n >= STORE_TOGETHER);
    pthread_mutex_unlock(&w->lock);
    if (wakes)
        pthread_cond_signal(&w->wake);
    return taken;
}

unsigned writer_gathered(struct writer *w)
{
    unsigned n;

    pthread_mutex_lock(&w->lock);
    n = w->waits ? w->queue.depth - w->queue.of[JOB_LATER].depth : 0;
    pthread_mutex_unlock(&w->lock);
    return n;
}

void writer_wake(struct writer *w)
{
    if (writer_gathered(w) != 0)
        pthread_cond_signal(&w->wake);
}

void writer_stats(struct writer *w, struct store_stats *out)
{
    const int64_t since = atomic_load_explicit(&w->erase_since_ms, memory_order_relaxed);
    const int64_t now = clock_mono_ms();

    out->commits = atomic_load_explicit(&w->commits, memory_order_relaxed);
    out->jobs = atomic_load_explicit(&w->jobs, memory_order_relaxed);
    out->failed_commits = atomic_load_explicit(&w->failed_commits, memory_order_relaxed);
    out->checkpoints = atomic_load_explicit(&w->checkpoints, memory_order_relaxed);
    out->erase_pending_ms = since == 0 ? 0 : now > since ? (uint64_t)(now - since) : 1;
    pthread_mutex_lock(&w->lock);
    out->write_depth = w->queue.depth;
    pthread_mutex_unlock(&w->lock);
}

bool writer_healthy(const struct writer *w)
{
    return atomic_load(&w->healthy);
}
