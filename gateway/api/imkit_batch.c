#include "api/imkit.h"

#include "api/imkit_body.h"
#include "base/id.h"
#include "base/text.h"
#include "core/room.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define PARAS_MAX 1000
/* All messages of a batch together: a short pattern must not grow into gigabytes. */
#define BATCH_BYTES_MAX ((size_t)16 << 20)

struct batch_message {
    struct str room, receiver; /* one of the two */
    struct str body, content;
};

struct batch_call {
    struct message_command common;
    struct batch_message *messages;
    size_t count;
};

/* One "$name$": "value" of a para. */
struct pattern {
    const char *name;
    struct str value;
};

struct batch_para {
    struct str room, receiver;
    struct pattern *patterns;
    size_t count;
    bool too_large; /* a value could not be put in */
};

/* The pattern that stands at text[i], or NULL. */
static const struct pattern *pattern_at(const struct batch_para *para, struct str text, size_t i)
{
    for (size_t j = 0; text.p[i] == '$' && j < para->count; j++) {
        const size_t len = strlen(para->patterns[j].name);

        if (text.n - i >= len && memcmp(text.p + i, para->patterns[j].name, len) == 0)
            return &para->patterns[j];
    }
    return NULL;
}

/* `text` with every pattern replaced by its value; values are not searched again. Sized before it is made, so
 * that what would be too large costs no memory. */
static struct str replace(struct arena *arena, struct str text, struct batch_para *para)
{
    const struct pattern *found;
    size_t n = 0, at = 0;
    char *out;

    for (size_t i = 0; i < text.n && n <= BATCH_BYTES_MAX; i += found != NULL ? strlen(found->name) : 1) {
        found = pattern_at(para, text, i);
        n += found != NULL ? found->value.n : 1;
    }
    if (n > BATCH_BYTES_MAX) {
        para->too_large = true;
        return STR("");
    }
    out = arena_alloc(arena, n + 1);
    for (size_t i = 0; i < text.n; i += found != NULL ? strlen(found->name) : 1) {
        found = pattern_at(para, text, i);
        if (found == NULL) {
            out[at++] = text.p[i];
        } else {
            if (found->value.n != 0)
                memcpy(out + at, found->value.p, found->value.n);
            at += found->value.n;
        }
    }
    return str_n(out, n);
}

/* A copy of a value in which every text has its patterns replaced. A new reference; NULL without memory. */
static json_t *replaced(struct arena *arena, const json_t *v, struct batch_para *para)
{
    json_t *copy;
    const char *key;
    json_t *item;
    size_t i;

    if (json_is_string(v)) {
        const struct str s = replace(arena, str_n(json_string_value(v), json_string_length(v)), para);

        return json_stringn(s.p, s.n);
    }
    if (json_is_object(v)) {
        copy = json_object();
        json_object_foreach((json_t *)(uintptr_t)v, key, item) {
            (void)json_object_set_new(copy, key, replaced(arena, item, para));
        }
        return copy;
    }
    if (json_is_array(v)) {
        copy = json_array();
        json_array_foreach(v, i, item) {
            (void)json_array_append_new(copy, replaced(arena, item, para));
        }
        return copy;
    }
    return json_copy((json_t *)(uintptr_t)v);
}

static bool read_para(struct api_call *call, const json_t *object, size_t index, struct batch_para *para)
{
    static const struct field table[] = {
        {"room", FIELD_ROOM, false, 0, 0, offsetof(struct batch_para, room)},
        {"receiver", FIELD_USER, false, 0, 0, offsetof(struct batch_para, receiver)},
    };
    struct fields_error err;
    const char *key;
    json_t *value;

    if (!json_is_object(object))
        return call_refuse(call, RESULT_INVALID_BODY, "paras[%zu] must be an object with receiver or room",
                           index);
    if (!fields_read(object, table, COUNT(table), para, &call->arena, &err))
        return call_refuse(call, err.rc, "paras[%zu].%s", index, err.text);
    if ((para->room.p == NULL) == (para->receiver.p == NULL))
        return call_refuse(call, RESULT_MISSING_PARAMETER, "paras[%zu] must have either receiver or room",
                           index);
    para->patterns = arena_alloc(&call->arena, (json_object_size(object) + 1) * sizeof(*para->patterns));
    para->count = 0;
    para->too_large = false;
    json_object_foreach((json_t *)(uintptr_t)object, key, value) {
        const size_t n = strlen(key);

        if (n < 3 || key[0] != '$' || key[n - 1] != '$')
            continue;
        if (!json_is_string(value))
            return call_refuse(call, RESULT_INVALID_BODY, "paras[%zu].%.60s must be a string", index, key);
        para->patterns[para->count++] =
            (struct pattern){key, str_n(json_string_value(value), json_string_length(value))};
    }
    return true;
}

/* The message of one para: `message` and `extra` with the patterns replaced, all other content as it is. */
static bool make_message(struct api_call *call, const json_t *template, struct batch_para *para,
                         struct batch_message *out)
{
    json_t *object = json_copy((json_t *)(uintptr_t) template);
    const json_t *message = json_object_get(template, "message"), *extra = json_object_get(template, "extra");
    struct message_command command;
    struct fields_error err;
    bool ok;

