#include "core/event.h"

#include "core/conversation.h"
#include "core/retention.h"
#include "proto/codec/wire_out.h"
#include "proto/codec/ws_frame.h"

#include <stdlib.h>

/* Ids in one recall's `quotedBy`. A client clears every quote of the message that it shows by itself; the list is for those
 * that keep quotes elsewhere. */
#define QUOTED_MAX 1000U
/* Most messages are quoted by none or a few: the first look asks for so many. */
#define QUOTED_FEW 8U
/* Bytes of a frame besides the texts that are in it. */
#define FRAME_ROOM 768U
#define OBJECT_ROOM 512U

static struct wire_text wt(struct str s)
{
    return (struct wire_text){s.p, s.n};
}

static struct wire_text wt_out(const struct json_out *o)
{
    return (struct wire_text){o->p, o->len};
}

/* --- rendering --- */

/* Adds the marks of an object that was rendered at `from` in its own text and stands at `at` in the payload. */
static void move_marks(struct view_marks *to, const struct view_marks *from, size_t at)
{
    for (size_t i = 0; i < from->count && to->count < VIEW_MARKS; i++) {
        to->mark[to->count] = from->mark[i];
        to->mark[to->count++].at += at;
    }
}

void event_subject(struct core_tx *tx, const struct room_row *room, const struct event_row *event, struct message_row *out)
{
    struct recall_row recall;

    if (event->message_key != 0 ? store_message_by_key(tx->conn, event->message_key, out)
                                : store_message_get(tx->conn, tx->app_id, event->subject, out))
        return;
    memset(out, 0, sizeof(*out));
    out->id = event->subject;
    out->room = room->id;
    out->room_key = room->key;
    out->state = MESSAGE_RECALLED;
    out->time_ms = out->created_ms = out->updated_ms = event->time_ms;
    if (view_recall(tx, event->subject, &recall))
        out->updated_ms = recall.time_ms;
}

static void render_message(struct core_tx *tx, struct json_out *o, const struct wire_event *at, bool edit,
                           const struct message_row *m, struct view_marks *marks)
{
    struct view_marks inner = {.count = 0};
    struct json_out object;
    size_t start;

    json_out_init(&object);
    json_out_room(&object, OBJECT_ROOM + m->body.n + m->content.n);
    view_message(tx, &object, m, &inner);
    json_out_room(o, OBJECT_ROOM + object.len);
    start = edit ? wire_out_edit(o, at, wt_out(&object)) : wire_out_message(o, at, wt_out(&object));
    if (json_out_ok(&object) && !o->failed)
        move_marks(marks, &inner, start);
    json_out_free(&object);
}

/* The ids of the messages that quote `m`, in the arena; of those with an audience only the ones that are for the same as `m`: the frame
 * reaches all of them. */
static struct wire_text *quoted_by(struct core_tx *tx, const struct message_row *m, size_t *count)
{
    struct message_row *rows;
    struct wire_text *ids;
    size_t n;

    *count = 0;
    if (tx->recall != NULL && tx->recall_unquoted && str_eq(tx->recall->message, m->id))
        return NULL;
    rows = arena_alloc(tx->arena, QUOTED_FEW * sizeof(*rows));
    n = store_message_quoting(tx->conn, tx->app_id, m->id, rows, QUOTED_FEW);
    if (n == QUOTED_FEW) {
        rows = arena_alloc(tx->arena, QUOTED_MAX * sizeof(*rows));
        n = store_message_quoting(tx->conn, tx->app_id, m->id, rows, QUOTED_MAX);
    }
    ids = arena_alloc(tx->arena, (n + 1) * sizeof(*ids));
    for (size_t i = 0; i < n; i++)
        if (audience_covers(m->audience, rows[i].audience))
            ids[(*count)++] = wt(rows[i].id);
    return ids;
}

