/* Following a room: from now, from a cursor, live, leaving. */
#include "hub_fixture.h"

static struct asked {
    struct hub *hub;
    int sends, completing;
} asked;

static void a_subscriber_from_now_gets_what_comes_after(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

    (void)commit(w, "a", "old", NULL);
    follow(w, p, -1);
    answer_reads(w);
    assert_int_equal(p->live, 1);
    assert_int_equal(p->live_at, 1);
    publish(w, "b", "new");
    run(w);
    assert_false(has(p, "old"));
    assert_int_equal(check_order(p, 1), 2);
    peer_free(w, p);
}

static void catch_up_comes_first_and_then_live_without_gap_or_repeat(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();
    struct hub_page page;

    for (int i = 0; i < 600; i++)
        (void)commit(w, "m", "x", NULL);
    follow(w, p, 100);
    run(w);
    page = snapshot(w, 100);
    publish(w, "n", "between read and live"); /* committed after the snapshot, heard before its page */
    answer_with(w, &page);
    assert_int_equal(p->live, 0);
    answer_reads(w);
    assert_int_equal(p->live, 1);
    assert_true(p->recovered);
    publish(w, "o", "live");
    run(w);
    assert_int_equal(check_order(p, 100), 602);
    peer_free(w, p);
}

/* More than a page is missed, and nothing is published meanwhile that would make the hub look again. */
static void catch_up_goes_on_when_nothing_new_happens(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

    for (int i = 0; i < HUB_PAGE * 2 + 10; i++)
        (void)commit(w, "m", "x", NULL);
    follow(w, p, 0);
    answer_reads(w);
    assert_int_equal(p->live, 1);
    assert_int_equal(p->live_at, w->head);
    assert_int_equal(check_order(p, 0), w->head);
    peer_free(w, p);
}

/* Sends the last of what a subscription waits for: is the owner told so, and of which? */
static enum hub_sent send_and_ask(struct hub_conn *conn, const char *bytes, size_t n, size_t *taken)
{
    struct peer *p = (struct peer *)conn;
    const struct hub_sub *completing = hub_completing(asked.hub);

    asked.sends++;
    if (completing != NULL) {
        assert_ptr_equal(hub_sub_conn(completing), conn);
        assert_int_equal(p->live, 0); /* it follows */
        asked.completing++;
    }
    return on_send(conn, bytes, n, taken);
}

static void what_makes_a_subscription_live_is_told_while_it_is_sent(void **state)
{
    struct world *w = the_world(state);
    struct hub_ops asking = ops;
    struct peer *p = peer_new(), *slow = peer_new(), *peers[HUB_ADOPT];

    asking.send = send_and_ask;
    hub_destroy(w->hub);
    w->hub = hub_create(&asking, w);
    asked = (struct asked){.hub = w->hub};
    for (int i = 0; i < 20; i++)
        (void)commit(w, "m", "x", NULL);
    for (int i = 0; i < HUB_ADOPT; i++)
        follow(w, peers[i] = peer_new(), 0);
    answer_reads(w); /* the first page becomes the tail */
    asked.sends = asked.completing = 0;
    follow(w, p, 5);
    slow->block_after = 0;
    follow(w, slow, 5);
    answer_reads(w);
    assert_int_equal(asked.sends, 2);
    assert_int_equal(asked.completing, 2);
    assert_int_equal(p->live, 1);
    assert_int_equal(slow->live, 0); /* not all of it was taken */
    publish(w, "n", "live");
    run(w);
    assert_int_equal(asked.completing, 2); /* who is live waits for nothing */
    assert_null(hub_completing(w->hub));
    peer_free(w, p);
    peer_free(w, slow);
    for (int i = 0; i < HUB_ADOPT; i++)
        peer_free(w, peers[i]);
    hub_destroy(w->hub); /* before what it borrows */
    w->hub = hub_create(&ops, w);
}

