#include "api/imkit.h"

/* Counts of the caller's own app alone: no key, no token, nothing of another tenant leaves the server this
 * way. */
enum result imkit_admin_connections(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    struct json_out *o = &call->out.result;

    (void)who;
    json_out_object(o);
    json_out_kint(o, "count", gateway_app_sessions(call->thread->gateway, tx->app_id, 0));
    json_out_object_end(o);
    return RESULT_OK;
}

enum result imkit_admin_stats(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    struct gateway *g = call->thread->gateway;
    struct json_out *o = &call->out.result;

    (void)who;
    json_out_object(o);
    json_out_kcstr(o, "appID", tx->app->name);
    json_out_kint(o, "clients", store_client_count(tx->conn, tx->app_id));
    json_out_kint(o, "rooms", store_room_count(tx->conn, tx->app_id));
    json_out_kint(o, "messages", store_message_count(tx->conn, tx->app_id));
    json_out_kint(o, "connections", gateway_app_sessions(g, tx->app_id, 0));
    json_out_kint(o, "uptimeMS", tx->now_ms - g->started_ms);
    json_out_object_end(o);
    return RESULT_OK;
}
