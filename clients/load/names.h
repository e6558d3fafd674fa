/*
 * clients/load/names.h - what a run calls its users, rooms and messages, so that its own are told from
 * others'.
 *
 * Owns:    its texts.
 * Bounds:  ids of at most NAMES_MOST bytes, zero included.
 * Fails:   never.
 * Thread:  one.
 *
 * load-RUN-u7 a user, load-RUN-r7 a room, load-RUN-m7 a message; the text of that message begins with
 * "load-RUN:7:".
 */
#ifndef RECALL_LOAD_NAMES_H
#define RECALL_LOAD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAMES_MOST 48

struct names {
    char run[16];
    char room[32], message[32], content[32]; /* how they begin */
    size_t room_len, message_len, content_len;
};

/* `number` tells this run from others. */
void names_init(struct names *n, uint32_t number);
void names_user(const struct names *n, uint32_t i, char out[NAMES_MOST]);
void names_room(const struct names *n, uint32_t i, char out[NAMES_MOST]);
void names_message(const struct names *n, uint64_t i, char out[NAMES_MOST]);
/* The number behind `prefix` in p[0..n), which must be followed by `end`; false if there is another text.
 * `*used` is the length of all but `end`. */
bool names_number(const char *p, size_t n, const char *prefix, size_t prefix_len, char end, uint64_t *number,
                  size_t *used);

#endif
