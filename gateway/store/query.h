/*
 * gateway/store/query.h - every question and every change that the core asks of the database. One list for
 * SQLite and PostgreSQL.
 *
 * Owns nothing. Texts in rows that are read live in the job's arena (rows.h).
 * Bounds:  lists take a limit and fill at most so many rows.
 * Fails:   a function that finds returns true when found. When the database itself fails it returns false (or
 *          0), the connection is marked failed (store_conn_failed), the batch will be rolled back and its
 *          jobs fail; so the core need not check each write, and must not act outside the transaction.
 * Thread:  inside a job's run. Functions marked (W) only on the writer.
 *
 * Exception to "foo.c exports only foo_*": query_client.c, query_room.c, query_message.c, query_history.c,
 * query_event.c, query_ledger.c, query_audience.c and query_rongcloud.c share this one header, so all of them export store_*. The statements are in sql.c, the tables
 * and their reasons in schema.c.
 */
#ifndef RECALLD_STORE_QUERY_H
#define RECALLD_STORE_QUERY_H

#include "store/rows.h"
#include "store/store.h"

/* --- apps --- */
/* The number of an app's name, made if new (W). > 0; 0 on failure. */
int64_t store_app_intern(struct store_conn *c, struct str name);

/* --- clients and tokens --- */
bool store_client_get(struct store_conn *c, int64_t app, struct str id, struct client_row *out);
/* Inserts or replaces everything but token_gen and tokens_revoked_s, which a new row starts at 0 (W). */
void store_client_put(struct store_conn *c, int64_t app, const struct client_row *row);
void store_client_set_login(struct store_conn *c, int64_t app, struct str id, int64_t now_ms);                     /* (W) */
/* New generation; tokens of earlier ones and foreign ones issued at or before `now_s` become invalid (W). */
void store_client_revoke_tokens(struct store_conn *c, int64_t app, struct str id, int64_t gen, int64_t now_s);
bool store_token_get(struct store_conn *c, int64_t app, const unsigned char hash[32], struct token_row *out);
void store_token_put(struct store_conn *c, int64_t app, const struct token_row *row);                              /* (W) */
/* One token: forgets it if it is bound, and remembers that it is revoked until `expires_ms` (W). */
void store_token_revoke(struct store_conn *c, int64_t app, const unsigned char hash[32], int64_t expires_ms);
bool store_token_revoked(struct store_conn *c, int64_t app, const unsigned char hash[32]);
void store_token_forget_user(struct store_conn *c, int64_t app, struct str user);                                  /* (W) */
int64_t store_client_count(struct store_conn *c, int64_t app);

/* --- rooms and members --- */
bool store_room_get(struct store_conn *c, int64_t app, struct str id, struct room_row *out);
bool store_room_by_key(struct store_conn *c, int64_t key, struct room_row *out);
/* Creates; fills row->key (W). The id must be free. */
void store_room_add(struct store_conn *c, struct room_row *row);
/* Changes name, owner, fields, opening, updated_ms (W). */
void store_room_update(struct store_conn *c, const struct room_row *row);
/* seq := seq + 1, returned; 0 on failure (W). Its event must be added before the next number of any room is asked for, and before the commit. */
int64_t store_room_next_seq(struct store_conn *c, int64_t room_key);
bool store_member_get(struct store_conn *c, int64_t room_key, struct str user, struct member_row *out);
void store_member_put(struct store_conn *c, int64_t app, int64_t room_key, const struct member_row *row);          /* (W) */
void store_member_remove(struct store_conn *c, int64_t room_key, struct str user);                                 /* (W) */
/* Members after `after` (absent: from the start) in user order; returns how many were filled. */
size_t store_member_list(struct store_conn *c, int64_t room_key, struct str after, struct member_row *out, size_t limit);
int64_t store_member_count(struct store_conn *c, int64_t room_key);
/* The rooms of a user in id order after `after`; the member rows beside them where `members` is given. */
size_t store_rooms_of(struct store_conn *c, int64_t app, struct str user, struct str after, struct room_row *rooms,
                      struct member_row *members, size_t limit);
