#include "core/room.h"

#include "base/id.h"
#include "base/text.h"
#include "core/audience.h"
#include "core/event.h"
#include "core/room_access.h"
#include "core/room_pair.h"
#include "core/room_people.h"
#include "core/view.h"

#define ROOM_NAME_MAX 256

/* Ids without repetition, in the arena. */
struct people {
    struct str *ids;
    size_t n;
};

static void people_add(struct people *p, struct str id)
{
    if (id.p == NULL)
        return;
    for (size_t i = 0; i < p->n; i++)
        if (str_eq(p->ids[i], id))
            return;
    p->ids[p->n++] = id;
}

static struct people people_of(struct core_tx *tx, const struct str *ids, size_t n, struct str more)
{
    struct people p = {arena_alloc(tx->arena, (n + 1) * sizeof(*p.ids)), 0};

    people_add(&p, more);
    for (size_t i = 0; i < n; i++)
        people_add(&p, ids[i]);
    return p;
}

/* All exist, or 404 naming those that do not. */
static enum result people_known(struct core_tx *tx, const struct people *p, struct outcome *out)
{
    struct str missing = STR_NULL;
    struct client_row client;

    for (size_t i = 0; i < p->n; i++) {
        if (store_client_get(tx->conn, tx->app_id, p->ids[i], &client))
            continue;
        missing = missing.p == NULL ? p->ids[i]
                                    : arena_printf(tx->arena, "%.*s, %.*s", (int)missing.n, missing.p,
                                                   (int)p->ids[i].n, p->ids[i].p);
        if (missing.n > 160)
            break;
    }
    if (missing.p == NULL)
        return RESULT_OK;
    return tx_fail(out, RESULT_NO_CLIENT, "No such client: %.*s. Create clients with POST /admin/clients",
                   (int)missing.n, missing.p);
}

static enum result not_member(struct outcome *out, struct str id)
{
    return tx_fail(out, RESULT_NOT_MEMBER, "You are no member of the room %.*s", (int)id.n, id.p);
}

enum result room_enter(struct core_tx *tx, const struct principal *who, struct str id, struct room_row *room,
                       struct member_row *member, struct outcome *out)
{
    struct member_row unused;
    const bool found = store_room_get(tx->conn, tx->app_id, id, room);

    if (who->kind == PRINCIPAL_PLATFORM) {
        if (!found)
            return tx_fail(out, RESULT_NO_ROOM, "The room %.*s does not exist", (int)id.n, id.p);
        return RESULT_OK;
    }
    if (!found || !store_member_get(tx->conn, room->key, who->user, member != NULL ? member : &unused))
        return not_member(out, id);
    return RESULT_OK;
}

/* Whom the caller's change is attributed to: absent for the platform. */
static struct str caller(const struct principal *who)
{
    return who->kind == PRINCIPAL_CLIENT ? who->user : STR_NULL;
}

static enum result answer(struct core_tx *tx, const struct principal *who, const struct room_row *room,
                          struct outcome *out)
{
    struct view_budget budget = VIEW_ONE_ROOM;

    view_room(tx, &out->result, room, caller(who), &budget);
    return RESULT_OK;
}

static bool is_direct(const struct room_row *room)
{
    return str_eq(room->type, STR("direct"));
}

/* Makes member rows for those who are none yet; they become `joined`. */
static void put_members(struct core_tx *tx, const struct room_row *room, const struct people *p,
                        struct people *joined)
{
    joined->ids = arena_alloc(tx->arena, (p->n + 1) * sizeof(*joined->ids));
    joined->n = room_people_add(tx, room, p->ids, p->n, joined->ids);
}

static void join_all(struct core_tx *tx, struct room_row *room, const struct people *p, struct str by,
                     struct outcome *out)
{
    struct people joined;

    put_members(tx, room, p, &joined);
    if (joined.n != 0)
        out->seq = event_room(tx, room, "joined", by, joined.ids, joined.n, STR_NULL);
}

static void make(struct core_tx *tx, struct room_row *room, const struct people *members, struct str by,
                 struct outcome *out)
{
    struct people joined;

    room->app = tx->app_id;
    room->min_seq = 1;
    room->created_ms = room->updated_ms = tx->now_ms;
    store_room_add(tx->conn, room);
    put_members(tx, room, members, &joined);
    out->seq = event_room(tx, room, "created", by, joined.ids, joined.n, STR_NULL);
}