static void render_recall(struct core_tx *tx, struct json_out *o, const struct wire_event *at,
                          const struct room_row *room, const struct message_row *m, struct view_marks *marks)
{
    struct view_marks inner = {.count = 0}, last_inner = {.count = 0};
    struct json_out object, last_object;
    struct recall_row recall = {.message = m->id, .time_ms = m->updated_ms};
    struct message_row last;
    struct client_row operator_client = {.id = STR_NULL};
    struct wire_text *quoted;
    struct wire_places places;
    size_t n;

    json_out_init(&object);
    json_out_init(&last_object);
    (void)view_recall(tx, m->id, &recall);
    if (recall.operator_id.p != NULL)
        (void)store_client_get(tx->conn, tx->app_id, recall.operator_id, &operator_client);
    json_out_room(&object, OBJECT_ROOM);
    view_message(tx, &object, m, &inner);
    if (store_message_last(tx->conn, tx->app_id, room->key, STR_NULL, &last)) {
        json_out_room(&last_object, OBJECT_ROOM + last.body.n + last.content.n);
        view_message(tx, &last_object, &last, &last_inner);
    }
    quoted = quoted_by(tx, m, &n);
    json_out_room(o, FRAME_ROOM + object.len + last_object.len);
    places = wire_out_recall(o, at,
                    &(struct wire_recall){
                        .message_id = wt(m->id),
                        .target_id = wt(conversation_target(tx->arena, room, recall.author.p != NULL ? recall.author : m->sender)),
                        .conversation_type = (int)conversation_of(room),
                        .sent_ms = recall.sent_ms != 0 ? recall.sent_ms : m->time_ms,
                        .is_admin = recall.is_admin,
                        .is_delete = recall.is_delete,
                        .disable_update_last = recall.disable_update_last,
                        .extra = wt(recall.extra),
                        .author_id = wt(recall.author.p != NULL ? recall.author : m->sender),
                        .user_id = wt(recall.operator_id),
                        .user_name = wt(operator_client.nickname.p != NULL ? operator_client.nickname : STR("")),
                        .message = wt_out(&object),
                        .recall_ms = recall.time_ms,
                        .last_message = wt_out(&last_object),
                        .quoted_by = quoted,
                        .quoted_count = n,
                    });
    if (json_out_ok(&object) && !o->failed) {
        move_marks(marks, &inner, places.message);
        /* The last line may be the recalled message itself: then the first mark, its own, is the one that counts. */
        if (last_object.len != 0 && !str_eq(last.id, m->id))
            move_marks(marks, &last_inner, places.last_message);
    }
    json_out_free(&object);
    json_out_free(&last_object);
}

/* The data of a room event is {"change","clients":[…],"by","role"?}. */
static void render_room(struct json_out *o, const struct wire_event *at, const struct event_row *event)
{
    wire_out_room(o, at, wt(str_empty(event->data) ? STR("{}") : event->data));
}

struct frame *event_render(struct core_tx *tx, const struct room_row *room, const struct event_row *event,
                           const struct message_row *message, const struct frame_member *members, size_t n)
{
    const struct str epoch = store_conn_epoch(tx->conn);
    const struct wire_event at = {wt(room->id), wt(epoch), event->seq};
    struct frame_parts parts = {.type = event->type,
                                .app = tx->app_id,
                                .seq = event->seq,
                                .room = room->id,
                                .members = members,
                                .member_count = n};
    struct message_row read;
    struct frame *frame = NULL;
    struct json_out o;

    json_out_init(&o);
    if (event->type != EVENT_ROOM && message == NULL) {
        event_subject(tx, room, event, &read);
        message = &read;
    }
    if (event->type != EVENT_ROOM) {
        parts.message = message->id;
        parts.audience = audience_parse(message->audience);
    }
    switch (event->type) {
    case EVENT_MESSAGE:
    case EVENT_EDIT:
        render_message(tx, &o, &at, event->type == EVENT_EDIT, message, &parts.marks);
        break;
    case EVENT_RECALL:
        render_recall(tx, &o, &at, room, message, &parts.marks);
        break;
    case EVENT_ROOM:
        render_room(&o, &at, event);
        break;
    }
    if (json_out_ok(&o) && !store_conn_failed(tx->conn)) {
        parts.payload = str_n(o.p, o.len);
        frame = frame_make(&parts);
        if (frame == NULL)
            abort();
    }
    audience_unref(parts.audience);
    json_out_free(&o);
    return frame;
}

/* --- publishing after the commit --- */

/* Holds a notice until the batch is durable. */
struct publication {
    struct effect effect; /* first */
    struct bus *bus;
    struct notice *notice;
};