int64_t store_room_count(struct store_conn *c, int64_t app);

/* --- messages --- */
/* By id within the app, whatever its state (also deleted). */
bool store_message_get(struct store_conn *c, int64_t app, struct str id, struct message_row *out);
/* The same without the body, client_msg_id and the room's id, which are absent: all that the decision about a recall and the erasure need. */
bool store_message_outline(struct store_conn *c, int64_t app, struct str id, struct message_row *out);
bool store_message_by_client_id(struct store_conn *c, int64_t app, struct str sender, struct str client_msg_id,
                                struct message_row *out);
/* Inserts; fills row->key. The message is the log's event `seq`, a number from store_room_next_seq (W). */
void store_message_add(struct store_conn *c, int64_t app, struct message_row *row);
/* Replaces type, body, content, reply, updated_ms, version of the message `key`, which is in the room `room_key` (W). */
void store_message_edit(struct store_conn *c, const struct message_row *row);
/* Content gone: state RECALLED, body, content, reply and batch NULL, updated_ms set; type and sender stay
 * (W). Implies store_conn_erases. */
void store_message_recall(struct store_conn *c, const struct message_row *row, int64_t updated_ms);
/* The same with state DELETED (W). */
void store_message_delete(struct store_conn *c, const struct message_row *row, int64_t updated_ms);
/* Touches updated_ms only (a quoted copy changed) (W). Of the rows that these three get, key, room_key, reply and batch are read, and of an
 * outlined one what tells of the content. */
void store_message_touch(struct store_conn *c, const struct message_row *row, int64_t updated_ms);
/* Live messages that quote `id`, in seq order, without their body and content. */
size_t store_message_quoting(struct store_conn *c, int64_t app, struct str id, struct message_row *out, size_t limit);
/* The last message a conversation list shows: not deleted, not recalled with is_delete; not hidden for
 * `user` (absent: nobody). */
bool store_message_last(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct message_row *out);
/* Live, unrecalled messages after `read_seq` that are not `user`'s own and not hidden for them; counted up to `limit`. */
int64_t store_message_unread(struct store_conn *c, int64_t room_key, struct str user, int64_t read_seq, int64_t limit);
int64_t store_message_count(struct store_conn *c, int64_t app);

enum message_order { MESSAGE_BY_UPDATED = 0, MESSAGE_BY_CREATED = 1, MESSAGE_BY_TIME = 2 };
struct message_page {
    int64_t app, room_key;
    struct str user;           /* leave out what this user hid; absent: nobody hid anything */
    enum message_order order;
    bool ascending;            /* false: newest first */
    bool has_from;             /* start strictly beyond (from_ms, from_key) in the direction; else from the end */
    int64_t from_ms, from_key;
    bool has_min_ms;           /* only messages whose ordering time is >= min_ms */
    int64_t min_ms;
    size_t limit;
};
/* Messages that are not DELETED, by the named time and then key. Only MESSAGE_BY_UPDATED has an index: the
 * other two sort the room's messages, a cost that grows with the room. */
size_t store_message_page(struct store_conn *c, const struct message_page *page, struct message_row *out);
/* The same without the messages with an audience that `sees` refuses: it gets seq, created_ms and audience alone, which live until it
 * returns. One walk, that copies nothing of what is refused. */
size_t store_message_page_seen(struct store_conn *c, const struct message_page *page,
                               bool (*sees)(void *ctx, const struct message_row *row), void *ctx, struct message_row *out);
/* How many messages the page's room, user and min_ms select in all. */
int64_t store_message_page_total(struct store_conn *c, const struct message_page *page);
/* Hides a message from one user; the ids hidden by a user in a room, newest first. */
void store_hidden_put(struct store_conn *c, int64_t app, struct str user, int64_t room_key, struct str message, int64_t now_ms); /* (W) */
size_t store_hidden_list(struct store_conn *c, int64_t app, struct str user, int64_t room_key, struct str *out, size_t limit);

