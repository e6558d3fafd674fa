/*
 * Authentication of a WebSocket: by the upgrade's headers, by the first frame, and again on the same connection to renew.
 */
#include "api/credentials.h"
#include "api/session_private.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/log.h"
#include "core/device.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static _Atomic uint32_t next_serial = 1;

struct auth_job {
    struct session_job base; /* first */
    struct principal_claim claim;
    char device[65];
    /* Mostly not allocated where it is read: what a reader's heap gave would be freed here, and serve the next device's lasting memory from
     * there. */
    char nickname[64];
    char *long_nickname; /* one that does not fit there; NULL: none */
    char *package; /* NULL: none named */
    char *why;     /* refused: the sentence; NULL: none */
    bool noted;    /* nothing about the device is to be written */
    unsigned caps;
    int64_t expires_ms;
    uint64_t notices; /* token_notices when it was submitted */
};

/* As small as can be: when many devices arrive at once, as many of these wait for the writer, and leave holes between what stays. */
struct seen_job {
    struct session_job base; /* first */
    uint32_t serial;
    struct session_token token;
    uint8_t caps, user_len, device_len;
    uint16_t package_len;
    char names[]; /* user, device, package */
};

static void copy(char *to, size_t size, struct str from)
{
    const size_t n = from.n < size ? from.n : size - 1;

    if (n != 0)
        memcpy(to, from.p, n);
    to[n] = '\0';
}

/* --- the device was seen --- */

#define CAPS_SIZE 32

/* As the store keeps them. */
static struct str caps_text(char out[static CAPS_SIZE], unsigned caps)
{
    (void)snprintf(out, CAPS_SIZE, "%s%s%s", caps & WIRE_CAP_ACK ? "ack," : "", caps & WIRE_CAP_QUOTE ? "quote," : "",
                   caps & WIRE_CAP_RECALL ? "recall" : "");
    return str_c(out);
}

static void seen_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct seen_job *j = (struct seen_job *)job;
    struct core_tx tx = session_job_tx(&j->base, conn, now_ms);
    const struct str user = str_n(j->names, j->user_len), device = str_n(user.p + user.n, j->device_len);
    const struct principal_claim claim = session_token_claim(&j->token, user);
    struct principal who;
    struct outcome out;
    char caps[CAPS_SIZE];

    /* Once more, now that notices find the session: a token that was revoked while it was being checked. */
    tx_outcome_init(&out);
    j->base.rc = principal_resolve(&tx, &claim, &who, &out);
    tx_outcome_free(&out);
    if (j->base.rc != RESULT_OK)
        return;
    device_seen(&tx, user, device, caps_text(caps, j->caps), str_n(device.p + device.n, j->package_len), j->serial,
                j->base.config->server.device_days);
}

static void seen_drop(struct job *job)
{
    session_job_release((struct session_job *)job);
    free(job);
}

static void seen_done(struct job *job, void *ctx)
{
    struct session *s = ((struct seen_job *)job)->base.session;

    (void)ctx;
    if (s != NULL && job->fate == RESULT_OK && ((struct seen_job *)job)->base.rc != RESULT_OK)
        session_stop(s, CLOSE_TOKEN, "the token was revoked");
    seen_drop(job);
}

void session_auth_seen(struct session *s, const char *package)
{
    const struct str user = session_user_id(s->user), device = str_c(s->device), named = str_c(package);
    struct seen_job *j = calloc(1, sizeof(*j) + user.n + device.n + named.n);

    if (j == NULL)
        return;
    if (!session_job_init(&j->base, s, session_user_app(s->thread, s->user), s->user->app_id, false, 0)) {
        free(j);
        return;
    }
    j->base.job.home = s->thread->later;
    /* A push may name the package as soon as its device is ready, and reaches those whose package was noted before it. */
    j->base.job.rank = named.n != 0 ? JOB_ORDINARY : JOB_LATER;
    j->base.job.run = seen_run;
    j->base.job.done = seen_done;
    j->base.job.drop = seen_drop;
    j->serial = s->serial;
    j->token = session_token(s);
    j->caps = s->caps;
    j->user_len = (uint8_t)user.n; /* at most 64 bytes, as the device */
    j->device_len = (uint8_t)device.n;
    j->package_len = (uint16_t)named.n; /* a header's value or one in a frame that is no longer */
    memcpy(j->names, user.p, user.n);
    memcpy(j->names + user.n, device.p, device.n);
    if (named.n != 0)
        memcpy(j->names + user.n + device.n, named.p, named.n);
    if (store_submit_write_soon(s->thread->gateway->store, &j->base.job))
        s->seen_s = (uint32_t)(s->thread->now_ms() / 1000);
    else
        seen_drop(&j->base.job);
}