static void notice_release(struct bus_notice *bus_notice)
{
    struct notice *n = (struct notice *)bus_notice;

    frame_unref(n->frame);
    if (n->visited != NULL)
        n->visited(n->arg);
    free(n);
}

static struct notice *notice_make(enum notice_kind kind, int64_t app, struct str room, struct str user, struct str wire)
{
    struct notice *n = calloc(1, sizeof(*n) + room.n + user.n + wire.n);
    char *at;

    if (n == NULL)
        abort();
    at = n->text;
    atomic_init(&n->bus.refs, 1);
    n->bus.release = notice_release;
    n->kind = kind;
    n->app = app;
    n->room = str_n(at, room.n);
    n->user = str_n(at + room.n, user.n);
    n->wire = str_n(at + room.n + user.n, wire.n);
    if (room.n != 0)
        memcpy(at, room.p, room.n);
    if (user.n != 0)
        memcpy(at + room.n, user.p, user.n);
    if (wire.n != 0)
        memcpy(at + room.n + user.n, wire.p, wire.n);
    return n;
}

static void publication_commit(struct effect *effect)
{
    struct publication *p = (struct publication *)effect;

    bus_publish(p->bus, &p->notice->bus, true); /* bus_wake follows: store_options.published */
    free(p);
}

static void publication_discard(struct effect *effect)
{
    struct publication *p = (struct publication *)effect;

    bus_publish(NULL, &p->notice->bus, false);
    free(p);
}

static void publish_later(struct core_tx *tx, struct notice *notice)
{
    struct publication *p = calloc(1, sizeof(*p));

    if (p == NULL)
        abort();
    p->effect.commit = publication_commit;
    p->effect.discard = publication_discard;
    p->bus = tx->bus;
    p->notice = notice;
    store_conn_effect(tx->conn, &p->effect);
}

/* --- the log --- */

int64_t event_next(struct core_tx *tx, struct room_row *room)
{
    room->seq = store_room_next_seq(tx->conn, room->key);
    return room->seq;
}

struct str event_append(struct core_tx *tx, struct room_row *room, enum event_type type, int64_t seq, struct str about,
                        const struct message_row *message, struct str data, const struct frame_member *members, size_t n)
{
    const struct event_row row = {.room_key = room->key,
                                  .seq = seq,
                                  .type = type,
                                  .subject = about,
                                  .version = message != NULL ? message->version : 0,
                                  .data = data,
                                  .time_ms = tx->now_ms};
    struct frame *frame;
    struct notice *notice;

    if (type != EVENT_MESSAGE) /* a message's row is its event */
        store_event_add(tx->conn, &row);
    retention_apply(tx, room, seq);
    frame = event_render(tx, room, &row, message, members, n);
    if (frame == NULL)
        return STR_NULL; /* the store failed: the batch is rolled back */
    notice = notice_make(NOTICE_EVENT, tx->app_id, STR_NULL, STR_NULL, STR_NULL);
    notice->frame = frame;
    publish_later(tx, notice);
    return frame->marks.count == 0 ? STR_NULL
                                   : str_n(frame->payload.p + frame->marks.mark[0].at, frame->marks.mark[0].len);
}

int64_t event_room(struct core_tx *tx, struct room_row *room, const char *change, struct str by, const struct str *users,
                   size_t n, struct str role)
{
    const bool joined = strcmp(change, "joined") == 0 || strcmp(change, "created") == 0;
    const bool moves = joined || strcmp(change, "left") == 0;
    struct frame_member *members = arena_alloc(tx->arena, (n + 1) * sizeof(*members));
    const int64_t seq = event_next(tx, room);
    struct json_out o;

    if (seq == 0)
        return 0;
    json_out_init(&o);
    json_out_object(&o);
    json_out_kcstr(&o, "change", change);
    json_out_key(&o, "clients");
    json_out_array(&o);
    for (size_t i = 0; i < n; i++) {
        json_out_str(&o, users[i].p, users[i].n);
        members[i] = (struct frame_member){users[i], joined};
    }
    json_out_array_end(&o);
    json_out_key(&o, "by");
    if (by.p == NULL)
        json_out_null(&o);
    else
        json_out_str(&o, by.p, by.n);
    if (role.p != NULL)
        json_out_kstr(&o, "role", role.p, role.n);
    json_out_object_end(&o);
    (void)event_append(tx, room, EVENT_ROOM, seq, STR_NULL, NULL, str_n(o.p, o.len), members, moves ? n : 0);
    json_out_free(&o);
    return seq;
}

