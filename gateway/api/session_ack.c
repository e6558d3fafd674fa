/*
 * Acks: those of all sessions of a thread wait in one line and are written a few hundred at a time.
 *
 * Why one job at a time: ten thousand devices ack a recall within a quarter of a second. Between two such batches the writer takes
 * whatever else is waiting, so that no recall waits for all of them; and what waits meanwhile is merged.
 *
 * Why in the order of their rows: acks come as the devices please. A hundred of them in that order touch nearly as many pages of a large
 * room's table, which the log and then the file take in whole; neighbours share theirs.
 */
#include "api/progress.h"
#include "api/session_private.h"
#include "core/device.h"

#include <stdlib.h>

#define ACK_WAIT_MS 150     /* how long the first ack waits for others; with a tick it is on the disk within 250 ms */
#define ACK_BATCH 128U      /* acks in one job */
#define ACK_SORTED 4096U    /* acks put in the order of their rows at a time: some 2 ms of work */
#define ACK_RETRY_MS 1000   /* after the store refused them */

struct ack_job {
    struct job job; /* first */
    struct api_thread *thread;
    int64_t device_days;
    struct session_ack *acks;
    struct device_acks batch;
};

/* --- the line --- */

static void line_add(struct session_table *t, struct session_ack *a)
{
    a->next = NULL;
    if (t->ack_tail != NULL)
        t->ack_tail->next = a;
    else
        t->acks = a;
    t->ack_tail = a;
    t->ack_count++;
}

/* The session does not see it any more: it is being written, or the session closes. */
static void detach(struct session_ack *a)
{
    struct session *s = a->session;

    if (s == NULL)
        return;
    if (a->own_prev != NULL)
        a->own_prev->own_next = a->own_next;
    else
        s->acks = a->own_next;
    if (a->own_next != NULL)
        a->own_next->own_prev = a->own_prev;
    s->ack_count--;
    a->session = NULL;
}

/* As the table of acks is ordered, room by room: by bytes, the shorter of equal beginnings first. */
static int compare(const struct session_ack *a, const struct session_ack *b)
{
    const struct str x[2] = {session_ack_room(a), str_n(a->names, (size_t)a->user_len + a->device_len)};
    const struct str y[2] = {session_ack_room(b), str_n(b->names, (size_t)b->user_len + b->device_len)};

    if (a->app_id != b->app_id)
        return a->app_id < b->app_id ? -1 : 1;
    for (int i = 0; i < 2; i++) {
        const int order = memcmp(x[i].p, y[i].p, x[i].n < y[i].n ? x[i].n : y[i].n);

        if (order != 0 || x[i].n != y[i].n)
            return order != 0 ? order : x[i].n < y[i].n ? -1 : 1;
    }
    return 0;
}

/* Takes `n` acks off *from and returns them sorted; the last one's `next` is NULL. */
static struct session_ack *sorted(struct session_ack **from, size_t n)
{
    struct session_ack *a, *b, *first = NULL, **at = &first;

    if (n == 1) {
        a = *from;
        *from = a->next;
        a->next = NULL;
        return a;
    }
    a = sorted(from, n / 2);
    b = sorted(from, n - n / 2);
    while (a != NULL && b != NULL) {
        struct session_ack **less = compare(a, b) <= 0 ? &a : &b;

        *at = *less;
        at = &(*less)->next;
        *less = *at;
    }
    *at = a != NULL ? a : b;
    return first;
}

/* Puts the front of the line in order. */
static void line_sort(struct session_table *t)
{
    struct session_ack *rest = t->acks, *last;

    t->ack_sorted = t->ack_count < ACK_SORTED ? t->ack_count : ACK_SORTED;
    t->acks = sorted(&rest, t->ack_sorted);
    for (last = t->acks; last->next != NULL; last = last->next)
        continue;
    last->next = rest;
    if (rest == NULL)
        t->ack_tail = last;
}

static struct session_ack *line_take(struct session_table *t)
{
    struct session_ack *first, *last;
    size_t n = 1;

