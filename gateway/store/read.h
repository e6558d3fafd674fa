/*
 * gateway/store/read.h - rows of MESSAGE_COLUMNS and RECALL_COLUMNS (sql.c) as structures, for the files of queries that
 * read them.
 *
 * Owns nothing: the texts live in the connection's arena. Never fails. The connection's thread.
 */
#ifndef RECALLD_STORE_READ_H
#define RECALLD_STORE_READ_H

#include "store/conn.h"

/* The row that the statement stands on. */
void read_message(struct store_conn *c, struct db_stmt *s, struct message_row *out);
/* A row of SQL_MESSAGE_OUTLINE, of the message `id`, which is kept as it is. */
void read_outline(struct store_conn *c, struct db_stmt *s, struct str id, struct message_row *out);
/* The statement's one row, if it has one; ends the statement. */
bool read_one_message(struct store_conn *c, struct db_stmt *s, struct message_row *out);
/* The statement's rows, at most `limit`; how many. Ends the statement. 0 after a failure. */
size_t read_messages(struct store_conn *c, struct db_stmt *s, struct message_row *out, size_t limit);
/* A recall: the row that the statement stands on. */
void read_recall(struct store_conn *c, struct db_stmt *s, struct recall_row *out);

#endif
