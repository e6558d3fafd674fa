/*
 * The hub and its cursors without sockets: a log in memory, connections that may block, reads answered when the
 * test says so. Included by the tests of the hub alone.
 */
#ifndef RECALL_TESTS_HUB_FIXTURE_H
#define RECALL_TESTS_HUB_FIXTURE_H

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
#define SOCKETS_MAX 2048

struct peer {
    struct hub_conn conn; /* first */
    char got[65536];
    size_t len;
    int live, resets, sends;
    int64_t live_at;
    bool recovered, refused;
    int block_after; /* sends until it blocks; -1: never */
    size_t cut_at;   /* bytes that the blocked send takes */
    char rest[1024];
    size_t kept;     /* bytes of a cut frame that wait in `rest` */
    bool aborted;
    int asked;       /* of the sends: those by `send`, not by `put` */
    int put_at;      /* the last one by `put` was so many-th of all */
    size_t put_part; /* bytes that `put` takes where the next send blocks or is put off */
    bool answering;  /* something of the owner's waits before the socket: its way is not clear */
    bool put_off;    /* `put` does not take all, and the next send takes the rest */
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
    bool under_way; /* events are about to be committed */
    unsigned put_most, puts; /* sends of the largest `put`; how many of those there were */
    int put_sends;           /* in all */
    int64_t now_us, step_us; /* the latter passes at each look at the clock */
    int wakes;
    struct peer *sockets[SOCKETS_MAX]; /* all that were ever looked at */
    int socket_count;
};

static inline struct world *the_world(void **state)
{
    return *state;
}

/* --- the hub's owner --- */

static inline void take(struct peer *p, const char *bytes, size_t n)
{
    assert_true(p->len + n < sizeof(p->got));
    memcpy(p->got + p->len, bytes, n);
    p->len += n;
    p->got[p->len] = '\0';
}

static inline enum hub_sent on_send(struct hub_conn *conn, const char *bytes, size_t n, size_t *taken)
{
    struct peer *p = (struct peer *)conn;

    assert_int_equal(p->kept, 0); /* nothing may overtake the rest of a cut frame */
    assert_false(p->aborted);
    p->sends++;
    p->asked++;
    if (p->block_after < 0 || p->block_after-- > 0) {
        take(p, bytes, n);
        return HUB_SENT;
    }
    p->block_after = -1;
    *taken = p->cut_at < n ? p->cut_at : n - 1;
    take(p, bytes, *taken);
    return HUB_BLOCKED;
}

static inline bool on_finish(struct hub_conn *conn, const char *bytes, size_t n)
{
    struct peer *p = (struct peer *)conn;

    assert_true(n < sizeof(p->rest));
    memcpy(p->rest, bytes, n);
    p->kept = n;
    return true;
}

static inline void on_abort(struct hub_conn *conn)
{
    struct peer *p = (struct peer *)conn;

    p->aborted = true;
    p->kept = 0;
}

static inline void *on_way(const struct hub_conn *conn)
{
    return (void *)(uintptr_t)conn;
}

static inline int socket_of(struct world *w, struct peer *p)
{
    int at = 0;

    while (at < w->socket_count && w->sockets[at] != p)
        at++;
    assert_true(at < SOCKETS_MAX);
    w->sockets[at] = p;
    w->socket_count += at == w->socket_count;
    return at;
}

static inline void on_look(void *ctx, void *const ways[], unsigned n, int sockets[])
{
    struct world *w = ctx;

    assert_in_range(n, 1, HUB_LOOK);
    for (unsigned i = 0; i < n; i++)
        sockets[i] = ((const struct peer *)ways[i])->answering ? -1 : socket_of(w, ways[i]);
}

