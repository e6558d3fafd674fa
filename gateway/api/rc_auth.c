#include "api/rc.h"

#include "api/rc_replay.h"
#include "auth/rc_sign.h"

#include <inttypes.h>

static enum rc_sign_result check(const struct config_app *app, const struct rc_sign *sign, int64_t now_ms)
{
    return rc_sign_check(app->app_secret, strlen(app->app_secret), sign, now_ms, app->signature_max_skew);
}

/* Who holds another app's secret may be told that it is another app's. */
static bool fits_another(const struct config *config, const struct config_app *app, const struct rc_sign *sign, int64_t now_ms)
{
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *other = &config->apps[i];

        if (other != app && other->app_secret != NULL && check(other, sign, now_ms) != RC_SIGN_WRONG)
            return true;
    }
    return false;
}

static bool check_signature(struct api_call *call, const struct api_request *r)
{
    const struct rc_sign sign = {r->rc_nonce.p,   r->rc_timestamp.p,   r->rc_signature.p,
                                 r->rc_nonce.n,   r->rc_timestamp.n,   r->rc_signature.n};
    const int64_t now_ms = call->thread->now_ms();

    switch (check(call->app, &sign, now_ms)) {
    case RC_SIGN_OK:
        return true;
    case RC_SIGN_MALFORMED:
        return rc_refuse(call, RC_BAD_SIGNATURE,
                         "%s: send Nonce (1 to %d characters), Timestamp (seconds or ms) and Signature (40 hex digits)",
                         str_empty(r->rc_nonce) || r->rc_nonce.n > RC_SIGN_NONCE_MAX ? "Nonce"
                         : str_empty(r->rc_signature)                              ? "Signature"
                         : r->rc_signature.n != RC_SIGN_SIZE - 1                   ? "Signature"
                                                                                   : "Timestamp",
                         RC_SIGN_NONCE_MAX);
    case RC_SIGN_SKEWED:
        return rc_refuse(call, RC_BAD_SIGNATURE, "Timestamp is off by more than %" PRId64 " s: check the clock, and sign each call anew",
                         call->app->signature_max_skew);
    case RC_SIGN_WRONG:
        break;
    }
    if (fits_another(call->config, call->app, &sign, now_ms))
        return rc_refuse(call, RC_WRONG_SECRET, "The secret does not belong to this App-Key: it is another app's");
    return rc_refuse(call, RC_BAD_SIGNATURE, "Signature is wrong: it is the hex SHA-1 of app secret, Nonce and Timestamp");
}

bool rc_auth(struct api_call *call, const struct api_request *r)
{
    if (str_empty(r->rc_app_key))
        return rc_refuse(call, RC_PARAMETER, "App-Key is missing: send it as App-Key or RC-App-Key");
    call->app = config_find_app_by_app_key(call->config, r->rc_app_key.p, r->rc_app_key.n);
    if (call->app == NULL)
        return rc_refuse(call, RC_PARAMETER, "App-Key is unknown: check app_key in the server's settings");
    if (!check_signature(call, r))
        return false;
    if (call->app->locked)
        return rc_refuse(call, RC_LOCKED, "The app is locked");
    if (call->app->signature_reject_replay && rc_replay_used(call->thread->gateway->replay, r->rc_signature))
        return rc_refuse(call, RC_BAD_SIGNATURE, "Nonce was used already: sign each call with a new one");
    call->claim = (struct principal_claim){.kind = PRINCIPAL_PLATFORM, .generation = -1};
    return true;
}
