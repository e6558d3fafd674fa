/* Connections that get events in a form of their own (event streams) beside those that get shared bytes. */
#include "hub_fixture.h"

static struct peer *streaming(void)
{
    struct peer *p = peer_new();

    p->conn.rendering = true;
    return p;
}

static void it_gets_the_same_events_as_others_in_its_own_form_and_no_signals(void **state)
{
    struct world *w = the_world(state);
    struct peer *stream = streaming(), *socket = peer_new();

    for (int i = 0; i < 300; i++)
        (void)commit(w, "m", "old", NULL);
    follow(w, stream, 0);
    follow(w, socket, 0);
    answer_reads(w);
    publish(w, "n", "live");
    publish(w, "n", NULL);
    hub_signal(w->hub, APP, ROOM, STR("typing"));
    run(w);
    assert_int_equal(check_order(stream, 0), 302);
    assert_int_equal(check_order(socket, 0), 302);
    assert_true(has(stream, "<[301:") && has(stream, ">"));
    assert_false(has(socket, "<"));
    assert_true(has(socket, "typing"));
    assert_false(has(stream, "typing"));
    peer_free(w, stream);
    peer_free(w, socket);
}

/* Nothing taken, a part of an event, all of its bytes but one. */
static void it_may_block_at_any_byte_and_goes_on_from_there(void **state)
{
    for (size_t cut = 0; cut < 30; cut++) {
        struct world *w = the_world(state);
        struct peer *p = streaming();
        const int64_t from = w->head;

        p->cut_at = cut;
        follow(w, p, -1);
        answer_reads(w);
        p->block_after = 1;
        for (int i = 0; i < 5; i++)
            publish(w, "m", "x");
        run(w);
        assert_true(p->conn.blocked);
        drain(w, p);
        run(w);
        assert_int_equal(check_order(p, from), from + 5);
        assert_int_equal(w->read_count, 0);
        peer_free(w, p);
    }
}

static void blocked_it_holds_a_position_and_reads_the_log_when_it_fell_off_the_tail(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = streaming();

    follow(w, p, -1);
    answer_reads(w);
    p->block_after = 0;
    for (int i = 0; i < HUB_TAIL * 2; i++) {
        publish(w, "m", "x");
        run(w);
    }
    publish(w, "m", NULL);
    run(w);
    assert_int_equal(p->len, 0);
    drain(w, p);
    run(w);
    answer_reads(w);
    assert_int_equal(check_order(p, 0), HUB_TAIL * 2 + 1);
    assert_false(has(p, "=x"));
    peer_free(w, p);
}

static void a_recall_ends_it_when_the_socket_has_a_part_of_the_content(void **state)
{
    struct world *w = the_world(state);
    struct peer *cut = streaming(), *whole = streaming();

    cut->cut_at = 9;
    follow(w, cut, -1);
    follow(w, whole, -1);
    answer_reads(w);
    cut->block_after = 0;
    publish(w, "a", "secret");
    run(w);
    assert_true(cut->kept > 0);
    publish(w, "b", NULL);
    assert_false(cut->aborted);
    publish(w, "a", NULL);
    assert_true(cut->aborted);
    run(w);
    assert_false(has(cut, "secret"));
    assert_int_equal(check_order(whole, 0), 3);
    peer_free(w, cut);
    peer_free(w, whole);
}

static void a_recall_cuts_the_content_out_of_what_waits_for_it(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = streaming();

    follow(w, p, -1);
    answer_reads(w);
    p->block_after = 0;
    publish(w, "first", "sent");
    run(w);
    publish(w, "a", "secret");
    hub_publish(w->hub, commit(w, "b", "quoting", "a"));
    publish(w, "a", NULL);
    drain(w, p);
    run(w);
    assert_int_equal(check_order(p, 0), 4);
    assert_false(has(p, "secret"));
    assert_false(has(p, "copy"));
    peer_free(w, p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(it_gets_the_same_events_as_others_in_its_own_form_and_no_signals),
        REQUIREMENT(it_may_block_at_any_byte_and_goes_on_from_there),
        REQUIREMENT(blocked_it_holds_a_position_and_reads_the_log_when_it_fell_off_the_tail),
        REQUIREMENT(a_recall_ends_it_when_the_socket_has_a_part_of_the_content),
        REQUIREMENT(a_recall_cuts_the_content_out_of_what_waits_for_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
