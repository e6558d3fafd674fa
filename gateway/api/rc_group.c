/* Groups: rooms with the same id. */
#include "api/rc.h"

#include "core/group.h"

#define NAME_MAX_BYTES 256

struct group_call {
    struct str id, name;
    struct rc_list users;
};

static bool parse(struct api_call *call, bool wants_users)
{
    struct group_call *g = arena_alloc(&call->arena, sizeof(*g));

    call->command = g;
    return rc_group(call, "groupId", true, &g->id) && rc_text(call, "groupName", false, NAME_MAX_BYTES, &g->name) &&
           (!wants_users || rc_users(call, "userId", true, GROUP_USERS_MAX, &g->users));
}

bool rc_group_create_parse(struct api_call *call)
{
    return parse(call, true);
}

enum result rc_group_create(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;

    (void)who;
    return group_create(tx, g->id, g->name, g->users.p, g->users.n, &call->out);
}

bool rc_group_join_parse(struct api_call *call)
{
    return parse(call, true);
}

enum result rc_group_join(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;

    (void)who;
    return group_join(tx, g->id, g->name, g->users.p, g->users.n, &call->out);
}

bool rc_group_quit_parse(struct api_call *call)
{
    return parse(call, true);
}

enum result rc_group_quit(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;

    (void)who;
    return group_quit(tx, g->id, g->users.p, g->users.n, &call->out);
}

bool rc_group_dismiss_parse(struct api_call *call)
{
    return parse(call, false);
}

enum result rc_group_dismiss(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;

    (void)who;
    return group_dismiss(tx, g->id, call->steps_done, &call->out);
}

bool rc_group_refresh_parse(struct api_call *call)
{
    struct str name;

    return parse(call, false) && rc_text(call, "groupName", true, NAME_MAX_BYTES, &name);
}

enum result rc_group_refresh(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;

    (void)who;
    return group_refresh(tx, g->id, g->name, &call->out);
}

bool rc_group_users_parse(struct api_call *call)
{
    return parse(call, false);
}

enum result rc_group_users(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct group_call *g = call->command;
    struct json_out *o = &call->out.result;
    struct str *users;
    size_t n;
    const enum result rc = group_users(tx, g->id, &users, &n, &call->out);

    (void)who;
    if (rc != RESULT_OK)
        return rc;
    json_out_object(o);
    json_out_key(o, "users");
    json_out_array(o);
    for (size_t i = 0; i < n; i++) {
        json_out_object(o);
        json_out_kstr(o, "id", users[i].p, users[i].n);
        json_out_object_end(o);
    }
    json_out_array_end(o);
    json_out_object_end(o);
    return RESULT_OK;
}
