/*
 * gateway/store/row_cache.h - rows that the writer's rules ask for again and again, as they stand in the open transaction.
 *
 * Owns:    copies of rows and of their texts, in memory alone; a text is overwritten with zeros when its row is dropped.
 * Borrows: nothing beyond a call; what row_cache_get gives has its texts in the job's arena, as a row that was read.
 * Bounds:  ROW_CACHE_PLACES rows of each kind, none with more than ROW_CACHE_TEXT bytes of text; a new one takes an older one's place.
 * Fails:   never: without memory a row is not kept, and the next question goes to the database.
 * Thread:  the writer's. A reader's connection keeps nothing: it sees another snapshot each time.
 *
 * A row may be kept because the writer is the only one that changes the database (the file is locked), and every change goes through
 * query_*.c. What drops a row:
 *   ROW_ROOM      store_room_update, store_event_trim. Its seq is not the one that counts: room_seq.h has it.
 *   ROW_ROOM_KEY  nothing: a room keeps its id and is never removed.
 *   ROW_CLIENT    store_client_put, store_client_set_login, store_client_revoke_tokens
 *   ROW_MEMBER    store_member_put, store_member_remove
 *   ROW_LAST      (the message that a conversation list shows to one who hid nothing) in its room: store_message_add, _edit, _touch, _recall
 *                 and _delete of any message that it may be or become, and store_recall_put with is_delete
 *   all of them   a rollback, as what was read or kept in the transaction may not be so; and a writer that is idle, to save memory
 * An absent row is never kept.
 */
#ifndef RECALLD_STORE_ROW_CACHE_H
#define RECALLD_STORE_ROW_CACHE_H

#include "base/str.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ROW_CACHE_PLACES 4096U
#define ROW_CACHE_TEXT 1024U

struct store_conn;
struct row_cache;

/* What a row is, and what finds it. */
enum row_kind {
    ROW_ROOM,     /* struct room_row; the room's key, no text */
    ROW_ROOM_KEY, /* int64_t, the room's key; app, the room's id */
    ROW_CLIENT,   /* struct client_row; app, the user's id */
    ROW_MEMBER,   /* struct member_row; the room's key, the user's id */
    ROW_LAST,     /* struct message_row; the room's key, no text */
    ROW_KINDS
};

/* Fills `row`, which is of the kind's type; false: it is not kept. */
bool row_cache_get(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id, void *row);
/* Keeps a row that was just read. */
void row_cache_put(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id, const void *row);
/* The row was or is being changed. */
void row_cache_drop(struct store_conn *c, enum row_kind kind, int64_t scope, struct str id);
/* Forgets every row. */
void row_cache_clear(struct store_conn *c);
/* And gives the memory back; `cache` may be NULL. */
void row_cache_free(struct row_cache *cache);

#endif
