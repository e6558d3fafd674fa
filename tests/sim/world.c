#include "sim.h"

#include "auth/keys.h"
#include "core/client.h"
#include "core/room.h"
#include "store/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EPOCH STR("e1")

static bool complain(const char *what)
{
    fprintf(stderr, "sim: %s\n", what);
    return false;
}

/* --- the store: the writer's connection without its thread, on a file in memory where there is such a place
 * --- */

static bool open_store(struct sim *s)
{
    const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    struct db_options options = {.role = DB_WRITER, .sql = sql_texts(), .sql_count = SQL_COUNT};
    char uri[128], error[512] = "";
    struct db *db;

    snprintf(s->dir, sizeof(s->dir), "%s/recalld-sim-XXXXXX", base);
    if (mkdtemp(s->dir) == NULL)
        return complain("no folder for the database");
    snprintf(uri, sizeof(uri), "sqlite:%s/sim.db", s->dir);
    options.uri = uri;
    db = db_open(&options, error, sizeof(error));
    if (db == NULL)
        return complain(error);
    conn_init(&s->conn, db, EPOCH, true);
    if (!schema_migrate(db, uri, error, sizeof(error)))
        return complain(error);
    return db_exec(db, "PRAGMA synchronous=OFF") || complain("the database takes no settings");
}

/* The connection keeps its files open: without names they go with the process, however it ends. */
static void remove_store(struct sim *s)
{
    static const char *const names[] = {"sim.db", "sim.db-wal", "sim.db-shm", "sim.db.lock"};
    char path[128];

    if (s->dir[0] == '\0')
        return;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", s->dir, names[i]);
        unlink(path);
    }
    rmdir(s->dir);
    s->dir[0] = '\0';
}

/* --- what every schedule begins with: users, and rooms with members --- */

static void add_users(struct sim *s, struct core_tx *tx, const struct principal *platform)
{
    for (int i = 0; i < SIM_USERS; i++) {
        const struct client_command c = {
            .id = str_c(sim_users[i]), .nickname = str_c(sim_users[i]), .is_robot = -1};

        tx_outcome_reset(&s->out);
        if (client_upsert(tx, platform, &c, 1, false, &s->out) != RESULT_OK)
            sim_fail(s, "set-up", "a user: %s", s->out.text);
    }
}

static void add_room(struct sim *s, struct core_tx *tx, int room)
{
    const struct principal owner = {.kind = PRINCIPAL_CLIENT, .user = str_c(sim_users[0])};
    struct str members[SIM_USERS];
    const struct room_command c = {.id = world_room(s, room),
                                   .type = STR("group"),
                                   .opening = room == 1,
                                   .members = members,
                                   .member_count = (size_t)(SIM_USERS - room),
                                   .join_caller = true};
    struct room_row row;

    for (int i = 0; i < SIM_USERS; i++)
        members[i] = str_c(sim_users[i]);
    tx_outcome_reset(&s->out);
    if (room_create(tx, &owner, &c, &s->out) != RESULT_OK)
        sim_fail(s, "set-up", "a room: %s", s->out.text);
    tx_outcome_reset(&s->out);
    if (room_set_role(tx, &owner, c.id, members[1], STR("manager"), &s->out) != RESULT_OK)
        sim_fail(s, "set-up", "a manager: %s", s->out.text);
    if (store_room_get(tx->conn, tx->app_id, c.id, &row))
        s->rooms[room].key = row.key;
}

static bool fill(struct sim *s)
{
    const struct principal platform = {.kind = PRINCIPAL_PLATFORM};
    struct core_tx tx;

    if (!conn_begin(&s->conn))
        return complain(db_error(s->conn.db));
    s->app_id = store_app_intern(&s->conn, str_c(s->app->name));
    tx = world_tx(s, true);
    add_users(s, &tx, &platform);
    if (!limited_fill(s))
        return complain(db_error(s->conn.db));
    for (int i = 0; i < SIM_ROOMS; i++)
        add_room(s, &tx, i);
    arena_reset(&s->conn.arena);
    if (!conn_commit(&s->conn, NULL))
        return complain(db_error(s->conn.db));
    command_commit(s);
    memcpy(s->rooms_at_first, s->rooms, sizeof(s->rooms));
    return !s->failure.failed || complain(s->failure.text);
}

bool world_open(struct sim *s)
{
    static char unseen[] = "RECALLD_APP_SAMPLEAPP_RECALL_UNSEEN=platform";
    char *const env[] = {unseen, NULL};
    struct config_error error;

    tx_outcome_init(&s->out);
    s->config = config_demo(env, &error);
    if (s->config == NULL || !keys_attach(s->config, &error))
        return complain(error.text);
    s->app = &s->config->apps[0];
    s->bus = bus_create(follow_notice, 0);
    s->recorder = mailbox_create(1U << 20, NULL, NULL);
    if (s->bus == NULL || s->recorder == NULL || !bus_attach(s->bus, s->recorder))
        return complain("no memory");
    for (int i = 0; i < SIM_ROOMS; i++) {
        snprintf(s->rooms[i].id, sizeof(s->rooms[i].id), "room%d", i);
        s->rooms[i].min_seq = 1;
    }
    for (int i = 0; i < SIM_HUBS; i++) {
        s->hubs[i] = (struct sim_hub){.sim = s, .number = i, .box = mailbox_create(1U << 20, NULL, NULL)};
        if (s->hubs[i].box == NULL)
            return complain("no memory");
    }
    s->now_ms = INT64_C(1700000000000);
    if (!open_store(s) || !fill(s))
        return false;
    remove_store(s);
    return true;
}

