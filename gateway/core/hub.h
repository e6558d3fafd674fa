/*
 * gateway/core/hub.h - room -> subscribers on one edge thread: step 4 of a recall, FAN OUT. No sockets.
 *
 * Owns:    its rooms, their dense arrays of subscribers, their tails (references to the last frames).
 * Borrows: connections (hub_conn is embedded in the session), frames (it takes references).
 * Bounds:  a tail keeps at most HUB_TAIL frames; a subscriber further behind reads the log. Nothing is queued for a connection:
 *          it has a position in each room.
 * Fails:   out of memory for a room or a subscriber: hub_subscribe returns NULL.
 * Thread:  one; no locks.
 *
 *        publish(frame) ─→ tail of the room ─→ turn: next subscribers, one send each with all that they miss
 *        subscriber:  CATCHUP ──(log read up to what was heard)──→ LIVE ──(does not drain)──→ waits with its position
 *                        ↑                                                                      │ position fell off the tail,
 *                        └──────────────────────────────────────────────────────────────────────┘ or only the log knows whether
 *                                                                                                  the next frame is for them
 */
#ifndef RECALLD_CORE_HUB_H
#define RECALLD_CORE_HUB_H

#include "core/frame.h"

#include <sys/uio.h>

/* A test may compile the hub with smaller bounds, so that short runs meet them. */
#ifndef HUB_TAIL
#define HUB_TAIL 256                    /* frames that a room keeps in memory */
#define HUB_TAILS_BYTES (64U << 20)     /* of all tails of one hub: above it a room keeps none once its round is done */
#define HUB_ADOPT 8 /* subscribers on this thread from which a room keeps the page that one of them read as its tail */
#define HUB_HOLD_SUBSCRIBERS 256        /* a smaller room does not wait for events under way: a round of it costs too little */
#define HUB_HOLD_US 2000                /* nor does any longer in a round, or than 1 us for each subscriber */
#define HUB_SLICE 128                   /* subscribers of a room served before other rooms that wait get their turn */
#define HUB_SEND_BYTES (64U << 10)      /* bytes handed to one connection in one send (or one frame, if it is larger) */
#define HUB_PAGE 256                    /* events of one read from the log */
#define HUB_READS 64                    /* reads under way at a time; more wait in order */
#endif
#define HUB_LOOK 256U /* ways looked at together, and sends that `put` is called for */
#define HUB_SIGNAL_SUBSCRIBERS 2000     /* signals are not sent in a room with more subscribers on this thread */

#define HUB_RESET (-2)

enum hub_sent {
    HUB_SENT,    /* all of it is with the kernel */
    HUB_BLOCKED, /* some of it, perhaps nothing, is with the kernel: nothing more goes there until hub_drained */
    HUB_GONE,    /* the connection is closing: nothing was taken */
};

/* One of the sends that `put` makes. */
struct hub_send {
    const char *p;
    uint32_t n;     /* bytes */
    uint32_t taken; /* of them by the socket, as `put` tells */
    int socket;
};

struct hub;
struct hub_room;
struct hub_sub;

/* A connection as the hub sees it; embedded in its owner's structure. */
struct hub_conn {
    struct hub_sub *subs;   /* list of its subscriptions */
    unsigned sub_count : 24;
    unsigned stalled : 8; /* for its owner: how often it was found blocked since it drained last; up to 255 */
    bool blocked;         /* HUB_BLOCKED was answered and hub_drained not called since: nothing is sent */
    bool gone;            /* closing: nothing is sent any more; set by hub_conn_gone */
    bool rendering;       /* gets events by ops->render instead of ops->send, and no signals; set before it follows anything */
    bool cut;             /* the socket took a part only of a frame: the hub's table of those has it */
};

/* One page of a room's log, as a reader found it in one snapshot. */
struct hub_page {
    enum result rc;        /* not OK: the subscription is refused or ended with it */
    int64_t head, min_seq; /* of the room */
    struct frame **frames; /* after the cursor, in order; references handed over to the hub */
    size_t frame_count;
    int64_t upto; /* every event up to here was looked at: what has no frame is not for the user; -1: only the head was read */
    bool limited; /* an event among them has an audience: the page is this user's alone */
};

/* What a hub asks of its owner. None of these may call back into the hub, except hub_find, hub_completing and the hub_sub_… functions;
 * `refused` and `live` may also unsubscribe nothing and subscribe nothing before they return. */
