#include "auth/jwt.h"

#include "auth/jwt_keys.h"
#include "base/text.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PART_MAX (JWT_TOKEN_MAX * 3 / 4 + 4) /* bytes that a part decodes to */
#define TIME_MAX INT64_C(253402300799)       /* the last second of the year 9999 */

/* A token's three parts, still encoded. */
struct parts {
    const char *header, *payload, *signature;
    size_t header_len, payload_len, signature_len;
    size_t signed_len; /* of header, dot and payload, which is what was signed */
};

static bool refuse(const char **why, const char *text)
{
    if (why != NULL) {
        *why = text;
    }
    return false;
}

static size_t count_dots(const char *token, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len; i++) {
        n += token[i] == '.' ? 1 : 0;
    }
    return n;
}

bool jwt_looks_like(const char *token, size_t len)
{
    return count_dots(token, len) == 2;
}

static bool split(const char *token, size_t len, struct parts *p, const char **why)
{
    if (len == 0) {
        return refuse(why, "the token is empty");
    }
    if (len > JWT_TOKEN_MAX) {
        return refuse(why, "the token is longer than 4096 bytes");
    }
    if (count_dots(token, len) != 2) {
        return refuse(why, "the token is not three parts with dots between");
    }
    const char *first = memchr(token, '.', len);
    const char *second = memchr(first + 1, '.', len - (size_t)(first + 1 - token));
    p->header = token;
    p->header_len = (size_t)(first - token);
    p->payload = first + 1;
    p->payload_len = (size_t)(second - first - 1);
    p->signature = second + 1;
    p->signed_len = (size_t)(second - token);
    p->signature_len = len - p->signed_len - 1;
    if (p->header_len == 0 || p->payload_len == 0) {
        return refuse(why, "a part of the token is empty");
    }
    if (p->signature_len == 0) {
        return refuse(why, "the token is not signed");
    }
    return true;
}

/* A part as a JSON object; NULL if it is none. */
static json_t *decode_object(const char *part, size_t len)
{
    char text[PART_MAX];
    size_t n;
    if (!text_base64url_decode(part, len, text, &n)) {
        return NULL;
    }
    json_t *object = json_loadb(text, n, JSON_REJECT_DUPLICATES, NULL);
    if (!json_is_object(object)) {
        json_decref(object);
        return NULL;
    }
    return object;
}

/* The algorithm that the header names, if it is one of ours and there is a key for it. */
static bool read_header(const struct jwt_keys *keys, const struct parts *p, enum jwt_keys_alg *alg,
                        const char **why)
{
    static const char *const names[] = {"HS256", "RS256", "ES256", "EdDSA"};
    static const char usual[] = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"; /* {"alg":"HS256","typ":"JWT"}: need not be parsed */
    if (p->header_len == sizeof usual - 1 && memcmp(p->header, usual, sizeof usual - 1) == 0 && jwt_keys_has(keys, JWT_KEYS_HS256)) {
        *alg = JWT_KEYS_HS256;
        return true;
    }
    json_t *header = decode_object(p->header, p->header_len);
    if (header == NULL) {
        return refuse(why, "the token's header is not base64url of a JSON object");
    }
    const json_t *name = json_object_get(header, "alg");
    bool critical = json_object_get(header, "crit") != NULL;
    bool found = false;
    for (unsigned i = 0; i < sizeof names / sizeof names[0] && json_is_string(name); i++) {
        if (text_is(json_string_value(name), json_string_length(name), names[i])) {
            *alg = (enum jwt_keys_alg)i;
            found = true;
        }
    }
    json_decref(header);
    if (critical) {
        return refuse(why, "the token's header demands extensions (crit) that are not known here");
    }
    if (!found) {
        return refuse(why, "the token's algorithm is not HS256, RS256, ES256 or EdDSA");
    }
    if (!jwt_keys_has(keys, *alg)) {
        return refuse(why, "the token's algorithm is not the one of this app's key");
    }
    return true;
}

/* A claim of text, up to `max` bytes; "" if absent. */
static bool read_text(const json_t *payload, const char *name, char *out, size_t max)
{
    const json_t *v = json_object_get(payload, name);
    out[0] = '\0';
    if (v == NULL) {
        return true;
    }
    size_t len = json_string_length(v);
    if (!json_is_string(v) || len > max || memchr(json_string_value(v), '\0', len) != NULL) {
        return false;
    }
    memcpy(out, json_string_value(v), len + 1);
    return true;
}

/* A claim of time in seconds; fractions are dropped. */
static bool read_time(const json_t *payload, const char *name, int64_t *out, bool *present)
{
    const json_t *v = json_object_get(payload, name);
    *out = 0;
    *present = v != NULL;
    if (v == NULL) {
        return true;
    }
    double d = json_number_value(v);
    if (!json_is_number(v) || !isfinite(d) || d < 0 || d > (double)TIME_MAX) {
        return false;
    }
    *out = json_is_integer(v) ? (int64_t)json_integer_value(v) : (int64_t)d;
    return true;
}