void world_close(struct sim *s)
{
    conn_close(&s->conn);
    remove_store(s);
    for (int i = 0; i < SIM_HUBS; i++)
        mailbox_free(s->hubs[i].box);
    mailbox_free(s->recorder);
    bus_destroy(s->bus);
    config_unref(s->config);
    tx_outcome_free(&s->out);
    arena_free(&s->arena);
}

/* --- one schedule --- */

/* Each schedule has a manner of its own: some steps often, some never. */
static void choose_manner(struct sim *s)
{
    static const unsigned block[] = {0, 8, 4, 2};

    s->hub_count = 1 + (int)sim_pick(s, sim_chance(s, 2) ? 1 : SIM_HUBS);
    s->device_count = 2 + (int)sim_pick(s, SIM_DEVICES - 1);
    s->room_count = 1 + (int)sim_pick(s, sim_chance(s, 2) ? 1 : SIM_ROOMS);
    s->crowd = sim_chance(s, 5);
    if (s->crowd) {
        s->hub_count = s->room_count = 1;
        s->device_count = SIM_DEVICES;
    }
    s->block_one_in = block[sim_pick(s, sizeof(block) / sizeof(block[0]))];
}

void world_begin(struct sim *s)
{
    static const int users[SIM_DEVICES] = {0, 1, 2, 2, 3, 0};

    s->now_ms = INT64_C(1700000000000);
    s->message_count = s->marker_count = s->conn_count = 0;
    s->calm = false;
    memcpy(s->rooms, s->rooms_at_first, sizeof(s->rooms));
    memset(s->parsed, 0, sizeof(s->parsed));
    choose_manner(s);
    for (int i = 0; i < s->device_count; i++) {
        s->devices[i].user = users[i];
        s->devices[i].conn = NULL;
        memset(s->devices[i].screens, 0, sizeof(s->devices[i].screens));
        for (int r = 0; r < SIM_ROOMS; r++)
            s->devices[i].screens[r].cursor = s->devices[i].screens[r].last = -1;
    }
    for (int i = 0; i < s->hub_count; i++) {
        s->hubs[i].woken = s->hubs[i].retries = false;
        memset(s->hubs[i].heard, 0, sizeof(s->hubs[i].heard));
        s->hubs[i].hub = hub_create(&ops_hub, &s->hubs[i]);
        if (s->hubs[i].hub == NULL || !bus_attach(s->bus, s->hubs[i].box))
            abort();
    }
    if (!conn_begin(&s->conn))
        sim_fail(s, "store", "%s", db_error(s->conn.db));
}

void world_end(struct sim *s)
{
    conn_settle(conn_take_effects(&s->conn), false);
    conn_rollback(&s->conn);
    arena_reset(&s->conn.arena);
    for (int i = 0; i < s->conn_count; i++)
        if (s->conns[i].open)
            follow_close(s, &s->conns[i]);
    for (int i = 0; i < s->hub_count; i++) {
        bus_detach(s->bus, s->hubs[i].box);
        (void)mailbox_drain(s->hubs[i].box, NULL, 0); /* without a hub: only released */
        frame_unref(s->hubs[i].held);
        s->hubs[i].held = NULL;
        hub_destroy(s->hubs[i].hub);
        s->hubs[i].hub = NULL;
    }
    for (size_t i = 0; i < SIM_READS; i++)
        page_drop(&s->reads[i]);
    arena_reset(&s->arena);
}

/* --- names --- */

struct core_tx world_tx(struct sim *s, bool write)
{
    return (struct core_tx){.conn = &s->conn,
                            .arena = store_conn_arena(&s->conn),
                            .now_ms = s->now_ms,
                            .app = s->app,
                            .app_id = s->app_id,
                            .bus = write ? s->bus : NULL};
}

struct str world_room(const struct sim *s, int room)
{
    return str_c(s->rooms[room].id);
}

int world_room_number(const struct sim *s, struct str id)
{
    for (int i = 0; i < SIM_ROOMS; i++)
        if (str_eq(id, world_room(s, i)))
            return i;
    return -1;
}

int world_message_number(struct str id)
{
    int n = 0;

    if (id.n < 2 || id.p[0] != 'm')
        return -1;
    for (size_t i = 1; i < id.n; i++)
        n = n * 10 + (id.p[i] - '0');
    return n >= 0 && n < SIM_MESSAGES ? n : -1;
}
