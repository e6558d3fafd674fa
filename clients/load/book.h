/*
 * clients/load/book.h - what was asked of the server and what it must therefore deliver: each acknowledged
 * event to each subscriber of its room, once, and no content of a message behind its recall.
 *
 * Owns:    the rooms, the last BOOK_MESSAGES messages.
 * Borrows: the figures, which it fills.
 * Bounds:  BOOK_MESSAGES messages of 120 bytes, taken as they are used. Of older ones only the numbers in the
 * log are checked (track.h). Fails:   book_init, without memory. Thread:  one.
 */
#ifndef RECALL_LOAD_BOOK_H
#define RECALL_LOAD_BOOK_H

#include "clients/load/figures.h"
#include "clients/load/track.h"

#define BOOK_MESSAGES 131072U

struct book_event {
    int64_t due_ns;              /* the moment for which it was intended; 0: not asked for */
    int64_t asked_ns;            /* when the call was made */
    int64_t answered_ns;         /* of a good answer; 0: none so far */
    int64_t seq;                 /* its number in the log, once a subscriber has seen it */
    uint32_t expected, got;      /* steady subscribers: those there were, those that have it */
    uint32_t prompt, prompt_got; /* of them those that read at once */
    int32_t slot;                /* of the closed loop; -1: none */
};

struct book_message {
    uint64_t number; /* 0: none */
    uint32_t room;
    struct book_event events[FIGURES_KINDS];
};

struct book_room {
    int64_t head;            /* the greatest number that anyone has heard of */
    uint32_t steady, prompt; /* subscribers that stay or come back; those that read at once */
    uint64_t missing;        /* gaps that cannot close any more */
    bool reset;              /* the server's log no longer reached back to a cursor, and it said so */
    char epoch[65];
};

/* How a delivery came. */
enum book_mode {
    BOOK_LIVE,
    BOOK_REPLAY, /* behind a cursor, or by a reader that had stopped: no latency */
    BOOK_PASSING /* to a subscriber that does not count as steady: latency, but nobody waits for it */
};

struct book {
    struct figures *figures;
    struct book_room *rooms;
    uint32_t room_count;
    struct book_message *messages; /* number n at n % BOOK_MESSAGES */
    uint64_t last;                 /* number of the newest message */
    uint64_t owed;                 /* acknowledged events that some subscriber has not got yet */
    void (*complete)(
        void *arg,
        int32_t slot); /* an event of the closed loop is answered and everywhere; NULL: nobody asks */
    void *arg;
};

bool book_init(struct book *b, struct figures *figures, uint32_t rooms);
/* Legal on a zeroed one. */
void book_free(struct book *b);
/* A message with the next number, to be sent to `room`. */
struct book_message *book_new(struct book *b, uint32_t room);
/* The message with this number; NULL if it is unknown or too old. */
struct book_message *book_find(struct book *b, uint64_t number);
/* It is being asked for, now or (due) earlier. */
void book_ask(struct book *b, struct book_message *m, enum figures_kind kind, int64_t due_ns, int64_t now_ns,
              int32_t slot);
/* Its call was answered well. */
void book_answered(struct book *b, struct book_message *m, enum figures_kind kind, int64_t now_ns);
/* A subscriber got it, for the first time, under number `seq`. */
void book_delivered(struct book *b, uint64_t number, enum figures_kind kind, uint32_t room, int64_t seq,
                    enum book_mode mode, int64_t now_ns);
/* A subscriber of `room` with this track, connected since `since_ns`, got a frame with the content of message
 * `number`: broken if it had the recall before, or connected after that was acknowledged. */
void book_content(struct book *b, uint64_t number, uint32_t room, const struct track *track,
                  int64_t since_ns);
/* At the end: adds what never came to the figures. `missing` has each room's numbers that steady subscribers
 * miss at last. */
void book_judge(struct book *b, const uint64_t *missing);

#endif
