#include "api/session_private.h"

#include "base/clock.h"

#include <stdlib.h>

/* --- answering --- */

void session_stop(struct session *s, int code, const char *reason)
{
    if (s->state == SESSION_CLOSING)
        return;
    s->state = SESSION_CLOSING;
    hub_conn_gone(&s->hub);
    session_transport(s)->close(s->connection, code, reason);
}

void session_send(struct session *s, struct json_out *o)
{
    if (s->state != SESSION_CLOSING) {
        if (!json_out_ok(o) || !session_transport(s)->text(s->connection, o->p, o->len))
            session_stop(s, CLOSE_LATER, "the connection does not take its answers");
    }
    json_out_free(o);
}

void session_reply_error(struct session *s, bool has_id, int64_t id, enum result rc, const char *text, int64_t retry_s)
{
    const char *say = text[0] != '\0' ? text : result_text(rc);
    struct json_out o;

    json_out_init(&o);
    wire_out_error(&o, has_id ? &id : NULL, result_status(rc), result_imkit_code(rc), session_text(str_c(say)),
                   retry_s > 0 ? (int)retry_s : -1);
    session_send(s, &o);
}

/* --- frames --- */

/* One bucket for all frames of a connection: `frames_burst` at once, `frames_per_second` in the long run. */
static bool take_frame(struct session *s, const struct config_server *settings, int64_t now_ms)
{
    const int64_t now_us = now_ms * 1000;
    const int64_t step_us = INT64_C(1000000) / settings->frames_per_second;
    int64_t due = s->frames_due_us > now_us ? s->frames_due_us : now_us;

    due += step_us;
    if (due - now_us > step_us * settings->frames_burst)
        return false;
    s->frames_due_us = due;
    return true;
}

/* A frame that came while the token is being checked waits for the outcome. */
static void hold(struct session *s, const char *payload, size_t n)
{
    struct session_held **at = &s->held;
    struct session_held *h;
    size_t bytes = n;
    unsigned count = 0;

    for (; *at != NULL; count++) {
        bytes += (*at)->n;
        at = &(*at)->next;
    }
    if (count >= SESSION_HELD_FRAMES || bytes > SESSION_HELD_BYTES + n) {
        session_stop(s, CLOSE_TOO_MANY, "wait for `ready` before sending more");
        return;
    }
    h = malloc(sizeof(*h) + n);
    if (h == NULL) {
        session_stop(s, CLOSE_LATER, "out of memory");
        return;
    }
    h->next = NULL;
    h->n = n;
    memcpy(h->text, payload, n);
    *at = h;
}

struct session_held *session_take_held(struct session *s)
{
    struct session_held *held = s->held;

    s->held = NULL;
    return held;
}

static void pong(struct session *s, const struct wire_in *in, int64_t now_ms)
{
    struct json_out o;

    json_out_init(&o);
    wire_out_pong(&o, in->has_id ? &in->id : NULL, now_ms);
    session_send(s, &o);
}

static void start_auth(struct session *s, const struct wire_in *in, int64_t now_ms)
{
    const struct wire_in_auth *a = &in->auth;

    session_auth_start(s, session_str(a->client_key), session_str(a->token), session_str(a->device),
                       a->has_caps ? a->caps : s->caps, session_str(a->package), in->has_id, in->id, now_ms);
}

void session_dispatch(struct session *s, struct wire_in *in, int64_t now_ms)
{
    if (s->state == SESSION_NEW && in->op != WIRE_IN_AUTH) {
        session_reply_error(s, in->has_id, in->id, RESULT_INVALID_AUTH,
                            "Authenticate first: the first frame must be {\"op\":\"auth\",\"clientKey\":…,\"token\":…}", 0);
        session_stop(s, CLOSE_TOKEN, "not authenticated");
        return;
    }
    switch (in->op) {
    case WIRE_IN_AUTH:
        start_auth(s, in, now_ms);
        break;
    case WIRE_IN_SUBSCRIBE:
        session_follow(s, in);
        break;
    case WIRE_IN_UNSUBSCRIBE:
        session_unfollow(s, in);
        break;
    case WIRE_IN_ACK:
        session_ack_frame(s, in);
        break;
    case WIRE_IN_SEND:
        session_send_message(s, in);
        break;
    case WIRE_IN_RECALL:
        session_recall(s, in);
        break;
    case WIRE_IN_PING:
        pong(s, in, now_ms);
        break;
    case WIRE_IN_TYPING:
        session_typing(s, in, now_ms);
        break;
    case WIRE_IN_NONE:
        break;
    }
}

