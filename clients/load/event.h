/*
 * clients/load/event.h - reads an event frame of recall.v1 as far as a load test must know it.
 *
 * Owns, borrows: nothing; the text during the call.
 * Bounds:  those of the frame.
 * Fails:   event_read: false for what is no event frame.
 * Thread:  any.
 *
 * Frames as recalld writes them are read without parsing them as JSON; others are parsed.
 */
#ifndef RECALL_LOAD_EVENT_H
#define RECALL_LOAD_EVENT_H

#include "clients/load/names.h"

enum event_type { EVENT_MESSAGE, EVENT_RECALL, EVENT_OTHER };

struct event {
    enum event_type type;
    int64_t seq;
    uint64_t room;    /* its number, if it is the run's own */
    uint64_t message; /* its number; 0: none, or not the run's own */
    bool own_room;
};

bool event_read(struct event *e, const struct names *names, const char *text, size_t n);
/* The number of the next message of the run whose content stands in text[*at..n), 0 if there is none; `*at`
 * moves behind it. */
uint64_t event_content(const struct names *names, const char *text, size_t n, size_t *at);

#endif
