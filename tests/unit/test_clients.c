/* Clients and their tokens, without HTTP. */
#include "core_fixture.h"

static struct principal_claim claim_of(const char *token)
{
    struct principal_claim claim = {
        .kind = PRINCIPAL_CLIENT, .token = PRINCIPAL_TOKEN_BOUND, .generation = -1};
    struct jwt_claims claims;

    assert_true(digest_sha256(token, strlen(token), claim.hash));
    if (!jwt_looks_like(token, strlen(token)))
        return claim;
    assert_true(keys_verify(config, &config->apps[0], token, strlen(token), clock_ms, &claims, NULL));
    claim.token = PRINCIPAL_TOKEN_JWT;
    memcpy(claim.user, claims.sub, sizeof(claim.user));
    claim.issued_s = claims.iat;
    claim.expires_ms = claims.exp * 1000;
    if (strncmp(claims.jti, "r1.", 3) == 0)
        claim.generation = strtoll(claims.jti + 3, NULL, 10);
    return claim;
}

static enum result do_resolve(struct core_tx *tx, const struct principal *who, const void *arg)
{
    struct principal resolved;
    const enum result rc = principal_resolve(tx, arg, &resolved, &out);

    (void)who;
    if (rc == RESULT_OK)
        json_out_str(&out.result, resolved.user.p, resolved.user.n);
    return rc;
}

static enum result resolve(const char *token)
{
    const struct principal_claim claim = claim_of(token);

    return act(NULL, do_resolve, &claim);
}

static enum result do_put(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return client_token_put(tx, who, arg, &out);
}

static enum result do_revoke(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return client_token_revoke(tx, who, str_c(n->user), str_c(n->value), &out);
}

static void issue(const char *user, char token[1000])
{
    const struct client_command c = {.id = str_c(user), .is_robot = -1, .issue = true};

    assert_int_equal(act(NULL, do_upsert, &c), RESULT_OK);
    (void)snprintf(token, 1000, "%s", text_at("token"));
}

static void test_reissue_ends_the_earlier_token(void **state)
{
    char first[1000], second[1000];

    (void)state;
    clock_ms = INT64_C(1714557600000);
    issue("ann", first);
    assert_string_equal(text_at("expirationDate"), "2024-05-08T10:00:00.000Z"); /* 7 days */
    assert_int_equal(resolve(first), RESULT_OK);
    assert_string_equal(json_string_value(result), "ann");
    issue("ann", second);
    assert_int_equal(resolve(first), RESULT_INVALID_TOKEN);
    assert_int_equal(resolve(second), RESULT_OK);
    clock_ms += INT64_C(8) * 86400 * 1000;
    {
        struct principal_claim claim = {.kind = PRINCIPAL_CLIENT,
                                        .token = PRINCIPAL_TOKEN_JWT,
                                        .user = "ann",
                                        .generation = 99,
                                        .expires_ms = clock_ms};

        assert_int_equal(act(NULL, do_resolve, &claim), RESULT_INVALID_TOKEN);
        claim.expires_ms++;
        assert_int_equal(act(NULL, do_resolve, &claim), RESULT_OK);
        memcpy(claim.user, "eve", 4);
        assert_int_equal(act(NULL, do_resolve, &claim), RESULT_INVALID_TOKEN);
    }
}

static void test_bound_token(void **state)
{
    struct client_command c = {.id = STR("ann"), .is_robot = -1, .bind_token = STR("my-own-token")};
    char issued[1000];

    (void)state;
    clock_ms = INT64_C(1714557600000);
    assert_int_equal(resolve("my-own-token"), RESULT_INVALID_TOKEN);
    issue("ann", issued);
    c.expires_ms = clock_ms + 1000;
    assert_int_equal(act(NULL, do_upsert, &c), RESULT_OK);
    assert_string_equal(text_at("token"), "my-own-token");
    assert_int_equal(resolve("my-own-token"), RESULT_OK);
    assert_int_equal(resolve(issued), RESULT_INVALID_TOKEN); /* in place of it */
    clock_ms += 1000;
    assert_int_equal(resolve("my-own-token"), RESULT_INVALID_TOKEN);
    c.bind_token = STR("next");
    c.expires_ms = 0;
    assert_int_equal(act(NULL, do_put, &c), RESULT_OK);
    assert_true(json_is_null(json_object_get(result, "expirationDate")));
    assert_int_equal(resolve("next"), RESULT_OK);
    assert_int_equal(resolve("my-own-token"), RESULT_INVALID_TOKEN);
    c.id = STR("nobody");
    assert_int_equal(act(NULL, do_put, &c), RESULT_NO_CLIENT);
}

/* A token of the app's own signing has no generation: its time decides. */
static void test_revoking(void **state)
{
    struct principal_claim foreign = {
        .kind = PRINCIPAL_CLIENT, .token = PRINCIPAL_TOKEN_JWT, .user = "ann", .generation = -1};
    char token[1000];

    (void)state;
    clock_ms = INT64_C(1714557600000);
    foreign.issued_s = clock_ms / 1000;
    issue("ann", token);
    assert_int_equal(act(NULL, do_resolve, &foreign), RESULT_OK); /* a first token ends no foreign one */
    assert_int_equal(act(NULL, do_revoke, N3(NULL, "ann", token)), RESULT_OK);
    assert_int_equal(resolve(token), RESULT_INVALID_TOKEN);
    assert_int_equal(act(NULL, do_resolve, &foreign), RESULT_OK);
    issue("ann", token);
    assert_int_equal(act(NULL, do_revoke, N3(NULL, "ann", NULL)), RESULT_OK);
    assert_int_equal(resolve(token), RESULT_INVALID_TOKEN);
    assert_int_equal(act(NULL, do_resolve, &foreign), RESULT_INVALID_TOKEN);
    foreign.issued_s++;
    assert_int_equal(act(NULL, do_resolve, &foreign), RESULT_OK);
    issue("ann", token);
    assert_int_equal(resolve(token), RESULT_OK);
    assert_int_equal(act(NULL, do_revoke, N3(NULL, "nobody", NULL)), RESULT_NO_CLIENT);
    assert_int_equal(act("ann", do_revoke, N3(NULL, "ann", NULL)), RESULT_FORBIDDEN);
}

static void test_client_fields_are_kept(void **state)
{
    struct client_command c = {.id = STR("eve"),
                               .nickname = STR("Eve"),
                               .is_robot = 1,
                               .fields = STR("{\"team\":\"a\",\"level\":1}")};

    (void)state;
    assert_int_equal(act(NULL, do_upsert, &c), RESULT_OK);
    c.nickname = STR_NULL;
    c.is_robot = -1;
    c.fields = STR("{\"level\":2}");
    assert_int_equal(act(NULL, do_upsert, &c), RESULT_OK);
    assert_string_equal(text_at("nickname"), "Eve");
    assert_string_equal(text_at("team"), "a");
    assert_int_equal(json_integer_value(json_object_get(result, "level")), 2);
    assert_true(json_is_true(json_object_get(result, "isRobot")));
    assert_null(json_object_get(result, "token"));
    assert_int_equal(act("ann", do_upsert, &c), RESULT_FORBIDDEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_reissue_ends_the_earlier_token),
        TEST(test_bound_token),
        TEST(test_revoking),
        TEST(test_client_fields_are_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
