/* Settings from the environment, the demo's configuration, origins, references. */
#include "base/config.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ENV(...) ((char *[]){__VA_ARGS__, NULL})
#define Z(s) (s), strlen(s)

static struct config *load(const char *text, char *const *env, struct config_error *err)
{
    char path[] = "/tmp/recalld-env-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(write(file, text, strlen(text)), strlen(text));
    (void)close(file);
    struct config *c = config_load(path, false, env, err);
    (void)unlink(path);
    return c;
}

static struct config *demo(char *const *env)
{
    struct config_error err;
    struct config *c = config_demo(env, &err);
    if (c == NULL) {
        fail_msg("refused: %s", err.text);
    }
    return c;
}

static void demo_is_refused(char *const *env, const char *expected)
{
    struct config_error err;
    assert_null(config_demo(env, &err));
    if (strcmp(err.text, expected) != 0) {
        fail_msg("wanted: %s\n   got: %s", expected, err.text);
    }
}

static void the_demo(void **state)
{
    (void)state;
    struct config *c = demo(NULL);
    assert_true(c->demo);
    assert_int_equal(c->app_count, 1);
    assert_string_equal(c->apps[0].name, "SampleApp");
    assert_non_null(config_find_app_by_client_key(c, Z("demo-client-key")));
    assert_non_null(config_find_app_by_api_key(c, Z("demo-api-key")));
    assert_non_null(config_find_app_by_app_key(c, Z("demo-app-key")));
    assert_string_equal(c->apps[0].app_secret, "demo-app-secret");
    assert_string_equal(c->apps[0].token_secret, "demo-token-secret");
    assert_string_equal(c->server.store, "sqlite:./data/recall.db");
    assert_string_equal(c->server.listen, "127.0.0.1:8080");
    config_unref(c);
    config_unref(NULL);
}

static void the_demo_stays_at_home(void **state)
{
    (void)state;
    static const char *const home[] = {"RECALLD_SERVER_LISTEN=[::1]:0", "RECALLD_SERVER_LISTEN=localhost:1",
                                       "RECALLD_SERVER_LISTEN=127.3.0.1:65535"};
    char variable[64];
    for (size_t i = 0; i < 3; i++) {
        (void)snprintf(variable, sizeof variable, "%s", home[i]);
        config_unref(demo(ENV(variable)));
    }
    struct config *c = demo(ENV("RECALLD_SERVER_LISTEN=[::1]:0"));
    assert_string_equal(c->server.listen_host, "::1");
    assert_int_equal(c->server.listen_port, 0);
    config_unref(c);
    static const char wrong[] =
        "environment: [server] listen: --demo listens on a loopback address alone: its keys are "
        "public";
    demo_is_refused(ENV("RECALLD_SERVER_LISTEN=0.0.0.0:80"), wrong);
    demo_is_refused(ENV("RECALLD_SERVER_LISTEN=[::]:80"), wrong);
    demo_is_refused(ENV("RECALLD_SERVER_LISTEN=127.evil.example:80"), wrong);
}

static void addresses(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "8080",    "127.0.0.1",    "127.0.0.1:",    ":8080", "127.0.0.1:65536", "[::1]", "::1:80",
        "[::1:80", "127.0.0.1:-1", "127.0.0.1:80x", "[]:80", "a b:80",          "",      "127.0.0.1:000080"};
    char variable[64];
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct config_error err;
        (void)snprintf(variable, sizeof variable, "RECALLD_SERVER_LISTEN=%s", wrong[i]);
        struct config *c = config_demo(ENV(variable), &err);
        if (c != NULL || strstr(err.text, "must be host:port or [v6]:port") == NULL) {
            fail_msg("%s: %s", wrong[i], err.text);
        }
    }
}