struct hub_ops {
    /* Hands bytes to the socket and keeps none. With HUB_BLOCKED `*taken` tells how many the kernel took; hub_drained follows when
     * it takes more. */
    enum hub_sent (*send)(struct hub_conn *conn, const char *p, size_t n, size_t *taken);
    /* The rest of a frame that was cut by a blocked send: kept (copied), and sent before anything else. False: the connection is
     * gone. */
    bool (*finish)(struct hub_conn *conn, const char *p, size_t n);
    /* Ends the connection at once, dropping what it keeps: the rest of a cut frame shows what was recalled. */
    void (*abort)(struct hub_conn *conn);
    /* Reads at most HUB_PAGE events after `after` (-1: only the head) and later, not from within, calls hub_read_done with the
     * ticket. False: the readers' queue is full; the hub asks again in a later turn. */
    bool (*read)(void *ctx, struct hub_sub *sub, int64_t after, uint64_t ticket);
    /* The subscription is live for the first time, everything before is with the kernel or will be: `head` is its cursor. */
    void (*live)(void *ctx, struct hub_sub *sub, int64_t head, bool recovered);
    /* The log does not reach back (or the epoch changed): tell the client `reset`; the cursor is `head` now. */
    void (*reset)(void *ctx, struct hub_sub *sub, int64_t head);
    /* The read found that the subscription may not be: the hub has removed it already; `rc` says why. */
    void (*refused)(void *ctx, struct hub_conn *conn, struct str room, void *tag, enum result rc);
    /* May the connection's user see a frame with this audience? AUDIENCE_ASK: the hub reads a page for it, from which what they may not
     * see is left out. May be NULL where no frame has an audience. */
    enum audience_answer (*sees)(struct hub_conn *conn, const struct audience *audience);
    /* There is work for hub_turn. */
    void (*wake)(void *ctx);
    /* Are events about to be committed, of whatever room? Asked before each slice of a large and busy room, which waits a little for them. *now_us is
     * the time, monotonic and above 0, whatever the answer. May be NULL: then none waits. */
    bool (*under_way)(void *ctx, int64_t *now_us);
    /* The owner's name for the connection's way out, good until it is blocked or gone. May be NULL: then all goes by `send`. */
    void *(*way)(const struct hub_conn *conn);
    /* To each of `n` ways the number of its socket for `put`, or -1 where something waits before it. At most HUB_LOOK of them: where they lie
     * is not in the cache any more, and the processor waits for all at a time. NULL where `way` is. */
    void (*look)(void *ctx, void *const ways[], unsigned n, int sockets[]);
    /* Hands bytes to `count` sockets that `look` gave, HUB_LOOK at most and none twice, since when nobody but `put` used any, and keeps none. Tells
     * how many each took; where that is not all of them `send` follows with the rest, and says why. NULL where `way` is. */
    void (*put)(void *ctx, struct hub_send sends[], unsigned count);
    /* Sends one event to a `rendering` connection in the owner's own form. HUB_BLOCKED with *cut true: the socket took a part, and the
     * owner keeps the rest and sends it before anything else; with *cut false nothing was taken. May be NULL where no connection
     * is rendering. */
    enum hub_sent (*render)(struct hub_conn *conn, const struct frame *frame, bool *cut);
};

struct hub *hub_create(const struct hub_ops *ops, void *ctx);
void hub_destroy(struct hub *h);

void hub_conn_init(struct hub_conn *conn);
/* It is closing: nothing is sent to it from here on. Legal at any time, also within the hub's calls of its owner. */
void hub_conn_gone(struct hub_conn *conn);
/* Removes all its subscriptions. */
void hub_conn_close(struct hub *h, struct hub_conn *conn);

/* Follows a room as CATCHUP, then asks for a read. `since` -1: from now; HUB_RESET: as if the log did not reach back (another epoch).
 * `tag` is the caller's and comes back in the ops. A room that is followed already: the old subscription is returned with
 * *existing true, unchanged. */
struct hub_sub *hub_subscribe(struct hub *h, struct hub_conn *conn, int64_t app, struct str room, int64_t since, void *tag,
                              bool *existing);
void hub_unsubscribe(struct hub *h, struct hub_sub *sub);
/* The same, but first what is published and can be sent at once is sent: a member who is removed learns of it. */
void hub_leave(struct hub *h, struct hub_sub *sub);
struct hub_sub *hub_find(struct hub *h, struct hub_conn *conn, int64_t app, struct str room);
/* A page came for `ticket`; a ticket whose subscription is gone meanwhile is ignored, its frames released. */
void hub_read_done(struct hub *h, uint64_t ticket, struct hub_page *page);

/* A committed event, in order within its room. Takes its own reference. */
void hub_publish(struct hub *h, struct frame *frame);
/* Something without a seq to every subscriber of a room that is not blocked: dropped for the others. */
void hub_signal(struct hub *h, int64_t app, struct str room, struct str wire);
/* The connection takes bytes again. */
void hub_drained(struct hub *h, struct hub_conn *conn);
/* About once a second: looks again at reads that could not be started or failed. */
void hub_second(struct hub *h);
/* What a turn left behind: nothing; rooms that wait for events under way, look again when some were committed, at the latest after a millisecond;
 * or more to do. */
enum hub_left { HUB_NOTHING, HUB_HELD, HUB_MORE };
/* Visits about `slices` times HUB_SLICE subscribers, in however many rooms they are and at most HUB_SLICE of a room at a time
 * while another one waits. */
enum hub_left hub_turn(struct hub *h, unsigned slices);

/* Subscriptions of this hub in all. */
size_t hub_sub_count(const struct hub *h);
/* Is the room followed on this thread, and by how many? */
size_t hub_room_subscribers(const struct hub *h, int64_t app, struct str room);
struct hub_conn *hub_sub_conn(const struct hub_sub *sub);
struct str hub_sub_room(const struct hub_sub *sub);
void *hub_sub_tag(const struct hub_sub *sub);
void hub_sub_set_tag(struct hub_sub *sub, void *tag);
/* While ops->send runs: the subscription that `live` is called for as soon as the connection took all of it, so that what `live` sends may
 * go out together with it; NULL: none. */
struct hub_sub *hub_completing(const struct hub *h);
/* The last seq that was handed to the connection; -1 before the first read. Until it was live for the first time it may be no more
 * than what the client claimed. */
int64_t hub_sub_position(const struct hub_sub *sub);
/* Was `live` called for it? */
bool hub_sub_was_live(const struct hub_sub *sub);

#endif