/* A frame that the codec refused. */
static void refuse_frame(struct session *s, const struct wire_in *in, enum wire_in_status status)
{
    if (status == WIRE_IN_MALFORMED) {
        session_stop(s, CLOSE_MALFORMED, "a frame must be one JSON object");
        return;
    }
    if (status == WIRE_IN_NO_MEMORY) {
        session_stop(s, CLOSE_LATER, "out of memory");
        return;
    }
    if (s->state == SESSION_NEW && in->op != WIRE_IN_AUTH) {
        session_reply_error(s, in->has_id, in->id, RESULT_INVALID_AUTH, "Authenticate first: send an `auth` frame", 0);
        session_stop(s, CLOSE_TOKEN, "not authenticated");
        return;
    }
    session_reply_error(s, in->has_id, in->id, in->missing ? RESULT_MISSING_PARAMETER : RESULT_INVALID_BODY, in->text, 0);
}

static void handle(struct session *s, const char *payload, size_t n, int64_t now_ms)
{
    struct wire_in in;
    const enum wire_in_status status = wire_in_decode(&in, payload, n);

    if (status == WIRE_IN_OK)
        session_dispatch(s, &in, now_ms);
    else
        refuse_frame(s, &in, status);
    wire_in_free(&in);
}

void session_frame(struct session *s, const char *payload, size_t n, int64_t now_ms)
{
    const struct config *config;
    bool admitted;

    if (s->state == SESSION_CLOSING || s->draining)
        return;
    config = config_holder_get(s->thread->gateway->config);
    admitted = take_frame(s, &config->server, now_ms);
    config_unref(config);
    if (!admitted)
        session_stop(s, CLOSE_TOO_MANY, "too many frames");
    else if (s->state == SESSION_CHECKING)
        hold(s, payload, n);
    else
        handle(s, payload, n, now_ms);
}

struct session_token session_token(const struct session *s)
{
    struct session_token token = {
        .since = s->token_since, .expires_ms = s->expires_ms, .kind = s->token, .foreign = s->token_foreign};

    memcpy(token.hash, s->token_hash, sizeof(token.hash));
    return token;
}

struct principal_claim session_token_claim(const struct session_token *t, struct str user)
{
    struct principal_claim claim = {.kind = PRINCIPAL_CLIENT,
                                    .token = (enum principal_token)t->kind,
                                    .issued_s = t->foreign ? t->since : 0,
                                    .expires_ms = t->kind == PRINCIPAL_TOKEN_JWT ? t->expires_ms : 0,
                                    .generation = t->foreign ? -1 : t->since};

    memcpy(claim.user, user.p, user.n < sizeof(claim.user) ? user.n : sizeof(claim.user) - 1);
    memcpy(claim.hash, t->hash, sizeof(claim.hash));
    return claim;
}

struct principal_claim session_claim(const struct session *s)
{
    const struct session_token token = session_token(s);

    return session_token_claim(&token, session_user_id(s->user));
}

void session_release_held(struct session *s, struct session_held *held, int64_t now_ms)
{
    struct session_held *next;

    for (struct session_held *h = held; h != NULL; h = next) {
        next = h->next;
        if (s->state == SESSION_READY)
            handle(s, h->text, h->n, now_ms);
        free(h);
    }
}

/* --- life --- */

