/* Chatrooms: any user of the app may read one while it exists. */
#include "api/rc.h"

#include "core/chatroom.h"

#define NAME_MAX_BYTES 256
#define ROOMS_MAX 100

struct chatroom_call {
    struct str *ids, *names;
    size_t n;
};

static struct chatroom_call *make(struct api_call *call, size_t n)
{
    struct chatroom_call *c = arena_alloc(&call->arena, sizeof(*c));

    call->command = c;
    c->ids = arena_alloc(&call->arena, (n + 1) * sizeof(*c->ids));
    c->names = arena_alloc(&call->arena, (n + 1) * sizeof(*c->names));
    return c;
}

static bool add(struct api_call *call, struct chatroom_call *c, const char *parameter, struct str id, struct str name)
{
    if (id.n > CHATROOM_ID_MAX)
        return rc_refuse(call, RC_TOO_LONG, "%s: the chatroom's id is longer than %u bytes", parameter, CHATROOM_ID_MAX);
    if (!rc_is_group(call, parameter, id))
        return false;
    if (name.n > NAME_MAX_BYTES)
        return rc_refuse(call, RC_TOO_LONG, "%s: the chatroom's name is longer than %d bytes", parameter, NAME_MAX_BYTES);
    c->ids[c->n] = id;
    c->names[c->n++] = name;
    return true;
}

/* chatroom[ID]=NAME, any number of them. */
bool rc_chatroom_create_parse(struct api_call *call)
{
    size_t at = 0, n = 0;
    struct str id, name;
    struct chatroom_call *c;

    while (rc_form_next_keyed(call->form, "chatroom", &at, &id, &name))
        n++;
    if (n == 0)
        return rc_refuse(call, RC_PARAMETER, "chatroom is missing: send chatroom[ID]=NAME");
    if (n > ROOMS_MAX)
        return rc_refuse(call, RC_TOO_LONG, "There are more than %d of chatroom", ROOMS_MAX);
    c = make(call, n);
    for (at = 0; rc_form_next_keyed(call->form, "chatroom", &at, &id, &name);)
        if (!add(call, c, "chatroom", id, name))
            return false;
    return true;
}

bool rc_chatroom_create_new_parse(struct api_call *call)
{
    struct chatroom_call *c = make(call, 1);
    struct str id, name;

    return rc_text(call, "chatroomId", true, SIZE_MAX, &id) && rc_text(call, "name", false, NAME_MAX_BYTES, &name) &&
           add(call, c, "chatroomId", id, name.p != NULL ? name : STR(""));
}

enum result rc_chatroom_create(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct chatroom_call *c = call->command;
    enum result rc = RESULT_OK;

    (void)who;
    for (size_t i = 0; i < c->n && rc == RESULT_OK; i++)
        rc = chatroom_create(tx, c->ids[i], c->names[i], &call->out);
    return rc;
}

bool rc_chatroom_destroy_parse(struct api_call *call)
{
    struct rc_list list;
    struct chatroom_call *c;

    if (!rc_groups(call, "chatroomId", true, ROOMS_MAX, &list))
        return false;
    c = make(call, list.n);
    for (size_t i = 0; i < list.n; i++)
        if (!add(call, c, "chatroomId", list.p[i], STR("")))
            return false;
    return true;
}

enum result rc_chatroom_destroy(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct chatroom_call *c = call->command;
    enum result rc = RESULT_OK;

    (void)who;
    for (size_t i = 0; i < c->n && rc == RESULT_OK; i++)
        rc = chatroom_destroy(tx, c->ids[i], &call->out);
    return rc;
}
