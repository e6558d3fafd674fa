#include "sim.h"

#define ROUNDS 2000

/* --- a hub that has nothing to do --- */

static unsigned reads_of(const struct sim *s, const struct sim_hub *h)
{
    unsigned n = 0;

    for (size_t i = 0; i < SIM_READS; i++)
        n += s->reads[i].state != READ_FREE && s->reads[i].hub == h->number;
    return n;
}

static void check_idle(struct sim *s, const struct sim_hub *h, const struct sim_conn *c)
{
    for (int room = 0; room < s->room_count; room++) {
        const struct lane *lane = &c->lanes[room];

        if (lane->following && lane->ticket == 0 && (!lane->live || limited_next(s, c->device->user, room, lane->next) <= h->heard[room]))
            sim_fail(s, "lost",
                     "hub %d asks for no turn, has heard of %lld in %s, and connection %d has %lld",
                     h->number, (long long)h->heard[room], s->rooms[room].id, c->number,
                     (long long)lane->next - 1);
    }
}

void check_hub(struct sim *s, const struct sim_hub *h)
{
    /* With all reads under way, others wait for them; after a failed one, for hub_second. */
    if (h->woken || h->retries || reads_of(s, h) >= HUB_READS)
        return;
    for (int i = 0; i < s->conn_count; i++) {
        const struct sim_conn *c = &s->conns[i];

        if (c->open && !c->closing && !c->stuck && c->at == h->number)
            check_idle(s, h, c);
    }
}

/* --- coming to rest: nothing new is committed, nothing blocks, everything under way arrives --- */

static bool settle_hub(struct sim *s, struct sim_hub *h)
{
    bool moved = false;

    while (!s->failure.failed && follow_mail(s, h))
        moved = true;
    if (h->held != NULL) {
        struct frame *held = h->held;

        h->held = NULL;
        hub_publish(h->hub, held);
        frame_unref(held);
        moved = true;
    }
    /* Only when it asked for it: who does not wake up loses what waits. */
    while (h->woken && !s->failure.failed) {
        h->woken = false;
        if (hub_turn(h->hub, 2))
            h->woken = true;
        moved = true;
    }
    return moved;
}

static bool settle_conn(struct sim *s, struct sim_conn *c)
{
    bool moved = c->stuck || c->all_state != 0 || c->closing || c->item_from != c->item_to;

    if (c->closing) {
        follow_close(s, c);
        return true;
    }
    if (c->stuck) {
        ops_drain(s, c);
        moved = true;
    }
    follow_intents(s, c);
    follow_all_go_on(s, c);
    device_apply(s, c, SIM_ITEMS);
    return moved;
}

void check_settle(struct sim *s)
{
    bool moved = true;

    s->calm = true;
    for (int round = 0; moved && !s->failure.failed; round++) {
        struct sim_read *r;

        moved = false;
        if (round == ROUNDS)
            sim_fail(s, "rest", "it does not come to rest");
        for (int i = 0; i < s->hub_count; i++)
            moved = settle_hub(s, &s->hubs[i]) || moved;
        while (!s->failure.failed && (r = page_some(s, READ_QUEUED)) != NULL)
            page_run(s, r);
        while (!s->failure.failed && (r = page_some(s, READ_DONE)) != NULL) {
            page_deliver(s, r);
            moved = true;
        }
        for (int i = 0; i < s->conn_count; i++)
            if (s->conns[i].open)
                moved = settle_conn(s, &s->conns[i]) || moved;
        for (int i = 0; i < s->hub_count && !moved && s->mutation != SIM_NO_SECOND; i++) {
            s->hubs[i].retries = false;
            hub_second(s->hubs[i].hub);
            moved = s->hubs[i].woken;
        }
    }
}

/* --- then --- */

