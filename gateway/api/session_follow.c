/*
 * Following rooms: subscribe, unsubscribe, `all`, and the hub's questions back to the session.
 */
#include "api/events_stream.h"
#include "api/session_private.h"
#include "api/session_read.h"
#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>

/* One `subscribe` until every room of it is live or refused. */
struct follow {
    struct follow *next, *prev;
    struct session *session;
    struct json_out rooms; /* the result's array, open */
    size_t open;           /* rooms not settled yet, and one while rooms are still being added */
    bool has_id;
    int64_t id;
};

static struct session *of_conn(struct hub_conn *conn)
{
    return (struct session *)conn;
}

static struct str epoch_of(const struct session *s)
{
    return store_epoch(s->thread->gateway->store);
}

/* --- the answer --- */

static struct follow *follow_begin(struct session *s, bool has_id, int64_t id)
{
    struct follow *f = calloc(1, sizeof(*f));

    if (f == NULL) {
        session_stop(s, CLOSE_LATER, "out of memory");
        return NULL;
    }
    f->session = s;
    f->has_id = has_id;
    f->id = id;
    f->open = 1;
    json_out_init(&f->rooms);
    json_out_array(&f->rooms);
    f->next = s->follows;
    if (s->follows != NULL)
        s->follows->prev = f;
    s->follows = f;
    return f;
}

static void follow_free(struct follow *f)
{
    struct session *s = f->session;

    if (f->prev != NULL)
        f->prev->next = f->next;
    else
        s->follows = f->next;
    if (f->next != NULL)
        f->next->prev = f->prev;
    json_out_free(&f->rooms);
    free(f);
}

void session_follow_close(struct session *s)
{
    while (s->follows != NULL)
        follow_free(s->follows);
}

/* One room less is open; the last one sends the answer. */
static void follow_settle(struct follow *f)
{
    struct json_out result, o;

    if (--f->open != 0)
        return;
    json_out_init(&result);
    json_out_init(&o);
    json_out_array_end(&f->rooms);
    json_out_object(&result);
    json_out_kraw(&result, "rooms", f->rooms.p, f->rooms.len);
    json_out_object_end(&result);
    wire_out_reply(&o, f->has_id ? &f->id : NULL, (struct wire_text){result.p, result.len});
    session_send(f->session, &o);
    json_out_free(&result);
    follow_free(f);
}

static void tell_live(struct follow *f, struct str room, int64_t seq, bool recovered)
{
    const struct str epoch = epoch_of(f->session);

    json_out_object(&f->rooms);
    json_out_kstr(&f->rooms, "room", room.p, room.n);
    json_out_kstr(&f->rooms, "epoch", epoch.p, epoch.n);
    json_out_kint(&f->rooms, "seq", seq);
    json_out_kbool(&f->rooms, "recovered", recovered);
    json_out_object_end(&f->rooms);
}

static void tell_refused(struct follow *f, struct str room, enum result rc, const char *text)
{
    json_out_object(&f->rooms);
    json_out_kstr(&f->rooms, "room", room.p, room.n);
    json_out_key(&f->rooms, "error");
    json_out_object(&f->rooms);
    json_out_kcstr(&f->rooms, "code", result_imkit_code(rc));
    json_out_kcstr(&f->rooms, "message", text);
    json_out_object_end(&f->rooms);
    json_out_object_end(&f->rooms);
}

/* --- the hub's questions --- */

/* Is the answer to a subscribe sent right after what is being sent now? */
static bool answer_follows(const struct hub *hub)
{
    const struct hub_sub *sub = hub_completing(hub);
    const struct follow *f = sub != NULL ? hub_sub_tag(sub) : NULL;

    return f != NULL && f->open == 1;
}

static enum hub_sent op_send(struct hub_conn *conn, const char *p, size_t n, size_t *taken)
{
    struct session *s = of_conn(conn); /* not closing: the hub looked at `gone` */
    const enum hub_sent sent = session_transport(s)->frames(s->connection, p, n, answer_follows(s->thread->hub), taken);

    if (sent == HUB_SENT)
        s->thread->sessions->delivered++;
    else if (sent == HUB_BLOCKED)
        metrics_inc(s->thread->gateway->metrics.slow_readers);
    return sent;
}

static void *op_way(const struct hub_conn *conn)
{
    return session_transport((const struct session *)conn)->way(((const struct session *)conn)->connection);
}

