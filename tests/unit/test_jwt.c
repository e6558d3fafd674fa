/* Tokens: what is accepted, and every way around the signature that is known. */
#include "auth/keys.h"
#include "base/text.h"

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define SECRET "demo-token-secret"
#define NOW INT64_C(1700000000) /* seconds */
#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD "{\"sub\":\"ann\",\"app\":\"A\",\"iat\":1700000000,\"exp\":1700000100,\"jti\":\"r1.0.x\"}"

/* A key pair of each kind, and the text of its public half. */
struct pair {
    EVP_PKEY *key;
    char *pem;
    size_t pem_len;
};
static struct pair rsa;
static struct pair ec;
static struct pair ed;
static struct jwt_keys *hmac_keys;

static struct pair pair_of(EVP_PKEY *key)
{
    struct pair pair = {.key = key};
    char *text;
    BIO *bio = BIO_new(BIO_s_mem());
    assert_non_null(key);
    assert_int_equal(PEM_write_bio_PUBKEY(bio, key), 1);
    pair.pem_len = (size_t)BIO_get_mem_data(bio, &text);
    pair.pem = strndup(text, pair.pem_len);
    BIO_free(bio);
    return pair;
}

static int make_keys(void **state)
{
    (void)state;
    const char *why;
    rsa = pair_of(EVP_RSA_gen(2048));
    ec = pair_of(EVP_EC_gen("P-256"));
    ed = pair_of(EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"));
    hmac_keys = jwt_keys_create(SECRET, strlen(SECRET), NULL, 0, &why);
    return hmac_keys == NULL;
}

static int free_keys(void **state)
{
    (void)state;
    struct pair *pairs[] = {&rsa, &ec, &ed};
    for (size_t i = 0; i < 3; i++) {
        EVP_PKEY_free(pairs[i]->key);
        free(pairs[i]->pem);
    }
    jwt_keys_free(hmac_keys);
    return 0;
}

/* "header.payload" of two JSON texts; the caller frees. */
static char *unsigned_token(const char *header, const char *payload)
{
    size_t h = strlen(header);
    size_t p = strlen(payload);
    char *out = malloc(TEXT_BASE64URL_SIZE(h) + TEXT_BASE64URL_SIZE(p) + 800);
    assert_non_null(out);
    size_t n = text_base64url(header, h, out);
    out[n++] = '.';
    (void)text_base64url(payload, p, out + n);
    return out;
}

static void append(char *token, const unsigned char *signature, size_t len)
{
    size_t n = strlen(token);
    token[n++] = '.';
    (void)text_base64url(signature, len, token + n);
}

static char *hmac_token(const char *secret, size_t secret_len, const char *header, const char *payload)
{
    unsigned char mac[32];
    unsigned n = 0;
    char *token = unsigned_token(header, payload);
    assert_non_null(
        HMAC(EVP_sha256(), secret, (int)secret_len, (unsigned char *)token, strlen(token), mac, &n));
    append(token, mac, n);
    return token;
}

static char *signed_token(const struct pair *pair, const char *header, const char *payload)
{
    unsigned char signature[512];
    size_t n = sizeof signature;
    char *token = unsigned_token(header, payload);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_ed = pair == &ed;
    assert_int_equal(EVP_DigestSignInit(ctx, NULL, is_ed ? NULL : EVP_sha256(), NULL, pair->key), 1);
    assert_int_equal(EVP_DigestSign(ctx, signature, &n, (unsigned char *)token, strlen(token)), 1);
    EVP_MD_CTX_free(ctx);
    if (pair == &ec) {
        const unsigned char *p = signature;
        ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)n);
        assert_non_null(sig);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(sig), signature + 128, 32), 32);
        assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(sig), signature + 160, 32), 32);
        ECDSA_SIG_free(sig);
        append(token, signature + 128, 64);
    } else {
        append(token, signature, n);
    }
    return token;
}

