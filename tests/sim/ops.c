/*
 * What the hub asks of its owner, and for each room on each connection: which event must come next, and what
 * it may show.
 */
#include "sim.h"

static struct sim_conn *of_conn(struct hub_conn *conn)
{
    return (struct sim_conn *)conn;
}

static struct lane *lane_of(struct sim_conn *c, struct str room)
{
    return &c->lanes[world_room_number(c->sim, room)];
}

static const char *room_name(const struct sim_conn *c, const struct lane *lane)
{
    return c->sim->rooms[lane - c->lanes].id;
}

static void put_item(struct sim_conn *c, struct item item)
{
    if (c->item_to - c->item_from == SIM_ITEMS)
        device_apply(c->sim, c, SIM_ITEMS / 2);
    c->items[c->item_to++ % SIM_ITEMS] = item;
}

/* --- what the hub hands over --- */

static void check_content(struct sim_conn *c, const struct parsed *p)
{
    const int shows = shown_heard(c->sim, p->bytes, c->at);

    if (shows >= 0)
        sim_fail(c->sim, "recalled content",
                 "connection %d got content of m%d in event %lld of %s, after hub %d had heard of its recall",
                 c->number, shows, (long long)p->seq, c->sim->rooms[p->room].id, c->at);
    if (limited_shown(c->sim, p->bytes, c->device->user) >= 0)
        sim_fail(c->sim, "audience", "connection %d of %s got content of m%d in event %lld of %s, which is not for them", c->number,
                 sim_users[c->device->user], limited_shown(c->sim, p->bytes, c->device->user), (long long)p->seq,
                 c->sim->rooms[p->room].id);
}

/* The hub's position is before event `to`: what it passed without handing it over must not have been for the user. */
static void pass(struct sim_conn *c, struct lane *lane, int64_t to)
{
    const int room = (int)(lane - c->lanes);
    const int64_t next = limited_next(c->sim, c->device->user, room, lane->next);

    if (next < to)
        sim_fail(c->sim, "gap", "connection %d stands before %lld in %s, and did not get event %lld", c->number, (long long)to,
                 room_name(c, lane), (long long)next);
    if (to > lane->next)
        c->sim->met[MET_PASSED] += (uint64_t)(to - lane->next);
    lane->next = to;
}

static void check_event(struct sim_conn *c, const struct parsed *p)
{
    struct lane *lane = &c->lanes[p->room];

    if (!lane->following)
        sim_fail(c->sim, "not followed", "connection %d got event %lld of %s, which it does not follow",
                 c->number, (long long)p->seq, room_name(c, lane));
    else if (lane->next < 0)
        sim_fail(c->sim, "order", "connection %d got event %lld of %s before its position was known",
                 c->number, (long long)p->seq, room_name(c, lane));
    else if (p->seq < lane->next)
        sim_fail(c->sim, "repeated", "connection %d got event %lld of %s, where %lld was next", c->number, (long long)p->seq,
                 room_name(c, lane), (long long)lane->next);
    else
        pass(c, lane, p->seq);
    if (!limited_sees_event(c->sim, c->device->user, p->room, p->seq))
        sim_fail(c->sim, "audience", "connection %d of %s got event %lld of %s, which is not for them", c->number,
                 sim_users[c->device->user], (long long)p->seq, room_name(c, lane));
    c->sim->met[MET_LIMITED] += p->message.message >= 0 && c->sim->messages[p->message.message].audience != 0;
    lane->next = p->seq + 1;
    check_content(c, p);
    c->sim->met[MET_EVENTS]++;
    put_item(c, (struct item){ITEM_EVENT, p->room, p->seq, false, p});
}

