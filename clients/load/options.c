#include "clients/load/options.h"

#include <arpa/inet.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(table)       (sizeof(table) / sizeof((table)[0]))
#define SECOND_NS          INT64_C(1000000000)
#define DEFAULT_CLIENT_KEY "demo-client-key"
#define FAIL(...)          (snprintf(error, size, __VA_ARGS__), false)

static const char *const scenario_names[OPTIONS_SCENARIOS] = {"fanout",  "rooms", "resume", "slow",
                                                              "connect", "mixed", "soak"};

/* What was given and what was not: defaults depend on it. */
struct given {
    const char *rooms, *in_flight, *recalls, *acks, *scenario, *loop, *rate, *duration, *connections;
    const char *source_addresses, *bytes, *slow, *slo;
};

const char *options_scenario_name(enum options_scenario scenario)
{
    return scenario_names[scenario];
}

bool options_duration(const char *text, int64_t bare_ns, int64_t *ns)
{
    static const struct {
        const char *name;
        double ns;
    } units[] = {{"ns", 1}, {"us", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"m", 60e9}, {"h", 3600e9}};
    char *end;
    const double v = strtod(text, &end);
    double unit = (double)bare_ns;

    if (end == text || !(v >= 0) || v > 1e12)
        return false;
    if (*end != '\0') {
        unit = 0;
        for (size_t i = 0; i < COUNT(units); i++)
            unit = strcmp(end, units[i].name) == 0 ? units[i].ns : unit;
    }
    if (unit == 0 || v * unit > 4e18)
        return false;
    *ns = (int64_t)(v * unit);
    return true;
}

static bool read_number(const char *name, const char *text, uint32_t least, uint32_t most, uint32_t *out,
                        char *error, size_t size)
{
    char *end;
    const unsigned long long v = strtoull(text, &end, 10);

    if (end == text || *end != '\0' || text[0] == '-' || v < least || v > most)
        return FAIL("%s must be a whole number from %u to %u, not \"%s\"", name, least, most, text);
    *out = (uint32_t)v;
    return true;
}

/* --- the address --- */

static bool is_loopback(const struct sockaddr_storage *at)
{
    if (at->ss_family == AF_INET) {
        struct sockaddr_in in;

        memcpy(&in, at, sizeof(in));
        return ntohl(in.sin_addr.s_addr) >> 24 == 127;
    } else {
        struct sockaddr_in6 in;

        memcpy(&in, at, sizeof(in));
        return IN6_IS_ADDR_LOOPBACK(&in.sin6_addr);
    }
}

static bool split_url(struct options *o, char *port, size_t port_size, char *error, size_t size)
{
    const char *host = o->url + 7, *end, *rest;
    size_t n;

    if (strncmp(o->url, "https://", 8) == 0 || strncmp(o->url, "wss://", 6) == 0)
        return FAIL("%s: recall-load does not speak TLS, whose cost is the proxy's and would hide the "
                    "server's. Give the "
                    "plain http:// address behind the TLS proxy, or start a recalld without tls_certificate "
                    "for the test",
                    o->url);
    if (strncmp(o->url, "http://", 7) != 0)
        return FAIL("--url: \"%s\" is no address: write it as http://127.0.0.1:8080", o->url);
    end = host[0] == '[' ? strchr(host, ']') : host + strcspn(host, ":/");
    if (end == NULL || end == host)
        return FAIL("--url: \"%s\" names no host: write it as http://127.0.0.1:8080", o->url);
    rest = *end == ']' ? end + 1 : end;
    host += *end == ']';
    n = (size_t)(end - host);
    if (n == 0 || n >= sizeof(o->host))
        return FAIL("--url: \"%s\" names no host: write it as http://127.0.0.1:8080", o->url);
    memcpy(o->host, host, n);
    o->host[n] = '\0';
    snprintf(port, port_size, "80");
    if (*rest == ':') {
        n = strspn(rest + 1, "0123456789");
        if (n == 0 || n > 5)
            return FAIL("--url: \"%s\" has no port behind the colon", o->url);
        snprintf(port, port_size, "%.*s", (int)n, rest + 1);
        rest += 1 + n;
    }
    if (*rest != '\0' && strcmp(rest, "/") != 0)
        return FAIL("--url: \"%s\" has a path; recalld serves at the root of its address", o->url);
    return true;
}

