#include "store/log_file.h"

#include "base/crash_point.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/*
 * A sync that follows writes inside the file's size writes those bytes; one after the file grew must write its inode too, which
 * takes nearly as long again. So the file grows by a chunk of zeros at a time. (Space that is only reserved does not serve: the
 * first write into it changes the inode as well.)
 *
 * Zeros behind the frames are never taken for frames: walDecodeFrame (SQLite 3.40.1, src/wal.c) refuses a frame whose salt is not
 * the header's, whose page number is 0 or whose checksum, which runs over all frames before it, does not fit; walIndexRecover and
 * walBeginShmUnreliable stop at the first frame refused. SQLite itself leaves old frames there when it begins the log anew. They
 * are written only behind the end of the file as it is at that moment, so that they never replace anything.
 *
 * A log that was emptied gets its first zeros at once and is synced, while nobody waits for a commit: it is blank. In place of the
 * header stand zeros too, which walIndexRecover takes for an empty log by its magic number. On a blank log the header needs no
 * sync of its own: sqlite3WalFrames syncs it first lest frames of the log before come back to life under it or under the old
 * header (sqlite.org/src/info/ff5be73dee), and there are none. It waits and is written with the frames of its commit.
 */
#define CHUNK (512 * 1024)
#define FIRST (128 * 1024)  /* of an emptied log: most logs are emptied before they are longer, and the zeros are for each */
#define SMALL (64 * 1024)   /* a commit above this does not mind the inode as much as the zeros */
#define BUFFER (124 * 1024) /* a batch of 30 pages in one write */
#define HEADER 32           /* of the log, WAL_HDRSIZE in src/wal.c */

_Static_assert(BUFFER <= 0x1ffff, "src/os_unix.c writes no more at once, and takes the rest for a full disk (seekAndWriteFd)");

struct log_file {
    sqlite3_file base;
    sqlite3_file *original; /* behind this, in the same memory */
    unsigned char *buffer;  /* NULL until something is written */
    int n;                  /* bytes gathered in it */
    int most;               /* bytes of it in use at any time */
    sqlite3_int64 at;       /* where the gathered bytes begin in the file */
    sqlite3_int64 unsynced; /* bytes written since the last sync */
    sqlite3_int64 size;     /* of the file, as far as we moved its end; -1: not known */
    sqlite3_int64 end;      /* the same, if it moved since the last sync; 0: it did not */
    bool blank;             /* FIRST zeros and nothing else, also on the disk */
    bool no_room;           /* for zeros; until the log is emptied */
    bool may_owe, owes;     /* log_file_owe */
    pthread_mutex_t syncing; /* of two threads */
    bool failed;             /* a sync did: the kernel tells each open file of it once, whoever asks */
    bool header;            /* the last write was a header, for which a sync may follow */
};

struct log_vfs {
    sqlite3_vfs base;
    sqlite3_vfs *original;
};

static const unsigned char zeros[64 * 1024];

static struct log_file *of(sqlite3_file *file)
{
    return (struct log_file *)file;
}

static sqlite3_file *original_of(sqlite3_file *file)
{
    return of(file)->original;
}

static int put(sqlite3_file *original, const unsigned char *data, int n, sqlite3_int64 at)
{
#ifdef RECALL_CRASH_POINTS
    const int half = n / 2;
    const int rc = half > 0 ? original->pMethods->xWrite(original, data, half, at) : SQLITE_OK;

    if (rc != SQLITE_OK)
        return rc;
    crash_point("in-commit");
    return original->pMethods->xWrite(original, data + half, n - half, at + half);
#else
    return original->pMethods->xWrite(original, data, n, at);
#endif
}

/*
 * The file is not asked for its size at each write: since Linux 6.13 whoever asks for a file's times makes the next write change them
 * (Documentation/filesystems/multigrain-ts.rst), and where ext4 keeps no journal, fdatasync then writes the inode each time: half as long again.
 */
static int write_through(struct log_file *log, const unsigned char *data, int n, sqlite3_int64 at)
{
    int rc = SQLITE_OK;

    log->blank = false;
    if (log->size < 0)
        rc = log->original->pMethods->xFileSize(log->original, &log->size);
    if (rc == SQLITE_OK)
        rc = put(log->original, data, n, at);
    if (rc != SQLITE_OK) {
        log->end = 0; /* a part of it may be there */
        log->size = -1;
        return rc;
    }
    log->unsynced += n;
    if (at + n > log->size)
        log->end = log->size = at + n;
    return SQLITE_OK;
}

