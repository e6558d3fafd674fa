/* Users and their tokens; whether they are connected. */
#include "api/rc.h"

#include "api/session_private.h"
#include "core/client.h"
#include "core/event.h"

#define NAME_MAX_BYTES 256
#define PORTRAIT_MAX 2048
#define TOKEN_MAX 256 /* SDKs keep it in a field of that size */

static bool read_user(struct api_call *call, struct client_command *c)
{
    call->command = c;
    c->is_robot = -1;
    return rc_user(call, "userId", true, &c->id) && rc_text(call, "name", false, NAME_MAX_BYTES, &c->nickname) &&
           rc_text(call, "portraitUri", false, PORTRAIT_MAX, &c->avatar);
}

bool rc_user_token_parse(struct api_call *call)
{
    return read_user(call, arena_alloc(&call->arena, sizeof(struct client_command)));
}

enum result rc_user_token(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct client_command *c = call->command;
    struct json_out *o = &call->out.result;
    struct str token;
    int64_t expires_ms;
    enum result rc = client_upsert(tx, who, c, 1, false, &call->out);

    if (rc == RESULT_OK)
        rc = client_issue_short_token(tx, c->id, TOKEN_MAX, &token, &expires_ms, &call->out);
    if (rc != RESULT_OK)
        return rc;
    json_out_reset(o); /* the client was told there */
    json_out_object(o);
    json_out_kstr(o, "userId", c->id.p, c->id.n);
    json_out_kstr(o, "token", token.p, token.n);
    json_out_object_end(o);
    return RESULT_OK;
}

bool rc_user_refresh_parse(struct api_call *call)
{
    return read_user(call, arena_alloc(&call->arena, sizeof(struct client_command)));
}

enum result rc_user_refresh(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct client_command *c = call->command;
    struct client_row row;
    enum result rc;

    if (!store_client_get(tx->conn, tx->app_id, c->id, &row))
        return tx_fail(&call->out, RESULT_NO_CLIENT, "userId: there is no such user; /user/getToken.json makes one");
    rc = client_upsert(tx, who, c, 1, false, &call->out);
    json_out_reset(&call->out.result);
    return rc;
}

/* --- online --- */

struct online_call {
    struct mail mail; /* first */
    struct api_call *call;
    struct str user;
    atomic_bool online;
};

/* On every edge thread, perhaps at the same time. */
static void visit(void *arg, void *thread)
{
    struct online_call *o = arg;
    const struct session_user *u = session_table_user(thread, o->call->app_id, o->user);

    if (u == NULL)
        return;
    for (const struct session *s = u->sessions; s != NULL; s = s->user_next)
        if (s->state == SESSION_READY)
            atomic_store(&o->online, true);
    if (u->streams != NULL)
        atomic_store(&o->online, true);
}

static void home(struct mail *mail, void *ctx)
{
    struct online_call *o = (struct online_call *)mail;
    struct json_out *out = &o->call->out.result;

    (void)ctx;
    json_out_object(out);
    json_out_kcstr(out, "status", atomic_load(&o->online) ? "1" : "0");
    json_out_object_end(out);
    call_finish(o->call);
}

/* On whichever thread was the last. */
static void visited(void *arg)
{
    struct online_call *o = arg;

    o->mail.deliver = home;
    mailbox_post_always(o->call->thread->mailbox, &o->mail);
}

static void ask(struct api_call *call)
{
    event_visit(call->thread->gateway->bus, visit, visited, call->command);
}

bool rc_user_online_parse(struct api_call *call)
{
    struct online_call *o = arena_alloc(&call->arena, sizeof(*o));

    call->command = o;
    call->then = ask;
    o->call = call;
    return rc_user(call, "userId", true, &o->user);
}

/* Who is connected is asked of the threads alone; that the user was never heard of is no failure. */
enum result rc_user_online(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    (void)call;
    (void)tx;
    (void)who;
    return RESULT_OK;
}