    if (message != NULL)
        (void)json_object_set_new(object, "message", replaced(&call->arena, message, para));
    if (extra != NULL)
        (void)json_object_set_new(object, "extra", replaced(&call->arena, extra, para));
    ok = !para->too_large && imkit_body_message(object, &call->arena, &command, &err);
    if (ok)
        *out = (struct batch_message){para->room, para->receiver, command.body, command.content};
    else if (para->too_large)
        (void)call_refuse(call, RESULT_TOO_LARGE,
                          "A message is larger than %zu bytes with its patterns replaced", BATCH_BYTES_MAX);
    else
        (void)call_refuse(call, err.rc, "%s", err.text);
    json_decref(object);
    return ok;
}

bool imkit_batch_parse(struct api_call *call)
{
    struct batch_call *b = arena_alloc(&call->arena, sizeof(*b));
    const json_t *paras = json_object_get(call->body, "paras");
    struct fields_error err;
    size_t bytes = 0;

    call->command = b;
    if (imkit_body_is_recall(call->body))
        return call_refuse(call, RESULT_INVALID_BODY,
                           "messageType: a batch sends; recall each message by POST /rooms/{id}/message");
    if (!imkit_body_message(call->body, &call->arena, &b->common, &err))
        return call_refuse(call, err.rc, "%s", err.text);
    if (b->common.id.p != NULL || b->common.client_msg_id.p != NULL || b->common.reply.p != NULL)
        return call_refuse(call, RESULT_INVALID_BODY,
                           "A batch takes no _id, no clientMsgId and no reply: its messages are many");
    if (paras == NULL || json_is_null(paras))
        return call_refuse(call, RESULT_MISSING_PARAMETER, "paras is missing: name the receivers or rooms");
    if (!json_is_array(paras) || json_array_size(paras) == 0 || json_array_size(paras) > PARAS_MAX)
        return call_refuse(call, RESULT_INVALID_BODY,
                           "paras must be an array of 1 to %d objects with receiver or room", PARAS_MAX);
    b->messages = arena_alloc(&call->arena, json_array_size(paras) * sizeof(*b->messages));
    for (; b->count < json_array_size(paras); b->count++) {
        struct batch_message *m = &b->messages[b->count];
        struct batch_para para;

        if (!read_para(call, json_array_get(paras, b->count), b->count, &para) ||
            !make_message(call, call->body, &para, m))
            return false;
        if (m->receiver.p != NULL && b->common.sender.p == NULL)
            return call_refuse(call, RESULT_MISSING_PARAMETER,
                               "sender is missing: a message to a receiver needs one");
        bytes += m->body.n + m->content.n;
        if (bytes > BATCH_BYTES_MAX)
            return call_refuse(call, RESULT_TOO_LARGE,
                               "The batch's messages are larger than %zu bytes together", BATCH_BYTES_MAX);
    }
    return true;
}

/* Everything that a send could be refused for, before the first is written. */
static enum result check(struct core_tx *tx, const struct batch_call *b, struct outcome *out)
{
    struct client_row client;
    struct room_row room;

    if (b->common.sender.p != NULL && !store_client_get(tx->conn, tx->app_id, b->common.sender, &client))
        return tx_fail(out, RESULT_NO_CLIENT,
                       "sender: no client has the id \"%.*s\"; create it with POST /admin/clients",
                       (int)b->common.sender.n, b->common.sender.p);
    for (size_t i = 0; i < b->count; i++) {
        const struct batch_message *m = &b->messages[i];

        if (m->room.p != NULL && !store_room_get(tx->conn, tx->app_id, m->room, &room))
            return tx_fail(out, RESULT_NO_ROOM, "paras[%zu].room: the room %.*s does not exist", i,
                           (int)m->room.n, m->room.p);
        if (m->receiver.p != NULL && !store_client_get(tx->conn, tx->app_id, m->receiver, &client))
            return tx_fail(out, RESULT_NO_CLIENT, "paras[%zu].receiver: the client %.*s does not exist", i,
                           (int)m->receiver.n, m->receiver.p);
        if (m->receiver.p != NULL && str_eq(m->receiver, b->common.sender))
            return tx_fail(out, RESULT_INVALID_BODY, "paras[%zu].receiver must be another client than sender",
                           i);
    }
    return RESULT_OK;
}

enum result imkit_batch_run(struct api_call *call, struct core_tx *tx, const struct principal *who)
{
    const struct batch_call *b = call->command;
    char batch[ID_MESSAGE_SIZE];
    struct outcome one;
    enum result rc = check(tx, b, &call->out);

    if (rc == RESULT_OK)
        rc = call_admit(call, tx, GATEWAY_SENDS, (int64_t)b->count);
    if (rc != RESULT_OK)
        return rc;
    id_message(batch, tx->now_ms);
    tx_outcome_init(&one);
    for (size_t i = 0; rc == RESULT_OK && i < b->count; i++) {
        struct message_command command = b->common;
        struct room_row direct;

        tx_outcome_reset(&one);
        command.room = b->messages[i].room;
        if (command.room.p == NULL) {
            rc = room_direct(tx, b->common.sender, b->messages[i].receiver, &direct, &one);
            command.room = direct.id;
        }
        command.body = b->messages[i].body;
        command.content = b->messages[i].content;
        command.batch = str_c(batch);
        if (rc == RESULT_OK) {
            tx_outcome_reset(&one);
            rc = message_send(tx, who, &command, &one);
        }
    }
    if (rc != RESULT_OK) {
        rc = tx_fail(&call->out, rc, "%s", one.text);
    } else {
        call->out.seq = one.seq;
        json_out_object(&call->out.result);
        json_out_kcstr(&call->out.result, "batchID", batch);
        json_out_kint(&call->out.result, "count", (int64_t)b->count);
        json_out_object_end(&call->out.result);
    }
    tx_outcome_free(&one);
    return rc;
}
