#include "api/gateway.h"

#include "api/files.h"
#include "api/progress.h"
#include "api/rc_replay.h"
#include "api/recalled.h"
#include "base/rate.h"
#include "core/event.h"
#include "store/query.h"

#include <stdio.h>
#include <stdlib.h>

#define BUCKETS 256U

/* One app's name and number. Entries are added at the head of their bucket and never leave it, so that
 * readers need no lock: what they see through the atomic head is complete. */
struct app_entry {
    struct app_entry *next;
    int64_t id;
    atomic_long sessions;
    struct rate rates[GATEWAY_LIMITS];
    size_t n;
    char name[];
};

struct gateway_apps {
    _Atomic(struct app_entry *) buckets[BUCKETS];
};

static size_t bucket_of(struct str name)
{
    uint32_t hash = 2166136261U; /* FNV-1a */

    for (size_t i = 0; i < name.n; i++)
        hash = (hash ^ (unsigned char)name.p[i]) * 16777619U;
    return hash % BUCKETS;
}

int64_t gateway_app_id(struct gateway *g, struct str app_name)
{
    if (g->apps == NULL)
        return 0;
    for (struct app_entry *e = atomic_load(&g->apps->buckets[bucket_of(app_name)]); e != NULL; e = e->next)
        if (str_eq(str_n(e->name, e->n), app_name))
            return e->id;
    return 0;
}

static struct app_entry *entry_of(struct gateway *g, int64_t app)
{
    for (size_t i = 0; g->apps != NULL && i < BUCKETS; i++)
        for (struct app_entry *e = atomic_load(&g->apps->buckets[i]); e != NULL; e = e->next)
            if (e->id == app)
                return e;
    return NULL;
}

const char *gateway_app_name(struct gateway *g, int64_t app)
{
    const struct app_entry *e = entry_of(g, app);

    return e != NULL ? e->name : "";
}

long gateway_app_sessions(struct gateway *g, int64_t app, long change)
{
    struct app_entry *e = entry_of(g, app);

    return e != NULL ? atomic_fetch_add(&e->sessions, change) + change : 0;
}

int64_t gateway_admit(struct gateway *g, int64_t app, enum gateway_limit limit, int64_t per_second, int64_t n,
                      int64_t now_ms)
{
    struct app_entry *e = per_second > 0 ? entry_of(g, app) : NULL;

    return e != NULL ? rate_take(&e->rates[limit], per_second, n, now_ms) : 0;
}

int64_t gateway_wait(struct gateway *g, int64_t app, enum gateway_limit limit, int64_t per_second, int64_t n, int64_t now_ms)
{
    const struct app_entry *e = per_second > 0 ? entry_of(g, app) : NULL;

    return e != NULL ? rate_wait(&e->rates[limit], per_second, n, now_ms) : 0;
}

static bool add_app(struct gateway *g, struct str name, int64_t id)
{
    struct app_entry *e = calloc(1, sizeof(*e) + name.n + 1);
    const size_t bucket = bucket_of(name);

    if (e == NULL)
        return false;
    e->id = id;
    e->n = name.n;
    memcpy(e->name, name.p, name.n);
    atomic_init(&e->sessions, 0);
    e->next = atomic_load(&g->apps->buckets[bucket]);
    atomic_store(&g->apps->buckets[bucket], e);
    return true;
}

/* --- interning --- */

struct intern_job {
    struct job job; /* first */
    const struct config *config;
    int64_t ids[CONFIG_APPS_MAX];
};

static void intern_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct intern_job *j = (struct intern_job *)job;

    (void)now_ms;
    for (size_t i = 0; i < j->config->app_count; i++)
        j->ids[i] = store_app_intern(conn, str_c(j->config->apps[i].name));
}

bool gateway_intern_apps(struct gateway *g, const struct config *config, char *err, size_t n)
{
    struct intern_job *j = calloc(1, sizeof(*j));
    bool ok = j != NULL;

    if (g->apps == NULL)
        g->apps = calloc(1, sizeof(*g->apps));
    if (g->progress == NULL)
        g->progress = progress_create(); /* without memory for it nobody is told: no reason not to serve */
    if (g->replay == NULL)
        g->replay = rc_replay_create();
    if (!ok || g->apps == NULL) {
        (void)snprintf(err, n, "Out of memory while reading the apps");
        free(j);
        return false;
    }
    j->job.run = intern_run;
    j->config = config;
    if (store_run_now(g->store, &j->job) != RESULT_OK) {
        (void)snprintf(err, n, "The database does not take the names of the apps: see the lines before");
        ok = false;
    }
    for (size_t i = 0; ok && i < j->config->app_count; i++) {
        const struct str name = str_c(j->config->apps[i].name);

        if (gateway_app_id(g, name) == 0 && (j->ids[i] <= 0 || !add_app(g, name, j->ids[i]))) {
            (void)snprintf(err, n, "The app %s could not be registered in the database",
                           j->config->apps[i].name);
            ok = false;
        }
    }
    free(j);
    return ok;
}

/* On the publishing thread, after the commit. */
static void on_published(struct bus_notice *bus_notice, void *ctx)
{
    const struct notice *n = (const struct notice *)bus_notice;
    struct gateway *g = ctx;

    if (n->kind != NOTICE_EVENT)
        return;
    metrics_inc(g->metrics.events);
    if (n->frame->type == EVENT_MESSAGE)
        metrics_inc(g->metrics.messages);
    if (n->frame->type == EVENT_RECALL) {
        metrics_inc(g->metrics.recalls);
        recalled_note(g->recalled, n->frame->app, n->frame->message);
    }
}

bool gateway_watch_recalls(struct gateway *g)
{
    g->recalled = recalled_create();
    if (g->recalled == NULL)
        return false;
    bus_tap(g->bus, on_published, g);
    return true;
}

void gateway_close(struct gateway *g)
{
    for (size_t i = 0; g->apps != NULL && i < BUCKETS; i++) {
        struct app_entry *e = atomic_load(&g->apps->buckets[i]);

        while (e != NULL) {
            struct app_entry *next = e->next;

            free(e);
            e = next;
        }
    }
    free(g->apps);
    g->apps = NULL;
    progress_free(g->progress);
    g->progress = NULL;
    rc_replay_free(g->replay);
    g->replay = NULL;
    files_free(g->demo_files);
    g->demo_files = NULL;
    recalled_free(g->recalled);
    g->recalled = NULL;
}