static bool read_url(struct options *o, char *error, size_t size)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char port[8];
    int rc;

    if (!split_url(o, port, sizeof(port), error, size))
        return false;
    rc = getaddrinfo(o->host, port, &hints, &found);
    if (rc != 0)
        return FAIL("--url: \"%s\" is not found: %s", o->host, gai_strerror(rc));
    memcpy(&o->at, found->ai_addr, found->ai_addrlen);
    o->at_len = found->ai_addrlen;
    freeaddrinfo(found);
    o->port = (uint16_t)atoi(port);
    o->loopback = is_loopback(&o->at);
    snprintf(o->host_header, sizeof(o->host_header), strchr(o->host, ':') != NULL ? "[%s]:%s" : "%s:%s",
             o->host, port);
    if (!o->loopback && !o->remote)
        return FAIL("%s is not on this machine. A load test fills networks and looks like an attack to those "
                    "who run them: "
                    "say --yes-remote if that server is yours and may be loaded",
                    o->host);
    return true;
}

/* --- the command line --- */

static bool in_header(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return false;
    }
    return true;
}

static bool read_keys(struct options *o, char *error, size_t size)
{
    const char *env = getenv("RECALL_LOAD_API_KEY");

    if (o->api_key == NULL)
        o->api_key = env;
    if (o->api_key == NULL || o->api_key[0] == '\0')
        return FAIL(
            "the platform key is missing: give the app's api_key with --api-key, or in the environment as "
            "RECALL_LOAD_API_KEY (which keeps it out of the list of processes)");
    env = getenv("RECALL_LOAD_CLIENT_KEY");
    if (o->client_key == NULL)
        o->client_key = env != NULL && env[0] != '\0' ? env : DEFAULT_CLIENT_KEY;
    if (!in_header(o->api_key) || !in_header(o->client_key) || strlen(o->api_key) > 256 ||
        strlen(o->client_key) > 256)
        return FAIL("a key has blanks or control characters in it, or more than 256 bytes");
    if ((o->app_key == NULL) != (o->app_secret == NULL))
        return FAIL("--app-key and --app-secret go together");
    if (o->app_key != NULL &&
        (!in_header(o->app_key) || strlen(o->app_key) > 256 || strlen(o->app_secret) > 256))
        return FAIL("--app-key has blanks or control characters in it, or more than 256 bytes");
    return true;
}

static bool read_scenario(struct options *o, const struct given *g, char *error, size_t size)
{
    int i = OPTIONS_MIXED;

    if (g->scenario != NULL) {
        for (i = 0; i < OPTIONS_SCENARIOS && strcmp(scenario_names[i], g->scenario) != 0; i++)
            ;
        if (i == OPTIONS_SCENARIOS)
            return FAIL("--scenario: there is no \"%s\"; there are fanout, rooms, resume, slow, connect, "
                        "mixed and soak",
                        g->scenario);
    }
    o->scenario = (enum options_scenario)i;
    if (g->loop != NULL && strcmp(g->loop, "open") != 0 && strcmp(g->loop, "closed") != 0)
        return FAIL("--loop must be open (a constant rate) or closed (back to back), not \"%s\"", g->loop);
    o->closed = g->loop != NULL && strcmp(g->loop, "closed") == 0;
    if (g->acks != NULL && strcmp(g->acks, "yes") != 0 && strcmp(g->acks, "no") != 0)
        return FAIL("--acks must be yes or no, not \"%s\"", g->acks);
    o->acks = g->acks != NULL ? strcmp(g->acks, "yes") == 0
                              : o->scenario == OPTIONS_MIXED || o->scenario == OPTIONS_SOAK;
    return true;
}