/* What it does not take is for on_send. */
static inline void on_put(void *ctx, struct hub_send sends[], unsigned count)
{
    struct world *w = ctx;
    bool used[SOCKETS_MAX] = {false};

    assert_in_range(count, 1, HUB_LOOK);
    w->puts++;
    w->put_most = count > w->put_most ? count : w->put_most;
    for (unsigned i = 0; i < count; i++) {
        struct hub_send *s = &sends[i];
        struct peer *p = w->sockets[s->socket];

        assert_false(used[s->socket]);
        used[s->socket] = true;
        p->put_at = ++w->put_sends;

        assert_false(p->answering);
        assert_false(p->conn.blocked || p->conn.gone || p->conn.rendering || p->aborted);
        assert_int_equal(p->kept, 0);
        s->taken = s->n;
        if (p->block_after == 0 || p->put_off) {
            s->taken = (uint32_t)p->put_part;
            p->put_off = false;
        } else {
            p->block_after -= p->block_after > 0;
            p->sends++;
        }
        take(p, s->p, s->taken);
    }
}

static inline bool on_read(void *ctx, struct hub_sub *sub, int64_t after, uint64_t ticket)
{
    struct world *w = ctx;

    (void)sub;
    assert_true(w->read_count < READS_MAX);
    w->reads[w->read_count].after = after;
    w->reads[w->read_count++].ticket = ticket;
    return true;
}

static inline void on_live(void *ctx, struct hub_sub *sub, int64_t head, bool recovered)
{
    struct peer *p = (struct peer *)hub_sub_conn(sub);

    (void)ctx;
    p->live++;
    p->live_at = head;
    p->recovered = recovered;
}

static inline void on_reset(void *ctx, struct hub_sub *sub, int64_t head)
{
    struct peer *p = (struct peer *)hub_sub_conn(sub);

    (void)ctx;
    p->resets++;
    p->live_at = head;
}

static inline void on_refused(void *ctx, struct hub_conn *conn, struct str room, void *tag, enum result rc)
{
    (void)ctx;
    (void)tag;
    assert_true(str_eq(room, ROOM));
    assert_int_equal(rc, RESULT_NOT_MEMBER);
    ((struct peer *)conn)->refused = true;
}

static inline void on_wake(void *ctx)
{
    ((struct world *)ctx)->wakes++;
}

static inline bool on_under_way(void *ctx, int64_t *now_us)
{
    struct world *w = ctx;

    w->now_us += w->step_us;
    *now_us = w->now_us;
    return w->under_way;
}

/* The peer's own form of an event is "<payload>". Blocks as on_send does; a part of an event is kept in `rest`. */
static inline enum hub_sent on_render(struct hub_conn *conn, const struct frame *frame, bool *cut)
{
    char text[512];
    const int n = snprintf(text, sizeof(text), "<%.*s>", (int)frame->payload.n, frame->payload.p);
    size_t taken = 0;
    const enum hub_sent sent = on_send(conn, text, (size_t)n, &taken);

    if (sent == HUB_BLOCKED && taken > 0) {
        *cut = true;
        (void)on_finish(conn, text + taken, (size_t)n - taken);
    }
    return sent;
}

static const struct hub_ops ops = {.send = on_send,
                                   .finish = on_finish,
                                   .abort = on_abort,
                                   .read = on_read,
                                   .live = on_live,
                                   .reset = on_reset,
                                   .refused = on_refused,
                                   .wake = on_wake,
                                   .under_way = on_under_way,
                                   .way = on_way,
                                   .look = on_look,
                                   .put = on_put,
                                   .render = on_render};

/* --- the log --- */

/* A frame whose payload is "[seq:id:content]"; a recall's is "[seq:R:(id gone)]". */
static inline struct frame *make(int64_t seq, const char *id, const char *content, const char *quoted)
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
static inline struct frame *commit(struct world *w, const char *id, const char *content, const char *quoted)
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

static inline void publish(struct world *w, const char *id, const char *content)
{
    hub_publish(w->hub, commit(w, id, content, NULL));
}

static inline void run(struct world *w)
{
    while (hub_turn(w->hub, 4))
        ;
}

