/*
 * clients/load/caller.h - HTTP calls over a few keep-alive connections, one call at a time on each.
 *
 * Owns:    the connections, the calls that wait for one.
 * Borrows: the loop's poller, the options (address, keys).
 * Bounds:  `most` connections. Waiting calls: for who asks to bound (caller_open). An answer must come within
 *          CALLER_PATIENCE_NS.
 * Fails:   a call that gets no answer is told with status 0 and a sentence as its body. caller_post: false
 * without memory. Thread:  the loop's.
 */
#ifndef RECALL_LOAD_CALLER_H
#define RECALL_LOAD_CALLER_H

#include "clients/load/http_reader.h"
#include "clients/load/options.h"
#include "clients/load/poller.h"

#define CALLER_PATIENCE_NS INT64_C(30000000000)

struct caller_answer {
    int status;        /* 0: none */
    int retry_after_s; /* -1: not said */
    const char *body;  /* zero-terminated; with status 0 a sentence */
    size_t len;
};

typedef void caller_fn(void *arg, uint64_t tag, const struct caller_answer *answer);

struct caller_call; /* private */
struct caller_line;

struct caller {
    struct poller *poller;
    const struct options *options;
    struct caller_line *lines;
    uint32_t most, busy;
    uint32_t turn; /* lines are used in turn, so that the server ends none of them as idle */
    struct caller_call *first, **last; /* waiting for a line */
    uint64_t waiting;
    int connect_error; /* errno of the last connection that failed; 0: none did since the last that worked */
};

bool caller_init(struct caller *c, struct poller *poller, const struct options *options, uint32_t most);
/* Closes the connections; calls that are under way or wait are forgotten without being told. Legal on a
 * zeroed one. */
void caller_close(struct caller *c);
/* Asks for `method` `path` with a JSON (or, with `headers` naming another type, any) body; `headers` are
 * whole lines and come in addition, NULL: the platform key and the type of JSON. Everything is copied. `fn`
 * is told once. */
bool caller_ask(struct caller *c, const char *method, const char *path, const char *headers, const char *body,
                size_t len, caller_fn *fn, void *arg, uint64_t tag);
/* Calls that are not answered yet. */
uint64_t caller_open(const struct caller *c);
/* Ends calls whose answer is overdue; call it every second or so. */
void caller_look(struct caller *c, int64_t now_ns);

#endif
