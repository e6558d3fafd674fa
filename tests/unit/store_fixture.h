/*
 * tests/unit/store_fixture.h - a store in a folder of its own, and jobs made of a plain function.
 *
 * Owns the folder, the store and the mailbox, from fixture_make to fixture_free. Fails by failing the test.
 * Thread: the test's; a task's work runs on the store's threads.
 */
#ifndef RECALLD_TESTS_STORE_FIXTURE_H
#define RECALLD_TESTS_STORE_FIXTURE_H

#include "base/mailbox.h"
#include "store/query.h"
#include "store/store.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

struct fixture {
    char dir[64];
    char file[96];
    char uri[128];
    char error[512];
    struct store *store;
    struct mailbox *home;
};

struct task {
    struct job job; /* first, so that a job is its task */
    void (*work)(struct store_conn *c, int64_t now_ms, struct task *task);
    void *arg;
    int number;
    int runs;
    int64_t now_ms;
    bool finished;
};

static inline void task_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct task *task = (struct task *)job;

    task->runs++;
    task->now_ms = now_ms;
    task->work(conn, now_ms, task);
}

static inline void task_done(struct job *job, void *ctx)
{
    int *finished = ctx;

    ((struct task *)job)->finished = true;
    if (finished != NULL)
        (*finished)++;
}

static inline void task_init(struct task *task, struct fixture *f,
                             void (*work)(struct store_conn *, int64_t, struct task *), void *arg)
{
    *task =
        (struct task){.job = {.run = task_run, .done = task_done, .home = f->home}, .work = work, .arg = arg};
}

static inline struct store *fixture_open(struct fixture *f, const struct store_options *options)
{
    struct store_options all = options != NULL ? *options : (struct store_options){0};

    all.uri = f->uri;
    f->store = store_open(&all, f->error, sizeof(f->error));
    return f->store;
}

/* A folder and no store yet. */
static inline void fixture_make(struct fixture *f)
{
    *f = (struct fixture){.dir = "/tmp/recalld-store-XXXXXX"};
    assert_non_null(mkdtemp(f->dir));
    snprintf(f->file, sizeof(f->file), "%s/data/recall.db", f->dir);
    snprintf(f->uri, sizeof(f->uri), "sqlite:%s", f->file);
    f->home = mailbox_create(1, NULL, NULL);
    assert_non_null(f->home);
}

static inline void fixture_start(struct fixture *f)
{
    fixture_make(f);
    if (fixture_open(f, NULL) == NULL)
        fail_msg("%s", f->error);
}

static inline void fixture_restart(struct fixture *f)
{
    store_close(f->store);
    if (fixture_open(f, NULL) == NULL)
        fail_msg("%s", f->error);
}

static inline void fixture_free(struct fixture *f)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char path[128];

    store_close(f->store);
    mailbox_free(f->home);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        snprintf(path, sizeof(path), "%s%s", f->file, suffixes[i]);
        unlink(path);
    }
    snprintf(path, sizeof(path), "%s/data", f->dir);
    rmdir(path);
    rmdir(f->dir);
}

/* Delivers answers until `n` tasks have come home. */
static inline void fixture_await(struct fixture *f, int n)
{
    int finished = 0;

    while (finished < n) {
        if (!mailbox_wait(f->home, 20000))
            fail_msg("%d of %d jobs came home", finished, n);
        mailbox_drain(f->home, &finished, 0);
    }
}

/* Runs one piece of work on the writer, or a reader, and returns its fate. */
static inline enum result fixture_run(struct fixture *f, bool write,
                                      void (*work)(struct store_conn *, int64_t, struct task *), void *arg)
{
    struct task task;

    task_init(&task, f, work, arg);
    assert_true(write ? store_submit_write(f->store, &task.job) : store_submit_read(f->store, &task.job));
    fixture_await(f, 1);
    assert_true(task.finished);
    return task.job.fate;
}

/* Does the file named `file``suffix` hold these bytes? A missing file holds nothing. */
static inline bool fixture_file_holds(const struct fixture *f, const char *suffix, const char *bytes)
{
    char path[128];
    FILE *file;
    char *all;
    long size;
    bool found = false;

    snprintf(path, sizeof(path), "%s%s", f->file, suffix);
    file = fopen(path, "rb");
    if (file == NULL)
        return false;
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    size = ftell(file);
    assert_true(size >= 0);
    rewind(file);
    all = malloc((size_t)size + 1);
    assert_non_null(all);
    size = (long)fread(all, 1, (size_t)size, file);
    fclose(file);
    found = memmem(all, (size_t)size, bytes, strlen(bytes)) != NULL;
    free(all);
    return found;
}

/* --- rows --- */

#define ASSERT_STR(value, text)                    \
    do {                                           \
        const struct str got_ = (value);           \
        assert_non_null(got_.p);                   \
        assert_int_equal(got_.n, strlen(text));    \
        assert_memory_equal(got_.p, text, got_.n); \
    } while (0)

#define ASSERT_ABSENT(value) assert_null((value).p)

static inline struct room_row fixture_room(struct store_conn *c, int64_t app, const char *id)
{
    struct room_row room = {.app = app,
                            .id = str_c(id),
                            .name = STR("A room"),
                            .type = STR("group"),
                            .owner = STR("ann"),
                            .min_seq = 1,
                            .created_ms = 1000,
                            .updated_ms = 1000};

    store_room_add(c, &room);
    return room;
}

/* At random, the same in each run: 0 to n - 1. */
static inline uint64_t fixture_below(uint64_t n)
{
    static uint64_t state = 88172645463325252;

    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (state >> 20) % n;
}

/* A live text message of `sender` (NULL: the platform) with the room's next seq. */
static inline struct message_row fixture_message(struct store_conn *c, int64_t app, int64_t room_key,
                                                 const char *id, const char *sender, const char *body)
{
    struct message_row m = {.room_key = room_key,
                            .id = str_c(id),
                            .sender = str_c(sender),
                            .type = STR("text"),
                            .body = str_c(body),
                            .version = 1};

    m.seq = store_room_next_seq(c, room_key);
    m.time_ms = m.created_ms = m.updated_ms = 1000 + m.seq;
    store_message_add(c, app, &m);
    return m;
}

#endif
