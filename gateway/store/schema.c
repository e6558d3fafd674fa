#include "store/schema.h"

#include "base/id.h"
#include "base/log.h"
#include "store/sql.h"

#include <stdio.h>
#include <stdlib.h>

/*
 * Version 1.
 *
 * Why content has a table of its own: what is erased must leave the file at once, and secure_delete alone
 * does not do it. When SQLite balances a b-tree it copies rows from page to page and leaves old copies in the
 * unused middle of pages; the later erasure of a row does not find those. So a row of `content` never moves
 * and never goes: it is added at the end (which splits no page), and erased by overwriting it with as many
 * zero bytes (which happens in place). An edit adds a new row and erases the old one. The space of erased
 * content is not given back.
 *
 * Why so few indexes: an index that begins with the room costs one page of the log for each room in a commit.
 * Histories by creation or message time sort the room's messages instead.
 *
 * message.sender is '' for the platform. message.listed: 1 if a conversation list may show it (live, or a
 * gray bar).
 */
static const char *const version_1[] = {
    "CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
    "CREATE TABLE app (key INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT",
    "CREATE TABLE client (app INTEGER NOT NULL, id TEXT NOT NULL, nickname TEXT, avatar TEXT, fields TEXT, "
    "is_robot INTEGER NOT NULL, last_login_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms "
    "INTEGER NOT NULL, token_gen INTEGER NOT NULL, tokens_revoked_s INTEGER NOT NULL, PRIMARY KEY (app, "
    "id)) STRICT, WITHOUT ROWID",
    "CREATE TABLE token (app INTEGER NOT NULL, hash BLOB NOT NULL, user_id TEXT NOT NULL, expires_ms "
    "INTEGER NOT NULL, PRIMARY KEY (app, hash)) STRICT, WITHOUT ROWID",
    "CREATE INDEX token_user ON token (app, user_id)",
    "CREATE INDEX token_expiry ON token (expires_ms) WHERE expires_ms > 0",
    "CREATE TABLE revoked (app INTEGER NOT NULL, hash BLOB NOT NULL, expires_ms INTEGER NOT NULL, PRIMARY "
    "KEY (app, hash)) STRICT, WITHOUT ROWID",
    "CREATE INDEX revoked_expiry ON revoked (expires_ms) WHERE expires_ms > 0",

    "CREATE TABLE room (key INTEGER PRIMARY KEY, app INTEGER NOT NULL, id TEXT NOT NULL, name TEXT, type "
    "TEXT, owner TEXT, fields TEXT, opening INTEGER NOT NULL, seq INTEGER NOT NULL, min_seq INTEGER NOT "
    "NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL) STRICT",
    "CREATE UNIQUE INDEX room_id ON room (app, id)",
    "CREATE TABLE member (room_key INTEGER NOT NULL, user_id TEXT NOT NULL, app INTEGER NOT NULL, role "
    "INTEGER NOT NULL, joined_seq INTEGER NOT NULL, joined_ms INTEGER NOT NULL, read_seq INTEGER NOT NULL, "
    "read_id TEXT, PRIMARY KEY (room_key, user_id)) STRICT, WITHOUT ROWID",
    "CREATE INDEX member_user ON member (app, user_id)",

    "CREATE TABLE content (key INTEGER PRIMARY KEY, body BLOB, content BLOB) STRICT",
    "CREATE TABLE message (key INTEGER PRIMARY KEY, app INTEGER NOT NULL, room_key INTEGER NOT NULL, id "
    "TEXT NOT NULL, sender TEXT NOT NULL, type TEXT NOT NULL, content_key INTEGER, reply TEXT, batch TEXT, "
    "client_msg_id TEXT, time_ms INTEGER NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT "
    "NULL, seq INTEGER NOT NULL, version INTEGER NOT NULL, state INTEGER NOT NULL, listed INTEGER NOT NULL) "
    "STRICT",
    "CREATE UNIQUE INDEX message_id ON message (app, id)",
    "CREATE UNIQUE INDEX message_client ON message (app, client_msg_id, sender) WHERE client_msg_id IS NOT "
    "NULL",
    "CREATE INDEX message_listed ON message (room_key, seq) WHERE listed = 1",
    "CREATE INDEX message_updated ON message (room_key, updated_ms) WHERE state <> 2",
    "CREATE INDEX message_reply ON message (app, reply, seq) WHERE reply IS NOT NULL",
    "CREATE TABLE hidden (room_key INTEGER NOT NULL, user_id TEXT NOT NULL, message TEXT NOT NULL, "
    "hidden_ms INTEGER NOT NULL, PRIMARY KEY (room_key, user_id, message)) STRICT, WITHOUT ROWID",

    "CREATE TABLE recall (app INTEGER NOT NULL, message TEXT NOT NULL, room_key INTEGER NOT NULL, seq "
    "INTEGER NOT NULL, time_ms INTEGER NOT NULL, operator_id TEXT, is_delete INTEGER NOT NULL, is_admin "
    "INTEGER NOT NULL, disable_update_last INTEGER NOT NULL, extra TEXT, reason TEXT, author TEXT, sent_ms "
    "INTEGER NOT NULL, objname TEXT, PRIMARY KEY (app, message)) STRICT, WITHOUT ROWID",
    "CREATE INDEX recall_unseen ON recall (app, time_ms) WHERE sent_ms = 0",
    "CREATE TABLE event (room_key INTEGER NOT NULL, seq INTEGER NOT NULL, type INTEGER NOT NULL, subject "
    "TEXT, version INTEGER NOT NULL, data TEXT, time_ms INTEGER NOT NULL, PRIMARY KEY (room_key, seq)) "
    "STRICT, WITHOUT ROWID",

    "CREATE TABLE device (app INTEGER NOT NULL, user_id TEXT NOT NULL, device TEXT NOT NULL, caps TEXT, "
    "packages TEXT, seen_ms INTEGER NOT NULL, PRIMARY KEY (app, user_id, device)) STRICT, WITHOUT ROWID",
    "CREATE TABLE ack (room_key INTEGER NOT NULL, user_id TEXT NOT NULL, device TEXT NOT NULL, seq INTEGER "
    "NOT NULL, acked_ms INTEGER NOT NULL, PRIMARY KEY (room_key, user_id, device)) STRICT, WITHOUT ROWID",
    "CREATE TABLE refused (room_key INTEGER NOT NULL, seq INTEGER NOT NULL, user_id TEXT NOT NULL, device "
    "TEXT NOT NULL, refused_ms INTEGER NOT NULL, PRIMARY KEY (room_key, seq, user_id, device)) STRICT, "
    "WITHOUT ROWID",
    NULL,
};

