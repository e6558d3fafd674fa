/*
 * tests/unit/log_fixture.h - a database whose log is log_file's, on a disk that counts what reaches a log and can be full.
 *
 * Owns the folder of a place, from place_make to place_clear, and the default VFS from disk_use on. Fails by failing the test.
 * Thread: the test's.
 */
#ifndef RECALLD_TESTS_LOG_FIXTURE_H
#define RECALLD_TESTS_LOG_FIXTURE_H

#include "store/log_file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#define CHUNK (512L * 1024)
#define FIRST (128L * 1024)
#define FRAME 4120L /* with a page of 4,096 bytes */
#define MARK "the-words-that-were-taken-back"
#define ROOM_ENOUGH INT64_C(1000000000)
#ifdef RECALL_CRASH_POINTS
#define ONE_CALL 2 /* a place to be killed lies between its halves */
#else
#define ONE_CALL 1
#endif

/* --- the disk below: SQLite's own VFS --- */

static sqlite3_vfs disk;
static sqlite3_vfs *system_vfs;
static const sqlite3_io_methods *system_methods;
static sqlite3_io_methods log_methods;
static int writes, syncs, broken_syncs; /* the last: how many of the next ones fail */
static int sizes; /* how often a log's size was asked for */
static sqlite3_int64 room = ROOM_ENOUGH; /* bytes that logs may still write */

static inline int disk_write(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    writes++;
    if (n > room) {
        const int some = (int)room;

        room = 0;
        if (some > 0)
            (void)system_methods->xWrite(file, data, some, at);
        return SQLITE_FULL;
    }
    room -= n;
    return system_methods->xWrite(file, data, n, at);
}

static inline int disk_sync(sqlite3_file *file, int flags)
{
    syncs++;
    if (broken_syncs > 0) {
        broken_syncs--;
        return SQLITE_IOERR_FSYNC;
    }
    return system_methods->xSync(file, flags);
}

static inline int disk_size(sqlite3_file *file, sqlite3_int64 *size)
{
    sizes++;
    return system_methods->xFileSize(file, size);
}

static inline int disk_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    const int rc = system_vfs->xOpen(system_vfs, name, file, flags, out_flags);

    (void)vfs;
    if (rc == SQLITE_OK && (flags & SQLITE_OPEN_WAL) != 0) {
        system_methods = file->pMethods;
        log_methods = *system_methods;
        log_methods.xWrite = disk_write;
        log_methods.xSync = disk_sync;
        log_methods.xFileSize = disk_size;
        file->pMethods = &log_methods;
    }
    return rc;
}

/* From now on the default VFS. False: SQLite did not take it. */
static inline bool disk_use(void)
{
    system_vfs = sqlite3_vfs_find(NULL);
    disk = *system_vfs;
    disk.pNext = NULL;
    disk.zName = "counted";
    disk.xOpen = disk_open;
    return sqlite3_vfs_register(&disk, 1) == SQLITE_OK;
}

/* --- a database in a folder of its own --- */

struct place {
    char dir[64], db[96], log[96];
};

static inline void must(sqlite3 *db, const char *sql)
{
    const int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);

    if (rc != SQLITE_OK)
        fail_msg("%s: %s", sql, sqlite3_errmsg(db));
}

static inline sqlite3 *place_open(const struct place *p, const char *vfs)
{
    sqlite3 *db;

    assert_int_equal(
        sqlite3_open_v2(p->db, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, vfs), SQLITE_OK);
    must(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0");
    return db;
}

static inline sqlite3 *place_make(struct place *p)
{
    sqlite3 *db;

    *p = (struct place){.dir = "/tmp/recalld-log-XXXXXX"};
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->db, sizeof(p->db), "%s/db", p->dir);
    snprintf(p->log, sizeof(p->log), "%s/db-wal", p->dir);
    room = ROOM_ENOUGH;
    db = place_open(p, log_file_vfs());
    must(db, "CREATE TABLE t(id INTEGER PRIMARY KEY, body)");
    return db;
}

static inline void place_clear(const struct place *p, sqlite3 *db)
{
    static const char *const names[] = {"db", "db-wal", "db-shm", "db.lock"};
    char path[128];

    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", p->dir, names[i]);
        unlink(path);
    }
    assert_int_equal(rmdir(p->dir), 0);
}

static inline void insert(sqlite3 *db, int rows, int size)
{
    char sql[256];

    snprintf(sql, sizeof(sql),
             "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
             "INSERT INTO t(body) SELECT '" MARK "' || zeroblob(%d) FROM n",
             rows, size);
    must(db, sql);
}

static inline int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *s;
    int64_t value;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(s), SQLITE_ROW);
    value = sqlite3_column_int64(s, 0);
    sqlite3_finalize(s);
    return value;
}

static inline int64_t rows_of(sqlite3 *db)
{
    return number(db, "SELECT count(*) FROM t");
}

static inline void assert_sound(sqlite3 *db)
{
    assert_int_equal(number(db, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
}

static inline void empty_log(sqlite3 *db)
{
    assert_int_equal(sqlite3_wal_checkpoint_v2(db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL), SQLITE_OK);
}

static inline long size_of(const char *path)
{
    struct stat st;

    assert_int_equal(stat(path, &st), 0);
    return (long)st.st_size;
}

/* The file's bytes, to be freed. */
static inline char *bytes_of(const char *path, long *size)
{
    FILE *file = fopen(path, "rb");
    char *all;

    *size = size_of(path);
    all = malloc((size_t)*size + 1);
    assert_true(file != NULL && all != NULL);
    assert_int_equal(fread(all, 1, (size_t)*size, file), *size);
    fclose(file);
    return all;
}

static inline void store_bytes(const char *path, const char *bytes, long size)
{
    FILE *file = fopen(path, "wb");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, (size_t)size, file), size);
    assert_int_equal(fclose(file), 0);
}

#endif
