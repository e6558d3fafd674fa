#include "store/db_sqlite.h"

#include "store/db_backend.h"
#include "store/log_file.h"
#include "store/page_cache.h"
#include "store/path.h"

#include <malloc.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long a connection waits for a lock of another process (a backup tool); this process's own
 * connections never make each other wait. */
#define BUSY_MS 50
#define HEAP_BLOCK (96 * 1024) /* what free looks at the heap's end for, and malloc does not map by itself */
#define WRITER_CACHE "PRAGMA cache_size=-65536"
#define READER_CACHE "PRAGMA cache_size=-8192"

struct sqlite_stmt {
    struct db_stmt base;
    sqlite3_stmt *raw; /* NULL until first used */
};

struct sqlite_db {
    struct db base;
    sqlite3 *raw;
    int lock;               /* -1: none held */
    unsigned log_pages;     /* as told by the last commit that wrote */
    bool committed;         /* a commit reached the log since this was last cleared */
    struct log_file *owing; /* the log whose syncs may be owed; NULL before the first */
    _Atomic bool cut_short; /* SQLite forgets an interrupt that falls between two statements; this does not */
    const char *const *sql;
    unsigned sql_count;
    struct sqlite_stmt begin_write, begin_read, commit, rollback;
    struct sqlite_stmt statements[];
};

static struct sqlite_db *of(struct db *db)
{
    return (struct sqlite_db *)db;
}

static sqlite3_stmt *raw_of(struct db_stmt *s)
{
    return ((struct sqlite_stmt *)s)->raw;
}

static enum db_status status_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE:
        return DB_OK;
    case SQLITE_FULL:
        return DB_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return DB_READONLY;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return DB_CORRUPT;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return DB_BUSY;
    case SQLITE_IOERR:
        return DB_IO;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
        return DB_CONSTRAINT;
    case SQLITE_INTERRUPT:
        return DB_INTERRUPTED;
    default:
        return DB_OTHER;
    }
}

/* Notes a failure; the first one counts, those after it are its consequences. */
static bool note(struct sqlite_db *d, int rc)
{
    const enum db_status status = status_of(rc);

    if (status == DB_OK)
        return true;
    if (d->base.status == DB_OK) {
        d->base.status = status;
        snprintf(d->base.error, sizeof(d->base.error), "%s (%d)",
                 d->raw != NULL && sqlite3_extended_errcode(d->raw) == rc ? sqlite3_errmsg(d->raw)
                                                                          : sqlite3_errstr(rc),
                 rc);
    }
    return false;
}

static bool prepare(struct sqlite_db *d, struct sqlite_stmt *s, const char *sql)
{
    s->base.db = &d->base;
    return s->raw != NULL ||
           note(d, sqlite3_prepare_v3(d->raw, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->raw, NULL));
}

/* Runs a statement that has no parameters and no rows. */
static bool run(struct sqlite_db *d, struct sqlite_stmt *s, const char *sql)
{
    int rc;

    if (!prepare(d, s, sql))
        return false;
    rc = sqlite3_step(s->raw);
    if (rc != SQLITE_DONE)
        note(d, rc);
    sqlite3_reset(s->raw);
    return rc == SQLITE_DONE;
}

static struct db_stmt *statement(struct db *db, unsigned index)
{
    struct sqlite_db *d = of(db);

    if (atomic_load_explicit(&d->cut_short, memory_order_relaxed)) {
        note(d, SQLITE_INTERRUPT);
        return NULL;
    }
    if (index >= d->sql_count || !prepare(d, &d->statements[index], d->sql[index]))
        return NULL;
    return &d->statements[index].base;
}

static void bind_int(struct db_stmt *s, int at, int64_t value)
{
    note(of(s->db), sqlite3_bind_int64(raw_of(s), at, value));
}