static void op_look(void *ctx, void *const ways[], unsigned n, int sockets[])
{
    ((struct api_thread *)ctx)->sessions->transport->look(ways, n, sockets);
}

static void op_put(void *ctx, struct hub_send sends[], unsigned count)
{
    struct session_table *sessions = ((struct api_thread *)ctx)->sessions;

    sessions->delivered += sessions->transport->put(sessions->arg, sends, count);
}

static bool op_finish(struct hub_conn *conn, const char *p, size_t n)
{
    struct session *s = of_conn(conn);

    return s->state != SESSION_CLOSING && session_transport(s)->finish(s->connection, p, n);
}

static void op_abort(struct hub_conn *conn)
{
    struct events_stream *stream = events_stream_of(conn);

    if (stream != NULL)
        events_stream_stop(stream);
    else
        session_stop(of_conn(conn), 0, NULL);
}

static bool op_read(void *ctx, struct hub_sub *sub, int64_t after, uint64_t ticket)
{
    struct hub_conn *conn = hub_sub_conn(sub);
    struct events_stream *stream = events_stream_of(conn);
    const struct session_user *user = stream == NULL ? of_conn(conn)->user : NULL;

    if (stream != NULL)
        return events_stream_read(stream, hub_sub_room(sub), after, ticket);
    return session_read_start(ctx, &(struct session_read){.app = session_user_app(ctx, user),
                                                          .app_id = user->app_id,
                                                          .user = session_user_id(user),
                                                          .room = hub_sub_room(sub),
                                                          .after = after,
                                                          .ticket = ticket});
}

static void op_live(void *ctx, struct hub_sub *sub, int64_t head, bool recovered)
{
    struct follow *f = hub_sub_tag(sub);

    (void)ctx;
    if (f == NULL)
        return;
    hub_sub_set_tag(sub, NULL);
    tell_live(f, hub_sub_room(sub), head, recovered);
    follow_settle(f);
}

static void op_reset(void *ctx, struct hub_sub *sub, int64_t head)
{
    struct events_stream *stream = events_stream_of(hub_sub_conn(sub));
    struct session *s = of_conn(hub_sub_conn(sub));
    struct wire_event at;
    struct json_out o;

    (void)ctx;
    if (stream != NULL) {
        events_stream_reset(stream, head);
        return;
    }
    at = (struct wire_event){session_text(hub_sub_room(sub)), session_text(epoch_of(s)), head};
    json_out_init(&o);
    wire_out_reset(&o, &at);
    session_send(s, &o);
}

static void op_refused(void *ctx, struct hub_conn *conn, struct str room, void *tag, enum result rc)
{
    struct events_stream *stream = events_stream_of(conn);
    struct follow *f = tag;

    (void)ctx;
    if (stream != NULL)
        events_stream_stop(stream);
    if (f == NULL)
        return;
    tell_refused(f, room, rc, rc == RESULT_NOT_MEMBER ? "You are no member of this room, or it does not exist" : result_text(rc));
    follow_settle(f);
}

static enum audience_answer op_sees(struct hub_conn *conn, const struct audience *audience)
{
    const struct events_stream *stream = events_stream_of(conn);

    return audience_of(audience, stream != NULL ? events_stream_user(stream) : session_user_id(of_conn(conn)->user));
}

static void op_wake(void *ctx)
{
    struct api_thread *t = ctx;

    t->sessions->wake(t->sessions->arg);
}

static bool op_under_way(void *ctx, int64_t *now_us)
{
    const struct api_thread *t = ctx;

    *now_us = (int64_t)(clock_mono_ns() / 1000);
    return store_under_way(t->gateway->store);
}

const struct hub_ops session_follow_ops = {.send = op_send,
                                           .finish = op_finish,
                                           .abort = op_abort,
                                           .read = op_read,
                                           .live = op_live,
                                           .reset = op_reset,
                                           .refused = op_refused,
                                           .sees = op_sees,
                                           .wake = op_wake,
                                           .under_way = op_under_way,
                                           .way = op_way,
                                           .look = op_look,
                                           .put = op_put,
                                           .render = events_stream_render};

/* --- subscribing --- */

static size_t max_rooms(const struct session *s)
{
    const struct config *config = config_holder_get(s->thread->gateway->config);
    const size_t n = (size_t)config->server.max_rooms;

    config_unref(config);
    return n;
}

