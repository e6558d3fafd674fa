/*
 * gateway/store/room_seq.h - the numbers that rooms have given to their last events, as the writer knows them.
 *
 * Owns:    nothing outside its structure.
 * Bounds:  ROOM_SEQS rooms; a room that takes another's place has that one's number written at once.
 * Fails:   as the store does: the transaction is marked failed.
 * Thread:  the writer's.
 *
 * A batch that adds a hundred events to a room would write the room's row a hundred times. So the numbers are counted here, and
 * the rows are written once, just before the commit. Only the writer changes them, so they hold beyond the batch, until a rollback.
 */
#ifndef RECALLD_STORE_ROOM_SEQ_H
#define RECALLD_STORE_ROOM_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOM_SEQS 512U

struct store_conn;

struct room_seqs {
    struct room_seq {
        int64_t room_key; /* 0: empty */
        int64_t seq;
        bool unwritten;
    } slots[ROOM_SEQS];
    uint16_t unwritten[ROOM_SEQS]; /* places of those */
    size_t unwritten_count;
};

/* The room's next number; 0 after a failure, also when there is no such room. */
int64_t room_seq_next(struct store_conn *c, int64_t room_key);
/* The room's last number, where its row says `stored`. */
int64_t room_seq_last(const struct store_conn *c, int64_t room_key, int64_t stored);
/* Writes the rows that were left; false after a failure. */
bool room_seq_write(struct store_conn *c);
/* The transaction was rolled back. */
void room_seq_forget(struct room_seqs *seqs);

#endif
