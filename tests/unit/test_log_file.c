/* The log's file: how a commit is written, and how the log is emptied. */
#include "log_fixture.h"

/* --- commits --- */

static void a_commit_writes_its_frames_with_one_call(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    insert(db, 1, 10);
    writes = syncs = 0;
    insert(db, 20, 1000);
    assert_int_equal(writes, ONE_CALL);
    assert_int_equal(syncs, 1);
    writes = syncs = 0;
    insert(db, 60, 1000); /* some 21 pages, less than what is gathered */
    assert_int_equal(writes, ONE_CALL);
    assert_int_equal(syncs, 1);
    assert_int_equal(rows_of(db), 81);
    place_clear(&p, db);
}

static void a_commit_larger_than_the_buffer_is_written_whole(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *reader = place_open(&p, NULL);

    (void)state;
    for (int rows = 20; rows < 3000; rows = rows * 3 / 2) {
        insert(db, rows, 1000);
        assert_int_equal(rows_of(reader), rows_of(db));
    }
    assert_sound(reader);
    sqlite3_close(reader);
    place_clear(&p, db);
}

static void a_writer_that_rests_keeps_no_buffer_and_goes_on_with_the_next_commit(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *reader = place_open(&p, NULL);

    (void)state;
    assert_false(log_file_rest(log_file_of(reader))); /* its log is not ours */
    for (int round = 1; round <= 3; round++) {
        insert(db, 60, 1000);
        assert_true(log_file_rest(log_file_of(db)));
        assert_false(log_file_rest(log_file_of(db)));
        writes = syncs = 0;
        insert(db, 60, 1000);
        assert_int_equal(writes, ONE_CALL);
        assert_int_equal(syncs, 1);
        assert_int_equal(rows_of(reader), 120 * round);
    }
    empty_log(db);
    assert_false(log_file_rest(log_file_of(db)));
    insert(db, 1, 10);
    assert_int_equal(rows_of(reader), 361);
    assert_sound(reader);
    sqlite3_close(reader);
    place_clear(&p, db);
}

static void a_small_commit_grows_the_log_by_a_chunk(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);
    long size;

    (void)state;
    assert_int_equal(size_of(p.log), CHUNK);
    for (int i = 0; i < 50; i++)
        insert(db, 1, 10);
    assert_int_equal(size_of(p.log), CHUNK); /* 51 commits inside the file */
    while (size_of(p.log) == CHUNK)
        insert(db, 1, 10);
    assert_int_equal(size_of(p.log), 2 * CHUNK);
    insert(db, 1000, 1000);
    size = size_of(p.log);
    assert_true(size > 2 * CHUNK);
    assert_int_equal((size - 32) % FRAME, 0); /* a large one appends no more than its frames */
    insert(db, 1, 10);
    assert_int_equal(size_of(p.log), (size / CHUNK + 1) * CHUNK);
    place_clear(&p, db);
}

/* Whoever asks for it makes the next write change the file's times, and its sync dearer. */
static void commits_inside_the_file_do_not_ask_for_its_size(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    insert(db, 1, 10);
    sizes = 0;
    for (int i = 0; i < 20; i++)
        insert(db, 1, 10);
    assert_int_equal(sizes, 0);
    assert_int_equal(size_of(p.log), CHUNK);
    place_clear(&p, db);
}

/* What another program gave up stands behind the frames that count. */
static void zeros_are_written_only_behind_the_end_of_the_file(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *other = place_open(&p, NULL);
    long size;

    (void)state;
    insert(db, 1, 10);
    must(other, "PRAGMA cache_size=5; BEGIN IMMEDIATE");
    insert(other, 600, 1000);
    must(other, "ROLLBACK");
    size = size_of(p.log);
    assert_true(size > CHUNK && size < 2 * CHUNK);
    for (int i = 0; i < 140; i++) { /* the frames of some of them go over the end that this connection knew of */
        insert(db, 1, 10);
        assert_int_equal(size_of(p.log), size);
    }
    assert_int_equal(rows_of(other), 141);
    assert_sound(other);
    sqlite3_close(other);
    place_clear(&p, db);
}

