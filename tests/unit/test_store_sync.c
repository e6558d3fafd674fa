/* While the disk is waited for: the writer goes on, and nobody hears of what a power cut could still undo. */
#include "store_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* --- the disk: fdatasync as SQLite finds it --- */

static pthread_mutex_t disk_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t disk_changed = PTHREAD_COND_INITIALIZER;
static bool disk_held;
static int disk_waiting; /* syncs that do not return */
static int disk_syncs;   /* that returned */
static bool disk_broken;

int fdatasync(int fd);

int fdatasync(int fd)
{
    pthread_mutex_lock(&disk_lock);
    disk_waiting++;
    pthread_cond_broadcast(&disk_changed);
    while (disk_held)
        pthread_cond_wait(&disk_changed, &disk_lock);
    disk_waiting--;
    disk_syncs++;
    pthread_mutex_unlock(&disk_lock);
    if (disk_broken) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

static void disk_hold(bool held)
{
    pthread_mutex_lock(&disk_lock);
    disk_held = held;
    pthread_cond_broadcast(&disk_changed);
    pthread_mutex_unlock(&disk_lock);
}

static void disk_await(int waiting)
{
    pthread_mutex_lock(&disk_lock);
    while (disk_waiting < waiting)
        pthread_cond_wait(&disk_changed, &disk_lock);
    pthread_mutex_unlock(&disk_lock);
}

/* --- work --- */

static atomic_int ran, published;

struct shout {
    struct effect effect; /* first */
    int number;
};

static int heard[64];
static struct store *watched; /* NULL: nobody asks */
static bool under_way;        /* while the last effect was committed */

static void shout_commit(struct effect *effect)
{
    struct shout *s = (struct shout *)effect;

    under_way = watched != NULL && store_under_way(watched);
    heard[atomic_fetch_add(&published, 1)] = s->number;
    free(s);
}

static void shout_discard(struct effect *effect)
{
    free(effect);
}

static void put(struct store_conn *c, int64_t now_ms, struct task *task)
{
    char id[16];
    const struct client_row row = {.nickname = STR("n"), .created_ms = now_ms, .updated_ms = now_ms};
    struct client_row named = row;
    struct shout *s = calloc(1, sizeof(*s));

    assert_non_null(s);
    while (task->arg != NULL && sem_wait(task->arg) != 0)
        continue;
    snprintf(id, sizeof(id), "u%d", task->number);
    named.id = str_c(id);
    if (task->number >= 0)
        store_client_put(c, 1, &named);
    s->effect.commit = shout_commit;
    s->effect.discard = shout_discard;
    s->number = task->number;
    store_conn_effect(c, &s->effect);
    atomic_fetch_add(&ran, 1);
}

static void count_clients(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    task->number = (int)store_client_count(c, 1);
    atomic_fetch_add(&ran, 1);
}

static void submit(struct fixture *f, struct task *task, int number, sem_t *gate)
{
    task_init(task, f, put, gate);
    task->number = number;
    assert_true(store_submit_write(f->store, &task->job));
}

/* All are there before the first one is run, so that each commit finds others waiting. */
static void submit_all(struct fixture *f, struct task *tasks, int n)
{
    sem_t gate;

    sem_init(&gate, 0, 0);
    for (int i = 0; i < n; i++)
        submit(f, &tasks[i], i, i == 0 ? &gate : NULL);
    sem_post(&gate);
    while (atomic_load(&ran) == 0)
        usleep(200);
    sem_destroy(&gate);
}

static void await_ran(int n)
{
    while (atomic_load(&ran) < n)
        usleep(200);
}

/* --- tests --- */

/* Batches of one job, so that each finds others waiting. */
static void start_with_small_batches(struct fixture *f)
{
    const struct store_options options = {.batch_max = 1};

    fixture_make(f);
    assert_non_null(fixture_open(f, &options));
    atomic_store(&ran, 0);
    atomic_store(&published, 0);
}

static void the_writer_runs_on_while_the_disk_is_waited_for(void **state)
{
    struct fixture f;
    struct task tasks[8];
    int before;

    (void)state;
    start_with_small_batches(&f);
    disk_hold(true);
    submit_all(&f, tasks, 8);
    await_ran(8);
    before = disk_syncs;
    assert_int_equal(atomic_load(&published), 0);
    assert_int_equal(mailbox_depth(f.home), 0);
    disk_hold(false);
    fixture_await(&f, 8);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(tasks[i].job.fate, RESULT_OK);
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(heard[i], i); /* in the order of the commits */
    }
    assert_true(disk_syncs - before <= 3); /* what came while the disk was busy shared a sync */
    fixture_free(&f);
}

