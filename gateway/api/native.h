/*
 * gateway/api/native.h - the calls that are no dialect's: health, metrics, the demo. See call.h for who owns
 * what.
 */
#ifndef RECALLD_API_NATIVE_H
#define RECALLD_API_NATIVE_H

#include "api/call.h"

/* GET /healthz, GET /readyz, GET /metrics */
void native_health(struct api_call *call, struct api_reply *reply);
void native_ready(struct api_call *call, struct api_reply *reply);
void native_metrics(struct api_call *call, struct api_reply *reply);
/* GET /demo, GET /demo/:file, GET / in demo mode */
void native_demo_file(struct api_call *call, struct api_reply *reply);
void native_demo_redirect(struct api_call *call, struct api_reply *reply);
/* POST /demo/token */
bool native_demo_parse_token(struct api_call *call);
enum result native_demo_token(struct api_call *call, struct core_tx *tx, const struct principal *who);

#endif