/* --- authentication --- */

#define BUSY "The server is busy; try again in a second"

static void note_nickname(struct auth_job *j, struct str nickname)
{
    const bool fits = nickname.n < sizeof(j->nickname);

    free(j->long_nickname);
    j->long_nickname = fits ? NULL : strndup(nickname.p, nickname.n);
    copy(j->nickname, sizeof(j->nickname), fits ? nickname : STR(""));
}

static void auth_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct auth_job *j = (struct auth_job *)job;
    struct core_tx tx = session_job_tx(&j->base, conn, now_ms);
    struct principal who;
    struct outcome out;
    char caps[CAPS_SIZE];

    free(j->why);
    j->why = NULL;
    tx_outcome_init(&out);
    j->base.rc = principal_resolve(&tx, &j->claim, &who, &out);
    if (j->base.rc != RESULT_OK)
        j->why = strdup(out.text);
    tx_outcome_free(&out);
    if (j->base.rc != RESULT_OK)
        return;
    j->expires_ms = who.expires_ms;
    copy(j->claim.user, sizeof(j->claim.user), who.user);
    note_nickname(j, who.client.nickname);
    j->noted = device_noted(&tx, who.user, str_c(j->device), caps_text(caps, j->caps), str_c(j->package != NULL ? j->package : ""));
}

static void auth_drop(struct job *job)
{
    struct auth_job *j = (struct auth_job *)job;

    session_job_release(&j->base);
    free(j->why);
    free(j->long_nickname);
    free(j->package);
    free(j);
}

static void refuse(struct session *s, bool has_id, int64_t id, enum result rc, const char *text)
{
    session_reply_error(s, has_id, id, rc, text, 0);
    if (rc == RESULT_UNAVAILABLE || rc == RESULT_INTERNAL)
        session_stop(s, CLOSE_LATER, "try again later");
    else
        session_stop(s, CLOSE_TOKEN, "token invalid");
}

static void send_ready(struct session *s, const struct auth_job *j)
{
    const struct server_limits {
        int64_t ping_ms, frame_max, rooms_max;
    } limits = {j->base.config->server.ping_interval * 1000, j->base.config->server.frame_max, j->base.config->server.max_rooms};
    char name[24];
    struct json_out o;

    (void)snprintf(name, sizeof(name), "s%" PRIx32, s->serial);
    json_out_init(&o);
    wire_out_ready(&o, &(struct wire_ready){
                           .id = j->base.has_id ? &j->base.id : NULL,
                           .session = session_text(str_c(name)),
                           .device = session_text(str_c(s->device)),
                           .user_id = session_text(session_user_id(s->user)),
                           .nickname = session_text(str_c(j->long_nickname != NULL ? j->long_nickname : j->nickname)),
                           .ping_ms = limits.ping_ms,
                           .frame_max = limits.frame_max,
                           .rooms_max = limits.rooms_max,
                       });
    session_send(s, &o);
}

/* The device is back, and nothing about it is to be written: its older sessions leave all the same. The token is not looked at once more, as
 * seen_run does: auth_done had it read again if a notice came meanwhile, and later ones find the session. False: some were not told. */
static bool take_over(struct session *s, int64_t now_ms)
{
    struct api_thread *t = s->thread;
    const struct str user = session_user_id(s->user), device = str_c(s->device);

    session_table_replace(t, s->user->app_id, user, device, s->serial);
    if (!event_device_offer(t->gateway->bus, t->mailbox, s->user->app_id, user, device, s->serial))
        return false;
    s->seen_s = (uint32_t)(now_ms / 1000);
    return true;
}

