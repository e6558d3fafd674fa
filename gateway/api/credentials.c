#include "api/credentials.h"

#include "auth/digest.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/text.h"

#include <stdio.h>

#define GENERATION_PREFIX "r1."
#define EXP_MAX_S (CLOCK_MS_MAX / 1000) /* a later end is none: ms of it might not fit */

__attribute__((format(printf, 4, 5))) static enum result refuse(enum result rc, char *err, size_t n,
                                                                const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(err, n, format, args);
    va_end(args);
    return rc;
}

/* The generation in the jti of a token that this server issued ("r1.<generation>.<random>"); -1 for any
 * other. */
static int64_t generation_of(const char *jti)
{
    const size_t prefix = sizeof(GENERATION_PREFIX) - 1;
    const char *dot;
    int64_t generation;

    if (strncmp(jti, GENERATION_PREFIX, prefix) != 0)
        return -1;
    dot = strchr(jti + prefix, '.');
    if (dot == NULL || !text_parse_int(jti + prefix, (size_t)(dot - jti) - prefix, 0, INT64_MAX, &generation))
        return -1;
    return generation;
}

static struct str without_bearer(struct str s)
{
    if (s.n > 7 && text_is_nocase(s.p, 7, "bearer ")) {
        s.p += 7;
        s.n -= 7;
        while (s.n > 0 && *s.p == ' ') {
            s.p++;
            s.n--;
        }
    }
    return s;
}

enum result credentials_client(const struct config *config, struct str client_key, struct str token,
                               int64_t now_ms, struct principal_claim *out, const struct config_app **app,
                               char *err, size_t n)
{
    struct jwt_claims claims;
    const struct config_app *found;

    if (str_empty(client_key))
        return refuse(
            RESULT_INVALID_AUTH, err, n,
            "No usable credentials: send IM-API-KEY, or IM-CLIENT-KEY together with IM-Authorization");
    found = config_find_app_by_client_key(config, client_key.p, client_key.n);
    if (found == NULL)
        return refuse(RESULT_INVALID_CLIENT_KEY, err, n, "The client key is unknown: check IM-CLIENT-KEY");
    if (str_empty(token))
        return refuse(RESULT_INVALID_AUTH, err, n, "The token is missing: send it as IM-Authorization");
    token = without_bearer(token);
    if (token.n > JWT_TOKEN_MAX)
        return refuse(RESULT_INVALID_TOKEN, err, n, "The token is longer than %d bytes", JWT_TOKEN_MAX);
    *out =
        (struct principal_claim){.kind = PRINCIPAL_CLIENT, .token = PRINCIPAL_TOKEN_BOUND, .generation = -1};
    if (!digest_sha256(token.p, token.n, out->hash))
        return refuse(RESULT_INTERNAL, err, n, "The token could not be checked: the crypto library failed");
    *app = found;
    if (!jwt_looks_like(token.p, token.n))
        return RESULT_OK;
    /* A token of three parts that the app's keys do not confirm may still be one that the app bound as it is.
     */
    if (found->token_keys == NULL ||
        !keys_verify(config, found, token.p, token.n, now_ms, &claims, &out->why))
        return RESULT_OK;
    out->token = PRINCIPAL_TOKEN_JWT;
    out->why = NULL;
    (void)snprintf(out->user, sizeof(out->user), "%s", claims.sub);
    out->issued_s = claims.iat;
    out->expires_ms = claims.exp > EXP_MAX_S ? 0 : claims.exp * 1000;
    out->generation = generation_of(claims.jti);
    return RESULT_OK;
}

enum result credentials_request(const struct config *config, const struct api_request *request,
                                int64_t now_ms, struct principal_claim *out, const struct config_app **app,
                                char *err, size_t n)
{
    struct str token = request->im_authorization;

    if (!str_empty(request->im_api_key)) {
        const struct config_app *found =
            config_find_app_by_api_key(config, request->im_api_key.p, request->im_api_key.n);

        if (found == NULL)
            return refuse(RESULT_INVALID_API_KEY, err, n, "The platform key is wrong: check IM-API-KEY");
        *out = (struct principal_claim){.kind = PRINCIPAL_PLATFORM, .generation = -1};
        *app = found;
        return RESULT_OK;
    }
    if (str_empty(token))
        token = request->authorization;
    return credentials_client(config, request->im_client_key, token, now_ms, out, app, err, n);
}