/* The reason of a refusal, NULL if accepted. Frees the token. */
static const char *try_at(const struct jwt_keys *keys, char *token, int64_t now_ms, struct jwt_claims *claims)
{
    struct jwt_check check = {.app = "A", .now_ms = now_ms};
    const char *why = "no reason";
    bool ok = jwt_verify(keys, token, strlen(token), &check, claims, &why);
    free(token);
    return ok ? NULL : why;
}

static const char *try(const struct jwt_keys *keys, char *token)
{
    struct jwt_claims claims;
    return try_at(keys, token, NOW * 1000, &claims);
}

static const char *try_payload(const char *payload)
{
    return try(hmac_keys, hmac_token(SECRET, strlen(SECRET), HS256, payload));
}

static void says(const char *why, const char *expected)
{
    if (why == NULL || strstr(why, expected) == NULL) {
        fail_msg("wanted: %s, got: %s", expected, why != NULL ? why : "acceptance");
    }
}

static void issued_tokens_are_accepted(void **state)
{
    (void)state;
    struct jwt_claims in = {.sub = "ann", .app = "A", .jti = "r1.3.abc", .iat = NOW, .exp = NOW + 60};
    struct jwt_claims out;
    char *token = jwt_issue(hmac_keys, &in);
    assert_non_null(token);
    assert_true(jwt_looks_like(token, strlen(token)));
    assert_null(try_at(hmac_keys, token, NOW * 1000, &out));
    assert_string_equal(out.sub, "ann");
    assert_string_equal(out.app, "A");
    assert_string_equal(out.jti, "r1.3.abc");
    assert_int_equal(out.iat, NOW);
    assert_int_equal(out.exp, NOW + 60);
    assert_int_equal(out.nbf, 0);
    assert_false(jwt_looks_like("opaque", 6));
}

/* The example of RFC 7515, A.1: made by others, so that a fault of both our halves would show. */
static void a_token_made_elsewhere(void **state)
{
    (void)state;
    static const char key64[] =
        "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
    static const char token[] =
        "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
        "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ."
        "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    char key[80];
    size_t n;
    const char *why;
    assert_true(text_base64url_decode(key64, strlen(key64), key, &n));
    struct jwt_keys *keys = jwt_keys_create(key, n, NULL, 0, &why);
    struct jwt_claims claims;
    /* Right signature and time; it only lacks a sub. */
    says(try_at(keys, strdup(token), INT64_C(1300819379000), &claims), "sub of the token is no user id");
    says(try_at(keys, strdup(token), INT64_C(1300819380000), &claims), "expired");
    jwt_keys_free(keys);
}

static void public_keys_of_three_kinds(void **state)
{
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"RS256\"}", "{\"alg\":\"ES256\"}",
                                          "{\"alg\":\"EdDSA\"}"};
    const struct pair *pairs[] = {&rsa, &ec, &ed};
    const char *why = "";
    for (size_t i = 0; i < 3; i++) {
        struct jwt_keys *keys = jwt_keys_create(NULL, 0, pairs[i]->pem, pairs[i]->pem_len, &why);
        assert_non_null(keys);
        assert_null(try(keys, signed_token(pairs[i], headers[i], GOOD)));
        char *token = signed_token(pairs[i], headers[i], GOOD);
        char *last = strchr(token, '.') + 3;
        *last = *last == 'x' ? 'y' : 'x';
        says(try(keys, token), "signature is wrong");
        /* A signature of another kind of key, under each name. */
        for (size_t j = 0; j < 3; j++) {
            if (i == j) {
                continue;
            }
            says(try(keys, signed_token(pairs[j], headers[i], GOOD)), "signature is wrong");
            says(try(keys, signed_token(pairs[j], headers[j], GOOD)), "not the one of this app's key");
        }
        struct jwt_claims claims = {.sub = "ann", .exp = NOW + 5};
        assert_null(jwt_issue(keys, &claims));
        jwt_keys_free(keys);
    }
}

