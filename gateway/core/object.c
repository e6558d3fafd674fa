#include "core/object.h"

#include "base/text.h"
#include "proto/codec/wire_scan.h"

#include <jansson.h>
#include <stdlib.h>

#define REFERENCE STR("RC:ReferenceMsg")

/* Names that RongCloud's clients know. RC:RcCmd is not among them: a recall is a call of its own. */
static const char *const known[] = {
    "RC:TxtMsg",     "RC:ImgMsg",      "RC:GIFMsg",     "RC:HQVCMsg",        "RC:VcMsg",      "RC:FileMsg",   "RC:SightMsg",
    "RC:LBSMsg",     "RC:RLStart",     "RC:RL",         "RC:RLEnd",          "RC:RLJoin",     "RC:RLQuit",    "RC:ReferenceMsg",
    "RC:CombineMsg", "RC:CombineMsgV2", "RC:InfoNtf",   "RC:ContactNtf",     "RC:ProfileNtf", "RC:CmdNtf",    "RC:CmdMsg",
    "RC:GrpNtf",     "RC:DizNtf",      "RC:TypSts",     "RC:StreamMsg",      "RC:ImgTextMsg", "RC:PSImgTxtMsg", "RC:PSMultiImgTxtMsg",
    "RC:ReadNtf",    "RC:RRReqMsg",    "RC:RRRspMsg",   "RC:SRSMsg",         "RC:MsgExMsg",   "RC:chrmKVNotiMsg",
    "RC:CardMsg",    "RC:CombineV2Msg", "RC:StkMsg",    "RC:PSCmd",          "RC:VSTMsg",     "RC:RcNtf",
};

/* The types of IMKit's messages; the first of two names is what the type stands for. */
static const struct {
    const char *name, *type;
} types[] = {
    {"RC:TxtMsg", "text"},   {"RC:ImgMsg", "image"},   {"RC:HQVCMsg", "voice"},    {"RC:VcMsg", "voice"},
    {"RC:FileMsg", "file"},  {"RC:SightMsg", "video"}, {"RC:LBSMsg", "location"},
};

bool object_name_valid(struct str name)
{
    if (name.n == 0 || name.n > OBJECT_NAME_MAX || !text_utf8_valid(name.p, name.n) || text_has_control(name.p, name.n))
        return false;
    if (name.n < 3 || memcmp(name.p, "RC:", 3) != 0)
        return true;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (text_is(name.p, name.n, known[i]))
            return true;
    return false;
}

struct str object_type(struct str name)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (text_is(name.p, name.n, types[i].name))
            return str_c(types[i].type);
    return name;
}

static struct str name_of_type(struct str type)
{
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
        if (text_is(type.p, type.n, types[i].type))
            return str_c(types[i].name);
    return type;
}

/* --- JSON as text --- */

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Behind the string that begins at s[at]. */
static size_t string_end(struct str s, size_t at)
{
    for (at++; at < s.n && s.p[at] != '"'; at++)
        if (s.p[at] == '\\')
            at++;
    return at < s.n ? at + 1 : s.n;
}

/* Copies a string as json_out_str would write it: '<' and the two line separators of JavaScript are escaped. */
static size_t copy_string(const char *from, size_t n, char *to)
{
    size_t used = 0;

    for (size_t i = 0; i < n; i++) {
        const bool line = n - i >= 3 && memcmp(from + i, "\xE2\x80", 2) == 0 && ((unsigned char)from[i + 2] & 0xFEU) == 0xA8U;

        if (from[i] == '<') {
            memcpy(to + used, "\\u003c", 6);
            used += 6;
        } else if (line) {
            memcpy(to + used, from[i + 2] == '\xA8' ? "\\u2028" : "\\u2029", 6);
            used += 6;
            i += 2;
        } else {
            to[used++] = from[i];
        }
    }
    return used;
}

struct str object_compact(struct arena *arena, struct str text)
{
    size_t escapes = 0, used = 0;
    struct wire_scan scan;
    json_t *root;
    char *to;

    wire_scan(&scan, text.p, text.n);
    if (scan.depth > OBJECT_DEPTH_MAX)
        return STR_NULL;
    /* Parsed only to see that it is JSON: as text every number stays what it was. */
    root = json_loadb(text.p, text.n, JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);
    if (root == NULL)
        return STR_NULL;
    json_decref(root);
    for (size_t i = 0; i < text.n; i++)
        escapes += text.p[i] == '<' || text.p[i] == '\xE2';
    to = arena_alloc(arena, text.n + 6 * escapes + 1);
    for (size_t i = 0; i < text.n;) {
        if (text.p[i] == '"') {
            const size_t end = string_end(text, i);

            used += copy_string(text.p + i, end - i, to + used);
            i = end;
        } else {
            if (!blank(text.p[i]))
                to[used++] = text.p[i];
            i++;
        }
    }
    return str_n(to, used);
}

/* Behind the value that begins at s[at]. */
static size_t value_end(struct str s, size_t at)
{
    size_t depth = 0;

    while (at < s.n) {
        const char c = s.p[at];

        if (depth == 0 && (c == ',' || c == '}' || c == ']'))
            return at;
        if (c == '"') {
            at = string_end(s, at);
            continue;
        }
        depth += c == '{' || c == '[';
        depth -= c == '}' || c == ']';
        at++;
    }
    return at;
}

static size_t skip_blanks(struct str s, size_t at)
{
    while (at < s.n && blank(s.p[at]))
        at++;
    return at;
}

