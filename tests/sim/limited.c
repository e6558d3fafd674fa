/*
 * Messages that are for some users alone. They are stored and appended as core/publish.c does it; who may see them is decided here once
 * more, from a table.
 */
#include "sim.h"

#include <stdio.h>

/* Who has which tag, while the messages have numbers from < seq <= to. */
static const struct {
    int user, tag;
    int64_t from, to;
} tags[] = {{0, 0, 0, INT64_MAX}, {1, 0, 0, 20}, {2, 0, 12, INT64_MAX}, {2, 1, 0, 25}, {3, 1, 0, 14}, {3, 1, 22, INT64_MAX}};

/* By number; 0: everyone. Users and tags as bits; with users, no tags. */
static const struct {
    const char *text;
    unsigned users, all, any;
} audiences[] = {
    {NULL, 0, 0, 0},
    {"{\"users\":[\"ann\",\"cho\"]}", 1 | 4, 0, 0},
    {"{\"users\":[\"ben\"]}", 2, 0, 0},
    {"{\"users\":[]}", 0, 0, 0},
    {"{\"tag\":[\"t0\"]}", 0, 1, 0},
    {"{\"tag_or\":[\"t0\",\"t1\"]}", 0, 0, 3},
    {"{\"tag\":[\"t0\",\"t1\"]}", 0, 3, 0},
    {"{\"tag\":[\"t1\"],\"tag_or\":[\"t0\"]}", 0, 2, 1},
};

bool limited_fill(struct sim *s)
{
    char sql[200];

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
        (void)snprintf(sql, sizeof(sql),
                       "INSERT INTO tag (app, user_id, tag, from_seq, to_seq) VALUES (%lld, '%s', 't%d', %lld, %lld)",
                       (long long)s->app_id, sim_users[tags[i].user], tags[i].tag, (long long)tags[i].from, (long long)tags[i].to);
        if (!db_exec(s->conn.db, sql))
            return false;
    }
    return true;
}

/* The user's tags at a message's number, as bits. */
static unsigned tags_of(int user, int64_t seq)
{
    unsigned held = 0;

    for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++)
        if (tags[i].user == user && tags[i].from < seq && seq <= tags[i].to)
            held |= 1U << tags[i].tag;
    return held;
}

bool limited_sees(const struct sim *s, int user, int number)
{
    const struct sim_message *m = &s->messages[number];
    const unsigned all = audiences[m->audience].all, any = audiences[m->audience].any;
    const unsigned held = tags_of(user, m->seq);

    if (m->audience == 0)
        return true;
    if (all == 0 && any == 0)
        return (audiences[m->audience].users & (1U << user)) != 0;
    return (held & all) == all && (any == 0 || (held & any) != 0);
}

bool limited_sees_event(const struct sim *s, int user, int room, int64_t seq)
{
    const struct sim_room *r = &s->rooms[room];

    return seq >= SIM_EVENTS || seq > r->head || r->log[seq].message < 0 || limited_sees(s, user, r->log[seq].message);
}

int64_t limited_next(const struct sim *s, int user, int room, int64_t seq)
{
    while (seq >= 0 && seq <= s->rooms[room].head && !limited_sees_event(s, user, room, seq))
        seq++;
    return seq;
}

bool limited_quoted(const struct sim *s, const struct sim_message *m, int number)
{
    const int audience = s->messages[number].audience;

    return audience == 0 || (audience == m->audience && audiences[audience].all == 0 && audiences[audience].any == 0);
}

int limited_shown(const struct sim *s, struct str text, int user)
{
    size_t from = 0;
    int marker;

    while ((marker = shown_marker(s, text, &from)) >= 0)
        if (!limited_sees(s, user, s->marker_of[marker]))
            return s->marker_of[marker];
    return -1;
}

/* A message of the room that one for the audience may quote: one for everyone or for the same; sometimes another; -1: none. */
static int some_quote(struct sim *s, int room, int audience)
{
    const bool any = sim_chance(s, 6);

    for (int i = s->message_count - 1; i >= 0; i--) {
        const struct sim_message *m = &s->messages[i];

        if (m->room == room && m->seq != 0 && (any || m->audience == 0 || m->audience == audience) && sim_chance(s, 2))
            return i;
    }
    return -1;
}

bool limited_send(struct sim *s)
{
    const int room = (int)sim_pick(s, (unsigned)s->room_count);
    const int audience = 1 + (int)sim_pick(s, sizeof(audiences) / sizeof(audiences[0]) - 1);
    const int user = (int)sim_pick(s, SIM_USERS);
    const int reply = sim_chance(s, 3) ? some_quote(s, room, audience) : -1;
    struct core_tx tx = world_tx(s, true);
    char body[COMMAND_CONTENT_MAX], fields[64];
    struct sim_message *m;
    struct message_row row;
    struct room_row entered;
    int number;

    if (command_full(s, room) || !store_room_get(tx.conn, tx.app_id, world_room(s, room), &entered))
        return false;
    number = command_new(s, room);
    m = &s->messages[number];
    m->author = user;
    m->audience = audience;
    m->state = SIM_LIVE;
    m->reply = reply;
    m->marker = command_content(s, number, body, fields);
    row = (struct message_row){.room_key = entered.key,
                               .room = entered.id,
                               .id = arena_printf(&s->conn.arena, "m%d", number),
                               .sender = str_c(sim_users[user]),
                               .type = STR("text"),
                               .body = str_c(body),
                               .content = fields[0] != '\0' ? str_c(fields) : STR_NULL,
                               .reply = reply >= 0 ? arena_printf(&s->conn.arena, "m%d", reply) : STR_NULL,
                               .time_ms = tx.now_ms,
                               .created_ms = tx.now_ms,
                               .updated_ms = tx.now_ms,
                               .version = 1,
                               .audience = str_c(audiences[audience].text)};
    row.seq = m->seq = event_next(&tx, &entered);
    store_message_add(tx.conn, tx.app_id, &row);
    event_append(&tx, &entered, EVENT_MESSAGE, row.seq, row.id, &row, STR_NULL, NULL, 0);
    sim_trace(s, "send m%d in %s by %s for %s, content K%04d%s%.*s: seq %lld", number, s->rooms[room].id, sim_users[user],
              audiences[audience].text, m->marker, reply >= 0 ? ", quotes " : "", (int)row.reply.n, reply >= 0 ? row.reply.p : "",
              (long long)row.seq);
    return command_end(s);
}
