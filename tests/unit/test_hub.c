/*
 * The hub and its cursors without sockets: a log in memory, connections that may block, reads answered when the test says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "core/hub.h"

#include <stdio.h>
#include <stdlib.h>

#define APP 7
#define ROOM STR("demo-room")
#define LOG_MAX 2000
#define READS_MAX 64

struct peer {
    struct hub_conn conn; /* first */
    char got[65536];
    size_t len;
    int live, resets;
    int64_t live_at;
    bool recovered, refused;
    int block_after; /* sends until it blocks; -1: never */
};

struct world {
    struct hub *hub;
    struct frame *log[LOG_MAX]; /* seq 1 at [0] */
    int64_t head, min_seq;
    struct {
        uint64_t ticket;
        int64_t after;
    } reads[READS_MAX];
    size_t read_count;
    enum result read_rc;
};

static struct world *the_world(void **state)
{
    return *state;
}

/* --- the hub's owner --- */

static enum hub_sent on_send(struct hub_conn *conn, const struct iovec *v, int n)
{
    struct peer *p = (struct peer *)conn;

    for (int i = 0; i < n; i++) {
        assert_true(p->len + v[i].iov_len < sizeof(p->got));
        memcpy(p->got + p->len, v[i].iov_base, v[i].iov_len);
        p->len += v[i].iov_len;
    }
    p->got[p->len] = '\0';
    if (p->block_after < 0 || p->block_after-- > 0)
        return HUB_SENT;
    p->block_after = -1;
    return HUB_BLOCKED;
}

static bool on_read(void *ctx, struct hub_sub *sub, int64_t after, uint64_t ticket)
{
    struct world *w = ctx;

    (void)sub;
    assert_true(w->read_count < READS_MAX);
    w->reads[w->read_count].after = after;
    w->reads[w->read_count++].ticket = ticket;
    return true;
}

static void on_live(void *ctx, struct hub_sub *sub, int64_t head, bool recovered)
{
    struct peer *p = (struct peer *)hub_sub_conn(sub);

    (void)ctx;
    p->live++;
    p->live_at = head;
    p->recovered = recovered;
}

static void on_reset(void *ctx, struct hub_sub *sub, int64_t head)
{
    struct peer *p = (struct peer *)hub_sub_conn(sub);

    (void)ctx;
    p->resets++;
    p->live_at = head;
}

static void on_refused(void *ctx, struct hub_conn *conn, struct str room, void *tag, enum result rc)
{
    (void)ctx;
    (void)tag;
    assert_true(str_eq(room, ROOM));
    assert_int_equal(rc, RESULT_NOT_MEMBER);
    ((struct peer *)conn)->refused = true;
}

static void on_wake(void *ctx)
{
    (void)ctx;
}

static const struct hub_ops ops = {on_send, on_read, on_live, on_reset, on_refused, on_wake};

/* --- the log --- */

/* A frame whose payload is "[seq:id:content]"; a recall's is "[seq:R:(id gone)]". */
static struct frame *make(int64_t seq, const char *id, const char *content, const char *quoted)
{
    char payload[256], object[160];
    const bool recall = content == NULL;
    struct frame_parts parts = {.type = recall ? EVENT_RECALL : EVENT_MESSAGE, .app = APP, .seq = seq, .room = ROOM};
    int at, n;

    n = snprintf(object, sizeof(object), recall ? "(%s gone)" : "%s=%s", id, content);
    at = snprintf(payload, sizeof(payload), "[%d:%s", (int)seq, recall ? "R:" : "");
    parts.marks.mark[0] = (struct view_mark){str_c(id), (size_t)at, (size_t)n};
    parts.marks.count = 1;
    at += snprintf(payload + at, sizeof(payload) - (size_t)at, "%s", object);
    if (quoted != NULL) {
        n = snprintf(object, sizeof(object), "%s=copy", quoted);
        at += snprintf(payload + at, sizeof(payload) - (size_t)at, ">");
        parts.marks.mark[1] = (struct view_mark){str_c(quoted), (size_t)at, (size_t)n};
        parts.marks.count = 2;
        at += snprintf(payload + at, sizeof(payload) - (size_t)at, "%s", object);
    }
    at += snprintf(payload + at, sizeof(payload) - (size_t)at, "]");
    parts.message = str_c(id);
    parts.payload = str_n(payload, (size_t)at);
    return frame_make(&parts);
}

/* Commits: from here on a read finds it. A recall changes what the log renders. */
static struct frame *commit(struct world *w, const char *id, const char *content, const char *quoted)
{
    struct frame *f = make(w->head + 1, id, content, quoted);

    assert_non_null(f);
    for (int64_t i = 0; content == NULL && i < w->head; i++) {
        struct frame *clean = frame_recalled(w->log[i], f);

        if (clean != NULL) {
            frame_unref(w->log[i]);
            w->log[i] = clean;
        }
    }
    w->log[w->head++] = f;
    return f;
}

