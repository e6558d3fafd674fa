/* clients/load: what counts as lost, repeated, out of order, or as content behind its recall (track.h,
 * event.h, book.h). */
#include "clients/load/book.h"
#include "clients/load/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static enum track_got note(struct track *t, int64_t seq)
{
    uint64_t given_up;
    const enum track_got got = track_note(t, seq, &given_up);

    assert_int_equal(given_up, 0);
    return got;
}

/* --- numbers --- */

static void numbers_in_order_are_new(void **state)
{
    struct track t = {.next = 0};

    (void)state;
    track_start(&t, 41);
    for (int64_t s = 42; s < 300; s++)
        assert_int_equal(note(&t, s), TRACK_NEW);
    assert_int_equal(track_head(&t), 299);
    assert_int_equal(track_missing(&t, 299), 0);
    assert_int_equal(track_missing(&t, 302), 3);
}

static void a_number_again_is_repeated(void **state)
{
    struct track t = {.next = 0};

    (void)state;
    track_start(&t, 0);
    assert_int_equal(note(&t, 1), TRACK_NEW);
    assert_int_equal(note(&t, 1), TRACK_REPEATED);
    assert_int_equal(note(&t, 5), TRACK_NEW);
    assert_int_equal(note(&t, 5), TRACK_REPEATED);
    assert_true(track_has(&t, 1) && track_has(&t, 5));
    assert_false(track_has(&t, 2) || track_has(&t, 4) || track_has(&t, 6));
}

static void a_number_behind_a_later_one_is_late_and_fills_the_gap(void **state)
{
    struct track t = {.next = 0};

    (void)state;
    track_start(&t, 10);
    assert_int_equal(note(&t, 13), TRACK_NEW);
    assert_int_equal(track_missing(&t, 13), 2);
    assert_int_equal(note(&t, 11), TRACK_LATE);
    assert_int_equal(track_missing(&t, 13), 1);
    assert_int_equal(track_head(&t), 13);
    assert_int_equal(note(&t, 12), TRACK_LATE);
    assert_int_equal(track_missing(&t, 13), 0);
    assert_int_equal(note(&t, 14), TRACK_NEW);
    assert_int_equal(t.next, 15);
}

static void what_stays_behind_too_far_is_given_up_once(void **state)
{
    struct track t = {.next = 0};
    uint64_t given_up, all = 0;

    (void)state;
    track_start(&t, 0);
    for (int64_t s = 2; s <= 500; s++) { /* 1 never comes */
        assert_int_equal(track_note(&t, s, &given_up), TRACK_NEW);
        all += given_up;
    }
    assert_int_equal(all + track_missing(&t, 500), 1);
    assert_int_equal(track_note(&t, INT64_C(1000000000000), &given_up), TRACK_NEW);
    assert_int_equal(given_up + track_missing(&t, INT64_C(1000000000000)), INT64_C(1000000000000) - 501);
}

/* Against a plain list of what came, in random orders. */
static void gaps_are_those_of_a_plain_list(void **state)
{
    unsigned seed = 7;

    (void)state;
    for (int round = 0; round < 300; round++) {
        struct track t = {.next = 0};
        bool came[200] = {false};
        int64_t head = 0;
        uint64_t lost = 0, want = 0, given_up;

        track_start(&t, 0);
        for (int i = 0; i < 120; i++) {
            const int64_t s = 1 + head + (int64_t)(rand_r(&seed) % 9) - 4;
            enum track_got got;

            if (s < 1 || s > 199)
                continue;
            got = track_note(&t, s, &given_up);
            lost += given_up;
            assert_int_equal(got, came[s] ? TRACK_REPEATED : s < head ? TRACK_LATE : TRACK_NEW);
            came[s] = true;
            head = s > head ? s : head;
            if (given_up > 0)
                break; /* from here on a plain list knows more */
        }
        for (int64_t s = 1; s <= head; s++)
            want += !came[s];
        assert_int_equal(lost + track_missing(&t, head), want);
    }
}

/* --- frames --- */

static void event(struct event *e, const char *text)
{
    struct names names;

    names_init(&names, 0xab);
    assert_true(event_read(e, &names, text, strlen(text)));
}

