#include "base/config.h"
#include "base/text.h"

#include <string.h>

/* Which of an app's keys is looked for. */
enum key { KEY_CLIENT, KEY_API, KEY_APP };

/* Compares with every app's key, also after a hit, so that the time tells neither the place nor the beginning
 * of a key. */
static const struct config_app *find(const struct config *config, enum key which, const char *key, size_t len)
{
    const struct config_app *found = NULL;
    for (size_t i = 0; i < config->app_count; i++) {
        const struct config_app *app = &config->apps[i];
        const char *its = which == KEY_CLIENT ? app->client_key
                          : which == KEY_API  ? app->api_key
                                              : app->app_key;
        if (its != NULL && text_equal_secret(its, strlen(its), key, len)) {
            found = app;
        }
    }
    return found;
}

const struct config_app *config_find_app_by_client_key(const struct config *config, const char *key,
                                                       size_t len)
{
    return find(config, KEY_CLIENT, key, len);
}

const struct config_app *config_find_app_by_api_key(const struct config *config, const char *key, size_t len)
{
    return find(config, KEY_API, key, len);
}

const struct config_app *config_find_app_by_app_key(const struct config *config, const char *key, size_t len)
{
    return find(config, KEY_APP, key, len);
}

const struct config_app *config_find_app_by_name(const struct config *config, const char *name, size_t len)
{
    for (size_t i = 0; i < config->app_count; i++) {
        if (text_is(name, len, config->apps[i].name)) {
            return &config->apps[i];
        }
    }
    return NULL;
}
