/* The log's file: what a kill, a power cut or a full disk leaves of it. */
#include "log_fixture.h"

#include "store/db.h"

#include <signal.h>
#include <sys/wait.h>

#define BLOCK 4096L

/* --- kills --- */

static void a_log_with_zeros_behind_is_recovered_after_a_kill(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);
    pid_t child;

    (void)state;
    sqlite3_close(db); /* a process must not carry a connection into its child */
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        db = place_open(&p, log_file_vfs());
        for (int i = 0; i < 17; i++)
            insert(db, 1, 2000);
        must(db, "BEGIN");
        insert(db, 1, 2000);
        kill(getpid(), SIGKILL);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(size_of(p.log), CHUNK);
    db = place_open(&p, NULL);
    assert_int_equal(rows_of(db), 17);
    assert_sound(db);
    sqlite3_close(db);
    db = place_open(&p, log_file_vfs());
    insert(db, 1, 10);
    assert_int_equal(rows_of(db), 18);
    place_clear(&p, db);
}

/* A copy of the database whose log is that of before the last commit, except for the blocks that `which` picks; its rows. */
static int64_t rows_after(const struct place *p, const char *before, const char *after, long size, uint64_t which)
{
    struct place copy = {.dir = "/tmp/recalld-log-XXXXXX"};
    char *mixed = malloc((size_t)size), *data;
    long data_size;
    sqlite3 *db;
    int64_t rows;

    assert_non_null(mkdtemp(copy.dir));
    snprintf(copy.db, sizeof(copy.db), "%s/db", copy.dir);
    snprintf(copy.log, sizeof(copy.log), "%s/db-wal", copy.dir);
    assert_non_null(mixed);
    for (long at = 0, bit = 0; at < size; at += BLOCK) {
        const bool differs = memcmp(before + at, after + at, (size_t)BLOCK) != 0;

        memcpy(mixed + at, differs && (which >> (bit % 64) & 1) != 0 ? after + at : before + at, (size_t)BLOCK);
        bit += differs;
    }
    data = bytes_of(p->db, &data_size);
    store_bytes(copy.db, data, data_size);
    store_bytes(copy.log, mixed, size);
    db = place_open(&copy, log_file_vfs());
    rows = rows_of(db);
    assert_sound(db);
    place_clear(&copy, db);
    free(data);
    free(mixed);
    return rows;
}

/* A power cut keeps any of the blocks that were written since the last sync. */
static void a_commit_of_which_a_part_reached_the_disk_is_not_there(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    for (int round = 0; round < 2; round++) {
        const int64_t rows = rows_of(db);
        char *before, *after;
        long size, size_after;

        if (round == 0) /* the header is among what is written: it is not synced first */
            empty_log(db);
        before = bytes_of(p.log, &size);
        insert(db, 5, 3000);
        after = bytes_of(p.log, &size_after);
        assert_int_equal(size, size_after);
        assert_int_equal(rows_after(&p, before, after, size, 0), rows);
        for (uint64_t which = 1, n = 0; n < 40; n++, which = which * UINT64_C(6364136223846793005) + 1)
            assert_int_equal(rows_after(&p, before, after, size, which >> 40 & ~(UINT64_C(1) << n % 4)), rows);
        assert_int_equal(rows_after(&p, before, after, size, UINT64_MAX), rows + 5);
        free(before);
        free(after);
    }
    place_clear(&p, db);
}

/* --- full disks --- */

static void a_full_disk_fails_the_commit_and_nothing_else(void **state)
{
    static const int spaces[] = {0, 1, 31, 32, 4000, 4120, 9000, 20000};
    struct place p;
    sqlite3 *db = place_make(&p), *reader = place_open(&p, NULL);

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(spaces) / sizeof(spaces[0]); i++) {
        const int64_t rows = rows_of(reader);

        if (i % 2 == 0)
            empty_log(db);
        room = spaces[i / 2];
        must(db, "BEGIN");
        insert(db, 20, 3000);
        assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_FULL);
        if (!sqlite3_get_autocommit(db))
            must(db, "ROLLBACK");
        assert_int_equal(rows_of(db), rows);
        assert_int_equal(rows_of(reader), rows);
        room = ROOM_ENOUGH;
        insert(db, 1, 10);
        assert_int_equal(rows_of(reader), rows + 1);
        assert_sound(reader);
    }
    sqlite3_close(reader);
    place_clear(&p, db);
}