/*
 * Version 2: the ledger of recalls.
 *
 * member_past: a stay that ended; the member's last event was left_seq. ack_log: an ack that moved a device's place in a room
 * from from_seq to to_seq and so covered at least one recall; what it says of each of them is the time of the ack.
 * The indexes by age are only ever appended to; those by device change when a device acks in a room for the first time.
 */
static const char *const version_2[] = {
    "CREATE TABLE member_past (room_key INTEGER NOT NULL, user_id TEXT NOT NULL, left_seq INTEGER NOT NULL, joined_seq "
    "INTEGER NOT NULL, left_ms INTEGER NOT NULL, PRIMARY KEY (room_key, user_id, left_seq)) STRICT, WITHOUT ROWID",
    "CREATE INDEX member_past_age ON member_past (left_ms)",
    "CREATE TABLE ack_log (room_key INTEGER NOT NULL, user_id TEXT NOT NULL, device TEXT NOT NULL, to_seq INTEGER NOT "
    "NULL, from_seq INTEGER NOT NULL, acked_ms INTEGER NOT NULL, PRIMARY KEY (room_key, user_id, device, to_seq)) "
    "STRICT, WITHOUT ROWID",
    "CREATE INDEX ack_log_age ON ack_log (acked_ms)",
    "CREATE INDEX recall_room ON recall (room_key, seq)",
    "CREATE INDEX device_age ON device (seen_ms)",
    "CREATE INDEX ack_device ON ack (user_id, device)",
    "CREATE INDEX refused_device ON refused (user_id, device)",
    NULL,
};

