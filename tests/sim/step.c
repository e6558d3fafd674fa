/* What may happen next, and how often. */
#include "sim.h"

/* A connection that is open, and for which `wanted` holds; NULL: none. */
static struct sim_conn *some_conn(struct sim *s, bool (*wanted)(const struct sim_conn *c))
{
    struct sim_conn *found = NULL;
    unsigned n = 0;

    for (int i = 0; i < s->device_count; i++) {
        struct sim_conn *c = s->devices[i].conn;

        if (c != NULL && (wanted == NULL || wanted(c)) && sim_pick(s, ++n) == 0)
            found = c;
    }
    return found;
}

static bool is_stuck(const struct sim_conn *c)
{
    return c->stuck;
}

static bool asks_for_all(const struct sim_conn *c)
{
    return c->all_state != 0;
}

static bool has_items(const struct sim_conn *c)
{
    return c->item_from != c->item_to;
}

static bool step_connect(struct sim *s)
{
    struct sim_device *d = &s->devices[sim_pick(s, (unsigned)s->device_count)];

    if (d->conn != NULL || s->conn_count == SIM_CONNS)
        return false;
    follow_connect(s, d);
    return true;
}

static bool step_subscribe(struct sim *s)
{
    struct sim_conn *c = some_conn(s, NULL);
    const int room = (int)sim_pick(s, (unsigned)s->room_count);
    int64_t since;

    if (c == NULL)
        return false;
    follow_intents(s, c);
    if (c->lanes[room].following && !sim_chance(s, 4))
        return false;
    since = c->device->screens[room].cursor;
    switch (sim_pick(s, 12)) {
    case 0:
    case 1:
        since = -1;
        break;
    case 2:
        follow_subscribe(s, c, room, since, true);
        return true;
    case 3:
        since = s->rooms[room].head + 1 + (int64_t)sim_pick(s, 3);
        break;
    case 4:
        since = (int64_t)sim_pick(s, (unsigned)s->rooms[room].head + 1);
        break;
    case 5:
        since = 0;
        break;
    default:
        break;
    }
    follow_subscribe(s, c, room, since, false);
    return true;
}

static bool step_all(struct sim *s)
{
    struct sim_conn *c = some_conn(s, NULL);

    if (c != NULL)
        follow_all(s, c, !sim_chance(s, 4));
    return c != NULL;
}

static bool step_all_goes_on(struct sim *s)
{
    struct sim_conn *c = some_conn(s, asks_for_all);

    if (c != NULL)
        follow_all_go_on(s, c);
    return c != NULL;
}

static bool step_unsubscribe(struct sim *s)
{
    struct sim_conn *c = some_conn(s, NULL);

    if (c != NULL)
        follow_unsubscribe(s, c, (int)sim_pick(s, (unsigned)s->room_count));
    return c != NULL;
}

static bool step_disconnect(struct sim *s)
{
    struct sim_conn *c = some_conn(s, NULL);

    if (c == NULL)
        return false;
    if (sim_chance(s, 2))
        follow_stop(s, c); /* the hub learns of it later */
    else
        follow_close(s, c);
    return true;
}

static bool step_close(struct sim *s)
{
    bool done = false;

    for (int i = 0; i < s->conn_count; i++) {
        if (!s->conns[i].open || !s->conns[i].closing || sim_chance(s, 2))
            continue;
        follow_close(s, &s->conns[i]);
        done = true;
    }
    return done;
}

static bool step_notices(struct sim *s)
{
    struct sim_hub *h = &s->hubs[sim_pick(s, (unsigned)s->hub_count)];
    unsigned n = 1 + sim_pick(s, 4);

    if (!follow_mail(s, h))
        return false;
    while (--n > 0 && follow_mail(s, h))
        continue;
    return true;
}

static bool step_turn(struct sim *s)
{
    struct sim_hub *h = &s->hubs[sim_pick(s, (unsigned)s->hub_count)];

    if (!h->woken)
        return false;
    sim_trace(s, "a turn of hub %d", h->number);
    h->woken = false;
    if (hub_turn(h->hub, sim_chance(s, 2) ? 1 : 1 + sim_pick(s, 12)))
        h->woken = true;
    check_hub(s, h);
    return true;
}

