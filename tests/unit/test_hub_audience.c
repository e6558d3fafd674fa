/* Frames that are for some users alone: decided by the frame, or by the log. */
#include "hub_fixture.h"

/* A user's connection: `user` stands behind the peer. */
struct reader {
    struct peer peer; /* first */
    struct str user;  /* absent: the platform */
};

static enum audience_answer on_sees(struct hub_conn *conn, const struct audience *audience)
{
    return audience_of(audience, ((struct reader *)(void *)conn)->user);
}

static struct reader *reader_new(struct world *w, const char *user, int64_t since)
{
    struct reader *r = calloc(1, sizeof(*r));

    assert_non_null(r);
    hub_conn_init(&r->peer.conn);
    r->peer.block_after = -1;
    r->user = user != NULL ? str_c(user) : STR_NULL;
    follow(w, &r->peer, since);
    return r;
}

static struct frame *commit_for(struct world *w, const char *content, const char *audience)
{
    const struct frame *plain = commit(w, "m", content, NULL);
    struct audience *a = audience_parse(str_c(audience));
    const struct frame_parts parts = {.type = plain->type,
                                      .app = APP,
                                      .seq = plain->seq,
                                      .room = ROOM,
                                      .message = plain->message,
                                      .marks = plain->marks,
                                      .payload = plain->payload,
                                      .audience = a};
    struct frame *limited = frame_make(&parts);

    audience_unref(a);
    assert_non_null(limited);
    frame_unref(w->log[w->head - 1]);
    w->log[w->head - 1] = limited;
    return limited;
}

static void publish_for(struct world *w, const char *content, const char *audience)
{
    hub_publish(w->hub, commit_for(w, content, audience));
}

/* As a reader on a thread of the store answers: what is for nobody but `user` is left out of anybody else's page. Tags are ann's. */
static void answer_for(struct world *w, struct str user)
{
    const int64_t after = w->reads[0].after;
    struct hub_page page = {.rc = RESULT_OK, .head = w->head, .min_seq = 1, .upto = after >= 0 ? w->head : -1};

    page.frames = calloc(HUB_PAGE, sizeof(struct frame *));
    for (int64_t s = after + 1; after >= 0 && s <= w->head; s++) {
        const enum audience_answer answer = audience_of(w->log[s - 1]->audience, user);

        page.limited = page.limited || w->log[s - 1]->audience != NULL;
        if (answer == AUDIENCE_YES || (answer == AUDIENCE_ASK && str_eq(user, STR("ann"))))
            page.frames[page.frame_count++] = frame_ref(w->log[s - 1]);
    }
    answer_with(w, &page);
    run(w);
}

static void reader_free(struct world *w, struct reader *r)
{
    hub_conn_close(w->hub, &r->peer.conn);
    free(r);
}

static void each_gets_what_is_for_them_without_a_read(void **state)
{
    struct world *w = the_world(state);
    struct reader *ann = reader_new(w, "ann", -1), *ben = reader_new(w, "ben", -1), *platform = reader_new(w, NULL, -1);

    answer_reads(w);
    publish_for(w, "one", "{\"users\":[\"ann\"]}");
    publish(w, "n", "two");
    publish_for(w, "three", "{\"users\":[\"ben\",\"cho\"]}");
    publish_for(w, "four", "{\"users\":[]}");
    run(w);
    assert_int_equal(w->read_count, 0);
    assert_true(has(&ann->peer, "one") && has(&ann->peer, "two"));
    assert_false(has(&ann->peer, "three") || has(&ann->peer, "four"));
    assert_true(has(&ben->peer, "two") && has(&ben->peer, "three"));
    assert_false(has(&ben->peer, "one") || has(&ben->peer, "four"));
    assert_int_equal(check_order(&platform->peer, 0), 4);
    /* Nobody is owed anything more. */
    assert_int_equal(hub_sub_position(hub_find(w->hub, &ann->peer.conn, APP, ROOM)), 4);
    reader_free(w, ann);
    reader_free(w, ben);
    reader_free(w, platform);
}

static void what_is_asked_for_one_by_one_does_not_overtake_what_is_sent_to_many(void **state)
{
    struct world *w = the_world(state);
    struct peer **others = other_room(w, 1, 2);
    struct reader *ann = reader_new(w, "ann", -1);
    bool existing;

    assert_non_null(hub_subscribe(w->hub, &ann->peer.conn, APP + 1, ROOM, -1, NULL, &existing));
    answer_reads(w);
    publish_there(w, 1, 1);
    publish_for(w, "one", "{\"users\":[\"ann\"]}");
    ann->peer.block_after = 0;
    ann->peer.cut_at = 1;
    run(w);
    assert_true(ann->peer.conn.blocked);
    assert_false(has(&ann->peer, "one"));
    drain(w, &ann->peer);
    assert_true(has(&ann->peer, "[1:m=1]") && has(&ann->peer, "one"));
    reader_free(w, ann);
    for (int i = 0; i < 2; i++)
        peer_free(w, others[i]);
    free(others);
}

