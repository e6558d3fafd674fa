#include "sim.h"

/* --- what the truth shows --- */

static int last_line(const struct sim *s, int room)
{
    int last = -1;

    for (int i = 0; i < s->message_count; i++) {
        const struct sim_message *m = &s->messages[i];

        if (m->room == room && m->seq != 0 && m->audience == 0 && (m->state == SIM_LIVE || !m->is_delete) &&
            (last < 0 || m->seq > s->messages[last].seq))
            last = i;
    }
    return last;
}

/* What a message shows as its quote: a limited message only if it is for the same users. */
static int quote_of(const struct sim *s, const struct sim_message *m)
{
    return m->reply >= 0 && limited_quoted(s, m, m->reply) ? m->reply : -1;
}

static struct sim_sight sight_of(const struct sim *s, int user, int number)
{
    const struct sim_message *m = &s->messages[number];
    struct sim_sight sight = {.marker = -1, .quote = -1, .quote_marker = -1};

    if (m->seq == 0 || !limited_sees(s, user, number))
        return sight;
    if (m->state == SIM_RECALLED) {
        sight.buried = sight.recalled = true;
        sight.present = !m->is_delete;
        return sight;
    }
    sight.present = true;
    sight.marker = m->marker;
    sight.quote = quote_of(s, m);
    if (sight.quote >= 0 && s->messages[m->reply].state == SIM_LIVE)
        sight.quote_marker = s->messages[m->reply].marker;
    return sight;
}

void device_reload(struct sim *s, struct sim_device *d, int room)
{
    struct sim_screen *screen = &d->screens[room];

    for (int i = 0; i < s->message_count; i++)
        if (s->messages[i].room == room)
            screen->sights[i] = sight_of(s, d->user, i);
    screen->last = last_line(s, room);
    screen->loaded = true;
}

/* --- events --- */

static void apply_message(const struct sim *s, struct sim_screen *screen, const struct parsed *p)
{
    const struct shown *m = &p->message;
    struct sim_sight *sight = &screen->sights[m->message];

    if (m->recalled) {
        *sight = (struct sim_sight){!m->deleted, true, true, -1, -1, -1};
    } else if (!sight->buried) {
        const bool quotes = m->quote >= 0 && !screen->sights[m->quote].buried;

        *sight = (struct sim_sight){true, false, false, m->marker, m->quote, quotes ? m->quote_marker : -1};
    }
    /* No conversation list shows what is limited. */
    if (p->type == EVENT_MESSAGE && sight->present && s->messages[m->message].audience == 0)
        screen->last = m->message;
}

static void apply_recall(struct sim *s, struct sim_screen *screen, const struct parsed *p)
{
    const int number = p->message.message;
    struct sim_sight *sight = &screen->sights[number];

    /* An id that the device does not have is remembered, and nothing is shown. */
    *sight = (struct sim_sight){sight->present && !p->message.deleted, true, true, -1, -1, -1};
    for (int i = 0; i < s->message_count; i++)
        if (screen->sights[i].quote == number && screen->sights[i].present)
            screen->sights[i].quote_marker = -1;
    screen->last = p->last.message;
}

static void apply_event(struct sim *s, struct sim_device *d, const struct item *item)
{
    struct sim_screen *screen = &d->screens[item->room];

    if (screen->cursor >= 0 && item->seq <= screen->cursor)
        return; /* a repeat after a subscription from further back */
    if (screen->cursor < 0)
        device_reload(s, d, item->room);
    else if (item->seq != limited_next(s, d->user, item->room, screen->cursor + 1))
        screen->loaded = false; /* a subscription from further on */
    screen->cursor = item->seq;
    if (item->parsed->type == EVENT_RECALL)
        apply_recall(s, screen, item->parsed);
    else if (item->parsed->type != EVENT_ROOM)
        apply_message(s, screen, item->parsed);
}

void device_apply(struct sim *s, struct sim_conn *c, unsigned n)
{
    for (; n > 0 && c->item_from != c->item_to && (c->kept == NULL || c->item_from != c->kept_at); n--) {
        const struct item *item = &c->items[c->item_from++ % SIM_ITEMS];
        struct sim_screen *screen = &c->device->screens[item->room];

        switch (item->kind) {
        case ITEM_EVENT:
            apply_event(s, c->device, item);
            break;
        case ITEM_RESET:
            device_reload(s, c->device, item->room);
            screen->cursor = item->seq;
            break;
        case ITEM_LIVE:
            if (item->load)
                device_reload(s, c->device, item->room);
            else if (limited_next(s, c->device->user, item->room, screen->cursor + 1) <= item->seq)
                screen->loaded = false; /* it asked for more than it had */
            if (screen->cursor < item->seq)
                screen->cursor = item->seq;
            break;
        }
    }
}

/* --- does it show what the log says? --- */

static bool quote_is_true(const struct sim *s, const struct sim_message *m, const struct sim_sight *sight)
{
    if (sight->quote != quote_of(s, m))
        return false;
    if (sight->quote < 0 || s->messages[m->reply].state != SIM_LIVE)
        return sight->quote_marker < 0;
    /* A copy of whichever revision was the last when it was made. */
    return sight->quote_marker >= 0 && s->marker_of[sight->quote_marker] == m->reply;
}

void device_compare(struct sim *s, const struct sim_device *d, int room)
{
    const struct sim_screen *screen = &d->screens[room];
    const int number = (int)(d - s->devices);

    if (!screen->loaded)
        return;
    s->met[MET_SCREENS]++;
    for (int i = 0; i < s->message_count; i++) {
        const struct sim_message *m = &s->messages[i];
        const struct sim_sight *sight = &screen->sights[i];
        const struct sim_sight wanted = sight_of(s, d->user, i);

        if (m->room != room)
            continue;
        if (sight->present != wanted.present || (wanted.present && sight->recalled != wanted.recalled) ||
            (wanted.present && sight->marker != wanted.marker) ||
            (wanted.present && m->state == SIM_LIVE && !quote_is_true(s, m, sight))) {
            sim_fail(s, "screen",
                     "device %d, %s: m%d is shown as present %d recalled %d content %d quote %d/%d, and is "
                     "present %d "
                     "recalled %d content %d quote %d/%d",
                     number, s->rooms[room].id, i, sight->present, sight->recalled, sight->marker,
                     sight->quote, sight->quote_marker, wanted.present, wanted.recalled, wanted.marker,
                     wanted.quote, wanted.quote_marker);
            return;
        }
    }
    if (!s->rooms[room].last_unknown && screen->last != last_line(s, room))
        sim_fail(s, "screen", "device %d: the last line of %s is m%d, and should be m%d", number,
                 s->rooms[room].id, screen->last, last_line(s, room));
}
