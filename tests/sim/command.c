#include "sim.h"

#include "core/history.h"
#include "core/message.h"
#include "core/recall.h"
#include "core/replay.h"
#include "core/room.h"

#include <stdio.h>

/* --- running one command of the core and committing it --- */

/* Who asks; -1: the platform. */
static struct principal someone(const struct core_tx *tx, int user)
{
    struct principal who = {.kind = PRINCIPAL_PLATFORM};

    if (user >= 0) {
        who.kind = PRINCIPAL_CLIENT;
        who.user = str_c(sim_users[user]);
        (void)store_client_get(tx->conn, tx->app_id, who.user, &who.client);
    }
    return who;
}

/* The id of a message; lives until the end of the step. */
static struct str name_of(struct sim *s, int number)
{
    return number < 0 ? STR_NULL : arena_printf(&s->conn.arena, "m%d", number);
}

bool command_end(struct sim *s)
{
    arena_reset(&s->conn.arena);
    if (s->conn.failed)
        sim_fail(s, "store", "%s", db_error(s->conn.db));
    return true;
}

/* --- the truth --- */

static void record_members(struct sim_room *room, const struct frame *f)
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
        sim_fail(s, "log", "%s: event %lld was committed behind %lld", room->id, (long long)f->seq,
                 (long long)room->head);
    room->head = f->seq;
    if (f->seq < SIM_EVENTS)
        room->log[f->seq] = (struct sim_event){f->type, world_message_number(f->message)};
    record_members(room, f);
    shows = shown_recalled(s, f->payload, f->seq);
    if (shows >= 0)
        sim_fail(s, "recalled content",
                 "%s: event %lld was made with content of m%d, which was recalled before", room->id,
                 (long long)f->seq, shows);
}

void command_commit(struct sim *s)
{
    struct sim_hub record = {.sim = s, .number = -1};

    conn_settle(conn_take_effects(&s->conn), true);
    (void)mailbox_drain(s->recorder, &record, 0);
}

/* --- what a step is about --- */

static int some_room(struct sim *s)
{
    return (int)sim_pick(s, (unsigned)s->room_count);
}

bool command_full(const struct sim *s, int room)
{
    return s->rooms[room].head + 4 >= SIM_EVENTS || s->message_count >= SIM_MESSAGES ||
           s->marker_count + 2 >= SIM_MARKERS;
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

int command_content(struct sim *s, int number, char body[static COMMAND_CONTENT_MAX], char fields[static 64])
{
    const int marker = s->marker_count++;
    const int pad = sim_chance(s, 12) ? 1000 : (int)sim_pick(s, 30);

    s->marker_of[marker] = number;
    (void)snprintf(body, COMMAND_CONTENT_MAX, "\"K%04d%*s\"", marker, pad, "");
    fields[0] = '\0';
    if (sim_chance(s, 3))
        (void)snprintf(fields, 64, "{\"extra\":\"K%04d\",\"width\":3}", marker);
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
    const struct principal who = someone(&tx, user);
    char body[COMMAND_CONTENT_MAX], fields[64];
    const int marker = command_content(s, number, body, fields);
    const struct message_command c = {.room = world_room(s, m->room),
                                      .id = name_of(s, number),
                                      .body = str_c(body),
                                      .content = fields[0] != '\0' ? str_c(fields) : STR_NULL,
                                      .reply = name_of(s, reply)};
    enum result rc;

    tx_outcome_reset(&s->out);
    rc = message_send(&tx, &who, &c, &s->out);
    sim_trace(s, "%s m%d in %s by %s, content K%04d%s%s: %s, seq %lld", edit ? "edit" : "send", number,
              c.room.p, user < 0 ? "platform" : sim_users[user], marker, reply >= 0 ? ", quotes " : "",
              reply >= 0 ? c.reply.p : "", result_text(rc), (long long)s->out.seq);
    if (rc != RESULT_OK)
        return rc;
    if (edit && m->state != SIM_LIVE)
        sim_fail(s, "recall wins", "m%d was recalled and could be edited", number);
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

int command_new(struct sim *s, int room)
{
    s->messages[s->message_count] =
        (struct sim_message){.room = room, .author = -1, .marker = -1, .reply = -1};
    return s->message_count++;
}

bool command_send(struct sim *s)
{
    const int room = some_room(s);
    const int user = (int)sim_pick(s, SIM_USERS + 1) - 1;
    const int reply = sim_chance(s, 3) ? some_message(s, room, is_there) : -1;

    if (command_full(s, room))
        return false;
    (void)put(s, command_new(s, room), user, reply, false);
    return command_end(s);
}

bool command_edit(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 6) ? is_there : is_live);
    const int reply = sim_chance(s, 4) ? some_message(s, room, is_there) : -1;

    if (number < 0 || command_full(s, room))
        return false;
    (void)put(s, number, sim_chance(s, 4) ? -1 : s->messages[number].author, reply == number ? -1 : reply,
              true);
    return command_end(s);
}

