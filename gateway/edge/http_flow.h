/*
 * gateway/edge/http_flow.h - the states of an HTTP connection.
 *
 * Owns nothing of its own: see http.h. Thread: the edge thread that owns the connection.
 */
#ifndef RECALLD_EDGE_HTTP_FLOW_H
#define RECALLD_EDGE_HTTP_FLOW_H

#include "edge/http.h"

/* Goes as far as what was received allows. May close the connection. */
void http_flow_advance(struct http_conn *c);
/* Answers with an error of the edge's own and closes afterwards. `sentence` is static text without quotes. */
void http_flow_refuse(struct http_conn *c, int status, const char *sentence);

#endif
