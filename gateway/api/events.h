/*
 * gateway/api/events.h - GET /rooms/:room/events: the room's log as a page of JSON, or, where Accept names text/event-stream, as a
 * stream that stays open (events_stream.h). See call.h for who owns what.
 */
#ifndef RECALLD_API_EVENTS_H
#define RECALLD_API_EVENTS_H

#include "api/call.h"

bool events_parse(struct api_call *call);
enum result events_run(struct api_call *call, struct core_tx *tx, const struct principal *who);

#endif