static void bind_text(struct db_stmt *s, int at, struct str value)
{
    note(of(s->db), value.p == NULL
                        ? sqlite3_bind_null(raw_of(s), at)
                        : sqlite3_bind_text64(raw_of(s), at, value.p, value.n, SQLITE_STATIC, SQLITE_UTF8));
}

static void bind_blob(struct db_stmt *s, int at, struct str value)
{
    note(of(s->db), value.p == NULL ? sqlite3_bind_null(raw_of(s), at)
                                    : sqlite3_bind_blob64(raw_of(s), at, value.p, value.n, SQLITE_STATIC));
}

static void bind_zeros(struct db_stmt *s, int at, size_t n)
{
    note(of(s->db), sqlite3_bind_zeroblob64(raw_of(s), at, n));
}

static bool step(struct db_stmt *s)
{
    const int rc = sqlite3_step(raw_of(s));

    if (rc == SQLITE_ROW)
        return true;
    note(of(s->db), rc);
    return false;
}

static int64_t insert(struct db_stmt *s)
{
    const int rc = sqlite3_step(raw_of(s));

    note(of(s->db), rc);
    return rc == SQLITE_DONE ? sqlite3_last_insert_rowid(of(s->db)->raw) : 0;
}

static int64_t column_int(struct db_stmt *s, int column)
{
    return sqlite3_column_int64(raw_of(s), column);
}

static struct str column_bytes(struct db_stmt *s, int column)
{
    const void *p;

    if (sqlite3_column_type(raw_of(s), column) == SQLITE_NULL)
        return STR_NULL;
    p = sqlite3_column_blob(raw_of(s), column); /* NULL for an empty value, which is not an absent one */
    return str_n(p != NULL ? p : "", (size_t)sqlite3_column_bytes(raw_of(s), column));
}

static void reset(struct db_stmt *s)
{
    sqlite3_reset(raw_of(s)); /* repeats the error of the last step, which is noted already */
}

static bool exec(struct db *db, const char *sql)
{
    return note(of(db), sqlite3_exec(of(db)->raw, sql, NULL, NULL, NULL));
}

static bool begin(struct db *db, bool write)
{
    struct sqlite_db *d = of(db);

    atomic_store_explicit(&d->cut_short, false, memory_order_relaxed);
    return write ? run(d, &d->begin_write, "BEGIN IMMEDIATE") : run(d, &d->begin_read, "BEGIN");
}

static bool commit(struct db *db, bool *wrote)
{
    struct sqlite_db *d = of(db);

    d->committed = false;
    if (d->base.status != DB_OK || !run(d, &d->commit, "COMMIT"))
        return false;
    if (wrote != NULL)
        *wrote = d->committed;
    return true;
}

static bool commit_soon(struct db *db, bool *wrote, bool *owed)
{
    struct sqlite_db *d = of(db);
    struct log_file *log = log_file_of(d->raw);
    bool ok;

    if (log == NULL)
        return commit(db, wrote);
    log_file_owe(log);
    ok = commit(db, wrote);
    *owed = log_file_owed(log);
    if (d->owing == NULL) /* once: db_sync reads it on another thread */
        d->owing = log;
    return ok;
}

static bool sync_owed(struct db *db)
{
    return log_file_sync(of(db)->owing);
}

static void rollback(struct db *db)
{
    struct sqlite_db *d = of(db);

    /* Some failures (a full disk) have rolled back already. */
    if (!sqlite3_get_autocommit(d->raw))
        run(d, &d->rollback, "ROLLBACK");
}

static int has_table(struct db *db, const char *name)
{
    struct sqlite_db *d = of(db);
    sqlite3_stmt *s = NULL;
    int found = -1;
    int rc = sqlite3_prepare_v2(
        d->raw, "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND (?1 IS NULL OR name = ?1)", -1,
        &s, NULL);

    if (rc == SQLITE_OK) {
        sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
        rc = sqlite3_step(s);
        if (rc == SQLITE_ROW)
            found = sqlite3_column_int64(s, 0) > 0;
    }
    note(d, rc);
    sqlite3_finalize(s);
    return found;
}

