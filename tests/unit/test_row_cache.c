/* The rows that the writer keeps in memory: whatever changes, and however a transaction ends, they are those of the database. */
#include "store_transact.h"

#define ROOMS 5
#define USERS 4
#define MESSAGES 40 /* ids; the least is the room's */
#define BATCHES 300
#define STEPS 40

static struct fixture f;
static struct store_conn c;

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static int below(uint64_t *random, int n)
{
    return (int)(next_random(random) % (uint64_t)n);
}

static struct str named(char kind, int number)
{
    return arena_printf(&c.arena, "%c%d", kind, number);
}

/* Rooms with a member and a client each, committed. */
static void begin(void)
{
    fixture_make(&f);
    open_writer(&f, &c);
    assert_true(conn_begin(&c));
    for (int i = 0; i < ROOMS; i++)
        assert_int_equal(fixture_room(&c, 1, named('r', i).p).key, i + 1);
    for (int i = 0; i < USERS; i++) {
        const struct client_row client = {.id = named('u', i), .nickname = STR("One")};
        const struct member_row member = {.user = client.id};

        store_client_put(&c, 1, &client);
        store_member_put(&c, 1, 1, &member);
    }
    assert_true(conn_commit(&c, NULL));
    arena_reset(&c.arena);
}

static void end(void)
{
    conn_close(&c);
    fixture_free(&f);
}

/* --- one look at everything that may be kept, by a connection --- */

static void same_str(struct str a, struct str b)
{
    assert_int_equal(a.p == NULL, b.p == NULL);
    assert_int_equal(a.n, b.n);
    if (a.n != 0)
        assert_memory_equal(a.p, b.p, a.n);
}

static void same_room(const struct room_row *a, const struct room_row *b)
{
    assert_int_equal(a->key, b->key);
    assert_int_equal(a->app, b->app);
    same_str(a->id, b->id);
    same_str(a->name, b->name);
    same_str(a->type, b->type);
    same_str(a->owner, b->owner);
    same_str(a->fields, b->fields);
    assert_int_equal(a->opening, b->opening);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->min_seq, b->min_seq);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
}

static void same_last(const struct message_row *a, const struct message_row *b)
{
    assert_int_equal(a->key, b->key);
    assert_int_equal(a->room_key, b->room_key);
    same_str(a->room, b->room);
    same_str(a->id, b->id);
    same_str(a->sender, b->sender);
    same_str(a->type, b->type);
    same_str(a->body, b->body);
    same_str(a->content, b->content);
    same_str(a->reply, b->reply);
    same_str(a->batch, b->batch);
    same_str(a->client_msg_id, b->client_msg_id);
    same_str(a->audience, b->audience);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->version, b->version);
    assert_int_equal(a->state, b->state);
}

static void same_client(const struct client_row *a, const struct client_row *b)
{
    same_str(a->id, b->id);
    same_str(a->nickname, b->nickname);
    same_str(a->avatar, b->avatar);
    same_str(a->fields, b->fields);
    assert_int_equal(a->last_login_ms, b->last_login_ms);
    assert_int_equal(a->updated_ms, b->updated_ms);
    assert_int_equal(a->token_gen, b->token_gen);
    assert_int_equal(a->tokens_revoked_s, b->tokens_revoked_s);
}

