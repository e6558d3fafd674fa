/*
 * gateway/edge/http_flow.h - the states of an HTTP connection.
 *
 * Owns nothing of its own: see http.h. Thread: the edge thread that owns the connection.
 */
#ifndef RECALLD_EDGE_HTTP_FLOW_H
#define RECALLD_EDGE_HTTP_FLOW_H

#include "edge/http.h"

/* The first bytes of a new connection: an upgrade that came whole is handed to ws.h, with the socket, and true returned. False: nothing was
 * done. The bytes may be changed afterwards. */
bool http_flow_upgrade(struct edge_thread *t, int fd, const char *peer, const char *p, size_t n);
/* Goes as far as what was received allows. May close the connection. */
void http_flow_advance(struct http_conn *c);
/* Hands a connection whose upgrade was checked to ws.h. */
void http_flow_hand_over(struct http_conn *c);
/* Answers with an error of the edge's own and closes afterwards. `sentence` is static text without quotes. */
void http_flow_refuse(struct http_conn *c, int status, const char *sentence);

#endif
