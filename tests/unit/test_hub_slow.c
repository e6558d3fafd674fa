/* Readers that do not drain, and what a recall finds on its way to them. */
#include "hub_fixture.h"

static void a_blocked_reader_keeps_a_position_and_goes_on_from_the_tail(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

    follow(w, p, -1);
    answer_reads(w);
    p->block_after = 0;
    for (int i = 0; i < 10; i++) {
        publish(w, "m", "x");
        run(w);
    }
    assert_int_equal(check_order(p, 0), 0);
    drain(w, p);
    run(w);
    assert_int_equal(check_order(p, 0), 10);
    assert_int_equal(w->read_count, 0);
    peer_free(w, p);
}

static void a_blocked_reader_that_fell_off_the_tail_reads_the_log(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

    follow(w, p, -1);
    answer_reads(w);
    p->block_after = 0;
    for (int i = 0; i < HUB_TAIL * 3; i++) {
        publish(w, "m", "x");
        run(w);
    }
    assert_int_equal(check_order(p, 0), 0);
    drain(w, p);
    run(w);
    assert_int_equal(w->read_count, 1);
    answer_reads(w);
    assert_int_equal(check_order(p, 0), HUB_TAIL * 3);
    peer_free(w, p);
}

static void a_recall_cuts_the_content_out_of_what_waits_in_the_tail(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

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
    assert_true(has(p, "b=quoting>(a gone)]"));
    peer_free(w, p);
}

/* Where a blocked send may stop: nowhere, within a frame, and between two. */
static void a_blocked_send_may_stop_at_any_byte(void **state)
{
    for (size_t cut = 0; cut < 60; cut++) {
        struct world *w = the_world(state);
        struct peer *p = peer_new();
        const int64_t from = w->head;

        p->cut_at = cut;
        follow(w, p, -1);
        answer_reads(w);
        p->block_after = 0;
        for (int i = 0; i < 5; i++)
            publish(w, "m", "x");
        run(w);
        drain(w, p);
        run(w);
        assert_int_equal(check_order(p, from), from + 5);
        assert_int_equal(w->read_count, 0);
        peer_free(w, p);
    }
}

static void a_recall_ends_a_connection_that_holds_a_part_of_the_content(void **state)
{
    struct world *w = the_world(state);
    struct peer *cut = peer_new(), *other = peer_new();

    cut->cut_at = other->cut_at = 8;
    follow(w, cut, -1);
    answer_reads(w);
    cut->block_after = 0;
    publish(w, "a", "secret");
    run(w);
    follow(w, other, -1);
    answer_reads(w);
    other->block_after = 0;
    publish(w, "b", "harmless");
    run(w);
    assert_true(cut->kept > 0 && other->kept > 0);
    publish(w, "a", NULL);
    assert_true(cut->aborted);
    assert_false(other->aborted);
    drain(w, other);
    run(w);
    assert_int_equal(check_order(other, 1), 3);
    assert_false(has(cut, "secret"));
    peer_free(w, cut);
    peer_free(w, other);
}

/* The rest of a cut frame waits longer than anyone follows the room. */
static void a_recall_finds_the_content_where_nobody_follows_the_room_any_more(void **state)
{
    struct world *w = the_world(state);
    struct peer *cut = peer_new(), *other = peer_new();
    struct hub_sub *sub;

    cut->cut_at = 8;
    follow(w, other, -1);
    sub = follow(w, cut, -1);
    answer_reads(w);
    cut->block_after = 0;
    publish(w, "a", "secret");
    run(w);
    assert_true(cut->kept > 0);
    hub_unsubscribe(w->hub, sub);
    peer_free(w, other);
    publish(w, "a", NULL);
    assert_true(cut->aborted);
    peer_free(w, cut);
    assert_int_equal(hub_room_subscribers(w->hub, APP, ROOM), 0);
}

