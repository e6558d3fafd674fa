/*
 * gateway/api/imkit.h - the IMKit dialect: for each call a `parse` (edge thread: request → command) and a
 * `run` (writer or reader: command → rule of the core). The routing table in api.c names them; see call.h for
 * who owns what.
 */
#ifndef RECALLD_API_IMKIT_H
#define RECALLD_API_IMKIT_H

#include "api/call.h"

/* POST /rooms/:room/message and POST /messages: send, edit, and the recall that the seed shows. */
bool imkit_message_parse(struct api_call *call);
bool imkit_message_parse_direct(struct api_call *call);
enum result imkit_message_run(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* DELETE /rooms/:room/messages/:message */
bool imkit_message_parse_delete(struct api_call *call);
enum result imkit_message_delete(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* POST /messages/user-delete */
bool imkit_message_parse_hide(struct api_call *call);
enum result imkit_message_hide(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* POST /messages/batch */
bool imkit_batch_parse(struct api_call *call);
enum result imkit_batch_run(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* POST /rooms, POST /rooms/createAndJoin */
bool imkit_room_parse(struct api_call *call);
bool imkit_room_parse_joined(struct api_call *call);
enum result imkit_room_create(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* GET /rooms/:room, GET /rooms, POST /rooms/:room/join */
bool imkit_room_parse_any(struct api_call *call);
bool imkit_room_parse_one(struct api_call *call);
bool imkit_room_parse_list(struct api_call *call);
enum result imkit_room_get(struct api_call *call, struct core_tx *tx, const struct principal *who);
enum result imkit_room_list(struct api_call *call, struct core_tx *tx, const struct principal *who);
enum result imkit_room_join(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* POST /rooms/:room/members, POST /rooms/:room/delete/members */
bool imkit_room_parse_members(struct api_call *call);
enum result imkit_room_add(struct api_call *call, struct core_tx *tx, const struct principal *who);
enum result imkit_room_remove(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* PUT /rooms/:room/member/:client */
bool imkit_room_parse_role(struct api_call *call);
enum result imkit_room_role(struct api_call *call, struct core_tx *tx, const struct principal *who);
/* PUT /rooms/:room/lastRead */
bool imkit_room_parse_read(struct api_call *call);
enum result imkit_room_read(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* GET /rooms/:room/messages/v3, GET /rooms/:room/messages/:message */
bool imkit_history_parse(struct api_call *call);
enum result imkit_history_run(struct api_call *call, struct core_tx *tx, const struct principal *who);
bool imkit_history_parse_around(struct api_call *call);
enum result imkit_history_around(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* POST /admin/clients, POST /admin/clients/list, PUT and DELETE /admin/clients/:client/token */
bool imkit_client_parse(struct api_call *call);
bool imkit_client_parse_list(struct api_call *call);
enum result imkit_client_upsert(struct api_call *call, struct core_tx *tx, const struct principal *who);
bool imkit_client_parse_token(struct api_call *call);
enum result imkit_client_put_token(struct api_call *call, struct core_tx *tx, const struct principal *who);
enum result imkit_client_revoke(struct api_call *call, struct core_tx *tx, const struct principal *who);

/* GET /admin/connection-count, GET /admin/stats */
enum result imkit_admin_connections(struct api_call *call, struct core_tx *tx, const struct principal *who);
enum result imkit_admin_stats(struct api_call *call, struct core_tx *tx, const struct principal *who);

#endif
