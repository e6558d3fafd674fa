#include "store/read.h"

void read_message(struct store_conn *c, struct db_stmt *s, struct message_row *out)
{
    *out = (struct message_row){
        .key = db_int(s, 0),
        .room_key = db_int(s, 1),
        .room = conn_text(c, s, 2),
        .id = conn_text(c, s, 3),
        .sender = conn_text(c, s, 4),
        .type = conn_text(c, s, 5),
        .body = conn_text(c, s, 6),
        .content = conn_text(c, s, 7),
        .reply = conn_text(c, s, 8),
        .batch = conn_text(c, s, 9),
        .client_msg_id = conn_text(c, s, 10),
        .time_ms = db_int(s, 11),
        .created_ms = db_int(s, 12),
        .updated_ms = db_int(s, 13),
        .seq = db_int(s, 14),
        .version = db_int(s, 15),
        .state = (enum message_state)db_int(s, 16),
        .audience = conn_text(c, s, 17),
        .not_counted = db_int(s, 18) == 0,
    };
    if (out->sender.n == 0)
        out->sender = STR_NULL; /* stored as '', so that a unique key can hold it */
}

void read_outline(struct store_conn *c, struct db_stmt *s, struct str id, struct message_row *out)
{
    *out = (struct message_row){
        .key = db_int(s, 0),
        .room_key = db_int(s, 1),
        .id = id,
        .sender = conn_text(c, s, 2),
        .type = conn_text(c, s, 3),
        .reply = conn_text(c, s, 4),
        .batch = conn_text(c, s, 5),
        .time_ms = db_int(s, 6),
        .created_ms = db_int(s, 7),
        .updated_ms = db_int(s, 8),
        .seq = db_int(s, 9),
        .version = db_int(s, 10),
        .state = (enum message_state)db_int(s, 11),
        .audience = conn_text(c, s, 12),
        .outlined = true,
        .content_key = db_int(s, 13),
        .body_size = db_bytes(s, 14).p != NULL ? db_int(s, 14) : -1,
        .content = conn_text(c, s, 15),
        .quoted = db_int(s, 16) != 0,
    };
    if (out->sender.n == 0)
        out->sender = STR_NULL;
}

bool read_one_message(struct store_conn *c, struct db_stmt *s, struct message_row *out)
{
    const bool found = conn_row(c, s);

    if (found)
        read_message(c, s, out);
    conn_end(c, s);
    return found;
}

size_t read_messages(struct store_conn *c, struct db_stmt *s, struct message_row *out, size_t limit)
{
    size_t n = 0;

    while (n < limit && conn_row(c, s))
        read_message(c, s, &out[n++]);
    conn_end(c, s);
    return c->failed ? 0 : n;
}

void read_recall(struct store_conn *c, struct db_stmt *s, struct recall_row *out)
{
    *out = (struct recall_row){
        .message = conn_text(c, s, 0),
        .room_key = db_int(s, 1),
        .seq = db_int(s, 2),
        .time_ms = db_int(s, 3),
        .operator_id = conn_text(c, s, 4),
        .is_delete = db_int(s, 5) != 0,
        .is_admin = db_int(s, 6) != 0,
        .disable_update_last = db_int(s, 7) != 0,
        .extra = conn_text(c, s, 8),
        .reason = conn_text(c, s, 9),
        .author = conn_text(c, s, 10),
        .sent_ms = db_int(s, 11),
        .objname = conn_text(c, s, 12),
    };
}
