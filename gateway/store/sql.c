#include "store/sql.h"

#include <stddef.h>

/*
 * Message rows. LEFT JOINs, so that the planner begins with the message; every message has a room, and its
 * content unless it was erased or there was none.
 */
#define MESSAGE_COLUMNS(body, content)                                                                 \
    "m.key, m.room_key, r.id, m.id, m.sender, m.type, " body ", " content ", m.reply, m.batch, "       \
    "m.client_msg_id, m.time_ms, m.created_ms, m.updated_ms, m.seq, m.version, m.state, m.audience, m.counted"
#define MESSAGE_SELECT                                                                                 \
    "SELECT " MESSAGE_COLUMNS("x.body", "x.content")                                                   \
    " FROM message m LEFT JOIN room r ON r.key = m.room_key LEFT JOIN content x ON x.key = m.content_key "
/* For those who want no content: a thousand of them may be read at once. */
#define MESSAGE_SELECT_BARE                                                                            \
    "SELECT " MESSAGE_COLUMNS("NULL", "NULL") " FROM message m LEFT JOIN room r ON r.key = m.room_key "

/* The number of the room's last event, which may be a message; where the log has none, the row says it: retention writes it there. */
#define ROOM_LAST_SEQ                                                                                  \
    "(SELECT max(n.seq) FROM (SELECT r.seq AS seq UNION ALL SELECT max(e.seq) FROM event e WHERE e.room_key = r.key "     \
    "UNION ALL SELECT max(m.seq) FROM message m WHERE m.room_key = r.key AND m.listed = 1 "                               \
    "UNION ALL SELECT max(m.seq) FROM message m WHERE m.room_key = r.key AND m.listed = 0) AS n)"
/* The number of the last recall up to ?2 in the room ?1, the last one that retention took included; 0: none. */
#define RECALLED_UP_TO                                                                                 \
    "coalesce((SELECT e.recalled FROM event e WHERE e.room_key = ?1 AND e.seq <= ?2 ORDER BY e.seq DESC LIMIT 1), "    \
    "(SELECT r.recalled FROM room r WHERE r.key = ?1 AND r.recalled <= ?2), 0)"
/* The messages of the room ?1 as events (of type EVENT_MESSAGE) after ?2. Retention leaves the messages: the log has them from min_seq on. */
#define MESSAGE_EVENTS(columns, listed)                                                                         \
    "SELECT m.seq, " columns " FROM message m WHERE m.room_key = ?1 AND m.listed = " listed                              \
    " AND m.seq > (SELECT CASE WHEN r.min_seq > ?2 THEN r.min_seq - 1 ELSE ?2 END FROM room r WHERE r.key = ?1)"
#define LOG_PAGE(of_events, of_messages)                                                                \
    "SELECT seq, " of_events " FROM event WHERE room_key = ?1 AND seq > ?2 UNION ALL " MESSAGE_EVENTS(of_messages, "1") \
    " UNION ALL " MESSAGE_EVENTS(of_messages, "0") " ORDER BY 1 LIMIT ?3"
#define ROOM_COLUMNS                                                                                   \
    "r.key, r.app, r.id, r.name, r.type, r.owner, r.fields, r.opening, " ROOM_LAST_SEQ ", r.min_seq, " \
    "r.created_ms, r.updated_ms"
#define MEMBER_COLUMNS "m.user_id, m.role, m.joined_seq, m.joined_ms, m.read_seq, m.read_id"

#define RECALL_COLUMNS                                                                                 \
    "c.message, c.room_key, c.seq, c.time_ms, c.operator_id, c.is_delete, c.is_admin, "                \
    "c.disable_update_last, c.extra, c.reason, c.author, c.sent_ms, c.objname"
/* A message that was deleted and not recalled leaves no command in the history. */
#define RECALL_SHOWN                                                                                   \
    "NOT EXISTS (SELECT 1 FROM message m WHERE m.app = c.app AND m.id = c.message AND m.state = 2)"
