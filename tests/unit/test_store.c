/* The store's threads: group commit, failures that stay with their job, effects, refusals, what survives a
 * kill. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <semaphore.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/resource.h>
#include <sys/wait.h>

static void intern_numbered(struct store_conn *c, int64_t now_ms, struct task *task)
{
    char name[32];

    (void)now_ms;
    snprintf(name, sizeof(name), "app-%d", task->number);
    assert_true(store_app_intern(c, str_c(name)) > 0);
}

/* Holds the writer, so that what is submitted meanwhile becomes one batch. */
static void wait_for_post(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)c;
    (void)now_ms;
    while (sem_wait(task->arg) != 0)
        continue;
}

/* Submits such a job and returns when the writer has begun it, alone in its batch. */
static void hold_writer(struct fixture *f, struct task *hold, sem_t *gate)
{
    struct store_stats stats = {.write_depth = 1};

    sem_init(gate, 0, 0);
    task_init(hold, f, wait_for_post, gate);
    assert_true(store_submit_write(f->store, &hold->job));
    while (stats.write_depth != 0)
        store_stats(f->store, &stats);
}

static void count_clients(struct store_conn *c, int64_t now_ms, struct task *task)
{
    char name[32];
    int *n = task->arg;

    (void)now_ms;
    *n = 0;
    for (int i = 0; i < 1000; i++) {
        struct client_row row;

        snprintf(name, sizeof(name), "%d", i);
        *n += store_client_get(c, 1, str_c(name), &row);
    }
}

static void put_client(struct store_conn *c, int64_t now_ms, struct task *task)
{
    char id[32];
    struct client_row row = {.nickname = STR("N"), .created_ms = now_ms};

    snprintf(id, sizeof(id), "%d", task->number);
    row.id = str_c(id);
    store_client_put(c, 1, &row);
}

static void group_commit(void **state)
{
    struct fixture f;
    struct task hold, tasks[120];
    struct store_stats before, after;
    sem_t gate;
    int found = 0;

    (void)state;
    fixture_start(&f);
    store_stats(f.store, &before);
    hold_writer(&f, &hold, &gate);
    for (int i = 0; i < 120; i++) {
        task_init(&tasks[i], &f, put_client, NULL);
        tasks[i].number = i;
        assert_true(store_submit_write(f.store, &tasks[i].job));
    }
    sem_post(&gate);
    fixture_await(&f, 121);
    store_stats(f.store, &after);
    assert_int_equal(after.commits - before.commits, 1); /* the job that held wrote nothing */
    assert_int_equal(after.jobs - before.jobs, 121);
    assert_int_equal(after.failed_commits, 0);
    for (int i = 0; i < 120; i++) {
        assert_int_equal(tasks[i].job.fate, RESULT_OK);
        assert_int_equal(tasks[i].runs, 1);
        assert_true(i == 0 || tasks[i].now_ms >= tasks[i - 1].now_ms);
    }
    assert_int_equal(fixture_run(&f, false, count_clients, &found), RESULT_OK);
    assert_int_equal(found, 120);
    assert_true(store_healthy(f.store));
    sem_destroy(&gate);
    fixture_free(&f);
}

/* As an edge thread does that may have more at once. The writer waits by now, and as no batch ran before, it has no reason of its own to
 * wake up. */
static void submit_soon(struct fixture *f, struct task *tasks, int n)
{
    (void)usleep(100000);
    for (int i = 0; i < n; i++) {
        task_init(&tasks[i], f, put_client, NULL);
        tasks[i].number = i;
        assert_true(store_submit_write_soon(f->store, &tasks[i].job));
    }
}

static void jobs_that_may_be_followed_by_more_run_when_their_thread_says_so(void **state)
{
    struct fixture f;
    struct task tasks[3];

    (void)state;
    fixture_start(&f);
    store_wake(f.store); /* nothing to say: harmless */
    submit_soon(&f, tasks, 3);
    store_wake(f.store);
    fixture_await(&f, 3);
    fixture_free(&f);
}

