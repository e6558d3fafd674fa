#include "sim.h"

#include "core/history.h"
#include "core/message.h"
#include "core/recall.h"
#include "core/room.h"

#include <stdio.h>

#define CONTENT_MAX 1700

/* --- running one command of the core and committing it --- */

/* Who asks; -1: the platform. */
static struct principal someone(struct sim *s, struct core_tx *tx, int user)
{
    struct principal who = {.kind = PRINCIPAL_PLATFORM};

    if (user >= 0) {
        who.kind = PRINCIPAL_CLIENT;
        who.user = str_c(sim_users[user]);
        (void)store_client_get(tx->conn, s->app_id, who.user, &who.client);
    }
    return who;
}

static void end(struct sim *s)
{
    arena_reset(&s->conn.arena);
    if (s->conn.failed)
        sim_fail(s, "store", "%s", db_error(s->conn.db));
}

/* --- the truth --- */

static void record_members(struct sim *s, struct sim_room *room, const struct frame *f)
{
    for (size_t i = 0; i < f->member_count; i++)
        for (int u = 0; u < SIM_USERS; u++)
            if (str_eq(f->members[i].user, str_c(sim_users[u])))
                room->member[u] = f->members[i].joined;
}

void command_record(struct sim *s, const struct notice *notice)
{
    const struct frame *f = notice->frame;
    struct sim_room *room;
    int shows;

    if (notice->kind != NOTICE_EVENT)
        return;
    room = &s->rooms[world_room_number(s, f->room)];
    if (f->seq != room->head + 1)
        sim_fail(s, "log", "%s: event %lld was committed behind %lld", room->id, (long long)f->seq, (long long)room->head);
    room->head = f->seq;
    if (f->seq < SIM_EVENTS)
        room->log[f->seq] = (struct sim_event){f->type, world_message_number(f->message)};
    record_members(s, room, f);
    shows = shown_recalled(s, f->payload, f->seq);
    if (shows >= 0)
        sim_fail(s, "recalled content", "%s: event %lld was made with content of m%d, which was recalled before", room->id,
                 (long long)f->seq, shows);
}

void command_commit(struct sim *s)
{
    struct sim_hub record = {.sim = s, .number = -1};

    conn_effects(&s->conn, true);
    (void)mailbox_drain(s->recorder, &record, 0);
}

/* --- what a step is about --- */

static int some_room(struct sim *s)
{
    return (int)sim_pick(s, (unsigned)s->room_count);
}

static bool full(const struct sim *s, int room)
{
    return s->rooms[room].head + 4 >= SIM_EVENTS || s->message_count >= SIM_MESSAGES || s->marker_count + 2 >= SIM_MARKERS;
}

/* A message of the room for which `wanted` holds, rather a new one; -1: none found. */
static int some_message(struct sim *s, int room, bool (*wanted)(const struct sim_message *m))
{
    int found = -1;

    for (int i = s->message_count - 1; i >= 0; i--) {
        if (s->messages[i].room != room || !wanted(&s->messages[i]))
            continue;
        found = i;
        if (sim_chance(s, 2))
            break;
    }
    return found;
}

static bool is_live(const struct sim_message *m)
{
    return m->state == SIM_LIVE;
}

static bool is_there(const struct sim_message *m)
{
    return m->seq != 0;
}

static bool is_awaited(const struct sim_message *m)
{
    return m->waits;
}

/* New content, which nothing else has, for message `number`: body and sometimes other fields. */
static int make_content(struct sim *s, int number, char body[static CONTENT_MAX], char fields[static 64])
{
    const int marker = s->marker_count++;
    const int pad = sim_chance(s, 6) ? 1400 : (int)sim_pick(s, 60);

    s->marker_of[marker] = number;
    (void)snprintf(body, CONTENT_MAX, "\"K%04d%*s\"", marker, pad, "");
    fields[0] = '\0';
    if (sim_chance(s, 3))
        (void)snprintf(fields, 64, "\"extra\":\"K%04d\",\"width\":3", marker);
    return marker;
}

/* A recall that was committed, in the truth; `seq` 0: it was one already. */
static void note_recall(struct sim *s, int number, int64_t seq, bool is_delete)
{
    struct sim_message *m = &s->messages[number];

    if (seq == 0)
        return;
    if (m->state == SIM_RECALLED) { /* deleted after its recall */
        m->is_delete = m->is_delete || is_delete;
        return;
    }
    m->waits = m->state == SIM_UNSEEN;
    m->state = SIM_RECALLED;
    m->recall_seq = seq;
    m->is_delete = is_delete;
    m->reply = -1;
    m->heard = 0;
}

/* --- commands --- */

/* Sends message `number` as a new one or as an edit. */
static enum result put(struct sim *s, int number, int user, int reply, bool edit)
{
    struct sim_message *m = &s->messages[number];
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(s, &tx, user);
    char id[16], quoted[16], body[CONTENT_MAX], fields[64];
    const int marker = make_content(s, number, body, fields);
    struct message_command c = {.room = world_room(s, m->room), .id = str_c(id), .body = str_c(body)};
    enum result rc;