/* The sweep stands where the newcomer's slot will be, and one visit is due. */
static void who_comes_in_the_middle_of_a_sweep_takes_nobodys_visit(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new(), *q = peer_new();

    follow(w, p, -1);
    answer_reads(w);
    publish(w, "a", "x");
    run(w);
    publish(w, "b", "x");
    follow(w, q, -1);
    run(w);
    assert_int_equal(check_order(p, 0), 2);
    peer_free(w, p);
    peer_free(w, q);
}

static void an_event_heard_after_the_page_that_held_it_is_not_repeated(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();
    struct frame *late;

    (void)commit(w, "a", "x", NULL);
    late = commit(w, "b", "x", NULL);
    follow(w, p, 0);
    answer_reads(w);
    hub_publish(w->hub, late);
    run(w);
    publish(w, "c", "x");
    run(w);
    assert_int_equal(check_order(p, 0), 3);
    peer_free(w, p);
}

static void a_cursor_before_the_log_or_beyond_it_is_reset(void **state)
{
    struct world *w = the_world(state);
    const int64_t since[] = {3, 50, HUB_RESET, INT64_MAX, INT64_MAX / 2 + 1};

    for (int i = 0; i < 20; i++)
        (void)commit(w, "m", "x", NULL);
    w->min_seq = 10;
    for (size_t i = 0; i < sizeof(since) / sizeof(since[0]); i++) {
        struct peer *p = peer_new();

        follow(w, p, since[i]);
        answer_reads(w);
        assert_int_equal(p->resets, 1);
        assert_int_equal(p->live, 1);
        assert_false(p->recovered);
        assert_int_equal(p->live_at, 20);
        assert_int_equal(p->len, 0);
        peer_free(w, p);
    }
}

/* What the peer got, without the two bytes before each frame. */
static void assert_shows(const struct peer *p, const char *text)
{
    char shown[256];
    size_t n = 0;

    for (size_t i = 0; i < p->len; i++) {
        if ((unsigned char)p->got[i] == 0x81)
            i++;
        else
            shown[n++] = p->got[i];
        assert_true(n < sizeof(shown));
    }
    shown[n] = '\0';
    assert_string_equal(shown, text);
}

static void who_is_live_is_served_without_asking_its_owner(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new(), *late = peer_new();
    int before;

    publish(w, "a", "x");
    follow(w, p, 0);
    answer_reads(w);
    before = p->asked;
    assert_int_equal(p->live, 1);
    publish(w, "b", "y");
    run(w);
    assert_int_equal(p->asked, before);
    assert_shows(p, "[1:a=x][2:b=y]");
    follow(w, late, 1); /* not live yet */
    publish(w, "c", "z");
    run(w);
    assert_int_equal(late->asked + late->sends, 0);
    answer_reads(w);
    run(w);
    assert_shows(late, "[2:b=y][3:c=z]");
    hub_conn_gone(&late->conn);
    publish(w, "d", "u");
    run(w);
    assert_shows(late, "[2:b=y][3:c=z]");
    assert_shows(p, "[1:a=x][2:b=y][3:c=z][4:d=u]");
    peer_free(w, p);
    peer_free(w, late);
}

static void among_many_those_before_whose_socket_something_waits_are_served_by_their_owner(void **state)
{
    struct world *w = the_world(state);
    struct peer *peers[3 * HUB_LOOK + 5];
    const int n = (int)(sizeof(peers) / sizeof(peers[0]));

    for (int i = 0; i < n; i++) {
        peers[i] = peer_new();
        follow(w, peers[i], -1);
    }
    answer_reads(w);
    for (int i = 0; i < n; i++) {
        peers[i]->answering = i % 7 == 3;
        if (i % 11 == 5)
            hub_conn_gone(&peers[i]->conn);
    }
    publish(w, "a", "x");
    run(w);
    for (int i = 0; i < n; i++) {
        assert_shows(peers[i], i % 11 == 5 ? "" : "[1:a=x]");
        assert_int_equal(peers[i]->asked, i % 7 == 3 && i % 11 != 5);
        peer_free(w, peers[i]);
    }
}

