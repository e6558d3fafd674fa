/*
 * gateway/api/credentials.h - from a request's headers, or an auth frame's fields, to a claim: who asks, as
 * far as keys and CPU alone can tell. What the database knows (revoked? bound? does the user exist?) is
 * core/principal.h's, inside the job.
 *
 * Owns nothing; texts are borrowed for the call, the app lives as long as the caller's reference to the
 * config.
 * Bounds:  tokens up to 4,096 bytes.
 * Fails:   INVALID_AUTH (nothing usable given), INVALID_API_KEY, INVALID_CLIENT_KEY, INVALID_TOKEN; with a
 *          sentence.
 * Thread:  any. Keys are compared in constant time.
 */
#ifndef RECALLD_API_CREDENTIALS_H
#define RECALLD_API_CREDENTIALS_H

#include "api/api.h"
#include "core/principal.h"

#include <stddef.h>
#include <stdint.h>

/* What an HTTP request brought. IM-API-KEY stands alone; else IM-CLIENT-KEY with the token in
 * IM-Authorization, Authorization: TOKEN or Authorization: Bearer TOKEN. RESULT_OK with `out` and `app`, else
 * the refusal with a sentence in `err`. */
enum result credentials_request(const struct config *config, const struct api_request *request,
                                int64_t now_ms, struct principal_claim *out, const struct config_app **app,
                                char *err, size_t n);

/* A client key and a token (WebSocket). A JWT that the app's keys confirm names its user; any other token may
 * be one that the app bound, which only the database knows. */
enum result credentials_client(const struct config *config, struct str client_key, struct str token,
                               int64_t now_ms, struct principal_claim *out, const struct config_app **app,
                               char *err, size_t n);

#endif
