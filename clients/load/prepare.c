#include "clients/load/prepare.h"

#include "clients/load/batch.h"
#include "proto/codec/json_out.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#define AT_ONCE 500U /* users, or members, in one call */

static uint32_t members_of(const struct run *r, uint32_t room)
{
    return (r->options->connections - room - 1) / r->options->rooms + 1;
}

/* How many calls the members of one room take. */
static uint32_t parts_of(const struct run *r)
{
    return (members_of(r, 0) + AT_ONCE - 1) / AT_ONCE;
}

/* --- users --- */

static bool call_users(struct run *r, uint32_t i, struct batch_call *call)
{
    const uint32_t from = i * AT_ONCE, all = r->options->connections,
                   to = from + AT_ONCE < all ? from + AT_ONCE : all;
    struct json_out o;
    char name[NAMES_MOST];

    json_out_init(&o);
    json_out_array(&o);
    for (uint32_t u = from; u < to; u++) {
        names_user(&r->names, u, name);
        json_out_object(&o);
        json_out_kcstr(&o, "_id", name);
        json_out_kcstr(&o, "nickname", name);
        json_out_kbool(&o, "issueAccessToken", true);
        json_out_object_end(&o);
    }
    json_out_array_end(&o);
    snprintf(call->path, sizeof(call->path), "/admin/clients/list");
    call->body = json_out_take(&o, &call->len);
    json_out_free(&o);
    return call->body != NULL;
}

static bool took_users(struct run *r, uint32_t i, const struct caller_answer *answer)
{
    const uint32_t from = i * AT_ONCE;
    json_t *root = json_loadb(answer->body, answer->len, 0, NULL);
    const json_t *list = json_object_get(root, "result"), *client;
    const uint32_t all = r->options->connections, wanted = from + AT_ONCE < all ? AT_ONCE : all - from;
    bool ok = json_array_size(list) == wanted;

    for (uint32_t k = 0; ok && k < wanted; k++) {
        char *token;

        client = json_array_get(list, k);
        token = json_is_string(json_object_get(client, "token"))
                    ? strdup(json_string_value(json_object_get(client, "token")))
                    : NULL;
        ok = token != NULL;
        if (ok)
            crowd_token(&r->crowd, from + k, token);
    }
    r->users_made = ok && from + wanted > r->users_made ? from + wanted : r->users_made;
    json_decref(root);
    return ok;
}

/* --- rooms --- */

/* The members of a room by name, from the given one on, at most AT_ONCE. */
static void write_members(const struct run *r, struct json_out *o, const char *key, uint32_t room,
                          uint32_t from)
{
    const uint32_t all = members_of(r, room), to = from + AT_ONCE < all ? from + AT_ONCE : all;
    char name[NAMES_MOST];

    json_out_key(o, key);
    json_out_array(o);
    for (uint32_t k = from; k < to; k++) {
        names_user(&r->names, room + r->options->rooms * k, name);
        json_out_cstr(o, name);
    }
    json_out_array_end(o);
}

static bool finish(struct json_out *o, struct batch_call *call)
{
    json_out_object_end(o);
    call->body = json_out_take(o, &call->len);
    json_out_free(o);
    return call->body != NULL;
}

static bool call_room(struct run *r, uint32_t i, struct batch_call *call)
{
    struct json_out o;
    char name[NAMES_MOST];

    names_room(&r->names, i, name);
    json_out_init(&o);
    json_out_object(&o);
    json_out_kcstr(&o, "_id", name);
    json_out_kcstr(&o, "name", name);
    json_out_kcstr(&o, "roomType", "group");
    write_members(r, &o, "invitee", i, 0);
    snprintf(call->path, sizeof(call->path), "/rooms/");
    return finish(&o, call);
}

static bool took_room(struct run *r, uint32_t i, const struct caller_answer *answer)
{
    (void)answer;
    r->rooms_made = i + 1 > r->rooms_made ? i + 1 : r->rooms_made;
    return true;
}

static bool call_part(struct run *r, uint32_t i, struct batch_call *call, const char *path, const char *key,
                      uint32_t part)
{
    struct json_out o;
    char name[NAMES_MOST];

    names_room(&r->names, i, name);
    json_out_init(&o);
    json_out_object(&o);
    write_members(r, &o, key, i, part * AT_ONCE < members_of(r, i) ? part * AT_ONCE : 0);
    snprintf(call->path, sizeof(call->path), "/rooms/%s/%s", name, path);
    return finish(&o, call);
}

static bool call_more_members(struct run *r, uint32_t i, struct batch_call *call)
{
    return call_part(r, i % r->options->rooms, call, "members", "invitees", 1 + i / r->options->rooms);
}

bool prepare_make(struct run *r)
{
    const uint32_t all = r->options->connections, rooms = r->options->rooms;

    r->phase = "making users";
    if (!batch_run(r, &(struct batch){"make the users", (all + AT_ONCE - 1) / AT_ONCE, call_users, took_users,
                                      false}))
        return false;
    r->phase = "making rooms";
    if (!batch_run(r, &(struct batch){"make the rooms", rooms, call_room, took_room, false}))
        return false;
    return batch_run(r, &(struct batch){"add the rooms' members", rooms * (parts_of(r) - 1),
                                        call_more_members, NULL, false});
}

/* --- cleaning up --- */

static bool call_delete_messages(struct run *r, uint32_t i, struct batch_call *call)
{
    char name[NAMES_MOST];

    names_room(&r->names, i, name);
    call->method = "DELETE";
    snprintf(call->path, sizeof(call->path), "/rooms/%s/messages/_all", name);
    return true;
}

static bool call_remove_members(struct run *r, uint32_t i, struct batch_call *call)
{
    return call_part(r, i % r->rooms_made, call, "delete/members", "members", i / r->rooms_made);
}

static bool call_revoke(struct run *r, uint32_t i, struct batch_call *call)
{
    char name[NAMES_MOST];

    names_user(&r->names, i, name);
    call->method = "DELETE";
    snprintf(call->path, sizeof(call->path), "/admin/clients/%s/token", name);
    return true;
}

void prepare_clean(struct run *r)
{
    r->phase = "cleaning up";
    (void)(batch_run(
               r, &(struct batch){"delete the messages", r->rooms_made, call_delete_messages, NULL, true}) &&
           batch_run(r, &(struct batch){"remove the rooms' members", r->rooms_made * parts_of(r),
                                        call_remove_members, NULL, true}) &&
           batch_run(r, &(struct batch){"revoke the tokens", r->users_made, call_revoke, NULL, true}));
}
