/*
 * gateway/auth/keys.h - gives every app of a configuration its token keys.
 *
 * Owns:    the keys, through the configuration: they are freed with it.
 * Fails:   with a sentence naming app and file.
 * Thread:  the main thread, between config_load and publishing the configuration; reads files.
 */
#ifndef RECALLD_AUTH_KEYS_H
#define RECALLD_AUTH_KEYS_H

#include "auth/jwt.h"
#include "base/config.h"

/* Builds app->token_keys for each app (an app with neither secret nor public key keeps NULL: only bound
 * tokens work there). Call once. */
bool keys_attach(struct config *config, struct config_error *err);

/* Checks a token for an app: jwt_verify with the app's keys. The app's name must be in the token if it names
 * one, and must be named if another app has the same secret or public key. */
bool keys_verify(const struct config *config, const struct config_app *app, const char *token, size_t len,
                 int64_t now_ms, struct jwt_claims *claims, const char **why);

#endif
