/* Built only with RECALL_CRASH_POINTS. */
#include "store/crash_log.h"

#include "base/crash_point.h"

#include <stddef.h>

/* The log file's own functions, and ours, which SQLite keeps calling: they carry no argument for us, hence globals. */
static const sqlite3_io_methods *original;
static sqlite3_io_methods watched;

static int write_log(sqlite3_file *file, const void *data, int n, sqlite3_int64 at)
{
    crash_point("in-commit");
    return original->xWrite(file, data, n, at);
}

static int sync_log(sqlite3_file *file, int flags)
{
    crash_point("in-commit-sync");
    return original->xSync(file, flags);
}

void crash_log_watch(sqlite3 *db)
{
    sqlite3_file *log = NULL;

    if (original != NULL || sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || log == NULL ||
        log->pMethods == NULL)
        return;
    original = log->pMethods;
    watched = *original;
    watched.xWrite = write_log;
    watched.xSync = sync_log;
    log->pMethods = &watched;
}