/*
 * Version 3: what is for some receivers only.
 *
 * message.audience: JSON that says who may see the message and every event about it; NULL: whoever may read the room
 * (core/audience.h). message.counted: 0 if it never counts as unread. message_limited finds the few that a reader's total leaves
 * out; message_quiet those that count as unread though no list shows them.
 * tag, package: what the users of a push are chosen by. They hold for events of ~broadcast with from_seq < seq <= to_seq, so that
 * a recall reaches those whom the push reached, whatever was changed in between. quota: when something that is limited by the hour
 * or the day was done; n tells apart what happened in one millisecond.
 */
static const char *const version_3[] = {
    "ALTER TABLE message ADD COLUMN audience TEXT",
    "ALTER TABLE message ADD COLUMN counted INTEGER NOT NULL DEFAULT 1",
    "CREATE INDEX message_limited ON message (room_key, seq) WHERE audience IS NOT NULL",
    "CREATE INDEX message_quiet ON message (room_key, seq) WHERE listed = 0 AND state = 0 AND counted = 1",
    "CREATE TABLE tag (app INTEGER NOT NULL, user_id TEXT NOT NULL, tag TEXT NOT NULL, from_seq INTEGER NOT NULL, to_seq "
    "INTEGER NOT NULL, PRIMARY KEY (app, user_id, tag, from_seq)) STRICT, WITHOUT ROWID",
    "CREATE TABLE package (app INTEGER NOT NULL, user_id TEXT NOT NULL, package TEXT NOT NULL, device TEXT NOT NULL, from_seq "
    "INTEGER NOT NULL, PRIMARY KEY (app, user_id, package, device)) STRICT, WITHOUT ROWID",
    "CREATE TABLE quota (app INTEGER NOT NULL, kind INTEGER NOT NULL, time_ms INTEGER NOT NULL, n INTEGER NOT NULL, PRIMARY "
    "KEY (app, kind, time_ms, n)) STRICT, WITHOUT ROWID",
    NULL,
};

/*
 * Version 4: fewer pages for each event and each recall.
 *
 * event.recalled: the number of the room's last recall up to this event, itself included; 0: none. So "which recalls stand between these two"
 * is answered along the log, and needs no index of recalls by room, which would cost a commit one page for each room in it. A room's number
 * is that of its last event: room.seq is written only where retention takes events away.
 */
static const char *const version_4[] = {
    "ALTER TABLE event ADD COLUMN recalled INTEGER NOT NULL DEFAULT 0",
    "UPDATE event SET recalled = coalesce((SELECT max(c.seq) FROM recall c WHERE c.room_key = event.room_key AND c.seq <= event.seq), 0) "
    "WHERE room_key IN (SELECT room_key FROM recall)",
    "DROP INDEX recall_room",
    NULL,
};

/*
 * Version 5: a message is its own event.
 *
 * The log of a room is its events other than new messages, and its messages, by seq: a new message costs the log no page. So each message
 * is in one of two indexes by room and seq, message_listed or message_unlisted. room.recalled: the number of the last recall that retention
 * took from the log; 0: none. event.recalled goes on from it.
 *
 * message_quiet begins with one column more, which is the same in all of it: where it and message_unlisted both serve, SQLite would take either, and
 * a room may have many messages that no list shows and few of them that count.
 */
static const char *const version_5[] = {
    "CREATE INDEX message_unlisted ON message (room_key, seq) WHERE listed = 0",
    "DROP INDEX message_quiet",
    "CREATE INDEX message_quiet ON message (room_key, counted, seq) WHERE listed = 0 AND state = 0 AND counted = 1",
    "ALTER TABLE room ADD COLUMN recalled INTEGER NOT NULL DEFAULT 0",
    "UPDATE room SET recalled = coalesce((SELECT e.recalled FROM event e WHERE e.room_key = room.key ORDER BY e.seq LIMIT 1), 0) "
    "WHERE min_seq > 1",
    "UPDATE room SET recalled = 0 WHERE recalled >= min_seq", /* that is the log's first event itself */
    "DELETE FROM event WHERE type = 1",
    NULL,
};

/* The steps, oldest first; step i leads to version i + 1. A released step is never changed: a change is a
 * new one. */