static bool read_numbers(struct options *o, const struct given *g, char *error, size_t size)
{
    const bool mixed = o->scenario == OPTIONS_MIXED || o->scenario == OPTIONS_SOAK;
    char *end = NULL;

    o->recalls = mixed ? 25 : 10;
    o->bytes = 120;
    o->slow = 10;
    o->in_flight = o->closed ? 16 : 64;
    o->connections = 1000;
    o->rooms = o->scenario == OPTIONS_FANOUT ? 1 : 10;
    if ((g->recalls != NULL && !read_number("--recalls", g->recalls, 0, 50, &o->recalls, error, size)) ||
        (g->bytes != NULL && !read_number("--bytes", g->bytes, 32, 32768, &o->bytes, error, size)) ||
        (g->slow != NULL && !read_number("--slow", g->slow, 1, 99, &o->slow, error, size)) ||
        (g->in_flight != NULL &&
         !read_number("--in-flight", g->in_flight, 1, 4096, &o->in_flight, error, size)) ||
        (g->connections != NULL &&
         !read_number("--connections", g->connections, 1, 1000000, &o->connections, error, size)) ||
        (g->rooms != NULL && !read_number("--rooms", g->rooms, 1, 1000000, &o->rooms, error, size)) ||
        (g->source_addresses != NULL &&
         !read_number("--source-addresses", g->source_addresses, 1, 250, &o->source_addresses, error, size)))
        return false;
    o->rooms = o->scenario == OPTIONS_FANOUT ? 1 : o->rooms < o->connections ? o->rooms : o->connections;
    o->rate = g->rate != NULL ? strtod(g->rate, &end) : 100;
    if (g->rate != NULL && (end == g->rate || *end != '\0' || !(o->rate >= 0.01 && o->rate <= 1e6)))
        return FAIL("--rate must be calls a second, from 0.01 to 1000000, not \"%s\"", g->rate);
    if (o->closed && g->rate != NULL)
        return FAIL("--rate belongs to the open loop; the closed one is paced by --in-flight");
    o->duration_ns = 10 * SECOND_NS;
    if (g->duration != NULL &&
        (!options_duration(g->duration, SECOND_NS, &o->duration_ns) || o->duration_ns < SECOND_NS / 10 ||
         o->duration_ns > 3600 * 24 * 30 * SECOND_NS))
        return FAIL("--duration must be a time from 100ms to 720h, for example 60s, not \"%s\"", g->duration);
    if (o->source_addresses == 0)
        o->source_addresses =
            o->loopback ? (o->connections + OPTIONS_PER_ADDRESS - 1) / OPTIONS_PER_ADDRESS : 1;
    if (o->source_addresses > 1 && (!o->loopback || o->at.ss_family != AF_INET))
        return FAIL("--source-addresses works on 127.0.0.0/8 only, where every address is this machine's");
    return true;
}

enum options_status options_read(struct options *o, int argc, char **argv, char *error, size_t size)
{
    struct given g = {.rooms = NULL};
    const struct {
        const char *name;
        const char **value;
        bool *flag;
    } table[] = {
        {"--url", &o->url, NULL},
        {"--api-key", &o->api_key, NULL},
        {"--client-key", &o->client_key, NULL},
        {"--app-key", &o->app_key, NULL},
        {"--app-secret", &o->app_secret, NULL},
        {"--connections", &g.connections, NULL},
        {"--rooms", &g.rooms, NULL},
        {"--rate", &g.rate, NULL},
        {"--duration", &g.duration, NULL},
        {"--scenario", &g.scenario, NULL},
        {"--loop", &g.loop, NULL},
        {"--in-flight", &g.in_flight, NULL},
        {"--source-addresses", &g.source_addresses, NULL},
        {"--bytes", &g.bytes, NULL},
        {"--recalls", &g.recalls, NULL},
        {"--slow", &g.slow, NULL},
        {"--acks", &g.acks, NULL},
        {"--json", &o->json, NULL},
        {"--html", &o->html, NULL},
        {"--slo", &g.slo, NULL},
        {"--keep", NULL, &o->keep},
        {"--yes-remote", NULL, &o->remote},
    };

