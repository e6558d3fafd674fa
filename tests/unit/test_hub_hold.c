/* A large room in which events burst waits a little for those that are about to be committed: one send for all of them. */
#include "hub_fixture.h"

#define MANY 300

struct crowd {
    struct peer *peers[MANY];
};

/* A room of MANY in which two events came in one round, so that the next ones are worth waiting for. */
static struct crowd *burst(struct world *w)
{
    struct crowd *c = malloc(sizeof(*c));

    assert_non_null(c);
    for (int i = 0; i < MANY; i++) {
        c->peers[i] = peer_new();
        follow(w, c->peers[i], -1);
    }
    answer_reads(w);
    publish(w, "a", "x");
    publish(w, "b", "x");
    run(w);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(check_order(c->peers[i], 0), 2);
        c->peers[i]->sends = 0;
    }
    return c;
}

static void all_have(const struct crowd *c, int64_t events, int sends)
{
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(check_order(c->peers[i], 0), events);
        assert_int_equal(c->peers[i]->sends, sends);
    }
}

static void disperse(struct world *w, struct crowd *c)
{
    for (int i = 0; i < MANY; i++)
        peer_free(w, c->peers[i]);
    free(c);
}

static void events_that_follow_soon_go_out_in_one_send(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->under_way = true;
    publish(w, "c", "x");
    assert_int_equal(hub_turn(w->hub, 4), HUB_HELD);
    all_have(c, 2, 0);
    w->wakes = 0;
    publish(w, "d", "x");
    assert_int_equal(w->wakes, 1); /* it is looked at again */
    w->under_way = false;
    run(w);
    all_have(c, 4, 1);
    disperse(w, c);
}

static void nobody_waits_for_longer_than_a_microsecond_a_subscriber_in_a_round(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->under_way = true;
    publish(w, "c", "x");
    assert_int_equal(hub_turn(w->hub, 4), HUB_HELD);
    w->now_us += MANY - 1;
    assert_int_equal(hub_turn(w->hub, 4), HUB_HELD);
    w->now_us += 1;
    while (hub_turn(w->hub, 1) == HUB_MORE)
        w->now_us += 1;
    all_have(c, 3, 1);
    disperse(w, c);
}

static void the_time_that_a_round_may_wait_is_not_given_twice(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->under_way = true;
    publish(w, "c", "x");
    assert_int_equal(hub_turn(w->hub, 1), HUB_HELD);
    w->now_us += MANY / 2;
    w->under_way = false;
    assert_int_equal(hub_turn(w->hub, 1), HUB_MORE);
    w->under_way = true;
    assert_int_equal(hub_turn(w->hub, 1), HUB_HELD);
    w->now_us += MANY / 2;
    while (hub_turn(w->hub, 1) == HUB_MORE)
        continue;
    all_have(c, 3, 1);
    disperse(w, c);
}

static void a_lone_event_does_not_wait(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    publish(w, "c", "x");
    run(w);
    w->under_way = true;
    publish(w, "d", "x");
    while (hub_turn(w->hub, 4) == HUB_MORE)
        continue;
    all_have(c, 4, 2);
    disperse(w, c);
}

static void a_small_room_does_not_wait_and_is_served_while_a_large_one_does(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);
    struct peer *p = peer_new();
    const struct frame_parts parts = {.type = EVENT_MESSAGE, .app = APP + 1, .seq = 3, .room = ROOM, .payload = STR("[3:m=x]")};
    struct frame *f = frame_make(&parts);
    bool existing;

    assert_non_null(hub_subscribe(w->hub, &p->conn, APP + 1, ROOM, -1, NULL, &existing));
    answer_reads(w);
    w->under_way = true;
    publish(w, "c", "x");
    hub_publish(w->hub, f);
    assert_int_equal(hub_turn(w->hub, 4), HUB_HELD);
    all_have(c, 2, 0);
    assert_true(has(p, "[3:m=x]"));
    frame_unref(f);
    peer_free(w, p);
    disperse(w, c);
}

static void a_room_that_shrinks_while_it_waits_is_served_all_the_same(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->under_way = true;
    publish(w, "c", "x");
    assert_int_equal(hub_turn(w->hub, 1), HUB_HELD);
    w->now_us += MANY - 20;
    w->under_way = false;
    assert_int_equal(hub_turn(w->hub, 1), HUB_MORE);
    w->under_way = true;
    assert_int_equal(hub_turn(w->hub, 1), HUB_HELD);
    for (int i = MANY - 40; i < MANY; i++) { /* it has waited for longer than a room of this size may */
        peer_free(w, c->peers[i]);
        c->peers[i] = peer_new();
    }
    while (hub_turn(w->hub, 1) == HUB_MORE)
        continue;
    for (int i = 0; i < MANY - 40; i++)
        assert_int_equal(check_order(c->peers[i], 0), 3);
    disperse(w, c);
}