static void algorithm_none(void **state)
{
    (void)state;
    static const char *const headers[] = {"{\"alg\":\"none\"}",
                                          "{\"alg\":\"None\"}",
                                          "{\"alg\":\"nOnE\"}",
                                          "{\"alg\":\"\"}",
                                          "{}",
                                          "{\"alg\":null}",
                                          "{\"alg\":[\"HS256\"]}",
                                          "{\"alg\":\"hs256\"}",
                                          "{\"alg\":\"HS256 \"}",
                                          "{\"alg\":\"HS512\"}"};
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
        char *bare = unsigned_token(headers[i], GOOD);
        bare[strlen(bare) + 1] = '\0';
        bare[strlen(bare)] = '.';
        says(try(hmac_keys, bare), "not signed");
        says(try(hmac_keys, hmac_token(SECRET, strlen(SECRET), headers[i], GOOD)), "algorithm is not");
    }
}

/* The public key is public: used as an HMAC secret it must open nothing. */
static void algorithm_confusion(void **state)
{
    (void)state;
    const struct pair *pairs[] = {&rsa, &ec, &ed};
    const char *why = "";
    for (size_t i = 0; i < 3; i++) {
        struct jwt_keys *alone = jwt_keys_create(NULL, 0, pairs[i]->pem, pairs[i]->pem_len, &why);
        struct jwt_keys *both =
            jwt_keys_create(SECRET, strlen(SECRET), pairs[i]->pem, pairs[i]->pem_len, &why);
        says(try(alone, hmac_token(pairs[i]->pem, pairs[i]->pem_len, HS256, GOOD)),
             "not the one of this app's key");
        says(try(both, hmac_token(pairs[i]->pem, pairs[i]->pem_len, HS256, GOOD)), "signature is wrong");
        assert_null(try(both, hmac_token(SECRET, strlen(SECRET), HS256, GOOD)));
        jwt_keys_free(alone);
        jwt_keys_free(both);
    }
    says(try(hmac_keys, hmac_token("", 0, HS256, GOOD)), "signature is wrong");
    says(try(hmac_keys, hmac_token(SECRET, strlen(SECRET),
                                   "{\"alg\":\"HS256\",\"crit\":[\"b64\"],\"b64\":false}", GOOD)),
         "crit");
    says(try(hmac_keys, hmac_token(SECRET, strlen(SECRET), "{\"alg\":\"none\",\"alg\":\"HS256\"}", GOOD)),
         "header is not");
}

/* Every prefix, every altered character, an extra dot anywhere: nothing but the token itself passes. */
static void no_altered_token_passes(void **state)
{
    (void)state;
    char *good = hmac_token(SECRET, strlen(SECRET), HS256, GOOD);
    size_t len = strlen(good);
    for (size_t i = 0; i < len; i++) {
        assert_non_null(try(hmac_keys, strndup(good, i)));
        char *other = strdup(good);
        other[i] = other[i] == 'A' ? 'B' : 'A';
        assert_non_null(try(hmac_keys, other));
        char *dotted = malloc(len + 2);
        memcpy(dotted, good, i);
        dotted[i] = '.';
        memcpy(dotted + i + 1, good + i, len - i + 1);
        assert_non_null(try(hmac_keys, dotted));
    }
    static const char *const tails[] = {".", "=", "A", " ", "\n", "..", ".x"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        char *longer = malloc(len + 4);
        (void)snprintf(longer, len + 4, "%s%s", good, tails[i]);
        assert_non_null(try(hmac_keys, longer));
    }
    assert_null(try(hmac_keys, good));
}

static void broken_forms(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", ".", "..", "...", "a.b.c", "....", "a..c", ".b.c", "{}.{}.{}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_non_null(try(hmac_keys, strdup(wrong[i])));
    }
    char *huge = malloc(JWT_TOKEN_MAX + 2);
    memset(huge, 'A', JWT_TOKEN_MAX + 1);
    huge[JWT_TOKEN_MAX + 1] = '\0';
    huge[10] = huge[20] = '.';
    says(try(hmac_keys, huge), "longer than 4096");
    /* As large as allowed, rightly signed. */
    char payload[3000];
    int n = snprintf(payload, sizeof payload, "{\"sub\":\"ann\",\"exp\":%lld,\"pad\":\"", (long long)NOW + 9);
    memset(payload + n, 'x', sizeof payload - (size_t)n);
    memcpy(payload + sizeof payload - 3, "\"}", 3);
    assert_null(try_payload(payload));
    static const char *const payloads[] = {
        "", "[]", "null", "{\"sub\":\"ann\"", "\xFF", "{\"sub\":\"ann\",\"sub\":\"ben\"}"};
    for (size_t i = 1; i < sizeof payloads / sizeof payloads[0]; i++) {
        says(try_payload(payloads[i]), "payload is not");
    }
    says(try_payload(""), "a part of the token is empty");
}

