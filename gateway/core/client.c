#include "core/client.h"

#include "auth/digest.h"
#include "auth/jwt.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/text.h"
#include "core/event.h"
#include "core/view.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#define AVATAR_MAX 2048
#define DAY_MS INT64_C(86400000)

/* A token as it is told to the backend. */
struct token_told {
    struct str text; /* absent: no token was asked for */
    int64_t expires_ms;
};

static enum result platform_only(const struct principal *who, struct outcome *out)
{
    if (who->kind == PRINCIPAL_PLATFORM)
        return RESULT_OK;
    return tx_fail(out, RESULT_FORBIDDEN, "This call needs the platform key: send IM-API-KEY");
}

static enum result check(const struct client_command *c, struct outcome *out)
{
    if (c->id.p == NULL)
        return tx_fail(out, RESULT_MISSING_PARAMETER, "_id is missing: name the client");
    if (!text_user_valid(c->id.p, c->id.n))
        return tx_fail(out, RESULT_INVALID_BODY,
                       "_id must be a string of 1 to %d bytes without control characters", TEXT_USER_MAX);
    if (c->nickname.n > CLIENT_NICKNAME_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "nickname must be a string of 0 to %d bytes", CLIENT_NICKNAME_MAX);
    if (c->avatar.n > AVATAR_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "avatarUrl must be a string of 0 to %d bytes", AVATAR_MAX);
    if (c->bind_token.p != NULL && (c->bind_token.n == 0 || c->bind_token.n > JWT_TOKEN_MAX))
        return tx_fail(out, RESULT_INVALID_BODY, "token must be a string of 1 to %d bytes", JWT_TOKEN_MAX);
    if (c->bind_token.p != NULL && c->issue)
        return tx_fail(out, RESULT_INVALID_BODY, "Give either token or issueAccessToken, not both");
    return RESULT_OK;
}

/* What was stored before, with the new fields in it or over it. */
static struct str merged_fields(struct core_tx *tx, struct str was, struct str now)
{
    json_t *old, *add;
    struct str text = now;
    char *dumped = NULL;

    if (str_empty(was) || str_empty(now))
        return str_empty(now) ? was : now;
    old = json_loadb(was.p, was.n, 0, NULL);
    add = json_loadb(now.p, now.n, 0, NULL);
    if (old != NULL && add != NULL && json_object_update(old, add) == 0)
        dumped = json_dumps(old, JSON_COMPACT);
    if (dumped != NULL)
        text = arena_str(tx->arena, str_c(dumped));
    free(dumped);
    json_decref(old);
    json_decref(add);
    return text;
}

/* Writes the row as the command changes it. */
static void put(struct core_tx *tx, const struct client_command *c, struct client_row *row)
{
    if (!store_client_get(tx->conn, tx->app_id, c->id, row)) {
        memset(row, 0, sizeof(*row));
        row->id = c->id;
        row->nickname = STR("");
        row->avatar = STR("");
        row->created_ms = tx->now_ms;
    }
    if (c->nickname.p != NULL)
        row->nickname = c->nickname;
    if (c->avatar.p != NULL)
        row->avatar = c->avatar;
    if (c->is_robot >= 0)
        row->is_robot = c->is_robot != 0;
    row->fields = merged_fields(tx, row->fields, c->fields);
    row->updated_ms = tx->now_ms;
    store_client_put(tx->conn, tx->app_id, row);
}

/* Binds a token's digest to the user; the token itself is not kept. */
static bool bind(struct core_tx *tx, struct str user, struct str token, int64_t expires_ms,
                 unsigned char hash[32])
{
    struct token_row row = {.user = user, .expires_ms = expires_ms};

    if (!digest_sha256(token.p, token.n, row.hash))
        return false;
    memcpy(hash, row.hash, sizeof(row.hash));
    store_token_put(tx->conn, tx->app_id, &row);
    return true;
}

/* A new token of the given generation: signed where the app has a secret and it is no longer than `max`, else an unguessable one
 * that is bound. */
