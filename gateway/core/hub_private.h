/*
 * gateway/core/hub_private.h - what hub.c (rooms, publishing), hub_sweep.c (fan-out), hub_batch.c, hub_send.c, hub_tail.c and cursor.c (catching
 * up) share. Not for others.
 * Ownership, bounds and thread: as in hub.h.
 */
#ifndef RECALLD_CORE_HUB_PRIVATE_H
#define RECALLD_CORE_HUB_PRIVATE_H

#include "core/hub.h"

/* uthash exits the process when memory is out; a hub cannot go on from there either. */
#include <assert.h>
#include <uthash.h>

enum sub_state {
    SUB_WANTS,   /* needs a read of the log; in the hub's waiting line unless its connection is blocked */
    SUB_READING, /* a read is under way */
    SUB_LIVE,    /* served from the tail */
};

/* 56 bytes: every idle device has at least one. */
struct hub_sub {
    struct hub_room *room;
    struct hub_conn *conn;
    struct hub_sub *next; /* the connection's list */
    union {
        struct hub_sub *wait_next; /* with `waiting`: the hub's line of those who want a read */
        struct cursor_read *read;  /* with SUB_READING: the one under way */
    };
    void *tag;
    union {
        struct hub_sub *wait_prev; /* with `waiting` */
        int64_t announce_at;       /* with SUB_LIVE: `live` is called when this seq was handed over */
    };
    uint32_t slot;
    uint8_t state;
    bool waiting : 1;   /* in the line */
    bool announced : 1; /* `live` was called */
    bool reset : 1;     /* must be told `reset`, whatever the log says */
    bool head_only : 1; /* the read under way asks only where the log stands: the tail holds the rest */
    bool in_full : 1;   /* that did not do: the next read is a whole one */
    bool lost : 1;      /* was told `reset` before it became live: not recovered */
};
_Static_assert(sizeof(struct hub_sub) <= 56, "an idle subscription's memory is a promise");

/* One subscriber in its room's dense array: what a sweep touches. Each line of the cache more, such as the subscription's or the connection's,
 * would be read anew for every delivery to a large room. */
struct hub_slot {
    struct hub_sub *sub;
    int64_t position; /* the last seq that was handed over; -1: not known yet */
    void *way; /* of its connection; NULL unless the subscription is live and announced, and nothing keeps the connection from being sent to */
};
_Static_assert(sizeof(struct hub_slot) == 24, "an idle subscription's memory is a promise");

#define HUB_BEYOND (INT64_MAX / 4) /* the greatest position: a client may claim any */

/* Can the slot be served by its way alone? */
static inline bool hub_way_open(const struct hub_slot *slot)
{
    const struct hub_sub *sub = slot->sub;

    (void)sub;
    assert(slot->way == NULL || (sub->state == SUB_LIVE && sub->announced && !sub->conn->blocked && !sub->conn->gone && !sub->conn->rendering));
    return slot->way != NULL;
}

/* A frame that one connection has a part of. Its rest is with the transport, out of the hub's reach. */
struct hub_cut {
    UT_hash_handle hh; /* of the hub's table, by `conn`: a pointer to it would cost every idle device, and few have one */
    struct hub_conn *conn;
    struct hub_room *room;
    struct frame *frame;
    struct hub_cut *next, *prev; /* the room's list */
};

struct hub_room {
    UT_hash_handle hh;
    struct hub_slot *slots;
    uint32_t count, cap;
    uint32_t sweep;     /* the next slot to serve */
    uint32_t remaining; /* slots to visit until all have seen the head */
    uint32_t round;     /* slots to visit until each was visited once more */
    uint32_t fresh, burst; /* events published in this round, and in the one before */
    int64_t held_us;       /* how long this round has waited for others */
    int64_t held_since_us; /* 0: does not wait */
    int64_t looked_us;     /* when that was asked last */
    int64_t heard;      /* the highest seq that this thread knows of */
    struct frame **tail; /* tail_count frames, the last with seq tail_last, growing by one */
    uint32_t tail_count, tail_cap;
    uint32_t tail_limited; /* of them, frames with an audience: while there are none, everyone gets the same */
    int64_t tail_last;
    int64_t members_at; /* members changed there, as a page in the tail told: only a newer snapshot says who may be served */
    struct hub_cut *cuts;
    struct hub_room *dirty_next;
    bool dirty;
    uint16_t key_len;
    char key[]; /* app number and room id */
};

struct hub {
    const struct hub_ops *ops;
    void *ctx;
    struct hub_room *rooms;
    struct hub_cut *cuts; /* hash by connection */
    struct hub_room *dirty_head, *dirty_tail;
    struct hub_sub *wait_head, *wait_tail;
    struct cursor_read *reads; /* hash by ticket */
    unsigned reads_open;
    uint64_t next_ticket;
    size_t sub_count;
    size_t tail_bytes;
    char *scratch; /* frames of one send, one behind the other */
    const struct hub_room *scratch_room; /* what it holds: frames from..to of this room */
    int64_t scratch_from, scratch_to;
    struct hub_sub *completing; /* what is being sent is the last that it waits for */
    bool woken;
};