/* One frame of a send, `handed` of whose bytes the kernel takes now. */
static void hand_over(struct sim_conn *c, const struct parsed *p, size_t handed)
{
    struct sim *s = c->sim;

    sim_trace(s, "  connection %d gets%s %.*s", c->number, handed < p->bytes.n ? " a part of" : "",
              p->bytes.n < 150 ? (int)p->bytes.n - 4 : 146, p->bytes.p + 4);
    s->digest = (s->digest ^ p->hash ^ (handed << 20) ^ ((uint64_t)c->number << 40) ^ s->step) *
                UINT64_C(0x9E3779B97F4A7C15);
    if (p->kind == PARSED_EVENT)
        check_event(c, p);
    if (handed < p->bytes.n) {
        s->met[MET_CUT]++;
        c->kept = p;
        c->kept_from = handed;
        c->kept_at = p->kind == PARSED_EVENT ? c->item_to - 1 : c->item_to;
    }
}

/* Frames of which the kernel takes the first `now` bytes. */
static void take(struct sim_conn *c, const char *bytes, size_t n, size_t now)
{
    size_t at = 0;

    while (at < n && (now == n || at < now)) {
        size_t size = 0;
        const struct parsed *p = shown_frame(c->sim, str_n(bytes + at, n - at), &size);

        if (p == NULL || p->kind == PARSED_BAD) {
            sim_fail(c->sim, "bytes", "connection %d got bytes that are no frame: %.*s", c->number,
                     n - at < 200 ? (int)(n - at) : 200, bytes + at);
            return;
        }
        hand_over(c, p, at + size <= now ? size : now - at);
        at += size;
    }
}

static enum hub_sent op_send(struct hub_conn *conn, const char *bytes, size_t n, size_t *taken)
{
    struct sim_conn *c = of_conn(conn);
    struct sim *s = c->sim;
    const bool blocks = c->full || (!s->calm && sim_chance(s, s->block_one_in));

    if (!c->closing && !s->calm && sim_chance(s, 300))
        follow_stop(s, c);
    if (c->closing)
        return HUB_GONE;
    if (conn->blocked || c->stuck)
        sim_fail(s, "blocked", "connection %d got bytes while it was blocked", c->number);
    if (!blocks) {
        take(c, bytes, n, n);
        return HUB_SENT;
    }
    *taken = c->full || sim_chance(s, 3) ? 0 : (size_t)sim_pick(s, (unsigned)n);
    if (*taken != 0)
        take(c, bytes, n, *taken);
    sim_trace(s, "  connection %d is blocked", c->number);
    c->full = false;
    c->stuck = true;
    s->met[MET_BLOCKED]++;
    return HUB_BLOCKED;
}

static void *op_way(const struct hub_conn *conn)
{
    return (void *)(uintptr_t)conn;
}

/* A pong may wait inside the library at any time, but none comes while the hub is at work. */
static void op_look(void *ctx, void *const ways[], unsigned n, int sockets[])
{
    (void)ctx;
    for (unsigned i = 0; i < n; i++) {
        struct sim_conn *c = ways[i];

        if (c->looked != c->sim->step + 1)
            c->clear = !sim_chance(c->sim, 8);
        c->looked = c->sim->step + 1;
        sockets[i] = c->clear ? c->number : -1;
    }
}

static size_t put(struct sim *s, struct sim_conn *c, const char *bytes, size_t n)
{
    size_t now = n;

    if (!c->clear || c->closing || c->hub.gone || c->hub.blocked || c->stuck || c->full || c->hub.rendering) {
        sim_fail(s, "way", "connection %d got bytes by a way that is closed, or was not looked at", c->number);
        return n;
    }
    if (!s->calm && sim_chance(s, s->block_one_in)) {
        now = sim_chance(s, 3) ? 0 : (size_t)sim_pick(s, (unsigned)n);
        c->full = now != 0;
    }
    if (now != 0)
        take(c, bytes, n, now);
    s->met[MET_DIRECT] += now == n;
    return now;
}

