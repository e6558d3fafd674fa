/* The tags of users. */
#include "api/rc.h"

#include "core/tag.h"

#define BATCH_MAX 1000
#define GET_MAX 50

struct tag_call {
    struct rc_list users;
    struct rc_list tags;
};

static bool is_tag(struct api_call *call, const char *name, struct str tag)
{
    if (tag.n > TAG_BYTES_MAX)
        return rc_refuse(call, RC_TOO_LONG, "%s: a tag is longer than %u bytes", name, TAG_BYTES_MAX);
    return true;
}

/* An empty list is a list: it takes all tags away. */
static bool was_given(const struct api_call *call)
{
    size_t at = 0;
    struct str value;

    return call->body != NULL ? json_is_array(json_object_get(call->body, "tags")) || json_is_string(json_object_get(call->body, "tags"))
                              : rc_form_next(call->form, "tags", &at, &value);
}

static bool read_tags(struct api_call *call, struct tag_call *c)
{
    size_t at = 0, n = 0;
    struct str value;

    if (!was_given(call))
        return rc_refuse(call, RC_PARAMETER, "tags must be a list of texts; an empty one takes all tags away");
    if (!rc_is_list(call, "tags"))
        return false;
    while (rc_form_next(call->form, "tags", &at, &value))
        n++;
    c->tags = (struct rc_list){arena_alloc(&call->arena, (n + 1) * sizeof(*c->tags.p)), 0};
    for (at = 0; rc_form_next(call->form, "tags", &at, &value);) {
        if (!is_tag(call, "tags", value))
            return false;
        c->tags.p[c->tags.n++] = value;
    }
    rc_unique(&call->arena, &c->tags);
    if (c->tags.n > TAG_COUNT_MAX)
        return rc_refuse(call, RC_TOO_LONG, "There are more than %u of tags", TAG_COUNT_MAX);
    call->out.rc = tag_check(c->users.p[0], c->tags.p, c->tags.n, &call->out);
    return call->out.rc == RESULT_OK;
}

static bool parse(struct api_call *call, const char *name, size_t max)
{
    struct tag_call *c = arena_alloc(&call->arena, sizeof(*c));

    call->command = c;
    return rc_users(call, name, true, max, &c->users);
}

bool rc_tag_set_parse(struct api_call *call)
{
    return parse(call, "userId", 1) && read_tags(call, call->command);
}

bool rc_tag_set_batch_parse(struct api_call *call)
{
    return parse(call, "userIds", BATCH_MAX) && read_tags(call, call->command);
}

enum result rc_tag_set(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct tag_call *c = call->command;
    enum result rc = RESULT_OK;

    (void)who;
    for (size_t i = 0; i < c->users.n && rc == RESULT_OK; i++)
        rc = tag_set(tx, c->users.p[i], c->tags.p, c->tags.n, &call->out);
    return rc;
}

bool rc_tag_get_parse(struct api_call *call)
{
    size_t at = 0;
    struct str value;

    return parse(call, rc_form_next(call->form, "userIds", &at, &value) ? "userIds" : "userId", GET_MAX);
}

enum result rc_tag_get(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct tag_call *c = call->command;
    struct json_out *o = &call->out.result;
    struct str tags[TAG_COUNT_MAX];

    (void)who;
    json_out_object(o);
    json_out_key(o, "result");
    json_out_object(o);
    for (size_t i = 0; i < c->users.n; i++) {
        const size_t n = tag_list(tx, c->users.p[i], tags, TAG_COUNT_MAX);

        json_out_name(o, c->users.p[i].p, c->users.p[i].n);
        json_out_array(o);
        for (size_t k = 0; k < n; k++)
            json_out_str(o, tags[k].p, tags[k].n);
        json_out_array_end(o);
    }
    json_out_object_end(o);
    json_out_object_end(o);
    return RESULT_OK;
}
