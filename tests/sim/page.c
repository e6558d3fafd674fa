#include "sim.h"

#include "core/replay.h"

#include <stdlib.h>

bool page_ask(struct sim *s, struct sim_conn *c, int room, int64_t after, uint64_t ticket)
{
    for (size_t i = 0; i < SIM_READS; i++) {
        struct sim_read *r = &s->reads[i];

        if (r->state != READ_FREE)
            continue;
        *r = (struct sim_read){.state = READ_QUEUED,
                               .hub = c->at,
                               .user = c->device->user,
                               .room = room,
                               .after = after,
                               .ticket = ticket,
                               .conn = c};
        return true;
    }
    return false;
}

static void render(struct sim *s, struct sim_read *r, struct core_tx *tx, const struct room_row *room)
{
    const int64_t after =
        s->mutation == SIM_REPEAT_PAGE && r->after > 0 && sim_chance(s, 4) ? r->after - 1 : r->after;
    struct hub_page *page = &r->page;
    struct replay_found found;

    page->frames = calloc(HUB_PAGE, sizeof(struct frame *));
    if (page->frames == NULL)
        abort();
    replay_frames(tx, room, s->mutation == SIM_PAGE_FOR_ALL ? STR_NULL : str_c(sim_users[r->user]), after, 1 + sim_pick(s, HUB_PAGE),
                  page->frames, &found);
    page->frame_count = found.count;
    page->upto = s->mutation == SIM_FAR_UPTO && sim_chance(s, 4) ? room->seq : found.upto;
    page->limited = found.limited;
    for (size_t i = 0; i < page->frame_count; i++) {
        const int shows = shown_recalled(s, page->frames[i]->payload, 0);

        if (shows >= 0)
            sim_fail(s, "recalled content",
                     "%s: event %lld is read from the log with content of m%d, which was recalled",
                     s->rooms[r->room].id, (long long)page->frames[i]->seq, shows);
    }
    if (s->mutation == SIM_HOLE_IN_PAGE && page->frame_count > 1 && sim_chance(s, 4)) {
        frame_unref(page->frames[0]);
        memmove(page->frames, page->frames + 1, --page->frame_count * sizeof(struct frame *));
    }
}

/* What a mutation makes the page say of the log. */
static void distort(struct sim *s, struct sim_read *r)
{
    if (s->mutation == SIM_FALSE_RESET && sim_chance(s, 8) && r->after >= 0)
        r->page.min_seq = r->after + 2;
    if (s->mutation == SIM_MISSING_RESET)
        r->page.min_seq = 1;
}

void page_run(struct sim *s, struct sim_read *r)
{
    struct core_tx tx = world_tx(s, false);
    struct room_row room;

    command_commit(s); /* a snapshot holds what is committed */
    r->state = READ_DONE;
    if (sim_chance(s, 16) && !s->calm)
        r->page.rc = RESULT_UNAVAILABLE;
    else
        r->page.rc = replay_open(&tx, str_c(sim_users[r->user]), world_room(s, r->room), &room);
    if (r->page.rc == RESULT_OK) {
        r->page.upto = -1;
        r->head = r->page.head = room.seq;
        r->min_seq = r->page.min_seq = room.min_seq;
        distort(s, r);
        if (r->after >= 0 && r->after < room.seq && r->after + 1 >= r->page.min_seq)
            render(s, r, &tx, &room);
    }
    sim_trace(s, "read for hub %d, %s after %lld runs: %s, log %lld to %lld, %zu events", r->hub,
              s->rooms[r->room].id, (long long)r->after, result_text(r->page.rc), (long long)r->min_seq,
              (long long)r->head, r->page.frame_count);
    arena_reset(&s->conn.arena);
    if (s->conn.failed)
        sim_fail(s, "store", "%s", db_error(s->conn.db));
}

/* The lane that still waits for this read, or NULL. */
static struct lane *waiting(const struct sim_read *r)
{
    struct lane *lane = &r->conn->lanes[r->room];

    return r->ticket != 0 && r->conn->open && lane->following && lane->ticket == r->ticket &&
                   r->conn->at == r->hub
               ? lane
               : NULL;
}

void page_deliver(struct sim *s, struct sim_read *r)
{
    struct lane *lane = waiting(r);
    bool must_reset = false;
    struct hub_page page = r->page;
    const uint64_t ticket = r->ticket;
    const int hub = r->hub, room = r->room;

    sim_trace(s, "the page for hub %d, %s after %lld is delivered%s", hub, s->rooms[room].id,
              (long long)r->after, lane == NULL ? ", for nobody" : "");
    if (lane != NULL) {
        lane->ticket = 0;
        s->hubs[hub].retries = s->hubs[hub].retries || page.rc == RESULT_UNAVAILABLE;
        if (page.rc == RESULT_OK) {
            must_reset =
                lane->stale || (lane->next >= 0 && (lane->next - 1 > r->head || lane->next < r->min_seq));
            if (!must_reset && lane->next < 0)
                lane->next = r->head + 1;
            lane->must_reset = must_reset;
            lane->reset_at = r->head;
        }
    }
    if (s->mutation == SIM_FAKE_HEAD && page.frame_count != 0)
        page.head = s->rooms[room].head;
    for (size_t i = 0; lane != NULL && i < page.frame_count; i++)
        if (shown_heard(s, page.frames[i]->payload, hub) >= 0) {
            s->met[MET_ERASED_PAGES]++;
            break;
        }
    *r = (struct sim_read){.state = READ_FREE};
    hub_read_done(s->hubs[hub].hub, ticket, &page);
    free(page.frames);
    if (lane != NULL && lane->must_reset) {
        lane->must_reset = false;
        sim_fail(s, "reset", "%s: the log does not reach back to the cursor, and no reset was sent",
                 s->rooms[room].id);
    }
}

void page_drop(struct sim_read *r)
{
    for (size_t i = 0; i < r->page.frame_count; i++)
        frame_unref(r->page.frames[i]);
    free(r->page.frames);
    *r = (struct sim_read){.state = READ_FREE};
}

struct sim_read *page_some(struct sim *s, int state)
{
    struct sim_read *found = NULL;
    unsigned n = 0;

    for (size_t i = 0; i < SIM_READS; i++)
        if ((int)s->reads[i].state == state && s->reads[i].ticket != 0 && sim_pick(s, ++n) == 0)
            found = &s->reads[i];
    return found;
}