/* The kernel may make them in any order. */
static void op_put(void *ctx, struct hub_send sends[], unsigned count)
{
    struct sim *s = ((struct sim_hub *)ctx)->sim;
    const unsigned from = sim_pick(s, count);
    bool used[SIM_CONNS] = {false};

    for (unsigned i = 0; i < count; i++) {
        struct hub_send *one = &sends[(from + i) % count];

        if (used[one->socket])
            sim_fail(s, "twice", "connection %d got two pieces in one call", one->socket);
        used[one->socket] = true;
        one->taken = (uint32_t)put(s, &s->conns[one->socket], one->p, one->n);
    }
    s->met[MET_TOGETHER] += count > 1 && sends[0].p != sends[count - 1].p;
}

/* An event stream: one event at a time, in its own form. What it shows is the frame's. */
static enum hub_sent op_render(struct hub_conn *conn, const struct frame *frame, bool *cut)
{
    size_t taken = 0;
    struct sim_conn *c = of_conn(conn);
    const enum hub_sent sent = op_send(conn, frame->wire.p, frame->wire.n, &taken);

    if (!conn->rendering)
        sim_fail(c->sim, "bytes", "connection %d is no event stream", c->number);
    *cut = sent == HUB_BLOCKED && taken > 0;
    c->finished = true; /* its owner keeps the rest by itself */
    return sent;
}

static bool op_finish(struct hub_conn *conn, const char *bytes, size_t n)
{
    struct sim_conn *c = of_conn(conn);
    const struct parsed *p = c->kept;

    if (p == NULL || !str_eq(str_n(bytes, n), str_n(p->bytes.p + c->kept_from, p->bytes.n - c->kept_from)))
        sim_fail(c->sim, "bytes", "connection %d was given a rest that is not the rest of its cut frame",
                 c->number);
    c->finished = true;
    return true;
}

static void op_abort(struct hub_conn *conn)
{
    struct sim_conn *c = of_conn(conn);

    c->sim->met[MET_ABORTED]++;
    if (c->kept == NULL)
        sim_fail(c->sim, "abort", "connection %d was ended, and holds no part of a frame", c->number);
    follow_stop(c->sim, c);
}

static bool op_read(void *ctx, struct hub_sub *sub, int64_t after, uint64_t ticket)
{
    struct sim_conn *c = of_conn(hub_sub_conn(sub));
    struct lane *lane = lane_of(c, hub_sub_room(sub));
    struct sim_hub *h = ctx;
    struct sim *s = c->sim;
    int64_t stands;

    if (lane->next >= 0)
        pass(c, lane, hub_sub_position(sub) + 1);
    stands = lane->next < 0 ? -1 : lane->next - 1;

    if (after != stands && after != -1) /* -1: only the head, as the tail has the rest */
        sim_fail(s, "position", "connection %d stands at %lld in %s, but %lld was handed over", c->number,
                 (long long)after, room_name(c, lane), (long long)stands);
    if (lane->prepared != NULL) {
        lane->prepared->ticket = ticket;
        lane->prepared = NULL;
    } else if ((!s->calm && sim_chance(s, 30)) || !page_ask(s, c, (int)(lane - c->lanes), after, ticket)) {
        h->retries = true;
        return false;
    }
    lane->ticket = ticket;
    s->met[MET_FELL_OFF] += lane->live;
    return true;
}

static void op_live(void *ctx, struct hub_sub *sub, int64_t head, bool recovered)
{
    struct sim_conn *c = of_conn(hub_sub_conn(sub));
    struct lane *lane = lane_of(c, hub_sub_room(sub));

    (void)ctx;
    hub_sub_set_tag(sub, NULL);
    sim_trace(c->sim, "  connection %d is live in %s at %lld", c->number, room_name(c, lane),
              (long long)head);
    if (lane->live)
        sim_fail(c->sim, "live", "connection %d was told twice that %s is live", c->number,
                 room_name(c, lane));
    if (head >= lane->next)
        pass(c, lane, head + 1);
    if (head != lane->next - 1)
        sim_fail(c->sim, "live", "connection %d is live in %s at %lld, but %lld was handed over", c->number,
                 room_name(c, lane), (long long)head, (long long)lane->next - 1);
    if (recovered == lane->was_reset)
        sim_fail(c->sim, "live", "connection %d: recovered is %d, reset was %d", c->number, recovered,
                 lane->was_reset);
    lane->live = true;
    put_item(c, (struct item){ITEM_LIVE, (int)(lane - c->lanes), head, lane->fresh, NULL});
}