static enum result check_command(const struct room_command *c, struct outcome *out)
{
    if (c->id.p != NULL && !text_room_valid(c->id.p, c->id.n))
        return tx_fail(
            out, RESULT_INVALID_BODY,
            "_id must be a string of 1 to %d bytes without control characters and without a leading ~",
            TEXT_ROOM_MAX);
    if (c->name.n > ROOM_NAME_MAX)
        return tx_fail(out, RESULT_INVALID_BODY, "name must be a string of 0 to %d bytes", ROOM_NAME_MAX);
    if (c->type.p != NULL && !str_eq(c->type, STR("direct")) && !str_eq(c->type, STR("group")))
        return tx_fail(out, RESULT_INVALID_BODY, "roomType must be direct or group");
    if (c->opening < -1 || c->opening > 1)
        return tx_fail(out, RESULT_INVALID_BODY, "opening must be 0 (closed) or 1 (any user may join)");
    return RESULT_OK;
}

/* A room with the id that was asked for is there already. */
static enum result create_existing(struct core_tx *tx, const struct principal *who, struct room_row *room,
                                   const struct people *members, bool join_caller, struct outcome *out)
{
    struct member_row member;

    if (who->kind == PRINCIPAL_CLIENT && !store_member_get(tx->conn, room->key, who->user, &member) &&
        !(join_caller && room->opening == 1))
        return not_member(out, room->id);
    if (is_direct(room)) {
        const struct str *ids = members->ids;

        for (size_t i = 0; i < members->n; i++)
            if (!store_member_get(tx->conn, room->key, ids[i], &member))
                return tx_fail(out, RESULT_INVALID_BODY,
                               "invitee: a direct room has two members; create a group room instead");
    }
    join_all(tx, room, members, caller(who), out);
    return answer(tx, who, room, out);
}

static enum result create_direct(struct core_tx *tx, const struct principal *who,
                                 const struct room_command *c, const struct people *members,
                                 struct room_row *room, struct outcome *out)
{
    if (members->n != 2)
        return tx_fail(out, RESULT_INVALID_BODY,
                       "invitee must name exactly the other one of a direct room's two members");
    if (room_pair_find(tx, members->ids[0], members->ids[1], room)) {
        join_all(tx, room, members, caller(who), out);
        return answer(tx, who, room, out);
    }
    room->id = c->id.p != NULL ? c->id : room_pair_id(tx, members->ids[0], members->ids[1]);
    room->opening = 0;
    make(tx, room, members, caller(who), out);
    return answer(tx, who, room, out);
}

enum result room_create(struct core_tx *tx, const struct principal *who, const struct room_command *command,
                        struct outcome *out)
{
    const struct str owner = who->kind == PRINCIPAL_CLIENT ? who->user : command->owner;
    const bool direct = str_eq(command->type, STR("direct"));
    /* A direct room without its creator would not be one. */
    const struct people members = people_of(tx, command->members, command->member_count,
                                            command->join_caller || direct ? owner : STR_NULL);
    struct people known = people_of(tx, command->members, command->member_count, owner);
    char id[ID_MESSAGE_SIZE];
    struct room_row room;
    enum result rc = check_command(command, out);

    if (rc == RESULT_OK)
        rc = people_known(tx, &known, out);
    if (rc != RESULT_OK)
        return rc;
    if (command->id.p != NULL && store_room_get(tx->conn, tx->app_id, command->id, &room))
        return create_existing(tx, who, &room, &members, command->join_caller, out);
    room = (struct room_row){.id = command->id,
                             .name = command->name.p != NULL ? command->name : STR(""),
                             .type = direct ? STR("direct") : STR("group"),
                             .owner = owner.p != NULL ? owner : STR(""),
                             .fields = command->fields,
                             .opening = command->opening > 0 ? command->opening : 0};
    if (direct)
        return create_direct(tx, who, command, &members, &room, out);
    if (room.id.p == NULL) {
        id_message(id, tx->now_ms);
        room.id = arena_str(tx->arena, str_c(id));
    }
    make(tx, &room, &members, caller(who), out);
    return answer(tx, who, &room, out);
}

enum result room_direct(struct core_tx *tx, struct str a, struct str b, struct room_row *room,
                        struct outcome *out)
{
    const struct str ids[2] = {a, b};
    const struct people members = people_of(tx, ids, 2, STR_NULL);
    enum result rc;

    if (members.n != 2)
        return tx_fail(out, RESULT_INVALID_BODY,
                       "A direct room needs two users: %.*s cannot have one with itself", (int)a.n, a.p);
    rc = people_known(tx, &members, out);
    if (rc != RESULT_OK)
        return rc;
    if (room_pair_find(tx, a, b, room)) {
        join_all(tx, room, &members, STR_NULL, out);
        return RESULT_OK;
    }
    *room = (struct room_row){
        .id = room_pair_id(tx, a, b), .name = STR(""), .type = STR("direct"), .owner = STR("")};
    make(tx, room, &members, STR_NULL, out);
    return RESULT_OK;
}

