#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define NGINX     "/usr/sbin/nginx"
#define NCHAN     "/usr/lib/nginx/modules/ngx_nchan_module.so"
#define MOSQUITTO "/usr/sbin/mosquitto"
#define NATS      "/usr/sbin/nats-server"
#define NODE      "/usr/bin/env"

enum kind peer_kind(unsigned i)
{
    static const enum kind kinds[PEERS] = {KIND_NCHAN, KIND_WS, KIND_MOSQUITTO, KIND_NATS};

    return kinds[i % PEERS];
}

const char *peer_name(enum kind kind)
{
    switch (kind) {
    case KIND_NCHAN:
        return "nchan (nginx)";
    case KIND_WS:
        return "ws (Node)";
    case KIND_MOSQUITTO:
        return "mosquitto";
    case KIND_NATS:
        return "NATS";
    default:
        return "?";
    }
}

bool peer_installed(const struct bench *b, enum kind kind)
{
    char path[512];

    switch (kind) {
    case KIND_NCHAN:
        return access(NGINX, X_OK) == 0 && access(NCHAN, R_OK) == 0;
    case KIND_WS:
        snprintf(path, sizeof(path), "%s/../node_modules/ws/package.json", b->here);
        return access(path, R_OK) == 0;
    case KIND_MOSQUITTO:
        return access(MOSQUITTO, X_OK) == 0;
    case KIND_NATS:
        return access(NATS, X_OK) == 0;
    default:
        return false;
    }
}

/* One process (no master beside it), no access log, nothing kept of a message beyond its delivery. */
static int nchan_config(const struct bench *b, unsigned port, char *text, size_t size)
{
    return snprintf(
        text, size,
        "daemon off;\nmaster_process off;\nworker_processes 1;\nworker_rlimit_nofile 20000;\n"
        "pid %s/nginx.pid;\nerror_log %s/servers.log error;\nload_module " NCHAN ";\n"
        "events { use epoll; worker_connections 19980; multi_accept on; }\n"
        "http {\n  access_log off;\n  tcp_nodelay on;\n  keepalive_requests 1000000000;\n"
        "  client_body_temp_path %s;\n  proxy_temp_path %s;\n  fastcgi_temp_path %s;\n  uwsgi_temp_path %s;\n"
        "  scgi_temp_path %s;\n  nchan_shared_memory_size 512M;\n"
        "  server {\n    listen 127.0.0.1:%u backlog=4096;\n"
        "    location ~ ^/sub/(.+)$ { nchan_subscriber websocket; nchan_channel_id $1; "
        "nchan_subscriber_first_message newest; nchan_websocket_ping_interval 0; }\n"
        "    location ~ ^/pub/(.+)$ { nchan_publisher http; nchan_channel_id $1; nchan_store_messages off; "
        "}\n"
        "  }\n}\n",
        b->work, b->work, b->work, b->work, b->work, b->work, b->work, port);
}

static int mosquitto_config(unsigned port, unsigned control, char *text, size_t size)
{
    return snprintf(text, size,
                    "user root\nper_listener_settings false\nallow_anonymous true\npersistence false\n"
                    "set_tcp_nodelay true\nmax_queued_messages 0\nlog_type error\n"
                    "listener %u 127.0.0.1\nprotocol websockets\nlistener %u 127.0.0.1\nprotocol mqtt\n",
                    port, control);
}

static int nats_config(unsigned port, unsigned control, char *text, size_t size)
{
    return snprintf(text, size,
                    "listen: \"127.0.0.1:%u\"\nmax_connections: 19980\nmax_pending: 64MB\nwrite_deadline: "
                    "\"30s\"\nlogfile: \"/dev/null\"\n"
                    "websocket { listen: \"127.0.0.1:%u\", no_tls: true, compression: false }\n",
                    control, port);
}

static bool write_config(const struct bench *b, const struct peer *p, char *path, size_t size)
{
    FILE *f;

    snprintf(path, size, "%s/%s.conf", b->work, p->kind == KIND_NCHAN ? "nginx" : p->name);
    f = fopen(path, "we");
    if (f != NULL && fputs(p->config, f) >= 0 && fclose(f) == 0)
        return true;
    fprintf(stderr, "bench: cannot write %s\n", path);
    return false;
}

static struct sockaddr_in loopback(unsigned port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static bool start_ws(const struct bench *b, struct peer *p)
{
    char exe[] = NODE, node[] = "node", script[512];
    char *argv[] = {exe, node, script, NULL};
    const struct server_start how = {
        .argv = argv, .announces = "ws ready ", .log = b->log, .core = b->server_core};
    unsigned port, control;

    snprintf(script, sizeof(script), "%s/peer_ws.mjs", b->here);
    snprintf(p->config, sizeof(p->config),
             "perMessageDeflate: false, clientTracking: false; one frame made for all "
             "(Sender.frame), sent as one buffer: tests/bench/peer_ws.mjs\n");
    if (!server_start(&p->server, &how) ||
        sscanf(p->server.ready, "port=%u control=%u", &port, &control) != 2)
        return false;
    p->at = loopback(port);
    p->asks = loopback(control);
    return true;
}

bool peer_start(const struct bench *b, enum kind kind, struct peer *p)
{
    const unsigned port = server_free_port(), control = server_free_port();
    char exe[64], option[] = "-c", path[512], prefix_option[] = "-p", prefix[512];
    char *argv[] = {exe, option, path, NULL, NULL, NULL};
    struct server_start how = {.argv = argv, .log = b->log, .core = b->server_core};

    *p = (struct peer){.kind = kind, .name = peer_name(kind), .server = {.pid = -1, .out = -1}};
    if (kind == KIND_WS)
        return start_ws(b, p);
    p->at = loopback(port);
    p->asks = loopback(kind == KIND_NCHAN ? port : control);
    if (kind == KIND_NCHAN) {
        nchan_config(b, port, p->config, sizeof(p->config));
        snprintf(exe, sizeof(exe), NGINX);
        snprintf(prefix, sizeof(prefix), "%s/", b->work);
        argv[3] = prefix_option;
        argv[4] = prefix;
    } else if (kind == KIND_MOSQUITTO) {
        mosquitto_config(port, control, p->config, sizeof(p->config));
        snprintf(exe, sizeof(exe), MOSQUITTO);
    } else {
        nats_config(port, control, p->config, sizeof(p->config));
        snprintf(exe, sizeof(exe), NATS);
    }
    how.connects = p->at;
    return write_config(b, p, path, sizeof(path)) && server_start(&p->server, &how);
}

void peer_stop(struct peer *p)
{
    if (p->server.pid > 0)
        server_stop(&p->server, false);
}