static const char *const *const steps[] = {version_1, version_2, version_3, version_4, version_5};

int64_t schema_version(void)
{
    return (int64_t)(sizeof(steps) / sizeof(steps[0]));
}

/* Reads a value of `meta`; false if it has none or cannot be read (db_status tells). */
static bool meta_get(struct db *db, struct str name, char *out, size_t size)
{
    struct db_stmt *s = db_statement(db, SQL_META_GET);
    bool found = false;

    if (s == NULL)
        return false;
    db_bind_text(s, 1, name);
    if (db_step(s)) {
        const struct str value = db_bytes(s, 0);

        snprintf(out, size, "%.*s", (int)value.n, value.p);
        found = true;
    }
    db_reset(s);
    return found;
}

static bool meta_put(struct db *db, struct str name, const char *value)
{
    struct db_stmt *s = db_statement(db, SQL_META_PUT);

    if (s == NULL)
        return false;
    db_bind_text(s, 1, name);
    db_bind_text(s, 2, str_c(value));
    db_step(s);
    db_reset(s);
    return db_status(db) == DB_OK;
}

static bool apply(struct db *db, int64_t version)
{
    char text[24];

    for (const char *const *sql = steps[version]; *sql != NULL; sql++) {
        if (!db_exec(db, *sql))
            return false;
    }
    snprintf(text, sizeof(text), "%lld", (long long)version + 1);
    return meta_put(db, STR("schema"), text);
}

/* The version of the tables that are there: 0 none, -1 not ours or not readable. */
static int64_t version_of(struct db *db, const char *uri, char *error, size_t error_size)
{
    char text[24] = "";
    const int meta = db_has_table(db, "meta");
    const int any = db_has_table(db, NULL);

    if (meta == 0 && any == 0)
        return 0;
    if (meta == 1 && meta_get(db, STR("schema"), text, sizeof(text)) && strtoll(text, NULL, 10) > 0)
        return strtoll(text, NULL, 10);
    if (db_status(db) != DB_OK && meta != 1)
        snprintf(error, error_size, "the database %s cannot be read: %s", uri, db_error(db));
    else
        snprintf(error, error_size, "the database %s was made by another program: name another file", uri);
    return -1;
}

bool schema_migrate(struct db *db, const char *uri, char *error, size_t error_size)
{
    int64_t version = version_of(db, uri, error, error_size);

    if (version < 0)
        return false;
    if (version > schema_version()) {
        snprintf(error, error_size,
                 "the database %s was written by a newer recalld (schema %lld; this one knows up to %lld): install "
                 "that version, or name another database",
                 uri, (long long)version, (long long)schema_version());
        return false;
    }
    if (version > 0 && version < schema_version()) /* of a large database indexes take their time */
        log_info("store_schema_rises", LOG_INT("from", version), LOG_INT("to", schema_version()), LOG_END);
    for (; version < schema_version(); version++) {
        if (!db_begin_write(db) || !apply(db, version) || !db_commit(db, NULL)) {
            if (db_status(db) == DB_FULL)
                snprintf(error, error_size, "the disk that holds the database %s is full", uri);
            else
                snprintf(error, error_size, "the database %s cannot be brought to schema %lld: %s", uri,
                         (long long)version + 1, db_error(db));
            db_rollback(db);
            return false;
        }
    }
    return true;
}

bool schema_epoch(struct db *db, char out[static SCHEMA_EPOCH_SIZE], char *error, size_t error_size)
{
    static const char digits[] = "0123456789abcdefghijklmnopqrstuvwxyz";
    unsigned char random[8];

    if (!db_begin_write(db))
        goto err;
    if (!meta_get(db, STR("epoch"), out, SCHEMA_EPOCH_SIZE) && db_status(db) == DB_OK) {
        id_random(random, sizeof(random));
        for (size_t i = 0; i < sizeof(random); i++)
            out[i] = digits[random[i] % (sizeof(digits) - 1)];
        out[sizeof(random)] = '\0';
        meta_put(db, STR("epoch"), out);
    }
    if (db_commit(db, NULL))
        return true;
err:
    snprintf(error, error_size, "the log's epoch cannot be kept: %s", db_error(db));
    db_rollback(db);
    return false;
}