static void publish(struct world *w, const char *id, const char *content)
{
    hub_publish(w->hub, commit(w, id, content, NULL));
}

static void run(struct world *w)
{
    while (hub_turn(w->hub, 4))
        ;
}

/* Answers the oldest read from a snapshot of now, or of an earlier head with earlier renderings. */
static struct hub_page snapshot(struct world *w, int64_t after)
{
    struct hub_page page = {.rc = w->read_rc, .head = w->head, .min_seq = w->min_seq};

    page.frames = calloc(HUB_PAGE, sizeof(struct frame *));
    for (int64_t s = after + 1; after >= 0 && s <= w->head && page.frame_count < HUB_PAGE && s >= w->min_seq; s++)
        page.frames[page.frame_count++] = frame_ref(w->log[s - 1]);
    return page;
}

static void answer_with(struct world *w, struct hub_page *page)
{
    const uint64_t ticket = w->reads[0].ticket;

    w->read_count--;
    memmove(w->reads, w->reads + 1, w->read_count * sizeof(w->reads[0]));
    hub_read_done(w->hub, ticket, page);
    free(page->frames);
}

static void answer_reads(struct world *w)
{
    run(w);
    while (w->read_count > 0) {
        struct hub_page page = snapshot(w, w->reads[0].after);

        answer_with(w, &page);
        run(w);
    }
}

static struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    hub_conn_init(&p->conn);
    p->block_after = -1;
    return p;
}

static struct hub_sub *follow(struct world *w, struct peer *p, int64_t since)
{
    bool existing;
    struct hub_sub *sub = hub_subscribe(w->hub, &p->conn, APP, ROOM, since, NULL, &existing);

    assert_non_null(sub);
    assert_false(existing);
    return sub;
}

static void peer_free(struct world *w, struct peer *p)
{
    hub_conn_close(w->hub, &p->conn);
    free(p);
}

/* How many frames the peer has, each checked to be the next one: strips the WebSocket headers by looking for '['. */
static int64_t check_order(const struct peer *p, int64_t from)
{
    for (size_t i = 0; i < p->len; i++) {
        if (p->got[i] != '[')
            continue;
        assert_int_equal(strtoll(p->got + i + 1, NULL, 10), from + 1);
        from++;
    }
    return from;
}

static bool has(const struct peer *p, const char *text)
{
    return memmem(p->got, p->len, text, strlen(text)) != NULL;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    w->min_seq = 1;
    w->hub = hub_create(&ops, w);
    *state = w;
    return w->hub == NULL;
}

static int teardown(void **state)
{
    struct world *w = *state;

    hub_destroy(w->hub);
    for (int64_t i = 0; i < w->head; i++)
        frame_unref(w->log[i]);
    free(w);
    return 0;
}

/* --- requirements --- */

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
    const int64_t since[] = {3, 50, HUB_RESET};

    for (int i = 0; i < 20; i++)
        (void)commit(w, "m", "x", NULL);
    w->min_seq = 10;
    for (size_t i = 0; i < 3; i++) {
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
    assert_int_equal(check_order(p, 0), 1);
    hub_drained(w->hub, &p->conn);
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
    assert_int_equal(check_order(p, 0), 1);
    hub_drained(w->hub, &p->conn);
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
    hub_drained(w->hub, &p->conn);
    run(w);
    assert_int_equal(check_order(p, 0), 4);
    assert_false(has(p, "secret"));
    assert_false(has(p, "copy"));
    assert_true(has(p, "b=quoting>(a gone)]"));
    peer_free(w, p);
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

#define REQUIREMENT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        REQUIREMENT(a_subscriber_from_now_gets_what_comes_after),
        REQUIREMENT(catch_up_comes_first_and_then_live_without_gap_or_repeat),
        REQUIREMENT(an_event_heard_after_the_page_that_held_it_is_not_repeated),
        REQUIREMENT(a_cursor_before_the_log_or_beyond_it_is_reset),
        REQUIREMENT(who_may_not_read_is_refused_and_removed),
        REQUIREMENT(a_blocked_reader_keeps_a_position_and_goes_on_from_the_tail),
        REQUIREMENT(a_blocked_reader_that_fell_off_the_tail_reads_the_log),
        REQUIREMENT(a_recall_cuts_the_content_out_of_what_waits_in_the_tail),
        REQUIREMENT(a_recall_cuts_the_content_out_of_a_page_that_was_read_before_it),
        REQUIREMENT(everyone_is_served_while_others_leave_in_the_middle_of_a_sweep),
        REQUIREMENT(a_page_for_a_subscription_that_is_gone_is_released),
        REQUIREMENT(a_signal_reaches_only_connections_that_take_it),
        REQUIREMENT(rooms_of_the_same_name_in_two_apps_are_two_rooms),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
