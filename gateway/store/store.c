#include "store/store.h"

#include "store/conn.h"
#include "store/readers.h"
#include "store/schema.h"
#include "store/store_clock.h"
#include "store/syncer.h"
#include "store/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#define READERS 2U
#define QUEUE 8192U
/* So many that a commit's own cost counts for little, so few that a recall which comes while they run waits for some milliseconds at most. */
#define BATCH 128U

struct store {
    struct writer *writer;
    struct readers *readers;
    struct syncer *syncer;
    struct store_clock clock;
    _Atomic uint32_t under_way; /* write jobs that are not published, besides those for later */
    char epoch[SCHEMA_EPOCH_SIZE];
};

static unsigned or_default(unsigned value, unsigned standard)
{
    return value != 0 ? value : standard;
}

/* Opens the writing connection on a database of this version, with an empty log. */
static struct db *open_writer(struct store *store, const struct db_options *options, char *error, size_t size)
{
    struct db *db = db_open(options, error, size);

    if (db == NULL)
        return NULL;
    if (!schema_migrate(db, options->uri, error, size) || !schema_epoch(db, store->epoch, error, size))
        goto err;
    /* What was erased just before a kill may still be in the log. Another program that reads it delays
     * this, no more. */
    if (!db_checkpoint(db, true) && db_status(db) != DB_BUSY) {
        if (db_status(db) == DB_FULL)
            snprintf(error, size, "the disk that holds the database %s is full", options->uri);
        else
            snprintf(error, size, "the database %s cannot be written to: %s", options->uri, db_error(db));
        goto err;
    }
    return db;

err:
    db_close(db);
    return NULL;
}

struct store *store_open(const struct store_options *options, char *error, size_t error_size)
{
    struct store *store = calloc(1, sizeof(*store));
    struct db_options connection = {
        .uri = options->uri, .role = DB_WRITER, .sql = sql_texts(), .sql_count = SQL_COUNT};
    struct readers_options readers;
    struct syncer_options syncer;
    struct writer_options writer;
    struct db *db;

    if (store == NULL) {
        snprintf(error, error_size, "no memory for the store");
        return NULL;
    }
    store_clock_init(&store->clock);
    db = open_writer(store, &connection, error, error_size);
    if (db == NULL)
        goto err0;
    syncer = (struct syncer_options){
        .db = db, .under_way = &store->under_way, .published = options->published, .ctx = options->published_ctx};
    store->syncer = syncer_create(&syncer, error, error_size);
    if (store->syncer == NULL)
        goto err1;
    connection.role = DB_READER;
    readers = (struct readers_options){
        .db = connection,
        .epoch = str_c(store->epoch),
        .threads = or_default(options->readers, READERS),
        .limit = or_default(options->read_queue, QUEUE),
        .clock = &store->clock,
        .syncer = store->syncer,
    };
    store->readers = readers_create(&readers, error, error_size);
    if (store->readers == NULL)
        goto err2;
    writer = (struct writer_options){
        .db = db,
        .epoch = str_c(store->epoch),
        .readers = store->readers,
        .syncer = store->syncer,
        .limit = or_default(options->write_queue, QUEUE),
        .batch_max = or_default(options->batch_max, BATCH),
        .clock = &store->clock,
        .under_way = &store->under_way,
    };
    store->writer = writer_create(&writer, error, error_size);
    if (store->writer == NULL)
        goto err3;
    return store;

err3:
    readers_free(store->readers);
    db = NULL; /* writer_create closed it */
err2:
    syncer_free(store->syncer);
err1:
    db_close(db);
err0:
    store_clock_destroy(&store->clock);
    free(store);
    return NULL;
}

void store_stop(struct store *store)
{
    if (store == NULL)
        return;
    writer_close(store->writer);
    readers_close(store->readers);
    readers_drain(store->readers);
    writer_drain(store->writer);
    syncer_free(store->syncer); /* it may still be sending home what readers found */
    store->syncer = NULL;
}

void store_close(struct store *store)
{
    if (store == NULL)
        return;
    store_stop(store);
    writer_free(store->writer);
    readers_free(store->readers);
    syncer_free(store->syncer);
    store_clock_destroy(&store->clock);
    free(store);
}

bool store_under_way(const struct store *store)
{
    return atomic_load_explicit(&store->under_way, memory_order_relaxed) != 0;
}

bool store_submit_write(struct store *store, struct job *job)
{
    return writer_submit(store->writer, job, false);
}

bool store_submit_write_soon(struct store *store, struct job *job)
{
    return writer_submit(store->writer, job, true);
}

unsigned store_gathered(struct store *store)
{
    return writer_gathered(store->writer);
}

void store_wake(struct store *store)
{
    writer_wake(store->writer);
    readers_wake(store->readers);
}

void store_wake_readers(struct store *store)
{
    readers_wake(store->readers);
}

bool store_submit_read(struct store *store, struct job *job)
{
    return readers_submit(store->readers, job);
}

/* A caller that waits for its job: the writer runs it through an envelope that tells when its fate is
 * known. */
struct waiting {
    struct job job;
    struct job *inner;
    pthread_mutex_t lock;
    pthread_cond_t done;
    bool is_done;
};

static struct waiting *waiting_of(struct job *job)
{
    return (struct waiting *)(void *)((char *)job - offsetof(struct waiting, job));
}

static void waiting_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct job *inner = waiting_of(job)->inner;

    inner->run(inner, conn, now_ms);
}

static void waiting_drop(struct job *job)
{
    struct waiting *w = waiting_of(job);

    pthread_mutex_lock(&w->lock);
    w->is_done = true;
    pthread_cond_signal(&w->done);
    pthread_mutex_unlock(&w->lock);
}

enum result store_run_now(struct store *store, struct job *job)
{
    struct waiting w = {.job = {.run = waiting_run, .drop = waiting_drop, .fate = RESULT_UNAVAILABLE},
                        .inner = job};

    pthread_mutex_init(&w.lock, NULL);
    pthread_cond_init(&w.done, NULL);
    if (writer_submit(store->writer, &w.job, false)) {
        pthread_mutex_lock(&w.lock);
        while (!w.is_done)
            pthread_cond_wait(&w.done, &w.lock);
        pthread_mutex_unlock(&w.lock);
    }
    pthread_cond_destroy(&w.done);
    pthread_mutex_destroy(&w.lock);
    job->fate = w.job.fate;
    return job->fate;
}

struct str store_epoch(const struct store *store)
{
    return str_c(store->epoch);
}

void store_stats(struct store *store, struct store_stats *out)
{
    writer_stats(store->writer, out);
    out->read_depth = readers_depth(store->readers);
}

bool store_healthy(struct store *store)
{
    return writer_healthy(store->writer);
}

struct arena *store_conn_arena(struct store_conn *conn)
{
    return &conn->arena;
}

struct str store_conn_epoch(struct store_conn *conn)
{
    return conn->epoch;
}

bool store_conn_failed(const struct store_conn *conn)
{
    return conn->failed;
}

void store_conn_effect(struct store_conn *conn, struct effect *effect)
{
    effect->next = NULL;
    *conn->effects_end = effect;
    conn->effects_end = &effect->next;
}

void store_conn_erases(struct store_conn *conn)
{
    conn->erases = true;
}
