/* Settings: the file, the environment, the checks, and what the errors say. */
#include "base/config.h"
#include "base/zone.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define APP "[app A]\nclient_key = ca\napi_key = aa\n"

static char path[64];

static int make_path(void **state)
{
    (void)state;
    (void)snprintf(path, sizeof path, "/tmp/recalld-config-XXXXXX");
    int file = mkstemp(path);
    return file < 0 || close(file) != 0;
}

static int remove_path(void **state)
{
    (void)state;
    return unlink(path);
}

static struct config *load_bytes(const char *text, size_t len, char *const *env, struct config_error *err)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
    return config_load(path, false, env, err);
}

static struct config *load(const char *text, char *const *env)
{
    struct config_error err;
    struct config *c = load_bytes(text, strlen(text), env, &err);
    if (c == NULL) {
        fail_msg("refused: %s", err.text);
    }
    return c;
}

/* Refused, and the sentence ends as given (after the file's name). */
static void is_refused(const char *text, char *const *env, const char *expected)
{
    struct config_error err;
    struct config *c = load_bytes(text, strlen(text), env, &err);
    if (c != NULL || strstr(err.text, expected) == NULL) {
        fail_msg("for %s\nwanted: %s\n   got: %s", text, expected, c != NULL ? "acceptance" : err.text);
    }
}

/* The file of the documentation, to the letter. */
static void the_documented_file(void **state)
{
    (void)state;
    struct config *c = load("[server]\n"
                            "listen = 127.0.0.1:8080\n"
                            "threads = 0                # 0: one per core\n"
                            "store = sqlite:./data/recall.db      # or postgresql://user@host/db\n"
                            "bus = local                # or nats://host:4222\n"
                            "[app SampleApp]\n"
                            "client_key = demo-client-key\n"
                            "api_key = demo-api-key\n"
                            "app_key = demo-app-key     # RongCloud dialect\n"
                            "app_secret = demo-app-secret\n"
                            "token_secret = demo-token-secret     # HS256; also token_public_key = FILE\n"
                            "origins = https://chat.example.com\n"
                            "recall_window = 120        # seconds for a message's author; 0: no limit\n"
                            "recall_unseen = off        # or platform: see wire.md, recall-first\n"
                            "broadcast_recalls_per_hour = 2\n"
                            "broadcast_recalls_per_day = 3\n",
                            NULL);
    assert_string_equal(c->server.listen_host, "127.0.0.1");
    assert_int_equal(c->server.listen_port, 8080);
    assert_int_equal(c->server.threads, 0);
    assert_string_equal(c->server.store, "sqlite:./data/recall.db");
    assert_string_equal(c->server.bus, "local");
    assert_int_equal(c->app_count, 1);
    const struct config_app *app = &c->apps[0];
    assert_string_equal(app->name, "SampleApp");
    assert_string_equal(app->app_key, "demo-app-key");
    assert_string_equal(app->token_secret, "demo-token-secret");
    assert_int_equal(app->origin_count, 1);
    assert_int_equal(app->recall_unseen, CONFIG_RECALL_UNSEEN_OFF);
    assert_int_equal(app->broadcast_recalls_per_day, 3);
    config_unref(c);
}

static void defaults(void **state)
{
    (void)state;
    struct config *c = load(APP, NULL);
    const struct config_server *s = &c->server;
    assert_int_equal(s->max_body, 262144);
    assert_int_equal(s->body_timeout, 30);
    assert_int_equal(s->frame_max, 65536);
    assert_int_equal(s->ping_interval, 25);
    assert_int_equal(s->ping_timeout, 8);
    assert_int_equal(s->auth_timeout, 10);
    assert_int_equal(s->frames_per_second, 100);
    assert_int_equal(s->frames_burst, 500);
    assert_int_equal(s->max_rooms, 1024);
    assert_int_equal(s->device_days, 30);
    assert_int_equal(s->log_level, LOG_LEVEL_INFO);
    assert_null(s->tls_certificate);
    const struct config_app *a = &c->apps[0];
    assert_int_equal(a->recall_window, 120);
    assert_int_equal(a->token_days, 7);
    assert_int_equal(a->broadcasts_per_hour, 2);
    assert_int_equal(a->broadcasts_per_day, 3);
    assert_int_equal(a->broadcast_recalls_per_hour, 2);
    assert_int_equal(a->broadcast_recalls_per_day, 3);
    assert_int_equal(a->recalls_per_second, 100);
    assert_int_equal(a->sends_per_second, 0);
    assert_int_equal(a->connections_per_second, 0);
    assert_int_equal(a->signature_max_skew, 0);
    assert_false(a->signature_reject_replay);
    assert_true(a->recall_requires_author);
    assert_string_equal(a->time_zone_name, "UTC");
    assert_int_equal(zone_offset(a->time_zone, 0), 0);
    assert_null(a->token_secret);
    config_unref(c);
}

