/*
 * gateway/store/sql.h - the statements: a number and a text for each. The one place where SQL for rows is
 * written.
 *
 * Owns nothing (static texts), never fails; any thread. The texts keep to what SQLite and PostgreSQL share. A
 * text with columns named by a macro in sql.c is read by the function of query_*.c that is named beside it.
 */
#ifndef RECALLD_STORE_SQL_H
#define RECALLD_STORE_SQL_H

enum sql_id {
    SQL_META_GET,
    SQL_META_PUT,
    SQL_APP_GET,
    SQL_APP_ADD,
    SQL_CLIENT_GET,
    SQL_CLIENT_PUT,
    SQL_CLIENT_SET_LOGIN,
    SQL_CLIENT_REVOKE_TOKENS,
    SQL_CLIENT_COUNT,
    SQL_TOKEN_GET,
    SQL_TOKEN_PUT,
    SQL_TOKEN_FORGET,
    SQL_TOKEN_FORGET_USER,
    SQL_TOKEN_PURGE,
    SQL_REVOKED_GET,
    SQL_REVOKED_PUT,
    SQL_REVOKED_PURGE,
    SQL_ROOM_GET,
    SQL_ROOM_BY_KEY,
    SQL_ROOM_ADD,
    SQL_ROOM_UPDATE,
    SQL_ROOM_NEXT_SEQ,
    SQL_ROOM_SEQ,
    SQL_ROOM_SET_MIN_SEQ,
    SQL_ROOM_COUNT,
    SQL_ROOMS_OF,
    SQL_MEMBER_GET,
    SQL_MEMBER_PUT,
    SQL_MEMBER_REMOVE,
    SQL_MEMBER_LIST,
    SQL_MEMBER_COUNT,
    SQL_MESSAGE_GET,
    SQL_MESSAGE_BY_CLIENT_ID,
    SQL_MESSAGE_ADD,
    SQL_MESSAGE_EDIT,
    SQL_MESSAGE_ERASE,
    SQL_MESSAGE_UNLIST,
    SQL_MESSAGE_TOUCH,
    SQL_MESSAGE_QUOTING,
    SQL_MESSAGE_LAST,
    SQL_MESSAGE_UNREAD,
    SQL_MESSAGE_COUNT,
    SQL_MESSAGE_ALL,
    SQL_CONTENT_ADD,
    SQL_CONTENT_SIZE,
    SQL_CONTENT_ERASE,
    SQL_PAGE_UPDATED_DESC, /* the six pages: order, then direction (query_history.c counts on it) */
    SQL_PAGE_UPDATED_ASC,
    SQL_PAGE_CREATED_DESC,
    SQL_PAGE_CREATED_ASC,
    SQL_PAGE_TIME_DESC,
    SQL_PAGE_TIME_ASC,
    SQL_TOTAL_ALL,
    SQL_TOTAL_UPDATED,
    SQL_TOTAL_CREATED,
    SQL_TOTAL_TIME,
    SQL_HIDDEN_TOTAL_UPDATED,
    SQL_HIDDEN_TOTAL_CREATED,
    SQL_HIDDEN_TOTAL_TIME,
    SQL_HIDDEN_PUT,
    SQL_HIDDEN_LIST,
    SQL_RECALL_GET,
    SQL_RECALL_PUT,
    SQL_RECALL_UNSEEN_COUNT,
    SQL_EVENT_ADD,
    SQL_EVENT_PAGE,
    SQL_EVENT_TRIM,
    SQL_DEVICE_GET,
    SQL_DEVICE_PUT,
    SQL_ACK_GET,
    SQL_ACK_PUT,
    SQL_REFUSED_PUT,
    SQL_COUNT
};

/* SQL_COUNT texts, by number. */
const char *const *sql_texts(void);

#endif
