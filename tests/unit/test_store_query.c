/* Every query but those of messages, once at least (test_store_message.c has the others). */
#include "store_transact.h"

static void none(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct client_row client;
    struct room_row room;
    struct message_row message;
    struct member_row member;
    struct recall_row recall;
    struct event_row event;
    struct device_row device;
    struct token_row token;
    struct str text;
    const unsigned char hash[32] = {1};
    const struct message_page page = {.app = 1, .room_key = 1, .limit = 1};

    (void)now_ms;
    (void)task;
    assert_false(store_client_get(c, 1, STR("x"), &client));
    assert_false(store_token_get(c, 1, hash, &token));
    assert_false(store_token_revoked(c, 1, hash));
    assert_false(store_room_get(c, 1, STR("x"), &room));
    assert_false(store_room_by_key(c, 1, &room));
    assert_false(store_member_get(c, 1, STR("x"), &member));
    assert_int_equal(store_member_list(c, 1, STR_NULL, &member, 1), 0);
    assert_int_equal(store_rooms_of(c, 1, STR("x"), STR_NULL, &room, &member, 1), 0);
    assert_false(store_message_get(c, 1, STR("x"), &message));
    assert_false(store_message_by_client_id(c, 1, STR_NULL, STR("x"), &message));
    assert_false(store_message_last(c, 1, 1, STR_NULL, &message));
    assert_int_equal(store_message_quoting(c, 1, STR("x"), &message, 1), 0);
    assert_int_equal(store_message_page(c, &page, &message), 0);
    assert_int_equal(store_message_page_total(c, &page), 0);
    assert_int_equal(store_hidden_list(c, 1, STR("x"), 1, &text, 1), 0);
    assert_false(store_recall_get(c, 1, STR("x"), &recall));
    assert_int_equal(store_event_page(c, 1, 0, &event, 1), 0);
    assert_false(store_device_get(c, 1, STR("x"), STR("d"), &device));
    assert_int_equal(store_ack_get(c, 1, 1, STR("x"), STR("d")), 0);
    assert_false(store_conn_failed(c));
    ASSERT_STR(store_conn_epoch(c), store_conn_epoch(c).p);
}

static void clients(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct client_row row = {.id = STR("ann"),
                             .nickname = STR("Ann"),
                             .avatar = STR(""),
                             .fields = STR("{\"a\":1}"),
                             .is_robot = true,
                             .last_login_ms = 5,
                             .created_ms = 6,
                             .updated_ms = 7};
    struct token_row token = {.hash = {1, 2}, .user = STR("ann"), .expires_ms = now_ms + 1000};
    const int64_t app = store_app_intern(c, STR("SampleApp"));

    (void)task;
    assert_true(app > 0);
    assert_int_equal(store_app_intern(c, STR("SampleApp")), app);
    assert_true(store_app_intern(c, STR("Other")) != app);

    store_client_put(c, app, &row);
    store_client_revoke_tokens(c, app, row.id, 4, 99);
    row.nickname = STR("Anna");
    row.avatar = STR_NULL;
    store_client_put(c, app, &row);
    store_client_set_login(c, app, row.id, 55);
    assert_true(store_client_get(c, app, STR("ann"), &row));
    ASSERT_STR(row.id, "ann");
    ASSERT_STR(row.nickname, "Anna");
    ASSERT_ABSENT(row.avatar);
    ASSERT_STR(row.fields, "{\"a\":1}");
    assert_true(row.is_robot);
    assert_int_equal(row.last_login_ms, 55);
    assert_int_equal(row.created_ms, 6);
    assert_int_equal(row.updated_ms, 7);
    assert_int_equal(row.token_gen, 4);
    assert_int_equal(row.tokens_revoked_s, 99);
    assert_int_equal(store_client_count(c, app), 1);
    assert_false(store_client_get(c, app + 1, STR("ann"), &row)); /* tenants do not see each other */

    store_token_put(c, app, &token);
    memset(&token.user, 0, sizeof(token.user));
    assert_true(store_token_get(c, app, token.hash, &token));
    ASSERT_STR(token.user, "ann");
    assert_int_equal(token.expires_ms, now_ms + 1000);
    store_token_revoke(c, app, token.hash, now_ms + 1000);
    assert_false(store_token_get(c, app, token.hash, &token));
    assert_true(store_token_revoked(c, app, token.hash));
    assert_false(store_token_revoked(c, app + 1, token.hash));
    store_token_put(c, app, &token);
    store_token_forget_user(c, app, STR("ann"));
    assert_false(store_token_get(c, app, token.hash, &token));

    /* what expired days ago is gone with the next change, what expired today is not */
    token.hash[0] = 9;
    token.expires_ms = now_ms - INT64_C(48) * 3600 * 1000;
    store_token_put(c, app, &token);
    token.hash[0] = 10;
    token.expires_ms = now_ms - 1;
    store_token_put(c, app, &token);
    assert_true(store_token_get(c, app, token.hash, &token));
    token.hash[0] = 9;
    assert_false(store_token_get(c, app, token.hash, &token));
}