    if (t->ack_sorted == 0)
        line_sort(t);
    first = last = t->acks;
    for (; n < ACK_BATCH && n < t->ack_sorted; n++)
        last = last->next;
    t->ack_sorted -= n;
    t->acks = last->next;
    if (t->acks == NULL)
        t->ack_tail = NULL;
    last->next = NULL;
    for (struct session_ack *a = first; a != NULL; a = a->next) {
        detach(a);
        t->ack_count--;
    }
    return first;
}

/* Back to the front: they are older than what came meanwhile. */
static void line_return(struct session_table *t, struct session_ack *first)
{
    struct session_ack *last = first;

    t->ack_sorted++;
    for (t->ack_count++; last->next != NULL; last = last->next) {
        t->ack_count++;
        t->ack_sorted++;
    }
    last->next = t->acks;
    if (t->acks == NULL)
        t->ack_tail = last;
    t->acks = first;
}

static void free_acks(struct session_ack *a)
{
    while (a != NULL) {
        struct session_ack *next = a->next;

        free(a->refused);
        free(a);
        a = next;
    }
}

/* --- writing --- */

static void ack_run(struct job *job, struct store_conn *conn, int64_t now_ms)
{
    struct ack_job *j = (struct ack_job *)job;
    struct core_tx tx = {.conn = conn, .arena = store_conn_arena(conn), .now_ms = now_ms, .bus = j->thread->gateway->bus};

    device_acks_free(&j->batch);
    for (const struct session_ack *a = j->acks; a != NULL; a = a->next) {
        const struct device_ack ack = {.user = str_n(a->names, a->user_len),
                                       .device = str_n(a->names + a->user_len, a->device_len),
                                       .room = session_ack_room(a),
                                       .seq = a->seq,
                                       .refused = a->refused,
                                       .refused_count = a->refused_count,
                                       .acked_ms = a->came_ms,
                                       .can_recall = a->can_recall};

        tx.app_id = a->app_id;
        device_ack(&tx, &j->batch, &ack);
    }
    device_purge(&tx, j->device_days);
}

static void ack_drop(struct job *job)
{
    struct ack_job *j = (struct ack_job *)job;

    device_acks_free(&j->batch);
    free_acks(j->acks);
    free(j);
}

static void ack_done(struct job *job, void *ctx)
{
    struct ack_job *j = (struct ack_job *)job;
    struct api_thread *t = ctx;
    struct session_table *table = t->sessions;
    const int64_t now_ms = t->now_ms();

    table->ack_jobs--;
    if (job->fate == RESULT_OK) {
        progress_note(t->gateway->progress, j->batch.touched, j->batch.count, now_ms);
    } else if (!atomic_load(&t->gateway->draining)) {
        line_return(table, j->acks);
        j->acks = NULL;
        table->ack_due_ms = now_ms + ACK_RETRY_MS;
    }
    ack_drop(job);
    session_ack_beat(t, now_ms);
    progress_beat(t, now_ms);
}

/* Hands the first of the line to the writer. False: not taken, they wait on. */
static bool submit(struct api_thread *t, int64_t now_ms)
{
    struct session_table *table = t->sessions;
    struct ack_job *j = calloc(1, sizeof(*j));
    const struct config *config;

    if (j == NULL)
        return false;
    config = config_holder_get(t->gateway->config);
    j->device_days = config->server.device_days;
    config_unref(config);
    j->thread = t;
    j->job.home = t->mailbox;
    j->job.rank = JOB_LATER;
    j->job.run = ack_run;
    j->job.done = ack_done;
    j->job.drop = ack_drop;
    j->acks = line_take(table);
    if (store_submit_write_soon(t->gateway->store, &j->job)) {
        table->ack_jobs++;
        return true;
    }
    line_return(table, j->acks);
    j->acks = NULL;
    ack_drop(&j->job);
    table->ack_due_ms = now_ms + ACK_RETRY_MS;
    return false;
}