static void follow_room(struct follow *f, struct str room, struct str epoch, int64_t since)
{
    struct session *s = f->session;
    const bool full = s->hub.sub_count >= max_rooms(s);
    struct hub_sub *sub = NULL;
    bool existing = false;

    if (full && hub_find(s->thread->hub, &s->hub, s->user->app_id, room) == NULL) {
        tell_refused(f, room, RESULT_TOO_LARGE, "This connection follows as many rooms as it may (max_rooms); unsubscribe from some");
        return;
    }
    if (since >= 0 && epoch.p != NULL && !str_eq(epoch, epoch_of(s)))
        since = HUB_RESET;
    sub = hub_subscribe(s->thread->hub, &s->hub, s->user->app_id, room, since, f, &existing);
    if (sub == NULL)
        tell_refused(f, room, RESULT_UNAVAILABLE, "Out of memory; try again later");
    else if (existing && hub_sub_was_live(sub))
        tell_live(f, room, hub_sub_position(sub), true);
    else if (existing && hub_sub_tag(sub) != NULL)
        tell_refused(f, room, RESULT_INVALID_BODY, "A subscribe of this room is under way; name a room once");
    else {
        hub_sub_set_tag(sub, f);
        f->open++;
    }
}

/* --- all rooms of the user --- */

struct all_job {
    struct session_job base; /* first */
    struct follow *follow;
    char user[65];
    size_t limit;
    struct arena arena; /* of what follows */
    struct str *ids;
    int64_t *joined_seq;
    size_t count;    /* up to twice `limit`: those beyond it are refused by name */
    json_t *since; /* {"room":{"epoch","seq"}}, by the frame's cursors */
};

static void all_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct all_job *j = (struct all_job *)job;
    struct core_tx tx = session_job_tx(&j->base, conn, now_ms);
    struct room_row *rooms = arena_alloc(tx.arena, 2 * j->limit * sizeof(*rooms));
    struct member_row *members = arena_alloc(tx.arena, 2 * j->limit * sizeof(*members));

    arena_reset(&j->arena);
    j->count = store_rooms_of(conn, tx.app_id, str_c(j->user), STR_NULL, rooms, members, 2 * j->limit);
    j->ids = arena_alloc(&j->arena, (j->count + 1) * sizeof(*j->ids));
    j->joined_seq = arena_alloc(&j->arena, (j->count + 1) * sizeof(*j->joined_seq));
    for (size_t i = 0; i < j->count; i++) {
        j->ids[i] = arena_str(&j->arena, rooms[i].id);
        j->joined_seq[i] = members[i].joined_seq;
    }
    j->base.rc = store_conn_failed(conn) ? RESULT_UNAVAILABLE : RESULT_OK;
}

static void all_drop(struct job *job)
{
    struct all_job *j = (struct all_job *)job;

    session_job_release(&j->base);
    arena_free(&j->arena);
    json_decref(j->since);
    free(j);
}

/* The cursor that the client gave for a room; without one a room is replayed from `fallback`. */
static void follow_with_cursor(struct all_job *j, struct str room, int64_t fallback)
{
    const json_t *cursor = json_object_getn(j->since, room.p, room.n);
    const json_t *epoch = json_object_get(cursor, "epoch");

    if (cursor == NULL) {
        follow_room(j->follow, room, STR_NULL, json_object_size(j->since) == 0 ? -1 : fallback);
        return;
    }
    follow_room(j->follow, room, epoch != NULL ? str_n(json_string_value(epoch), json_string_length(epoch)) : STR_NULL,
                json_integer_value(json_object_get(cursor, "seq")));
}

static void all_done(struct job *job, void *ctx)
{
    struct all_job *j = (struct all_job *)job;
    struct session *s = j->base.session;
    char own[140];
    int n;

    session_job_read_home(ctx);
    if (s == NULL || s->state != SESSION_READY)
        goto out; /* the follow went with its session, or goes with it soon */
    if (job->fate != RESULT_OK || j->base.rc != RESULT_OK) {
        session_reply_error(s, j->base.has_id, j->base.id, RESULT_UNAVAILABLE, "The rooms could not be read; try again", 1);
        follow_free(j->follow);
        goto out;
    }
    n = snprintf(own, sizeof(own), "~system/%.*s", (int)session_user_id(s->user).n, session_user_id(s->user).p);
    follow_with_cursor(j, STR("~broadcast"), 0);
    follow_with_cursor(j, str_n(own, (size_t)n), 0);
    for (size_t i = 0; i < j->count && s->state == SESSION_READY; i++)
        follow_with_cursor(j, j->ids[i], j->joined_seq[i]);
    follow_settle(j->follow);
out:
    all_drop(job);
}

