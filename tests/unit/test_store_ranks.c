/* The line before the writer: recalls first, a share of every batch for each rank, room that is kept. */
#include "store_fixture.h"

#include "store/ranks.h"

#include <semaphore.h>
#include <stdatomic.h>

#define JOBS 200

static struct job jobs[JOBS];

static void put(struct ranks *r, int from, int n, enum job_rank rank)
{
    for (int i = from; i < from + n; i++) {
        jobs[i] = (struct job){.rank = rank};
        assert_true(ranks_push(r, &jobs[i], 1000));
    }
}

/* The numbers of a batch's jobs must be these, in this order. */
static void assert_batch(const struct job *first, const int *numbers, int n)
{
    for (int i = 0; i < n; i++) {
        assert_non_null(first);
        assert_int_equal(first - jobs, numbers[i]);
        first = first->next;
    }
    assert_null(first);
}

static unsigned count_of(const struct job *first, enum job_rank rank)
{
    unsigned n = 0;

    for (; first != NULL; first = first->next)
        n += first->rank == rank ? 1 : 0;
    return n;
}

static void a_recall_goes_before_what_waits_and_all_others_keep_their_order(void **state)
{
    struct ranks r = {.limit = 100};

    (void)state;
    put(&r, 0, 2, JOB_ORDINARY);
    put(&r, 2, 1, JOB_LATER);
    put(&r, 3, 2, JOB_RECALL);
    put(&r, 5, 1, JOB_ORDINARY);
    assert_batch(ranks_take(&r, 64), (const int[]){3, 4, 0, 1, 5, 2}, 6);
    assert_int_equal(r.depth, 0);
    assert_null(ranks_take(&r, 64));
    put(&r, 0, 1, JOB_ORDINARY); /* and goes on after it was empty */
    assert_batch(ranks_take(&r, 64), (const int[]){0}, 1);
}

static void no_rank_keeps_another_out_of_a_batch(void **state)
{
    struct ranks r = {.limit = 1000};
    const struct job *batch;

    (void)state;
    put(&r, 0, 80, JOB_RECALL);
    put(&r, 80, 40, JOB_ORDINARY);
    put(&r, 120, 80, JOB_LATER);
    batch = ranks_take(&r, 64);
    assert_int_equal(count_of(batch, JOB_RECALL), 48);
    assert_int_equal(count_of(batch, JOB_ORDINARY), 16);
    assert_int_equal(count_of(batch, JOB_LATER), RANKS_LATER_FEW);
    batch = ranks_take(&r, 64);
    assert_int_equal(count_of(batch, JOB_RECALL), 32);
    assert_int_equal(count_of(batch, JOB_ORDINARY), 24);
    assert_int_equal(count_of(batch, JOB_LATER), RANKS_LATER_FEW);
    batch = ranks_take(&r, 64); /* only those for later are left */
    assert_int_equal(count_of(batch, JOB_LATER), 80 - 2 * RANKS_LATER_FEW);
    assert_int_equal(r.depth, 0);
}

static void recalls_alone_fill_a_batch(void **state)
{
    struct ranks r = {.limit = 1000};

    (void)state;
    put(&r, 0, 80, JOB_RECALL);
    assert_int_equal(count_of(ranks_take(&r, 64), JOB_RECALL), 64);
}

static void those_for_later_wait_for_company(void **state)
{
    struct ranks r = {.limit = 1000};

    (void)state;
    assert_false(ranks_ready(&r, 1000));
    assert_true(ranks_due_ms(&r) == INT64_MAX);
    put(&r, 0, RANKS_LATER_MANY - 1, JOB_LATER); /* at 1000 */
    assert_false(ranks_ready(&r, 1000 + RANKS_LATER_MS - 1));
    assert_true(ranks_ready(&r, 1000 + RANKS_LATER_MS));
    assert_int_equal(ranks_due_ms(&r), 1000 + RANKS_LATER_MS);
    put(&r, RANKS_LATER_MANY, 1, JOB_LATER);
    assert_true(ranks_ready(&r, 1000));
    assert_non_null(ranks_take(&r, 64));
    put(&r, 0, 1, JOB_LATER);
    put(&r, 1, 1, JOB_ORDINARY);
    assert_true(ranks_ready(&r, 1000));
}

static void a_full_line_still_takes_recalls_and_arrivals_do_not_fill_it(void **state)
{
    struct ranks r = {.limit = 16};

    (void)state;
    put(&r, 0, 4, JOB_LATER);
    assert_false(ranks_push(&r, &(struct job){.rank = JOB_LATER}, 0));
    put(&r, 4, 10, JOB_ORDINARY);
    assert_false(ranks_push(&r, &(struct job){.rank = JOB_ORDINARY}, 0));
    put(&r, 14, 2, JOB_RECALL);
    assert_false(ranks_push(&r, &(struct job){.rank = JOB_RECALL}, 0));
    assert_non_null(ranks_take(&r, 64));
    put(&r, 0, 1, JOB_ORDINARY);
}

/* --- in a store --- */

static int order[8];
static atomic_int runs, begun;

static void note_run(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)c;
    (void)now_ms;
    atomic_fetch_add(&begun, 1);
    while (task->arg != NULL && sem_wait(task->arg) != 0)
        continue;
    order[atomic_fetch_add(&runs, 1)] = task->number;
}

/* The writer is at work; then a send, an arrival and a recall come. */
static void the_writer_runs_a_recall_before_a_send_that_came_first(void **state)
{
    static const enum job_rank ranks[] = {JOB_ORDINARY, JOB_ORDINARY, JOB_LATER, JOB_RECALL};
    struct fixture f;
    struct task tasks[4];
    sem_t gate;

    (void)state;
    fixture_start(&f);
    sem_init(&gate, 0, 0);
    for (int i = 0; i < 4; i++) {
        task_init(&tasks[i], &f, note_run, i == 0 ? &gate : NULL);
        tasks[i].number = i;
        tasks[i].job.rank = ranks[i];
        assert_true(store_submit_write(f.store, &tasks[i].job));
        while (atomic_load(&begun) == 0) /* it is run before the others come; ctest's limit ends a wait in vain */
            usleep(1000);
    }
    sem_post(&gate);
    fixture_await(&f, 4);
    assert_int_equal(order[0], 0);
    assert_int_equal(order[1], 3);
    assert_int_equal(order[2], 1);
    assert_int_equal(order[3], 2);
    sem_destroy(&gate);
    fixture_free(&f);
}

static void a_job_for_later_comes_home_though_nobody_else_wakes_the_writer(void **state)
{
    struct fixture f;
    struct task task;

    (void)state;
    fixture_start(&f);
    task_init(&task, &f, note_run, NULL);
    atomic_store(&runs, 0);
    task.job.rank = JOB_LATER;
    assert_true(store_submit_write_soon(f.store, &task.job)); /* and no store_wake */
    fixture_await(&f, 1);
    assert_int_equal(task.job.fate, RESULT_OK);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recall_goes_before_what_waits_and_all_others_keep_their_order),
        cmocka_unit_test(no_rank_keeps_another_out_of_a_batch),
        cmocka_unit_test(recalls_alone_fill_a_batch),
        cmocka_unit_test(those_for_later_wait_for_company),
        cmocka_unit_test(a_full_line_still_takes_recalls_and_arrivals_do_not_fill_it),
        cmocka_unit_test(the_writer_runs_a_recall_before_a_send_that_came_first),
        cmocka_unit_test(a_job_for_later_comes_home_though_nobody_else_wakes_the_writer),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
