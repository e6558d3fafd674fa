/*
 * gateway/edge/ws.h - WebSocket connections: libwebsockets reads the frames, we write them.
 *
 * Owns:    each connection's `struct ws`, which lives in libwebsockets' user space of the connection; its
 *          session.
 * Borrows: the thread.
 * Bounds:  sizeof(struct ws) for an idle connection; a frame being received up to `frame_max` (4413);
 *          replies waiting for the socket up to `output_buffer` bytes and WS_OUT_PIECES pieces, then text()
 *          is refused.
 * Fails:   by closing the connection; with a close code wherever the socket still takes it.
 * Thread:  the edge thread that owns the connection.
 *
 * Only upgrade requests that http_guard.c accepted come here, written anew by ws_adopt: libwebsockets' HTTP
 * parser never sees a byte of a stranger's, no extension (compression above all) is ever offered to it.
 */
#ifndef RECALLD_EDGE_WS_H
#define RECALLD_EDGE_WS_H

#include "api/session.h"
#include "edge/http_head.h"
#include "edge/thread.h"

#include <sys/uio.h>

#define WS_OUT_PIECES 512 /* libwebsockets refuses at 1,024 */
#define WS_CLOSE_MS 2000  /* how long a peer may take to answer our close frame */
#define WS_CLOSE_REASON_MAX 123
#define WS_KEY_SIZE 24 /* of Sec-WebSocket-Key: base64 of 16 bytes */

struct ws_in {
    uint32_t len, cap;
    char text[];
};

/* One connection; 72 bytes, counted by every idle device. In the thread's ws_wheel as long as it is open. */
struct ws {
    struct lws *wsi; /* first what a delivery needs: one line of the cache */
    int fd;
    uint16_t pieces; /* how many pieces wait */
    bool blocked : 1;    /* something waits; session_drained is owed */
    bool closing : 1;    /* no more frames go out */
    bool awaiting_pong : 1;
    bool heard : 1; /* anything came in since the last ping */
    struct session *session;
    struct edge_thread *thread; /* NULL: gone */
    struct wheel_node timer; /* the earliest of: the session's deadline, ping, pong overdue, close overdue */
    struct ws_in *in;        /* a frame being assembled; NULL between frames */
    uint32_t pinged_ms; /* low bits of the monotonic time when the last ping went out, or the connection opened */
    uint32_t waiting;  /* bytes of replies that wait in libwebsockets, since it was last empty */
};

struct ws_upgrade {
    const struct http_head *head; /* that http_guard.c let pass */
    const char *peer;
    const char *surplus; /* frames that came with the request */
    size_t surplus_len;
};

/* The list for lws contexts: one protocol. Static. */
const struct lws_protocols *ws_protocols(void);

/* Takes over the socket, answers the upgrade, opens the session. */
void ws_adopt(struct edge_thread *t, int fd, const struct ws_upgrade *up);

/* For the wheel. */
void ws_fire(struct wheel_node *node, int64_t now_ms);
/* The server leaves: tells every session, with reconnect times spread at random. */
void ws_drain_all(struct edge_thread *t);
/* Looks again when this connection wants to be called next. */
void ws_rearm(struct ws *w);

#endif