static json_t *cursors(const struct wire_in *in)
{
    json_t *since = json_object();

    for (size_t i = 0; since != NULL && i < in->room_count; i++) {
        const struct wire_in_room *r = &in->rooms[i];
        json_t *cursor = json_pack("{s:I}", "seq", (json_int_t)r->since);

        if (r->epoch.p != NULL)
            (void)json_object_set_new(cursor, "epoch", json_stringn(r->epoch.p, r->epoch.n));
        (void)json_object_setn_new(since, r->room.p, r->room.n, cursor);
    }
    return since;
}

static void follow_all(struct follow *f, const struct wire_in *in)
{
    struct session *s = f->session;
    struct all_job *j = calloc(1, sizeof(*j));

    if (j == NULL || !session_job_init(&j->base, s, session_user_app(s->thread, s->user), s->user->app_id, f->has_id, f->id)) {
        free(j);
        session_stop(s, CLOSE_LATER, "try again later");
        return;
    }
    /* Before the read: a room joined while it runs is followed by its notice. */
    s->all = true;
    j->follow = f;
    j->since = cursors(in);
    (void)snprintf(j->user, sizeof(j->user), "%.*s", (int)session_user_id(s->user).n, session_user_id(s->user).p);
    j->limit = (size_t)j->base.config->server.max_rooms;
    j->base.job.run = all_run;
    j->base.job.done = all_done;
    j->base.job.drop = all_drop;
    if (!session_job_read(&j->base, s)) {
        session_reply_error(s, f->has_id, f->id, RESULT_UNAVAILABLE, "The server is busy; try again in a second", 1);
        all_drop(&j->base.job);
        follow_free(f);
    }
}

void session_follow(struct session *s, const struct wire_in *in)
{
    struct follow *f = follow_begin(s, in->has_id, in->id);

    if (f == NULL)
        return;
    if (in->all) {
        follow_all(f, in);
        return;
    }
    for (size_t i = 0; i < in->room_count; i++)
        follow_room(f, session_str(in->rooms[i].room), session_str(in->rooms[i].epoch), in->rooms[i].since);
    follow_settle(f);
}

/* A subscription that goes before it was settled: its subscribe is answered without it. */
static void forget(struct session *s, struct hub_sub *sub, bool flush)
{
    struct follow *f = hub_sub_tag(sub);

    if (f != NULL) {
        tell_refused(f, hub_sub_room(sub), RESULT_NOT_MEMBER, "The subscription ended before it began");
        hub_sub_set_tag(sub, NULL);
        follow_settle(f);
    }
    if (flush)
        hub_leave(s->thread->hub, sub);
    else
        hub_unsubscribe(s->thread->hub, sub);
}

void session_unfollow(struct session *s, const struct wire_in *in)
{
    struct json_out result, o;

    json_out_init(&result);
    json_out_object(&result);
    json_out_key(&result, "rooms");
    json_out_array(&result);
    for (size_t i = 0; i < in->room_count; i++) {
        const struct str room = session_str(in->rooms[i].room);
        struct hub_sub *sub = hub_find(s->thread->hub, &s->hub, s->user->app_id, room);

        if (sub != NULL)
            forget(s, sub, false);
        json_out_str(&result, room.p, room.n);
    }
    json_out_array_end(&result);
    json_out_object_end(&result);
    json_out_init(&o);
    wire_out_reply(&o, in->has_id ? &in->id : NULL, (struct wire_text){result.p, result.len});
    session_send(s, &o);
    json_out_free(&result);
}

void session_follow_member(struct session *s, const struct frame *frame, bool joined)
{
    struct hub_sub *sub = hub_find(s->thread->hub, &s->hub, frame->app, frame->room);
    bool existing;

    if (s->state != SESSION_READY)
        return;
    /* One that a page brought beyond the leave already stays: a later snapshot found a member again. */
    if (!joined && sub != NULL && !(hub_sub_was_live(sub) && hub_sub_position(sub) >= frame->seq))
        forget(s, sub, true);
    else if (joined && sub == NULL && s->all && s->hub.sub_count < max_rooms(s))
        (void)hub_subscribe(s->thread->hub, &s->hub, frame->app, frame->room, frame->seq - 1, NULL, &existing);
}