/* A sync that failed once has failed for everyone who relies on the file. */
static int sync_now(struct log_file *log, int flags)
{
    int rc;

    pthread_mutex_lock(&log->syncing);
    rc = log->failed ? SQLITE_IOERR_FSYNC : log->original->pMethods->xSync(log->original, flags);
    if (rc != SQLITE_OK && !log->failed)
        log->failed = true;
    else if (rc != SQLITE_OK)
        errno = EIO;
    pthread_mutex_unlock(&log->syncing);
    return rc;
}

/* Writes what was gathered. Whatever comes of it, nothing is gathered any more. */
static int flush(struct log_file *log)
{
    const int n = log->n;

    log->n = 0;
    return n > 0 ? write_through(log, log->buffer, n, log->at) : SQLITE_OK;
}

/* Does the file end where our writes ended? Another program may have been at it. */
static bool ends_here(struct log_file *log)
{
    sqlite3_int64 size;

    if (log->original->pMethods->xFileSize(log->original, &size) != SQLITE_OK)
        return false;
    log->size = size;
    return size == log->end;
}

/* Zeros from `end`, the end of the file, to `to`. False: the file ends where it did. Why does not matter: whether the
 * disk still works is for the sync to say. */
static bool grow(struct log_file *log, sqlite3_int64 end, sqlite3_int64 to)
{
    sqlite3_file *original = log->original;

    for (sqlite3_int64 at = end; at < to;) {
        const int n = to - at < (sqlite3_int64)sizeof(zeros) ? (int)(to - at) : (int)sizeof(zeros);

        if (original->pMethods->xWrite(original, zeros, n, at) != SQLITE_OK) {
            log->no_room = true;
            (void)original->pMethods->xTruncate(original, end); /* the rest of the room is for those who need it */
            return false;
        }
        at += n;
    }
    log->size = to;
    return true;
}

static void give_back(struct log_file *log)
{
    if (log->buffer != NULL)
        explicit_bzero(log->buffer, (size_t)log->most); /* it held content */
    free(log->buffer);
    log->buffer = NULL;
    log->n = log->most = 0;
}

/* Is a header all that waits, and blank what it is for? Looked at once more, as another program may have used the log since. */
static bool header_can_wait(struct log_file *log)
{
    unsigned char head[HEADER];

    return log->blank && log->at == 0 && log->n == HEADER &&
           log->original->pMethods->xRead(log->original, head, HEADER, 0) == SQLITE_OK && memcmp(head, zeros, HEADER) == 0;
}

/* --- what SQLite calls --- */

static int close_log(sqlite3_file *file)
{
    const int rc = flush(of(file));
    const int closed = original_of(file)->pMethods->xClose(original_of(file));

    give_back(of(file));
    pthread_mutex_destroy(&of(file)->syncing);
    return rc != SQLITE_OK ? rc : closed;
}

static int read_log(sqlite3_file *file, void *data, int n, sqlite3_int64 at)
{
    struct log_file *log = of(file);

    if (log->n > 0 && at < log->at + log->n && at + n > log->at) {
        int rc;

        if (at >= log->at && at + n <= log->at + log->n) {
            memcpy(data, log->buffer + (at - log->at), (size_t)n);
            return SQLITE_OK;
        }
        rc = flush(log);
        if (rc != SQLITE_OK)
            return rc;
    }
    return log->original->pMethods->xRead(log->original, data, n, at);
}

static int write_log(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    struct log_file *log = of(file);

    log->header = at == 0 && n == HEADER;
    if (log->n > 0 && (at != log->at + log->n || n > BUFFER - log->n)) {
        const int rc = flush(log);

        if (rc != SQLITE_OK)
            return rc;
    }
    if (log->buffer == NULL)
        log->buffer = malloc(BUFFER);
    if (log->buffer == NULL || n > BUFFER)
        return write_through(log, data, n, at);
    if (log->n == 0)
        log->at = at;
    memcpy(log->buffer + log->n, data, (size_t)n);
    log->n += n;
    if (log->most < log->n)
        log->most = log->n;
    return SQLITE_OK;
}

static int truncate_log(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *log = of(file);
    int rc = size > 0 ? flush(log) : SQLITE_OK; /* nothing is left to be written in an empty one */

    give_back(log);
    log->blank = log->no_room = false;
    log->end = 0;
    log->size = -1;
    if (rc == SQLITE_OK)
        rc = log->original->pMethods->xTruncate(log->original, size);
    if (rc != SQLITE_OK || size > 0 || !grow(log, 0, FIRST))
        return rc;
    rc = sync_now(log, SQLITE_SYNC_NORMAL);
    log->blank = rc == SQLITE_OK;
    return rc;
}

