/* Brief reads: they wait for store_wake, share a snapshot, go home together, and none spoils another. */
#include "store_fixture.h"

#include <semaphore.h>

#define BRIEF 8

/* What a read found: how many of two clients, of which the second comes later. */
struct seen {
    sem_t *begun, *gate; /* NULL: it does not wait */
    int clients;
};

static void put_client(struct store_conn *c, int64_t now_ms, struct task *task)
{
    const struct client_row row = {.id = str_c(task->arg), .nickname = STR("n"), .created_ms = now_ms, .updated_ms = now_ms};

    store_client_put(c, 1, &row);
}

static bool has(struct store_conn *c, const char *id)
{
    struct client_row row;

    return store_client_get(c, 1, str_c(id), &row);
}

static void look(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct seen *seen = task->arg;

    (void)now_ms;
    if (seen->gate != NULL) {
        sem_post(seen->begun);
        while (sem_wait(seen->gate) != 0)
            continue;
    }
    seen->clients = (has(c, "before") ? 1 : 0) + (has(c, "meanwhile") ? 1 : 0);
}

static void look_or_fail(struct store_conn *c, int64_t now_ms, struct task *task)
{
    if (task->number == 3)
        put_client(c, now_ms, &(struct task){.arg = "nobody"});
    else
        look(c, now_ms, task);
}

static void start_with_one_reader(struct fixture *f)
{
    const struct store_options options = {.readers = 1};

    fixture_make(f);
    assert_non_null(fixture_open(f, &options));
    assert_int_equal(fixture_run(f, true, put_client, "before"), RESULT_OK);
}

static void submit_brief(struct fixture *f, struct task *tasks, struct seen *seen, int n,
                         void (*work)(struct store_conn *, int64_t, struct task *))
{
    for (int i = 0; i < n; i++) {
        task_init(&tasks[i], f, work, &seen[i]);
        tasks[i].number = i;
        tasks[i].job.brief = true;
        assert_true(store_submit_read(f->store, &tasks[i].job));
    }
}

static void those_submitted_in_one_turn_share_a_snapshot_and_a_way_home(void **state)
{
    struct fixture f;
    struct task tasks[BRIEF];
    struct seen seen[BRIEF] = {{NULL, NULL, -1}};
    sem_t begun, gate;
    int home = 0;

    (void)state;
    start_with_one_reader(&f);
    sem_init(&begun, 0, 0);
    sem_init(&gate, 0, 0);
    seen[1].begun = &begun;
    seen[1].gate = &gate;
    submit_brief(&f, tasks, seen, BRIEF, look);
    store_wake(f.store);
    while (sem_wait(&begun) != 0)
        continue;
    assert_int_equal(fixture_run(&f, true, put_client, "meanwhile"), RESULT_OK); /* the second waits, the first has looked */
    assert_false(tasks[0].finished);
    sem_post(&gate);
    while (home < BRIEF) {
        assert_true(mailbox_wait(f.home, 20000));
        mailbox_drain(f.home, &home, 0);
    }
    for (int i = 0; i < BRIEF; i++) {
        assert_int_equal(tasks[i].job.fate, RESULT_OK);
        assert_int_equal(tasks[i].runs, 1);
        assert_int_equal(seen[i].clients, 1);
    }
    sem_destroy(&begun);
    sem_destroy(&gate);
    fixture_free(&f);
}

static void one_that_fails_harms_no_other(void **state)
{
    struct fixture f;
    struct task tasks[BRIEF];
    struct seen seen[BRIEF] = {{NULL, NULL, -1}};

    (void)state;
    start_with_one_reader(&f);
    submit_brief(&f, tasks, seen, BRIEF, look_or_fail);
    store_wake(f.store);
    fixture_await(&f, BRIEF);
    for (int i = 0; i < BRIEF; i++) {
        assert_int_equal(tasks[i].job.fate, i == 3 ? RESULT_UNAVAILABLE : RESULT_OK);
        if (i != 3)
            assert_int_equal(seen[i].clients, 1);
    }
    fixture_free(&f);
}

/* More than one reader takes at a time, with longer ones among them; nobody is forgotten and the last needs no further wake. */
static void many_with_others_among_them_all_come_home(void **state)
{
    struct fixture f;
    struct task tasks[100];
    struct seen seen[100] = {{NULL, NULL, -1}};

    (void)state;
    start_with_one_reader(&f);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 100; i++) {
            task_init(&tasks[i], &f, look, &seen[i]);
            tasks[i].job.brief = i % 7 != 3;
            assert_true(store_submit_read(f.store, &tasks[i].job));
        }
        store_wake(f.store);
        fixture_await(&f, 100);
        for (int i = 0; i < 100; i++)
            assert_int_equal(tasks[i].job.fate, RESULT_OK);
    }
    fixture_free(&f);
}

static void closing_finishes_those_that_nobody_was_woken_for(void **state)
{
    struct fixture f;
    struct task tasks[BRIEF];
    struct seen seen[BRIEF] = {{NULL, NULL, -1}};

    (void)state;
    start_with_one_reader(&f);
    submit_brief(&f, tasks, seen, BRIEF, look);
    store_close(f.store);
    f.store = NULL;
    fixture_await(&f, BRIEF);
    for (int i = 0; i < BRIEF; i++)
        assert_int_equal(tasks[i].job.fate, RESULT_OK);
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(those_submitted_in_one_turn_share_a_snapshot_and_a_way_home),
        cmocka_unit_test(one_that_fails_harms_no_other),
        cmocka_unit_test(many_with_others_among_them_all_come_home),
        cmocka_unit_test(closing_finishes_those_that_nobody_was_woken_for),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