static void op_reset(void *ctx, struct hub_sub *sub, int64_t head)
{
    struct sim_conn *c = of_conn(hub_sub_conn(sub));
    struct lane *lane = lane_of(c, hub_sub_room(sub));

    (void)ctx;
    sim_trace(c->sim, "  connection %d: reset of %s to %lld", c->number, room_name(c, lane), (long long)head);
    if (!lane->must_reset || head != lane->reset_at)
        sim_fail(c->sim, "reset", "connection %d got a reset of %s to %lld that the log does not call for",
                 c->number, room_name(c, lane), (long long)head);
    c->sim->met[MET_RESETS]++;
    lane->must_reset = lane->stale = false;
    lane->was_reset = lane->was_reset || !lane->live;
    lane->next = head + 1;
    put_item(c, (struct item){ITEM_RESET, (int)(lane - c->lanes), head, false, NULL});
}

static void op_refused(void *ctx, struct hub_conn *conn, struct str room, void *tag, enum result rc)
{
    struct sim_conn *c = of_conn(conn);
    struct lane *lane = lane_of(c, room);

    (void)ctx;
    sim_trace(c->sim, "  connection %d: %s is refused: %s%s", c->number, room_name(c, lane), result_text(rc),
              tag != NULL ? "" : ", nobody is told");
    c->sim->met[MET_REFUSED]++;
    c->sim->met[MET_UNTOLD] += tag == NULL;
    lane->following = false;
    lane->told = tag != NULL;
    lane->lost = tag == NULL && rc != RESULT_NOT_MEMBER;
}

static enum audience_answer op_sees(struct hub_conn *conn, const struct audience *audience)
{
    const struct sim_conn *c = of_conn(conn);

    return c->sim->mutation == SIM_BLIND_AUDIENCE ? AUDIENCE_YES : audience_of(audience, str_c(sim_users[c->device->user]));
}

static void op_wake(void *ctx)
{
    struct sim_hub *h = ctx;

    h->woken = true;
}

const struct hub_ops ops_hub = {.send = op_send,
                                .finish = op_finish,
                                .abort = op_abort,
                                .read = op_read,
                                .live = op_live,
                                .reset = op_reset,
                                .refused = op_refused,
                                .sees = op_sees,
                                .wake = op_wake,
                                .way = op_way,
                                .look = op_look,
                                .put = op_put,
                                .render = op_render};

/* The rest of a cut frame goes to the kernel now. */
static void check_rest(struct sim *s, struct sim_conn *c)
{
    const int shows =
        shown_heard(s, str_n(c->kept->bytes.p + c->kept_from, c->kept->bytes.n - c->kept_from), c->at);

    if (!c->finished)
        sim_fail(s, "bytes", "connection %d never got the rest of its cut frame", c->number);
    if (shows >= 0)
        sim_fail(s, "recalled content",
                 "connection %d sends the rest of a frame with content of m%d, after hub %d had heard of its "
                 "recall",
                 c->number, shows, c->at);
}

void ops_drain(struct sim *s, struct sim_conn *c)
{
    sim_trace(s, "connection %d drains", c->number);
    c->stuck = false;
    if (c->kept != NULL)
        check_rest(s, c);
    c->kept = NULL;
    c->finished = false;
    hub_drained(s->hubs[c->at].hub, &c->hub);
}
