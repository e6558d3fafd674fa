/* From headers to a claim: which of the four refusals, and what a claim says. */
#include "api/credentials.h"
#include "auth/digest.h"
#include "auth/keys.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW_S INT64_C(1714557600)

static struct config *config;

static int make_config(void **state)
{
    struct config_error err;

    (void)state;
    config = config_demo(NULL, &err);
    if (config == NULL || !keys_attach(config, &err)) {
        print_error("%s\n", err.text);
        return -1;
    }
    return 0;
}

static int free_config(void **state)
{
    (void)state;
    config_unref(config);
    return 0;
}

static char *token(const char *user, int64_t expires_s, const char *jti)
{
    struct jwt_claims claims = {.iat = NOW_S - 10, .exp = expires_s};
    char *text;

    (void)snprintf(claims.sub, sizeof(claims.sub), "%s", user);
    (void)snprintf(claims.app, sizeof(claims.app), "SampleApp");
    (void)snprintf(claims.jti, sizeof(claims.jti), "%s", jti);
    text = jwt_issue(config->apps[0].token_keys, &claims);
    assert_non_null(text);
    return text;
}

struct answer {
    enum result rc;
    struct principal_claim claim;
    const struct config_app *app;
    char text[200];
};

static struct answer ask(const struct api_request *request)
{
    struct answer a = {.rc = RESULT_OK};

    a.rc = credentials_request(config, request, NOW_S * 1000, &a.claim, &a.app, a.text, sizeof(a.text));
    if (a.rc != RESULT_OK)
        assert_true(strlen(a.text) > 10);
    return a;
}

static void test_nothing_given(void **state)
{
    struct api_request only_key = {.im_client_key = STR("demo-client-key")};
    struct api_request only_token = {.im_authorization = STR("some-token")};
    struct api_request nothing = {.im_api_key = STR("")};

    (void)state;
    assert_int_equal(ask(&nothing).rc, RESULT_INVALID_AUTH);
    assert_int_equal(ask(&only_key).rc, RESULT_INVALID_AUTH);
    assert_int_equal(ask(&only_token).rc, RESULT_INVALID_AUTH);
}

static void test_platform_key(void **state)
{
    struct api_request good = {.im_api_key = STR("demo-api-key")};
    struct api_request wrong = {.im_api_key = STR("demo-api-kez")};
    struct api_request client_key = {.im_api_key = STR("demo-client-key")};
    struct api_request prefix = {.im_api_key = STR("demo-api")};
    const struct answer a = ask(&good);

    (void)state;
    assert_int_equal(a.rc, RESULT_OK);
    assert_int_equal(a.claim.kind, PRINCIPAL_PLATFORM);
    assert_string_equal(a.app->name, "SampleApp");
    assert_int_equal(ask(&wrong).rc, RESULT_INVALID_API_KEY);
    assert_int_equal(ask(&client_key).rc, RESULT_INVALID_API_KEY);
    assert_int_equal(ask(&prefix).rc, RESULT_INVALID_API_KEY);
}

static void test_unknown_client_key(void **state)
{
    struct api_request r = {.im_client_key = STR("demo-api-key"), .im_authorization = STR("x")};

    (void)state;
    assert_int_equal(ask(&r).rc, RESULT_INVALID_CLIENT_KEY);
}

static void test_token_in_each_of_its_places(void **state)
{
    char *jwt = token("ann", NOW_S + 60, "r1.7.abc");
    char bearer[600];
    struct api_request places[4];

    (void)state;
    (void)snprintf(bearer, sizeof(bearer), "bearer  %s", jwt);
    for (size_t i = 0; i < 4; i++)
        places[i] = (struct api_request){.im_client_key = STR("demo-client-key")};
    places[0].im_authorization = str_c(jwt);
    places[1].authorization = str_c(jwt);
    places[2].authorization = str_c(bearer);
    places[3].im_authorization = str_c(bearer);
    for (size_t i = 0; i < 4; i++) {
        const struct answer a = ask(&places[i]);
        unsigned char hash[32];

        assert_int_equal(a.rc, RESULT_OK);
        assert_int_equal(a.claim.kind, PRINCIPAL_CLIENT);
        assert_int_equal(a.claim.token, PRINCIPAL_TOKEN_JWT);
        assert_string_equal(a.claim.user, "ann");
        assert_int_equal(a.claim.generation, 7);
        assert_int_equal(a.claim.issued_s, NOW_S - 10);
        assert_int_equal(a.claim.expires_ms, (NOW_S + 60) * 1000);
        assert_true(digest_sha256(jwt, strlen(jwt), hash));
        assert_memory_equal(a.claim.hash, hash, sizeof(hash));
    }
    free(jwt);
}

static void test_generation_is_read_from_own_tokens_alone(void **state)
{
    static const char *const foreign[] = {"",        "abc",     "r1",     "r1.", "r1.x.y",
                                          "r1.-3.y", "r1.+3.y", "r2.3.y", "r1.3"};

    (void)state;
    for (size_t i = 0; i < sizeof(foreign) / sizeof(foreign[0]); i++) {
        char *jwt = token("ann", NOW_S + 60, foreign[i]);
        struct api_request r = {.im_client_key = STR("demo-client-key"), .im_authorization = str_c(jwt)};

        if (ask(&r).claim.generation != -1)
            fail_msg("taken as an own token's: %s", foreign[i]);
        free(jwt);
    }
}

/* The database may know such a token; if it does not, the reason that was found here is told. */
static void test_other_tokens_are_left_to_the_database(void **state)
{
    char *late = token("ann", NOW_S - 1, "r1.1.a");
    char *altered = token("ann", NOW_S + 60, "r1.1.a");
    struct api_request r = {.im_client_key = STR("demo-client-key"), .im_authorization = STR("opaque-token")};
    struct answer a = ask(&r);

    (void)state;
    assert_int_equal(a.rc, RESULT_OK);
    assert_int_equal(a.claim.token, PRINCIPAL_TOKEN_BOUND);
    assert_string_equal(a.claim.user, "");
    assert_null(a.claim.why);
    r.im_authorization = str_c(late);
    a = ask(&r);
    assert_int_equal(a.claim.token, PRINCIPAL_TOKEN_BOUND);
    assert_non_null(a.claim.why);
    altered[strlen(altered) - 3] = altered[strlen(altered) - 3] == 'A' ? 'B' : 'A';
    r.im_authorization = str_c(altered);
    a = ask(&r);
    assert_int_equal(a.claim.token, PRINCIPAL_TOKEN_BOUND);
    assert_string_equal(a.claim.user, "");
    assert_non_null(a.claim.why);
    free(late);
    free(altered);
}

static void test_long_token(void **state)
{
    char text[5000];
    struct api_request r = {.im_client_key = STR("demo-client-key"), .im_authorization = {text, 4097}};

    (void)state;
    memset(text, 'a', sizeof(text));
    assert_int_equal(ask(&r).rc, RESULT_INVALID_TOKEN);
    r.im_authorization.n = 4096;
    assert_int_equal(ask(&r).rc, RESULT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_given),
        cmocka_unit_test(test_platform_key),
        cmocka_unit_test(test_unknown_client_key),
        cmocka_unit_test(test_token_in_each_of_its_places),
        cmocka_unit_test(test_generation_is_read_from_own_tokens_alone),
        cmocka_unit_test(test_other_tokens_are_left_to_the_database),
        cmocka_unit_test(test_long_token),
    };

    return cmocka_run_group_tests(tests, make_config, free_config);
}
