/*
 * clients/load/options.h - what the command line asks for.
 *
 * Owns:    nothing: texts are the command line's or the environment's.
 * Bounds:  each number has its own; see options_help.
 * Fails:   options_read: a sentence in `error` that says what to write instead.
 * Thread:  one.
 */
#ifndef RECALL_LOAD_OPTIONS_H
#define RECALL_LOAD_OPTIONS_H

#include "clients/load/slo.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

#define OPTIONS_PER_ADDRESS 20000U /* connections from one source address unless told otherwise */

enum options_scenario {
    OPTIONS_FANOUT,
    OPTIONS_ROOMS,
    OPTIONS_RESUME,
    OPTIONS_SLOW,
    OPTIONS_CONNECT,
    OPTIONS_MIXED,
    OPTIONS_SOAK,
    OPTIONS_SCENARIOS
};

enum options_status { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_VERSION, OPTIONS_WRONG };

struct options {
    const char *url;
    char host[256];        /* as in the URL, without brackets */
    char host_header[272]; /* with the port */
    uint16_t port;
    struct sockaddr_storage at;
    socklen_t at_len;
    bool loopback; /* the address is this machine's own */

    const char *api_key, *client_key;
    const char *app_key, *app_secret; /* RongCloud's dialect; NULL: not used */

    enum options_scenario scenario;
    bool closed; /* loop: back to back; else at a constant rate */
    uint32_t connections, rooms, in_flight, source_addresses, bytes, recalls, slow;
    double rate;
    int64_t duration_ns;
    bool acks, keep, remote;
    const char *json, *html; /* NULL: none */
    struct slo_list slo;
};

/* Reads the command line into `o`. On OPTIONS_WRONG `error` has the sentence. */
enum options_status options_read(struct options *o, int argc, char **argv, char *error, size_t size);
/* The scenario's name. */
const char *options_scenario_name(enum options_scenario scenario);
/* A duration ("500us", "50ms", "60s", "5m", "1h"; a bare number in the unit `bare_ns`) in ns; false if it is
 * none. */
bool options_duration(const char *text, int64_t bare_ns, int64_t *ns);
void options_help(FILE *to);

#endif