static void times(void **state)
{
    (void)state;
    struct jwt_claims c;
    char text[160];
    char *token = hmac_token(SECRET, strlen(SECRET), HS256, GOOD);
    assert_null(try_at(hmac_keys, strdup(token), (NOW + 100) * 1000 - 1, &c));
    says(try_at(hmac_keys, strdup(token), (NOW + 100) * 1000, &c), "has expired");
    says(try_at(hmac_keys, strdup(token), (NOW - 61) * 1000, &c), "issued in the future");
    assert_null(try_at(hmac_keys, token, (NOW - 60) * 1000, &c));
    (void)snprintf(text, sizeof text, "{\"sub\":\"a\",\"exp\":%lld.5,\"nbf\":%lld}", (long long)NOW + 500,
                   (long long)NOW + 60);
    assert_null(try_payload(text));
    (void)snprintf(text, sizeof text, "{\"sub\":\"a\",\"exp\":%lld,\"nbf\":%lld}", (long long)NOW + 500,
                   (long long)NOW + 61);
    says(try_payload(text), "not valid yet");
    says(try_payload("{\"sub\":\"ann\"}"), "has no exp");
    static const char *const exps[] = {"\"1800000000\"",      "null", "true", "-1", "1e300",
                                       "9223372036854775807", "{}"};
    for (size_t i = 0; i < sizeof exps / sizeof exps[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"sub\":\"a\",\"exp\":%s}", exps[i]);
        says(try_payload(text), "must be seconds since 1970");
    }
    says(try_payload("{\"sub\":\"a\",\"exp\":1e999}"), "payload is not");
}

static void users_and_apps(void **state)
{
    (void)state;
    says(try_payload("{\"sub\":\"ann\",\"app\":\"B\",\"exp\":1800000000}"), "for another app");
    says(try_payload("{\"sub\":\"ann\",\"app\":\"\",\"exp\":1800000000}"), "for another app");
    says(try_payload("{\"sub\":\"ann\",\"app\":\"a\",\"exp\":1800000000}"), "for another app");
    says(try_payload("{\"sub\":\"ann\",\"app\":7,\"exp\":1800000000}"), "app or jti");
    assert_null(try_payload("{\"sub\":\"ann\",\"exp\":1800000000}"));
    static const char *const subs[] = {
        "\"\"",          "7",
        "null",          "[\"ann\"]",
        "\"a\\u0007b\"", "\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\""};
    char text[200];
    for (size_t i = 0; i < sizeof subs / sizeof subs[0]; i++) {
        (void)snprintf(text, sizeof text, "{\"sub\":%s,\"exp\":1800000000}", subs[i]);
        says(try_payload(text), "sub of the token");
    }
    says(try_payload("{\"exp\":1800000000}"), "sub of the token");
    says(try_payload("{\"sub\":\"a\\u0000b\",\"exp\":1800000000}"), "payload is not");
}

static void keys_that_are_refused(void **state)
{
    (void)state;
    const char *why = NULL;
    static const char text[] = "-----BEGIN PUBLIC KEY-----\nnonsense\n-----END PUBLIC KEY-----\n";
    assert_null(jwt_keys_create(NULL, 0, text, sizeof text - 1, &why));
    says(why, "no public key in PEM form");
    assert_null(jwt_keys_create(NULL, 0, NULL, 0, &why));
    says(why, "neither");
    assert_null(jwt_keys_create("", 0, NULL, 0, &why));
    struct pair weak = pair_of(EVP_RSA_gen(1024));
    struct pair other = pair_of(EVP_EC_gen("P-384"));
    assert_null(jwt_keys_create(NULL, 0, weak.pem, weak.pem_len, &why));
    says(why, "fewer than 2048");
    assert_null(jwt_keys_create(NULL, 0, other.pem, other.pem_len, &why));
    says(why, "P-256");
    EVP_PKEY_free(weak.key);
    EVP_PKEY_free(other.key);
    free(weak.pem);
    free(other.pem);
    jwt_keys_free(NULL);
}