/* Answers the oldest read from a snapshot of now, or of an earlier head with earlier renderings. */
static inline struct hub_page snapshot(struct world *w, int64_t after)
{
    struct hub_page page = {.rc = w->read_rc, .head = w->head, .min_seq = w->min_seq};

    page.frames = calloc(HUB_PAGE, sizeof(struct frame *));
    for (int64_t s = after + 1; after >= 0 && s <= w->head && page.frame_count < HUB_PAGE && s >= w->min_seq; s++)
        page.frames[page.frame_count++] = frame_ref(w->log[s - 1]);
    return page;
}

static inline void answer_with(struct world *w, struct hub_page *page)
{
    const uint64_t ticket = w->reads[0].ticket;

    w->read_count--;
    memmove(w->reads, w->reads + 1, w->read_count * sizeof(w->reads[0]));
    hub_read_done(w->hub, ticket, page);
    free(page->frames);
}

static inline void answer_reads(struct world *w)
{
    run(w);
    while (w->read_count > 0) {
        struct hub_page page = snapshot(w, w->reads[0].after);

        answer_with(w, &page);
        run(w);
    }
}

static inline struct peer *peer_new(void)
{
    struct peer *p = calloc(1, sizeof(*p));

    assert_non_null(p);
    hub_conn_init(&p->conn);
    p->block_after = -1;
    return p;
}

static inline struct hub_sub *follow(struct world *w, struct peer *p, int64_t since)
{
    bool existing;
    struct hub_sub *sub = hub_subscribe(w->hub, &p->conn, APP, ROOM, since, NULL, &existing);

    assert_non_null(sub);
    assert_false(existing);
    return sub;
}

static inline void peer_free(struct world *w, struct peer *p)
{
    hub_conn_close(w->hub, &p->conn);
    free(p);
}

/* The socket takes bytes again. */
static inline void drain(struct world *w, struct peer *p)
{
    take(p, p->rest, p->kept);
    p->kept = 0;
    hub_drained(w->hub, &p->conn);
}

/* How many frames the peer has, each checked to be the next one: strips the WebSocket headers by looking for '['. */
static inline int64_t check_order(const struct peer *p, int64_t from)
{
    for (size_t i = 0; i < p->len; i++) {
        if (p->got[i] != '[')
            continue;
        assert_int_equal(strtoll(p->got + i + 1, NULL, 10), from + 1);
        from++;
    }
    return from;
}

/* A room of another app, of `n` peers. */
static inline struct peer **other_room(struct world *w, int app, int n)
{
    struct peer **peers = calloc((size_t)n, sizeof(*peers));
    bool existing;

    for (int i = 0; i < n; i++) {
        peers[i] = peer_new();
        assert_non_null(hub_subscribe(w->hub, &peers[i]->conn, APP + app, ROOM, -1, NULL, &existing));
    }
    answer_reads(w);
    return peers;
}

static inline void publish_there(struct world *w, int app, int64_t seq)
{
    char payload[32];
    struct frame_parts parts = {.type = EVENT_MESSAGE, .app = APP + app, .seq = seq, .room = ROOM};
    struct frame *f;

    snprintf(payload, sizeof(payload), "[%d:m=%d]", (int)seq, app);
    parts.payload = str_c(payload);
    f = frame_make(&parts);
    hub_publish(w->hub, f);
    frame_unref(f);
}

static inline bool has(const struct peer *p, const char *text)
{
    return memmem(p->got, p->len, text, strlen(text)) != NULL;
}

static inline int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));

    w->min_seq = 1;
    w->now_us = 1;
    w->hub = hub_create(&ops, w);
    *state = w;
    return w->hub == NULL;
}

static inline int teardown(void **state)
{
    struct world *w = *state;

    hub_destroy(w->hub);
    for (int64_t i = 0; i < w->head; i++)
        frame_unref(w->log[i]);
    free(w);
    return 0;
}

#define REQUIREMENT(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