void session_ack_beat(struct api_thread *t, int64_t now_ms)
{
    struct session_table *table = t->sessions;

    if (table->acks == NULL || table->ack_jobs != 0 || atomic_load(&t->gateway->draining))
        return;
    if (now_ms >= table->ack_due_ms || table->ack_due_ms > now_ms + ACK_RETRY_MS)
        (void)submit(t, now_ms);
}

void session_ack_flush(struct api_thread *t)
{
    while (t->sessions->acks != NULL && submit(t, t->now_ms()))
        continue;
}

void session_ack_leave(struct session *s)
{
    struct api_thread *t = s->thread;

    while (s->acks != NULL)
        detach(s->acks);
    /* When the server leaves, nothing beats any more; at the thread's own end the store is closed. */
    if (atomic_load(&t->gateway->draining) && !t->sessions->ending)
        session_ack_flush(t);
}

void session_ack_end(struct session_table *table)
{
    free_acks(table->acks);
    table->acks = table->ack_tail = NULL;
    table->ack_count = table->ack_sorted = 0;
}

/* --- frames --- */

static struct session_ack *find_ack(const struct session *s, struct str room)
{
    struct session_ack *a = s->acks;

    while (a != NULL && !str_eq(session_ack_room(a), room))
        a = a->own_next;
    return a;
}

static struct session_ack *add_ack(struct session *s, struct str room, int64_t now_ms)
{
    struct session_table *table = s->thread->sessions;
    const struct str user = session_user_id(s->user), device = str_c(s->device);
    struct session_ack *a;

    if (s->ack_count >= SESSION_ACKS || table->ack_count >= SESSION_ACKS_ALL)
        return NULL;
    a = calloc(1, sizeof(*a) + user.n + device.n + room.n);
    if (a == NULL)
        return NULL;
    a->app_id = s->user->app_id;
    a->user_len = (uint16_t)user.n;
    a->device_len = (uint16_t)device.n;
    a->room_len = (uint16_t)room.n;
    memcpy(a->names, user.p, user.n);
    memcpy(a->names + user.n, device.p, device.n);
    memcpy(a->names + user.n + device.n, room.p, room.n);
    a->session = s;
    a->own_next = s->acks;
    if (s->acks != NULL)
        s->acks->own_prev = a;
    s->acks = a;
    s->ack_count++;
    if (table->acks == NULL)
        table->ack_due_ms = now_ms + ACK_WAIT_MS;
    line_add(table, a);
    return a;
}

static bool add_refused(struct session_ack *a, const struct wire_in *in)
{
    int64_t *grown;

    if (in->refused_count == 0)
        return true;
    if (in->refused_count > SESSION_REFUSED - a->refused_count)
        return false;
    grown = realloc(a->refused, (a->refused_count + in->refused_count) * sizeof(*grown));
    if (grown == NULL)
        return false;
    a->refused = grown;
    memcpy(grown + a->refused_count, in->refused, in->refused_count * sizeof(*grown));
    a->refused_count += in->refused_count;
    return true;
}

void session_ack_frame(struct session *s, const struct wire_in *in)
{
    const struct str room = session_str(in->room);
    const int64_t now_ms = s->thread->now_ms();
    struct session_ack *a = find_ack(s, room);
    struct json_out o;

    if (a == NULL)
        a = add_ack(s, room, now_ms);
    if (a == NULL || !add_refused(a, in)) {
        session_reply_error(s, in->has_id, in->id, RESULT_UNAVAILABLE, "The ack could not be taken; send it again", 1);
        return;
    }
    if (in->seq > a->seq) {
        a->seq = in->seq;
        a->came_ms = now_ms;
    }
    a->can_recall = (s->caps & WIRE_CAP_RECALL) != 0;
    metrics_inc(s->thread->gateway->metrics.acks);
    if (!in->has_id)
        return;
    json_out_init(&o);
    wire_out_reply(&o, &in->id, (struct wire_text){NULL, 0});
    session_send(s, &o);
}
