/*
 * gateway/core/event.h - the room's log: appending to it, reading it back as frames, and telling the edge threads.
 *
 * Owns:    a notice owns what it carries.
 * Borrows: rows and texts, for the call.
 * Bounds:  one event each.
 * Fails:   as the store does (store_conn_failed); then nothing is published.
 * Thread:  event_append and the other writers on the writer thread; event_render on either.
 *
 * The log holds references, not copies: a frame is rendered from the message as it is now, so that a replay cannot bring a
 * recalled message back. The same function renders live and replayed frames.
 */
#ifndef RECALLD_CORE_EVENT_H
#define RECALLD_CORE_EVENT_H

#include "bus/bus.h"
#include "core/frame.h"
#include "core/tx.h"

enum notice_kind {
    NOTICE_EVENT,  /* a committed event: `frame` */
    NOTICE_SIGNAL, /* something without a seq for a room: `wire` */
    NOTICE_TOKENS, /* tokens of `user` were revoked or replaced: sessions check themselves */
    NOTICE_DEVICE, /* a newer session of `user`'s device (in `room`) is there: older ones close */
    NOTICE_VISIT,  /* every edge thread calls `visit` once */
    NOTICE_PROGRESS, /* the payload `wire` for the sessions that follow `room` of the users in `user`, one a line */
};

struct notice {
    struct bus_notice bus; /* first */
    enum notice_kind kind;
    struct frame *frame;
    int64_t app;
    struct str room, user; /* in `text` */
    struct str wire;       /* framed bytes, in `text` */
    uint32_t serial;       /* NOTICE_DEVICE: of the newer session */
    int64_t generation;    /* NOTICE_TOKENS: tokens of this server with a smaller one are invalid */
    int64_t revoked_s;     /* foreign tokens issued at or before this are invalid */
    bool only;             /* only the token with `hash` is revoked */
    bool keep_bound;       /* the bound token with `hash` stays valid */
    unsigned char hash[32]; /* `only`: the revoked token; else a bound token that stays valid */
    void (*visit)(void *arg, void *thread); /* NOTICE_VISIT; `thread` is what the thread gives mailbox_drain */
    void (*visited)(void *arg);
    void *arg;
    char text[];
};

/* The room's next number; the caller writes the rows that carry it and then calls event_append. 0: the store failed. */
int64_t event_next(struct core_tx *tx, struct room_row *room);
/* Appends the event with `seq` from event_next (a new message's is its row, which store_message_add has added), renders it, and has it
 * published after the commit. `message` is the row as it is now where the caller has it (saves reading it); `data` only for EVENT_ROOM.
 * Returns the message object as everyone gets it, which lives until the transaction ends; absent for EVENT_ROOM, and when the store failed. */
struct str event_append(struct core_tx *tx, struct room_row *room, enum event_type type, int64_t seq, struct str subject,
                        const struct message_row *message, struct str data, const struct frame_member *members, size_t n);
/* A room event: `change` is "created", "joined", "left", "role" or "updated"; `users` are whom it is about (may be 0). Members that
 * joined or left are told to the edge threads by it. Call it after the member rows were changed. Returns the seq. */
int64_t event_room(struct core_tx *tx, struct room_row *room, const char *change, struct str by, const struct str *users,
                   size_t n, struct str role);
/* Tells the members who are connected that `user` has read up to `message`. */
void event_read_signal(struct core_tx *tx, const struct room_row *room, struct str user, struct str message);
/* Sessions of `user` whose token no longer stands are to close with 4401. `only`: just the token with this hash; otherwise all of an
 * older generation, foreign ones issued up to `revoked_s`, and bound ones other than `keep` (NULL: none stays). */
void event_tokens(struct core_tx *tx, struct str user, int64_t generation, int64_t revoked_s, const unsigned char *only,
                  const unsigned char *keep);

/* A session with this number, growing over the process, is the device's now: older ones are to close with 4409. */
void event_device(struct core_tx *tx, struct str user, struct str device, uint32_t serial);
/* The same from an edge thread, whose own sessions know already: to the others, at once. False: one of them did not get it. */
bool event_device_offer(struct bus *bus, const struct mailbox *own, int64_t app, struct str user, struct str device, uint32_t serial);
/* A member is typing: offered to the edge threads at once, from any thread. */
void event_typing(struct bus *bus, int64_t app, struct str room, struct str user);

/* Calls `visit` on each edge thread, one after another or at the same time, and when all have done so, `visited` once, on any of them or on the
 * caller's. A thread whose mailbox is full is left out. Any thread; never waits. */
void event_visit(struct bus *bus, void (*visit)(void *arg, void *thread), void (*visited)(void *arg), void *arg);
/* Tells these users' sessions that follow the room how far a recall has got: offered to the edge threads at once, from any thread. */
void event_progress(struct bus *bus, int64_t app, struct str room, const struct str *users, size_t n, struct str message,
                    int64_t acked, int64_t devices);

/* The message that an event of the log is about, as it is now; not for EVENT_ROOM. A recall may have come before its message: then
 * its place is told. */
void event_subject(struct core_tx *tx, const struct room_row *room, const struct event_row *event, struct message_row *out);
/* An event of the log as a frame, from the rows as they are now. NULL when the store failed. One reference is the caller's. */
struct frame *event_render(struct core_tx *tx, const struct room_row *room, const struct event_row *event,
                           const struct message_row *message, const struct frame_member *members, size_t n);

#endif