/* --- what passes and is not kept --- */

/* A notice with the framed text of `o`, which is freed. */
static struct notice *signal_notice(int64_t app, struct str room, struct str user, struct json_out *o)
{
    unsigned char head[WS_FRAME_HEADER_MAX];
    const size_t head_size = ws_frame_header(head, o->len);
    char *wire = malloc(head_size + o->len);
    struct notice *n;

    if (wire == NULL || !json_out_ok(o))
        abort();
    memcpy(wire, head, head_size);
    memcpy(wire + head_size, o->p, o->len);
    n = notice_make(NOTICE_SIGNAL, app, room, user, str_n(wire, head_size + o->len));
    free(wire);
    json_out_free(o);
    return n;
}

void event_read_signal(struct core_tx *tx, const struct room_row *room, struct str user, struct str message)
{
    struct json_out o;

    json_out_init(&o);
    wire_out_read(&o, wt(room->id), wt(user), wt(message));
    publish_later(tx, signal_notice(tx->app_id, room->id, user, &o));
}

void event_typing(struct bus *bus, int64_t app, struct str room, struct str user)
{
    struct json_out o;

    json_out_init(&o);
    wire_out_typing(&o, wt(room), wt(user));
    bus_offer(bus, &signal_notice(app, room, user, &o)->bus);
}

static struct notice *device_notice(int64_t app, struct str user, struct str device, uint32_t serial)
{
    struct notice *n = notice_make(NOTICE_DEVICE, app, device, user, STR_NULL);

    n->serial = serial;
    return n;
}

void event_device(struct core_tx *tx, struct str user, struct str device, uint32_t serial)
{
    publish_later(tx, device_notice(tx->app_id, user, device, serial));
}

bool event_device_offer(struct bus *bus, const struct mailbox *own, int64_t app, struct str user, struct str device, uint32_t serial)
{
    return bus_offer_others(bus, own, &device_notice(app, user, device, serial)->bus);
}

void event_tokens(struct core_tx *tx, struct str user, int64_t generation, int64_t revoked_s, const unsigned char *only,
                  const unsigned char *keep)
{
    struct notice *n = notice_make(NOTICE_TOKENS, tx->app_id, STR_NULL, user, STR_NULL);

    n->generation = generation;
    n->revoked_s = revoked_s;
    n->only = only != NULL;
    n->keep_bound = keep != NULL;
    if (only != NULL)
        memcpy(n->hash, only, sizeof(n->hash));
    else if (keep != NULL)
        memcpy(n->hash, keep, sizeof(n->hash));
    publish_later(tx, n);
}

void event_visit(struct bus *bus, void (*visit)(void *arg, void *thread), void (*visited)(void *arg), void *arg)
{
    struct notice *n = notice_make(NOTICE_VISIT, 0, STR_NULL, STR_NULL, STR_NULL);

    n->visit = visit;
    n->visited = visited;
    n->arg = arg;
    bus_offer(bus, &n->bus);
}

void event_progress(struct bus *bus, int64_t app, struct str room, const struct str *users, size_t n, struct str message,
                    int64_t acked, int64_t devices)
{
    struct json_out o;
    size_t len = 0, at = 0;
    char *lines;

    if (n == 0)
        return;
    for (size_t i = 0; i < n; i++)
        len += users[i].n + 1;
    lines = malloc(len + 1);
    if (lines == NULL)
        return; /* a signal may be left out */
    for (size_t i = 0; i < n; i++) {
        memcpy(lines + at, users[i].p, users[i].n);
        at += users[i].n;
        lines[at++] = '\n'; /* ids hold no control characters */
    }
    json_out_init(&o);
    wire_out_progress(&o, wt(room), wt(message), acked, devices);
    if (json_out_ok(&o))
        bus_offer(bus, &notice_make(NOTICE_PROGRESS, app, room, str_n(lines, len), str_n(o.p, o.len))->bus);
    json_out_free(&o);
    free(lines);
}