static void frames_are_read_in_the_servers_order_and_in_any_other(void **state)
{
    struct event e;
    struct names names;

    (void)state;
    event(&e, "{\"op\":\"event\",\"room\":\"load-000000ab-r3\",\"epoch\":\"k3f9\",\"seq\":58,\"type\":"
              "\"message\",\"message\":{"
              "\"_id\":\"load-000000ab-m77\",\"message\":\"x\"}}");
    assert_true(e.own_room && e.room == 3 && e.seq == 58 && e.type == EVENT_MESSAGE && e.message == 77);
    event(&e,
          "{\"type\":\"message\", \"seq\": 59, \"message\":{\"message\":\"x\",\"_id\":\"load-000000ab-m78\"},"
          "\"room\":\"load-000000ab-r3\",\"op\":\"event\"}");
    assert_true(e.own_room && e.room == 3 && e.seq == 59 && e.type == EVENT_MESSAGE && e.message == 78);
    event(&e, "{\"op\":\"event\",\"room\":\"load-000000ab-r3\",\"epoch\":\"k3f9\",\"seq\":60,\"type\":"
              "\"recall\",\"objectName\":"
              "\"RC:RcCmd\",\"content\":{\"messageUId\":\"load-000000ab-m77\"}}");
    assert_true(e.type == EVENT_RECALL && e.message == 77 && e.seq == 60);
    event(&e, "{\"op\":\"event\",\"room\":\"load-000000ab-r3\",\"epoch\":\"k3f9\",\"seq\":61,\"type\":"
              "\"room\",\"change\":\"left\"}");
    assert_true(e.type == EVENT_OTHER && e.message == 0 && e.seq == 61);
    event(&e, "{\"op\":\"event\",\"room\":\"elsewhere\",\"epoch\":\"k\",\"seq\":1,\"type\":\"message\","
              "\"message\":{\"_id\":\"m\"}}");
    assert_true(!e.own_room && e.message == 0);
    names_init(&names, 0xab);
    assert_false(event_read(&e, &names, "{\"op\":\"signal\"}", 15));
    assert_false(event_read(&e, &names, "nothing", 7));
}

static void content_is_found_wherever_it_stands(void **state)
{
    static const char text[] = "{\"message\":{\"message\":\"load-000000ab:12: "
                               "hello\",\"reply\":{\"message\":\"load-000000ab:9: q\"}},"
                               "\"x\":\"load-000000ab: none, load-000000ac:5: of another run\"}";
    struct names names;
    size_t at = 0;

    (void)state;
    names_init(&names, 0xab);
    assert_int_equal(event_content(&names, text, strlen(text), &at), 12);
    assert_int_equal(event_content(&names, text, strlen(text), &at), 9);
    assert_int_equal(event_content(&names, text, strlen(text), &at), 0);
}

/* --- the book --- */

struct desk {
    struct figures figures;
    struct book book;
};

static int open_desk(void **state)
{
    struct desk *d = calloc(1, sizeof(*d));

    assert_non_null(d);
    assert_true(figures_init(&d->figures) && book_init(&d->book, &d->figures, 2));
    d->book.rooms[1].steady = d->book.rooms[1].prompt = 2;
    *state = d;
    return 0;
}

static int close_desk(void **state)
{
    struct desk *d = *state;

    book_free(&d->book);
    figures_free(&d->figures);
    free(d);
    return 0;
}

static void judge(struct desk *d)
{
    const uint64_t missing[2] = {0, 0};

    book_judge(&d->book, missing);
    figures_end(&d->figures);
}

static void latency_counts_from_the_intended_time(void **state)
{
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);

    book_ask(&d->book, m, FIGURES_MESSAGE, 1000, 1500, -1); /* it was due at 1,000 and asked for late */
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 1700);
    book_answered(&d->book, m, FIGURES_MESSAGE, 1800);
    assert_int_equal(d->book.owed, 1);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 2000);
    assert_int_equal(d->book.owed, 0);
    judge(d);
    assert_int_equal(d->figures.all_commit.most, 800);
    assert_int_equal(d->figures.service.most, 300);
    assert_int_equal(d->figures.all_first.most, 700);
    assert_int_equal(d->figures.all_last.most, 1000);
    assert_int_equal(d->figures.all_delivery.count, 2);
    assert_true(figures_kept(&d->figures));
}

static void an_acknowledged_event_that_nobody_got_is_lost_for_all(void **state)
{
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);

    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, -1);
    book_answered(&d->book, m, FIGURES_MESSAGE, 2);
    judge(d);
    assert_int_equal(d->figures.lost, 2);
    assert_false(figures_kept(&d->figures));
    assert_non_null(strstr(d->figures.broken, "came to 0 of 2"));
}

