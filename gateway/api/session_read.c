#include "api/session_read.h"
#include "core/replay.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

struct read_job {
    struct job job; /* first */
    struct api_thread *thread;
    const struct config *config;
    const struct config_app *app;
    int64_t app_id, after;
    uint64_t ticket;
    bool platform, checked; /* checked: `claim` must still stand */
    struct principal_claim claim;
    struct hub_page page;
    size_t user_len, room_len;
    char names[]; /* user, room */
};

static void clear(struct read_job *j)
{
    for (size_t i = 0; i < j->page.frame_count; i++)
        frame_unref(j->page.frames[i]);
    free(j->page.frames);
    memset(&j->page, 0, sizeof(j->page));
}

/* May the page be read at all? */
static enum result enter(struct read_job *j, struct core_tx *tx, struct room_row *room)
{
    const struct str user = j->platform ? STR_NULL : str_n(j->names, j->user_len);
    struct outcome out;
    struct principal who;
    enum result rc = RESULT_OK;

    if (j->checked) {
        tx_outcome_init(&out);
        rc = principal_resolve(tx, &j->claim, &who, &out);
        tx_outcome_free(&out);
    }
    return rc == RESULT_OK ? replay_open(tx, user, str_n(j->names + j->user_len, j->room_len), room) : rc;
}

static void read_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct read_job *j = (struct read_job *)job;
    struct core_tx tx = {.conn = conn,
                         .arena = store_conn_arena(conn),
                         .now_ms = now_ms,
                         .app = j->app,
                         .app_id = j->app_id,
                         .device_ms = j->config->server.device_days * DAY_MS};
    struct replay_found found;
    struct room_row room;

    clear(j);
    j->page.rc = enter(j, &tx, &room);
    if (j->page.rc != RESULT_OK)
        return;
    j->page.upto = -1;
    j->page.head = room.seq;
    j->page.min_seq = room.min_seq;
    if (j->after >= 0 && j->after < room.seq && j->after + 1 >= room.min_seq) {
        j->page.frames = calloc(HUB_PAGE, sizeof(struct frame *));
        if (j->page.frames == NULL)
            abort();
        replay_frames(&tx, &room, j->platform ? STR_NULL : str_n(j->names, j->user_len), j->after, HUB_PAGE, j->page.frames, &found);
        j->page.frame_count = found.count;
        j->page.upto = found.upto;
        j->page.limited = found.limited;
    }
    if (store_conn_failed(conn))
        j->page.rc = RESULT_UNAVAILABLE;
}

static void read_drop(struct job *job)
{
    struct read_job *j = (struct read_job *)job;

    clear(j);
    config_unref(j->config);
    free(j);
}

static void read_done(struct job *job, void *ctx)
{
    struct read_job *j = (struct read_job *)job;
    struct api_thread *t = ctx;

    if (job->fate != RESULT_OK)
        j->page.rc = job->fate;
    hub_read_done(t->hub, j->ticket, &j->page);
    read_drop(job);
}

bool session_read_start(struct api_thread *t, const struct session_read *read)
{
    struct read_job *j = calloc(1, sizeof(*j) + read->user.n + read->room.n);

    if (j == NULL)
        return false;
    j->config = config_holder_get(t->gateway->config);
    j->app = config_find_app_by_name(j->config, read->app, strlen(read->app));
    if (j->app == NULL) { /* its sessions are about to be stopped: until then the hub asks again now and then */
        read_drop(&j->job);
        return false;
    }
    j->thread = t;
    j->app_id = read->app_id;
    j->after = read->after;
    j->ticket = read->ticket;
    j->platform = read->user.p == NULL;
    j->checked = read->claim != NULL;
    if (j->checked)
        j->claim = *read->claim;
    j->user_len = read->user.n;
    j->room_len = read->room.n;
    if (read->user.n != 0)
        memcpy(j->names, read->user.p, read->user.n);
    memcpy(j->names + read->user.n, read->room.p, read->room.n);
    j->job.brief = read->after < 0;
    j->job.home = t->later;
    j->job.run = read_run;
    j->job.done = read_done;
    j->job.drop = read_drop;
    if (store_submit_read(t->gateway->store, &j->job))
        return true;
    read_drop(&j->job);
    return false;
}