/* --- recalls --- */
bool store_recall_get(struct store_conn *c, int64_t app, struct str message, struct recall_row *out);
void store_recall_put(struct store_conn *c, int64_t app, const struct recall_row *row); /* insert or replace; is_delete once true stays true (W) */
/* Recalls whose message has not been seen (sent_ms = 0), newer than `since_ms`. */
int64_t store_recall_unseen_count(struct store_conn *c, int64_t app, int64_t since_ms);

/* --- the event log --- */
/* Any event but EVENT_MESSAGE, which is the message's row (W). */
void store_event_add(struct store_conn *c, const struct event_row *row);
/* Events with seq > after in order, from the room's min_seq on. */
size_t store_event_page(struct store_conn *c, int64_t room_key, int64_t after, struct event_row *out, size_t limit);
/* The same with seq and time_ms alone. */
size_t store_event_times(struct store_conn *c, int64_t room_key, int64_t after, struct event_row *out, size_t limit);
/* When the first event from `first` on came, which is kept in memory for the number asked last; 0: there is none (W). */
int64_t store_event_first_ms(struct store_conn *c, int64_t room_key, int64_t first);
/* Removes events with seq < min_seq, except messages, which only are no part of the log any more, and sets the room's min_seq (W). */
void store_event_trim(struct store_conn *c, int64_t room_key, int64_t min_seq);

/* --- who a limited message is for (query_audience.c) --- */
/* Did the user have the tag when ~broadcast's event `seq` came? */
bool store_tag_held(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq);
/* The device named the package, for the first time after ~broadcast's event `from_seq`; later times change nothing (W). */
void store_package_put(struct store_conn *c, int64_t app, struct str user, struct str package, struct str device, int64_t from_seq);
/* Had the user a device that had named the package before ~broadcast's event `seq`, and was seen since `seen_since_ms`? */
bool store_package_held(struct store_conn *c, int64_t app, struct str user, struct str package, int64_t seq, int64_t seen_since_ms);
void store_package_forget(struct store_conn *c, int64_t app, struct str user, struct str device); /* (W) */
/* Calls `each` for every message with an audience that the page's room and min_ms select, with seq, created_ms and audience alone, in
 * order of seq, until it returns false. The texts live until it returns. */
void store_message_limited(struct store_conn *c, const struct message_page *page,
                           bool (*each)(void *ctx, const struct message_row *row), void *ctx);

/* --- RongCloud's tags, quotas and logs (query_rongcloud.c) --- */
/* The tags that the user has now, in byte order. */
size_t store_tag_list(struct store_conn *c, int64_t app, struct str user, struct str *out, size_t limit);
/* The user has the tag for ~broadcast's events after `seq`; and no more for those after `seq` (W). */
void store_tag_begin(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq);
void store_tag_end(struct store_conn *c, int64_t app, struct str user, struct str tag, int64_t seq);
/* When the `nth` latest (1: the last) was done since `since_ms`; 0: there were fewer. */
int64_t store_quota_nth(struct store_conn *c, int64_t app, int kind, int64_t since_ms, int64_t nth);
void store_quota_add(struct store_conn *c, int64_t app, int kind, int64_t time_ms);     /* (W) */
void store_quota_purge(struct store_conn *c, int64_t app, int kind, int64_t before_ms); /* (W) */
/* Where a message stands in a log of some time. */
struct log_place {
    int64_t time_ms, key;
};
/* The app's messages with from_ms <= time < to_ms that are not DELETED, by time; *places is in the job's arena. No index: it looks at every
 * message. */