/* What `other` reads is what the writer says. */
static void compare(struct store_conn *other)
{
    for (int i = 0; i < ROOMS; i++) {
        struct room_row room[3];
        struct message_row last[2];
        bool has;

        assert_true(store_room_get(&c, 1, named('r', i), &room[0]));
        assert_true(store_room_by_key(&c, i + 1, &room[1]));
        assert_true(store_room_get(other, 1, named('r', i), &room[2]));
        same_room(&room[0], &room[1]);
        same_room(&room[0], &room[2]);
        has = store_message_last(&c, 1, i + 1, STR_NULL, &last[0]);
        assert_int_equal(store_message_last(other, 1, i + 1, STR_NULL, &last[1]), has);
        if (has)
            same_last(&last[0], &last[1]);
        for (int u = 0; u < USERS; u++) {
            struct member_row member[2];

            has = store_member_get(&c, i + 1, named('u', u), &member[0]);
            assert_int_equal(store_member_get(other, i + 1, named('u', u), &member[1]), has);
            if (!has)
                continue;
            same_str(member[0].user, member[1].user);
            same_str(member[0].read_id, member[1].read_id);
            assert_int_equal(member[0].role, member[1].role);
            assert_int_equal(member[0].read_seq, member[1].read_seq);
        }
    }
    for (int u = 0; u < USERS; u++) {
        struct client_row client[2];

        assert_true(store_client_get(&c, 1, named('u', u), &client[0]));
        assert_true(store_client_get(other, 1, named('u', u), &client[1]));
        same_client(&client[0], &client[1]);
    }
    assert_false(store_conn_failed(&c));
}

/* The writer's own connection without what it keeps sees the open transaction. */
static void compare_open(void)
{
    struct store_conn plain = c;

    plain.rows = NULL;
    plain.writer = false;
    plain.room_seqs = (struct room_seqs){0};
    plain.arena = (struct arena){0};
    compare(&plain);
    room_seq_forget(&plain.room_seqs);
    arena_free(&plain.arena);
}

/* A reader's connection sees what was committed. */
static void compare_committed(void)
{
    struct store_conn reader;

    conn_init(&reader, open_as(&f, DB_READER), STR("e"), false);
    assert_true(conn_begin(&reader));
    compare(&reader);
    conn_close(&reader);
}

/* --- what changes --- */

static void add_event(int64_t room, enum event_type type, struct str subject)
{
    const struct event_row event = {
        .room_key = room, .seq = store_room_next_seq(&c, room), .type = type, .subject = subject, .time_ms = c.now_ms};

    store_event_add(&c, &event);
}

static void change_room(uint64_t *random, int64_t room)
{
    struct room_row row;

    assert_true(store_room_by_key(&c, room, &row));
    if (below(random, 2) == 0) {
        row.name = below(random, 3) == 0 ? STR_NULL : named('n', below(random, 1000));
        row.opening = below(random, 2);
        row.updated_ms++;
        store_room_update(&c, &row);
    } else if (row.seq > row.min_seq) {
        store_event_trim(&c, room, row.min_seq + 1 + below(random, (int)(row.seq - row.min_seq) + 1));
    }
}

static void change_people(uint64_t *random, int64_t room)
{
    const struct str user = named('u', below(random, USERS));
    struct client_row client = {.id = user, .nickname = named('n', below(random, 1000)), .updated_ms = below(random, 1000)};
    struct member_row member = {.user = user, .role = (enum member_role)below(random, 4), .read_seq = below(random, 99)};

    switch (below(random, 5)) {
    case 0:
        member.read_id = below(random, 2) == 0 ? STR_NULL : named('m', below(random, MESSAGES));
        store_member_put(&c, 1, room, &member);
        break;
    case 1:
        store_member_remove(&c, room, user);
        break;
    case 2:
        store_client_put(&c, 1, &client);
        break;
    case 3:
        store_client_set_login(&c, 1, user, below(random, 1000));
        break;
    default:
        store_client_revoke_tokens(&c, 1, user, below(random, 1000), below(random, 1000));
        break;
    }
}

static void add_message(uint64_t *random, int64_t room, struct str id)
{
    struct message_row m = {.room_key = room,
                            .id = id,
                            .sender = below(random, 2) == 0 ? STR_NULL : named('u', 0),
                            .type = STR("text"),
                            .body = named('1', below(random, 1000)),
                            .content = below(random, 2) == 0 ? STR_NULL : STR("{\"a\":1}"),
                            .updated_ms = c.now_ms,
                            .version = 1,
                            .unlisted = below(random, 4) == 0,
                            .audience = below(random, 4) == 0 ? STR("{\"users\":[\"u0\"]}") : STR_NULL};

    m.seq = store_room_next_seq(&c, room);
    store_message_add(&c, 1, &m);
}