static void what_was_read_waits_until_it_is_on_the_disk(void **state)
{
    struct fixture f;
    struct task tasks[4], read;

    (void)state;
    start_with_small_batches(&f);
    disk_hold(true);
    submit_all(&f, tasks, 4);
    await_ran(4);
    task_init(&read, &f, count_clients, NULL);
    assert_true(store_submit_read(f.store, &read.job));
    await_ran(5);
    usleep(20000); /* time to go home, if it did */
    assert_int_equal(mailbox_depth(f.home), 0);
    disk_hold(false);
    fixture_await(&f, 5);
    assert_int_equal(read.job.fate, RESULT_OK);
    assert_true(read.number >= 1); /* it saw what was not on the disk yet */
    fixture_free(&f);
}

/* A refusal or a repetition writes nothing, and still tells of what was written before it. */
static void an_answer_that_wrote_nothing_waits_as_well(void **state)
{
    struct fixture f;
    struct task tasks[4];

    (void)state;
    start_with_small_batches(&f);
    disk_hold(true);
    submit_all(&f, tasks, 3);
    submit(&f, &tasks[3], -1, NULL);
    await_ran(4);
    usleep(20000);
    assert_int_equal(atomic_load(&published), 0);
    assert_int_equal(mailbox_depth(f.home), 0);
    disk_hold(false);
    fixture_await(&f, 4);
    assert_int_equal(heard[3], -1);
    fixture_free(&f);
}

/* Who waits for what is under way looks again when it hears of it: by then it must not count any more. */
static void what_is_admitted_is_under_way_until_it_is_published(void **state)
{
    struct fixture f;
    struct task tasks[8];

    (void)state;
    start_with_small_batches(&f);
    watched = f.store;
    assert_false(store_under_way(f.store));
    disk_hold(true);
    submit_all(&f, tasks, 8);
    await_ran(8);
    assert_true(store_under_way(f.store));
    disk_hold(false);
    fixture_await(&f, 8);
    assert_false(under_way);
    assert_false(store_under_way(f.store));
    disk_hold(true);
    submit(&f, &tasks[0], 8, NULL); /* by itself: the writer waits for the disk */
    disk_await(1);
    assert_true(store_under_way(f.store));
    disk_hold(false);
    fixture_await(&f, 1);
    assert_false(under_way);
    assert_false(store_under_way(f.store));
    watched = NULL;
    fixture_free(&f);
}

static void spoil(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    (void)task;
    fixture_room(c, 1, "twice");
    fixture_room(c, 1, "twice");
}

static void what_failed_is_under_way_no_longer(void **state)
{
    struct fixture f;
    struct task good, bad;

    (void)state;
    start_with_small_batches(&f);
    task_init(&bad, &f, spoil, NULL);
    assert_true(store_submit_write(f.store, &bad.job));
    submit(&f, &good, 1, NULL);
    fixture_await(&f, 2);
    assert_int_not_equal(bad.job.fate, RESULT_OK);
    assert_false(store_under_way(f.store));
    fixture_free(&f);
}

static void what_nobody_waits_for_is_not_under_way(void **state)
{
    struct fixture f;
    struct task later;

    (void)state;
    start_with_small_batches(&f);
    task_init(&later, &f, put, NULL);
    later.job.rank = JOB_LATER;
    disk_hold(true);
    assert_true(store_submit_write(f.store, &later.job));
    disk_await(1);
    assert_false(store_under_way(f.store));
    disk_hold(false);
    fixture_await(&f, 1);
    assert_false(store_under_way(f.store));
    fixture_free(&f);
}

static void a_lone_commit_is_synced_once_before_anyone_hears_of_it(void **state)
{
    struct fixture f;
    struct task task;
    int before;

    (void)state;
    start_with_small_batches(&f);
    before = disk_syncs;
    disk_hold(true);
    submit(&f, &task, 1, NULL);
    disk_await(1);
    assert_int_equal(atomic_load(&published), 0);
    assert_int_equal(mailbox_depth(f.home), 0);
    disk_hold(false);
    fixture_await(&f, 1);
    assert_int_equal(disk_syncs - before, 1);
    assert_int_equal(atomic_load(&published), 1);
    fixture_free(&f);
}