static void a_recall_cuts_the_content_out_of_a_page_that_was_read_before_it(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();
    struct hub_page page;

    (void)commit(w, "a", "secret", NULL);
    follow(w, p, 0);
    run(w);
    page = snapshot(w, 0); /* still shows it */
    publish(w, "a", NULL);
    answer_with(w, &page);
    answer_reads(w);
    assert_int_equal(check_order(p, 0), 2);
    assert_false(has(p, "secret"));
    peer_free(w, p);
}

/* So many follow from `since` that the page which the first of them reads becomes the room's tail. */
static void follow_many(struct world *w, struct peer *many[HUB_ADOPT], int64_t since)
{
    for (size_t i = 0; i < HUB_ADOPT; i++) {
        many[i] = peer_new();
        follow(w, many[i], since);
    }
    run(w);
}

static void a_recall_ends_a_cut_connection_also_when_a_shared_page_is_beyond_it(void **state)
{
    struct world *w = the_world(state);
    struct peer *cut = peer_new(), *many[HUB_ADOPT];

    (void)commit(w, "a", "secret", NULL);
    follow(w, cut, 0);
    cut->cut_at = 8;
    cut->block_after = 0;
    answer_reads(w);
    assert_true(cut->kept > 0);
    (void)commit(w, "b", "harmless", NULL);
    (void)commit(w, "a", NULL, NULL);
    (void)commit(w, "c", "harmless", NULL);
    follow_many(w, many, 3);
    answer_reads(w);
    assert_true(has(many[0], "c=harmless"));
    for (int64_t seq = 2; seq <= 4; seq++)
        hub_publish(w->hub, w->log[seq - 1]);
    assert_true(cut->aborted);
    assert_false(has(cut, "secret"));
    peer_free(w, cut);
    for (size_t i = 0; i < HUB_ADOPT; i++)
        peer_free(w, many[i]);
}

static void who_left_gets_nothing_of_a_page_that_others_share_before_the_leave_is_heard(void **state)
{
    static const char left[] = "[2:left]";
    const struct frame_parts parts = {
        .type = EVENT_ROOM, .app = APP, .seq = 2, .room = ROOM, .payload = {left, sizeof(left) - 1}};
    struct world *w = the_world(state);
    struct peer *gone = peer_new(), *many[HUB_ADOPT];
    struct hub_page page;

    (void)commit(w, "a", "before", NULL);
    follow(w, gone, -1);
    answer_reads(w);
    assert_int_equal(gone->live, 1);
    w->log[w->head++] = frame_make(&parts);
    (void)commit(w, "b", "after", NULL);
    follow_many(w, many, 1);
    for (size_t i = 0; i < HUB_ADOPT; i++) {
        page = snapshot(w, w->reads[0].after);
        answer_with(w, &page);
        run(w);
    }
    assert_int_equal(w->read_count, 1); /* whether the one who left is a member still */
    w->read_rc = RESULT_NOT_MEMBER;
    page = snapshot(w, -1);
    answer_with(w, &page);
    run(w);
    assert_true(gone->refused);
    assert_false(has(gone, "after"));
    peer_free(w, gone);
    for (size_t i = 0; i < HUB_ADOPT; i++) {
        assert_int_equal(check_order(many[i], 1), 3);
        peer_free(w, many[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(a_blocked_reader_keeps_a_position_and_goes_on_from_the_tail),
        REQUIREMENT(a_blocked_reader_that_fell_off_the_tail_reads_the_log),
        REQUIREMENT(a_recall_cuts_the_content_out_of_what_waits_in_the_tail),
        REQUIREMENT(a_blocked_send_may_stop_at_any_byte),
        REQUIREMENT(a_recall_ends_a_connection_that_holds_a_part_of_the_content),
        REQUIREMENT(a_recall_finds_the_content_where_nobody_follows_the_room_any_more),
        REQUIREMENT(a_recall_cuts_the_content_out_of_a_page_that_was_read_before_it),
        REQUIREMENT(a_recall_ends_a_cut_connection_also_when_a_shared_page_is_beyond_it),
        REQUIREMENT(who_left_gets_nothing_of_a_page_that_others_share_before_the_leave_is_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