static void the_form_of_a_file(void **state)
{
    (void)state;
    char text[5000];
    char origins[4000] = "";
    for (int i = 0; i < 150; i++) {
        size_t n = strlen(origins);
        (void)snprintf(origins + n, sizeof origins - n, " https://h%d.example.com", i);
    }
    is_refused("[app A]\nclient_key = c\napi_key = a = b\n", NULL,
               ":3: [app A] api_key: must be printable ASCII without blanks");
    (void)snprintf(text, sizeof text,
                   "\xEF\xBB\xBF# a comment\r\n; another\r\n\r\n  [ server ]\r\n  threads=4\r\n\tlog_level : "
                   "debug ; why\r\n"
                   "[app A]\nclient_key = c#1;2\napi_key = a=b\ntoken_secret = caf\xC3\xA9 x\norigins =%s",
                   origins);
    struct config *c = load(text, NULL);
    assert_int_equal(c->server.threads, 4);
    assert_int_equal(c->server.log_level, LOG_LEVEL_DEBUG);
    assert_string_equal(c->apps[0].client_key, "c#1;2");
    assert_string_equal(c->apps[0].api_key, "a=b");
    assert_string_equal(c->apps[0].token_secret, "caf\xC3\xA9 x");
    assert_int_equal(c->apps[0].origin_count, 150);
    assert_string_equal(c->apps[0].origins[149], "https://h149.example.com");
    config_unref(c);
}

static void errors_name_place_and_remedy(void **state)
{
    (void)state;
    is_refused("[server]\nlisten = 127.0.0.1:1\nlissten = x\n" APP, NULL,
               ":3: [server] lissten: unknown setting; the nearest is listen");
    is_refused(APP "recal_window = 1\n", NULL,
               ":4: [app A] recal_window: unknown setting; the nearest is recall_window");
    is_refused("[sever]\nthreads = 1\n" APP, NULL, ":1: [sever]: unknown section; the nearest is [server]");
    is_refused("[sever]\n" APP, NULL, ":1: [sever]: unknown section");
    is_refused(APP "[apps B]\n", NULL, ":4: [apps B]: unknown section; the nearest is [app NAME]");
    is_refused("[app]\n", NULL, "unknown section; the nearest is [app NAME]");
    is_refused("[app a b]\n", NULL, "an app's name is 1 to 40");
    is_refused(APP APP, NULL, ":4: [app A]: this section is there twice");
    is_refused("[server]\n[server]\n" APP, NULL, ":2: [server]: this section is there twice");
    is_refused("[server]\nthreads = 1\nthreads = 2\n" APP, NULL,
               ":3: [server] threads: is set twice, first in line 2");
    is_refused("[server]\nthreads = many\n" APP, NULL,
               ":2: [server] threads: must be a whole number from 0 to 256, without a unit");
    is_refused("[server]\nthreads = 257\n" APP, NULL, ":2: [server] threads: must be");
    is_refused("[server]\nmax_body = 256K\n" APP, NULL, "without a unit");
    is_refused("[server]\nlog_level = loud\n" APP, NULL, "must be one of: debug, info, warn, error");
    is_refused("[server]\nbus = redis\n" APP, NULL, "must be local, pg or nats://");
    is_refused("[server]\nstore = recall.db\n" APP, NULL, "must be sqlite:PATH or postgresql://");
    is_refused("[server]\nstore =\n" APP, NULL, "[server] store: must not be empty");
    is_refused("[server]\ntls_key = a.pem\n" APP, NULL,
               ":2: [server] tls_key: tls_certificate and tls_key belong");
    is_refused(APP "token_secret =\n", NULL, ":4: [app A] token_secret: must not be empty");
    is_refused(APP "app_key = k\n", NULL, "app_key and app_secret belong together");
    is_refused(APP "recall_unseen = on\n", NULL, "must be one of: off, platform");
    is_refused(APP "time_zone = Nowhere/City\n", NULL, "[app A] time_zone: is no known time zone");
    is_refused(APP "origins = https://a.example.com/chat\n", NULL, "is no origin");
    is_refused(APP "signature_reject_replay = maybe\n", NULL, "must be on or off");
    is_refused("[app A]\nclient_key = c\n", NULL, ":1: [app A] api_key: is required");
    is_refused("[app A]\napi_key = c\n", NULL, ":1: [app A] client_key: is required");
    is_refused("[server]\n", NULL, "no [app NAME] section");
    is_refused("", NULL, "no [app NAME] section");
    is_refused("threads = 1\n", NULL, ":1: threads: a setting before any section");
    is_refused("[server]\nwhat is this\n" APP, NULL, ":2: neither a [section] nor name = value");
    is_refused("[server\nthreads = 1\n" APP, NULL, ":1: a section is written");
    is_refused("[server]\nstore = sqlite:\xFF\n" APP, NULL, ":2: this line is not UTF-8 text");
}