/* A recalled message was changed last by its recall, or, if it came later than that, when it came: so the index by time of change finds all
 * but the recalls whose message has not come. */
#define RECALL_PAGE(direction)                                                                         \
    "SELECT " RECALL_COLUMNS " FROM message m JOIN recall c ON c.app = m.app AND c.message = m.id "    \
    "WHERE m.room_key = ?1 AND m.state <> 2 AND m.state = 1 AND m.updated_ms >= ?2 AND c.room_key = ?1 AND c.time_ms >= ?2 " \
    "AND c.time_ms <= ?3 UNION ALL SELECT " RECALL_COLUMNS " FROM room r JOIN recall c ON c.app = r.app " \
    "AND c.sent_ms = 0 AND c.time_ms >= ?2 AND c.time_ms <= ?3 WHERE r.key = ?1 AND c.room_key = ?1 "  \
    "ORDER BY 4 " direction ", 3 " direction " LIMIT ?4"

/* Not hidden by the user ?`user`; an empty user hid nothing. */
#define NOT_HIDDEN(user)                                                                               \
    "NOT EXISTS (SELECT 1 FROM hidden h WHERE h.room_key = m.room_key AND "                            \
    "h.user_id = " user " AND h.message = m.id)"

/* ?1 room, ?2 user, ?3 and ?4 the time and key to go on beyond, ?5 the least time. */
#define SELECTED(column, beyond, direction)                                                            \
    "WHERE m.room_key = ?1 AND m.state <> 2 AND " NOT_HIDDEN("?2") " AND (m." column ", m.key) "       \
    beyond " (?3, ?4) AND m." column " >= ?5 ORDER BY m." column " " direction ", m.key " direction
/* And ?6, the limit. */
#define PAGE(column, beyond, direction) MESSAGE_SELECT SELECTED(column, beyond, direction) " LIMIT ?6"
/* Without end, and so without anything that is dear to sort: whoever reads them stops. */
#define KEYS(column, beyond, direction) "SELECT m.key FROM message m " SELECTED(column, beyond, direction)

#define TOTAL(column)                                                                                  \
    "SELECT count(*) FROM message m WHERE m.room_key = ?1 AND m.state <> 2 AND m." column " >= ?2"
#define HIDDEN_TOTAL(column)                                                                           \
    "SELECT count(*) FROM hidden h JOIN message m ON m.app = ?1 AND m.id = h.message "                 \
    "WHERE h.room_key = ?2 AND h.user_id = ?3 AND m.room_key = ?2 AND m.state <> 2 AND m." column " >= ?4"
/* The + keeps the planner from the index by time, which has every message of the room. */
#define LIMITED(column)                                                                                \
    "SELECT m.seq, m.created_ms, m.audience FROM message m WHERE m.room_key = ?1 AND m.audience IS NOT NULL " \
    "AND +m.state <> 2 AND +m." column " >= ?2 ORDER BY m.seq"

/* ?1 app, ?2 room, ?3 the recall's seq, ?4 seen since, and what else `which` asks. */
#define LEDGER(from, which, order)                                                                     \
    "SELECT d.user_id, d.device, d.caps, a.seq, l.from_seq, l.acked_ms, f.refused_ms FROM " from       \
    " LEFT JOIN ack a ON a.room_key = ?2 AND a.user_id = d.user_id AND a.device = d.device LEFT JOIN ack_log l "   \
    "ON l.room_key = ?2 AND l.user_id = d.user_id AND l.device = d.device AND l.to_seq = (SELECT min(x.to_seq) FROM " \
    "ack_log x WHERE x.room_key = ?2 AND x.user_id = d.user_id AND x.device = d.device AND x.to_seq >= ?3) LEFT JOIN " \
    "refused f ON f.room_key = ?2 AND f.seq = ?3 AND f.user_id = d.user_id AND f.device = d.device WHERE " \
    "d.app = ?1 AND " which " d.seen_ms >= ?4 ORDER BY " order

