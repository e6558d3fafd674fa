/* The queue between threads: order, bound, wakes, and no race. */
#include "base/mailbox.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define POSTERS 4
#define EACH 20000

struct note {
    struct mail mail;
    int from;
    int number;
};

/* What the draining side saw. */
struct seen {
    size_t count;
    int last[POSTERS];
    bool out_of_order;
};

static void read_note(struct mail *mail, void *ctx)
{
    struct note *note = (struct note *)mail;
    struct seen *seen = ctx;
    if (note->number != seen->last[note->from] + 1) {
        seen->out_of_order = true;
    }
    seen->last[note->from] = note->number;
    seen->count++;
    free(note);
}

static struct note *new_note(int from, int number)
{
    struct note *note = calloc(1, sizeof *note);
    assert_non_null(note);
    note->mail.deliver = read_note;
    note->from = from;
    note->number = number;
    return note;
}

static void count_wake(void *arg)
{
    atomic_int *wakes = arg;
    (void)atomic_fetch_add(wakes, 1);
}

static void order_bound_and_wakes(void **state)
{
    (void)state;
    atomic_int wakes = 0;
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(3, count_wake, &wakes);
    assert_non_null(mb);
    assert_int_equal(mailbox_drain(mb, &seen, 0), 0);
    for (int i = 1; i <= 3; i++) {
        assert_true(mailbox_post(mb, &new_note(0, i)->mail));
    }
    assert_int_equal(wakes, 1);
    struct note *fourth = new_note(0, 4);
    assert_false(mailbox_post(mb, &fourth->mail));
    mailbox_post_always(mb, &fourth->mail);
    assert_int_equal(mailbox_depth(mb), 4);
    assert_int_equal(wakes, 1);
    /* Two stay behind, so the drain wakes its thread again. */
    assert_int_equal(mailbox_drain(mb, &seen, 2), 2);
    assert_int_equal(wakes, 2);
    assert_int_equal(mailbox_drain(mb, &seen, 2), 2);
    assert_int_equal(wakes, 2);
    assert_int_equal(mailbox_depth(mb), 0);
    assert_true(mailbox_post(mb, &new_note(0, 5)->mail));
    assert_int_equal(wakes, 3);
    struct mail *taken = mailbox_take(mb);
    assert_non_null(taken);
    assert_null(mailbox_take(mb));
    taken->deliver(taken, &seen);
    assert_int_equal(seen.count, 5);
    assert_false(seen.out_of_order);
    mailbox_free(mb);
    mailbox_free(NULL);
}

/* A mail that posts itself again once. */
static void post_again(struct mail *mail, void *ctx)
{
    mail->deliver = read_note;
    mailbox_post_always(ctx, mail);
}

static void a_delivery_may_post(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(8, NULL, NULL);
    struct note *note = new_note(0, 1);
    note->mail.deliver = post_again;
    assert_true(mailbox_post(mb, &note->mail));
    assert_int_equal(mailbox_drain(mb, mb, 0), 1);
    assert_int_equal(mailbox_drain(mb, &seen, 0), 1);
    assert_int_equal(seen.count, 1);
    mailbox_free(mb);
}

static void closing(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(8, NULL, NULL);
    assert_false(mailbox_wait(mb, 0));
    assert_false(mailbox_wait(mb, 5));
    struct note *note = new_note(0, 2);
    assert_true(mailbox_post(mb, &new_note(0, 1)->mail));
    assert_false(mailbox_closed(mb));
    mailbox_close(mb);
    assert_true(mailbox_closed(mb));
    assert_false(mailbox_post(mb, &note->mail));
    mailbox_post_always(mb, &note->mail);
    assert_true(mailbox_wait(mb, -1));
    assert_int_equal(mailbox_drain(mb, &seen, 0), 2);
    assert_false(mailbox_wait(mb, -1));
    assert_false(seen.out_of_order);
    mailbox_free(mb);
}

struct poster {
    struct mailbox *mb;
    int from;
    size_t refused;
};

