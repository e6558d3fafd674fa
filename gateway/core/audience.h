/*
 * gateway/core/audience.h - who alone may see a message and every event about it.
 *
 * Owns:    an audience owns its user ids; freed when the last reference goes (atomic count).
 * Borrows: texts, for the call.
 * Bounds:  the text of message.audience; a push names at most 20 tags of each kind (the api checks).
 * Fails:   a text that says nothing this knows is seen by nobody. Out of memory aborts: a frame without its audience would reach
 *          everybody.
 * Thread:  a struct audience is immutable: any. What asks the database: inside a job's run.
 *
 * The text, as it stands in message.audience, is one of
 *   absent                                                           everyone who may read the room
 *   {"users":["ann","ben"]}                                          these users
 *   {"tag":["a","b"],"tag_or":["c","d"],"packageName":"com.example"} users with all of `tag`, one of `tag_or`, and a device that
 *                                                                    named the package; what is not given is not asked
 * Users are decided by the frame alone, on the thread that sends it. Tags and packages are asked of the database, as they were at the
 * message's own seq: so a recall reaches exactly those whom its message reached, whatever was changed in between. The platform
 * (an absent user) sees everything.
 */
#ifndef RECALLD_CORE_AUDIENCE_H
#define RECALLD_CORE_AUDIENCE_H

#include "core/tx.h"

struct audience;

enum audience_answer {
    AUDIENCE_NO,
    AUDIENCE_YES,
    AUDIENCE_ASK, /* only the database knows */
};

/* From the text of a row; NULL for an absent text. One reference is the caller's. */
struct audience *audience_parse(struct str text);
struct audience *audience_ref(struct audience *a); /* NULL is legal, and stays NULL */
void audience_unref(struct audience *a);           /* NULL is legal */

/* May `user` see what is for `a`? NULL: everyone may. Never asks the database. */
enum audience_answer audience_of(const struct audience *a, struct str user);
/* The same, asking it where needed: `m` is the message that the audience is of. False also when the store failed. */
bool audience_holds(struct core_tx *tx, const struct audience *a, struct str user, const struct message_row *m);
/* May `user` (absent: the platform) see the message, as far as its audience says? */
bool audience_sees(struct core_tx *tx, struct str user, const struct message_row *m);
/* May everyone who sees a message with the text `outer` see one with the text `inner`, which it quotes? Only where nothing is asked of
 * the database: the same tags were others' at another number. */
bool audience_covers(struct str outer, struct str inner);

/* The texts of rows, in the arena. Users come without repetition in byte order; an empty list is an audience of nobody. */
struct str audience_users(struct arena *arena, const struct str *users, size_t n);
/* What a push names; empty lists and an absent package are not asked. Absent when nothing is asked: everyone. */
struct str audience_push(struct arena *arena, const struct str *all, size_t all_count, const struct str *any, size_t any_count,
                         struct str package);

#endif
