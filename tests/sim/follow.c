/*
 * The hub's owner: connections, subscriptions, notices. It acts as gateway/api/session_follow.c and
 * session_table.c do, in the same order.
 */
#include "sim.h"

#include <stdlib.h>

/* --- connections --- */

void follow_connect(struct sim *s, struct sim_device *d)
{
    struct sim_conn *c;

    if (d->conn != NULL || s->conn_count == SIM_CONNS)
        return;
    c = &s->conns[s->conn_count];
    c->sim = s;
    c->device = d;
    c->number = s->conn_count++;
    c->at = (int)sim_pick(s, (unsigned)s->hub_count);
    c->open = true;
    c->closing = c->all = c->all_since = c->stuck = c->full = false;
    c->looked = 0;
    c->all_state = 0;
    c->item_from = c->item_to = 0;
    c->kept = NULL;
    c->finished = false;
    memset(c->lanes, 0, sizeof(c->lanes));
    hub_conn_init(&c->hub);
    c->hub.rendering = sim_chance(s, 4);
    d->conn = c;
    sim_trace(s, "device %d of %s connects to hub %d: connection %d", (int)(d - s->devices),
              sim_users[d->user], c->at, c->number);
}

void follow_stop(struct sim *s, struct sim_conn *c)
{
    if (c->closing)
        return;
    sim_trace(s, "  connection %d is closing", c->number);
    c->closing = true;
    hub_conn_gone(&c->hub);
    c->device->conn = NULL;
}

void follow_close(struct sim *s, struct sim_conn *c)
{
    follow_stop(s, c);
    sim_trace(s, "connection %d is closed", c->number);
    for (int i = 0; i < SIM_ROOMS; i++)
        if (c->lanes[i].prepared != NULL)
            page_drop(c->lanes[i].prepared);
    hub_conn_close(s->hubs[c->at].hub, &c->hub);
    c->open = false;
}

/* --- subscriptions --- */

static void subscribe_now(struct sim *s, struct sim_conn *c, int room, int64_t since, bool tell)
{
    struct lane *lane = &c->lanes[room];
    bool existing;
    struct hub_sub *sub = hub_subscribe(s->hubs[c->at].hub, &c->hub, s->app_id, world_room(s, room), since,
                                        tell ? lane : NULL, &existing);

    if (sub == NULL)
        abort();
    if (existing != lane->following)
        sim_fail(s, "subscription", "connection %d: %s is followed by the hub: %d, and should be: %d",
                 c->number, s->rooms[room].id, existing, lane->following);
    if (existing)
        return;
    *lane = (struct lane){.following = true,
                          .stale = since == HUB_RESET,
                          .fresh = since == -1,
                          .next = since < 0 ? -1 : since + 1,
                          .prepared = lane->prepared};
}

/* SIM_READ_FIRST: what must never be done. */
static void prepare(struct sim *s, struct sim_conn *c, int room, int64_t since)
{
    struct lane *lane = &c->lanes[room];

    if (lane->following || lane->intent || !page_ask(s, c, room, since < 0 ? -1 : since, 0))
        return;
    for (size_t i = 0; i < SIM_READS; i++)
        if (s->reads[i].state == READ_QUEUED && s->reads[i].ticket == 0)
            lane->prepared = &s->reads[i];
    page_run(s, lane->prepared);
    lane->intent = true;
    lane->intent_since = since;
}

void follow_subscribe(struct sim *s, struct sim_conn *c, int room, int64_t since, bool stale)
{
    sim_trace(s, "connection %d subscribes to %s since %lld%s", c->number, s->rooms[room].id,
              (long long)since, stale ? ", another epoch" : "");
    if (stale && since >= 0)
        since = HUB_RESET;
    if (s->mutation == SIM_READ_FIRST)
        prepare(s, c, room, since);
    else
        subscribe_now(s, c, room, since, true);
}

void follow_intents(struct sim *s, struct sim_conn *c)
{
    for (int i = 0; i < s->room_count; i++) {
        struct lane *lane = &c->lanes[i];

        if (!lane->intent || c->closing)
            continue;
        lane->intent = false;
        subscribe_now(s, c, i, lane->intent_since, true);
    }
}

void follow_unsubscribe(struct sim *s, struct sim_conn *c, int room)
{
    struct hub_sub *sub = hub_find(s->hubs[c->at].hub, &c->hub, s->app_id, world_room(s, room));

    if (sub == NULL)
        return;
    sim_trace(s, "connection %d unsubscribes from %s", c->number, s->rooms[room].id);
    hub_unsubscribe(s->hubs[c->at].hub, sub);
    c->lanes[room].following = false;
    c->lanes[room].told = true;
}

void follow_all(struct sim *s, struct sim_conn *c, bool with_cursors)
{
    if (c->all_state != 0)
        return;
    sim_trace(s, "connection %d subscribes to all%s", c->number, with_cursors ? ", with cursors" : "");
    c->all = true; /* before the read */
    c->all_state = 1;
    c->all_since = false;
    for (int i = 0; i < SIM_ROOMS; i++) {
        c->all_cursors[i] = with_cursors ? c->device->screens[i].cursor : -1;
        c->all_since = c->all_since || c->all_cursors[i] >= 0;
    }
}

