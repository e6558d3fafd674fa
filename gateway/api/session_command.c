/*
 * What a client asks to be done: send, recall, ack, typing.
 */
#include "api/imkit_body.h"
#include "api/session_private.h"
#include "core/device.h"

#include <stdlib.h>

#define TYPING_STEP_MS 1000 /* one signal a second and session is enough to show that somebody types */

/* --- send and recall --- */

struct message_job {
    struct session_job base; /* first */
    struct principal_claim claim;
    bool is_recall;
    struct message_command send;
    struct recall_command recall;
    json_t *json; /* what the commands' texts lie in, with the arena */
    struct arena arena;
};

static void message_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct message_job *j = (struct message_job *)job;
    struct core_tx tx = session_job_tx(&j->base, conn, now_ms);
    struct principal who;

    j->base.out.rc = principal_resolve(&tx, &j->claim, &who, &j->base.out);
    if (j->base.out.rc == RESULT_OK)
        j->base.out.rc = j->is_recall ? recall_apply(&tx, &who, &j->recall, &j->base.out)
                                      : message_send(&tx, &who, &j->send, &j->base.out);
}

static void message_drop(struct job *job)
{
    struct message_job *j = (struct message_job *)job;

    session_job_release(&j->base);
    json_decref(j->json);
    arena_free(&j->arena);
    free(j);
}

static void message_done(struct job *job, void *ctx)
{
    struct message_job *j = (struct message_job *)job;
    struct session *s = j->base.session;
    struct outcome *out = &j->base.out;
    struct json_out o;

    (void)ctx;
    if (s != NULL && s->state == SESSION_READY) {
        if (job->fate != RESULT_OK)
            session_reply_error(s, j->base.has_id, j->base.id, job->fate, "", 1);
        else if (out->rc != RESULT_OK)
            session_reply_error(s, j->base.has_id, j->base.id, out->rc, out->text, out->retry_after_s);
        else {
            json_out_init(&o);
            wire_out_reply(&o, j->base.has_id ? &j->base.id : NULL, (struct wire_text){out->result.p, out->result.len});
            session_send(s, &o);
        }
    }
    message_drop(job);
}

/* `recall`: the op says what messageType says in a body. */
static void start_message(struct session *s, struct wire_in *in, bool recall)
{
    struct message_job *j = calloc(1, sizeof(*j));
    struct fields_error err = {.text = ""};

    if (j == NULL || !session_job_init(&j->base, s, s->user->app, s->user->app_id, in->has_id, in->id)) {
        free(j);
        session_stop(s, CLOSE_LATER, "try again later");
        return;
    }
    j->base.job.run = message_run;
    j->base.job.done = message_done;
    j->base.job.drop = message_drop;
    j->claim = *s->claim;
    j->json = wire_in_take_body(in);
    if (recall)
        (void)json_object_set_new(j->json, "messageType", json_string("recall"));
    j->is_recall = imkit_body_is_recall(j->json);
    if (!(j->is_recall ? imkit_body_recall(j->json, &j->arena, &j->recall, &err)
                       : imkit_body_message(j->json, &j->arena, &j->send, &err))) {
        session_reply_error(s, in->has_id, in->id, err.rc, err.text, 0);
        message_drop(&j->base.job);
        return;
    }
    j->send.room = j->recall.room = arena_str(&j->arena, session_str(in->room));
    session_job_submit(&j->base, s, true);
}

void session_send_message(struct session *s, struct wire_in *in)
{
    start_message(s, in, false);
}

void session_recall(struct session *s, struct wire_in *in)
{
    start_message(s, in, true);
}

/* --- acks --- */

struct ack_job {
    struct session_job base; /* first */
    struct session_ack *acks;
    char user[65], device[65];
};

static void ack_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct ack_job *j = (struct ack_job *)job;
    struct core_tx tx = session_job_tx(&j->base, conn, now_ms);

    for (const struct session_ack *a = j->acks; a != NULL; a = a->next)
        device_ack(&tx, str_c(j->user), str_c(j->device), str_n(a->room, a->room_len), a->seq, a->refused, a->refused_count);
}