static void an_event_that_was_never_acknowledged_is_owed_to_nobody(void **state)
{
    struct desk *d = *state;

    book_ask(&d->book, book_new(&d->book, 1), FIGURES_MESSAGE, 1, 1, -1);
    judge(d);
    assert_true(figures_kept(&d->figures));
}

static void a_gap_and_an_event_that_one_did_not_get_are_one_loss(void **state)
{
    const uint64_t missing[2] = {0, 1};
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);

    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, -1);
    book_answered(&d->book, m, FIGURES_MESSAGE, 2);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 3);
    book_judge(&d->book, missing);
    assert_int_equal(d->figures.lost, 1);
}

static void one_event_under_two_numbers_is_duplicated(void **state)
{
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);

    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, -1);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 2);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 6, BOOK_LIVE, 3);
    assert_int_equal(d->figures.duplicated, 1);
}

static void what_was_not_asked_for_is_foreign(void **state)
{
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);

    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, -1);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 0, 5, BOOK_LIVE, 2); /* another room */
    book_delivered(&d->book, m->number, FIGURES_RECALL, 1, 6, BOOK_LIVE, 2);
    book_delivered(&d->book, 99, FIGURES_MESSAGE, 1, 7, BOOK_LIVE, 2);
    assert_int_equal(d->figures.foreign, 3);
}

static void content_is_broken_behind_the_recall_and_not_before(void **state)
{
    struct desk *d = *state;
    struct book_message *m = book_new(&d->book, 1);
    struct track before = {.next = 0}, behind = {.next = 0};

    track_start(&before, 5);
    track_start(&behind, 6);
    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, -1);
    book_content(&d->book, m->number, 1, &behind, 1);
    book_ask(&d->book, m, FIGURES_RECALL, 10, 10, -1);
    book_delivered(&d->book, m->number, FIGURES_RECALL, 1, 6, BOOK_LIVE, 20);
    book_content(&d->book, m->number, 1, &before, 1); /* it has not had the recall, number 6, itself */
    assert_int_equal(d->figures.content, 0);
    book_content(&d->book, m->number, 1, &behind, 1);
    assert_int_equal(d->figures.content, 1);
    book_answered(&d->book, m, FIGURES_RECALL, 30);
    book_content(&d->book, m->number, 1, &before, 29); /* connected before the recall was acknowledged */
    assert_int_equal(d->figures.content, 1);
    book_content(&d->book, m->number, 1, &before, 31);
    assert_int_equal(d->figures.content, 2);
}

static int32_t told_slot;

static void on_complete(void *arg, int32_t slot)
{
    (void)arg;
    told_slot = slot;
}

static void a_slot_is_told_once_all_who_read_have_it(void **state)
{
    struct desk *d = *state;
    struct book_message *m;

    told_slot = -1;
    d->book.complete = on_complete;
    d->book.rooms[1].steady = 3; /* one of them does not read */
    m = book_new(&d->book, 1);
    book_ask(&d->book, m, FIGURES_MESSAGE, 1, 1, 7);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 2);
    book_delivered(&d->book, m->number, FIGURES_MESSAGE, 1, 5, BOOK_LIVE, 2);
    assert_int_equal(told_slot, -1);
    book_answered(&d->book, m, FIGURES_MESSAGE, 3);
    assert_int_equal(told_slot, 7);
    assert_int_equal(d->book.owed, 1);
}

#define AT_DESK(test) cmocka_unit_test_setup_teardown(test, open_desk, close_desk)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_in_order_are_new),
        cmocka_unit_test(a_number_again_is_repeated),
        cmocka_unit_test(a_number_behind_a_later_one_is_late_and_fills_the_gap),
        cmocka_unit_test(what_stays_behind_too_far_is_given_up_once),
        cmocka_unit_test(gaps_are_those_of_a_plain_list),
        cmocka_unit_test(frames_are_read_in_the_servers_order_and_in_any_other),
        cmocka_unit_test(content_is_found_wherever_it_stands),
        AT_DESK(latency_counts_from_the_intended_time),
        AT_DESK(an_acknowledged_event_that_nobody_got_is_lost_for_all),
        AT_DESK(an_event_that_was_never_acknowledged_is_owed_to_nobody),
        AT_DESK(a_gap_and_an_event_that_one_did_not_get_are_one_loss),
        AT_DESK(one_event_under_two_numbers_is_duplicated),
        AT_DESK(what_was_not_asked_for_is_foreign),
        AT_DESK(content_is_broken_behind_the_recall_and_not_before),
        AT_DESK(a_slot_is_told_once_all_who_read_have_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