void follow_all_go_on(struct sim *s, struct sim_conn *c)
{
    struct room_row rooms[SIM_ROOMS];
    struct member_row members[SIM_ROOMS];

    if (c->all_state == 1) {
        const size_t n = store_rooms_of(&s->conn, s->app_id, str_c(sim_users[c->device->user]), STR_NULL,
                                        rooms, members, SIM_ROOMS);

        memset(c->all_found, 0, sizeof(c->all_found));
        for (size_t i = 0; i < n; i++) {
            const int room = world_room_number(s, rooms[i].id);

            c->all_found[room] = true;
            c->all_joined[room] = members[i].joined_seq;
        }
        arena_reset(&s->conn.arena);
        c->all_state = 2;
        sim_trace(s, "the rooms of connection %d are read", c->number);
    } else if (c->all_state == 2) {
        c->all_state = 0;
        for (int i = 0; i < SIM_ROOMS; i++)
            if (c->all_found[i])
                follow_subscribe(s, c, i,
                                 c->all_cursors[i] >= 0 ? c->all_cursors[i]
                                 : c->all_since         ? c->all_joined[i]
                                                        : -1,
                                 false);
    }
}

/* --- notices --- */

static void member_joined(struct sim *s, struct sim_conn *c, int room, const struct frame *f)
{
    const struct hub_sub *sub = hub_find(s->hubs[c->at].hub, &c->hub, f->app, f->room);

    if (sub == NULL && c->all && !c->lanes[room].intent) {
        sim_trace(s, "  connection %d follows %s from %lld on", c->number, s->rooms[room].id,
                  (long long)f->seq);
        s->met[MET_JOINED]++;
        subscribe_now(s, c, room, f->seq - 1, false);
    }
}

static void member_left(struct sim *s, struct sim_conn *c, int room, const struct frame *f)
{
    struct hub_sub *sub = hub_find(s->hubs[c->at].hub, &c->hub, f->app, f->room);
    struct lane *lane = &c->lanes[room];

    /* A page brought it beyond the leave already: a later snapshot found a member again. */
    if (sub == NULL ||
        (hub_sub_was_live(sub) && hub_sub_position(sub) >= f->seq && s->mutation != SIM_OLD_LEAVE))
        return;
    if (lane->live && lane->next > f->seq)
        sim_fail(s, "subscription",
                 "connection %d: event %lld of %s ended a subscription that stands at %lld", c->number,
                 (long long)f->seq, s->rooms[room].id, (long long)lane->next - 1);
    lane->told = hub_sub_tag(sub) != NULL;
    s->met[MET_LEFT]++;
    hub_leave(s->hubs[c->at].hub, sub);
    lane->following = false;
    sim_trace(s, "  connection %d follows %s no more", c->number, s->rooms[room].id);
}

static void on_event(struct sim *s, struct sim_hub *h, struct frame *f)
{
    const int room = world_room_number(s, f->room);
    const int message = world_message_number(f->message);

    if (f->type == EVENT_RECALL && message >= 0)
        s->messages[message].heard |= 1U << h->number;
    for (int pass = 0; pass < 2; pass++) {
        for (size_t i = 0; i < f->member_count; i++) {
            for (int k = 0; k < s->conn_count; k++) {
                struct sim_conn *c = &s->conns[k];

                if (!c->open || c->closing || c->at != h->number ||
                    !str_eq(str_c(sim_users[c->device->user]), f->members[i].user))
                    continue;
                if (pass == 0 && f->members[i].joined)
                    member_joined(s, c, room, f);
                else if (pass == 1 && !f->members[i].joined)
                    member_left(s, c, room, f);
            }
        }
        if (pass == 0) {
            hub_publish(h->hub, f);
            h->heard[room] = f->seq;
        }
    }
}

/* SIM_BLIND_RECALL: the same event, but not known as a recall. */
static void publish_blind(struct sim *s, struct sim_hub *h, const struct frame *f)
{
    const struct frame_parts parts = {EVENT_EDIT, f->app, f->seq, f->room,   f->message,
                                      f->marks,   NULL,   0,      f->payload, f->audience};
    struct frame *blind = frame_make(&parts);

    s->messages[world_message_number(f->message)].heard |= 1U << h->number;
    hub_publish(h->hub, blind);
    frame_unref(blind);
}

void follow_notice(struct bus_notice *bus_notice, void *ctx)
{
    const struct notice *n = (const struct notice *)bus_notice;
    struct sim_hub *h = ctx;
    struct sim *s;

    if (h == NULL)
        return;
    s = h->sim;
    if (h->number < 0) {
        command_record(s, n);
        return;
    }
    if (n->kind == NOTICE_SIGNAL) {
        hub_signal(h->hub, n->app, n->room, n->wire);
        return;
    }
    if (n->kind != NOTICE_EVENT)
        return;
    sim_trace(s, "hub %d hears of event %lld of %.*s", h->number, (long long)n->frame->seq,
              (int)n->frame->room.n, n->frame->room.p);
    if (s->mutation == SIM_DROP_NOTICE && sim_chance(s, 16))
        return;
    if (s->mutation == SIM_SWAP_NOTICES && h->held == NULL && sim_chance(s, 3)) {
        h->held = frame_ref(n->frame);
        return;
    }
    if (s->mutation == SIM_BLIND_RECALL && n->frame->type == EVENT_RECALL)
        publish_blind(s, h, n->frame);
    else
        on_event(s, h, n->frame);
    if (h->held != NULL) {
        struct frame *held = h->held;

        h->held = NULL;
        on_event(s, h, held);
        frame_unref(held);
    }
}

bool follow_mail(struct sim *s, struct sim_hub *h)
{
    (void)s;
    return mailbox_drain(h->box, h, 1) != 0;
}
