/*
 * gateway/core/frame.h - an event of a room as bytes: made once, never changed, shared by all threads.
 *
 * Owns:    its bytes, a reference to its audience; freed when the last reference goes (atomic count).
 * Bounds:  one event; the payload is at most JSON_OUT_MAX.
 * Fails:   frame_make returns NULL when out of memory.
 * Thread:  any; immutable after frame_make.
 *
 * The WebSocket header stands directly before the payload, so that a live subscriber's send is one system call on shared
 * bytes. The marks say where message content stands, so that a recall can cut it out of frames that still wait (frame_recalled).
 */
#ifndef RECALLD_CORE_FRAME_H
#define RECALLD_CORE_FRAME_H

#include "base/str.h"
#include "core/audience.h"
#include "core/view.h"
#include "store/rows.h"

#include <stdatomic.h>

/* A change of a room's membership that came with the event. */
struct frame_member {
    struct str user;
    bool joined; /* false: left */
};

struct frame {
    atomic_uint refs;
    enum event_type type;
    int64_t app;
    int64_t seq;
    struct str room;         /* room id */
    struct str message;      /* id of the message it is about; absent: none */
    struct audience *audience; /* who alone may see it; NULL: everyone who may read the room */
    struct view_marks marks; /* message objects in the payload; of a recall the first is the recalled message's own */
    const struct frame_member *members;
    size_t member_count;
    struct str wire;         /* header and payload: what a WebSocket gets */
    struct str payload;      /* the JSON text inside */
};

struct frame_parts {
    enum event_type type;
    int64_t app, seq;
    struct str room, message;
    struct view_marks marks; /* offsets into payload */
    const struct frame_member *members;
    size_t member_count;
    struct str payload;
    struct audience *audience; /* NULL: everyone; the frame takes a reference of its own */
};

/* Copies everything into one allocation; one reference is the caller's. */
struct frame *frame_make(const struct frame_parts *parts);
struct frame *frame_ref(struct frame *f);
void frame_unref(struct frame *f); /* NULL is legal */

/* Whether the frame shows the message: as itself, as a quote, as a conversation's last line. */
bool frame_shows(const struct frame *f, struct str message);
/* The frame `old` as it must read after `recall` (a frame of type EVENT_RECALL): wherever `old` shows the recalled message, as
 * itself, as a quote or as a conversation's last line, stands the recalled object instead. NULL when `old` does not hold that content (then send `old`);
 * out of memory aborts, because sending `old` would break the promise. */
struct frame *frame_recalled(const struct frame *old, const struct frame *recall);

#endif