/* Two apps with one secret: a token must say which app it is for. */
static void apps_of_a_configuration(void **state)
{
    (void)state;
    struct config_error err;
    struct config *c = NULL;
    char pem_path[] = "/tmp/recalld-jwt-XXXXXX";
    char ini_path[] = "/tmp/recalld-jwt-XXXXXX";
    int pem = mkstemp(pem_path);
    int ini = mkstemp(ini_path);
    assert_true(pem >= 0 && ini >= 0);
    assert_int_equal(write(pem, ed.pem, ed.pem_len), ed.pem_len);
    assert_true(
        dprintf(
            ini,
            "[app A]\nclient_key=ca\napi_key=aa\ntoken_secret=" SECRET "\n"
            "[app B]\nclient_key=cb\napi_key=ab\ntoken_secret=" SECRET "\n"
            "[app C]\nclient_key=cc\napi_key=ac\ntoken_public_key=%s\n[app D]\nclient_key=cd\napi_key=ad\n",
            pem_path) > 0);
    c = config_load(ini_path, false, NULL, &err);
    assert_non_null(c);
    assert_true(keys_attach(c, &err));
    char *named = hmac_token(SECRET, strlen(SECRET), HS256, GOOD);
    char *nameless = hmac_token(SECRET, strlen(SECRET), HS256, "{\"sub\":\"ann\",\"exp\":1800000000}");
    char *its_own = signed_token(&ed, "{\"alg\":\"EdDSA\"}", "{\"sub\":\"ann\",\"exp\":1800000000}");
    struct jwt_claims claims;
    const char *why = NULL;
    assert_true(keys_verify(c, &c->apps[0], named, strlen(named), NOW * 1000, &claims, &why));
    assert_false(keys_verify(c, &c->apps[1], named, strlen(named), NOW * 1000, &claims, &why));
    says(why, "for another app");
    assert_false(keys_verify(c, &c->apps[0], nameless, strlen(nameless), NOW * 1000, &claims, &why));
    says(why, "names no app");
    assert_true(keys_verify(c, &c->apps[2], its_own, strlen(its_own), NOW * 1000, &claims, NULL));
    assert_false(keys_verify(c, &c->apps[0], its_own, strlen(its_own), NOW * 1000, &claims, NULL));
    assert_false(keys_verify(c, &c->apps[3], named, strlen(named), NOW * 1000, &claims, &why));
    says(why, "no key for tokens");
    config_unref(c);
    (void)unlink(pem_path);
    c = config_load(ini_path, false, NULL, &err);
    assert_non_null(c);
    assert_false(keys_attach(c, &err));
    assert_non_null(strstr(err.text, "[app C] token_public_key: /tmp/recalld-jwt-"));
    assert_non_null(strstr(err.text, "No such file"));
    config_unref(c);
    (void)unlink(ini_path);
    (void)close(pem);
    (void)close(ini);
    free(named);
    free(nameless);
    free(its_own);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(issued_tokens_are_accepted),
        cmocka_unit_test(a_token_made_elsewhere),
        cmocka_unit_test(public_keys_of_three_kinds),
        cmocka_unit_test(algorithm_none),
        cmocka_unit_test(algorithm_confusion),
        cmocka_unit_test(no_altered_token_passes),
        cmocka_unit_test(broken_forms),
        cmocka_unit_test(times),
        cmocka_unit_test(users_and_apps),
        cmocka_unit_test(keys_that_are_refused),
        cmocka_unit_test(apps_of_a_configuration),
    };
    return cmocka_run_group_tests(tests, make_keys, free_keys);
}