/*
 * Sends of one turn that are made together, of one room or of several: a system call for many is what a small room's few gain by. A slot's position
 * is moved when it is taken in, and back where the socket did not take all. Only on a turn's stack.
 */
#define BATCH_MARKS (2 * HUB_LOOK)

struct hub_batch {
    unsigned count, runs;
    bool scratch; /* some of them are of the hub's scratch */
    bool mixed;   /* they are of several rooms, and their sockets are marked; else of `room` */
    const struct hub_room *room;
    struct hub_send sends[HUB_LOOK];
    struct {
        struct hub_slot *slots; /* one behind the other, as sends[first] and the next */
        int64_t was;            /* their position */
        unsigned first;
    } run[HUB_LOOK];
    int marks[BATCH_MARKS]; /* hash of the sockets: who follows two of the rooms must not be in twice, as behind a part of a frame comes its rest */
};

/* hub_sweep.c */
/* The room has something for its subscribers. */
void hub_mark_dirty(struct hub *h, struct hub_room *r);

/* hub.c */
void hub_wake(struct hub *h);
/* Sends what the slot misses from the tail. */
void hub_serve(struct hub *h, struct hub_room *r, struct hub_slot *slot);
/* Opens the slot's way if nothing speaks against it. */
void hub_open_way(struct hub *h, struct hub_slot *slot);
/* The socket does not take more: nothing is sent until hub_drained. */
void hub_block(struct hub_conn *conn);
/* As many of frames[0..n) as go into one send. */
size_t hub_fitting(struct frame *const *frames, size_t n, size_t *bytes);
/* frames[0..n) one behind the other: good until others are gathered. */
const char *hub_gather(struct hub *h, const struct hub_room *r, struct frame *const *frames, size_t n);
/* Sends frames[0..n) and moves the slot's position to the last one that was handed over; stops at a blocked connection. */
void hub_send_frames(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n);
/* The same in one send of `bytes`, of which the kernel has `taken` already. */
void hub_send_once(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n, size_t bytes, size_t taken);
/* The same for all that was heard of the room and the slot misses: if that makes the subscription live, its owner is told. */
void hub_send_rest(struct hub *h, struct hub_room *r, struct hub_slot *slot, struct frame *const *frames, size_t n);
/* Frees a room that nobody follows, unless a recall in it must still reach a connection that holds a part of a frame. */
void hub_release_room(struct hub *h, struct hub_room *r);
/* The subscription becomes live with `at`: says so when everything up to it was handed over, now or later. */
void hub_announce(struct hub *h, struct hub_slot *slot, int64_t at);
/* Takes the connection's cut frame off its room's list; the room may go with it. */
void hub_drop_cut(struct hub *h, struct hub_conn *conn);
/* Forgets the cut frames of a room that is being freed. */
void hub_forget_cuts(struct hub *h, struct hub_room *r);
struct hub_slot *hub_slot_of(const struct hub_sub *sub);

/* hub_batch.c */
void hub_batch_init(struct hub_batch *b);
/* Takes in what slots[0] misses for it and for those next to it that miss the same, by the sockets that a look at their ways gave (-1: none is
 * free). Returns how many of `n` slots were served so: 0 where slots[0] has to be served by hub_serve. */
unsigned hub_batch_add(struct hub *h, struct hub_batch *b, struct hub_room *r, struct hub_slot *slots, const int sockets[], unsigned n);
/* Sends what was taken in. To be called before anything else is sent, or a tail loses frames. */
void hub_batch_send(struct hub *h, struct hub_batch *b);

/* hub_tail.c */
/* Drops the oldest frames until `keep` are left. */
void hub_tail_drop(struct hub *h, struct hub_room *r, uint32_t keep);
void hub_tail_append(struct hub *h, struct hub_room *r, struct frame *frame);
/* A recall is committed: no frame that still waits may show what it took back. */
void hub_tail_erase(struct hub *h, struct hub_room *r, const struct frame *recall);
/* A page that reaches to the room's head becomes its tail if it has none and several wait: they need not read the same again. Never
 * one that was read for a user alone. */
void hub_tail_adopt(struct hub *h, struct hub_room *r, const struct hub_page *page);

/* May the connection's user see the frame? */
static inline enum audience_answer hub_sees(const struct hub *h, struct hub_conn *conn, const struct frame *frame)
{
    return frame->audience == NULL ? AUDIENCE_YES : h->ops->sees(conn, frame->audience);
}

/* cursor.c */
/* Puts the subscription into the line for a read of the log. */
void cursor_want(struct hub *h, struct hub_sub *sub);
/* Forgets it: it is being removed. */
void cursor_forget(struct hub *h, struct hub_sub *sub);
/* Starts reads for those in the line, as many as may run. */
void cursor_turn(struct hub *h);
/* hub_read_done. */
void cursor_read_done(struct hub *h, uint64_t ticket, struct hub_page *page);
void cursor_destroy(struct hub *h);

#endif
