/*
 * gateway/store/room_seq.h - the numbers that rooms have given to their last events, as the writer knows them.
 *
 * Owns:    its places, made with the first number and given back by room_seq_forget.
 * Bounds:  ROOM_SEQS rooms; a room that takes another's place has its numbers read from the log.
 * Fails:   as the store does: the transaction is marked failed.
 * Thread:  the writer's.
 *
 * A room's number is that of its last event (where the log holds none, its row says it). Counting in memory saves the look at the log for each
 * event, as does remembering when the oldest came. Writing nothing but the event saves the room's row, which would cost a commit one more page
 * for nearly every room in it. For the same reason a number must get its event before another one is given, to whichever room: room_seq_next
 * and the commit fail otherwise. Only the writer adds events, so the numbers hold beyond the batch, until a rollback.
 */
#ifndef RECALLD_STORE_ROOM_SEQ_H
#define RECALLD_STORE_ROOM_SEQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROOM_SEQS 4096U

struct store_conn;
struct room_seq;

struct room_seqs {
    struct room_seq *slots; /* ROOM_SEQS; NULL: none yet */
    int64_t promised;       /* the room whose number waits for its event; 0: none */
};

/* The room's next number; 0 after a failure, also when there is no such room. */
int64_t room_seq_next(struct store_conn *c, int64_t room_key);
/* The event `seq`, or the message that is one, is being added. Returns the number of the room's last recall up to it, itself included; 0: none. */
int64_t room_seq_added(struct store_conn *c, int64_t room_key, int64_t seq, bool recall);
/* The room's last number as the open transaction sees it. `stored`: what a statement of this moment said; -1: ask the log where it is not
 * known. */
int64_t room_seq_last(struct store_conn *c, int64_t room_key, int64_t stored);
/* The time of the room's first event from the number `first` on; 0: it was not kept. */
int64_t room_seq_first_ms(struct store_conn *c, int64_t room_key, int64_t first);
/* Events are only added behind the last and taken before the first, so the time holds for this number. */
void room_seq_keep_first(struct store_conn *c, int64_t room_key, int64_t first, int64_t time_ms);
/* Before a commit: whether every number has its event; marks the transaction failed if not. */
bool room_seq_whole(struct store_conn *c);
/* The transaction was rolled back, or no other comes. */
void room_seq_forget(struct room_seqs *seqs);

#endif
