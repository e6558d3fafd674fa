/*
 * tests/bench/bench_store.c - durable recalls a second through the store alone: no HTTP, no rules, no
 * fan-out.
 *
 *     bench_store [FOLDER] [ROOMS] [RECALLS]
 *
 * Sends RECALLS messages (60,000) to ROOMS rooms (1,000), then recalls each once with 1, 64 and 256 jobs
 * waiting at any time. A recall asks for the user, the message, the member and an earlier recall, erases,
 * numbers, logs, looks for quotes and for the room's last message, as the core does. Prints jobs and commits
 * (each an fsync) a second. FOLDER must be on the disk in question; its database is removed at the end.
 */
#include "base/clock.h"
#include "base/mailbox.h"
#include "store/query.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

struct bench {
    struct store *store;
    struct mailbox *home;
    int64_t app;
    int rooms, total;
    int next, finished, end; /* numbers of messages */
};

struct work {
    struct job job;
    struct bench *bench;
    int number;
};

static struct str name(char out[32], char kind, int number)
{
    return str_n(out, (size_t)snprintf(out, 32, "%c%08x00000000%07d", kind, number, number));
}

static void send(struct job *job, struct store_conn *c, int64_t now_ms)
{
    struct work *w = (struct work *)job;
    char id[32], room_id[32];
    struct room_row room;
    struct message_row m = {.id = name(id, 'm', w->number),
                            .sender = STR("ann"),
                            .type = STR("text"),
                            .body = STR("\"Shall we meet at eight, at the usual place by the river?\""),
                            .time_ms = now_ms,
                            .created_ms = now_ms,
                            .updated_ms = now_ms,
                            .version = 1};

    if (!store_room_get(c, w->bench->app, name(room_id, 'r', w->number % w->bench->rooms), &room))
        return;
    m.room_key = room.key;
    m.seq = store_room_next_seq(c, room.key);
    store_message_add(c, w->bench->app, &m);
}

static void recall(struct job *job, struct store_conn *c, int64_t now_ms)
{
    struct work *w = (struct work *)job;
    const int64_t app = w->bench->app;
    char id[32];
    struct client_row client;
    struct member_row member;
    struct message_row m, rows[8];
    struct recall_row r;
    struct event_row event = {
        .type = EVENT_RECALL, .subject = name(id, 'm', w->number), .version = 1, .time_ms = now_ms};

    if (!store_client_get(c, app, STR("ann"), &client) || !store_message_get(c, app, event.subject, &m) ||
        !store_member_get(c, m.room_key, STR("ann"), &member) || store_recall_get(c, app, m.id, &r))
        return;
    store_message_recall(c, &m, now_ms);
    event.room_key = m.room_key;
    event.seq = store_room_next_seq(c, m.room_key);
    r = (struct recall_row){.message = m.id,
                            .room_key = m.room_key,
                            .seq = event.seq,
                            .time_ms = now_ms,
                            .operator_id = STR("ann"),
                            .author = m.sender,
                            .sent_ms = m.time_ms};
    store_recall_put(c, app, &r);
    store_event_add(c, &event);
    (void)store_message_quoting(c, app, m.id, rows, 8);
    (void)store_message_last(c, app, m.room_key, STR_NULL, rows);
}

static void prepare(struct job *job, struct store_conn *c, int64_t now_ms)
{
    struct bench *b = ((struct work *)job)->bench;
    const struct client_row ann = {.id = STR("ann"), .nickname = STR("Ann")};
    const struct member_row member = {.user = STR("ann")};
    char id[32];

    (void)now_ms;
    b->app = store_app_intern(c, STR("Bench"));
    store_client_put(c, b->app, &ann);
    for (int i = 0; i < b->rooms; i++) {
        struct room_row room = {.app = b->app, .id = name(id, 'r', i), .type = STR("group"), .min_seq = 1};

        store_room_add(c, &room);
        store_member_put(c, b->app, room.key, &member);
    }
}

/* CPU time of the whole process, in microseconds: what other work on the machine does not spoil. */
static double cpu_us(void)
{
    struct rusage usage;

    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e6 +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static void submit(struct work *w)
{
    w->number = w->bench->next++;
    if (!store_submit_write(w->bench->store, &w->job)) {
        fprintf(stderr, "the store refused a job\n");
        exit(1);
    }
}

static void done(struct job *job, void *ctx)
{
    struct work *w = (struct work *)job;

    (void)ctx;
    if (job->fate != RESULT_OK) {
        fprintf(stderr, "a job failed: %d\n", (int)job->fate);
        exit(1);
    }
    w->bench->finished++;
    if (w->bench->next < w->bench->end)
        submit(w);
}

/* Runs messages `from` to `end` with `waiting` jobs under way at any time, and prints what that gave. */
static void measure(struct bench *b, const char *what,
                    void (*run)(struct job *, struct store_conn *, int64_t), int from, int end, int waiting)
{
    struct work *works = calloc((size_t)waiting, sizeof(*works));
    const uint64_t since = clock_mono_ns();
    struct store_stats before, after;
    const double cpu = cpu_us();
    double seconds;

    if (works == NULL)
        exit(1);
    store_stats(b->store, &before);
    b->next = b->finished = from;
    b->end = end;
    for (int i = 0; i < waiting && b->next < end; i++) {
        works[i] = (struct work){.job = {.run = run, .done = done, .home = b->home}, .bench = b};
        submit(&works[i]);
    }
    while (b->finished < end) {
        mailbox_wait(b->home, -1);
        mailbox_drain(b->home, NULL, 0);
    }
    seconds = (double)(clock_mono_ns() - since) / 1e9;
    store_stats(b->store, &after);
    printf("%-8s %4d waiting: %8.0f jobs/s %8.0f commits/s %6.1f jobs a commit %6.1f us CPU a job, %llu "
           "truncating checkpoints\n",
           what, waiting, (end - from) / seconds, (double)(after.commits - before.commits) / seconds,
           (double)(after.jobs - before.jobs) / (double)(after.commits - before.commits),
           (cpu_us() - cpu) / (end - from), (unsigned long long)(after.checkpoints - before.checkpoints));
    free(works);
}

int main(int argc, char **argv)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", ".lock"};
    char file[4096], uri[4200], error[512];
    struct bench b = {.rooms = argc > 2 ? atoi(argv[2]) : 1000, .total = argc > 3 ? atoi(argv[3]) : 60000};
    const struct store_options options = {.uri = uri};
    struct work first = {.job = {.run = prepare}, .bench = &b};
    const int part = b.total / 12;

    snprintf(file, sizeof(file), "%s/bench-store-%ld.db", argc > 1 ? argv[1] : ".", (long)getpid());
    snprintf(uri, sizeof(uri), "sqlite:%s", file);
    b.home = mailbox_create(1, NULL, NULL);
    b.store = store_open(&options, error, sizeof(error));
    if (b.home == NULL || b.store == NULL || b.rooms < 1 || part < 1 ||
        store_run_now(b.store, &first.job) != RESULT_OK) {
        fprintf(stderr, "cannot begin: %s\n", b.store == NULL ? error : "wrong arguments");
        return 1;
    }
    measure(&b, "sends", send, 0, b.total, 256);
    measure(&b, "recalls", recall, 0, part, 1);
    measure(&b, "recalls", recall, part, part * 6, 64);
    measure(&b, "recalls", recall, part * 6, part * 12, 256);
    store_close(b.store);
    mailbox_free(b.home);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char path[4200];

        snprintf(path, sizeof(path), "%s%s", file, suffixes[i]);
        unlink(path);
    }
    return 0;
}