    (void)snprintf(id, sizeof(id), "m%d", number);
    (void)snprintf(quoted, sizeof(quoted), "m%d", reply);
    if (fields[0] != '\0')
        c.content = str_c(fields);
    if (reply >= 0)
        c.reply = str_c(quoted);
    tx_outcome_reset(&s->out);
    rc = message_send(&tx, &who, &c, &s->out);
    sim_trace(s, "%s %s in %s by %s, content K%04d%s%s: %s, seq %lld", edit ? "edit" : "send", id, m->room >= 0 ? c.room.p : "?",
              user < 0 ? "platform" : sim_users[user], marker, reply >= 0 ? ", quotes " : "", reply >= 0 ? quoted : "",
              result_text(rc), (long long)s->out.seq);
    if (rc != RESULT_OK)
        return rc;
    if (edit && m->state != SIM_LIVE)
        sim_fail(s, "recall wins", "%s was recalled and could be edited", id);
    if (!edit) {
        m->seq = s->out.seq;
        m->author = user;
        m->waits = false;
    }
    if (m->state == SIM_UNSEEN)
        m->state = SIM_LIVE;
    if (m->state == SIM_LIVE) {
        m->marker = marker;
        m->reply = reply >= 0 || !edit ? reply : m->reply;
    }
    return rc;
}

static int new_message(struct sim *s, int room)
{
    s->messages[s->message_count] = (struct sim_message){.room = room, .author = -1, .marker = -1, .reply = -1};
    return s->message_count++;
}

void command_send(struct sim *s)
{
    const int room = some_room(s);
    const int user = (int)sim_pick(s, SIM_USERS + 1) - 1;
    const int reply = sim_chance(s, 3) ? some_message(s, room, is_there) : -1;

    if (full(s, room))
        return;
    (void)put(s, new_message(s, room), user, reply, false);
    end(s);
}

void command_edit(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 6) ? is_there : is_live);
    const int reply = sim_chance(s, 4) ? some_message(s, room, is_there) : -1;

    if (number < 0 || full(s, room))
        return;
    (void)put(s, number, sim_chance(s, 4) ? -1 : s->messages[number].author, reply == number ? -1 : reply, true);
    end(s);
}

static enum result recall(struct sim *s, int number, int user)
{
    const struct sim_message *m = &s->messages[number];
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(s, &tx, user);
    char id[16];
    const struct recall_command c = {.room = world_room(s, m->room),
                                     .message = str_c(id),
                                     .is_delete = sim_chance(s, 3),
                                     .is_admin = user < 2 && sim_chance(s, 4),
                                     .disable_update_last = sim_chance(s, 24)};
    enum result rc;

    (void)snprintf(id, sizeof(id), "m%d", number);
    tx_outcome_reset(&s->out);
    rc = recall_apply(&tx, &who, &c, &s->out);
    sim_trace(s, "recall %s in %s by %s%s: %s, seq %lld", id, c.room.p, user < 0 ? "platform" : sim_users[user],
              c.is_delete ? ", isDelete" : "", result_text(rc), (long long)s->out.seq);
    if (rc != RESULT_OK)
        return rc;
    if (m->state == SIM_RECALLED && s->out.seq != 0)
        sim_fail(s, "once", "%s was recalled twice, by events %lld and %lld", id, (long long)m->recall_seq, (long long)s->out.seq);
    if (s->out.seq != 0 && c.disable_update_last)
        s->rooms[m->room].last_unknown = true;
    note_recall(s, number, s->out.seq, c.is_delete);
    return rc;
}

void command_recall(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 6) ? is_there : is_live);
    const unsigned by = sim_pick(s, 8); /* the author, a manager, the platform, anyone */

    if (number < 0 || full(s, room))
        return;
    (void)recall(s, number, by < 4 ? s->messages[number].author : by < 6 ? 1 : by < 7 ? -1 : (int)sim_pick(s, SIM_USERS));
    end(s);
}

void command_recall_first(struct sim *s)
{
    const int room = some_room(s);
    const int user = sim_chance(s, 6) ? (int)sim_pick(s, SIM_USERS) : -1;

    if (full(s, room))
        return;
    if (recall(s, new_message(s, room), user) == RESULT_OK && user >= 0)
        sim_fail(s, "recall first", "a client could recall an id that was not seen");
    end(s);
}

void command_late(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, is_awaited);

    if (number < 0 || full(s, room))
        return;
    (void)put(s, number, (int)sim_pick(s, SIM_USERS), -1, false);
    end(s);
}

static enum result erase(struct sim *s, int number)
{
    const int user = sim_chance(s, 2) ? 0 : -1;
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(s, &tx, user);
    char id[16];
    enum result rc;

    (void)snprintf(id, sizeof(id), "m%d", number);
    tx_outcome_reset(&s->out);
    rc = message_delete(&tx, &who, world_room(s, s->messages[number].room), str_c(id), &s->out);
    sim_trace(s, "delete %s: %s, seq %lld", id, result_text(rc), (long long)s->out.seq);
    if (rc == RESULT_OK)
        note_recall(s, number, s->out.seq, true);
    return rc;
}

