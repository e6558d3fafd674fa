#include "base/config_table.h"

#include <string.h>

#define SERVER(member) .name = #member, .offset = offsetof(struct config_server, member)
#define APP(member) .name = #member, .offset = offsetof(struct config_app, member)
#define INT(low, high, first) .kind = CONFIG_TABLE_INT, .min = (low), .max = (high), .initial = (first)
#define TEXT(kind_, first) .kind = (kind_), .initial = (first)
#define LIVE .live = true
#define SECONDS_MAX INT64_C(86400)
#define MANY INT64_C(1000000000)

/* In the order of enum log_level. */
static const char *const levels[] = {"debug", "info", "warn", "error", NULL};
/* In the order of enum config_recall_unseen. */
static const char *const unseen[] = {"off", "platform", NULL};

static const struct config_table_setting server_settings[] = {
    {SERVER(listen), TEXT(CONFIG_TABLE_LISTEN, "127.0.0.1:8080"),
     .help = "address and port; [::1]:8080 for IPv6; port 0 picks a free one"},
    {SERVER(threads), INT(0, 256, "0"), .help = "edge threads; 0: one per core"},
    {SERVER(readers), INT(1, 64, "2"), .help = "threads that read the store"},
    {SERVER(store), TEXT(CONFIG_TABLE_STORE, "sqlite:./data/recall.db"),
     .help = "sqlite:PATH or postgresql://user@host/db"},
    {SERVER(bus), TEXT(CONFIG_TABLE_BUS, "local"), .help = "local, pg, or nats://host:4222"},
    {SERVER(max_body), INT(1024, 64 << 20, "262144"), LIVE, .help = "bytes of an HTTP body"},
    {SERVER(body_timeout), INT(1, SECONDS_MAX, "30"), LIVE,
     .help = "seconds for a body, from the end of the headers"},
    {SERVER(auth_timeout), INT(1, SECONDS_MAX, "10"), LIVE, .help = "seconds for the auth frame"},
    {SERVER(ping_interval), INT(1, SECONDS_MAX, "25"), LIVE, .help = "seconds between the server's pings"},
    {SERVER(ping_timeout), INT(1, SECONDS_MAX, "8"), LIVE, .help = "seconds of silence after a ping"},
    {SERVER(stall_timeout), INT(2, SECONDS_MAX, "60"), LIVE,
     .help = "seconds that a connection may not take its events before it is closed; it can resume"},
    {SERVER(drain_timeout), INT(1, SECONDS_MAX, "10"), LIVE, .help = "seconds that SIGTERM gives open work"},
    {SERVER(frame_max), INT(1024, 16 << 20, "65536"), LIVE, .help = "bytes of a client's frame"},
    {SERVER(frames_per_second), INT(1, MANY, "100"), LIVE, .help = "frames a second of one connection"},
    {SERVER(frames_burst), INT(1, MANY, "500"), LIVE, .help = "frames of one connection at once"},
    {SERVER(max_rooms), INT(1, 1 << 20, "1024"), LIVE, .help = "rooms that one connection follows"},
    {SERVER(device_days), INT(1, 3650, "30"), LIVE,
     .help = "days that a device counts after it was last seen"},
    {SERVER(tls_certificate), TEXT(CONFIG_TABLE_TEXT, NULL), LIVE, .help = "PEM file; with tls_key"},
    {SERVER(tls_key), TEXT(CONFIG_TABLE_TEXT, NULL), LIVE, .help = "PEM file; with tls_certificate"},
    {SERVER(log_level), .kind = CONFIG_TABLE_CHOICE, .choices = levels, .initial = "info", LIVE,
     .help = "lowest level that is logged"},
    {SERVER(reserve_fds), INT(8, 65536, "64"), .help = "file descriptors that connections may not use"},
    {SERVER(max_connections), INT(0, 10000000, "0"), LIVE,
     .help = "connections; 0: as many as file descriptors allow"},
    {SERVER(writer_queue), INT(16, 1 << 20, "8192"), .help = "commands that may wait for the writer"},
    {SERVER(reader_queue), INT(16, 1 << 20, "8192"), .help = "queries that may wait for the readers"},
    {SERVER(edge_queue), INT(16, 1 << 20, "65536"),
     .help = "events and answers that may wait for an edge thread"},
    {SERVER(batch_max), INT(1, 65536, "128"), .help = "commands in one commit"},
    {SERVER(output_buffer), INT(16384, 64 << 20, "262144"), LIVE,
     .help = "bytes that may wait for one connection before it falls back to its cursor"},
    {SERVER(io_uring), .kind = CONFIG_TABLE_BOOL, .initial = "on",
     .help = "send to many subscribers in one system call, where the kernel can"},
    {SERVER(demo_files), TEXT(CONFIG_TABLE_TEXT, NULL),
     .help = "folder of the demo page; empty: where it is installed"},
};