static void variables_win_over_the_file(void **state)
{
    (void)state;
    struct config_error err;
    struct config *c =
        load("[server]\nthreads = 1\n[app my-app.2]\nclient_key = c\napi_key = a\nrecall_window = 5\n",
             ENV("HOME=/", "RECALLD_SERVER_THREADS=3", "RECALLD_APP_MY_APP_2_RECALL_WINDOW=9",
                 "RECALLD_APP_MY_APP_2_ORIGINS=https://A.example.com:443/, http://b", "RECALLD_BIN=/x"),
             &err);
    assert_non_null(c);
    assert_int_equal(c->server.threads, 3);
    assert_int_equal(c->apps[0].recall_window, 9);
    assert_int_equal(c->apps[0].origin_count, 2);
    assert_string_equal(c->apps[0].origins[0], "https://a.example.com");
    config_unref(c);
    c = demo(ENV("RECALLD_APP_SAMPLEAPP_RECALL_UNSEEN=platform", "RECALLD_SERVER_STORE=sqlite:/tmp/x.db"));
    assert_int_equal(c->apps[0].recall_unseen, CONFIG_RECALL_UNSEEN_PLATFORM);
    assert_string_equal(c->server.store, "sqlite:/tmp/x.db");
    config_unref(c);
}

static void unknown_variables(void **state)
{
    (void)state;
    demo_is_refused(ENV("RECALLD_SERVER_LISTN=x"),
                    "environment: RECALLD_SERVER_LISTN: unknown setting; the nearest is "
                    "RECALLD_SERVER_LISTEN");
    demo_is_refused(ENV("RECALLD_SEVER_LISTEN=x"),
                    "environment: RECALLD_SEVER_LISTEN: unknown section; the nearest is RECALLD_SERVER_");
    demo_is_refused(ENV("RECALLD_LISTEN=x"),
                    "environment: RECALLD_LISTEN: the section is missing; write RECALLD_SERVER_LISTEN");
    demo_is_refused(ENV("RECALLD_APP_SAMPLEAPP_WINDOW=1"),
                    "environment: RECALLD_APP_SAMPLEAPP_WINDOW: unknown setting of "
                    "[app SampleApp]; the nearest is recall_window");
    demo_is_refused(
        ENV("RECALLD_APP_SIMPLEAPP_API_KEY=1"),
        "environment: RECALLD_APP_SIMPLEAPP_API_KEY: there is no such app; the nearest is [app SampleApp]");
    demo_is_refused(ENV("RECALLD_SERVER_THREADS=-1"),
                    "environment: [server] threads: must be a whole number from 0 to 256, without a unit");
    struct config_error err;
    assert_null(load("[app a-b]\nclient_key=1\napi_key=2\n[app a_b]\nclient_key=3\napi_key=4\n",
                     ENV("RECALLD_APP_A_B_TOKEN_DAYS=2"), &err));
    assert_non_null(strstr(err.text, "could mean [app a-b] or [app a_b]"));
}

static bool allowed(const struct config *c, const char *origin, const char *host)
{
    bool any = config_origin_allowed(c, Z(origin), Z(host));
    bool its = config_origin_allowed_by(&c->apps[0], Z(origin), Z(host));
    assert_true(any || !its);
    return its;
}

static void origins(void **state)
{
    (void)state;
    struct config_error err;
    struct config *c = demo(NULL);
    assert_true(allowed(c, "http://127.0.0.1:8080", "127.0.0.1:8080"));
    assert_true(allowed(c, "https://chat.example.com", "chat.example.com"));
    assert_true(allowed(c, "https://chat.example.com", "chat.example.com:443"));
    assert_true(allowed(c, "https://Chat.example.com:443", "CHAT.example.com"));
    assert_true(allowed(c, "http://[::1]:8080", "[::1]:8080"));
    assert_false(allowed(c, "http://127.0.0.1:8081", "127.0.0.1:8080"));
    assert_false(allowed(c, "https://chat.example.com", "chat.example.com:80"));
    assert_false(allowed(c, "https://evil.example.com", "chat.example.com"));
    assert_false(allowed(c, "https://chat.example.com.evil.example", "chat.example.com"));
    assert_false(allowed(c, "null", "null"));
    assert_false(allowed(c, "", ""));
    assert_false(allowed(c, "https://", ""));
    assert_false(allowed(c, "https://chat.example.com/x", "chat.example.com/x"));
    assert_false(allowed(c, "https://u@chat.example.com", "u@chat.example.com"));
    config_unref(c);
    c = load("[app A]\nclient_key = c\napi_key = a\norigins = https://a.example.com, capacitor://localhost\n"
             "[app B]\nclient_key = d\napi_key = b\norigins = https://b.example.com:8443\n",
             NULL, &err);
    assert_non_null(c);
    assert_true(allowed(c, "https://a.example.com", "gateway.example.com"));
    assert_true(allowed(c, "https://A.Example.Com:443", "gateway.example.com"));
    assert_true(allowed(c, "capacitor://localhost", "gateway.example.com"));
    assert_false(allowed(c, "http://a.example.com", "gateway.example.com"));
    assert_false(allowed(c, "https://gateway.example.com", "gateway.example.com"));
    assert_false(allowed(c, "https://b.example.com:8443", "gateway.example.com"));
    assert_true(config_origin_allowed(c, Z("https://b.example.com:8443"), Z("gateway.example.com")));
    assert_false(config_origin_allowed(c, Z("https://b.example.com"), Z("gateway.example.com")));
    config_unref(c);
}

