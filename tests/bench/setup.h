/*
 * tests/bench/setup.h - what the benchmark needs in recalld before anything is measured: users, their tokens,
 * rooms.
 *
 * Owns:    the tokens.
 * Bounds:  one HTTP call at a time, each within 30 s.
 * Fails:   false with a sentence on standard error.
 * Thread:  one; blocks.
 */
#ifndef BENCH_SETUP_H
#define BENCH_SETUP_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SETUP_CLIENT_KEY   "bench-client-key"
#define SETUP_API_KEY      "bench-api-key"
#define SETUP_TOKEN_SECRET "bench-token-secret-of-32-bytes-or-more"

/* One user for each device, the dearest case. */
struct setup_users {
    char **tokens;
    size_t count;
};

/* Makes users u0… and asks for their tokens, over POST /admin/clients/list. */
bool setup_users_make(struct setup_users *users, const struct sockaddr_in *at, size_t count);
void setup_users_free(struct setup_users *users);
/* Makes a group of users u`first` and so on, `count` of them. */
bool setup_room(const struct sockaddr_in *at, const char *room, size_t first, size_t count);

/* Sends `count` messages to a room, one after the other. */
bool setup_messages(const struct sockaddr_in *at, const char *room, uint32_t count);

/* "127.0.0.1:8080" as an address. */
bool setup_address(const char *text, struct sockaddr_in *at);
/* The sum of a metric of recalld over its labels; -1: it has none of that name. */
long long setup_metric(const struct sockaddr_in *at, const char *name);

#endif
