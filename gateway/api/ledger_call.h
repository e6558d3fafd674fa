/*
 * gateway/api/ledger_call.h - GET /rooms/:room/messages/:message/recall: the ledger of a recall. See call.h for who owns what.
 *
 * Thread: parse on the edge thread, run on a reader; then the edge threads are asked who is connected, and the answer is written on the first.
 */
#ifndef RECALLD_API_LEDGER_CALL_H
#define RECALLD_API_LEDGER_CALL_H

#include "api/call.h"

bool ledger_call_parse(struct api_call *call);
enum result ledger_call_run(struct api_call *call, struct core_tx *tx, const struct principal *who);

#endif