static void free_acks(struct session_ack *a)
{
    while (a != NULL) {
        struct session_ack *next = a->next;

        free(a);
        a = next;
    }
}

static void ack_drop(struct job *job)
{
    struct ack_job *j = (struct ack_job *)job;

    session_job_release(&j->base);
    free_acks(j->acks);
    free(j);
}

static void ack_done(struct job *job, void *ctx)
{
    (void)ctx;
    ack_drop(job);
}

void session_ack_flush(struct session *s)
{
    struct ack_job *j;

    if (s->acks == NULL || s->user == NULL)
        return;
    j = calloc(1, sizeof(*j));
    if (j == NULL || !session_job_init(&j->base, s, s->user->app, s->user->app_id, false, 0)) {
        free(j);
        return; /* kept for the next second */
    }
    j->base.job.run = ack_run;
    j->base.job.done = ack_done;
    j->base.job.drop = ack_drop;
    j->acks = s->acks;
    memcpy(j->user, s->user->id.p, s->user->id.n);
    memcpy(j->device, s->device, strlen(s->device));
    s->acks = NULL;
    if (store_submit_write(s->thread->gateway->store, &j->base.job)) {
        s->ack_count = 0;
        return;
    }
    s->acks = j->acks; /* the writer is full: once more in a second */
    j->acks = NULL;
    ack_drop(&j->base.job);
}

static struct session_ack *find_ack(struct session *s, struct str room)
{
    struct session_ack *a = s->acks;

    while (a != NULL && !str_eq(str_n(a->room, a->room_len), room))
        a = a->next;
    return a;
}

static void add_refused(struct session_ack *a, const struct wire_in *in)
{
    for (size_t i = 0; i < in->refused_count && a->refused_count < SESSION_REFUSED; i++)
        a->refused[a->refused_count++] = in->refused[i];
}

void session_ack_frame(struct session *s, const struct wire_in *in)
{
    const struct str room = session_str(in->room);
    struct session_ack *a = find_ack(s, room);
    struct json_out o;

    if (a == NULL) {
        if (s->ack_count >= SESSION_ACKS)
            session_ack_flush(s);
        a = s->ack_count < SESSION_ACKS ? calloc(1, sizeof(*a) + room.n) : NULL;
        if (a == NULL) {
            session_reply_error(s, in->has_id, in->id, RESULT_UNAVAILABLE, "The ack could not be taken; send it again", 1);
            return;
        }
        memcpy(a->room, room.p, room.n);
        a->room_len = room.n;
        a->next = s->acks;
        s->acks = a;
        s->ack_count++;
    }
    if (in->seq > a->seq)
        a->seq = in->seq;
    add_refused(a, in);
    metrics_inc(s->thread->gateway->metrics.acks);
    if (!in->has_id)
        return;
    json_out_init(&o);
    wire_out_reply(&o, &in->id, (struct wire_text){NULL, 0});
    session_send(s, &o);
}

/* --- typing --- */

void session_typing(struct session *s, const struct wire_in *in, int64_t now_ms)
{
    const struct str room = session_str(in->room);
    struct json_out o;

    if (hub_find(s->thread->hub, &s->hub, s->user->app_id, room) == NULL) {
        session_reply_error(s, in->has_id, in->id, RESULT_NOT_MEMBER, "room: subscribe to the room before typing in it", 0);
        return;
    }
    if (now_ms - s->typing_ms >= TYPING_STEP_MS) {
        s->typing_ms = now_ms;
        event_typing(s->thread->gateway->bus, s->user->app_id, room, s->user->id);
    }
    if (!in->has_id)
        return;
    json_out_init(&o);
    wire_out_reply(&o, &in->id, (struct wire_text){NULL, 0});
    session_send(s, &o);
}