static void enough_jobs_for_a_commit_do_not_wait_to_be_told_of(void **state)
{
    struct fixture f;
    struct task tasks[64];

    (void)state;
    fixture_start(&f);
    submit_soon(&f, tasks, 64);
    assert_true(mailbox_wait(f.home, 20000));
    store_wake(f.store);
    fixture_await(&f, 64);
    fixture_free(&f);
}

static void jobs_that_the_writer_was_not_told_of_are_counted_until_it_has_them(void **state)
{
    struct fixture f;
    struct task tasks[3];
    unsigned n = 0;

    (void)state;
    fixture_start(&f);
    for (int tries = 0; n != 3 && tries < 100; tries++) {
        submit_soon(&f, tasks, 3);
        n = store_gathered(f.store);
        if (n == 3)
            break;
        store_wake(f.store); /* it had not gone to wait yet, and took some by itself */
        fixture_await(&f, 3);
    }
    assert_int_equal(n, 3);
    store_wake_readers(f.store);
    assert_false(mailbox_wait(f.home, 20));
    store_wake(f.store);
    fixture_await(&f, 3);
    assert_int_equal(store_gathered(f.store), 0);
    fixture_free(&f);
}

static void count_wake(void *arg)
{
    (void)atomic_fetch_add((atomic_int *)arg, 1);
}

static void a_batch_comes_home_with_one_wake(void **state)
{
    enum { JOBS = 10 };
    struct fixture f;
    struct task hold, tasks[JOBS];
    atomic_int wakes = 0;
    struct mailbox *home = mailbox_create(JOBS, count_wake, &wakes);
    sem_t gate;
    int finished = 0;

    (void)state;
    fixture_start(&f);
    hold_writer(&f, &hold, &gate);
    for (int i = 0; i < JOBS; i++) {
        task_init(&tasks[i], &f, put_client, NULL);
        tasks[i].number = i;
        tasks[i].job.home = home;
        assert_true(store_submit_write(f.store, &tasks[i].job));
    }
    sem_post(&gate);
    for (int i = 0; i < 20000 && (mailbox_depth(home) < JOBS || wakes == 0); i++)
        (void)usleep(1000);
    assert_int_equal(mailbox_drain(home, &finished, 0), JOBS);
    assert_int_equal(wakes, 1);
    fixture_await(&f, 1); /* the job that held */
    sem_destroy(&gate);
    fixture_free(&f);
    mailbox_free(home);
}

static void nothing_written_costs_no_commit(void **state)
{
    struct fixture f;
    struct store_stats before, after;
    int found = -1;

    (void)state;
    fixture_start(&f);
    store_stats(f.store, &before);
    assert_int_equal(fixture_run(&f, true, count_clients, &found), RESULT_OK);
    store_stats(f.store, &after);
    assert_int_equal(found, 0);
    assert_int_equal(after.jobs - before.jobs, 1);
    assert_int_equal(after.commits, before.commits);
    fixture_free(&f);
}

/* --- one spoils, the others are kept; effects --- */

struct trace {
    int committed[64];
    int count;
    int discarded;
};

struct note {
    struct effect effect;
    struct trace *trace;
    int number;
};

static void note_commit(struct effect *effect)
{
    struct note *note = (struct note *)effect;

    note->trace->committed[note->trace->count++] = note->number;
    free(note);
}

static void note_discard(struct effect *effect)
{
    struct note *note = (struct note *)effect;

    note->trace->discarded++;
    free(note);
}

/* Number 5 takes an id twice, which the database refuses; everyone leaves two effects. */
static void put_with_effects(struct store_conn *c, int64_t now_ms, struct task *task)
{
    for (int i = 0; i < 2; i++) {
        struct note *note = malloc(sizeof(*note));

        assert_non_null(note);
        *note =
            (struct note){{.commit = note_commit, .discard = note_discard}, task->arg, task->number * 10 + i};
        store_conn_effect(c, &note->effect);
    }
    put_client(c, now_ms, task);
    if (task->number == 5) {
        fixture_room(c, 1, "twice");
        fixture_room(c, 1, "twice");
        assert_true(store_conn_failed(c));
        assert_int_equal(store_room_count(c, 1), 0); /* everything after the failure fails */
    }
}