static void what_a_direct_send_leaves_is_sent_by_the_owner_in_the_middle_of_a_frame(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new(), *slow = peer_new();

    follow(w, p, -1);
    follow(w, slow, -1);
    answer_reads(w);
    p->put_off = true;
    p->put_part = slow->put_part = 3;
    slow->block_after = 0;
    slow->cut_at = 1;
    publish(w, "a", "x");
    run(w);
    assert_shows(p, "[1:a=x]");
    assert_int_equal(p->asked, 1);
    assert_shows(slow, "[1"); /* two of the header, one, and one */
    assert_true(slow->conn.blocked && slow->conn.cut);
    assert_int_equal(slow->kept, 5);
    publish(w, "b", "y"); /* blocked: nothing */
    run(w);
    assert_shows(slow, "[1");
    drain(w, slow);
    assert_shows(slow, "[1:a=x][2:b=y]");
    publish(w, "c", "z"); /* its way is open again */
    run(w);
    assert_int_equal(slow->asked, 2);
    assert_shows(slow, "[1:a=x][2:b=y][3:c=z]");
    assert_shows(p, "[1:a=x][2:b=y][3:c=z]");
    peer_free(w, p);
    peer_free(w, slow);
}

static void who_may_not_read_is_refused_and_removed(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();

    w->read_rc = RESULT_NOT_MEMBER;
    follow(w, p, -1);
    answer_reads(w);
    assert_true(p->refused);
    assert_null(p->conn.subs);
    assert_int_equal(hub_room_subscribers(w->hub, APP, ROOM), 0);
    peer_free(w, p);
}

static void everyone_is_served_while_others_leave_in_the_middle_of_a_sweep(void **state)
{
    struct world *w = the_world(state);
    struct peer *peers[300];

    for (int i = 0; i < 300; i++) {
        peers[i] = peer_new();
        follow(w, peers[i], -1);
    }
    answer_reads(w);
    for (int round = 0; round < 100; round++) {
        publish(w, "m", "x");
        (void)hub_turn(w->hub, 1);
        peer_free(w, peers[round]);
    }
    run(w);
    for (int i = 100; i < 300; i++) {
        assert_int_equal(check_order(peers[i], 0), 100);
        peer_free(w, peers[i]);
    }
    assert_int_equal(hub_sub_count(w->hub), 0);
}

static void a_page_for_a_subscription_that_is_gone_is_released(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();
    struct hub_page page;

    (void)commit(w, "a", "x", NULL);
    follow(w, p, 0);
    run(w);
    page = snapshot(w, 0);
    peer_free(w, p);
    answer_with(w, &page);
    assert_int_equal(page.frame_count, 0);
}

static void whoever_leaves_the_line_for_a_read_keeps_nobody_else_from_it(void **state)
{
    struct world *w = the_world(state);
    struct peer *peers[HUB_READS + 6];
    const size_t n = sizeof(peers) / sizeof(peers[0]);

    commit(w, "m1", "before", NULL);
    for (size_t i = 0; i < n; i++) {
        peers[i] = peer_new();
        follow(w, peers[i], 0);
    }
    run(w);
    assert_int_equal(w->read_count, HUB_READS);
    /* Of those who wait: the first, one in the middle, the last. One comes after them. */
    for (size_t i = HUB_READS; i < n; i++)
        if (i == HUB_READS || i == HUB_READS + 3 || i == n - 1)
            hub_unsubscribe(w->hub, hub_find(w->hub, &peers[i]->conn, APP, ROOM));
    follow(w, peers[n - 1], 0);
    answer_reads(w);
    for (size_t i = 0; i < n; i++) {
        const bool follows = i != HUB_READS && i != HUB_READS + 3;

        assert_int_equal(peers[i]->live, follows);
        assert_int_equal(has(peers[i], "before"), follows);
        peer_free(w, peers[i]);
    }
}

