#include "clients/load/book.h"

#include <stdlib.h>

static const char *const kind_names[FIGURES_KINDS] = {"message", "recall of message"};

bool book_init(struct book *b, struct figures *figures, uint32_t rooms)
{
    *b = (struct book){.figures = figures, .room_count = rooms};
    b->rooms = calloc(rooms, sizeof(*b->rooms));
    b->messages = calloc(BOOK_MESSAGES, sizeof(*b->messages));
    if (b->rooms != NULL && b->messages != NULL)
        return true;
    book_free(b);
    return false;
}

void book_free(struct book *b)
{
    free(b->rooms);
    free(b->messages);
    b->rooms = NULL;
    b->messages = NULL;
}

static bool is_owed(const struct book_event *e)
{
    return e->answered_ns != 0 && e->got < e->expected;
}

struct book_message *book_new(struct book *b, uint32_t room)
{
    const uint64_t number = ++b->last;
    struct book_message *m = &b->messages[number % BOOK_MESSAGES];

    for (int k = 0; k < FIGURES_KINDS; k++)
        b->owed -= m->number != 0 &&
                   is_owed(&m->events[k]); /* from here on it is the numbers in the log that tell */
    *m = (struct book_message){.number = number, .room = room};
    return m;
}

struct book_message *book_find(struct book *b, uint64_t number)
{
    struct book_message *m = &b->messages[number % BOOK_MESSAGES];

    return number != 0 && m->number == number ? m : NULL;
}

void book_ask(struct book *b, struct book_message *m, enum figures_kind kind, int64_t due_ns, int64_t now_ns,
              int32_t slot)
{
    const struct book_room *r = &b->rooms[m->room];

    m->events[kind] = (struct book_event){
        .due_ns = due_ns, .asked_ns = now_ns, .expected = r->steady, .prompt = r->prompt, .slot = slot};
}

static void tell_complete(struct book *b, struct book_event *e)
{
    const int32_t slot = e->slot;

    if (slot < 0 || e->answered_ns == 0 || e->prompt_got < e->prompt)
        return;
    e->slot = -1;
    if (b->complete != NULL)
        b->complete(b->arg, slot);
}

void book_answered(struct book *b, struct book_message *m, enum figures_kind kind, int64_t now_ns)
{
    struct book_event *e = &m->events[kind];

    e->answered_ns = now_ns;
    histogram_record(&b->figures->commit[kind], now_ns - e->due_ns);
    histogram_record(&b->figures->service, now_ns - e->asked_ns);
    b->figures->answered++;
    b->figures->events++;
    b->owed += is_owed(e);
    tell_complete(b, e);
}

/* The latency of a delivery, and whether it is the first or the last. */
static void measure(struct book *b, struct book_event *e, enum figures_kind kind, bool counts, int64_t now_ns)
{
    struct figures *f = b->figures;
    const int64_t took = now_ns - e->due_ns;

    f->deliveries++;
    histogram_record(&f->delivery[kind], took);
    histogram_record(&f->second, took);
    if (!counts)
        return;
    if (++e->prompt_got == 1)
        histogram_record(&f->first[kind], took);
    if (e->prompt_got == e->prompt)
        histogram_record(&f->last[kind], took);
}

void book_delivered(struct book *b, uint64_t number, enum figures_kind kind, uint32_t room, int64_t seq,
                    enum book_mode mode, int64_t now_ns)
{
    struct book_message *m = book_find(b, number);
    struct book_event *e = m != NULL ? &m->events[kind] : NULL;
    struct figures *f = b->figures;

    if (m == NULL && number <= b->last && number != 0) { /* too old to be told more of */
        f->replayed++;
        return;
    }
    if (m == NULL || e->due_ns == 0 || m->room != room) {
        f->foreign++;
        figures_broken(f, "room %u got a %s %llu that was never asked for there", room, kind_names[kind],
                       (unsigned long long)number);
        return;
    }
    if (e->seq != 0 && e->seq != seq) {
        f->duplicated++;
        figures_broken(f, "the %s %llu stands in the log twice: as %lld and as %lld", kind_names[kind],
                       (unsigned long long)number, (long long)e->seq, (long long)seq);
        return;
    }
    e->seq = seq;
    if (mode != BOOK_PASSING && e->got < e->expected) {
        const bool owed = is_owed(e);

        e->got++;
        b->owed -= owed && !is_owed(e);
    }
    if (mode == BOOK_REPLAY)
        f->replayed++;
    else
        measure(b, e, kind, mode == BOOK_LIVE, now_ns);
    tell_complete(b, e);
}

void book_content(struct book *b, uint64_t number, uint32_t room, const struct track *track, int64_t since_ns)
{
    struct book_message *m = book_find(b, number);
    const struct book_event *recall = m != NULL ? &m->events[FIGURES_RECALL] : NULL;

    if (m == NULL || recall->due_ns == 0)
        return;
    if ((recall->seq != 0 && m->room == room && track_has(track, recall->seq)) ||
        (recall->answered_ns != 0 && recall->answered_ns < since_ns)) {
        b->figures->content++;
        figures_broken(b->figures, "the content of message %llu came to room %u after its recall",
                       (unsigned long long)number, room);
    }
}

void book_judge(struct book *b, const uint64_t *missing)
{
    struct figures *f = b->figures;
    uint64_t *unseen = calloc(b->room_count, sizeof(*unseen));

    for (uint32_t i = 0; i < BOOK_MESSAGES && unseen != NULL; i++) {
        const struct book_message *m = &b->messages[i];

        for (int k = 0; k < FIGURES_KINDS && m->number != 0; k++) {
            const struct book_event *e = &m->events[k];

            if (!is_owed(e))
                continue;
            unseen[m->room] += e->expected - e->got;
            if (!b->rooms[m->room].reset)
                figures_broken(
                    f,
                    "the %s %llu (event %lld of room %u) was acknowledged and came to %u of %u subscribers",
                    kind_names[k], (unsigned long long)m->number, (long long)e->seq, m->room, e->got,
                    e->expected);
        }
    }
    for (uint32_t r = 0; r < b->room_count; r++) {
        const uint64_t gaps = b->rooms[r].missing + missing[r], owed = unseen != NULL ? unseen[r] : 0;
        const uint64_t lost = gaps > owed ? gaps : owed; /* an event that one did not get is mostly in both */

        if (lost == 0 || b->rooms[r].reset)
            continue;
        f->lost += lost;
        figures_broken(f, "%llu deliveries of room %u never came", (unsigned long long)lost, r);
    }
    free(unseen);
}