static void one_failing_job_harms_no_other(void **state)
{
    struct fixture f;
    struct task hold, tasks[10];
    struct trace trace = {.count = 0};
    struct store_stats stats;
    sem_t gate;
    int found, at = 0;

    (void)state;
    fixture_start(&f);
    hold_writer(&f, &hold, &gate);
    for (int i = 0; i < 10; i++) {
        task_init(&tasks[i], &f, put_with_effects, &trace);
        tasks[i].number = i;
        assert_true(store_submit_write(f.store, &tasks[i].job));
    }
    sem_post(&gate);
    fixture_await(&f, 11);
    for (int i = 0; i < 10; i++)
        assert_int_equal(tasks[i].job.fate, i == 5 ? RESULT_INTERNAL : RESULT_OK);
    assert_int_equal(tasks[5].runs, 2);
    assert_int_equal(trace.count, 18);
    for (int i = 0; i < 10; i++) {
        for (int j = 0; j < 2 && i != 5; j++)
            assert_int_equal(trace.committed[at++], i * 10 + j);
    }
    /* those of the batch up to the failure, and the failing job's own second try */
    assert_int_equal(trace.discarded, 12 + 2);
    assert_int_equal(fixture_run(&f, false, count_clients, &found), RESULT_OK);
    assert_int_equal(found, 9);
    store_stats(f.store, &stats);
    assert_int_equal(stats.failed_commits, 2);
    assert_true(store_healthy(f.store)); /* a wrong row says nothing about the disk */
    sem_destroy(&gate);
    fixture_free(&f);
}

static void readers_cannot_write(void **state)
{
    struct fixture f;
    struct task task;

    (void)state;
    fixture_start(&f);
    task_init(&task, &f, put_client, NULL);
    assert_true(store_submit_read(f.store, &task.job));
    fixture_await(&f, 1);
    assert_int_equal(task.job.fate, RESULT_UNAVAILABLE);
    fixture_free(&f);
}

static void full_queues_refuse(void **state)
{
    const struct store_options options = {.write_queue = 2, .read_queue = 3, .readers = 1};
    struct fixture f;
    struct task hold[2], tasks[10];
    sem_t gate[2];
    int writes = 0, reads = 0, found[10];

    (void)state;
    fixture_make(&f);
    assert_non_null(fixture_open(&f, &options));
    for (int i = 0; i < 2; i++) {
        sem_init(&gate[i], 0, 0);
        task_init(&hold[i], &f, wait_for_post, &gate[i]);
    }
    assert_true(store_submit_write(f.store, &hold[0].job));
    assert_true(store_submit_read(f.store, &hold[1].job));
    for (struct store_stats s = {.write_depth = 1}; s.write_depth + s.read_depth != 0;)
        store_stats(f.store, &s);
    for (int i = 0; i < 10; i++) {
        task_init(&tasks[i], &f, count_clients, &found[i]);
        if (i < 5)
            writes += store_submit_write(f.store, &tasks[i].job);
        else
            reads += store_submit_read(f.store, &tasks[i].job);
    }
    assert_int_equal(writes, 2);
    assert_int_equal(reads, 3);
    sem_post(&gate[0]);
    sem_post(&gate[1]);
    fixture_await(&f, 2 + 5);
    sem_destroy(&gate[0]);
    sem_destroy(&gate[1]);
    fixture_free(&f);
}

static void drop_count(struct job *job)
{
    __atomic_add_fetch((int *)((struct task *)job)->arg, 1, __ATOMIC_SEQ_CST);
}