static enum result recall(struct sim *s, int number, int user)
{
    const struct sim_message *m = &s->messages[number];
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(&tx, user);
    const struct recall_command c = {.room = world_room(s, m->room),
                                     .message = name_of(s, number),
                                     .is_delete = sim_chance(s, 3),
                                     .is_admin = user < 2 && sim_chance(s, 4),
                                     .disable_update_last = sim_chance(s, 24)};
    enum result rc;

    tx_outcome_reset(&s->out);
    rc = recall_apply(&tx, &who, &c, &s->out);
    sim_trace(s, "recall m%d in %s by %s%s: %s, seq %lld", number, c.room.p,
              user < 0 ? "platform" : sim_users[user], c.is_delete ? ", isDelete" : "", result_text(rc),
              (long long)s->out.seq);
    if (rc != RESULT_OK)
        return rc;
    if (m->state == SIM_RECALLED && s->out.seq != 0)
        sim_fail(s, "once", "m%d was recalled twice, by events %lld and %lld", number,
                 (long long)m->recall_seq, (long long)s->out.seq);
    if (s->out.seq != 0 && c.disable_update_last)
        s->rooms[m->room].last_unknown = true;
    note_recall(s, number, s->out.seq, c.is_delete);
    return rc;
}

bool command_recall(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 6) ? is_there : is_live);
    const unsigned by = sim_pick(s, 8); /* the author, a manager, the platform, anyone */

    if (number < 0 || command_full(s, room))
        return false;
    (void)recall(s, number,
                 by < 4   ? s->messages[number].author
                 : by < 6 ? 1
                 : by < 7 ? -1
                          : (int)sim_pick(s, SIM_USERS));
    return command_end(s);
}

bool command_recall_first(struct sim *s)
{
    const int room = some_room(s);
    const int user = sim_chance(s, 6) ? (int)sim_pick(s, SIM_USERS) : -1;

    if (command_full(s, room))
        return false;
    if (recall(s, command_new(s, room), user) == RESULT_OK && user >= 0)
        sim_fail(s, "recall first", "a client could recall an id that was not seen");
    return command_end(s);
}

bool command_late(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, is_awaited);

    if (number < 0 || command_full(s, room))
        return false;
    if (put(s, number, (int)sim_pick(s, SIM_USERS), -1, false) == RESULT_OK)
        s->met[MET_LATE]++;
    return command_end(s);
}

static enum result erase(struct sim *s, int number)
{
    const int user = sim_chance(s, 2) ? 0 : -1;
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(&tx, user);
    enum result rc;

    tx_outcome_reset(&s->out);
    rc =
        message_delete(&tx, &who, world_room(s, s->messages[number].room), name_of(s, number), 0, 0, &s->out);
    sim_trace(s, "delete m%d: %s, seq %lld", number, result_text(rc), (long long)s->out.seq);
    if (rc == RESULT_OK)
        note_recall(s, number, s->out.seq, true);
    return rc;
}

bool command_delete(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, sim_chance(s, 4) ? is_there : is_live);

    if (number < 0 || command_full(s, room))
        return false;
    (void)erase(s, number);
    return command_end(s);
}

/* The author's recalls become late now and then. */
static void let_time_pass(struct sim *s)
{
    s->now_ms += sim_chance(s, 12) ? 200000 : 7;
}

static enum result member(struct sim *s, int room, int user, bool joins)
{
    struct core_tx tx = world_tx(s, true);
    const struct principal platform = someone(&tx, -1);
    const struct str id = str_c(sim_users[user]);
    enum result rc;

    tx_outcome_reset(&s->out);
    rc = joins ? room_add_members(&tx, &platform, world_room(s, room), &id, 1, &s->out)
               : room_remove_members(&tx, &platform, world_room(s, room), &id, 1, &s->out);
    sim_trace(s, "%s %s %s: %s, seq %lld", sim_users[user], joins ? "joins" : "leaves", s->rooms[room].id,
              result_text(rc), (long long)s->out.seq);
    return rc;
}

bool command_join(struct sim *s)
{
    const int room = some_room(s);

    let_time_pass(s);
    if (!command_full(s, room))
        (void)member(s, room, (int)sim_pick(s, SIM_USERS), true);
    return command_end(s);
}

bool command_leave(struct sim *s)
{
    const int room = some_room(s);
    const int user = (int)sim_pick(s, SIM_USERS);

    if (command_full(s, room))
        return false;
    (void)member(s, room, user, false);
    if (sim_chance(s, 2)) /* and back at once */
        (void)member(s, room, user, true);
    return command_end(s);
}