static void a_disk_that_fills_before_the_commit_fails_the_transaction(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);
    int tried = 0, failed = 0;

    (void)state;
    insert(db, 3, 10);
    must(db, "PRAGMA cache_size=5; PRAGMA cache_spill=5");
    for (int space = 0; space < 8000000; space = space * 3 / 2 + 50000) {
        int rc;

        room = space;
        must(db, "BEGIN");
        rc = sqlite3_exec(db, "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) "
                              "INSERT INTO t(body) SELECT zeroblob(3000) FROM n; UPDATE t SET body = 'b' WHERE id % 5 = 0; COMMIT",
                          NULL, NULL, NULL);
        assert_true(rc == SQLITE_FULL || rc == SQLITE_OK);
        if (!sqlite3_get_autocommit(db))
            must(db, "ROLLBACK");
        room = ROOM_ENOUGH;
        assert_int_equal(rows_of(db), rc == SQLITE_OK ? 403 : 3);
        assert_sound(db);
        tried++;
        failed += rc != SQLITE_OK;
        must(db, "DELETE FROM t WHERE id > 3");
    }
    assert_in_range(failed, 3, tried - 1);
    place_clear(&p, db);
}

static void no_room_for_zeros_fails_nothing(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);
    long size;

    (void)state;
    for (int round = 0; round < 2; round++) {
        room = round == 0 ? 0 : ROOM_ENOUGH;
        empty_log(db);
        assert_int_equal(size_of(p.log), round == 0 ? 0 : FIRST);
        room = 250000; /* for some commits, not for a chunk of zeros */
        do {
            const int64_t rows = rows_of(db);

            insert(db, 1, 10);
            assert_int_equal(rows_of(db), rows + 1);
            size = size_of(p.log);
        } while (size <= FIRST);
        assert_int_equal((size - 32) % FRAME, 0); /* nor do any stay that did find room */
    }
    room = ROOM_ENOUGH;
    empty_log(db);
    while (size_of(p.log) == FIRST)
        insert(db, 1, 10);
    assert_int_equal(size_of(p.log), CHUNK); /* tried again */
    place_clear(&p, db);
}

static void the_store_hears_that_the_disk_is_full(void **state)
{
    static const char *const sql[] = {"INSERT INTO t(body) VALUES(?1)"};
    struct place p;
    char uri[128], error[256];
    const struct db_options options = {.uri = uri, .role = DB_WRITER, .sql = sql, .sql_count = 1};
    struct db *db;
    bool wrote;

    (void)state;
    sqlite3_close(place_make(&p));
    snprintf(uri, sizeof(uri), "sqlite:%s", p.db);
    db = db_open(&options, error, sizeof(error));
    assert_non_null(db);
    for (int i = 0; i < 2; i++) {
        struct db_stmt *s;

        room = i == 0 ? 0 : ROOM_ENOUGH;
        assert_true(db_begin_write(db));
        s = db_statement(db, 0);
        assert_non_null(s);
        db_bind_text(s, 1, STR("body"));
        assert_false(db_step(s));
        db_reset(s);
        assert_int_equal(db_commit(db, &wrote), i != 0);
        assert_int_equal(db_status(db), i == 0 ? DB_FULL : DB_OK);
        if (i == 0)
            db_rollback(db);
    }
    db_close(db);
    place_clear(&p, place_open(&p, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_log_with_zeros_behind_is_recovered_after_a_kill),
        cmocka_unit_test(a_commit_of_which_a_part_reached_the_disk_is_not_there),
        cmocka_unit_test(a_full_disk_fails_the_commit_and_nothing_else),
        cmocka_unit_test(a_disk_that_fills_before_the_commit_fails_the_transaction),
        cmocka_unit_test(no_room_for_zeros_fails_nothing),
        cmocka_unit_test(the_store_hears_that_the_disk_is_full),
    };

    return disk_use() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