static void closing_finishes_what_was_admitted(void **state)
{
    struct fixture f;
    struct task tasks[100];
    int dropped = 0, found;

    (void)state;
    fixture_start(&f);
    for (int i = 0; i < 100; i++) {
        task_init(&tasks[i], &f, put_client, &dropped);
        tasks[i].number = i;
        tasks[i].job.home = NULL;
        tasks[i].job.drop = drop_count;
        assert_true(store_submit_write(f.store, &tasks[i].job));
    }
    fixture_restart(&f);
    assert_int_equal(dropped, 100);
    assert_int_equal(fixture_run(&f, false, count_clients, &found), RESULT_OK);
    assert_int_equal(found, 100);
    task_init(&tasks[0], &f, intern_numbered, NULL);
    assert_int_equal(store_run_now(f.store, &tasks[0].job), RESULT_OK);
    assert_int_equal(tasks[0].runs, 1);
    fixture_free(&f);
}

/* --- what survives --- */

static void acknowledged_rows_survive_a_kill(void **state)
{
    struct fixture f;
    int ends[2], found, status;
    char byte;
    pid_t child;

    (void)state;
    fixture_make(&f);
    assert_int_equal(pipe(ends), 0);
    child = fork();
    if (child == 0) {
        struct task task;

        close(ends[0]);
        if (fixture_open(&f, NULL) == NULL)
            _exit(2);
        for (int i = 0; i < 20; i++) {
            task_init(&task, &f, put_client, NULL);
            task.number = i;
            if (!store_submit_write(f.store, &task.job))
                _exit(2);
            fixture_await(&f, 1);
            if (task.job.fate != RESULT_OK || write(ends[1], "k", 1) != 1)
                _exit(2);
        }
        for (;;)
            pause();
    }
    close(ends[1]);
    for (int i = 0; i < 20; i++)
        assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(kill(child, SIGKILL), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    close(ends[0]);
    assert_non_null(fixture_open(&f, NULL));
    assert_int_equal(fixture_run(&f, false, count_clients, &found), RESULT_OK);
    assert_int_equal(found, 20);
    fixture_free(&f);
}

static void put_much(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct client_row row = {.id = STR("much"), .nickname = STR("N")};
    char *text = calloc(1, 1 << 20);

    (void)now_ms;
    (void)task;
    assert_non_null(text);
    memset(text, 'x', (1 << 20) - 1);
    row.fields = str_c(text);
    store_client_put(c, 1, &row);
    free(text);
}

/* The kernel refuses the log's growth with an error that is not "disk full": nobody knows what is on the
 * disk. */
static void an_io_error_on_commit_ends_the_process(void **state)
{
    struct fixture f;
    int status;
    pid_t child;

    (void)state;
    fixture_make(&f);
    child = fork();
    if (child == 0) {
        const struct rlimit limit = {512 * 1024, 512 * 1024};
        const int null = open("/dev/null", O_WRONLY);

        dup2(null, STDERR_FILENO);
        signal(SIGXFSZ, SIG_IGN);
        if (fixture_open(&f, NULL) == NULL || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(2);
        (void)fixture_run(&f, true, put_much, NULL);
        _exit(3);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(fixture_open(&f, NULL)); /* and the database is whole */
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(group_commit),
        cmocka_unit_test(jobs_that_may_be_followed_by_more_run_when_their_thread_says_so),
        cmocka_unit_test(enough_jobs_for_a_commit_do_not_wait_to_be_told_of),
        cmocka_unit_test(jobs_that_the_writer_was_not_told_of_are_counted_until_it_has_them),
        cmocka_unit_test(a_batch_comes_home_with_one_wake),
        cmocka_unit_test(nothing_written_costs_no_commit),
        cmocka_unit_test(one_failing_job_harms_no_other),
        cmocka_unit_test(readers_cannot_write),
        cmocka_unit_test(full_queues_refuse),
        cmocka_unit_test(closing_finishes_what_was_admitted),
        cmocka_unit_test(acknowledged_rows_survive_a_kill),
        cmocka_unit_test(an_io_error_on_commit_ends_the_process),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