bool command_role(struct sim *s)
{
    const int room = some_room(s);
    struct core_tx tx = world_tx(s, true);
    const struct principal platform = someone(&tx, -1);

    if (command_full(s, room))
        return false;
    tx_outcome_reset(&s->out);
    (void)room_set_role(&tx, &platform, world_room(s, room), str_c(sim_users[1 + sim_pick(s, SIM_USERS - 1)]),
                        sim_chance(s, 2) ? STR("manager") : STR("member"), &s->out);
    sim_trace(s, "a role in %s changes: seq %lld", s->rooms[room].id, (long long)s->out.seq);
    return command_end(s);
}

bool command_read(struct sim *s)
{
    const int room = some_room(s);
    const int number = some_message(s, room, is_there);
    struct core_tx tx = world_tx(s, true);
    const struct principal who = someone(&tx, (int)sim_pick(s, SIM_USERS));

    if (number < 0)
        return false;
    tx_outcome_reset(&s->out);
    (void)room_mark_read(&tx, &who, world_room(s, room), name_of(s, number), &s->out);
    return command_end(s);
}

bool command_trim(struct sim *s)
{
    const int room = some_room(s);
    struct sim_room *r = &s->rooms[room];
    const int64_t min_seq = r->min_seq + (int64_t)sim_pick(s, (unsigned)(r->head + 2 - r->min_seq));

    store_event_trim(&s->conn, r->key, min_seq);
    r->min_seq = min_seq;
    sim_trace(s, "the log of %s is kept from %lld on", r->id, (long long)min_seq);
    return command_end(s);
}

bool command_lost(struct sim *s)
{
    const int messages = s->message_count, markers = s->marker_count;
    const int room = some_room(s);
    const int number = some_message(s, room, is_live);
    struct sim_message before = {.state = SIM_UNSEEN};

    command_commit(s);
    if (command_full(s, room) || !db_exec(s->conn.db, "SAVEPOINT lost"))
        return false;
    sim_trace(s, "a batch that is rolled back:");
    if (number >= 0) {
        const bool last_unknown = s->rooms[room].last_unknown;

        before = s->messages[number];
        (void)recall(s, number, -1);
        s->messages[number] = before;
        s->rooms[room].last_unknown = last_unknown;
    }
    (void)put(s, command_new(s, room), -1, -1, false);
    (void)db_exec(s->conn.db, "ROLLBACK TO lost");
    (void)db_exec(s->conn.db, "RELEASE lost");
    conn_forget(&s->conn);
    conn_settle(conn_take_effects(&s->conn), false);
    s->message_count = messages;
    s->marker_count = markers;
    return command_end(s);
}

/* The answer that was just made may show nothing of what was recalled. */
static void look(struct sim *s, const struct principal *who, enum result rc)
{
    const struct str text = str_n(s->out.result.p, s->out.result.len);
    const int shows = rc == RESULT_OK ? shown_recalled(s, text, 0) : -1;

    if (shows >= 0)
        sim_fail(s, "recalled content",
                 "a history, a room or a replay shows content of m%d, which was recalled", shows);
    for (int user = 0; rc == RESULT_OK && user < SIM_USERS; user++) {
        const int other = str_eq(who->user, str_c(sim_users[user])) ? limited_shown(s, text, user) : -1;

        if (other >= 0)
            sim_fail(s, "audience", "a history, a room or a replay shows m%d to %s, whom it is not for", other, sim_users[user]);
    }
}

static void look_at_log(struct sim *s, struct core_tx *tx, const struct principal *who, int room)
{
    const struct sim_room *r = &s->rooms[room];
    const struct replay_query q = {
        .room = world_room(s, room), .since = (int64_t)sim_pick(s, (unsigned)r->head + 2), .limit = 100};
    const bool must_reset = q.since > r->head || q.since + 1 < r->min_seq;
    enum result rc;

    tx_outcome_reset(&s->out);
    rc = replay_page(tx, who, &q, &s->out);
    look(s, who, rc);
    if (rc == RESULT_OK &&
        (memmem(s->out.result.p, s->out.result.len, "\"reset\":{", 9) != NULL) != must_reset)
        sim_fail(s, "reset", "a replay of %s since %lld must have a reset: %d", r->id, (long long)q.since,
                 must_reset);
}

bool command_look(struct sim *s)
{
    const int room = some_room(s);
    struct core_tx tx = world_tx(s, false);
    const struct principal who = someone(&tx, (int)sim_pick(s, SIM_USERS + 1) - 1);
    const struct history_query q = {.room = world_room(s, room), .limit = 1000};

    command_commit(s);
    tx_outcome_reset(&s->out);
    look(s, &who, history_page(&tx, &who, &q, &s->out));
    tx_outcome_reset(&s->out);
    look(s, &who, room_get(&tx, &who, q.room, &s->out));
    look_at_log(s, &tx, &who, room);
    return command_end(s);
}
