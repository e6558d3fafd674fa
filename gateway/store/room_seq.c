#include "store/room_seq.h"

#include "store/conn.h"

#include <string.h>

static size_t place_of(int64_t room_key)
{
    return (size_t)((uint64_t)room_key % ROOM_SEQS);
}

static void write_one(struct store_conn *c, struct room_seq *r)
{
    struct db_stmt *s = conn_query(c, SQL_ROOM_SET_SEQ);

    r->unwritten = false;
    if (s == NULL)
        return;
    db_bind_int(s, 1, r->room_key);
    db_bind_int(s, 2, r->seq);
    conn_write(c, s);
}

/* Puts the room into its place, with the number that its row has. */
static void load(struct store_conn *c, struct room_seq *r, int64_t room_key)
{
    struct db_stmt *s;

    if (r->unwritten)
        write_one(c, r);
    r->room_key = 0;
    s = conn_query(c, SQL_ROOM_SEQ);
    if (s == NULL)
        return;
    db_bind_int(s, 1, room_key);
    r->seq = conn_number(c, s, -1);
    if (r->seq >= 0)
        r->room_key = room_key;
    else
        conn_fail(c); /* no such room: an event must not be committed without a number */
}

int64_t room_seq_next(struct store_conn *c, int64_t room_key)
{
    struct room_seqs *seqs = &c->room_seqs;
    struct room_seq *r = &seqs->slots[place_of(room_key)];
    bool listed = r->unwritten;

    if (r->room_key != room_key || room_key == 0) /* an empty place is no room's */
        load(c, r, room_key);
    if (c->failed || r->room_key != room_key)
        return 0;
    r->unwritten = true;
    if (!listed)
        seqs->unwritten[seqs->unwritten_count++] = (uint16_t)place_of(room_key);
    return ++r->seq;
}

int64_t room_seq_last(const struct store_conn *c, int64_t room_key, int64_t stored)
{
    const struct room_seq *r = &c->room_seqs.slots[place_of(room_key)];

    return r->room_key == room_key ? r->seq : stored;
}

bool room_seq_write(struct store_conn *c)
{
    struct room_seqs *seqs = &c->room_seqs;

    for (size_t i = 0; i < seqs->unwritten_count; i++)
        write_one(c, &seqs->slots[seqs->unwritten[i]]);
    seqs->unwritten_count = 0;
    return !c->failed;
}

void room_seq_forget(struct room_seqs *seqs)
{
    memset(seqs, 0, sizeof(*seqs));
}
