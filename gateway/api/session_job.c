#include "api/session_private.h"

#include <stdlib.h>

#define DAY_MS INT64_C(86400000)

bool session_job_init(struct session_job *j, struct session *s, const char *app_name, int64_t app_id, bool has_id, int64_t id)
{
    struct gateway *g = s->thread->gateway;

    j->config = config_holder_get(g->config);
    j->app = config_find_app_by_name(j->config, app_name, strlen(app_name));
    if (j->app == NULL) {
        config_unref(j->config);
        return false;
    }
    j->app_id = app_id;
    j->bus = g->bus;
    j->session = s;
    j->has_id = has_id;
    j->id = id;
    j->job.home = s->thread->mailbox;
    j->prev = NULL;
    j->next = s->jobs;
    if (s->jobs != NULL)
        s->jobs->prev = j;
    s->jobs = j;
    return true;
}

void session_job_submit(struct session_job *j, struct session *s, bool write)
{
    struct store *store = s->thread->gateway->store;

    if (write ? store_submit_write_soon(store, &j->job) : store_submit_read(store, &j->job))
        return;
    session_reply_error(s, j->has_id, j->id, RESULT_UNAVAILABLE, "The server is busy; try again in a second", 1);
    j->job.drop(&j->job);
}

/* --- reads of those who arrive --- */

static void submit_reads(struct api_thread *t)
{
    struct session_table *table = t->sessions;
    struct job *job;

    while (table->reads_open < SESSION_READS && (job = table->reads) != NULL) {
        const struct session_job *j = (struct session_job *)job;
        struct job *next = job->next;

        if (j->session != NULL && !store_submit_read(t->gateway->store, job)) {
            job->next = next;
            return; /* session_job_beat tries again */
        }
        table->reads = next;
        table->reads_waiting--;
        if (next == NULL)
            table->reads_end = &table->reads;
        if (j->session != NULL)
            table->reads_open++;
        else
            job->drop(job); /* it left meanwhile */
    }
}

bool session_job_read(struct session_job *j, struct session *s)
{
    struct session_table *table = s->thread->sessions;

    if (s->user != NULL && table->reads_waiting >= SESSION_READS_WAIT)
        return false;
    table->reads_waiting++;
    j->job.home = s->thread->later;
    j->job.next = NULL;
    *table->reads_end = &j->job;
    table->reads_end = &j->job.next;
    submit_reads(s->thread);
    return true;
}

void session_job_read_home(struct api_thread *t)
{
    t->sessions->reads_open--;
    submit_reads(t);
}

void session_job_beat(struct api_thread *t)
{
    submit_reads(t);
}

void session_job_end(struct session_table *table)
{
    struct job *next;

    for (struct job *job = table->reads; job != NULL; job = next) {
        next = job->next;
        job->drop(job);
    }
    table->reads = NULL;
}

void session_job_release(struct session_job *j)
{
    struct session *s = j->session;

    if (s != NULL) {
        if (j->prev != NULL)
            j->prev->next = j->next;
        else
            s->jobs = j->next;
    } else if (j->prev != NULL) {
        j->prev->next = j->next;
    }
    if (j->next != NULL)
        j->next->prev = j->prev;
    config_unref(j->config);
    if (s != NULL)
        session_leave(s);
}

struct core_tx session_job_tx(const struct session_job *j, struct store_conn *conn, int64_t now_ms)
{
    return (struct core_tx){.conn = conn,
                            .arena = store_conn_arena(conn),
                            .now_ms = now_ms,
                            .app = j->app,
                            .app_id = j->app_id,
                            .device_ms = j->config->server.device_days * DAY_MS,
                            .bus = j->bus};
}