static void other_connections_see_each_commit_and_the_writers_lock(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *other = place_open(&p, NULL);

    (void)state;
    for (int i = 1; i <= 40; i++) {
        insert(db, 1, 3000);
        assert_int_equal(rows_of(other), i);
    }
    must(db, "BEGIN IMMEDIATE");
    assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_BUSY);
    must(db, "COMMIT");
    must(other, "INSERT INTO t(body) VALUES('from elsewhere')");
    assert_int_equal(rows_of(db), 41);
    insert(db, 1, 10);
    assert_int_equal(rows_of(other), 42);
    assert_sound(other);
    sqlite3_close(other);
    place_clear(&p, db);
}

/* With a cache of a few pages a transaction writes them to the log before its commit, reads them back, overwrites them there and
 * at last has all their checksums written anew. */
static void a_transaction_larger_than_the_cache_is_whole(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *reader = place_open(&p, NULL);

    (void)state;
    must(db, "PRAGMA cache_size=5; PRAGMA cache_spill=5");
    for (int round = 0; round < 4; round++) {
        must(db, "BEGIN");
        insert(db, 200, 2000);
        must(db, "UPDATE t SET body = body || id WHERE id % 3 = 0");
        must(db, "UPDATE t SET body = 'short' WHERE id % 7 = 0");
        assert_int_equal(rows_of(db), 200 * (round + 1));
        if (round == 1) {
            must(db, "ROLLBACK");
            assert_int_equal(rows_of(db), 200);
            insert(db, 200, 10);
            continue;
        }
        must(db, "COMMIT");
        assert_int_equal(rows_of(reader), 200 * (round + 1));
        assert_sound(reader);
        if (round == 2)
            empty_log(db); /* the next begins with the header */
    }
    sqlite3_close(reader);
    place_clear(&p, db);
}

/* --- the emptied log --- */

static void truncation_leaves_nothing_behind(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);
    char *all;
    long size;

    (void)state;
    insert(db, 3000, 500);
    must(db, "PRAGMA secure_delete=ON; DELETE FROM t");
    all = bytes_of(p.log, &size);
    assert_non_null(memmem(all, (size_t)size, MARK, strlen(MARK)));
    free(all);
    empty_log(db);
    all = bytes_of(p.log, &size);
    assert_int_equal(size, FIRST);
    for (long i = 0; i < size; i++)
        assert_int_equal(all[i], 0);
    free(all);
    place_clear(&p, db);
}

static void an_emptied_log_takes_the_next_commit_with_one_write_and_one_sync(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *other;

    (void)state;
    for (int i = 1; i < 4; i++) {
        empty_log(db);
        writes = syncs = 0;
        insert(db, 1, 10);
        assert_int_equal(writes, ONE_CALL);
        assert_int_equal(syncs, 1);
        assert_int_equal(size_of(p.log), FIRST);
        other = place_open(&p, NULL);
        assert_int_equal(rows_of(other), i);
        sqlite3_close(other);
    }
    place_clear(&p, db);
}

static void a_log_that_others_used_since_gets_its_header_synced(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *other = place_open(&p, NULL);

    (void)state;
    empty_log(db);
    insert(other, 1, 10);
    empty_log(other); /* its size is 0 now */
    syncs = 0;
    insert(db, 1, 10);
    assert_int_equal(syncs, 2);
    empty_log(db);
    insert(other, 1, 10);
    assert_int_equal(sqlite3_wal_checkpoint_v2(other, NULL, SQLITE_CHECKPOINT_RESTART, NULL, NULL), SQLITE_OK);
    syncs = 0;
    insert(db, 1, 10); /* over the other's frames and header */
    assert_int_equal(syncs, 2);
    assert_int_equal(rows_of(other), 4);
    sqlite3_close(other);
    place_clear(&p, db);
}

/* Zeros that nobody is known to have synced may stand over the frames of a log before. */
static void a_log_found_with_zeros_gets_its_header_synced(void **state)
{
    static const char found[FIRST];
    struct place p;
    sqlite3 *db = place_make(&p);
    FILE *file;

    (void)state;
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    file = fopen(p.log, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(found, 1, sizeof(found), file), sizeof(found));
    assert_int_equal(fclose(file), 0);
    db = place_open(&p, log_file_vfs());
    syncs = 0;
    insert(db, 1, 10);
    assert_int_equal(syncs, 2);
    assert_int_equal(rows_of(db), 1);
    place_clear(&p, db);
}

/* --- owed syncs --- */