size_t store_log_messages(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms, size_t limit, struct log_place **places);
bool store_message_by_key(struct store_conn *c, int64_t key, struct message_row *out);
/* The app's recalls in that time, by time, without those of DELETED messages; the count includes them. No index. */
int64_t store_log_recall_count(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms);
size_t store_log_recalls(struct store_conn *c, int64_t app, int64_t from_ms, int64_t to_ms, struct recall_row *out, size_t limit);
/* A room's recalls with from_ms <= time <= to_ms, by time, without those of DELETED messages. */
size_t store_recall_page(struct store_conn *c, int64_t room_key, int64_t from_ms, int64_t to_ms, bool ascending,
                         struct recall_row *out, size_t limit);

/* --- devices and acks --- */
bool store_device_get(struct store_conn *c, int64_t app, struct str user, struct str device, struct device_row *out);
void store_device_put(struct store_conn *c, int64_t app, const struct device_row *row);  /* (W) */
/* Raises the device's cursor in the room (never lowers); (W). */
void store_ack_put(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct str device, int64_t seq, int64_t now_ms);
int64_t store_ack_get(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct str device); /* 0: none */
void store_refused_put(struct store_conn *c, int64_t app, int64_t room_key, struct str user, struct str device, int64_t seq, int64_t now_ms); /* (W) */

/* --- the ledger of a recall (query_ledger.c) --- */
/* One device that the recall was for. Texts live until the visitor returns. */
struct ledger_row {
    struct str user, device, caps;
    int64_t cursor;     /* the device's place in the room; 0: it never acked there */
    int64_t acked_ms;   /* when the ack came that covered the recall; 0: not known (not covered, or too long ago) */
    bool refused;
};
enum ledger_whose {
    LEDGER_MEMBERS,  /* of the users who were members of the room at `seq` */
    LEDGER_PLACES,   /* that have a place in the room */
    LEDGER_USER,     /* of `user` */
    LEDGER_EVERYONE, /* of every user of the app */
};
struct ledger_selection {
    int64_t app, room_key;
    int64_t seq;           /* the recall's */
    int64_t seen_since_ms; /* devices not seen since are left out */
    enum ledger_whose whose;
    struct str user;       /* with LEDGER_USER */
};
/* Calls `each` for every device of the selection, ordered by user and device (bytes), until it returns false. It may ask the database
 * other questions meanwhile. */
void store_ledger_devices(struct store_conn *c, const struct ledger_selection *which,
                          bool (*each)(void *ctx, const struct ledger_row *row), void *ctx);
/* Owner, admins and managers, other than `but` (may be absent), at most `limit`. */
size_t store_ledger_watchers(struct store_conn *c, int64_t room_key, struct str but, struct str *out, size_t limit);
/* The greatest number up to `seq` that a recall of the room has, also the last one that retention took away; 0: none, or one of those before
 * it. */
int64_t store_recall_last_seq(struct store_conn *c, int64_t room_key, int64_t seq);
/* Recalls of the room with from < seq <= to that the log still has, the newest first: message, seq and time_ms are filled. */
size_t store_recall_between(struct store_conn *c, int64_t room_key, int64_t from, int64_t to, struct recall_row *out, size_t limit);
/* An ack took the device's place from `from` to `to`, past a recall (W). */
void store_ack_log_add(struct store_conn *c, int64_t room_key, struct str user, struct str device, int64_t from, int64_t to,
                       int64_t acked_ms);
void store_ack_log_purge(struct store_conn *c, int64_t before_ms, size_t limit); /* oldest first (W) */
/* A stay that ended: the user's last event of the room was `left_seq` (W). */
void store_member_past_add(struct store_conn *c, int64_t room_key, struct str user, int64_t joined_seq, int64_t left_seq,
                           int64_t now_ms);
/* The last event of the user's latest ended stay; 0: none. */
int64_t store_member_past_last(struct store_conn *c, int64_t room_key, struct str user);
void store_member_past_purge(struct store_conn *c, int64_t before_ms, size_t limit); /* oldest first (W) */
/* Forgets at most `limit` devices of any app that were not seen since `before_ms`, with their acks, refusals and packages (W). */
void store_device_purge(struct store_conn *c, int64_t before_ms, size_t limit);

#endif