static void closing_waits_for_the_disk(void **state)
{
    struct fixture f;
    struct task tasks[6];

    (void)state;
    start_with_small_batches(&f);
    submit_all(&f, tasks, 6);
    store_stop(f.store);
    assert_int_equal(atomic_load(&published), 6);
    fixture_await(&f, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(tasks[i].job.fate, RESULT_OK);
    fixture_restart(&f);
    task_init(&tasks[0], &f, count_clients, NULL);
    assert_true(store_submit_read(f.store, &tasks[0].job));
    fixture_await(&f, 1);
    assert_int_equal(tasks[0].number, 6);
    fixture_free(&f);
}

static struct watch {
    struct mailbox *home;
    int told, wakes; /* by `published`; of the home */
    int heard[8], at_home[8], wakes_before[8];
} watch;

static void note_wake(void *arg)
{
    (void)arg;
    watch.wakes++;
}

static void note_published(void *ctx)
{
    struct watch *w = ctx;

    if (w->told == 8)
        return; /* an assertion on this thread would not be the test's */
    w->heard[w->told] = atomic_load(&published);
    w->at_home[w->told] = (int)mailbox_depth(w->home);
    w->wakes_before[w->told++] = w->wakes;
}

/* `lone`: each job is a commit whose disk the writer waits for; else they wait together. */
static void watch_jobs(bool lone)
{
    const struct store_options options = {.published = note_published, .published_ctx = &watch};
    struct fixture f;
    struct task tasks[3];

    fixture_make(&f);
    mailbox_free(f.home);
    watch = (struct watch){.home = mailbox_create(64, note_wake, NULL)};
    f.home = watch.home;
    atomic_store(&ran, 0);
    atomic_store(&published, 0);
    assert_non_null(fixture_open(&f, &options));
    for (int i = 0; i < 3 && lone; i++) {
        submit(&f, &tasks[i], i, NULL);
        while (mailbox_depth(f.home) != (size_t)i + 1)
            usleep(200);
    }
    if (!lone)
        submit_all(&f, tasks, 3);
    store_stop(f.store);
    assert_in_range(watch.told, 1, 3);
    for (int i = 0; i < watch.told; i++) {
        const int before = i == 0 ? 0 : watch.heard[i - 1], own = watch.heard[i] - before; /* each job has one effect */

        assert_in_range(own, 1, lone ? 1 : 3);
        assert_int_equal(watch.at_home[i], own == 1 ? watch.heard[i] : before);
    }
    assert_int_equal(watch.wakes_before[0], 0);
    assert_int_equal(watch.heard[watch.told - 1], 3);
    assert_int_equal(watch.wakes, 1); /* nobody drained it meanwhile */
    fixture_await(&f, 3);
    fixture_free(&f);
}

static void after_a_lone_commit_threads_are_woken_once_for_event_and_answer(void **state)
{
    (void)state;
    watch_jobs(true);
}

static void after_a_batch_threads_are_woken_for_its_events_before_the_answers(void **state)
{
    (void)state;
    watch_jobs(false);
}

static void a_sync_that_fails_ends_the_process_and_nobody_hears(void **state)
{
    struct fixture f;
    pid_t child;
    int status;

    (void)state;
    fixture_make(&f);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct store_options options = {.batch_max = 1};
        struct task tasks[4];

        atomic_store(&ran, 0);
        atomic_store(&published, 0);
        (void)freopen("/dev/null", "w", stderr);
        if (fixture_open(&f, &options) == NULL)
            _exit(7);
        disk_hold(true);
        submit_all(&f, tasks, 4);
        await_ran(4);
        disk_broken = true;
        disk_hold(false);
        for (int i = 0; i < 5000; i++) {
            if (atomic_load(&published) != 0 || mailbox_depth(f.home) != 0)
                _exit(8);
            usleep(1000);
        }
        _exit(9);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 1);
    assert_non_null(fixture_open(&f, NULL));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_writer_runs_on_while_the_disk_is_waited_for),
        cmocka_unit_test(what_was_read_waits_until_it_is_on_the_disk),
        cmocka_unit_test(an_answer_that_wrote_nothing_waits_as_well),
        cmocka_unit_test(what_is_admitted_is_under_way_until_it_is_published),
        cmocka_unit_test(what_failed_is_under_way_no_longer),
        cmocka_unit_test(what_nobody_waits_for_is_not_under_way),
        cmocka_unit_test(a_lone_commit_is_synced_once_before_anyone_hears_of_it),
        cmocka_unit_test(after_a_lone_commit_threads_are_woken_once_for_event_and_answer),
        cmocka_unit_test(after_a_batch_threads_are_woken_for_its_events_before_the_answers),
        cmocka_unit_test(closing_waits_for_the_disk),
        cmocka_unit_test(a_sync_that_fails_ends_the_process_and_nobody_hears),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
