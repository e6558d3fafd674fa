/* The local bus: order, its bound, and that threads which offer while the publisher waits do not lock each other up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bus/bus.h"

#include <pthread.h>
#include <stdlib.h>

#define THREADS 2
#define NOTICES 20000
#define PENDING 4

struct numbered {
    struct bus_notice bus; /* first */
    int number;            /* 0: offered */
};

struct listener {
    pthread_t thread;
    struct bus *bus;
    struct mailbox *box;
    int last;
    int gaps;
    atomic_bool stop;
};

static void release(struct bus_notice *notice)
{
    free(notice);
}

static struct bus_notice *make(int number)
{
    struct numbered *n = calloc(1, sizeof(*n));

    assert_non_null(n);
    atomic_init(&n->bus.refs, 1);
    n->bus.release = release;
    n->number = number;
    return &n->bus;
}

/* As an edge thread does: handles what comes, and offers something of its own now and then. */
static void on_notice(struct bus_notice *notice, void *ctx)
{
    struct listener *l = ctx;
    const int number = ((struct numbered *)notice)->number;

    if (number == 0)
        return;
    if (number != l->last + 1)
        l->gaps++;
    l->last = number;
    bus_offer(l->bus, make(0));
}

static void *listen_on(void *arg)
{
    struct listener *l = arg;

    while (!atomic_load(&l->stop))
        if (mailbox_wait(l->box, 20))
            (void)mailbox_drain(l->box, l, 0);
    (void)mailbox_drain(l->box, l, 0);
    return NULL;
}

static void notices_arrive_in_order_while_threads_offer_to_each_other(void **state)
{
    struct bus *bus = bus_create(on_notice, PENDING);
    struct listener listeners[THREADS] = {0};

    (void)state;
    for (int i = 0; i < THREADS; i++) {
        listeners[i].bus = bus;
        listeners[i].box = mailbox_create(1024, NULL, NULL);
        assert_true(bus_attach(bus, listeners[i].box));
    }
    for (int i = 0; i < THREADS; i++)
        assert_int_equal(pthread_create(&listeners[i].thread, NULL, listen_on, &listeners[i]), 0);
    for (int n = 1; n <= NOTICES; n++)
        bus_publish(bus, make(n), false);
    for (int i = 0; i < THREADS; i++)
        atomic_store(&listeners[i].stop, true);
    for (int i = 0; i < THREADS; i++) {
        pthread_join(listeners[i].thread, NULL);
        bus_detach(bus, listeners[i].box);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)mailbox_drain(listeners[i].box, &listeners[i], 0); /* offered by the other after it stopped */
        assert_int_equal(listeners[i].last, NOTICES);
        assert_int_equal(listeners[i].gaps, 0);
        mailbox_free(listeners[i].box);
    }
    bus_destroy(bus);
}

static void note(struct mail *mail, void *ctx)
{
    (void)mail;
    *(int *)ctx += 1;
}

static void ignore(struct bus_notice *notice, void *ctx)
{
    (void)notice;
    (void)ctx;
}

static void a_fence_comes_home_after_every_other_thread_handled_what_was_published(void **state)
{
    struct bus *bus = bus_create(ignore, 0);
    struct mailbox *boxes[3];
    struct mail last = {.deliver = note};
    int home = 0, elsewhere = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        boxes[i] = mailbox_create(16, NULL, NULL);
        assert_true(bus_attach(bus, boxes[i]));
        if (i == 0)
            assert_false(bus_fence(bus, boxes[0], &last)); /* nobody else is there */
    }
    bus_publish(bus, make(1), false);
    (void)mailbox_drain(boxes[0], &home, 0);
    assert_true(bus_fence(bus, boxes[0], &last));
    for (int i = 0; i < 2; i++) { /* whichever order it takes */
        (void)mailbox_drain(boxes[0], &home, 0);
        assert_int_equal(home, 0);
        (void)mailbox_drain(boxes[2 - i], &elsewhere, 0);
        (void)mailbox_drain(boxes[1 + i], &elsewhere, 0);
    }
    (void)mailbox_drain(boxes[0], &home, 0);
    assert_int_equal(home, 1);
    assert_int_equal(elsewhere, 0);
    for (int i = 0; i < 3; i++) {
        bus_detach(bus, boxes[i]);
        mailbox_free(boxes[i]);
    }
    bus_destroy(bus);
}

static void count_wake(void *arg)
{
    *(int *)arg += 1;
}

static void what_is_published_together_wakes_each_thread_once(void **state)
{
    struct bus *bus = bus_create(ignore, 0);
    struct mailbox *boxes[2];
    int wakes[2] = {0}, seen = 0;

    (void)state;
    for (int i = 0; i < 2; i++) {
        boxes[i] = mailbox_create(16, count_wake, &wakes[i]);
        assert_true(bus_attach(bus, boxes[i]));
    }
    for (int n = 1; n <= 4; n++)
        bus_publish(bus, make(n), true);
    assert_int_equal(wakes[0] + wakes[1], 0);
    bus_publish(bus, make(5), false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(wakes[i], 1);
        assert_int_equal(mailbox_drain(boxes[i], &seen, 0), 5);
        bus_detach(bus, boxes[i]);
        mailbox_free(boxes[i]);
    }
    bus_destroy(bus);
}

static void what_is_offered_to_the_others_says_whether_they_all_got_it(void **state)
{
    struct bus *bus = bus_create(ignore, 1);
    struct mailbox *boxes[3];
    int seen = 0;

    (void)state;
    for (int i = 0; i < 3; i++) {
        boxes[i] = mailbox_create(16, NULL, NULL);
        assert_true(bus_attach(bus, boxes[i]));
    }
    assert_true(bus_offer_others(bus, boxes[0], make(1)));
    assert_int_equal(mailbox_depth(boxes[0]), 0);
    assert_int_equal(mailbox_drain(boxes[1], &seen, 0), 1);
    assert_false(bus_offer_others(bus, boxes[0], make(2))); /* the third still has the first */
    assert_int_equal(mailbox_drain(boxes[1], &seen, 0), 1);
    assert_int_equal(mailbox_drain(boxes[2], &seen, 0), 1);
    for (int i = 0; i < 3; i++) {
        bus_detach(bus, boxes[i]);
        mailbox_free(boxes[i]);
    }
    bus_destroy(bus);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notices_arrive_in_order_while_threads_offer_to_each_other),
        cmocka_unit_test(what_is_published_together_wakes_each_thread_once),
        cmocka_unit_test(what_is_offered_to_the_others_says_whether_they_all_got_it),
        cmocka_unit_test(a_fence_comes_home_after_every_other_thread_handled_what_was_published),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