enum result room_add_members(struct core_tx *tx, const struct principal *who, struct str id,
                             const struct str *users, size_t n, struct outcome *out)
{
    const struct people people = people_of(tx, users, n, STR_NULL);
    struct member_row member;
    struct room_row room;
    enum result rc = room_enter(tx, who, id, &room, &member, out);

    if (rc != RESULT_OK)
        return rc;
    if (people.n == 0)
        return tx_fail(out, RESULT_MISSING_PARAMETER, "invitees is missing: name the clients to add");
    rc = people_known(tx, &people, out);
    if (rc != RESULT_OK)
        return rc;
    for (size_t i = 0; is_direct(&room) && i < people.n; i++)
        if (!store_member_get(tx->conn, room.key, people.ids[i], &member))
            return tx_fail(out, RESULT_INVALID_BODY,
                           "invitees: a direct room has two members; create a group room instead");
    join_all(tx, &room, &people, caller(who), out);
    return answer(tx, who, &room, out);
}

/* Whether the caller, whose member row is `self`, may take these out. */
static enum result may_remove(struct core_tx *tx, const struct principal *who, const struct room_row *room,
                              const struct member_row *self, const struct people *p, struct outcome *out)
{
    struct member_row row;

    if (who->kind == PRINCIPAL_PLATFORM)
        return RESULT_OK;
    for (size_t i = 0; i < p->n; i++) {
        if (str_eq(p->ids[i], who->user))
            continue;
        if (self->role == ROLE_MEMBER)
            return tx_fail(out, RESULT_FORBIDDEN,
                           "Only the room's owner, its admins and managers may remove other members");
        if (store_member_get(tx->conn, room->key, p->ids[i], &row) && row.role == ROLE_OWNER)
            return tx_fail(out, RESULT_FORBIDDEN, "The room's owner cannot be removed by others");
    }
    return RESULT_OK;
}

enum result room_remove_members(struct core_tx *tx, const struct principal *who, struct str id,
                                const struct str *users, size_t n, struct outcome *out)
{
    const struct people people = people_of(tx, users, n, STR_NULL);
    struct people left = {arena_alloc(tx->arena, (n + 1) * sizeof(*left.ids)), 0};
    struct member_row self = {.role = ROLE_MEMBER}, row;
    struct room_row room;
    enum result rc = room_enter(tx, who, id, &room, &self, out);

    if (rc != RESULT_OK)
        return rc;
    if (people.n == 0)
        return tx_fail(out, RESULT_MISSING_PARAMETER, "members is missing: name the clients to remove");
    rc = may_remove(tx, who, &room, &self, &people, out);
    if (rc != RESULT_OK)
        return rc;
    left.n = room_people_remove(tx, &room, people.ids, people.n, left.ids);
    if (left.n != 0)
        out->seq = event_room(tx, &room, "left", caller(who), left.ids, left.n, STR_NULL);
    if (who->kind == PRINCIPAL_PLATFORM || store_member_get(tx->conn, room.key, who->user, &row))
        return answer(tx, who, &room, out);
    /* Who has left is told no more than that: the room is not theirs to see now. */
    json_out_object(&out->result);
    json_out_kstr(&out->result, "_id", room.id.p, room.id.n);
    json_out_kstr(&out->result, "id", room.id.p, room.id.n);
    json_out_object_end(&out->result);
    return RESULT_OK;
}

enum result room_join(struct core_tx *tx, const struct principal *who, struct str id, struct outcome *out)
{
    struct people self;
    struct member_row row;
    struct room_row room;

    if (who->kind != PRINCIPAL_CLIENT)
        return tx_fail(out, RESULT_FORBIDDEN,
                       "join needs a user's token: the platform adds members with POST /rooms/{id}/members");
    if (!store_room_get(tx->conn, tx->app_id, id, &room) ||
        (room.opening != 1 && !store_member_get(tx->conn, room.key, who->user, &row)))
        return not_member(out, id);
    self = people_of(tx, NULL, 0, who->user);
    join_all(tx, &room, &self, who->user, out);
    return answer(tx, who, &room, out);
}

enum result room_set_role(struct core_tx *tx, const struct principal *who, struct str id, struct str user,
                          struct str role, struct outcome *out)
{
    struct member_row self = {.role = ROLE_MEMBER}, row;
    enum member_role wanted;
    struct room_row room;
    enum result rc = room_enter(tx, who, id, &room, &self, out);