static void check_lane(struct sim *s, struct sim_conn *c, int room)
{
    const struct lane *lane = &c->lanes[room];
    const struct sim_room *r = &s->rooms[room];
    const struct sim_device *d = c->device;

    if (!lane->following) {
        if (lane->lost)
            sim_fail(s, "lost", "connection %d follows %s no more, and does not know", c->number, r->id);
        if (c->all && r->member[d->user] && !lane->told)
            sim_fail(s, "subscription", "connection %d follows all, but not %s", c->number, r->id);
        return;
    }
    if (!r->member[d->user])
        sim_fail(s, "subscription", "connection %d follows %s, whose member %s is not", c->number, r->id,
                 sim_users[d->user]);
    else if (limited_next(s, d->user, room, lane->next) != r->head + 1)
        sim_fail(s, "lost", "connection %d got %s up to %lld of %lld, and nothing more comes", c->number,
                 r->id, (long long)lane->next - 1, (long long)r->head);
    else if (!lane->live)
        sim_fail(s, "live", "connection %d was never told that %s is live", c->number, r->id);
    else if (d->conn == c && limited_next(s, d->user, room, d->screens[room].cursor + 1) != r->head + 1)
        sim_fail(s, "lost", "device %d stands at %lld of %lld in %s", (int)(d - s->devices),
                 (long long)d->screens[room].cursor, (long long)r->head, r->id);
    else if (d->conn == c)
        device_compare(s, d, room);
}

/* The rows against what was answered. */
static void check_log(struct sim *s, int room)
{
    struct sim_room *r = &s->rooms[room];
    struct event_row *rows = arena_alloc(&s->conn.arena, SIM_EVENTS * sizeof(*rows));
    const size_t n = store_event_page(&s->conn, r->key, 0, rows, SIM_EVENTS);
    int64_t seq = r->min_seq;

    for (size_t i = 0; i < n; i++, seq++) {
        const struct sim_event *e = &r->log[seq < SIM_EVENTS ? seq : 0];
        struct message_row message = {.id = rows[i].subject};

        if (rows[i].message_key != 0)
            (void)store_message_by_key(&s->conn, rows[i].message_key, &message);
        if (rows[i].seq != seq || rows[i].type != e->type ||
            (e->type != EVENT_ROOM && world_message_number(message.id) != e->message)) {
            sim_fail(s, "log", "%s: row %zu is event %lld of type %d, and should be %lld of type %d", r->id,
                     i, (long long)rows[i].seq, (int)rows[i].type, (long long)seq, (int)e->type);
            return;
        }
    }
    if (seq != r->head + 1)
        sim_fail(s, "log", "%s: the rows end at %lld, and the head is %lld", r->id, (long long)seq - 1,
                 (long long)r->head);
}

static void check_messages(struct sim *s)
{
    for (int i = 0; i < s->message_count; i++) {
        const struct sim_message *m = &s->messages[i];
        const struct str id = arena_printf(&s->conn.arena, "m%d", i);
        struct message_row row;
        const bool found = store_message_get(&s->conn, s->app_id, id, &row);

        if (found != (m->seq != 0))
            sim_fail(s, "log", "m%d is in the store: %d, and was sent: %d", i, found, m->seq != 0);
        else if (found && (row.seq != m->seq || (row.state == MESSAGE_LIVE) != (m->state == SIM_LIVE)))
            sim_fail(s, "log", "m%d has state %d and event %lld in the store, and should be live: %d, %lld",
                     i, (int)row.state, (long long)row.seq, m->state == SIM_LIVE, (long long)m->seq);
        else if (found && row.state != MESSAGE_LIVE && (row.body.p != NULL || row.content.p != NULL))
            sim_fail(s, "recalled content", "m%d is recalled and has content in the store", i);
    }
}

void check_end(struct sim *s)
{
    for (int i = 0; i < s->conn_count; i++)
        for (int room = 0; room < s->room_count && s->conns[i].open; room++)
            check_lane(s, &s->conns[i], room);
    if (sim_pick(s, 8) == 0) {
        for (int room = 0; room < SIM_ROOMS; room++)
            check_log(s, room);
        check_messages(s);
        arena_reset(&s->conn.arena);
    }
}
