#include "store/room_seq.h"

#include "store/conn.h"

#include <stdlib.h>

struct room_seq {
    int64_t room_key; /* 0: empty */
    int64_t seq;      /* of the last event */
    int64_t recalled; /* of the last recall; 0: none */
    int64_t first, first_ms; /* the time of the first event from `first` on; 0: not known */
};

/* Puts the room into its place, with the numbers that the log has. */
static void load(struct store_conn *c, struct room_seq *r, int64_t room_key)
{
    struct db_stmt *s = conn_query(c, SQL_ROOM_SEQ);

    *r = (struct room_seq){.room_key = 0};
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    if (conn_row(c, s)) {
        r->room_key = room_key;
        r->seq = db_int(s, 0);
        r->recalled = db_int(s, 1);
    }
    conn_end(c, s);
}

/* The room's place with its numbers in it; NULL after a failure, or if there is no such room. */
static struct room_seq *numbers_of(struct store_conn *c, int64_t room_key)
{
    struct room_seqs *seqs = &c->room_seqs;
    struct room_seq *r;

    if (seqs->slots == NULL)
        seqs->slots = calloc(ROOM_SEQS, sizeof(*seqs->slots));
    if (seqs->slots == NULL) {
        conn_fail(c);
        return NULL;
    }
    r = &seqs->slots[(uint64_t)room_key % ROOM_SEQS];
    if (r->room_key != room_key || room_key == 0) /* an empty place is no room's */
        load(c, r, room_key);
    return !c->failed && r->room_key == room_key && room_key != 0 ? r : NULL;
}

int64_t room_seq_next(struct store_conn *c, int64_t room_key)
{
    struct room_seq *r = c->room_seqs.promised == 0 ? numbers_of(c, room_key) : NULL;

    if (r == NULL) {
        conn_fail(c); /* an event must not be committed without a number, nor a number without its event */
        return 0;
    }
    c->room_seqs.promised = room_key;
    return ++r->seq;
}

int64_t room_seq_added(struct store_conn *c, int64_t room_key, int64_t seq, bool recall)
{
    struct room_seq *r = numbers_of(c, room_key);

    if (r == NULL || c->room_seqs.promised != room_key || r->seq != seq) {
        conn_fail(c);
        return 0;
    }
    c->room_seqs.promised = 0;
    if (recall)
        r->recalled = seq;
    return r->recalled;
}

int64_t room_seq_last(struct store_conn *c, int64_t room_key, int64_t stored)
{
    const struct room_seq *r = c->room_seqs.slots != NULL ? &c->room_seqs.slots[(uint64_t)room_key % ROOM_SEQS] : NULL;

    if (r != NULL && r->room_key == room_key)
        return r->seq;
    if (stored < 0)
        r = numbers_of(c, room_key);
    return stored >= 0 ? stored : r != NULL ? r->seq : 0;
}

int64_t room_seq_first_ms(struct store_conn *c, int64_t room_key, int64_t first)
{
    const struct room_seq *r = numbers_of(c, room_key);

    return r != NULL && r->first == first ? r->first_ms : 0;
}

void room_seq_keep_first(struct store_conn *c, int64_t room_key, int64_t first, int64_t time_ms)
{
    struct room_seq *r = numbers_of(c, room_key);

    if (r == NULL)
        return;
    r->first = first;
    r->first_ms = time_ms;
}

bool room_seq_whole(struct store_conn *c)
{
    if (c->room_seqs.promised != 0)
        conn_fail(c);
    return !c->failed;
}

void room_seq_forget(struct room_seqs *seqs)
{
    free(seqs->slots); /* to clear them would make all of their pages resident */
    *seqs = (struct room_seqs){0};
}