/* Origin and Host are needed once more when the app is known. */
static char *join_origin(const struct session_open *facts)
{
    char *p;

    if (facts->origin.p == NULL)
        return NULL;
    p = malloc(facts->origin.n + facts->host.n + 2);
    if (p == NULL)
        return NULL;
    memcpy(p, facts->origin.p, facts->origin.n);
    p[facts->origin.n] = '\n';
    if (facts->host.n != 0)
        memcpy(p + facts->origin.n + 1, facts->host.p, facts->host.n);
    p[facts->origin.n + 1 + facts->host.n] = '\0';
    return p;
}

struct session *session_open(struct api_thread *thread, const struct session_transport *transport, void *connection,
                             const struct session_open *facts, int64_t now_ms)
{
    const struct config *config = config_holder_get(thread->gateway->config);
    struct session *s = calloc(1, sizeof(*s));

    if (s == NULL)
        goto out;
    hub_conn_init(&s->hub);
    s->thread = thread;
    thread->sessions->transport = transport;
    s->connection = connection;
    s->auth_by_ms = now_ms + config->server.auth_timeout * 1000;
    s->caps = (uint8_t)wire_in_caps(facts->caps.p != NULL ? facts->caps.p : "", facts->caps.n);
    s->origin_host = join_origin(facts);
    if (facts->origin.p != NULL && s->origin_host == NULL) {
        free(s);
        s = NULL;
        goto out;
    }
    if (facts->im_client_key.p != NULL && facts->im_authorization.p != NULL)
        session_auth_start(s, facts->im_client_key, facts->im_authorization, facts->device, s->caps, facts->package, false, 0,
                           now_ms);
out:
    config_unref(config);
    return s;
}

void session_ends(struct session *s)
{
    hub_conn_gone(&s->hub);
}

void session_close(struct session *s)
{
    if (s == NULL)
        return;
    s->state = SESSION_CLOSING;
    hub_conn_gone(&s->hub);
    session_ack_leave(s);
    hub_conn_close(s->thread->hub, &s->hub);
    session_follow_close(s);
    for (struct session_job *j = s->jobs; j != NULL; j = j->next)
        j->session = NULL;
    if (s->user != NULL)
        session_table_remove(s);
    else
        session_release_held(s, session_take_held(s), 0);
    free(s->device); /* or origin_host */
    free(s);
}

void session_drained(struct session *s)
{
    if (s->state != SESSION_CLOSING)
        hub_drained(s->thread->hub, &s->hub);
}

/* --- time --- */

int64_t session_deadline(const struct session *s)
{
    if (s->state == SESSION_CLOSING)
        return INT64_MAX;
    if (s->state != SESSION_READY)
        return s->auth_by_ms;
    if (s->expires_ms == 0)
        return INT64_MAX;
    return s->told_expiring ? s->expires_ms : s->expires_ms - SESSION_EXPIRING_MS;
}

void session_update_deadline(struct session *s)
{
    session_transport(s)->rearm(s->connection);
}

void session_tick(struct session *s, int64_t now_ms)
{
    struct json_out o;

    if (now_ms < session_deadline(s))
        return;
    if (s->state != SESSION_READY) {
        session_stop(s, CLOSE_NO_AUTH, "no auth in time");
        return;
    }
    if (s->expires_ms != 0 && now_ms >= s->expires_ms) {
        session_stop(s, CLOSE_TOKEN, "the token has expired");
        return;
    }
    s->told_expiring = true;
    json_out_init(&o);
    wire_out_expiring(&o, s->expires_ms - now_ms);
    session_send(s, &o);
    if (s->state != SESSION_CLOSING)
        session_update_deadline(s);
}

void session_leave(struct session *s)
{
    struct json_out o;

    if (!s->draining || s->jobs != NULL || s->state == SESSION_CLOSING)
        return;
    json_out_init(&o);
    wire_out_bye(&o, CLOSE_DRAINING, "draining", s->reconnect_ms);
    session_send(s, &o);
    session_stop(s, CLOSE_DRAINING, "draining");
}

void session_drain(struct session *s, int64_t reconnect_ms)
{
    s->draining = true;
    s->reconnect_ms = (uint32_t)reconnect_ms;
    session_leave(s);
}