static void broken_files(void **state)
{
    (void)state;
    struct config_error err;
    static const char zero[] = "[server]\nthr\0eads = 1\n";
    assert_null(load_bytes(zero, sizeof zero - 1, NULL, &err));
    assert_non_null(strstr(err.text, ":2: this line is not UTF-8 text"));
    char *lengthy = malloc(10000);
    assert_non_null(lengthy);
    memset(lengthy, 'x', 10000);
    memcpy(lengthy, "[server]\nstore = sqlite:", 24);
    assert_null(load_bytes(lengthy, 10000, NULL, &err));
    assert_non_null(strstr(err.text, ":2: this line is longer than 8190 bytes"));
    free(lengthy);
    assert_null(config_load("/nonexistent/recall.ini", false, NULL, &err));
    assert_string_equal(err.text, "/nonexistent/recall.ini: No such file or directory");
    assert_null(config_load("/tmp", false, NULL, &err));
    assert_non_null(strstr(err.text, "Is a directory"));
    assert_null(config_load(NULL, false, NULL, &err));
    assert_non_null(strstr(err.text, "no [app NAME] section"));
    assert_null(config_load("/nonexistent/recall.ini", true, NULL, &err));
    assert_non_null(strstr(err.text, "leave -c FILE out"));
}

static void keys_are_one_apps_alone(void **state)
{
    (void)state;
    is_refused(APP "[app B]\nclient_key = ca\napi_key = ab\n", NULL,
               ":5: [app B] client_key: is the same as that of [app A]");
    is_refused(APP "[app B]\nclient_key = cb\napi_key = aa\n", NULL,
               ":6: [app B] api_key: is the same as that of [app A]");
    is_refused(APP "[app B]\nclient_key = cb\napi_key = ca\n", NULL,
               ":6: [app B] api_key: is the client_key of [app A]");
    is_refused("[app A]\nclient_key = x\napi_key = x\n", NULL,
               "is the client_key of [app A], which is public");
    is_refused(APP
               "app_key=k\napp_secret=s\n[app B]\nclient_key = cb\napi_key = ab\napp_key=k\napp_secret=t\n",
               NULL, "[app B] app_key: is the same as that of [app A]");
    struct config *c =
        load(APP "[app B]\nclient_key = cb\napi_key = ab\napp_key = kb\napp_secret = s\n", NULL);
    assert_ptr_equal(config_find_app_by_client_key(c, "cb", 2), &c->apps[1]);
    assert_ptr_equal(config_find_app_by_client_key(c, "ca", 2), &c->apps[0]);
    assert_null(config_find_app_by_client_key(c, "c", 1));
    assert_null(config_find_app_by_client_key(c, "", 0));
    assert_null(config_find_app_by_client_key(c, "ab", 2));
    assert_ptr_equal(config_find_app_by_api_key(c, "ab", 2), &c->apps[1]);
    assert_null(config_find_app_by_api_key(c, "cb", 2));
    assert_ptr_equal(config_find_app_by_app_key(c, "kb", 2), &c->apps[1]);
    assert_null(config_find_app_by_app_key(c, "", 0));
    assert_ptr_equal(config_find_app_by_name(c, "B", 1), &c->apps[1]);
    assert_null(config_find_app_by_name(c, "b", 1));
    config_unref(c);
}

static void secrets_stay_out_of_errors(void **state)
{
    (void)state;
    struct config_error err;
    static const char text[] = "[app A]\nclient_key = c\napi_key = geheim wort\n";
    assert_null(load_bytes(text, sizeof text - 1, NULL, &err));
    assert_null(strstr(err.text, "geheim"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_documented_file),
        cmocka_unit_test(defaults),
        cmocka_unit_test(the_form_of_a_file),
        cmocka_unit_test(errors_name_place_and_remedy),
        cmocka_unit_test(broken_files),
        cmocka_unit_test(keys_are_one_apps_alone),
        cmocka_unit_test(secrets_stay_out_of_errors),
    };
    return cmocka_run_group_tests(tests, make_path, remove_path);
}