static void *post_many(void *arg)
{
    struct poster *poster = arg;
    for (int i = 1; i <= EACH; i++) {
        struct note *note = new_note(poster->from, i);
        if (i % 16 == 0) {
            mailbox_post_always(poster->mb, &note->mail);
            continue;
        }
        while (!mailbox_post(poster->mb, &note->mail)) {
            poster->refused++;
            (void)sched_yield();
        }
    }
    return NULL;
}

static void many_threads_lose_nothing(void **state)
{
    (void)state;
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(256, NULL, NULL);
    struct poster posters[POSTERS];
    pthread_t threads[POSTERS];
    assert_non_null(mb);
    for (int i = 0; i < POSTERS; i++) {
        posters[i] = (struct poster){.mb = mb, .from = i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    while (seen.count < (size_t)POSTERS * EACH) {
        assert_true(mailbox_wait(mb, 20000));
        (void)mailbox_drain(mb, &seen, 64);
    }
    for (int i = 0; i < POSTERS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(seen.last[i], EACH);
    }
    assert_false(seen.out_of_order);
    assert_int_equal(mailbox_depth(mb), 0);
    mailbox_free(mb);
}

/* A loop's side: sleeps until woken, and must never sleep while mails wait. */
struct bell {
    pthread_mutex_t lock;
    pthread_cond_t rung;
    bool pending;
};

static void ring(void *arg)
{
    struct bell *bell = arg;
    (void)pthread_mutex_lock(&bell->lock);
    bell->pending = true;
    (void)pthread_cond_signal(&bell->rung);
    (void)pthread_mutex_unlock(&bell->lock);
}

static void no_wake_is_lost(void **state)
{
    (void)state;
    struct bell bell = {.pending = false};
    assert_int_equal(pthread_mutex_init(&bell.lock, NULL), 0);
    assert_int_equal(pthread_cond_init(&bell.rung, NULL), 0);
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(64, ring, &bell);
    struct poster posters[2];
    pthread_t threads[2];
    for (int i = 0; i < 2; i++) {
        posters[i] = (struct poster){.mb = mb, .from = i};
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, &posters[i]), 0);
    }
    while (seen.count < (size_t)2 * EACH) {
        (void)pthread_mutex_lock(&bell.lock);
        while (!bell.pending) {
            (void)pthread_cond_wait(&bell.rung, &bell.lock);
        }
        bell.pending = false;
        (void)pthread_mutex_unlock(&bell.lock);
        (void)mailbox_drain(mb, &seen, 8);
    }
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    assert_false(seen.out_of_order);
    mailbox_free(mb);
    (void)pthread_cond_destroy(&bell.rung);
    (void)pthread_mutex_destroy(&bell.lock);
}

static void many_quiet_mails_cost_one_wake(void **state)
{
    (void)state;
    atomic_int wakes = 0;
    struct seen seen = {0};
    struct mailbox *mb = mailbox_create(1, count_wake, &wakes);
    mailbox_wake(mb);
    for (int i = 1; i <= 3; i++) {
        mailbox_post_quietly(mb, &new_note(0, i)->mail);
    }
    assert_int_equal(wakes, 0);
    mailbox_wake(mb);
    mailbox_wake(mb);
    assert_int_equal(wakes, 1);
    mailbox_post_quietly(mb, &new_note(0, 4)->mail); /* behind what was told of */
    mailbox_wake(mb);
    assert_int_equal(wakes, 1);
    assert_int_equal(mailbox_drain(mb, &seen, 0), 4);
    mailbox_post_quietly(mb, &new_note(0, 5)->mail);
    mailbox_post_always(mb, &new_note(0, 6)->mail); /* somebody else's, for whom nobody else wakes */
    assert_int_equal(wakes, 2);
    assert_int_equal(mailbox_drain(mb, &seen, 0), 2);
    mailbox_wake(mb);
    assert_int_equal(wakes, 2);
    assert_false(seen.out_of_order);
    mailbox_free(mb);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(order_bound_and_wakes),
        cmocka_unit_test(a_delivery_may_post),
        cmocka_unit_test(closing),
        cmocka_unit_test(many_threads_lose_nothing),
        cmocka_unit_test(no_wake_is_lost),
        cmocka_unit_test(many_quiet_mails_cost_one_wake),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
