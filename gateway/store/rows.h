/*
 * gateway/store/rows.h - the rows of the database as structures.
 *
 * Owns nothing: every text of a row that was read lives in the arena of the job's connection, until the job's run returns.
 * For a row to be written the texts are only read during the call. Times are wall-clock milliseconds since 1970 unless the
 * name says _s (seconds). `app` is the number that store_app_intern gave the app's name.
 */
#ifndef RECALLD_STORE_ROWS_H
#define RECALLD_STORE_ROWS_H

#include "base/str.h"

#include <stdint.h>

enum member_role { ROLE_MEMBER = 0, ROLE_MANAGER = 1, ROLE_ADMIN = 2, ROLE_OWNER = 3 };

enum event_type { EVENT_MESSAGE = 1, EVENT_EDIT = 2, EVENT_RECALL = 3, EVENT_ROOM = 4 };

enum message_state { MESSAGE_LIVE = 0, MESSAGE_RECALLED = 1, MESSAGE_DELETED = 2 };

struct client_row {
    struct str id, nickname, avatar;
    struct str fields; /* JSON object text with whatever else the backend stored; absent: none */
    bool is_robot;
    int64_t last_login_ms, created_ms, updated_ms;
    int64_t token_gen;         /* tokens issued with a smaller generation are invalid */
    int64_t tokens_revoked_s;  /* foreign tokens issued at or before this are invalid; 0: never */
};

struct room_row {
    int64_t key; /* database key, never shown */
    int64_t app;
    struct str id, name, type; /* type: "direct" or "group" */
    struct str owner;          /* user id, may be empty */
    struct str fields;         /* JSON object text of further room fields; absent: none */
    int opening;               /* 0 closed, 1 any user of the app may join */
    int64_t seq;               /* of the last event; 0: none yet */
    int64_t min_seq;           /* of the oldest event still kept; 1 at first */
    int64_t created_ms, updated_ms;
};

struct member_row {
    struct str user;
    enum member_role role;
    int64_t joined_seq;   /* the room's seq just before the joining event */
    int64_t joined_ms;
    int64_t read_seq;     /* messages with a greater seq are unread */
    struct str read_id;   /* the message last read; absent: none */
};

struct message_row {
    int64_t key;
    int64_t room_key;
    struct str room;      /* the room's id */
    struct str id;
    struct str sender;    /* user id; absent: sent by the platform without a sender. After a recall still the author. */
    struct str type;      /* "text", ...; the original type even when recalled */
    struct str body;      /* JSON value text of `message`; absent once recalled */
    struct str content;   /* JSON object text of all other content fields; absent: none, or recalled */
    struct str reply;     /* id of the quoted message; absent: none */
    struct str batch;     /* batchID; absent: none */
    struct str client_msg_id; /* absent: none */
    int64_t time_ms, created_ms, updated_ms;
    int64_t seq;          /* of the event that brought it */
    int64_t version;      /* 1, and one more for each edit */
    enum message_state state;
    struct str audience;  /* JSON: who alone may see the message and every event about it (core/audience.h); absent: everyone who
                           * may read the room */
    bool not_counted;     /* never counts as unread; always so with an audience */
    bool unlisted;        /* written only: no conversation list ever shows it; always so with an audience */
    /* Only of a row from store_message_outline, whose room's id and body are absent: */
    bool outlined;
    bool quoted;          /* some message quotes it */
    int64_t content_key;  /* 0: it has no content */
    int64_t body_size;    /* bytes; -1: it has no body */
};

struct recall_row {
    struct str message; /* id */
    int64_t room_key;
    int64_t seq;        /* of the recall event; 0: recalled before the message came and no room event yet */
    int64_t time_ms;
    struct str operator_id; /* who recalled; absent: the platform without a sender */
    bool is_delete, is_admin, disable_update_last;
    struct str extra, reason; /* absent: none */
    struct str author;        /* the message's author, or for a recall-first the author it is limited to; absent: unknown/any */
    int64_t sent_ms;          /* the message's own time; 0: not seen yet */
    struct str objname;       /* reserved for the RongCloud dialect: original objectName; absent: none */
};

/* Of a new message, EVENT_MESSAGE, the log has the message itself: its number, type and key are filled, and the rest is in its row. */
struct event_row {
    int64_t room_key;
    int64_t seq;
    enum event_type type;
    struct str subject; /* message id, or user id for room events; absent: none */
    int64_t version;
    struct str data;    /* JSON object text: only for EVENT_ROOM, never message content */
    int64_t time_ms;
    int64_t message_key; /* EVENT_MESSAGE as it was read; 0: other events */
};

struct device_row {
    struct str user, device;
    struct str caps;     /* comma separated, sorted */
    struct str packages; /* comma separated */
    int64_t seen_ms;
};

struct token_row {
    unsigned char hash[32]; /* SHA-256 of the token */
    struct str user;
    int64_t expires_ms; /* 0: never */
};

#endif