static unsigned log_pages(const struct db *db)
{
    return ((const struct sqlite_db *)db)->log_pages;
}

static bool checkpoint(struct db *db, bool erase)
{
    struct sqlite_db *d = of(db);
    int rc;

    sqlite3_busy_timeout(d->raw, 0);
    rc = sqlite3_wal_checkpoint_v2(
        d->raw, NULL, erase ? SQLITE_CHECKPOINT_TRUNCATE : SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
    if (rc == SQLITE_OK && erase)
        d->log_pages = 0;
    note(d, rc);
    sqlite3_busy_timeout(d->raw, BUSY_MS);
    return rc == SQLITE_OK;
}

/* The pages of the cache are spread over the heap: the allocator is told to give whole free ones back to the system. That leaves the
 * end of a thread's own heap alone, which goes back when a large block is freed there (as main.c has set it). Not with a
 * sanitizer, which brings its own allocator: the C library's then has no heap yet, and two threads that trim at once both make it. */
static void release_memory(struct db *db)
{
    (void)sqlite3_db_release_memory(of(db)->raw);
    (void)log_file_rest(log_file_of(of(db)->raw));
#ifndef RECALL_SANITIZED
    void *volatile block = malloc(HEAP_BLOCK);

    free(block);
    (void)malloc_trim(0);
#endif
}

static void interrupt(struct db *db)
{
    atomic_store_explicit(&of(db)->cut_short, true, memory_order_relaxed);
    sqlite3_interrupt(of(db)->raw);
}

static void close_db(struct db *db)
{
    struct sqlite_db *d = of(db);
    struct sqlite_stmt *own[] = {&d->begin_write, &d->begin_read, &d->commit, &d->rollback};

    for (unsigned i = 0; i < d->sql_count; i++)
        sqlite3_finalize(d->statements[i].raw);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        sqlite3_finalize(own[i]->raw);
    sqlite3_close(d->raw);
    path_unlock(d->lock);
    free(d);
}

static int on_commit(void *arg, sqlite3 *raw, const char *name, int pages)
{
    struct sqlite_db *d = arg;

    (void)raw;
    (void)name;
    d->committed = true;
    d->log_pages = (unsigned)pages;
    return SQLITE_OK;
}

static bool pragmas(struct sqlite_db *d, enum db_role role)
{
    static const char *const common[] = {"PRAGMA temp_store=MEMORY", "PRAGMA mmap_size=0",
                                         "PRAGMA trusted_schema=OFF"};
    /* The log's file (log_file.h) relies on the first, which is SQLite's default as well: no commit comes before it. */
    static const char *const writer[] = {"PRAGMA synchronous=FULL", "PRAGMA secure_delete=ON",
                                         "PRAGMA wal_autocheckpoint=0", WRITER_CACHE};
    static const char *const reader[] = {"PRAGMA query_only=ON", READER_CACHE};
    bool ok = true;

    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        ok = ok && exec(&d->base, common[i]);
    if (role == DB_READER) {
        for (size_t i = 0; i < sizeof(reader) / sizeof(reader[0]); i++)
            ok = ok && exec(&d->base, reader[i]);
        return ok;
    }
    for (size_t i = 0; i < sizeof(writer) / sizeof(writer[0]); i++)
        ok = ok && exec(&d->base, writer[i]);
    if (ok)
        sqlite3_wal_hook(d->raw, on_commit, d);
    return ok;
}

/* Reads the header and asks for the log: the first moment at which a damaged or foreign file shows. */
static bool use_log(struct sqlite_db *d)
{
    sqlite3_stmt *s = NULL;
    bool wal = false;
    int rc = sqlite3_prepare_v2(d->raw, "PRAGMA journal_mode=WAL", -1, &s, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(s);
    if (rc == SQLITE_ROW) {
        const unsigned char *mode = sqlite3_column_text(s, 0);

        wal = mode != NULL && strcmp((const char *)mode, "wal") == 0;
    }
    note(d, rc);
    sqlite3_finalize(s);
    if (d->base.status == DB_OK && !wal)
        note(d, SQLITE_READONLY);
    return d->base.status == DB_OK;
}

static void explain(const struct sqlite_db *d, const char *path, char *error, size_t size)
{
    switch (d->base.status) {
    case DB_FULL:
        snprintf(error, size, "the disk that holds the database %s is full", path);
        break;
    case DB_READONLY:
        snprintf(error, size,
                 "the database %s is read-only for this user: check the owner and rights of the file and its "
                 "folder",
                 path);
        break;
    case DB_CORRUPT:
        if (strncmp(d->base.error, sqlite3_errstr(SQLITE_NOTADB), strlen(sqlite3_errstr(SQLITE_NOTADB))) == 0)
            snprintf(error, size,
                     "the file %s is not a database (or is encrypted): name another file or move it away",
                     path);
        else
            snprintf(error, size, "the database %s is damaged (%s): restore it from a backup", path,
                     d->base.error);
        break;
    case DB_BUSY:
        snprintf(error, size, "the database %s is locked by another program", path);
        break;
    default:
        snprintf(error, size, "the database %s cannot be opened: %s", path, d->base.error);
        break;
    }
}

static struct db *open_db(const char *path, const struct db_options *options, char *error, size_t error_size)
{
    const bool writer = options->role == DB_WRITER;
    const int flags =
        SQLITE_OPEN_NOMUTEX | (writer ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    struct sqlite_db *d = calloc(1, sizeof(*d) + options->sql_count * sizeof(d->statements[0]));
    int rc;

    if (d == NULL) {
        snprintf(error, error_size, "no memory to open the database %s", path);
        return NULL;
    }
    d->base.backend = db_sqlite_backend();
    d->sql = options->sql;
    d->sql_count = options->sql_count;
    d->lock = -1;
    if (writer) {
        /* Counting memory costs a lock at each allocation. Refused, harmlessly, once SQLite is in use. */
        (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
        page_cache_configure();
        if (!path_make_parent(path, error, error_size))
            goto err;
        d->lock = path_lock(path, error, error_size);
        if (d->lock < 0 || !path_make_private(path, error, error_size))
            goto err;
    }
    rc = sqlite3_open_v2(path, &d->raw, flags, writer ? log_file_vfs() : NULL);
    if (rc == SQLITE_OK) {
        sqlite3_extended_result_codes(d->raw, 1);
        sqlite3_busy_timeout(d->raw, BUSY_MS);
        if (writer && sqlite3_db_readonly(d->raw, "main") == 1)
            rc = SQLITE_READONLY;
    }
    if (!note(d, rc) || (writer && !use_log(d)) || !pragmas(d, options->role)) {
        explain(d, path, error, error_size);
        goto err;
    }
    return &d->base;

err:
    close_db(&d->base);
    return NULL;
}

const struct db_backend *db_sqlite_backend(void)
{
    static const struct db_backend backend = {
        .scheme = "sqlite:",
        .open = open_db,
        .close = close_db,
        .statement = statement,
        .bind_int = bind_int,
        .bind_text = bind_text,
        .bind_blob = bind_blob,
        .bind_zeros = bind_zeros,
        .step = step,
        .insert = insert,
        .column_int = column_int,
        .column_bytes = column_bytes,
        .reset = reset,
        .exec = exec,
        .begin = begin,
        .commit = commit,
        .commit_soon = commit_soon,
        .sync = sync_owed,
        .rollback = rollback,
        .has_table = has_table,
        .log_pages = log_pages,
        .checkpoint = checkpoint,
        .release_memory = release_memory,
        .interrupt = interrupt,
    };

    return &backend;
}
