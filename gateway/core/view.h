/*
 * gateway/core/view.h - rows as the JSON objects that callers and frames show. Owns nothing; appends one value to `o`.
 * Thread: inside a job's run.
 */
#ifndef RECALLD_CORE_VIEW_H
#define RECALLD_CORE_VIEW_H

#include "core/tx.h"

#define VIEW_MARKS 4

/* Where the objects of messages stand in a text: what a recall has to cut out of it. Quotes stand inside their message. */
struct view_mark {
    struct str id; /* the message shown there */
    size_t at, len;
};

struct view_marks {
    struct view_mark mark[VIEW_MARKS];
    size_t count;
};

/* The message as it is now: content when live; recalled: message "", messageType "recall", sender the one who recalled.
 * `marks` may be NULL; else the object and the quote in it
 * are added, with offsets into o->p. */
void view_message(struct core_tx *tx, struct json_out *o, const struct message_row *m, struct view_marks *marks);
/* The recall of a message, from the job that is making it or from the store; false: there is none. */
bool view_recall(const struct core_tx *tx, struct str message, struct recall_row *out);
/* {_id, id, nickname, avatarUrl, isRobot, lastLoginTimeMS} or null when `user` is absent; an unknown user has only ids. */
void view_sender(struct core_tx *tx, struct json_out *o, struct str user);
/* The client object of the admin calls: everything stored; token fields are added by the caller through json_out before the end. */
void view_client_fields(struct json_out *o, const struct client_row *c);
/* What the rooms of one answer may cost: an unread count walks the log, and a list may name many rooms with many members each. */
struct view_budget {
    size_t members; /* that each room lists; memberCount is exact */
    size_t badges;  /* unread counts of other members than the caller, in all; further ones are null */
};

#define VIEW_BADGE_MAX 99
#define VIEW_UNREAD_MAX 9999
#define VIEW_ONE_ROOM ((struct view_budget){1000, 50})
#define VIEW_MANY_ROOMS ((struct view_budget){50, 200})

/* The room as `user` sees it (absent: the platform): id, name, roomType, owner, members, memberProperties, lastMessage, unread. A badge of
 * another member counts up to VIEW_BADGE_MAX, the caller's own and `unread` up to 9,999. Takes from the budget. */
void view_room(struct core_tx *tx, struct json_out *o, const struct room_row *r, struct str user, struct view_budget *budget);
/* The members of a JSON object text, appended to the object that is open in `o`, leaving out keys that `skip` (NULL-terminated) names. */
void view_merge_fields(struct json_out *o, struct str object, const char *const *skip);

#endif
