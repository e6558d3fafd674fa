/*
 * gateway/core/object.h - a message as RongCloud's dialect names it: objectName and content, whichever dialect it was sent in.
 *
 * Owns:    nothing; what it makes lives in the arena given.
 * Borrows: every text, for the call.
 * Bounds:  objectName OBJECT_NAME_MAX bytes; JSON of OBJECT_DEPTH_MAX levels.
 * Fails:   never; object_compact gives an absent text for what is no JSON.
 * Thread:  any; object_read and object_name_of inside a job's run.
 *
 * A message sent in this dialect keeps {"objectName","content",…} in its row's content; one of IMKit's has an objectName by its type.
 * The copy of a quoted message (`referMsg`) is never stored: it is rendered from the quoted message as it is now, so that its recall reaches it.
 */
#ifndef RECALLD_CORE_OBJECT_H
#define RECALLD_CORE_OBJECT_H

#include "core/tx.h"

#define OBJECT_NAME_MAX 32U
#define OBJECT_DEPTH_MAX 60U

/* A message to RongCloud's clients. */
struct object {
    struct str name;       /* objectName; the original one also after a recall */
    struct str content;    /* one JSON value: an object, or a string where the sender's text was no object; {} once recalled */
    bool recalled;
    bool not_persisted;    /* sent with isPersisted=0 */
    bool expansion;
    struct str extra_content; /* as sent; absent: none */
};

/* A name that a message may be sent under: OBJECT_NAME_MAX bytes without control characters, and RC:… only if RongCloud defines it. */
bool object_name_valid(struct str name);
/* The type of the message's row: text, image, voice, file, video, location, or the name itself. */
struct str object_type(struct str name);

/* JSON without blanks between its parts and without line breaks, safe in a script element; absent if the text is no JSON or too deep. */
struct str object_compact(struct arena *arena, struct str text);
/* The value of a member of a JSON object's text (which has no blanks around it), as text; absent if there is none. */
struct str object_member(struct str object, const char *key);
/* The text that a JSON string stands for; absent for another value. */
struct str object_string(struct arena *arena, struct str value);

/* The objectName of a message, also of a recalled one. Absent when the store failed. */
struct str object_name_of(struct core_tx *tx, const struct message_row *m);
/* The message as it is now, with the quoted message in the content of a quote (one level). */
void object_read(struct core_tx *tx, const struct message_row *m, struct object *out);

#endif