static int sync_log(sqlite3_file *file, int flags)
{
    struct log_file *log = of(file);
    int rc;

    if (header_can_wait(log))
        return SQLITE_OK;
    rc = flush(log);
    if (rc != SQLITE_OK)
        return rc;
    if (log->end > 0 && log->unsynced <= SMALL && !log->no_room && ends_here(log))
        (void)grow(log, log->end, (log->end / CHUNK + 1) * CHUNK);
    log->end = log->unsynced = 0;
    if (log->may_owe && !log->header) {
        log->owes = true;
        return SQLITE_OK;
    }
    crash_point("in-commit-sync");
    return sync_now(log, flags);
}

static int size_log(sqlite3_file *file, sqlite3_int64 *size)
{
    const int rc = flush(of(file));

    return rc != SQLITE_OK ? rc : original_of(file)->pMethods->xFileSize(original_of(file), size);
}

static int control_log(sqlite3_file *file, int op, void *arg)
{
    const int rc = flush(of(file));

    return rc != SQLITE_OK ? rc : original_of(file)->pMethods->xFileControl(original_of(file), op, arg);
}

static int lock_log(sqlite3_file *file, int level)
{
    return original_of(file)->pMethods->xLock(original_of(file), level);
}

static int unlock_log(sqlite3_file *file, int level)
{
    return original_of(file)->pMethods->xUnlock(original_of(file), level);
}

static int reserved_log(sqlite3_file *file, int *reserved)
{
    return original_of(file)->pMethods->xCheckReservedLock(original_of(file), reserved);
}

static int sector_size(sqlite3_file *file)
{
    return original_of(file)->pMethods->xSectorSize(original_of(file));
}

static int characteristics(sqlite3_file *file)
{
    return original_of(file)->pMethods->xDeviceCharacteristics(original_of(file));
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out_flags)
{
    /* Version 1: shared memory and mapped pages are of the database's own file. */
    static const sqlite3_io_methods methods = {
        .iVersion = 1,
        .xClose = close_log,
        .xRead = read_log,
        .xWrite = write_log,
        .xTruncate = truncate_log,
        .xSync = sync_log,
        .xFileSize = size_log,
        .xLock = lock_log,
        .xUnlock = unlock_log,
        .xCheckReservedLock = reserved_log,
        .xFileControl = control_log,
        .xSectorSize = sector_size,
        .xDeviceCharacteristics = characteristics,
    };
    sqlite3_vfs *original = ((struct log_vfs *)vfs)->original;
    struct log_file *log = of(file);
    int rc;

    if ((flags & SQLITE_OPEN_WAL) == 0)
        return original->xOpen(original, name, file, flags, out_flags);
    *log = (struct log_file){.original = (sqlite3_file *)(log + 1), .size = -1};
    log->original->pMethods = NULL;
    pthread_mutex_init(&log->syncing, NULL);
    rc = original->xOpen(original, name, log->original, flags, out_flags);
    if (rc == SQLITE_OK)
        log->base.pMethods = &methods;
    else if (log->original->pMethods != NULL)
        (void)log->original->pMethods->xClose(log->original); /* as SQLite does after a failed open that left it methods */
    return rc;
}

struct log_file *log_file_of(struct sqlite3 *db)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &file) != SQLITE_OK || file == NULL || file->pMethods == NULL ||
        file->pMethods->xSync != sync_log)
        return NULL;
    return of(file);
}

bool log_file_rest(struct log_file *log)
{
    if (log == NULL || log->buffer == NULL || log->n > 0)
        return false;
    give_back(log);
    return true;
}

void log_file_owe(struct log_file *log)
{
    log->may_owe = true;
    log->owes = false;
}

bool log_file_owed(struct log_file *log)
{
    log->may_owe = false;
    return log->owes;
}

/* unixSync (SQLite 3.40.1, src/os_unix.c) changes nothing of the file but the note of its last error; and its folder's sync, which it does
 * once, came with the first commits, at the start. */
bool log_file_sync(struct log_file *log)
{
    crash_point("in-commit-sync");
    return sync_now(log, SQLITE_SYNC_NORMAL) == SQLITE_OK;
}

/* --- the VFS --- */

/* SQLite keeps the VFS in a list for as long as the process lives; hence these two. */
static pthread_once_t once = PTHREAD_ONCE_INIT;
static struct log_vfs registered;

static void register_vfs(void)
{
    sqlite3_vfs *original = sqlite3_vfs_find(NULL);

    if (original == NULL)
        return;
    registered.original = original;
    registered.base = *original; /* its other functions find in it all that they look for */
    registered.base.pNext = NULL;
    registered.base.xOpen = open_file;
    registered.base.szOsFile = (int)sizeof(struct log_file) + original->szOsFile;
    registered.base.zName = "recalld-log";
    if (sqlite3_vfs_register(&registered.base, 0) != SQLITE_OK)
        registered.base.zName = NULL;
}

const char *log_file_vfs(void)
{
    pthread_once(&once, register_vfs);
    return registered.base.zName;
}