    *o = (struct options){.url = NULL};
    for (int i = 1; i < argc; i++) {
        const size_t n = strcspn(argv[i], "=");
        const char *value = argv[i][n] == '=' ? argv[i] + n + 1 : NULL;
        size_t k;

        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return OPTIONS_HELP;
        if (strcmp(argv[i], "--version") == 0)
            return OPTIONS_VERSION;
        for (k = 0;
             k < COUNT(table) && (strlen(table[k].name) != n || memcmp(table[k].name, argv[i], n) != 0); k++)
            ;
        if (k == COUNT(table)) {
            snprintf(error, size, "\"%s\" is no option; recall-load --help lists them", argv[i]);
            return OPTIONS_WRONG;
        }
        if (table[k].flag != NULL && value == NULL) {
            *table[k].flag = true;
            continue;
        }
        if (table[k].flag != NULL || (value == NULL && (value = ++i < argc ? argv[i] : NULL) == NULL)) {
            snprintf(error, size, table[k].flag != NULL ? "%s takes no value" : "%s wants a value",
                     table[k].name);
            return OPTIONS_WRONG;
        }
        *table[k].value = value;
    }
    if (o->url == NULL) {
        snprintf(
            error, size,
            "--url is missing: recall-load --url http://127.0.0.1:8080 --api-key KEY; --help tells more");
        return OPTIONS_WRONG;
    }
    return read_keys(o, error, size) && read_scenario(o, &g, error, size) && read_url(o, error, size) &&
                   read_numbers(o, &g, error, size) &&
                   (g.slo == NULL || slo_read(&o->slo, g.slo, error, size))
               ? OPTIONS_RUN
               : OPTIONS_WRONG;
}

void options_help(FILE *to)
{
    fputs(
        "recall-load: loads a recalld as its users would, measures it, and checks what it promises\n\n"
        "  recall-load --url http://127.0.0.1:8080 --api-key KEY [options]\n\n"
        "What to load\n"
        "  --url URL               http://HOST:PORT of the server\n"
        "  --api-key KEY           the app's api_key; or RECALL_LOAD_API_KEY in the environment\n"
        "  --client-key KEY        the app's client_key; or RECALL_LOAD_CLIENT_KEY (" DEFAULT_CLIENT_KEY ")\n"
        "  --app-key K --app-secret S   every second recall is asked for in RongCloud's dialect\n"
        "  --yes-remote            the server is not on this machine, is mine, and may be loaded\n\n"
        "How much\n"
        "  --scenario NAME         fanout   one big room\n"
        "                          rooms    many rooms\n"
        "                          resume   all connections drop, and come back with cursors that are "
        "behind\n"
        "                          slow     some connections stop reading, and read on later\n"
        "                          connect  connections are made and ended all the time\n"
        "                          mixed    messages, quotes, recalls, typing, acks (this is the default)\n"
        "                          soak     mixed; memory and CPU of the server are judged by their slope\n"
        "  --connections N         each a user of its own (1000)\n"
        "  --rooms N               connections are spread over them (10; fanout has 1)\n"
        "  --duration TIME         500ms, 60s, 5m, 8h (10s)\n"
        "  --loop open|closed      open: at --rate, latency counts from the intended time, so no stall "
        "hides;\n"
        "                          closed: back to back, --in-flight at a time (open)\n"
        "  --rate N                calls a second, recalls included (100)\n"
        "  --in-flight N           calls under way at once, each on a keep-alive connection (64; closed: "
        "16)\n"
        "  --recalls PERCENT       of the calls (10; mixed and soak: 25)\n"
        "  --bytes N               of a message's text (120)\n"
        "  --slow PERCENT          of the connections stop reading in `slow` (10)\n"
        "  --acks yes|no           clients acknowledge as the protocol asks (mixed, soak: yes; else no)\n"
        "  --source-addresses N    connect from 127.0.0.2 and on; for more than 28,000 connections (as "
        "needed)\n\n"
        "What comes out\n"
        "  --json FILE             all figures; - is standard output, the table then goes to standard error\n"
        "  --html FILE             a report with plots\n"
        "  --slo p99=50ms,lost=0   limits to judge the run by, names below\n"
        "  --keep                  leave users' tokens, rooms' members and messages in place\n"
        "  --help  --version\n\n"
        "Exit status: 0 good; 1 a promise (lost, duplicated, out of order, recalled content) or a limit is "
        "broken;\n"
        "2 the command line is wrong, or the run could not be made.\n\n"
        "Limits for --slo; times are of deliveries unless the name says otherwise:\n",
        to);
    slo_help(to);
}