static void an_event_after_a_rest_does_not_wait(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->now_us += 60000;
    w->under_way = true;
    publish(w, "c", "x");
    while (hub_turn(w->hub, 4) == HUB_MORE)
        continue;
    all_have(c, 3, 1);
    disperse(w, c);
}

static void a_turn_ends_when_all_that_is_left_waits(void **state)
{
    enum { FIRST = 256, SECOND = 1200, SMALL = HUB_HOLD_SUBSCRIBERS - 1 }; /* the last is served in two slices */
    static const int sizes[] = {FIRST, SECOND, SMALL};
    struct world *w = the_world(state);
    struct peer **rooms[3];

    for (int r = 0; r < 3; r++)
        rooms[r] = other_room(w, 1 + r, sizes[r]);
    for (int64_t seq = 1; seq <= 2; seq++)
        for (int r = 0; r < 3; r++)
            publish_there(w, 1 + r, seq);
    run(w);
    w->step_us = 100;
    w->under_way = true;
    for (int r = 0; r < 3; r++)
        publish_there(w, 1 + r, 3);
    /* The first waits, the second too, the third is served meanwhile; then the first's time is up, and the second's is not. */
    assert_int_equal(hub_turn(w->hub, 16), HUB_HELD);
    assert_int_equal(check_order(rooms[0][0], 0), 3);
    assert_int_equal(check_order(rooms[1][0], 0), 2);
    assert_int_equal(check_order(rooms[2][0], 0), 3);
    for (int r = 0; r < 3; r++) {
        for (int i = 0; i < sizes[r]; i++)
            peer_free(w, rooms[r][i]);
        free(rooms[r]);
    }
}

static void a_room_whose_last_subscriber_leaves_while_it_waits_is_forgotten(void **state)
{
    struct world *w = the_world(state);
    struct crowd *c = burst(w);

    w->under_way = true;
    publish(w, "c", "x");
    assert_int_equal(hub_turn(w->hub, 4), HUB_HELD);
    disperse(w, c);
    assert_int_equal(hub_turn(w->hub, 4), HUB_NOTHING);
}

static int how_many_have(struct peer *const *peers, int n, int64_t events)
{
    int have = 0;

    for (int i = 0; i < n; i++)
        have += check_order(peers[i], 0) == events;
    return have;
}

static void a_large_room_has_the_whole_turn_only_while_no_other_waits(void **state)
{
    enum { LARGE = 5 * HUB_SLICE, SMALL = 3 };
    struct world *w = the_world(state);
    struct peer **large = other_room(w, 1, LARGE), **small = other_room(w, 2, SMALL);

    publish_there(w, 1, 1);
    assert_int_equal(hub_turn(w->hub, 2), HUB_MORE);
    assert_int_equal(how_many_have(large, LARGE, 1), 2 * HUB_SLICE);
    assert_int_equal(w->put_most, 2 * HUB_SLICE);
    publish_there(w, 2, 1);
    assert_int_equal(hub_turn(w->hub, 2), HUB_MORE);
    for (int i = 0; i < SMALL; i++)
        assert_int_equal(small[i]->put_at, 3 * HUB_SLICE + 1 + i); /* behind one slice of the large room */
    assert_int_equal(how_many_have(small, SMALL, 1), SMALL);
    assert_int_equal(how_many_have(large, LARGE, 1), 4 * HUB_SLICE);
    run(w);
    for (int i = 0; i < LARGE; i++)
        peer_free(w, large[i]);
    for (int i = 0; i < SMALL; i++)
        peer_free(w, small[i]);
    free(large);
    free(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(events_that_follow_soon_go_out_in_one_send),
        REQUIREMENT(nobody_waits_for_longer_than_a_microsecond_a_subscriber_in_a_round),
        REQUIREMENT(the_time_that_a_round_may_wait_is_not_given_twice),
        REQUIREMENT(a_lone_event_does_not_wait),
        REQUIREMENT(a_small_room_does_not_wait_and_is_served_while_a_large_one_does),
        REQUIREMENT(a_room_that_shrinks_while_it_waits_is_served_all_the_same),
        REQUIREMENT(an_event_after_a_rest_does_not_wait),
        REQUIREMENT(a_turn_ends_when_all_that_is_left_waits),
        REQUIREMENT(a_large_room_has_the_whole_turn_only_while_no_other_waits),
        REQUIREMENT(a_room_whose_last_subscriber_leaves_while_it_waits_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