static bool insert_owed(sqlite3 *db)
{
    log_file_owe(log_file_of(db));
    insert(db, 1, 10);
    return log_file_owed(log_file_of(db));
}

static void an_owed_commit_is_written_and_visible_and_synced_when_asked(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p), *reader = place_open(&p, NULL);

    (void)state;
    insert(db, 1, 10);
    writes = syncs = 0;
    for (int i = 0; i < 3; i++)
        assert_true(insert_owed(db));
    assert_int_equal(writes, 3 * ONE_CALL);
    assert_int_equal(syncs, 0);
    assert_int_equal(rows_of(reader), 4);
    assert_true(log_file_sync(log_file_of(db)));
    assert_int_equal(syncs, 1);
    insert(db, 1, 10); /* not owed any more */
    assert_int_equal(syncs, 2);
    sqlite3_close(reader);
    place_clear(&p, db);
}

static void a_commit_that_wrote_nothing_owes_nothing(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    assert_true(insert_owed(db));
    log_file_owe(log_file_of(db));
    must(db, "BEGIN IMMEDIATE; COMMIT");
    assert_false(log_file_owed(log_file_of(db)));
    place_clear(&p, db);
}

/* Frames of the log before must not come to life under a new header: its sync is never owed, only that of the frames behind it is. */
static void the_header_of_a_log_that_begins_anew_is_synced_all_the_same(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    insert(db, 10, 1000);
    assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    syncs = 0;
    assert_true(insert_owed(db));
    assert_int_equal(syncs, 1);
    place_clear(&p, db);
}

/* What a checkpoint moves into the database must be in the log for good before. */
static void a_checkpoint_syncs_what_is_owed(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    assert_true(insert_owed(db));
    syncs = 0;
    assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    assert_int_equal(syncs, 1);
    place_clear(&p, db);
}

/* The kernel tells an open file of a failed sync once. If a checkpoint was told, who waits for the owed commit must not take its own sync,
 * which the kernel lets pass, for a good one. */
static void a_sync_that_failed_once_has_failed_for_everyone(void **state)
{
    struct place p;
    sqlite3 *db = place_make(&p);

    (void)state;
    assert_true(insert_owed(db));
    broken_syncs = 1;
    assert_int_not_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL), SQLITE_OK);
    assert_int_equal(broken_syncs, 0);
    assert_false(log_file_sync(log_file_of(db)));
    assert_false(log_file_sync(log_file_of(db)));
    place_clear(&p, db);
}

static void the_default_vfs_stays_what_it_was(void **state)
{
    (void)state;
    assert_string_equal(log_file_vfs(), log_file_vfs());
    assert_ptr_equal(sqlite3_vfs_find(NULL), &disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_commit_writes_its_frames_with_one_call),
        cmocka_unit_test(a_commit_larger_than_the_buffer_is_written_whole),
        cmocka_unit_test(a_writer_that_rests_keeps_no_buffer_and_goes_on_with_the_next_commit),
        cmocka_unit_test(a_small_commit_grows_the_log_by_a_chunk),
        cmocka_unit_test(commits_inside_the_file_do_not_ask_for_its_size),
        cmocka_unit_test(zeros_are_written_only_behind_the_end_of_the_file),
        cmocka_unit_test(other_connections_see_each_commit_and_the_writers_lock),
        cmocka_unit_test(a_transaction_larger_than_the_cache_is_whole),
        cmocka_unit_test(truncation_leaves_nothing_behind),
        cmocka_unit_test(an_emptied_log_takes_the_next_commit_with_one_write_and_one_sync),
        cmocka_unit_test(a_log_that_others_used_since_gets_its_header_synced),
        cmocka_unit_test(a_log_found_with_zeros_gets_its_header_synced),
        cmocka_unit_test(an_owed_commit_is_written_and_visible_and_synced_when_asked),
        cmocka_unit_test(a_commit_that_wrote_nothing_owes_nothing),
        cmocka_unit_test(the_header_of_a_log_that_begins_anew_is_synced_all_the_same),
        cmocka_unit_test(a_checkpoint_syncs_what_is_owed),
        cmocka_unit_test(a_sync_that_failed_once_has_failed_for_everyone),
        cmocka_unit_test(the_default_vfs_stays_what_it_was),
    };

    return disk_use() ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
