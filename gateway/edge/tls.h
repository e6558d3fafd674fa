/*
 * gateway/edge/tls.h - TLS before everything else: deciphers a connection and hands the plain bytes on,
 * through a pair of sockets, to http.h as if they had been accepted so.
 *
 * Owns:    the certificate's context, shared by all threads; each relay its socket, its half of the pair,
 *          its OpenSSL state.
 * Borrows: the thread.
 * Bounds:  TLS_CHUNK bytes in each direction; a handshake of TLS_HANDSHAKE_MS.
 * Fails:   the context with a sentence; a relay by closing both sides.
 * Thread:  context: made on the main thread, replaced on it, used on the edge threads under a lock. Relays:
 *          their edge thread.
 *
 * So HTTP and WebSocket have one path, plain and enciphered, and the fan-out's direct sends hold for both.
 * A relay costs three file descriptors and OpenSSL's 40 KB: for many connections a TLS proxy in front is
 * the better place.
 */
#ifndef RECALLD_EDGE_TLS_H
#define RECALLD_EDGE_TLS_H

#include "edge/thread.h"

#define TLS_CHUNK (16 * 1024)
#define TLS_HANDSHAKE_MS 10000
#define TLS_END_MS 5000

struct tls_context;

/* Reads certificate chain and key (PEM). TLS 1.2 and later, ALPN http/1.1. NULL: a sentence in `error`. */
struct tls_context *tls_context_create(const char *certificate, const char *key, char *error, size_t n);
/* Reads them again for new connections. False: a sentence in `error`, the old ones stay. */
bool tls_context_reload(struct tls_context *c, const char *certificate, const char *key, char *error,
                        size_t n);
void tls_context_free(struct tls_context *c); /* NULL is legal */

/* Takes over an accepted socket. */
void tls_open(struct edge_thread *t, int fd, const char *peer);
void tls_fire(struct wheel_node *node, int64_t now_ms);
/* The server leaves: handshakes under way end; the rest ends with what it carries. */
void tls_drain_all(struct edge_thread *t);
void tls_close_all(struct edge_thread *t);

#endif
