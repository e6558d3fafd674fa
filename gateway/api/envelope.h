/*
 * gateway/api/envelope.h - IMKit's envelope around an outcome: {"RC":0,"RM":"OK","result":…}, or RC, RM and
 * error.
 *
 * Owns:    the body it makes is the reply's (malloc'd). Borrows: the outcome, for the call.
 * Bounds:  those of json_out. Fails: without memory the reply is a fixed 500. Thread: any.
 */
#ifndef RECALLD_API_ENVELOPE_H
#define RECALLD_API_ENVELOPE_H

#include "api/api.h"
#include "core/tx.h"

/* Fills `reply` from an outcome, which is left as it is. */
void envelope_reply(const struct outcome *out, struct api_reply *reply);
/* The sentence of a refusal: the outcome's own, or the result's. */
const char *envelope_text(const struct outcome *out);

#endif
