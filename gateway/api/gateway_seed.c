#include "api/gateway.h"

#include "api/files.h"
#include "base/log.h"
#include "core/client.h"
#include "core/room.h"

#include <stdio.h>
#include <unistd.h>

#define DEMO_ROOM "demo-room"

struct seed_job {
    struct job job; /* first */
    struct gateway *gateway;
    const struct config_app *app;
    enum result rc;
    char text[280];
};

/* Missing ones alone: a restart keeps what was renamed, and who left stays out. */
static enum result seed(struct core_tx *tx, struct outcome *out)
{
    static const struct client_command users[] = {
        {.id = {"ann", 3}, .nickname = {"Ann", 3}, .is_robot = -1},
        {.id = {"ben", 3}, .nickname = {"Ben", 3}, .is_robot = -1},
        {.id = {"cho", 3}, .nickname = {"Cho", 3}, .is_robot = -1},
    };
    const struct str members[] = {STR("ann"), STR("ben"), STR("cho")};
    const struct room_command room = {.id = STR(DEMO_ROOM),
                                      .name = STR("Demo room"),
                                      .type = STR("group"),
                                      .opening = -1,
                                      .members = members,
                                      .member_count = 3,
                                      .join_caller = true,
                                      .owner = STR("ann")};
    const struct principal platform = {.kind = PRINCIPAL_PLATFORM};
    struct client_row client;
    struct room_row there;
    enum result rc = RESULT_OK;

    for (size_t i = 0; rc == RESULT_OK && i < sizeof(users) / sizeof(users[0]); i++) {
        if (store_client_get(tx->conn, tx->app_id, users[i].id, &client))
            continue;
        tx_outcome_reset(out);
        rc = client_upsert(tx, &platform, &users[i], 1, false, out);
    }
    tx_outcome_reset(out);
    if (rc == RESULT_OK && !store_room_get(tx->conn, tx->app_id, STR(DEMO_ROOM), &there))
        rc = room_create(tx, &platform, &room, out);
    return rc;
}

static void seed_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct seed_job *j = (struct seed_job *)job;
    struct core_tx tx = {.conn = conn,
                         .arena = store_conn_arena(conn),
                         .now_ms = now_ms,
                         .app = j->app,
                         .app_id = gateway_app_id(j->gateway, str_c(j->app->name)),
                         .bus = j->gateway->bus};
    struct outcome out;

    tx_outcome_init(&out);
    j->rc = seed(&tx, &out);
    (void)snprintf(j->text, sizeof(j->text), "%s", out.text);
    tx_outcome_free(&out);
}

bool gateway_seed_demo(struct gateway *g, char *err, size_t n)
{
    struct seed_job j = {.gateway = g};
    const struct config *config = config_holder_get(g->config);
    enum result fate;

    if (g->demo_dir != NULL && access(g->demo_dir, R_OK | X_OK) == 0) {
        g->demo_files = files_load(g->demo_dir, err, n);
        if (g->demo_files == NULL) {
            config_unref(config);
            return false;
        }
    } else {
        log_warn("demo page not found", LOG_TEXT("folder", g->demo_dir), LOG_END);
    }
    j.app = &config->apps[0];
    j.job.run = seed_run;
    fate = store_run_now(g->store, &j.job);
    config_unref(config);
    if (fate == RESULT_OK && j.rc == RESULT_OK)
        return true;
    (void)snprintf(err, n, "The demo's users and room could not be made: %s",
                   fate != RESULT_OK ? result_text(fate) : j.text);
    return false;
}
