/*
 * What a client asks to be done: send, recall, typing.
 */
#include "api/imkit_body.h"
#include "api/session_private.h"

#include <stdlib.h>

#define TYPING_STEP_MS 1000 /* one signal a second and session is enough to show that somebody types */

/* --- send and recall --- */

struct message_job {
    struct session_job base; /* first */
    struct outcome out;
    struct principal_claim claim;
    bool is_recall;
    bool fenced;
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

    tx_outcome_reset(&j->out);
    j->out.rc = principal_resolve(&tx, &j->claim, &who, &j->out);
    if (j->out.rc == RESULT_OK)
        j->out.rc = j->is_recall ? recall_apply(&tx, &who, &j->recall, &j->out) : message_send(&tx, &who, &j->send, &j->out);
}

static void message_drop(struct job *job)
{
    struct message_job *j = (struct message_job *)job;

    session_job_release(&j->base);
    tx_outcome_free(&j->out);
    json_decref(j->json);
    arena_free(&j->arena);
    free(j);
}

static void message_done(struct job *job, void *ctx);

static void fenced_home(struct mail *mail, void *ctx)
{
    message_done((struct job *)mail, ctx);
}

static void message_done(struct job *job, void *ctx)
{
    struct message_job *j = (struct message_job *)job;
    struct session *s = j->base.session;
    struct outcome *out = &j->out;
    struct json_out o;

    (void)ctx;
    if (job->fate == RESULT_OK && job->rank == JOB_RECALL && out->rc == RESULT_NO_MESSAGE && s != NULL) {
        job->rank = JOB_ORDINARY; /* it may have gone before the send of that message: once more, behind it */
        if (store_submit_write_soon(s->thread->gateway->store, job))
            return;
    }
    if (out->erased && !j->fenced) { /* heard of when no thread can send the content any more */
        j->fenced = true;
        job->mail.deliver = fenced_home;
        if (bus_fence(j->base.bus, job->home, &job->mail))
            return;
    }
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

    if (j == NULL || !session_job_init(&j->base, s, session_user_app(s->thread, s->user), s->user->app_id, in->has_id, in->id)) {
        free(j);
        session_stop(s, CLOSE_LATER, "try again later");
        return;
    }
    tx_outcome_init(&j->out);
    j->base.job.run = message_run;
    j->base.job.done = message_done;
    j->base.job.drop = message_drop;
    j->claim = session_claim(s);
    j->json = wire_in_take_body(in);
    if (recall)
        (void)json_object_set_new(j->json, "messageType", json_string("recall"));
    j->is_recall = imkit_body_is_recall(j->json);
    j->base.job.rank = j->is_recall ? JOB_RECALL : JOB_ORDINARY;
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

/* --- typing --- */

/* A room of the server's own in which no client says anything. */
static bool only_read(struct str room)
{
    const struct str private = STR("~private/");

    return room.p[0] == '~' && (room.n < private.n || memcmp(room.p, private.p, private.n) != 0);
}

void session_typing(struct session *s, const struct wire_in *in, int64_t now_ms)
{
    const struct str room = session_str(in->room);
    const struct hub_sub *sub = hub_find(s->thread->hub, &s->hub, s->user->app_id, room);
    struct json_out o;

    /* A subscription that is not live yet may turn out to be no member's. */
    if (sub == NULL || !hub_sub_was_live(sub) || only_read(room)) {
        session_reply_error(s, in->has_id, in->id, RESULT_NOT_MEMBER, "room: subscribe to the room before typing in it", 0);
        return;
    }
    if ((uint32_t)now_ms - s->typing_ms >= TYPING_STEP_MS) {
        s->typing_ms = (uint32_t)now_ms;
        event_typing(s->thread->gateway->bus, s->user->app_id, room, session_user_id(s->user));
    }
    if (!in->has_id)
        return;
    json_out_init(&o);
    wire_out_reply(&o, &in->id, (struct wire_text){NULL, 0});
    session_send(s, &o);
}