static void a_signal_reaches_only_connections_that_take_it(void **state)
{
    struct world *w = the_world(state);
    struct peer *a = peer_new(), *b = peer_new();

    follow(w, a, -1);
    follow(w, b, -1);
    answer_reads(w);
    b->block_after = 0;
    publish(w, "m", "x");
    run(w);
    hub_signal(w->hub, APP, ROOM, STR("typing"));
    assert_true(has(a, "typing"));
    assert_false(has(b, "typing"));
    peer_free(w, a);
    peer_free(w, b);
}

static void rooms_of_the_same_name_in_two_apps_are_two_rooms(void **state)
{
    struct world *w = the_world(state);
    struct peer *p = peer_new();
    struct frame_parts other = {.type = EVENT_MESSAGE, .app = APP + 1, .seq = 1, .room = ROOM, .payload = STR("[1:foreign]")};
    struct frame *f = frame_make(&other);

    follow(w, p, -1);
    answer_reads(w);
    hub_publish(w->hub, f);
    run(w);
    assert_int_equal(p->len, 0);
    frame_unref(f);
    peer_free(w, p);
}

static void a_turn_counts_subscribers_so_one_serves_many_small_rooms(void **state)
{
    enum { SMALL = 10 };
    struct world *w = the_world(state);
    struct peer *peers[SMALL];

    for (int i = 0; i < SMALL; i++) {
        bool existing;

        peers[i] = peer_new();
        assert_non_null(hub_subscribe(w->hub, &peers[i]->conn, APP + 1 + i, ROOM, -1, NULL, &existing));
    }
    run(w);
    answer_reads(w);
    for (int i = 0; i < SMALL; i++) {
        struct frame_parts parts = {.type = EVENT_MESSAGE, .app = APP + 1 + i, .seq = 1, .room = ROOM, .payload = STR("[1:m=x]")};
        struct frame *f = frame_make(&parts);

        assert_int_equal(peers[i]->live, 1);
        hub_publish(w->hub, f);
        frame_unref(f);
    }
    (void)hub_turn(w->hub, 1);
    for (int i = 0; i < SMALL; i++) {
        assert_true(peers[i]->len > 0);
        peer_free(w, peers[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(a_subscriber_from_now_gets_what_comes_after),
        REQUIREMENT(catch_up_comes_first_and_then_live_without_gap_or_repeat),
        REQUIREMENT(catch_up_goes_on_when_nothing_new_happens),
        REQUIREMENT(what_makes_a_subscription_live_is_told_while_it_is_sent),
        REQUIREMENT(who_comes_in_the_middle_of_a_sweep_takes_nobodys_visit),
        REQUIREMENT(an_event_heard_after_the_page_that_held_it_is_not_repeated),
        REQUIREMENT(a_cursor_before_the_log_or_beyond_it_is_reset),
        REQUIREMENT(who_is_live_is_served_without_asking_its_owner),
        REQUIREMENT(among_many_those_before_whose_socket_something_waits_are_served_by_their_owner),
        REQUIREMENT(what_a_direct_send_leaves_is_sent_by_the_owner_in_the_middle_of_a_frame),
        REQUIREMENT(who_may_not_read_is_refused_and_removed),
        REQUIREMENT(everyone_is_served_while_others_leave_in_the_middle_of_a_sweep),
        REQUIREMENT(a_page_for_a_subscription_that_is_gone_is_released),
        REQUIREMENT(whoever_leaves_the_line_for_a_read_keeps_nobody_else_from_it),
        REQUIREMENT(a_signal_reaches_only_connections_that_take_it),
        REQUIREMENT(rooms_of_the_same_name_in_two_apps_are_two_rooms),
        REQUIREMENT(a_turn_counts_subscribers_so_one_serves_many_small_rooms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
