#include "clients/load/explain.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#define SPARE_FILES 48U /* loop, timers, standard streams, /proc, reports */

void explain_sentence(const char *body, size_t n, char *out, size_t size)
{
    const char *at = memmem(body, n, "\"RM\":\"", 6);
    size_t len = 0;

    out[0] = '\0';
    if (at == NULL)
        return;
    at += 6;
    while (at + len < body + n && at[len] != '"' && len + 1 < size)
        len++;
    memcpy(out, at, len);
    out[len] = '\0';
}

void explain_connect(const struct options *o, int error, char *out, size_t size)
{
    if (error == ECONNREFUSED)
        snprintf(out, size, "nothing listens on %s (connection refused): start recalld, or correct --url",
                 o->host_header);
    else if (error == EADDRNOTAVAIL)
        snprintf(out, size, "no free local port is left for connections to %s: %s", o->host_header,
                 o->loopback ? "raise --source-addresses, which now is too small for so many connections"
                             : "widen net.ipv4.ip_local_port_range, or load from several machines");
    else if (error == EMFILE || error == ENFILE)
        snprintf(out, size,
                 "no more files may be opened: raise the limit with `ulimit -n`, or use fewer --connections");
    else if (error == ECONNRESET)
        snprintf(
            out, size,
            "%s ends connections at once (reset): it may be at its own limit of open files (LimitNOFILE, "
            "max_connections), or no HTTP server",
            o->host_header);
    else
        snprintf(out, size, "%s cannot be reached: %s", o->host_header, strerror(error));
}

void explain_upgrade(const struct options *o, int status, const char *text, char *out, size_t size)
{
    (void)o;
    if (status == 401 && strstr(text, "lient key") != NULL)
        snprintf(
            out, size,
            "the server does not know the client key (\"%s\"): give the app's client_key with --client-key",
            text);
    else if (status == 401)
        snprintf(
            out, size,
            "the server refused the tokens that it had issued (401 \"%s\"): --client-key must be of the same "
            "app as --api-key",
            text);
    else if (status == 429 || status == 503)
        snprintf(out, size,
                 "the server takes no more connections (%d \"%s\"): look at its connections_per_second, "
                 "max_connections and limit of open files, or use fewer --connections",
                 status, text);
    else if (status == 404 || status == 426 || status == 200)
        snprintf(
            out, size,
            "there is no WebSocket at /ws (answer %d): is this a recalld, and does a proxy before it pass "
            "upgrades on?",
            status);
    else
        snprintf(out, size, "a connection was refused (%d \"%s\")", status, text);
}

void explain_answer(const struct options *o, const char *what, const struct caller_answer *answer, char *out,
                    size_t size)
{
    char text[200];

    explain_sentence(answer->body, answer->len, text, sizeof(text));
    if (answer->status == 0)
        snprintf(out, size, "cannot %s: %s", what, answer->body);
    else if (answer->status == 401)
        snprintf(out, size, "the platform key is wrong (401 \"%s\"): give the app's api_key with --api-key",
                 text);
    else if (answer->status == 404 && text[0] == '\0')
        snprintf(out, size, "cannot %s: %s has no such call (404): is this a recalld?", what, o->host_header);
    else
        snprintf(out, size, "cannot %s: the server answered %d%s%s%s", what, answer->status,
                 text[0] != '\0' ? " \"" : "", text, text[0] != '\0' ? "\"" : "");
}

/* How many local ports one address has; 28,232 where it is not said. */
static uint32_t ports(void)
{
    FILE *f = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
    unsigned least = 0, most = 0;

    if (f == NULL)
        return 28232;
    if (fscanf(f, "%u %u", &least, &most) != 2 || most < least)
        most = least + 28231;
    fclose(f);
    return most - least + 1;
}

bool explain_limits(const struct options *o, char *out, size_t size)
{
    const rlim_t wanted = (rlim_t)o->connections + o->in_flight + SPARE_FILES;
    const uint64_t from = (uint64_t)ports() * o->source_addresses;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < wanted) {
        const rlim_t had = limit.rlim_max;

        limit.rlim_cur =
            limit.rlim_max == RLIM_INFINITY || limit.rlim_max >= wanted ? wanted : limit.rlim_max;
        if (limit.rlim_cur < wanted || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            snprintf(
                out, size,
                "%u connections need %llu open files, and this process may have %llu: run `ulimit -n %llu` "
                "first (as root, or raise the hard limit in /etc/security/limits.conf), use at most "
                "--connections %llu, or run several recall-load side by side",
                o->connections, (unsigned long long)wanted, (unsigned long long)had,
                (unsigned long long)wanted,
                (unsigned long long)(had > SPARE_FILES + o->in_flight ? had - SPARE_FILES - o->in_flight
                                                                      : 0));
            return false;
        }
    }
    if (o->connections > from) {
        snprintf(out, size, "%u connections need more local ports than the %llu there are: %s",
                 o->connections, (unsigned long long)from,
                 o->loopback ? "raise --source-addresses"
                             : "widen net.ipv4.ip_local_port_range, or load from several machines");
        return false;
    }
    return true;
}