static bool issue(struct core_tx *tx, const struct client_row *client, int64_t generation, size_t max,
                  struct token_told *told, unsigned char hash[32], bool *is_bound)
{
    struct jwt_claims claims = {.iat = tx->now_ms / 1000, .exp = told->expires_ms / 1000};
    char short_id[ID_SHORT_SIZE], opaque[ID_TOKEN_SIZE];
    char *signed_token = NULL;

    *is_bound = false;
    if (tx->app->token_secret != NULL && tx->app->token_keys != NULL) {
        id_short(short_id);
        (void)snprintf(claims.sub, sizeof(claims.sub), "%.*s", (int)client->id.n, client->id.p);
        (void)snprintf(claims.app, sizeof(claims.app), "%s", tx->app->name);
        (void)snprintf(claims.jti, sizeof(claims.jti), "r1.%lld.%s", (long long)generation, short_id);
        signed_token = jwt_issue(tx->app->token_keys, &claims);
        if (signed_token == NULL)
            return false;
        told->text = arena_str(tx->arena, str_c(signed_token));
        free(signed_token);
        if (told->text.n <= max) {
            told->expires_ms = claims.exp * 1000; /* a JWT counts whole seconds */
            return true;
        }
    }
    id_token(opaque);
    told->text = arena_str(tx->arena, str_c(opaque));
    *is_bound = true;
    return bind(tx, client->id, told->text, told->expires_ms, hash);
}

/* Ends the user's earlier tokens, issued and bound ones alike, and puts one in their place. Tokens that the
 * app signs by itself end only where `revoked_s` says so: a first token must not end one that the app signed
 * within the same second. */
static enum result replace_tokens(struct core_tx *tx, const struct client_row *client,
                                  const struct client_command *c, int64_t revoked_s, struct token_told *told,
                                  struct outcome *out)
{
    const int64_t generation = client->token_gen + 1;
    unsigned char hash[32];
    bool is_bound = c->bind_token.p != NULL;
    bool made;

    store_client_revoke_tokens(tx->conn, tx->app_id, client->id, generation, revoked_s);
    store_token_forget_user(tx->conn, tx->app_id, client->id);
    told->expires_ms = c->expires_ms;
    if (is_bound) {
        told->text = c->bind_token;
        made = bind(tx, client->id, c->bind_token, c->expires_ms, hash);
    } else {
        if (told->expires_ms == 0)
            told->expires_ms = tx->now_ms + tx->app->token_days * DAY_MS;
        made = issue(tx, client, generation, SIZE_MAX, told, hash, &is_bound);
    }
    if (!made)
        return tx_fail(out, RESULT_INTERNAL, "The token could not be made: the crypto library failed");
    event_tokens(tx, client->id, generation, revoked_s, NULL, is_bound ? hash : NULL);
    return RESULT_OK;
}

static void write_client(struct json_out *o, const struct client_row *row, const struct token_told *told)
{
    char iso[CLOCK_ISO_SIZE];

    json_out_object(o);
    view_client_fields(o, row);
    if (told->text.p != NULL) {
        json_out_kstr(o, "token", told->text.p, told->text.n);
        clock_format_iso(told->expires_ms, iso);
        json_out_kcstr(o, "expirationDate", told->expires_ms != 0 ? iso : NULL);
    }
    json_out_object_end(o);
}

enum result client_upsert(struct core_tx *tx, const struct principal *who,
                          const struct client_command *commands, size_t n, bool as_list, struct outcome *out)
{
    enum result rc = platform_only(who, out);

    for (size_t i = 0; rc == RESULT_OK && i < n; i++)
        rc = check(&commands[i], out);
    if (rc != RESULT_OK)
        return rc;
    if (as_list)
        json_out_array(&out->result);
    for (size_t i = 0; i < n; i++) {
        struct token_told told = {STR_NULL, 0};
        struct client_row row;

        put(tx, &commands[i], &row);
        if (commands[i].issue || commands[i].bind_token.p != NULL) {
            rc = replace_tokens(tx, &row, &commands[i], row.tokens_revoked_s, &told, out);
            if (rc != RESULT_OK)
                return rc;
        }
        write_client(&out->result, &row, &told);
    }
    if (as_list)
        json_out_array_end(&out->result);
    return RESULT_OK;
}

