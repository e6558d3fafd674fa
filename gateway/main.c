/*
 * recalld: the process. Reads the settings, opens the store, starts the edge, waits for signals, leaves in order.
 *
 * Exit status: 0 after a clean drain, 1 when it cannot start or go on, 2 for a configuration or usage error.
 */
#include "api/gateway.h"
#include "api/session.h"
#include "auth/keys.h"
#include "base/clock.h"
#include "base/log.h"
#include "bus/bus.h"
#include "core/hub.h"
#include "edge/edge.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_USAGE 2

extern char **environ;

struct options {
    const char *config_path;
    bool demo, check;
};

/* Each thread allocates from a heap of its own, and the C library keeps at least 128 KiB at the end of each, touched once and then idle,
 * where malloc_trim (store/db_sqlite.c) does not look. */
static void keep_heaps_short(void)
{
#if defined(__GLIBC__) && !defined(RECALL_SANITIZED)
    (void)mallopt(M_TRIM_THRESHOLD, 64 << 10);
    (void)mallopt(M_TOP_PAD, 4 << 10);
#endif
}

static void usage(FILE *to)
{
    fputs("recalld " RECALLD_VERSION ": makes message recall true for every connected device\n"
          "\n"
          "  recalld -c FILE          serve with the settings of FILE (INI)\n"
          "  recalld --demo           serve the demo app on 127.0.0.1:8080, with public keys, for trying out\n"
          "  recalld --check-config   check the settings and exit: 0 good, 2 not\n"
          "  recalld --version\n"
          "  recalld --help\n"
          "\n"
          "Every setting may also be given as RECALLD_SECTION_KEY, for example RECALLD_SERVER_LISTEN=127.0.0.1:0\n"
          "or RECALLD_APP_SAMPLEAPP_RECALL_WINDOW=300. SIGTERM drains and exits, SIGHUP reloads keys, policies and certificates.\n"
          "\n",
          to);
    config_print_help(to);
}