/* The token stands: the session is ready. */
static void welcome(struct session *s, struct auth_job *j, int64_t now_ms)
{
    struct session_held *held = NULL;
    const bool arrives = s->user == NULL; /* a renewal's `noted` may be of another device that it names */
    int64_t since;

    s->token = (unsigned)j->claim.token & 7U;
    s->token_foreign = j->claim.generation < 0;
    since = s->token_foreign ? j->claim.issued_s : j->claim.generation;
    s->token_since = since < 0 ? 0 : since > UINT32_MAX ? UINT32_MAX : (uint32_t)since;
    memcpy(s->token_hash, j->claim.hash, sizeof(s->token_hash));
    s->expires_ms = j->expires_ms;
    s->told_expiring = s->expires_ms != 0 && s->expires_ms - now_ms <= 0;
    if (arrives) {
        char *device = strdup(j->device);

        if (device == NULL) {
            session_stop(s, CLOSE_LATER, "out of memory");
            return;
        }
        free(s->origin_host);
        s->device = device;
        s->caps = (uint8_t)j->caps;
        s->serial = atomic_fetch_add(&next_serial, 1U); /* the device is its latest authenticated session's */
        s->state = SESSION_READY;
        held = session_take_held(s);
        session_table_add(s, j->base.app_id, str_c(j->claim.user));
    }
    if (!arrives || !j->noted || !take_over(s, now_ms))
        session_auth_seen(s, j->package);
    s->state = SESSION_READY;
    session_update_deadline(s);
    send_ready(s, j);
    session_release_held(s, held, now_ms);
}

static void auth_done(struct job *job, void *ctx)
{
    struct auth_job *j = (struct auth_job *)job;
    struct session *s = j->base.session;
    struct api_thread *t = ctx;
    const int64_t now_ms = t->now_ms();

    session_job_read_home(t);
    if (s == NULL || s->state == SESSION_CLOSING)
        goto out;
    /* Notices go before what is for those who arrive, and pass by a session that is not ready: what was read may be older. */
    if (job->fate == RESULT_OK && j->notices != t->sessions->token_notices) {
        j->notices = t->sessions->token_notices;
        if (session_job_read(&j->base, s))
            return;
        job->fate = RESULT_UNAVAILABLE;
    }
    if (job->fate != RESULT_OK)
        refuse(s, j->base.has_id, j->base.id, job->fate, job->fate == RESULT_UNAVAILABLE ? BUSY : "");
    else if (j->base.rc != RESULT_OK)
        refuse(s, j->base.has_id, j->base.id, j->base.rc, j->why != NULL ? j->why : "");
    else if (s->user != NULL && !str_eq(session_user_id(s->user), str_c(j->claim.user)))
        refuse(s, j->base.has_id, j->base.id, RESULT_INVALID_TOKEN,
               "The token is another user's; open a new connection for another user");
    else
        welcome(s, j, now_ms);
out:
    auth_drop(job);
}

/* The Origin was checked against all apps at the upgrade; now against the one that was named. */
static bool origin_allowed(const struct session *s, const struct config_app *app)
{
    const char *cut;

    if (s->user != NULL || s->origin_host == NULL)
        return true; /* a renewal: it was checked when the connection was new */
    cut = strchr(s->origin_host, '\n');
    return config_origin_allowed_by(app, s->origin_host, (size_t)(cut - s->origin_host), cut + 1, strlen(cut + 1));
}

/* A new connection counts against the app's connections_per_second; renewing a token does not. */
static bool admit(struct session *s, const struct config_app *app, int64_t app_id, bool has_id, int64_t id)
{
    const int64_t wait = s->user != NULL ? 0
                                         : gateway_admit(s->thread->gateway, app_id, GATEWAY_CONNECTIONS,
                                                         app->connections_per_second, 1, clock_mono_ms());

    if (wait == 0)
        return true;
    session_reply_error(s, has_id, id, RESULT_RATE_LIMITED, "The app accepts no more new connections this second", wait);
    session_stop(s, CLOSE_LATER, "too many new connections");
    return false;
}

