/*
 * gateway/store/crash_log.h - the crash points inside SQLite's commit: between two writes to its log, and before the sync.
 *
 * Owns nothing. Borrows the open connection, whose log file gets other functions. Never fails: without a log nothing is watched.
 * Bounds: one connection in a process. Thread: the one that opens the connection.
 * Without the build option RECALL_CRASH_POINTS the macro is empty.
 */
#ifndef RECALLD_STORE_CRASH_LOG_H
#define RECALLD_STORE_CRASH_LOG_H

#include <sqlite3.h>

#ifdef RECALL_CRASH_POINTS
/* From now on the connection reaches in-commit before each write to its log, and in-commit-sync before each sync of it. */
void crash_log_watch(sqlite3 *db);
#else
#define crash_log_watch(db) ((void)0)
#endif

#endif