/* False: the process is done; *status is its exit status. */
static bool parse(int argc, char **argv, struct options *o, int *status)
{
    static const struct option longs[] = {{"config", required_argument, NULL, 'c'}, {"demo", no_argument, NULL, 'd'},
                                          {"check-config", no_argument, NULL, 'k'}, {"version", no_argument, NULL, 'v'},
                                          {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    int c;

    while ((c = getopt_long(argc, argv, "c:h", longs, NULL)) != -1) {
        switch (c) {
        case 'c':
            o->config_path = optarg;
            break;
        case 'd':
            o->demo = true;
            break;
        case 'k':
            o->check = true;
            break;
        case 'v':
            puts("recalld " RECALLD_VERSION);
            *status = EXIT_SUCCESS;
            return false;
        case 'h':
            usage(stdout);
            *status = EXIT_SUCCESS;
            return false;
        default:
            fputs("Try recalld --help\n", stderr);
            *status = EXIT_USAGE;
            return false;
        }
    }
    *status = EXIT_USAGE;
    if (optind < argc) {
        fprintf(stderr, "recalld: \"%s\" is not an option; a settings file is given as -c FILE\n", argv[optind]);
        return false;
    }
    if (o->demo && o->config_path != NULL) {
        fputs("recalld: --demo serves its own app; give either --demo or -c FILE\n", stderr);
        return false;
    }
    return true;
}

/* What the settings may name and this build does not hold. */
static bool built_in(const struct config *config, struct config_error *err)
{
    if (strncmp(config->server.store, "sqlite:", 7) != 0) {
        (void)snprintf(err->text, sizeof(err->text), "store: this build keeps its data in SQLite; set store = sqlite:PATH");
        return false;
    }
    if (strcmp(config->server.bus, "local") != 0) {
        (void)snprintf(err->text, sizeof(err->text), "bus: this build runs as one process; set bus = local");
        return false;
    }
    return true;
}

/* Reads and checks settings and the keys they name. */
static struct config *load(const struct options *o, struct config_error *err)
{
    struct config *config = config_load(o->config_path, o->demo, environ, err);

    if (config != NULL && (!built_in(config, err) || !keys_attach(config, err))) {
        config_unref(config);
        config = NULL;
    }
    return config;
}

static const char *find_demo_files(const struct config *config)
{
    if (config->server.demo_files != NULL)
        return config->server.demo_files;
    if (access(RECALLD_BUILT_DEMO "/index.html", R_OK) == 0)
        return RECALLD_BUILT_DEMO;
    return RECALLD_INSTALLED_DEMO;
}

static bool make_metrics(struct gateway_metrics *m)
{
    m->registry = metrics_create();
    if (m->registry == NULL)
        return false;
    m->connections = metrics_gauge(m->registry, "recalld_connections", "Authenticated WebSocket connections", NULL);
    m->requests = metrics_counter(m->registry, "recalld_http_requests_total", "HTTP calls answered", NULL);
    m->request_errors = metrics_counter(m->registry, "recalld_http_errors_total", "HTTP calls answered with 400 or more", NULL);
    m->events = metrics_counter(m->registry, "recalld_events_total", "Events committed to the log", NULL);
    m->deliveries = metrics_counter(m->registry, "recalld_deliveries_total", "Sends to subscribers; one may carry several events", NULL);
    m->recalls = metrics_counter(m->registry, "recalld_recalls_total", "Recalls committed", NULL);
    m->messages = metrics_counter(m->registry, "recalld_messages_total", "Messages committed", NULL);
    m->acks = metrics_counter(m->registry, "recalld_acks_total", "Ack frames received", NULL);
    m->slow_readers = metrics_counter(m->registry, "recalld_slow_readers_total", "Times a connection did not drain", NULL);
    m->streams = metrics_gauge(m->registry, "recalld_event_streams", "Event streams open over HTTP", NULL);
    return true;
}

/* Prints what went wrong, for people; logs are for machines. */
static bool failed(const char *what)
{
    fprintf(stderr, "recalld: %s\n", what);
    return false;
}

/* The store's: a commit's events are with all threads, which were not woken for them. */
static void on_published(void *ctx)
{
    bus_wake(ctx);
}

static bool open_parts(struct gateway *g, const struct config *config, struct edge **edge)
{
    struct store_options options = {.uri = config->server.store,
                                    .readers = (unsigned)config->server.readers,
                                    .write_queue = (unsigned)config->server.writer_queue,
                                    .read_queue = (unsigned)config->server.reader_queue,
                                    .batch_max = (unsigned)config->server.batch_max,
                                    .published = on_published};
    char error[512] = "";

    g->bus = bus_create(session_bus_handler(), 0);
    if (g->bus == NULL || !gateway_watch_recalls(g) || !make_metrics(&g->metrics))
        return failed("out of memory");
    options.published_ctx = g->bus;
    g->store = store_open(&options, error, sizeof(error));
    if (g->store == NULL)
        return failed(error);
    if (!gateway_intern_apps(g, config, error, sizeof(error)))
        return failed(error);
    if (config->demo && !gateway_seed_demo(g, error, sizeof(error)))
        return failed(error);
    *edge = edge_create(g, error, sizeof(error));
    if (*edge == NULL || !edge_start(*edge, error, sizeof(error)))
        return failed(error);
    return true;
}

static void announce(const struct config *config, const struct edge *edge)
{
    char address[80];

    edge_address(edge, address, sizeof(address));
    if (config->demo)
        fprintf(stderr,
                "recalld: demo mode. Its keys are public: demo-client-key, demo-api-key, demo-app-key. Never serve real users with it.\n"
                "recalld: open http://%s/demo/ in two browser windows\n",
                address);
    log_info("started", LOG_TEXT("version", RECALLD_VERSION), LOG_TEXT("http", address),
             LOG_UINT("threads", edge_threads(edge)), LOG_UINT("apps", config->app_count), LOG_END);
    printf("recalld ready http=%s\n", address);
    fflush(stdout);
}

static void reload(struct gateway *g, const struct options *o, struct edge *edge)
{
    struct config_error err;
    char error[512] = "";
    char restart[256] = "";
    struct config *fresh = load(o, &err);
    const struct config *old;

    if (fresh == NULL) {
        log_error("reload refused", LOG_TEXT("why", err.text), LOG_END);
        return;
    }
    old = config_holder_get(g->config);
    if (config_restart_needed(old, fresh, restart, sizeof(restart)) != 0)
        log_warn("settings that take effect at a restart only", LOG_TEXT("settings", restart), LOG_END);
    config_unref(old);
    if (!gateway_intern_apps(g, fresh, error, sizeof(error))) {
        log_error("reload refused: new apps cannot be stored", LOG_TEXT("why", error), LOG_END);
        config_unref(fresh);
        return;
    }
    log_set_level(fresh->server.log_level);
    config_holder_put(g->config, fresh);
    if (!edge_reload(edge, error, sizeof(error)))
        log_error("reload: certificate kept", LOG_TEXT("why", error), LOG_END);
    log_info("reloaded", LOG_END);
}

/* Until SIGTERM or SIGINT. */
static void wait_for_signals(const sigset_t *signals, struct gateway *g, const struct options *o, struct edge *edge)
{
    int sig = 0;

    while (sigwait(signals, &sig) == 0 && (sig == SIGHUP)) {
        reload(g, o, edge);
    }
    log_info("draining", LOG_INT("signal", sig), LOG_END);
}

static int serve(const struct options *o, const struct config *config)
{
    struct gateway g = {.demo = config->demo, .started_ms = clock_wall_ms()};
    struct edge *edge = NULL;
    sigset_t signals;
    bool ok;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    log_set_level(config->server.log_level);
    g.demo_dir = find_demo_files(config);
    g.config = config_holder_create(config);
    if (g.config == NULL) {
        config_unref(config);
        return failed("out of memory") ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    ok = open_parts(&g, config, &edge);
    if (ok) {
        announce(config, edge);
        wait_for_signals(&signals, &g, o, edge);
        atomic_store(&g.draining, true);
        edge_drain(edge);
    }
    store_stop(g.store); /* finishes what was admitted; the edge's threads still run, and bring it home */
    edge_free(edge);
    store_close(g.store);
    bus_destroy(g.bus);
    gateway_close(&g);
    metrics_free(g.metrics.registry);
    config_holder_free(g.config);
    if (ok)
        log_info("stopped", LOG_END);
    return ok ? EXIT_SUCCESS : EXIT_FAILURE;
}

int main(int argc, char **argv)
{
    struct options o = {.config_path = NULL};
    struct config_error err;
    struct config *config;
    int status;

    if (!parse(argc, argv, &o, &status))
        return status;
    config = load(&o, &err);
    if (config == NULL) {
        fprintf(stderr, "recalld: %s\n", err.text);
        return EXIT_USAGE;
    }
    if (o.check) {
        puts("recalld: the configuration is good");
        config_unref(config);
        return EXIT_SUCCESS;
    }
    keep_heaps_short();
    return serve(&o, config);
}