/* What the credentials say with keys alone; closes and returns false if that is no already. */
static bool claim(struct session *s, struct str client_key, struct str token, bool has_id, int64_t id, int64_t now_ms,
                  struct principal_claim *out, char app_name[static 256], int64_t *app_id)
{
    const struct config *config = config_holder_get(s->thread->gateway->config);
    const char *before = s->user != NULL ? session_user_app(s->thread, s->user) : NULL;
    const struct config_app *app = before != NULL ? config_find_app_by_name(config, before, strlen(before)) : NULL;
    char text[240] = "";
    enum result rc;
    bool ok = false;

    if (client_key.p == NULL && app != NULL)
        client_key = str_c(app->client_key); /* a renewal is for the same app */
    rc = credentials_client(config, client_key, token, now_ms, out, &app, text, sizeof(text));
    if (rc != RESULT_OK) {
        refuse(s, has_id, id, rc, text);
    } else if (!origin_allowed(s, app)) {
        session_reply_error(s, has_id, id, RESULT_FORBIDDEN,
                            "Pages of this origin may not use the app; the operator adds it to `origins`", 0);
        session_stop(s, CLOSE_FORBIDDEN, "origin not allowed");
    } else if (before != NULL && strcmp(before, app->name) != 0) {
        refuse(s, has_id, id, RESULT_INVALID_CLIENT_KEY, "The client key is another app's; open a new connection for it");
    } else {
        copy(app_name, 256, str_c(app->name));
        *app_id = gateway_app_id(s->thread->gateway, str_c(app->name));
        ok = admit(s, app, *app_id, has_id, id);
    }
    config_unref(config);
    return ok;
}

void session_auth_start(struct session *s, struct str client_key, struct str token, struct str device, unsigned caps,
                        struct str package, bool has_id, int64_t id, int64_t now_ms)
{
    struct principal_claim made = {.kind = PRINCIPAL_CLIENT};
    char app_name[256];
    struct auth_job *j;
    int64_t app_id;

    if (!str_empty(device) && !wire_in_printable(device.p, device.n, WIRE_DEVICE_MAX)) {
        session_reply_error(s, has_id, id, RESULT_INVALID_BODY, "device must be 1 to 64 bytes without control characters", 0);
        session_stop(s, CLOSE_TOKEN, "device invalid");
        return;
    }
    if (!claim(s, client_key, token, has_id, id, now_ms, &made, app_name, &app_id))
        return;
    j = calloc(1, sizeof(*j));
    if (j == NULL || !session_job_init(&j->base, s, app_name, app_id, has_id, id)) {
        free(j);
        session_stop(s, CLOSE_LATER, "try again later");
        return;
    }
    j->base.job.brief = true;
    j->base.job.run = auth_run;
    j->base.job.done = auth_done;
    j->base.job.drop = auth_drop;
    j->claim = made;
    j->caps = caps;
    j->package = str_empty(package) ? NULL : strndup(package.p, package.n);
    if (!str_empty(device)) {
        copy(j->device, sizeof(j->device), device);
    } else {
        char made_device[ID_SHORT_SIZE];

        id_short(made_device);
        copy(j->device, sizeof(j->device), str_c(made_device));
    }
    if (s->state == SESSION_NEW)
        s->state = SESSION_CHECKING;
    j->notices = s->thread->sessions->token_notices;
    if (!session_job_read(&j->base, s)) {
        refuse(s, has_id, id, RESULT_UNAVAILABLE, BUSY);
        auth_drop(&j->base.job);
    }
}

bool session_auth_stands(const struct principal_claim *c, const struct notice *n)
{
    if (n->only)
        return memcmp(c->hash, n->hash, sizeof(c->hash)) != 0;
    if (c->token == PRINCIPAL_TOKEN_BOUND)
        return n->keep_bound && memcmp(c->hash, n->hash, sizeof(c->hash)) == 0;
    if (c->generation >= 0)
        return c->generation >= n->generation;
    return c->issued_s > n->revoked_s;
}

void session_auth_notice(struct session *s, const struct notice *n)
{
    struct principal_claim claim;

    if (s->state != SESSION_READY)
        return;
    claim = session_claim(s);
    if (!session_auth_stands(&claim, n)) {
        log_info("token revoked", LOG_STR("user", session_user_id(s->user).p, session_user_id(s->user).n), LOG_END);
        session_stop(s, CLOSE_TOKEN, "the token was revoked");
    }
}