static const char *const texts[SQL_COUNT] = {
    [SQL_META_GET] = "SELECT value FROM meta WHERE name = ?1",
    [SQL_META_PUT] =
        "INSERT INTO meta (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = "
        "excluded.value",

    [SQL_APP_GET] = "SELECT key FROM app WHERE name = ?1",
    [SQL_APP_ADD] = "INSERT INTO app (name) VALUES (?1)",

    /* query_client.c */
    [SQL_CLIENT_GET] =
        "SELECT id, nickname, avatar, fields, is_robot, last_login_ms, created_ms, updated_ms, token_gen, "
        "tokens_revoked_s FROM client WHERE app = ?1 AND id = ?2",
    [SQL_CLIENT_PUT] =
        "INSERT INTO client (app, id, nickname, avatar, fields, is_robot, last_login_ms, created_ms, "
        "updated_ms, token_gen, tokens_revoked_s) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, 0, 0) ON "
        "CONFLICT (app, id) DO UPDATE SET nickname = excluded.nickname, avatar = excluded.avatar, fields = "
        "excluded.fields, is_robot = excluded.is_robot, last_login_ms = excluded.last_login_ms, created_ms "
        "= excluded.created_ms, updated_ms = excluded.updated_ms",
    [SQL_CLIENT_SET_LOGIN] = "UPDATE client SET last_login_ms = ?3 WHERE app = ?1 AND id = ?2",
    [SQL_CLIENT_REVOKE_TOKENS] =
        "UPDATE client SET token_gen = ?3, tokens_revoked_s = ?4 WHERE app = ?1 AND id = ?2",
    [SQL_CLIENT_COUNT] = "SELECT count(*) FROM client WHERE app = ?1",
    [SQL_TOKEN_GET] = "SELECT user_id, expires_ms FROM token WHERE app = ?1 AND hash = ?2",
    [SQL_TOKEN_PUT] =
        "INSERT INTO token (app, hash, user_id, expires_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (app, hash) "
        "DO UPDATE SET user_id = excluded.user_id, expires_ms = excluded.expires_ms",
    [SQL_TOKEN_FORGET] = "DELETE FROM token WHERE app = ?1 AND hash = ?2",
    [SQL_TOKEN_FORGET_USER] = "DELETE FROM token WHERE app = ?1 AND user_id = ?2",
    [SQL_TOKEN_PURGE] = "DELETE FROM token WHERE expires_ms > 0 AND expires_ms < ?1",
    [SQL_REVOKED_GET] = "SELECT 1 FROM revoked WHERE app = ?1 AND hash = ?2",
    [SQL_REVOKED_PUT] =
        "INSERT INTO revoked (app, hash, expires_ms) VALUES (?1, ?2, ?3) ON CONFLICT (app, hash) DO UPDATE "
        "SET expires_ms = excluded.expires_ms",
    [SQL_REVOKED_PURGE] = "DELETE FROM revoked WHERE expires_ms > 0 AND expires_ms < ?1",

    /* query_room.c */
    [SQL_ROOM_GET] = "SELECT " ROOM_COLUMNS " FROM room r WHERE r.app = ?1 AND r.id = ?2",
    [SQL_ROOM_BY_KEY] = "SELECT " ROOM_COLUMNS " FROM room r WHERE r.key = ?1",
    [SQL_ROOM_ADD] =
        "INSERT INTO room (app, id, name, type, owner, fields, opening, seq, min_seq, created_ms, "
        "updated_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
    [SQL_ROOM_UPDATE] =
        "UPDATE room SET name = ?2, owner = ?3, fields = ?4, opening = ?5, updated_ms = ?6 WHERE key = ?1",
    [SQL_ROOM_SEQ] =
        "SELECT " ROOM_LAST_SEQ ", coalesce((SELECT e.recalled FROM event e WHERE e.room_key = r.key ORDER BY e.seq DESC LIMIT 1), "
        "r.recalled) FROM room r WHERE r.key = ?1",
    [SQL_ROOM_SET_MIN_SEQ] =
        "UPDATE room SET min_seq = ?2, seq = ?3, recalled = ?4 WHERE key = ?1 AND min_seq < ?2",
    [SQL_ROOM_COUNT] = "SELECT count(*) FROM room WHERE app = ?1",
    [SQL_ROOMS_OF] =
        "SELECT " ROOM_COLUMNS ", " MEMBER_COLUMNS " FROM member m JOIN room r ON r.key = m.room_key WHERE "
        "m.app = ?1 AND m.user_id = ?2 AND r.id > ?3 ORDER BY r.id LIMIT ?4",
    [SQL_MEMBER_GET] = "SELECT " MEMBER_COLUMNS " FROM member m WHERE m.room_key = ?1 AND m.user_id = ?2",
    [SQL_MEMBER_PUT] =
        "INSERT INTO member (room_key, user_id, app, role, joined_seq, joined_ms, read_seq, read_id) VALUES "
        "(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (room_key, user_id) DO UPDATE SET role = "
        "excluded.role, joined_seq = excluded.joined_seq, joined_ms = excluded.joined_ms, read_seq = "
        "excluded.read_seq, read_id = excluded.read_id",
    [SQL_MEMBER_REMOVE] = "DELETE FROM member WHERE room_key = ?1 AND user_id = ?2",
    [SQL_MEMBER_LIST] =
        "SELECT " MEMBER_COLUMNS " FROM member m WHERE m.room_key = ?1 AND m.user_id > ?2 ORDER BY "
        "m.user_id LIMIT ?3",
    [SQL_MEMBER_COUNT] = "SELECT count(*) FROM member WHERE room_key = ?1",

    /* query_message.c */
    [SQL_MESSAGE_GET] = MESSAGE_SELECT "WHERE m.app = ?1 AND m.id = ?2",
    [SQL_MESSAGE_OUTLINE] =
        "SELECT m.key, m.room_key, m.sender, m.type, m.reply, m.batch, m.time_ms, m.created_ms, m.updated_ms, m.seq, m.version, "
        "m.state, m.audience, m.content_key, length(x.body), x.content, EXISTS (SELECT 1 FROM message q WHERE q.app = ?1 AND "
        "q.reply = ?2) FROM message m LEFT JOIN content x ON x.key = "
        "m.content_key WHERE m.app = ?1 AND m.id = ?2",
    [SQL_MESSAGE_BY_CLIENT_ID] = MESSAGE_SELECT "WHERE m.app = ?1 AND m.client_msg_id = ?2 AND m.sender = ?3",
    [SQL_MESSAGE_ADD] =
        "INSERT INTO message (app, room_key, id, sender, type, content_key, reply, batch, client_msg_id, "
        "time_ms, created_ms, updated_ms, seq, version, state, listed, audience, counted) VALUES (?1, ?2, ?3, "
        "?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18)",
    [SQL_MESSAGE_EDIT] =
        "UPDATE message SET type = ?2, content_key = ?3, reply = ?4, updated_ms = ?5, version = ?6 WHERE "
        "key = ?1",
    /* listed only ever falls here: a gray bar stays in the list, a deleted message leaves it */
    [SQL_MESSAGE_ERASE] =
        "UPDATE message SET state = ?2, content_key = NULL, reply = NULL, batch = NULL, updated_ms = ?3, "
        "listed = listed * ?4 WHERE key = ?1",
    /* The same where nothing else changes, so that one index does: a message that quotes nothing, is of no batch and stays listed. */
    [SQL_MESSAGE_RECALL] = "UPDATE message SET state = 1, content_key = NULL, updated_ms = ?2 WHERE key = ?1",
    [SQL_MESSAGE_UNLIST] = "UPDATE message SET listed = 0 WHERE app = ?1 AND id = ?2",
    [SQL_MESSAGE_TOUCH] = "UPDATE message SET updated_ms = ?2 WHERE key = ?1",
    [SQL_MESSAGE_QUOTING] =
        MESSAGE_SELECT_BARE "WHERE m.app = ?1 AND m.reply = ?2 AND m.state = 0 ORDER BY m.seq, m.key LIMIT ?3",
    [SQL_MESSAGE_LAST_ANY] = MESSAGE_SELECT "WHERE m.room_key = ?1 AND m.listed = 1 ORDER BY m.seq DESC LIMIT 1",
    [SQL_MESSAGE_LAST] =
        MESSAGE_SELECT "WHERE m.room_key = ?1 AND m.listed = 1 AND " NOT_HIDDEN("?2") " ORDER BY m.seq DESC "
        "LIMIT 1",
    /* Those that no list shows count all the same; their index is small, and the first half keeps to its own. */
    [SQL_MESSAGE_UNREAD] =
        "SELECT count(*) FROM (SELECT 1 FROM message m WHERE m.room_key = ?1 AND m.listed = 1 AND m.seq > "
        "?3 AND m.state = 0 AND m.counted = 1 AND m.sender <> ?2 AND " NOT_HIDDEN("?2") " UNION ALL SELECT 1 "
        "FROM message m WHERE m.room_key = ?1 AND m.listed = 0 AND m.seq > ?3 AND m.state = 0 AND m.counted = "
        "1 AND m.sender <> ?2 AND " NOT_HIDDEN("?2") " LIMIT ?4) AS unread",
    [SQL_MESSAGE_COUNT] = "SELECT count(*) FROM message WHERE app = ?1 AND state <> 2",
    [SQL_CONTENT_ADD] = "INSERT INTO content (body, content) VALUES (?1, ?2)",
    [SQL_CONTENT_SIZE] =
        "SELECT x.key, length(x.body), length(x.content) FROM message m JOIN content x ON x.key = "
        "m.content_key WHERE m.key = ?1",
    [SQL_CONTENT_ERASE] = "UPDATE content SET body = ?2, content = ?3 WHERE key = ?1",

    /* query_history.c */
    [SQL_PAGE_UPDATED_DESC] = PAGE("updated_ms", "<", "DESC"),
    [SQL_PAGE_UPDATED_ASC] = PAGE("updated_ms", ">", "ASC"),
    [SQL_PAGE_CREATED_DESC] = PAGE("created_ms", "<", "DESC"),
    [SQL_PAGE_CREATED_ASC] = PAGE("created_ms", ">", "ASC"),
    [SQL_PAGE_TIME_DESC] = PAGE("time_ms", "<", "DESC"),
    [SQL_PAGE_TIME_ASC] = PAGE("time_ms", ">", "ASC"),
    [SQL_KEYS_UPDATED_DESC] = KEYS("updated_ms", "<", "DESC"),
    [SQL_KEYS_UPDATED_ASC] = KEYS("updated_ms", ">", "ASC"),
    [SQL_KEYS_CREATED_DESC] = KEYS("created_ms", "<", "DESC"),
    [SQL_KEYS_CREATED_ASC] = KEYS("created_ms", ">", "ASC"),
    [SQL_KEYS_TIME_DESC] = KEYS("time_ms", "<", "DESC"),
    [SQL_KEYS_TIME_ASC] = KEYS("time_ms", ">", "ASC"),
    [SQL_TOTAL_ALL] = "SELECT count(*) FROM message m WHERE m.room_key = ?1 AND m.state <> 2",
    [SQL_TOTAL_UPDATED] = TOTAL("updated_ms"),
    [SQL_TOTAL_CREATED] = TOTAL("created_ms"),
    [SQL_TOTAL_TIME] = TOTAL("time_ms"),
    [SQL_HIDDEN_TOTAL_UPDATED] = HIDDEN_TOTAL("updated_ms"),
    [SQL_HIDDEN_TOTAL_CREATED] = HIDDEN_TOTAL("created_ms"),
    [SQL_HIDDEN_TOTAL_TIME] = HIDDEN_TOTAL("time_ms"),
    [SQL_LIMITED_UPDATED] = LIMITED("updated_ms"),
    [SQL_LIMITED_CREATED] = LIMITED("created_ms"),
    [SQL_LIMITED_TIME] = LIMITED("time_ms"),
    [SQL_HIDDEN_PUT] =
        "INSERT INTO hidden (room_key, user_id, message, hidden_ms) VALUES (?1, ?2, ?3, ?4) ON CONFLICT "
        "(room_key, user_id, message) DO NOTHING",
    [SQL_HIDDEN_LIST] =
        "SELECT message FROM hidden WHERE room_key = ?1 AND user_id = ?2 ORDER BY hidden_ms DESC, message "
        "LIMIT ?3",

    /* query_event.c */
    [SQL_RECALL_GET] = "SELECT " RECALL_COLUMNS " FROM recall c WHERE c.app = ?1 AND c.message = ?2",
    [SQL_RECALL_PUT] =
        "INSERT INTO recall (app, message, room_key, seq, time_ms, operator_id, is_delete, is_admin, "
        "disable_update_last, extra, reason, author, sent_ms, objname) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, "
        "?8, ?9, ?10, ?11, ?12, ?13, ?14) ON CONFLICT (app, message) DO UPDATE SET room_key = "
        "excluded.room_key, seq = excluded.seq, time_ms = excluded.time_ms, operator_id = "
        "excluded.operator_id, is_delete = excluded.is_delete, is_admin = excluded.is_admin, "
        "disable_update_last = excluded.disable_update_last, extra = excluded.extra, reason = "
        "excluded.reason, author = excluded.author, sent_ms = excluded.sent_ms, objname = excluded.objname",
    [SQL_RECALL_UNSEEN_COUNT] = "SELECT count(*) FROM recall WHERE app = ?1 AND sent_ms = 0 AND time_ms > ?2",
    [SQL_EVENT_ADD] =
        "INSERT INTO event (room_key, seq, type, subject, version, data, time_ms, recalled) VALUES (?1, ?2, ?3, ?4, "
        "?5, ?6, ?7, ?8)",
    [SQL_EVENT_PAGE] = LOG_PAGE("type, subject, version, data, time_ms, 0", "1, NULL, 0, NULL, 0, m.key"),
    [SQL_EVENT_TIMES] = LOG_PAGE("time_ms", "m.created_ms"),
    [SQL_EVENT_TRIM] = "DELETE FROM event WHERE room_key = ?1 AND seq < ?2",
    [SQL_DEVICE_GET] =
        "SELECT user_id, device, caps, packages, seen_ms FROM device WHERE app = ?1 AND user_id = ?2 AND "
        "device = ?3",
    [SQL_DEVICE_PUT] =
        "INSERT INTO device (app, user_id, device, caps, packages, seen_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
        "ON CONFLICT (app, user_id, device) DO UPDATE SET caps = excluded.caps, packages = "
        "excluded.packages, seen_ms = excluded.seen_ms",
    [SQL_ACK_GET] = "SELECT seq FROM ack WHERE room_key = ?1 AND user_id = ?2 AND device = ?3",
    [SQL_ACK_PUT] =
        "INSERT INTO ack (room_key, user_id, device, seq, acked_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT "
        "(room_key, user_id, device) DO UPDATE SET seq = excluded.seq, acked_ms = excluded.acked_ms WHERE "
        "excluded.seq > ack.seq",
    [SQL_REFUSED_PUT] =
        "INSERT INTO refused (room_key, seq, user_id, device, refused_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON "
        "CONFLICT (room_key, seq, user_id, device) DO NOTHING",

    /* query_ledger.c */
    /* A user's stays do not overlap, so nobody comes twice. CROSS JOIN is the planner's order: from the room's members, or places, to
     * their devices, never through all devices of the app. */
    [SQL_LEDGER_MEMBERS] =
        LEDGER("(SELECT user_id FROM member WHERE room_key = ?2 AND joined_seq < ?3 UNION ALL SELECT user_id FROM member_past "
               "WHERE room_key = ?2 AND joined_seq < ?3 AND left_seq >= ?3) AS u CROSS JOIN device d",
               "d.user_id = u.user_id AND", "u.user_id, d.device"),
    [SQL_LEDGER_PLACES] = LEDGER("ack u CROSS JOIN device d", "u.room_key = ?2 AND d.user_id = u.user_id AND d.device = u.device AND",
                                 "u.user_id, u.device"),
    [SQL_LEDGER_USER] = LEDGER("device d", "d.user_id = ?5 AND", "d.user_id, d.device"),
    [SQL_LEDGER_EVERYONE] = LEDGER("device d", "", "d.user_id, d.device"),
    [SQL_LEDGER_WATCHERS] =
        "SELECT user_id FROM member WHERE room_key = ?1 AND role > 0 AND user_id <> ?2 ORDER BY role DESC, user_id LIMIT ?3",
    [SQL_RECALL_LAST_SEQ] = "SELECT " RECALLED_UP_TO,
    [SQL_RECALL_AT] =
        "SELECT e.subject, e.time_ms, coalesce((SELECT p.recalled FROM event p WHERE p.room_key = ?1 AND p.seq < ?2 ORDER BY "
        "p.seq DESC LIMIT 1), 0) FROM event e WHERE e.room_key = ?1 AND e.seq = ?2",
    [SQL_ACK_LOG_ADD] =
        "INSERT INTO ack_log (room_key, user_id, device, to_seq, from_seq, acked_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON "
        "CONFLICT (room_key, user_id, device, to_seq) DO NOTHING",
    [SQL_ACK_LOG_OLDEST] =
        "SELECT room_key, user_id, device, to_seq FROM ack_log WHERE acked_ms < ?1 ORDER BY acked_ms LIMIT ?2",
    [SQL_ACK_LOG_FORGET] =
        "DELETE FROM ack_log WHERE room_key = ?1 AND user_id = ?2 AND device = ?3 AND to_seq = ?4",
    [SQL_MEMBER_PAST_ADD] =
        "INSERT INTO member_past (room_key, user_id, left_seq, joined_seq, left_ms) VALUES (?1, ?2, ?3, ?4, ?5) ON "
        "CONFLICT (room_key, user_id, left_seq) DO NOTHING",
    [SQL_MEMBER_PAST_LAST] = "SELECT max(left_seq) FROM member_past WHERE room_key = ?1 AND user_id = ?2",
    [SQL_MEMBER_PAST_OLDEST] =
        "SELECT room_key, user_id, left_seq FROM member_past WHERE left_ms < ?1 ORDER BY left_ms LIMIT ?2",
    [SQL_MEMBER_PAST_FORGET] =
        "DELETE FROM member_past WHERE room_key = ?1 AND user_id = ?2 AND left_seq = ?3",
    [SQL_DEVICE_OLDEST] =
        "SELECT app, user_id, device FROM device WHERE seen_ms < ?1 ORDER BY seen_ms LIMIT ?2",
    [SQL_DEVICE_FORGET] = "DELETE FROM device WHERE app = ?1 AND user_id = ?2 AND device = ?3",
    [SQL_DEVICE_FORGET_ACKS] =
        "DELETE FROM ack WHERE user_id = ?2 AND device = ?3 AND room_key IN (SELECT key FROM room WHERE key = "
        "ack.room_key AND app = ?1)",
    [SQL_DEVICE_FORGET_REFUSED] =
        "DELETE FROM refused WHERE user_id = ?2 AND device = ?3 AND room_key IN (SELECT key FROM room WHERE key = "
        "refused.room_key AND app = ?1)",

    /* query_audience.c */
    [SQL_TAG_HELD] =
        "SELECT 1 FROM tag WHERE app = ?1 AND user_id = ?2 AND tag = ?3 AND from_seq < ?4 AND to_seq >= ?4 LIMIT 1",
    [SQL_PACKAGE_PUT] =
        "INSERT INTO package (app, user_id, package, device, from_seq) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT "
        "(app, user_id, package, device) DO NOTHING",
    [SQL_PACKAGE_HELD] =
        "SELECT 1 FROM package p JOIN device d ON d.app = p.app AND d.user_id = p.user_id AND d.device = p.device WHERE "
        "p.app = ?1 AND p.user_id = ?2 AND p.package = ?3 AND p.from_seq < ?4 AND d.seen_ms >= ?5 LIMIT 1",
    [SQL_MESSAGE_AUDIENCE] = "SELECT seq, created_ms, audience FROM message WHERE key = ?1",
    [SQL_PACKAGE_FORGET] = "DELETE FROM package WHERE app = ?1 AND user_id = ?2 AND device = ?3",

    /* query_rongcloud.c */
    [SQL_TAG_LIST] = "SELECT tag FROM tag WHERE app = ?1 AND user_id = ?2 AND to_seq = ?3 ORDER BY tag LIMIT ?4",
    [SQL_TAG_BEGIN] =
        "INSERT INTO tag (app, user_id, tag, from_seq, to_seq) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (app, user_id, tag, "
        "from_seq) DO UPDATE SET to_seq = excluded.to_seq",
    [SQL_TAG_END] = "UPDATE tag SET to_seq = ?4 WHERE app = ?1 AND user_id = ?2 AND tag = ?3 AND to_seq = ?5",
    [SQL_TAG_NEVER] =
        "DELETE FROM tag WHERE app = ?1 AND user_id = ?2 AND tag = ?3 AND from_seq >= ?4 AND to_seq <= from_seq",
    [SQL_QUOTA_NTH] =
        "SELECT time_ms FROM quota WHERE app = ?1 AND kind = ?2 AND time_ms >= ?3 ORDER BY time_ms DESC, n DESC LIMIT 1 "
        "OFFSET ?4",
    [SQL_QUOTA_ADD] =
        "INSERT INTO quota (app, kind, time_ms, n) SELECT ?1, ?2, ?3, coalesce(max(n), 0) + 1 FROM quota WHERE app = ?1 AND "
        "kind = ?2 AND time_ms = ?3",
    [SQL_QUOTA_PURGE] = "DELETE FROM quota WHERE app = ?1 AND kind = ?2 AND time_ms < ?3",
    /* Keys alone, so that what is sorted, and may be put aside in a file, holds no content. */
    [SQL_LOG_MESSAGES] =
        "SELECT time_ms, key FROM message WHERE app = ?1 AND time_ms >= ?2 AND time_ms < ?3 AND state <> 2 ORDER BY time_ms, key "
        "LIMIT ?4",
    [SQL_MESSAGE_BY_KEY] = MESSAGE_SELECT "WHERE m.key = ?1",
    [SQL_LOG_RECALL_COUNT] = "SELECT count(*) FROM recall WHERE app = ?1 AND time_ms >= ?2 AND time_ms < ?3",
    [SQL_LOG_RECALLS] =
        "SELECT " RECALL_COLUMNS " FROM recall c WHERE c.app = ?1 AND c.time_ms >= ?2 AND c.time_ms < ?3 AND " RECALL_SHOWN
        " ORDER BY c.time_ms, c.room_key, c.seq LIMIT ?4",
    [SQL_RECALL_PAGE_ASC] = RECALL_PAGE("ASC"),
    [SQL_RECALL_PAGE_DESC] = RECALL_PAGE("DESC"),
};

const char *const *sql_texts(void)
{
    return texts;
}