static void change_message(uint64_t *random)
{
    const int number = below(random, MESSAGES);
    const struct str id = named('m', number);
    const bool is_delete = below(random, 2) == 0;
    struct message_row m, last;

    if (!store_message_get(&c, 1, id, &m)) {
        add_message(random, 1 + number % ROOMS, id);
        return;
    }
    if (m.state != MESSAGE_LIVE)
        return;
    switch (below(random, 5)) {
    case 0:
        m.body = named('2', below(random, 1000));
        m.version++;
        store_message_edit(&c, &m);
        break;
    case 1:
        store_message_touch(&c, &m, m.updated_ms + 1);
        break;
    case 2:
        assert_true(store_message_outline(&c, 1, id, &m));
        /* fall through */
    case 3:
        if (below(random, 2) == 0)
            store_message_recall(&c, &m, c.now_ms);
        (void)store_message_last(&c, 1, m.room_key, STR_NULL, &last);
        store_recall_put(&c, 1,
                         &(struct recall_row){.message = id, .room_key = m.room_key, .is_delete = is_delete, .sent_ms = 1});
        if (store_message_get(&c, 1, id, &m) && m.state == MESSAGE_LIVE)
            store_message_recall(&c, &m, c.now_ms);
        break;
    default:
        store_message_delete(&c, &m, c.now_ms);
        break;
    }
}

static void step(uint64_t *random)
{
    const int64_t room = 1 + below(random, ROOMS);

    c.now_ms++;
    switch (below(random, 5)) {
    case 0:
        change_room(random, room);
        break;
    case 1:
        change_people(random, room);
        break;
    case 2:
        add_event(room, EVENT_ROOM, STR_NULL);
        break;
    default:
        change_message(random);
        break;
    }
}

static void kept_rows_are_the_database_s(void **unused)
{
    uint64_t random = UINT64_C(0x9E3779B97F4A7C15);

    (void)unused;
    begin();
    c.now_ms = 1;
    for (int i = 0; i < BATCHES; i++) {
        const int how = below(&random, 3);

        assert_true(conn_begin(&c));
        for (int n = below(&random, STEPS); n > 0; n--) {
            step(&random);
            if (below(&random, 4) == 0)
                compare_open();
        }
        if (how == 0) {
            conn_rollback(&c);
        } else if (how == 1) { /* a job of the batch fails when all of them are done */
            conn_fail(&c);
            assert_false(conn_commit(&c, NULL));
            conn_rollback(&c);
        } else {
            assert_true(conn_commit(&c, NULL));
        }
        assert_true(conn_begin(&c));
        compare_committed();
        conn_rollback(&c);
        arena_reset(&c.arena);
    }
    end();
}

/* --- what is kept, and what is not --- */