static bool check_times(const json_t *payload, const struct jwt_check *check, struct jwt_claims *c,
                        const char **why)
{
    bool has_exp;
    bool has_nbf;
    bool has_iat;
    if (!read_time(payload, "exp", &c->exp, &has_exp) || !read_time(payload, "nbf", &c->nbf, &has_nbf) ||
        !read_time(payload, "iat", &c->iat, &has_iat)) {
        return refuse(why, "exp, nbf and iat of the token must be seconds since 1970");
    }
    if (!has_exp) {
        return refuse(why, "the token has no exp: tokens without an end are not accepted");
    }
    /* exp is strict: a connection is closed at that very time, so a token past it must not open another one.
     */
    if (check->now_ms >= c->exp * 1000) {
        return refuse(why, "the token has expired");
    }
    int64_t latest_ms = check->now_ms + JWT_LEEWAY * 1000;
    if (has_nbf && c->nbf * 1000 > latest_ms) {
        return refuse(why, "the token is not valid yet (nbf)");
    }
    if (has_iat && c->iat * 1000 > latest_ms) {
        return refuse(why, "the token was issued in the future (iat)");
    }
    return true;
}

static bool check_claims(const json_t *payload, const struct jwt_check *check, struct jwt_claims *c,
                         const char **why)
{
    if (!check_times(payload, check, c, why)) {
        return false;
    }
    if (!read_text(payload, "app", c->app, JWT_APP_MAX) || !read_text(payload, "jti", c->jti, JWT_JTI_MAX)) {
        return refuse(why, "app or jti of the token is no text of at most 128 bytes");
    }
    if (!read_text(payload, "sub", c->sub, JWT_SUB_MAX) || !text_user_valid(c->sub, strlen(c->sub))) {
        return refuse(why, "sub of the token is no user id: 1 to 64 bytes without control characters");
    }
    bool named = json_object_get(payload, "app") != NULL;
    if (check->app != NULL && named && strcmp(c->app, check->app) != 0) {
        return refuse(why, "the token is for another app");
    }
    return true;
}

bool jwt_verify(const struct jwt_keys *keys, const char *token, size_t len, const struct jwt_check *check,
                struct jwt_claims *claims, const char **why)
{
    struct parts p;
    enum jwt_keys_alg alg;
    unsigned char signature[PART_MAX];
    size_t signature_len;
    if (!split(token, len, &p, why) || !read_header(keys, &p, &alg, why)) {
        return false;
    }
    if (!text_base64url_decode(p.signature, p.signature_len, signature, &signature_len)) {
        return refuse(why, "the token's signature is not base64url");
    }
    if (!jwt_keys_check(keys, alg, token, p.signed_len, signature, signature_len)) {
        return refuse(why, "the token's signature is wrong");
    }
    /* Only now is the payload worth a look: it comes from someone who has the key. */
    json_t *payload = decode_object(p.payload, p.payload_len);
    if (payload == NULL) {
        return refuse(why, "the token's payload is not base64url of a JSON object");
    }
    bool ok = check_claims(payload, check, claims, why);
    json_decref(payload);
    return ok;
}

/* The payload as text for free(); NULL without memory. */
static char *payload_text(const struct jwt_claims *c)
{
    char *text = NULL;
    json_t *o = json_object();
    int rc = json_object_set_new(o, "sub", json_string(c->sub));
    rc |= json_object_set_new(o, "app", json_string(c->app));
    rc |= json_object_set_new(o, "iat", json_integer(c->iat));
    rc |= json_object_set_new(o, "exp", json_integer(c->exp));
    if (c->nbf != 0) {
        rc |= json_object_set_new(o, "nbf", json_integer(c->nbf));
    }
    if (c->jti[0] != '\0') {
        rc |= json_object_set_new(o, "jti", json_string(c->jti));
    }
    if (rc == 0) {
        text = json_dumps(o, JSON_COMPACT);
    }
    json_decref(o);
    return text;
}

char *jwt_issue(const struct jwt_keys *keys, const struct jwt_claims *claims)
{
    static const char header[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";
    unsigned char mac[32];
    char *token = NULL;
    if (!jwt_keys_has(keys, JWT_KEYS_HS256)) {
        return NULL;
    }
    char *payload = payload_text(claims);
    if (payload == NULL) {
        return NULL;
    }
    size_t payload_len = strlen(payload);
    size_t need = TEXT_BASE64URL_SIZE(sizeof header - 1) + TEXT_BASE64URL_SIZE(payload_len) +
                  TEXT_BASE64URL_SIZE(sizeof mac);
    if (need > JWT_TOKEN_MAX) {
        goto out;
    }
    token = malloc(need);
    if (token == NULL) {
        goto out;
    }
    size_t n = text_base64url(header, sizeof header - 1, token);
    token[n++] = '.';
    n += text_base64url(payload, payload_len, token + n);
    if (!jwt_keys_mac(keys, token, n, mac)) {
        free(token);
        token = NULL;
        goto out;
    }
    token[n++] = '.';
    (void)text_base64url(mac, sizeof mac, token + n);
out:
    free(payload);
    return token;
}