struct str object_member(struct str object, const char *key)
{
    struct str found = STR_NULL;
    size_t at = 1;

    if (object.n < 2 || object.p[0] != '{')
        return STR_NULL;
    while ((at = skip_blanks(object, at)) < object.n && object.p[at] == '"') {
        const size_t name = at + 1, name_end = string_end(object, at) - 1;
        size_t from, end;

        from = skip_blanks(object, name_end + 1);
        if (from >= object.n || object.p[from] != ':')
            break;
        from = skip_blanks(object, from + 1);
        end = value_end(object, from);
        if (text_is(object.p + name, name_end - name, key)) /* of two the last one counts, as everywhere */
            found = str_n(object.p + from, end - from);
        if (end >= object.n || object.p[end] != ',')
            break;
        at = end + 1;
    }
    while (found.n != 0 && blank(found.p[found.n - 1]))
        found.n--;
    return found;
}

struct str object_string(struct arena *arena, struct str value)
{
    struct str text = STR_NULL;
    json_t *json;

    if (value.n < 2 || value.p[0] != '"')
        return STR_NULL;
    json = json_loadb(value.p, value.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    if (json_is_string(json))
        text = arena_str(arena, str_n(json_string_value(json), json_string_length(json)));
    json_decref(json);
    return text;
}

/* --- messages --- */

static struct str live_name(struct core_tx *tx, const struct message_row *m)
{
    const struct str given = object_string(tx->arena, object_member(m->content, "objectName"));

    if (given.p != NULL && object_name_valid(given))
        return given;
    /* A text that quotes is a type of its own here. */
    if (str_eq(m->type, STR("text")) && m->reply.p != NULL)
        return REFERENCE;
    return name_of_type(m->type);
}

struct str object_name_of(struct core_tx *tx, const struct message_row *m)
{
    struct recall_row recall;

    if (m->state == MESSAGE_LIVE)
        return live_name(tx, m);
    if (store_recall_get(tx->conn, tx->app_id, m->id, &recall) && recall.objname.p != NULL)
        return recall.objname;
    return name_of_type(m->type);
}

/* What IMKit's message holds: its text, and its further fields. */
static void write_imkit(struct json_out *o, const struct message_row *m)
{
    json_out_key(o, "content");
    if (m->body.p != NULL)
        json_out_raw(o, m->body.p, m->body.n);
    else
        json_out_cstr(o, "");
    if (!str_empty(m->content) && object_member(m->content, "content").p == NULL)
        json_out_members(o, m->content.p, m->content.n);
}

static struct str taken(struct core_tx *tx, struct json_out *o)
{
    const struct str text = json_out_ok(o) ? arena_str(tx->arena, str_n(o->p, o->len)) : STR("{}");

    json_out_free(o);
    return text;
}

/* The content without what is quoted. */
static struct str plain_content(struct core_tx *tx, const struct message_row *m)
{
    const struct str sent = object_member(m->content, "content");
    struct json_out o;

    if (sent.p != NULL && object_member(m->content, "objectName").p != NULL)
        return sent;
    json_out_init(&o);
    json_out_object(&o);
    write_imkit(&o, m);
    json_out_object_end(&o);
    return taken(tx, &o);
}

/* The content with the quoted message in it as it is now; nothing of it once it was recalled, or where it is for others. */
static struct str quoting_content(struct core_tx *tx, const struct message_row *m, struct str plain)
{
    struct message_row quoted;
    struct json_out o;
    struct str name;

    if (plain.n < 2 || plain.p[0] != '{' || !store_message_get(tx->conn, tx->app_id, m->reply, &quoted) ||
        (quoted.audience.p != NULL && !str_eq(quoted.audience, m->audience)))
        return plain;
    json_out_init(&o);
    json_out_object(&o);
    json_out_members(&o, plain.p, plain.n);
    name = object_name_of(tx, &quoted);
    if (object_member(plain, "referMsgUid").p == NULL)
        json_out_kstr(&o, "referMsgUid", quoted.id.p, quoted.id.n);
    if (object_member(plain, "referMsgUserId").p == NULL && quoted.sender.p != NULL)
        json_out_kstr(&o, "referMsgUserId", quoted.sender.p, quoted.sender.n);
    if (object_member(plain, "objName").p == NULL)
        json_out_kstr(&o, "objName", name.p, name.n);
    if (quoted.state == MESSAGE_LIVE) {
        const struct str content = plain_content(tx, &quoted);

        json_out_kraw(&o, "referMsg", content.p, content.n);
        json_out_kint(&o, "referMsgStatus", 0);
    } else {
        json_out_kint(&o, "referMsgStatus", 2);
    }
    json_out_object_end(&o);
    return taken(tx, &o);
}

void object_read(struct core_tx *tx, const struct message_row *m, struct object *out)
{
    memset(out, 0, sizeof(*out));
    out->name = object_name_of(tx, m);
    out->recalled = m->state != MESSAGE_LIVE;
    if (out->recalled) {
        out->content = STR("{}");
        return;
    }
    out->content = plain_content(tx, m);
    if (m->reply.p != NULL && str_eq(out->name, REFERENCE))
        out->content = quoting_content(tx, m, out->content);
    out->not_persisted = str_eq(object_member(m->content, "isPersisted"), STR("false"));
    out->expansion = str_eq(object_member(m->content, "expansion"), STR("true"));
    out->extra_content = object_string(tx->arena, object_member(m->content, "extraContent"));
}