    if (rc != RESULT_OK)
        return rc;
    if (who->kind == PRINCIPAL_CLIENT && self.role != ROLE_OWNER)
        return tx_fail(out, RESULT_FORBIDDEN, "Only the room's owner may change roles");
    if (str_eq(role, STR("admin")))
        wanted = ROLE_ADMIN;
    else if (str_eq(role, STR("manager")))
        wanted = ROLE_MANAGER;
    else if (str_eq(role, STR("member")))
        wanted = ROLE_MEMBER;
    else
        return tx_fail(out, RESULT_INVALID_BODY, "value must be admin, manager or member");
    if (!store_member_get(tx->conn, room.key, user, &row))
        return tx_fail(out, RESULT_NO_CLIENT, "The client %.*s is no member of the room", (int)user.n,
                       user.p);
    if (row.role == ROLE_OWNER)
        return tx_fail(out, RESULT_FORBIDDEN, "The role of the room's owner cannot be changed");
    if (row.role != wanted) {
        row.role = wanted;
        store_member_put(tx->conn, tx->app_id, room.key, &row);
        out->seq = event_room(tx, &room, "role", caller(who), &user, 1, role);
    }
    return answer(tx, who, &room, out);
}

enum result room_mark_read(struct core_tx *tx, const struct principal *who, struct str id, struct str message,
                           struct outcome *out)
{
    struct message_row m;
    struct member_row self;
    struct room_row room;
    struct json_out *o = &out->result;
    enum result rc;

    if (who->kind != PRINCIPAL_CLIENT)
        return tx_fail(out, RESULT_FORBIDDEN, "lastRead is a user's own: it needs a user's token");
    rc = room_access_enter(tx, who, id, &room, &self, out);
    if (rc != RESULT_OK)
        return rc;
    if (!store_message_get(tx->conn, tx->app_id, message, &m) || m.room_key != room.key ||
        m.state == MESSAGE_DELETED || !audience_sees(tx, who->user, &m))
        return tx_fail(out, RESULT_NO_MESSAGE, "The message %.*s does not exist in the room", (int)message.n,
                       message.p);
    /* Rooms of the server's own that have no members keep no marks: what is asked is answered. */
    if (self.user.p == NULL) {
        self.read_seq = m.seq;
        self.read_id = m.id;
    }
    /* Never back: what was read stays read, in whichever order a user's devices tell it. */
    if (self.user.p != NULL && (self.read_id.p == NULL || m.seq > self.read_seq)) {
        if (m.seq > self.read_seq)
            self.read_seq = m.seq;
        self.read_id = m.id;
        store_member_put(tx->conn, tx->app_id, room.key, &self);
        event_read_signal(tx, &room, who->user, m.id);
    }
    json_out_object(o);
    json_out_kstr(o, "client", who->user.p, who->user.n);
    if (self.read_id.p != NULL)
        json_out_kstr(o, "lastRead", self.read_id.p, self.read_id.n);
    else
        json_out_knull(o, "lastRead");
    json_out_kint(o, "badge", store_message_unread(tx->conn, room.key, who->user, self.read_seq, VIEW_UNREAD_MAX));
    json_out_object_end(o);
    return RESULT_OK;
}

enum result room_get(struct core_tx *tx, const struct principal *who, struct str id, struct outcome *out)
{
    struct room_row room;
    const enum result rc = room_access_enter(tx, who, id, &room, NULL, out);

    return rc == RESULT_OK ? answer(tx, who, &room, out) : rc;
}

enum result room_list(struct core_tx *tx, const struct principal *who, struct str user, struct str after,
                      size_t limit, struct outcome *out)
{
    const struct str whose = who->kind == PRINCIPAL_CLIENT ? who->user : user;
    struct room_row *rooms = arena_alloc(tx->arena, (limit + 1) * sizeof(*rooms));
    struct view_budget budget = VIEW_MANY_ROOMS;
    struct client_row client;
    struct json_out *o = &out->result;
    size_t n;

    if (whose.p == NULL)
        return tx_fail(out, RESULT_MISSING_PARAMETER,
                       "client is missing: with the platform key name whose rooms, as ?client=ID");
    if (who->kind == PRINCIPAL_PLATFORM && !store_client_get(tx->conn, tx->app_id, whose, &client))
        return tx_fail(out, RESULT_NO_CLIENT, "The client %.*s does not exist", (int)whose.n, whose.p);
    /* One more than asked for tells whether there is a next page. */
    n = store_rooms_of(tx->conn, tx->app_id, whose, after, rooms, NULL, limit + 1);
    json_out_object(o);
    json_out_key(o, "data");
    json_out_array(o);
    for (size_t i = 0; i < n && i < limit; i++)
        view_room(tx, o, &rooms[i], whose, &budget);
    json_out_array_end(o);
    if (n > limit && limit != 0)
        json_out_kstr(o, "next", rooms[limit - 1].id.p, rooms[limit - 1].id.n);
    else
        json_out_knull(o, "next");
    json_out_object_end(o);
    return RESULT_OK;
}