static void what_only_the_log_knows_is_read_by_each_and_shared_with_nobody(void **state)
{
    struct world *w = the_world(state);
    struct reader *ann = reader_new(w, "ann", -1), *ben = reader_new(w, "ben", -1);

    answer_reads(w);
    publish(w, "n", "before");
    publish_for(w, "tagged", "{\"tag\":[\"vip\"]}");
    publish(w, "n", "after");
    run(w);
    assert_true(has(&ann->peer, "before") && has(&ben->peer, "before"));
    assert_false(has(&ann->peer, "tagged") || has(&ben->peer, "tagged") || has(&ann->peer, "after"));
    /* Two whole pages, each from where the connection stands. */
    assert_int_equal(w->read_count, 2);
    assert_int_equal(w->reads[0].after, 1);
    assert_int_equal(w->reads[1].after, 1);
    answer_for(w, STR("ann"));
    assert_int_equal(check_order(&ann->peer, 0), 3);
    assert_false(has(&ben->peer, "tagged") || has(&ben->peer, "after"));
    answer_for(w, STR("ben"));
    assert_true(has(&ben->peer, "after"));
    assert_false(has(&ben->peer, "tagged"));
    assert_int_equal(w->read_count, 0);
    publish(w, "n", "live again");
    run(w);
    assert_true(has(&ann->peer, "live again") && has(&ben->peer, "live again"));
    assert_int_equal(w->read_count, 0);
    reader_free(w, ann);
    reader_free(w, ben);
}

static void a_page_of_nothing_but_others_events_makes_the_subscriber_live(void **state)
{
    struct world *w = the_world(state);
    struct reader *ben;

    for (int i = 0; i < 3; i++)
        (void)commit_for(w, "hers", "{\"users\":[\"ann\"]}");
    ben = reader_new(w, "ben", 0);
    run(w);
    answer_for(w, STR("ben"));
    assert_int_equal(ben->peer.live, 1);
    assert_int_equal(ben->peer.live_at, 3);
    assert_int_equal(ben->peer.len, 0);
    publish(w, "n", "for all");
    run(w);
    assert_int_equal(check_order(&ben->peer, 3), 4);
    reader_free(w, ben);
}

static void a_subscribe_is_answered_when_what_it_waited_for_was_sent_whatever_comes_next(void **state)
{
    struct world *w = the_world(state);
    struct reader *ann, *ben;

    ann = reader_new(w, "ann", -1);
    answer_reads(w);
    publish(w, "n", "one");
    publish(w, "n", "two");
    run(w);
    ben = reader_new(w, "ben", 0);
    ben->peer.block_after = 0; /* takes a part of the first frame */
    ben->peer.cut_at = 3;
    run(w);
    answer_for(w, STR("ben"));
    assert_int_equal(ben->peer.live, 0);
    publish_for(w, "tagged", "{\"tag\":[\"vip\"]}");
    run(w);
    drain(w, &ben->peer);
    assert_int_equal(check_order(&ben->peer, 0), 2);
    assert_int_equal(ben->peer.live, 1);
    assert_int_equal(ben->peer.live_at, 2);
    run(w);
    reader_free(w, ann);
    reader_free(w, ben);
}

static void a_page_that_was_filtered_is_nobody_elses(void **state)
{
    struct world *w = the_world(state);
    struct reader *r[HUB_ADOPT + 1];

    (void)commit_for(w, "tagged", "{\"tag\":[\"vip\"]}");
    (void)commit(w, "n", "plain", NULL);
    for (size_t i = 0; i <= HUB_ADOPT; i++)
        r[i] = reader_new(w, i == 0 ? "ann" : "ben", 0);
    run(w);
    /* The first page is ann's. All others read their own, in full. */
    for (size_t i = 0; i <= HUB_ADOPT; i++) {
        assert_int_equal(w->reads[0].after, 0);
        answer_for(w, r[i]->user);
        assert_int_equal(has(&r[i]->peer, "tagged"), i == 0);
        assert_true(has(&r[i]->peer, "plain"));
    }
    assert_int_equal(w->read_count, 0);
    for (size_t i = 0; i <= HUB_ADOPT; i++)
        reader_free(w, r[i]);
}

static void a_recall_takes_the_content_out_of_a_limited_frame_that_waits(void **state)
{
    struct world *w = the_world(state);
    struct reader *ann = reader_new(w, "ann", -1), *ben = reader_new(w, "ben", -1);

    answer_reads(w);
    ann->peer.block_after = 0;
    ann->peer.cut_at = 0;
    publish(w, "n", "blocks");
    run(w);
    publish_for(w, "secret", "{\"users\":[\"ann\"]}");
    publish_for(w, NULL, "{\"users\":[\"ann\"]}"); /* its recall, for the same */
    drain(w, &ann->peer);
    run(w);
    assert_false(has(&ann->peer, "secret"));
    assert_int_equal(check_order(&ann->peer, 0), 3);
    assert_false(has(&ben->peer, "gone"));
    reader_free(w, ann);
    reader_free(w, ben);
}

static int setup_sees(void **state)
{
    static struct hub_ops with_sees;
    struct world *w = calloc(1, sizeof(*w));

    assert_non_null(w);
    with_sees = ops;
    with_sees.sees = on_sees;
    w->min_seq = 1;
    w->hub = hub_create(&with_sees, w);
    *state = w;
    return w->hub == NULL;
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, setup_sees, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(each_gets_what_is_for_them_without_a_read),
        CASE(what_is_asked_for_one_by_one_does_not_overtake_what_is_sent_to_many),
        CASE(what_only_the_log_knows_is_read_by_each_and_shared_with_nobody),
        CASE(a_page_of_nothing_but_others_events_makes_the_subscriber_live),
        CASE(a_subscribe_is_answered_when_what_it_waited_for_was_sent_whatever_comes_next),
        CASE(a_page_that_was_filtered_is_nobody_elses),
        CASE(a_recall_takes_the_content_out_of_a_limited_frame_that_waits),
    };

    return cmocka_run_group_tests_name("frames for some", tests, NULL, NULL);
}