static void rooms(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct room_row room = fixture_room(c, 1, "b-room"), got, list[3];
    const struct room_row other = fixture_room(c, 1, "a-room");
    struct member_row member = {.user = STR("ann"),
                                .role = ROLE_OWNER,
                                .joined_seq = 3,
                                .joined_ms = 4,
                                .read_seq = 5,
                                .read_id = STR("m")};
    struct member_row members[3];

    (void)now_ms;
    (void)task;
    assert_true(room.key > 0 && other.key > 0 && room.key != other.key);
    room.name = STR("New");
    room.owner = STR("");
    room.fields = STR("{}");
    room.opening = 1;
    room.updated_ms = 77;
    store_room_update(c, &room);
    for (int64_t seq = 1; seq <= 2; seq++) {
        const struct event_row event = {.room_key = room.key, .seq = seq, .type = EVENT_ROOM};

        assert_int_equal(store_room_next_seq(c, room.key), seq);
        store_event_add(c, &event);
    }
    assert_true(store_room_get(c, 1, STR("b-room"), &got));
    assert_int_equal(got.key, room.key);
    assert_int_equal(got.app, 1);
    ASSERT_STR(got.id, "b-room");
    ASSERT_STR(got.name, "New");
    ASSERT_STR(got.type, "group");
    ASSERT_STR(got.owner, "");
    ASSERT_STR(got.fields, "{}");
    assert_int_equal(got.opening, 1);
    assert_int_equal(got.seq, 2);
    assert_int_equal(got.min_seq, 1);
    assert_int_equal(got.created_ms, 1000);
    assert_int_equal(got.updated_ms, 77);
    assert_true(store_room_by_key(c, other.key, &got));
    ASSERT_STR(got.id, "a-room");
    assert_int_equal(store_room_count(c, 1), 2);

    store_member_put(c, 1, room.key, &member);
    store_member_put(c, 1, other.key, &member);
    member = (struct member_row){.user = STR("ben"), .role = ROLE_MANAGER};
    store_member_put(c, 1, room.key, &member);
    member.role = ROLE_ADMIN;
    store_member_put(c, 1, room.key, &member);
    assert_int_equal(store_member_count(c, room.key), 2);
    assert_true(store_member_get(c, room.key, STR("ann"), &member));
    assert_int_equal(member.role, ROLE_OWNER);
    assert_int_equal(member.joined_seq, 3);
    assert_int_equal(member.joined_ms, 4);
    assert_int_equal(member.read_seq, 5);
    ASSERT_STR(member.read_id, "m");
    assert_int_equal(store_member_list(c, room.key, STR_NULL, members, 3), 2);
    ASSERT_STR(members[1].user, "ben");
    assert_int_equal(members[1].role, ROLE_ADMIN);
    ASSERT_ABSENT(members[1].read_id);
    assert_int_equal(store_member_list(c, room.key, STR_NULL, members, 1), 1);
    assert_int_equal(store_member_list(c, room.key, STR("ann"), members, 3), 1);
    assert_int_equal(store_rooms_of(c, 1, STR("ann"), STR_NULL, list, members, 3), 2);
    ASSERT_STR(list[0].id, "a-room");
    ASSERT_STR(list[1].id, "b-room");
    assert_int_equal(members[1].read_seq, 5);
    assert_int_equal(store_rooms_of(c, 1, STR("ann"), STR("a-room"), list, NULL, 3), 1);
    store_member_remove(c, room.key, STR("ann"));
    assert_false(store_member_get(c, room.key, STR("ann"), &member));
}

static void no_such_room(struct store_conn *c, int64_t now_ms, struct task *task)
{
    (void)now_ms;
    (void)task;
    assert_int_equal(store_room_next_seq(c, 4711), 0);
    assert_true(store_conn_failed(c));
}

