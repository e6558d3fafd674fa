/* The ledger over time: progress, restarts, what is too old, databases of before. */
#include "ledger_fixture.h"

#include <sqlite3.h>

/* --- progress --- */

static struct ledger_progress progress;
static char watchers[200];

static enum result do_progress(struct core_tx *tx, const struct principal *who, const void *arg)
{
    const struct named *n = arg;

    (void)who;
    if (!ledger_progress(tx, str_c(n->room), str_c(n->user), DAYS * DAY, &progress))
        return tx_fail(&out, RESULT_NO_MESSAGE, "no such recall here");
    watchers[0] = '\0';
    for (size_t i = 0; i < progress.watcher_count; i++)
        (void)snprintf(watchers + strlen(watchers), sizeof(watchers) - strlen(watchers), "%.*s ", (int)progress.watchers[i].n,
                       progress.watchers[i].p);
    return RESULT_OK;
}

static void test_progress(void **unused)
{
    int64_t seq;

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ann", "a", "recall");
    seen("ben", "b", "recall");
    seen("cho", "c", "");
    assert_int_equal(act("ann", do_role, N3("r1", "cho", "manager")), RESULT_OK);
    seq = recalled("ben", "r1", "m1");
    acks("ben", "b", "r1", seq);
    assert_int_equal(batch.count, 1);
    assert_int_equal(act(NULL, do_progress, N2("r1", "m1")), RESULT_OK);
    assert_int_equal(progress.acked, 1);
    assert_int_equal(progress.devices, 3);
    assert_string_equal(watchers, "ben ann cho ");
    assert_int_equal(act(NULL, do_progress, N2("r1", "other")), RESULT_NO_MESSAGE);
    /* Nobody watches a recall of long ago. */
    clock_ms = T0 + DEVICE_TOUCHED_MS + 1;
    acks("ann", "a", "r1", seq);
    assert_int_equal(batch.count, 0);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(2, 0, 0, 0, 1);
}

/* --- age, restarts, databases of before --- */

static int rows(const char *sql)
{
    sqlite3 *db;
    sqlite3_stmt *s;
    int n;

    assert_int_equal(sqlite3_open(store.file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    n = sqlite3_column_int(s, 0);
    sqlite3_finalize(s);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return n;
}

static void alter(const char *sql)
{
    sqlite3 *db;

    assert_int_equal(sqlite3_open(store.file, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void test_a_restart_keeps_it(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "b", "recall");
    acks("ben", "b", "r1", 1);
    (void)recalled("ann", "r1", "m1");
    clock_ms = T0 + 77;
    acks("ben", "b", "r1", 3);
    fixture_restart(&store);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_int_equal(delay("b"), 77);
}

static void test_an_ack_that_passes_no_recall_leaves_no_note(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "b", "recall");
    acks("ben", "b", "r1", 1);
    assert_int_equal(act("ann", do_send, N2("r1", "m1")), RESULT_OK);
    acks("ben", "b", "r1", 2);
    assert_int_equal(rows("SELECT count(*) FROM ack_log"), 0);
    assert_int_equal(rows("SELECT count(*) FROM ack"), 1);
    assert_int_equal(act("ann", do_recall, N2("r1", "m1")), RESULT_OK);
    acks("ben", "b", "r1", 3);
    assert_int_equal(rows("SELECT count(*) FROM ack_log"), 1);
}

static void test_what_is_too_old_goes(void **unused)
{
    int64_t seq;
    struct device_ack a = {.user = STR("ben"), .device = STR("refuses"), .room = STR("r1"), .refused_count = 1, .can_recall = true};

    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "refuses", "recall");
    seen("ben", "stays", "recall");
    a.seq = seq = recalled("ann", "r1", "m1");
    a.refused = &seq;
    assert_int_equal(act(NULL, do_ack, &a), RESULT_OK);
    acks("ben", "stays", "r1", seq);
    assert_int_equal(act("ann", do_remove, N2("r1", "cho")), RESULT_OK);
    clock_ms = T0 + DAY;
    seen("ben", "stays", "recall");
    clock_ms = T0 + 2 * DAYS * DAY + 1;
    seen("dan", "new", "recall");
    assert_int_equal(rows("SELECT count(*) FROM device"), 2);
    assert_int_equal(rows("SELECT count(*) FROM refused"), 0);
    assert_int_equal(rows("SELECT count(*) FROM ack"), 1);
    acks("dan", "new", "r1", 1);
    assert_int_equal(rows("SELECT count(*) FROM ack_log"), 0);
    assert_int_equal(rows("SELECT count(*) FROM member_past"), 0);
    /* The place is kept: acked, but nobody knows any more when. */
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    check_counts(1, 0, 0, 0, 0);
    assert_int_equal(delay("stays"), -1);
    assert_int_equal(ack_ms("p50"), -1);
}

static void test_a_database_of_version_1_becomes_this_one(void **unused)
{
    (void)unused;
    clock_ms = T0;
    make_room("r1");
    seen("ben", "b", "recall");
    acks("ben", "b", "r1", recalled("ann", "r1", "m1"));
    store_close(store.store);
    alter("DROP TABLE ack_log; DROP TABLE member_past; ALTER TABLE event DROP COLUMN recalled; DROP INDEX device_age; DROP INDEX ack_device;"
          "DROP INDEX refused_device; DROP TABLE tag; DROP TABLE package; DROP TABLE quota; DROP INDEX message_limited;"
          "INSERT INTO event (room_key, seq, type, subject, version, time_ms) SELECT room_key, seq, 1, id, 1, created_ms FROM message;"
          "DROP INDEX message_unlisted; ALTER TABLE room DROP COLUMN recalled; DROP INDEX message_quiet; ALTER TABLE message DROP COLUMN audience; ALTER TABLE message DROP COLUMN counted;"
          "UPDATE room SET seq = (SELECT max(e.seq) FROM event e WHERE e.room_key = room.key);"
          "UPDATE meta SET value = '1' WHERE name = 'schema'");
    if (fixture_open(&store, NULL) == NULL)
        fail_msg("%s", store.error);
    /* Each event knows the last recall before it. */
    assert_int_equal(rows("SELECT count(*) FROM event WHERE recalled > 0"), 1);
    assert_int_equal(rows("SELECT count(*) FROM event e JOIN recall c ON c.room_key = e.room_key AND c.seq = e.seq WHERE e.recalled = e.seq"), 1);
    assert_int_equal(ledger("ann", "r1", "m1"), RESULT_OK);
    assert_string_equal(state("b"), "acked");
    assert_int_equal(delay("b"), -1);
    clock_ms = T0 + 1000;
    (void)recalled("ann", "r1", "m2");
    clock_ms = T0 + 1030;
    acks("ben", "b", "r1", 5);
    assert_int_equal(ledger("ann", "r1", "m2"), RESULT_OK);
    assert_int_equal(delay("b"), 30);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(test_progress),
        CASE(test_a_restart_keeps_it),
        CASE(test_an_ack_that_passes_no_recall_leaves_no_note),
        CASE(test_what_is_too_old_goes),
        CASE(test_a_database_of_version_1_becomes_this_one),
    };

    return cmocka_run_group_tests_name("ledger over time", tests, NULL, NULL);
}
