#include "auth/keys.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PEM_MAX ((size_t)65536)

/* Reads a whole file into a new buffer; NULL, and errno set, if it cannot be read or is too large. */
static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "re");
    if (f == NULL) {
        return NULL;
    }
    char *text = malloc(PEM_MAX + 1);
    if (text != NULL) {
        *len = fread(text, 1, PEM_MAX + 1, f);
        if (ferror(f) || *len > PEM_MAX) {
            int reason = ferror(f) ? errno : EFBIG;
            free(text);
            text = NULL;
            errno = reason;
        }
    }
    int saved = errno;
    (void)fclose(f);
    errno = saved;
    return text;
}

static void release(struct config *config)
{
    for (size_t i = 0; i < config->app_count; i++) {
        jwt_keys_free(config->apps[i].token_keys);
        config->apps[i].token_keys = NULL;
    }
}

static bool attach(struct config_app *app, struct config_error *err)
{
    const char *why = "";
    char *pem = NULL;
    size_t pem_len = 0;
    if (app->token_secret == NULL && app->token_public_key == NULL) {
        return true;
    }
    if (app->token_public_key != NULL) {
        pem = read_file(app->token_public_key, &pem_len);
        if (pem == NULL) {
            (void)snprintf(err->text, sizeof err->text, "[app %s] token_public_key: %.200s: %s", app->name,
                           app->token_public_key, strerror(errno));
            return false;
        }
    }
    app->token_keys = jwt_keys_create(
        app->token_secret, app->token_secret != NULL ? strlen(app->token_secret) : 0, pem, pem_len, &why);
    free(pem);
    if (app->token_keys == NULL) {
        (void)snprintf(err->text, sizeof err->text, "[app %s] token_public_key: %.200s: %s", app->name,
                       app->token_public_key != NULL ? app->token_public_key : "token_secret", why);
        return false;
    }
    return true;
}

bool keys_attach(struct config *config, struct config_error *err)
{
    config->release = release;
    for (size_t i = 0; i < config->app_count; i++) {
        if (!attach(&config->apps[i], err)) {
            return false;
        }
    }
    return true;
}

/* Whether a right signature leaves open for which app the token is. */
static bool ambiguous(const struct config *config, const struct config_app *app)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (i != app->index && jwt_keys_shared(config->apps[i].token_keys, app->token_keys)) {
            return true;
        }
    }
    return false;
}

bool keys_verify(const struct config *config, const struct config_app *app, const char *token, size_t len,
                 int64_t now_ms, struct jwt_claims *claims, const char **why)
{
    struct jwt_check check = {.app = app->name, .now_ms = now_ms};
    const char *reason = "this app has no key for tokens";
    bool ok = app->token_keys != NULL && jwt_verify(app->token_keys, token, len, &check, claims, &reason);
    if (ok && claims->app[0] == '\0' && ambiguous(config, app)) {
        reason = "the token names no app, and another app has the same key";
        ok = false;
    }
    if (!ok && why != NULL) {
        *why = reason;
    }
    return ok;
}