static void a_row_is_asked_for_once_and_a_rollback_forgets_it(void **unused)
{
    struct room_row room;
    struct message_row last;
    struct member_row member;
    struct client_row client;
    int64_t key;

    (void)unused;
    begin();
    assert_true(conn_begin(&c));
    add_message(&(uint64_t){1}, 1, STR("m0"));
    (void)fixture_message(&c, 1, 1, "m1", "u0", "\"words\"");
    assert_true(store_room_get(&c, 1, STR("r0"), &room));
    assert_true(store_member_get(&c, 1, STR("u0"), &member));
    assert_true(store_client_get(&c, 1, STR("u0"), &client));
    assert_false(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    assert_true(store_message_last(&c, 1, 1, STR_NULL, &last));
    assert_true(row_cache_get(&c, ROW_ROOM_KEY, 1, STR("r0"), &key));
    assert_int_equal(key, 1);
    assert_true(row_cache_get(&c, ROW_ROOM, 1, STR_NULL, &room));
    assert_true(row_cache_get(&c, ROW_MEMBER, 1, STR("u0"), &member));
    assert_true(row_cache_get(&c, ROW_CLIENT, 1, STR("u0"), &client));
    assert_true(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    ASSERT_STR(last.body, "\"words\"");
    conn_rollback(&c);
    assert_true(conn_begin(&c));
    assert_false(row_cache_get(&c, ROW_ROOM_KEY, 1, STR("r0"), &key));
    assert_false(row_cache_get(&c, ROW_ROOM, 1, STR_NULL, &room));
    assert_false(row_cache_get(&c, ROW_MEMBER, 1, STR("u0"), &member));
    assert_false(row_cache_get(&c, ROW_CLIENT, 1, STR("u0"), &client));
    assert_false(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    assert_false(store_message_last(&c, 1, 1, STR_NULL, &last));
    conn_rollback(&c);
    end();
}

static void a_long_row_and_one_for_a_user_are_not_kept(void **unused)
{
    char body[ROW_CACHE_TEXT + 3];
    struct message_row last, m;

    (void)unused;
    begin();
    memset(body, 'x', sizeof(body));
    body[0] = body[sizeof(body) - 2] = '"';
    body[sizeof(body) - 1] = '\0';
    assert_true(conn_begin(&c));
    m = fixture_message(&c, 1, 1, "m1", "u0", body);
    assert_true(store_message_last(&c, 1, 1, STR_NULL, &last));
    ASSERT_STR(last.body, body);
    assert_false(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    (void)fixture_message(&c, 1, 1, "m2", "u0", "\"2\"");
    store_hidden_put(&c, 1, STR("u1"), 1, STR("m2"), 1);
    assert_true(store_message_last(&c, 1, 1, STR("u1"), &last));
    ASSERT_STR(last.id, "m1");
    assert_false(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    assert_true(store_message_last(&c, 1, 1, STR_NULL, &last));
    ASSERT_STR(last.id, "m2");
    /* The recall of another message leaves it; its own does not. */
    store_message_recall(&c, &m, 5);
    assert_true(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    store_message_recall(&c, &last, 6);
    assert_false(row_cache_get(&c, ROW_LAST, 1, STR_NULL, &last));
    assert_true(store_message_last(&c, 1, 1, STR_NULL, &last));
    ASSERT_STR(last.id, "m2");
    ASSERT_ABSENT(last.body);
    conn_rollback(&c);
    end();
}

/* More rows than there are places: each is found as itself or not at all. */
static void rows_that_share_a_place_are_told_apart(void **unused)
{
    const int n = 3 * (int)ROW_CACHE_PLACES;
    int kept = 0;

    (void)unused;
    begin();
    assert_true(conn_begin(&c));
    for (int i = 0; i < n; i++) {
        const struct client_row client = {.id = named('k', i), .nickname = named('n', i)};

        row_cache_put(&c, ROW_CLIENT, i % 3, client.id, &client);
    }
    for (int i = 0; i < n; i++) {
        struct client_row client;

        assert_false(row_cache_get(&c, ROW_CLIENT, 3, named('k', i), &client));
        if (!row_cache_get(&c, ROW_CLIENT, i % 3, named('k', i), &client))
            continue;
        kept++;
        same_str(client.id, named('k', i));
        same_str(client.nickname, named('n', i));
        assert_null(client.avatar.p);
    }
    assert_in_range(kept, ROW_CACHE_PLACES / 2, ROW_CACHE_PLACES);
    conn_rollback(&c);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kept_rows_are_the_database_s),
        cmocka_unit_test(a_row_is_asked_for_once_and_a_rollback_forgets_it),
        cmocka_unit_test(a_long_row_and_one_for_a_user_are_not_kept),
        cmocka_unit_test(rows_that_share_a_place_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