static bool step_read(struct sim *s)
{
    struct sim_read *r = page_some(s, READ_QUEUED);

    if (r != NULL)
        page_run(s, r);
    return r != NULL;
}

static bool step_page(struct sim *s)
{
    struct sim_read *r = page_some(s, READ_DONE);

    if (r != NULL)
        page_deliver(s, r);
    return r != NULL;
}

static bool step_second(struct sim *s)
{
    struct sim_hub *h = &s->hubs[sim_pick(s, (unsigned)s->hub_count)];

    if (!h->retries || s->mutation == SIM_NO_SECOND)
        return false;
    h->retries = false;
    hub_second(h->hub);
    return true;
}

static bool step_drain(struct sim *s)
{
    struct sim_conn *c = some_conn(s, is_stuck);

    if (c == NULL)
        return false;
    if (s->mutation == SIM_EARLY_DRAIN && sim_chance(s, 4))
        hub_drained(s->hubs[c->at].hub, &c->hub);
    else
        ops_drain(s, c);
    return true;
}

static bool step_device(struct sim *s)
{
    struct sim_conn *c = some_conn(s, has_items);

    if (c != NULL)
        device_apply(s, c, 1 + sim_pick(s, 6));
    return c != NULL;
}

struct step {
    bool (*run)(struct sim *s);
    unsigned weight;
    bool commits, rare; /* rare: some schedules do without */
};

static const struct step steps[] = {
    {command_send, 14, true, false},     {command_edit, 4, true, true},
    {limited_send, 6, true, true},
    {command_recall, 7, true, false},    {command_recall_first, 2, true, true},
    {command_late, 2, true, true},       {command_delete, 1, true, true},
    {command_join, 3, true, true},       {command_leave, 2, true, true},
    {command_role, 1, true, true},       {command_read, 1, true, true},
    {command_trim, 2, true, true},       {command_lost, 1, false, true},
    {command_look, 1, false, true},      {step_connect, 6, false, false},
    {step_subscribe, 10, false, false},  {step_all, 2, false, true},
    {step_all_goes_on, 3, false, false}, {step_unsubscribe, 2, false, true},
    {step_disconnect, 3, false, true},   {step_close, 2, false, false},
    {step_notices, 16, false, false},    {step_turn, 18, false, false},
    {step_read, 10, false, false},       {step_page, 10, false, false},
    {step_second, 3, false, false},      {step_drain, 5, false, false},
    {step_device, 6, false, false},
};
/* What finds nothing to do gives way to another. */
#define STEP_TRIES 6U
#define STEPS      (sizeof(steps) / sizeof(steps[0]))

/* Some kinds of steps often, some rarely, some never: what needs many of a kind happens too. */
void step_choose_weights(struct sim *s)
{
    s->weight_sum = 0;
    for (size_t i = 0; i < STEPS; i++) {
        const unsigned manner = sim_pick(s, 5);

        s->weights[i] = steps[i].weight * (steps[i].rare && manner == 0 ? 0 : manner == 1 ? 6 : 2);
        s->weight_sum += s->weights[i];
    }
}

void step_run(struct sim *s)
{
    for (unsigned tries = 0; tries < STEP_TRIES; tries++) {
        unsigned at = sim_pick(s, s->weight_sum);
        size_t i = 0;

        while (at >= s->weights[i])
            at -= s->weights[i++];
        s->now_ms += 1 + (int64_t)sim_pick(s, 50);
        if (!steps[i].run(s))
            continue;
        /* Some commands share a commit. */
        if (steps[i].commits && !sim_chance(s, 8))
            command_commit(s);
        return;
    }
}

/* Most devices are there from the beginning. */
void step_arrive(struct sim *s)
{
    for (int i = 0; i < s->device_count; i++) {
        if (!s->crowd && sim_chance(s, 4))
            continue;
        follow_connect(s, &s->devices[i]);
        for (int room = 0; room < s->room_count; room++)
            if (s->crowd || sim_chance(s, 2))
                follow_subscribe(s, s->devices[i].conn, room, sim_chance(s, 2) ? 0 : -1, false);
    }
}
