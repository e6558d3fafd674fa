#include "core/principal.h"

/* Whether the token is one that the app bound to a user, and still may be used. */
static bool bound_to(struct core_tx *tx, const struct principal_claim *claim, struct token_row *row)
{
    return store_token_get(tx->conn, tx->app_id, claim->hash, row) &&
           (row->expires_ms == 0 || row->expires_ms > tx->now_ms);
}

/* Whether a JWT that its signature confirms was ended since: by a reissue, by revoking all, or by itself. */
static bool jwt_ended(struct core_tx *tx, const struct principal_claim *claim,
                      const struct client_row *client)
{
    if (claim->generation >= 0) {
        if (claim->generation < client->token_gen)
            return true;
    } else if (client->tokens_revoked_s != 0 && claim->issued_s <= client->tokens_revoked_s) {
        return true;
    }
    return store_token_revoked(tx->conn, tx->app_id, claim->hash);
}

static enum result resolve_jwt(struct core_tx *tx, const struct principal_claim *claim, struct principal *who,
                               struct outcome *out)
{
    const struct str user = arena_str(tx->arena, str_c(claim->user));
    struct token_row row;

    if (claim->expires_ms != 0 && claim->expires_ms <= tx->now_ms)
        return tx_fail(out, RESULT_INVALID_TOKEN, "The token has expired: get a new one");
    if (!store_client_get(tx->conn, tx->app_id, user, &who->client))
        return tx_fail(out, RESULT_INVALID_TOKEN,
                       "The token's user does not exist in this app: create it with POST /admin/clients");
    /* A token that was bound later than the revocation stands again, although its signature dates from
     * before. */
    if (jwt_ended(tx, claim, &who->client) && !(bound_to(tx, claim, &row) && str_eq(row.user, user)))
        return tx_fail(out, RESULT_INVALID_TOKEN, "The token was revoked or replaced: get a new one");
    who->user = user;
    who->expires_ms = claim->expires_ms;
    return RESULT_OK;
}

static enum result resolve_bound(struct core_tx *tx, const struct principal_claim *claim,
                                 struct principal *who, struct outcome *out)
{
    struct token_row row;

    if (!store_token_get(tx->conn, tx->app_id, claim->hash, &row)) {
        if (claim->why != NULL)
            return tx_fail(out, RESULT_INVALID_TOKEN, "The token is not valid: %s", claim->why);
        return tx_fail(out, RESULT_INVALID_TOKEN, "The token is not valid: it is unknown or was revoked");
    }
    if (row.expires_ms != 0 && row.expires_ms <= tx->now_ms)
        return tx_fail(out, RESULT_INVALID_TOKEN, "The token has expired: get a new one");
    if (!store_client_get(tx->conn, tx->app_id, row.user, &who->client))
        return tx_fail(out, RESULT_INVALID_TOKEN,
                       "The token's user does not exist in this app: create it with POST /admin/clients");
    who->user = row.user;
    who->expires_ms = row.expires_ms;
    return RESULT_OK;
}

enum result principal_resolve(struct core_tx *tx, const struct principal_claim *claim, struct principal *who,
                              struct outcome *out)
{
    memset(who, 0, sizeof(*who));
    who->kind = claim->kind;
    if (claim->kind == PRINCIPAL_PLATFORM)
        return RESULT_OK;
    if (claim->token == PRINCIPAL_TOKEN_JWT)
        return resolve_jwt(tx, claim, who, out);
    return resolve_bound(tx, claim, who, out);
}
