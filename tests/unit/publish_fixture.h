/*
 * tests/unit/publish_fixture.h - RongCloud's sends and recalls as tests like to write them, each as one job.
 *
 * Owns what core_fixture.h owns. Fails by failing the test. Thread: the test's.
 */
#ifndef RECALLD_TESTS_PUBLISH_FIXTURE_H
#define RECALLD_TESTS_PUBLISH_FIXTURE_H

#include "core/chatroom.h"
#include "core/conversation.h"
#include "core/group.h"
#include "core/publish.h"
#include "core/recall.h"
#include "core_fixture.h"

#define SENT_MAX 1000

/* What the last send answered, kept beyond its job. */
static struct {
    char target[160], message[72];
    int64_t sent_ms;
} sent_rows[SENT_MAX];

static inline void keep_sent(const struct publish_sent *sent, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        snprintf(sent_rows[i].target, sizeof(sent_rows[i].target), "%.*s", (int)sent[i].target.n, sent[i].target.p);
        snprintf(sent_rows[i].message, sizeof(sent_rows[i].message), "%.*s", (int)sent[i].message.n, sent[i].message.p);
        sent_rows[i].sent_ms = sent[i].sent_ms;
    }
}

static inline enum result do_publish(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct publish_command *c = arg;
    const size_t n = c->kind == PUBLISH_BROADCAST ? 1 : c->target_count;
    struct publish_sent *sent = arena_alloc(tx->arena, (n + 1) * sizeof(*sent));
    enum result rc = publish_send(tx, c, sent, &out);

    (void)who;
    if (rc == RESULT_OK)
        keep_sent(sent, n);
    return rc;
}

static inline enum result publish(const struct publish_command *c)
{
    return act(NULL, do_publish, c);
}

static inline struct publish_command text_to(enum publish_kind kind, const char *from, const struct str *target)
{
    return (struct publish_command){.kind = kind,
                                    .from = str_c(from),
                                    .targets = target,
                                    .target_count = kind == PUBLISH_BROADCAST ? 0 : 1,
                                    .object_name = STR("RC:TxtMsg"),
                                    .content = STR("{\"content\":\"hello\"}")};
}

/* Sends one text and gives its messageUID. */
static inline const char *say(enum publish_kind kind, const char *from, const char *to, char uid[static 72])
{
    const struct str target = str_c(to);
    const struct publish_command c = text_to(kind, from, &target);

    assert_int_equal(publish(&c), RESULT_OK);
    assert_int_equal(strlen(sent_rows[0].message), 19);
    memcpy(uid, sent_rows[0].message, 72);
    return uid;
}

static inline enum result do_recall(struct core_tx *tx, const struct principal *who, const void *arg)
{
    return recall_apply(tx, who, arg, &out);
}

static inline enum result take_back(enum conversation kind, const char *from, const char *target, const char *uid)
{
    const struct recall_command c = {.conversation = kind,
                                     .sender = str_c(from),
                                     .target = str_c(target),
                                     .message = str_c(uid),
                                     .require_author = true};

    return act(NULL, do_recall, &c);
}

static inline enum result do_around(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    return history_around(tx, who, str_c(n->room), str_c(n->user), 0, 0, &out);
}

/* The message as the platform sees it; borrowed from `result`. */
static inline json_t *message_in(const char *room, const char *uid)
{
    assert_int_equal(act(NULL, do_around, N2(room, uid)), RESULT_OK);
    return json_object_get(result, "message");
}

static inline const char *text_in(json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

struct group_call {
    enum result (*run)(struct core_tx *tx, struct str id, struct str name, const struct str *users, size_t n, struct outcome *out);
    const char *id, *name;
    const char *const *users;
    size_t n;
};

static inline enum result do_group(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct group_call *g = arg;
    struct str users[8];

    (void)who;
    for (size_t i = 0; i < g->n; i++)
        users[i] = str_c(g->users[i]);
    return g->run(tx, str_c(g->id), str_c(g->name), users, g->n, &out);
}

static inline enum result make_group(const char *id, const char *first, const char *second)
{
    const char *const users[] = {first, second};
    const struct group_call g = {group_create, id, "A group", users, second != NULL ? 2 : 1};

    return act(NULL, do_group, &g);
}

/* A row of a message, and how many events a room has, as the store knows them. */
struct look {
    const char *room, *uid;
    struct message_row row;
    bool found;
    int64_t seq;
    char audience[256];
    struct recall_row recall;
    bool recalled;
    char objname[64];
};

static inline void look_run(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct look *l = task->arg;
    struct room_row room;

    (void)now_ms;
    l->seq = store_room_get(c, app_id, str_c(l->room), &room) ? room.seq : -1;
    l->found = l->uid != NULL && store_message_get(c, app_id, str_c(l->uid), &l->row);
    l->recalled = l->uid != NULL && store_recall_get(c, app_id, str_c(l->uid), &l->recall);
    snprintf(l->audience, sizeof(l->audience), "%.*s", l->found ? (int)l->row.audience.n : 0, l->found ? l->row.audience.p : "");
    snprintf(l->objname, sizeof(l->objname), "%.*s", l->recalled ? (int)l->recall.objname.n : 0,
             l->recalled ? l->recall.objname.p : "");
}

static inline struct look look_at(const char *room, const char *uid)
{
    struct look l = {.room = room, .uid = uid};

    assert_int_equal(fixture_run(&store, false, look_run, &l), RESULT_OK);
    return l;
}

#endif
