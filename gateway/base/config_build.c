#include "base/config_build.h"

#include "base/text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

void config_build_fail(struct config_build *b, const char *format, ...)
{
    if (b->failed) {
        return;
    }
    va_list args;
    va_start(args, format);
    (void)vsnprintf(b->err->text, sizeof b->err->text, format, args);
    va_end(args);
    b->failed = true;
}

static const struct config_table *table_of(const struct config_app *app)
{
    return app != NULL ? &config_table_app : &config_table_server;
}

static struct config_build_places *places_of(struct config_build *b, const struct config_app *app)
{
    return app != NULL ? &b->apps[app->index] : &b->server;
}

void config_build_fail_at(struct config_build *b, const struct config_app *app, const char *setting,
                          const char *format, ...)
{
    if (b->failed) {
        return;
    }
    const struct config_table *table = table_of(app);
    const struct config_table_setting *s = config_table_find(table, setting);
    const struct config_build_places *places = places_of(b, app);
    int line = s != NULL ? places->setting[s - table->settings] : 0;
    if (line == 0) {
        line = places->section;
    }
    char why[CONFIG_VALUE_WHY + 64];
    char where[300] = "";
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    if (line < 0) {
        (void)snprintf(where, sizeof where, "environment: ");
    } else if (b->path != NULL && line > 0) {
        (void)snprintf(where, sizeof where, "%.200s:%d: ", b->path, line);
    } else if (b->path != NULL) {
        (void)snprintf(where, sizeof where, "%.200s: ", b->path);
    }
    if (app != NULL) {
        config_build_fail(b, "%s[app %s] %s: %s", where, app->name, setting, why);
    } else {
        config_build_fail(b, "%s[server] %s: %s", where, setting, why);
    }
}

struct config_app *config_build_app(struct config_build *b, const char *name, int line)
{
    static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    struct config *c = b->config;
    size_t len = strlen(name);
    if (len == 0 || len > CONFIG_BUILD_NAME_MAX || name[strspn(name, allowed)] != '\0') {
        config_build_fail(b, "%s:%d: [app %.60s]: an app's name is 1 to 40 letters, digits, '.', '_' or '-'",
                          b->path != NULL ? b->path : "", line, name);
        return NULL;
    }
    if (config_find_app_by_name(c, name, len) != NULL) {
        config_build_fail(b, "%s:%d: [app %s]: this section is there twice", b->path != NULL ? b->path : "",
                          line, name);
        return NULL;
    }
    if (c->app_count == CONFIG_APPS_MAX) {
        config_build_fail(b, "%s:%d: [app %s]: more than %d apps", b->path != NULL ? b->path : "", line, name,
                          CONFIG_APPS_MAX);
        return NULL;
    }
    struct config_app *apps = realloc(c->apps, (c->app_count + 1) * sizeof *apps);
    if (apps == NULL) {
        goto err;
    }
    c->apps = apps;
    struct config_build_places *places = realloc(b->apps, (c->app_count + 1) * sizeof *places);
    if (places == NULL) {
        goto err;
    }
    b->apps = places;
    struct config_app *app = &apps[c->app_count];
    memset(app, 0, sizeof *app);
    memset(&places[c->app_count], 0, sizeof *places);
    places[c->app_count].section = line;
    app->index = c->app_count++;
    app->name = strdup(name);
    if (app->name == NULL || !config_value_defaults(app, &config_table_app)) {
        goto err;
    }
    return app;
err:
    config_build_fail(b, "out of memory");
    return NULL;
}

void config_build_set(struct config_build *b, struct config_app *app, const char *setting, const char *value,
                      int line)
{
    const struct config_table *table = table_of(app);
    struct config_build_places *places = places_of(b, app);
    const struct config_table_setting *s = config_table_find(table, setting);
    char why[CONFIG_VALUE_WHY];
    if (s == NULL) {
        config_build_fail(b, "%s:%d: [%s%s] %.60s: unknown setting; the nearest is %s",
                          b->path != NULL ? b->path : "", line, app != NULL ? "app " : "server",
                          app != NULL ? app->name : "", setting, config_table_nearest(table, setting));
        return;
    }
    int *place = &places->setting[s - table->settings];
    int before = *place;
    *place = line;
    if (before > 0 && line > 0) {
        config_build_fail_at(b, app, setting, "is set twice, first in line %d", before);
        return;
    }
    void *section = app != NULL ? (void *)app : (void *)&b->config->server;
    if (!config_value_set(section, s, value, why)) {
        config_build_fail_at(b, app, setting, "%s", why);
    }
}

static bool same_key(const char *a, const char *b)
{
    return a != NULL && b != NULL && strcmp(a, b) == 0;
}

/* 127.0.0.0/8, ::1 and localhost. A name that only looks like one of these may lead anywhere. */
static bool is_loopback(const char *host)
{
    struct in_addr v4;
    struct in6_addr v6;
    if (inet_pton(AF_INET, host, &v4) == 1) {
        return ntohl(v4.s_addr) >> 24 == 127;
    }
    if (inet_pton(AF_INET6, host, &v6) == 1) {
        return IN6_IS_ADDR_LOOPBACK(&v6);
    }
    return strcmp(host, "localhost") == 0;
}

static void check_server(struct config_build *b)
{
    const struct config_server *s = &b->config->server;
    if ((s->tls_certificate == NULL) != (s->tls_key == NULL)) {
        config_build_fail_at(b, NULL, s->tls_key == NULL ? "tls_certificate" : "tls_key",
                             "tls_certificate and tls_key belong together; only one is set");
    }
    if (b->config->demo && !is_loopback(s->listen_host)) {
        config_build_fail_at(b, NULL, "listen",
                             "--demo listens on a loopback address alone: its keys are public");
    }
}

static void check_app(struct config_build *b, const struct config_app *app)
{
    const struct config *c = b->config;
    if (app->client_key == NULL) {
        config_build_fail_at(b, app, "client_key", "is required");
    }
    if (app->api_key == NULL) {
        config_build_fail_at(b, app, "api_key", "is required");
    }
    if ((app->app_key == NULL) != (app->app_secret == NULL)) {
        config_build_fail_at(b, app, app->app_key == NULL ? "app_secret" : "app_key",
                             "app_key and app_secret belong together; only one is set");
    }
    for (size_t i = 0; i < c->app_count; i++) {
        const struct config_app *other = &c->apps[i];
        if (same_key(app->api_key, other->client_key)) {
            config_build_fail_at(b, app, "api_key", "is the client_key of [app %s], which is public",
                                 other->name);
        }
        if (i >= app->index) {
            continue;
        }
        if (same_key(app->client_key, other->client_key)) {
            config_build_fail_at(b, app, "client_key", "is the same as that of [app %s]", other->name);
        }
        if (same_key(app->api_key, other->api_key)) {
            config_build_fail_at(b, app, "api_key", "is the same as that of [app %s]", other->name);
        }
        if (same_key(app->app_key, other->app_key)) {
            config_build_fail_at(b, app, "app_key", "is the same as that of [app %s]", other->name);
        }
    }
}

void config_build_check(struct config_build *b)
{
    if (b->config->app_count == 0) {
        config_build_fail(b, "%s%sno [app NAME] section: at least one is needed",
                          b->path != NULL ? b->path : "", b->path != NULL ? ": " : "");
        return;
    }
    check_server(b);
    for (size_t i = 0; i < b->config->app_count && !b->failed; i++) {
        check_app(b, &b->config->apps[i]);
    }
}

void config_build_free(struct config_build *b)
{
    free(b->apps);
    b->apps = NULL;
}