void command_delete(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 4) ? is_there : is_live);

    if (number < 0 || full(s, room))
        return;
    (void)erase(s, number);
    end(s);
}

/* The author's recalls become late now and then. */
static void let_time_pass(struct sim *s)
{
    s->now_ms += sim_chance(s, 12) ? 200000 : 7;
}

static enum result member(struct sim *s, int room, int user, bool joins)
{
    struct core_tx tx = world_tx(s, true);
    const struct principal platform = someone(s, &tx, -1);
    const struct str id = str_c(sim_users[user]);
    enum result rc;

    tx_outcome_reset(&s->out);
    rc = joins ? room_add_members(&tx, &platform, world_room(s, room), &id, 1, &s->out)
               : room_remove_members(&tx, &platform, world_room(s, room), &id, 1, &s->out);
    sim_trace(s, "%s %s %s: %s, seq %lld", sim_users[user], joins ? "joins" : "leaves", s->rooms[room].id, result_text(rc),
              (long long)s->out.seq);
    return rc;
}

void command_join(struct sim *s)
{
    const int room = some_room(s);

    let_time_pass(s);
    if (!full(s, room))
        (void)member(s, room, (int)sim_pick(s, SIM_USERS), true);
    end(s);
}

void command_leave(struct sim *s)
{
    const int room = some_room(s);
    const int user = (int)sim_pick(s, SIM_USERS);

    if (full(s, room))
        return;
    (void)member(s, room, user, false);
    if (sim_chance(s, 3)) /* and back at once */
        (void)member(s, room, user, true);
    end(s);
}

void command_role(struct sim *s)
{
    const int room = some_room(s);
    struct core_tx tx = world_tx(s, true);
    const struct principal platform = someone(s, &tx, -1);

    if (full(s, room))
        return;
    tx_outcome_reset(&s->out);
    (void)room_set_role(&tx, &platform, world_room(s, room), str_c(sim_users[1 + sim_pick(s, SIM_USERS - 1)]),
                        sim_chance(s, 2) ? STR("manager") : STR("member"), &s->out);
    sim_trace(s, "a role in %s changes: seq %lld", s->rooms[room].id, (long long)s->out.seq);
    end(s);
}

void command_read(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, is_there);
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(s, &tx, (int)sim_pick(s, SIM_USERS));
    char id[16];

    if (number < 0)
        return;
    (void)snprintf(id, sizeof(id), "m%d", number);
    tx_outcome_reset(&s->out);
    (void)room_mark_read(&tx, &who, world_room(s, room), str_c(id), &s->out);
    end(s);
}

void command_trim(struct sim *s)
{
    const int room = some_room(s);
    struct sim_room *r = &s->rooms[room];
    const int64_t min_seq = r->min_seq + (int64_t)sim_pick(s, (unsigned)(r->head + 2 - r->min_seq));

    store_event_trim(&s->conn, r->key, min_seq);
    r->min_seq = min_seq;
    sim_trace(s, "the log of %s is kept from %lld on", r->id, (long long)min_seq);
    end(s);
}

void command_lost(struct sim *s)
{
    const int messages = s->message_count, markers = s->marker_count;
    const int room = some_room(s);
    const int number = some_message(s, room, is_live);
    struct sim_message before = {.state = SIM_UNSEEN};

    if (full(s, room) || !db_exec(s->conn.db, "SAVEPOINT lost"))
        return;
    sim_trace(s, "a batch that is rolled back:");
    if (number >= 0) {
        const bool last_unknown = s->rooms[room].last_unknown;

        before = s->messages[number];
        (void)recall(s, number, -1);
        s->messages[number] = before;
        s->rooms[room].last_unknown = last_unknown;
    }
    (void)put(s, new_message(s, room), -1, -1, false);
    (void)db_exec(s->conn.db, "ROLLBACK TO lost");
    (void)db_exec(s->conn.db, "RELEASE lost");
    conn_effects(&s->conn, false);
    s->message_count = messages;
    s->marker_count = markers;
    end(s);
}

void command_look(struct sim *s)
{
    const int room = some_room(s);
    struct core_tx tx = world_tx(s, false);
    const struct principal who = someone(s, &tx, (int)sim_pick(s, SIM_USERS + 1) - 1);
    const struct history_query q = {.room = world_room(s, room), .limit = 1000};
    int shows = -1;

    tx_outcome_reset(&s->out);
    if (history_page(&tx, &who, &q, &s->out) == RESULT_OK)
        shows = shown_recalled(s, str_n(s->out.result.p, s->out.result.len), 0);
    tx_outcome_reset(&s->out);
    if (shows < 0 && room_get(&tx, &who, q.room, &s->out) == RESULT_OK)
        shows = shown_recalled(s, str_n(s->out.result.p, s->out.result.len), 0);
    if (shows >= 0)
        sim_fail(s, "recalled content", "the history or the room shows content of m%d, which was recalled", shows);
    end(s);
}