enum result client_token_put(struct core_tx *tx, const struct principal *who,
                             const struct client_command *command, struct outcome *out)
{
    struct token_told told = {STR_NULL, 0};
    struct client_row row;
    enum result rc = platform_only(who, out);

    if (rc == RESULT_OK)
        rc = check(command, out);
    if (rc != RESULT_OK)
        return rc;
    if (!store_client_get(tx->conn, tx->app_id, command->id, &row))
        return tx_fail(out, RESULT_NO_CLIENT, "The client %.*s does not exist", (int)command->id.n,
                       command->id.p);
    rc = replace_tokens(tx, &row, command, tx->now_ms / 1000, &told, out);
    if (rc == RESULT_OK)
        write_client(&out->result, &row, &told);
    return rc;
}

/* The token is the user's as far as can be told: a signed one is remembered by its digest whoever it belongs
 * to, which harms nobody, because only who holds it can name it. */
static enum result revoke_one(struct core_tx *tx, struct str id, struct str token, struct outcome *out)
{
    unsigned char hash[32];
    struct token_row row;

    if (!digest_sha256(token.p, token.n, hash))
        return tx_fail(out, RESULT_INTERNAL, "The token could not be revoked: the crypto library failed");
    if (store_token_get(tx->conn, tx->app_id, hash, &row) && !str_eq(row.user, id))
        return tx_fail(out, RESULT_INVALID_BODY, "token is not one of this client's");
    /* Kept for good: a token of the app's own making may have any end. */
    store_token_revoke(tx->conn, tx->app_id, hash, CLOCK_MS_MAX);
    event_tokens(tx, id, 0, 0, hash, NULL);
    return RESULT_OK;
}

enum result client_token_revoke(struct core_tx *tx, const struct principal *who, struct str id,
                                struct str token, struct outcome *out)
{
    struct client_row row;
    enum result rc = platform_only(who, out);

    if (rc != RESULT_OK)
        return rc;
    if (!store_client_get(tx->conn, tx->app_id, id, &row))
        return tx_fail(out, RESULT_NO_CLIENT, "The client %.*s does not exist", (int)id.n, id.p);
    if (token.p != NULL) {
        rc = revoke_one(tx, id, token, out);
        if (rc != RESULT_OK)
            return rc;
    } else {
        store_client_revoke_tokens(tx->conn, tx->app_id, id, row.token_gen + 1, tx->now_ms / 1000);
        store_token_forget_user(tx->conn, tx->app_id, id);
        event_tokens(tx, id, row.token_gen + 1, tx->now_ms / 1000, NULL, NULL);
    }
    json_out_object(&out->result);
    json_out_kstr(&out->result, "_id", id.p, id.n);
    json_out_kcstr(&out->result, "revoked", token.p != NULL ? "token" : "all");
    json_out_object_end(&out->result);
    return RESULT_OK;
}

enum result client_issue_token(struct core_tx *tx, struct str user, struct str *token, int64_t *expires_ms,
                               struct outcome *out)
{
    return client_issue_short_token(tx, user, SIZE_MAX, token, expires_ms, out);
}

enum result client_issue_short_token(struct core_tx *tx, struct str user, size_t max, struct str *token, int64_t *expires_ms,
                                     struct outcome *out)
{
    struct token_told told = {STR_NULL, tx->now_ms + tx->app->token_days * DAY_MS};
    unsigned char hash[32];
    struct client_row row;
    bool is_bound;

    if (!store_client_get(tx->conn, tx->app_id, user, &row))
        return tx_fail(out, RESULT_NO_CLIENT, "The client %.*s does not exist", (int)user.n, user.p);
    if (!issue(tx, &row, row.token_gen, max, &told, hash, &is_bound))
        return tx_fail(out, RESULT_INTERNAL, "The token could not be made: the crypto library failed");
    *token = told.text;
    *expires_ms = told.expires_ms;
    return RESULT_OK;
}