static const struct config_table_setting app_settings[] = {
    {APP(client_key), TEXT(CONFIG_TABLE_KEY, NULL), LIVE,
     .help = "names the app to its clients; public; required"},
    {APP(api_key), TEXT(CONFIG_TABLE_KEY, NULL), LIVE, .help = "the platform's secret key; required"},
    {APP(app_key), TEXT(CONFIG_TABLE_KEY, NULL), LIVE,
     .help = "names the app in RongCloud's dialect; with app_secret"},
    {APP(app_secret), TEXT(CONFIG_TABLE_SECRET, NULL), LIVE, .help = "signs RongCloud's requests"},
    {APP(token_secret), TEXT(CONFIG_TABLE_SECRET, NULL), LIVE,
     .help = "HS256 secret: tokens issued here, or by the app"},
    {APP(token_public_key), TEXT(CONFIG_TABLE_TEXT, NULL), LIVE,
     .help = "PEM file for tokens that the app signs (RS256, ES256, EdDSA)"},
    {APP(token_days), INT(1, 3650, "7"), LIVE, .help = "days that an issued token is valid"},
    {APP(origins), TEXT(CONFIG_TABLE_ORIGINS, NULL), LIVE,
     .help = "web origins, separated by blanks or commas; empty: the same host"},
    {APP(recall_window), INT(0, MANY, "120"), LIVE,
     .help = "seconds in which an author may recall; 0: no limit"},
    {APP(recall_window_platform), INT(0, MANY, "0"), LIVE,
     .help = "seconds in which the platform may recall in the author's name; 0: no limit"},
    {APP(recall_unseen), .kind = CONFIG_TABLE_CHOICE, .choices = unseen, .initial = "off", LIVE,
     .help = "whether the platform may recall an id not seen yet"},
    {APP(recall_unseen_count), INT(1, MANY, "10000"), LIVE, .help = "such recalls that are remembered"},
    {APP(recall_unseen_days), INT(1, 3650, "7"), LIVE, .help = "days that they are remembered"},
    {APP(recall_requires_author), .kind = CONFIG_TABLE_BOOL, .initial = "on", LIVE,
     .help = "RongCloud's recalls: fromUserId is the author unless isAdmin=1"},
    {APP(broadcasts_per_hour), INT(0, MANY, "2"), LIVE, .help = "broadcasts in 60 minutes; 0: no limit"},
    {APP(broadcasts_per_day), INT(0, MANY, "3"), LIVE, .help = "broadcasts a calendar day; 0: no limit"},
    {APP(broadcast_recalls_per_hour), INT(0, MANY, "2"), LIVE,
     .help = "broadcast recalls in 60 minutes; 0: no limit"},
    {APP(broadcast_recalls_per_day), INT(0, MANY, "3"), LIVE,
     .help = "broadcast recalls a calendar day; 0: no limit"},
    {APP(recalls_per_second), INT(0, MANY, "100"), LIVE,
     .help = "recalls a second in RongCloud's dialect; 0: no limit"},
    {APP(sends_per_second), INT(0, MANY, "0"), LIVE, .help = "HTTP sends and recalls a second; 0: no limit"},
    {APP(connections_per_second), INT(0, MANY, "0"), LIVE, .help = "new connections a second; 0: no limit"},
    {.name = "time_zone",
     .offset = offsetof(struct config_app, time_zone_name),
     TEXT(CONFIG_TABLE_ZONE, "UTC"),
     LIVE,
     .help = "zone of the calendar day: UTC, +08:00, Asia/Shanghai"},
    {APP(signature_max_skew), INT(0, MANY, "0"), LIVE,
     .help = "seconds that a signature may be off; 0: not checked"},
    {APP(signature_reject_replay), .kind = CONFIG_TABLE_BOOL, .initial = "off", LIVE,
     .help = "refuse a nonce seen before (an SDK that reuses its nonce then fails)"},
    {APP(locked), .kind = CONFIG_TABLE_BOOL, .initial = "off", LIVE,
     .help = "RongCloud's calls are all refused with 1006: the app is locked"},
    {APP(retention_days), INT(0, 36500, "0"), LIVE,
     .help = "days that events stay in a room's log; 0: for good"},
    {APP(retention_count), INT(0, MANY, "0"), LIVE, .help = "events that stay in a room's log; 0: all"},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
_Static_assert(COUNT(server_settings) <= CONFIG_TABLE_MAX, "raise CONFIG_TABLE_MAX");
_Static_assert(COUNT(app_settings) <= CONFIG_TABLE_MAX, "raise CONFIG_TABLE_MAX");

const struct config_table config_table_server = {server_settings, COUNT(server_settings)};
const struct config_table config_table_app = {app_settings, COUNT(app_settings)};

const struct config_table_setting *config_table_find(const struct config_table *table, const char *name)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->settings[i].name, name) == 0) {
            return &table->settings[i];
        }
    }
    return NULL;
}

size_t config_table_distance(const char *a, const char *b)
{
    enum { LONGEST = 63 };
    size_t row[LONGEST + 1];
    size_t a_len = strnlen(a, LONGEST);
    size_t b_len = strnlen(b, LONGEST);
    for (size_t j = 0; j <= b_len; j++) {
        row[j] = j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            size_t best = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
            if (row[j] + 1 < best) {
                best = row[j] + 1;
            }
            if (row[j - 1] + 1 < best) {
                best = row[j - 1] + 1;
            }
            diagonal = row[j];
            row[j] = best;
        }
    }
    return row[b_len];
}

const char *config_table_nearest(const struct config_table *table, const char *name)
{
    const char *nearest = table->settings[0].name;
    size_t least = SIZE_MAX;
    for (size_t i = 0; i < table->count; i++) {
        size_t distance = config_table_distance(name, table->settings[i].name);
        /* Half a name, as "window", is nearer than counted edits say. */
        if (strlen(name) >= 4 && strstr(table->settings[i].name, name) != NULL && distance > 2) {
            distance = 2;
        }
        if (distance < least) {
            least = distance;
            nearest = table->settings[i].name;
        }
    }
    return nearest;
}
