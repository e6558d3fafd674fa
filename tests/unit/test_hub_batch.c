/* Sends of a turn that are made together, whatever rooms they are of. */
#include "hub_fixture.h"

/* A peer follows a room of another app, too. */
static void follow_there(struct world *w, struct peer *p, int app)
{
    bool existing;

    assert_non_null(hub_subscribe(w->hub, &p->conn, APP + app, ROOM, -1, NULL, &existing));
    answer_reads(w);
}

static void assert_got(const struct peer *p, const char *first, const char *second)
{
    const char *one = strstr(p->got, first), *two = strstr(p->got, second);

    if (one == NULL || two == NULL || one > two)
        fail_msg("not %s, then %s", first, second);
}

static void free_room_of(struct world *w, struct peer **peers, int n)
{
    for (int i = 0; i < n; i++)
        peer_free(w, peers[i]);
    free(peers);
}

static void small_rooms_of_a_turn_are_served_in_one_call(void **state)
{
    enum { ROOMS = 20, EACH = 3 };
    struct world *w = the_world(state);
    struct peer **rooms[ROOMS];
    char mine[40];

    for (int r = 0; r < ROOMS; r++)
        rooms[r] = other_room(w, 1 + r, EACH);
    for (int r = 0; r < ROOMS; r++)
        publish_there(w, 1 + r, 1);
    assert_int_equal(hub_turn(w->hub, 4), HUB_NOTHING);
    assert_int_equal(w->puts, 1);
    assert_int_equal(w->put_most, ROOMS * EACH);
    for (int r = 0; r < ROOMS; r++) {
        snprintf(mine, sizeof(mine), "[1:m=%d]", 1 + r);
        for (int i = 0; i < EACH; i++)
            assert_got(rooms[r][i], mine, "]");
        free_room_of(w, rooms[r], EACH);
    }
}

static void a_call_has_a_bound_and_what_is_more_goes_into_the_next(void **state)
{
    enum { ROOMS = 8, EACH = 50 };
    struct world *w = the_world(state);
    struct peer **rooms[ROOMS];

    for (int r = 0; r < ROOMS; r++)
        rooms[r] = other_room(w, 1 + r, EACH);
    for (int r = 0; r < ROOMS; r++)
        publish_there(w, 1 + r, 1);
    run(w);
    assert_int_equal(w->puts, 2);
    assert_int_equal(w->put_most, HUB_LOOK);
    assert_int_equal(w->put_sends, ROOMS * EACH);
    for (int r = 0; r < ROOMS; r++) {
        for (int i = 0; i < EACH; i++)
            assert_int_equal(check_order(rooms[r][i], 0), 1);
        free_room_of(w, rooms[r], EACH);
    }
}

/* The fixture fails where a socket is in one call twice. */
static void who_follows_two_of_the_rooms_gets_one_after_the_other(void **state)
{
    struct world *w = the_world(state);
    struct peer **one = other_room(w, 1, 3), **two = other_room(w, 2, 3);

    follow_there(w, one[1], 2);
    for (int seq = 1; seq <= 2; seq++)
        for (int r = 1; r <= 2; r++) {
            publish_there(w, r, seq);
            run(w);
        }
    publish_there(w, 1, 3);
    publish_there(w, 2, 3);
    w->puts = 0;
    run(w);
    assert_int_equal(w->puts, 2);
    assert_got(one[1], "[3:m=1]", "[3:m=2]");
    assert_got(one[2], "[2:m=1]", "[3:m=1]");
    assert_got(two[0], "[2:m=2]", "[3:m=2]");
    free_room_of(w, one, 3);
    free_room_of(w, two, 3);
}

static void behind_a_part_of_one_rooms_frame_comes_its_rest_and_then_the_other_rooms(void **state)
{
    struct world *w = the_world(state);
    struct peer **one = other_room(w, 1, 3), **two = other_room(w, 2, 3);

    follow_there(w, one[1], 2);
    one[1]->block_after = 0;
    one[1]->put_part = 3;
    one[1]->cut_at = 1;
    publish_there(w, 1, 1);
    publish_there(w, 2, 1);
    run(w);
    assert_true(one[1]->conn.blocked && one[1]->conn.cut);
    assert_int_equal(one[1]->asked, 1);
    assert_false(has(one[1], "m=2"));
    assert_true(has(one[0], "[1:m=1]") && has(one[2], "[1:m=1]") && has(two[0], "[1:m=2]") && has(two[2], "[1:m=2]"));
    drain(w, one[1]);
    assert_got(one[1], "[1:m=1]", "[1:m=2]");
    free_room_of(w, one, 3);
    free_room_of(w, two, 3);
}

static void who_took_nothing_of_a_call_gets_the_same_once_more(void **state)
{
    struct world *w = the_world(state);
    struct peer **one = other_room(w, 1, 3), **two = other_room(w, 2, 3);

    publish_there(w, 1, 1);
    publish_there(w, 1, 2);
    publish_there(w, 2, 1);
    one[1]->put_off = true;
    two[2]->put_off = true;
    run(w);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(check_order(one[i], 0), 2);
        assert_int_equal(check_order(two[i], 0), 1);
        assert_int_equal(one[i]->asked, i == 1);
        assert_int_equal(two[i]->asked, i == 2);
    }
    free_room_of(w, one, 3);
    free_room_of(w, two, 3);
}

/* Several frames of a room are put one behind the other, all rooms' at the same place. */
static void several_frames_of_several_rooms_are_not_mixed_up(void **state)
{
    enum { ROOMS = 6, EACH = 2 };
    struct world *w = the_world(state);
    struct peer **rooms[ROOMS];
    char first[40], last[40];

    for (int r = 0; r < ROOMS; r++)
        rooms[r] = other_room(w, 1 + r, EACH);
    follow_there(w, rooms[1][1], 3); /* in between, the batch has to be sent */
    for (int r = 0; r < ROOMS; r++)
        for (int seq = 1; seq <= 1 + r % 3; seq++)
            publish_there(w, 1 + r, seq);
    rooms[1][0]->put_off = true; /* whose rest is gathered anew */
    run(w);
    for (int r = 0; r < ROOMS; r++) {
        snprintf(first, sizeof(first), "[1:m=%d]", 1 + r);
        snprintf(last, sizeof(last), "[%d:m=%d]", 1 + r % 3, 1 + r);
        for (int i = 0; i < EACH; i++) {
            assert_got(rooms[r][i], first, last);
            if (r != 1)
                assert_int_equal(check_order(rooms[r][i], 0), 1 + r % 3);
        }
    }
    for (int r = 0; r < ROOMS; r++)
        free_room_of(w, rooms[r], EACH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(small_rooms_of_a_turn_are_served_in_one_call),
        REQUIREMENT(a_call_has_a_bound_and_what_is_more_goes_into_the_next),
        REQUIREMENT(who_follows_two_of_the_rooms_gets_one_after_the_other),
        REQUIREMENT(behind_a_part_of_one_rooms_frame_comes_its_rest_and_then_the_other_rooms),
        REQUIREMENT(who_took_nothing_of_a_call_gets_the_same_once_more),
        REQUIREMENT(several_frames_of_several_rooms_are_not_mixed_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