static void recalls_and_events(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct room_row room = fixture_room(c, 5, "events");
    struct recall_row recall = {.message = STR("m"),
                                .room_key = room.key,
                                .seq = 7,
                                .time_ms = 8,
                                .operator_id = STR("ann"),
                                .is_admin = true,
                                .disable_update_last = true,
                                .extra = STR(""),
                                .author = STR("ben"),
                                .sent_ms = 9,
                                .objname = STR("RC:TxtMsg")};
    struct event_row event = {
        .room_key = room.key, .type = EVENT_RECALL, .subject = STR("m"), .version = 2, .time_ms = 3};
    struct event_row events[4];

    (void)now_ms;
    (void)task;
    store_recall_put(c, 5, &recall);
    recall.seq = 70;
    store_recall_put(c, 5, &recall);
    assert_true(store_recall_get(c, 5, STR("m"), &recall));
    ASSERT_STR(recall.message, "m");
    assert_int_equal(recall.room_key, room.key);
    assert_int_equal(recall.seq, 70);
    assert_int_equal(recall.time_ms, 8);
    ASSERT_STR(recall.operator_id, "ann");
    assert_false(recall.is_delete);
    assert_true(recall.is_admin);
    assert_true(recall.disable_update_last);
    ASSERT_STR(recall.extra, "");
    ASSERT_ABSENT(recall.reason);
    ASSERT_STR(recall.author, "ben");
    assert_int_equal(recall.sent_ms, 9);
    ASSERT_STR(recall.objname, "RC:TxtMsg");

    for (int i = 0; i < 4; i++) {
        event.seq = store_room_next_seq(c, room.key);
        event.data = i == 3 ? STR("{}") : STR_NULL;
        store_event_add(c, &event);
    }
    assert_int_equal(store_event_page(c, room.key, 1, events, 2), 2);
    assert_int_equal(events[0].seq, 2);
    assert_int_equal(store_event_page(c, room.key, 3, events, 2), 1);
    assert_int_equal(events[0].seq, 4);
    assert_int_equal(events[0].room_key, room.key);
    assert_int_equal(events[0].type, EVENT_RECALL);
    ASSERT_STR(events[0].subject, "m");
    ASSERT_STR(events[0].data, "{}");
    assert_int_equal(events[0].version, 2);
    assert_int_equal(events[0].time_ms, 3);
    store_event_trim(c, room.key, 3);
    assert_int_equal(store_event_page(c, room.key, 0, events, 4), 2);
    assert_true(store_room_by_key(c, room.key, &room));
    assert_int_equal(room.min_seq, 3);
}

static void devices(struct store_conn *c, int64_t now_ms, struct task *task)
{
    struct device_row device = {
        .user = STR("ann"), .device = STR("d"), .caps = STR("ack,recall"), .seen_ms = 1};

    (void)now_ms;
    (void)task;
    store_device_put(c, 1, &device);
    device.packages = STR("com.example");
    device.seen_ms = 2;
    store_device_put(c, 1, &device);
    assert_true(store_device_get(c, 1, STR("ann"), STR("d"), &device));
    ASSERT_STR(device.user, "ann");
    ASSERT_STR(device.device, "d");
    ASSERT_STR(device.caps, "ack,recall");
    ASSERT_STR(device.packages, "com.example");
    assert_int_equal(device.seen_ms, 2);
    store_ack_put(c, 1, 9, STR("ann"), STR("d"), 5, 1);
    store_ack_put(c, 1, 9, STR("ann"), STR("d"), 4, 2);
    assert_int_equal(store_ack_get(c, 1, 9, STR("ann"), STR("d")), 5);
    store_ack_put(c, 1, 9, STR("ann"), STR("d"), 6, 3);
    assert_int_equal(store_ack_get(c, 1, 9, STR("ann"), STR("d")), 6);
    store_refused_put(c, 1, 9, STR("ann"), STR("d"), 5, 1);
    store_refused_put(c, 1, 9, STR("ann"), STR("d"), 5, 1);
    assert_false(store_conn_failed(c));
}

static void every_query(void **state)
{
    static void (*const works[])(struct store_conn *, int64_t, struct task *) = {none, clients, rooms,
                                                                                 recalls_and_events, devices};
    struct fixture f;

    (void)state;
    fixture_make(&f);
    for (size_t i = 0; i < sizeof(works) / sizeof(works[0]); i++)
        assert_true(transact(&f, DB_WRITER, works[i]));
    assert_false(transact(&f, DB_WRITER, no_such_room));
    fixture_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_query),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
