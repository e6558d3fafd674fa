#include "clients/load/track.h"

#define AHEAD 64

void track_start(struct track *t, int64_t seq)
{
    *t = (struct track){.next = seq + 1};
}

/* Moves `next` over the number that just came and over those behind it that are here. */
static void move_on(struct track *t)
{
    do {
        const bool here = (t->beyond & 1) != 0;

        t->next++;
        t->beyond >>= 1;
        if (!here)
            return;
    } while (true);
}

enum track_got track_note(struct track *t, int64_t seq, uint64_t *given_up)
{
    enum track_got got;
    int64_t ahead;

    *given_up = 0;
    if (t->next == 0)
        track_start(t, seq - 1);
    if (seq < t->next)
        return TRACK_REPEATED;
    got = seq < track_head(t) ? TRACK_LATE : TRACK_NEW;
    while (seq - t->next > AHEAD) {
        const int64_t step = t->beyond != 0 ? 1 : seq - t->next - AHEAD; /* however far the leap */

        *given_up += (uint64_t)step;
        if (t->beyond != 0)
            move_on(t);
        else
            t->next += step;
    }
    ahead = seq - t->next;
    if (ahead <= 0) { /* giving up led here */
        if (ahead == 0)
            move_on(t);
        return got;
    }
    if (t->beyond >> (ahead - 1) & 1)
        return TRACK_REPEATED;
    t->beyond |= UINT64_C(1) << (ahead - 1);
    return got;
}

bool track_has(const struct track *t, int64_t seq)
{
    const int64_t ahead = seq - t->next;

    return ahead < 0 || (ahead > 0 && ahead <= AHEAD && (t->beyond >> (ahead - 1) & 1) != 0);
}

int64_t track_head(const struct track *t)
{
    return t->beyond == 0 ? t->next - 1 : t->next + 64 - __builtin_clzll(t->beyond);
}

uint64_t track_missing(const struct track *t, int64_t head)
{
    const int64_t ahead = head - t->next; /* of the numbers next … head, these are behind next */
    uint64_t in = t->beyond;

    if (ahead < 0)
        return 0;
    if (ahead < AHEAD)
        in &= (UINT64_C(1) << ahead) - 1;
    return (uint64_t)ahead + 1 - (uint64_t)__builtin_popcountll(in);
}