static void what_needs_a_restart(void **state)
{
    (void)state;
    char names[64];
    struct config *a = demo(NULL);
    struct config *b = demo(ENV("RECALLD_SERVER_THREADS=9", "RECALLD_SERVER_LISTEN=127.0.0.1:1",
                                "RECALLD_SERVER_LOG_LEVEL=warn", "RECALLD_SERVER_BODY_TIMEOUT=3"));
    assert_int_equal(config_restart_needed(a, a, names, sizeof names), 0);
    assert_string_equal(names, "");
    assert_int_equal(config_restart_needed(a, b, names, sizeof names), 2);
    assert_string_equal(names, "listen, threads");
    assert_int_equal(config_restart_needed(a, b, names, 4), 2);
    assert_string_equal(names, "lis");
    config_unref(a);
    config_unref(b);
}

static void help_names_every_setting(void **state)
{
    (void)state;
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);
    assert_non_null(f);
    config_print_help(f);
    assert_int_equal(fclose(f), 0);
    assert_non_null(strstr(text,
                           "  max_body                    262144                   bytes of an HTTP body "
                           "[1024 to 67108864]\n"));
    assert_non_null(strstr(text, "recall_unseen               off"));
    assert_non_null(strstr(text, "[off, platform]"));
    assert_non_null(strstr(text, "RECALLD_APP_<NAME>_<SETTING>"));
    free(text);
}

static void released(struct config *config)
{
    free(config->apps[0].token_keys);
    config->apps[0].token_keys = NULL;
}

static void *take_and_drop(void *arg)
{
    for (int i = 0; i < 5000; i++) {
        const struct config *c = config_holder_get(arg);
        if (c->app_count != 1 || strcmp(c->apps[0].name, "SampleApp") != 0) {
            return arg;
        }
        config_unref(c);
    }
    return NULL;
}

/* Readers take the configuration while it is swapped: nobody sees one that was freed. */
static void swapping(void **state)
{
    (void)state;
    struct config_holder *holder = config_holder_create(demo(NULL));
    pthread_t threads[3];
    assert_non_null(holder);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, take_and_drop, holder), 0);
    }
    for (int i = 0; i < 50; i++) {
        struct config *c = demo(NULL);
        c->release = released;
        c->apps[0].token_keys = malloc(1);
        config_holder_put(holder, c);
    }
    for (int i = 0; i < 3; i++) {
        void *broken;
        assert_int_equal(pthread_join(threads[i], &broken), 0);
        assert_null(broken);
    }
    config_holder_free(holder);
    config_holder_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_demo),
        cmocka_unit_test(the_demo_stays_at_home),
        cmocka_unit_test(addresses),
        cmocka_unit_test(variables_win_over_the_file),
        cmocka_unit_test(unknown_variables),
        cmocka_unit_test(origins),
        cmocka_unit_test(what_needs_a_restart),
        cmocka_unit_test(help_names_every_setting),
        cmocka_unit_test(swapping),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
