/*
 * gateway/store/log_file.h - SQLite's write-ahead log on the disk: a commit is one write, mostly inside the file, and one sync.
 *
 * Owns:    an SQLite VFS, registered once in a process, never the default one; for each open log a buffer of 124 KiB, from
 *          the first write until the log is emptied or closed or the writer rests, overwritten before it is given back.
 * Borrows: the default VFS, which does all the work and opens every file that is not a log.
 * Bounds:  one buffer a log; at most 512 KiB of zeros behind a log's frames, and none where the disk has no room for them.
 * Fails:   with the original's own codes (a full disk stays SQLITE_FULL), from the call that had to write what was gathered, mostly
 *          the sync of the commit. What could not be written is dropped: the transaction it belongs to has failed with it.
 * Thread:  log_file_vfs any; a file belongs to the thread of its connection, as everything of a connection does, but for log_file_sync.
 *
 * For one connection that writes, with synchronous=FULL: other connections find a commit's frames in the file because its sync, done or
 * owed, wrote them before it was announced to them. They keep the default VFS: locks and shared memory are those of the database's own file.
 *
 * Crash points (base/crash_point.h): in-commit, with half of the bytes written; in-commit-sync, before the sync.
 */
#ifndef RECALLD_STORE_LOG_FILE_H
#define RECALLD_STORE_LOG_FILE_H

#include <stdbool.h>

struct log_file;
struct sqlite3;

/* The VFS's name, as sqlite3_open_v2 takes it; static. NULL, which is the default VFS there, if SQLite could not take it. Starts
 * SQLite: what is to be configured before comes first. */
const char *log_file_vfs(void);
/* The connection's log, which lives as long as the connection; NULL: it has none, or another VFS. The four below: on the connection's thread
 * and between transactions, but for log_file_sync; NULL is legal for none but log_file_rest. */
struct log_file *log_file_of(struct sqlite3 *db);
/* The connection will write nothing for a while: gives the buffer of its log back until it does. False: there is none, or bytes wait in it
 * for the next commit. */
bool log_file_rest(struct log_file *log);
/* The next sync of a commit is owed: its frames are written, and the commit returns without waiting for the disk. No other sync: neither
 * that of a new header, nor those of a checkpoint, which stands on them. */
void log_file_owe(struct log_file *log);
/* The commit is over: was its sync left out? From here on syncs are done again. */
bool log_file_owed(struct log_file *log);
/* Does the syncs that are owed. On any one thread at a time, whatever the connection's own does meanwhile. False, with errno: it failed,
 * and nobody knows what the disk holds. */
bool log_file_sync(struct log_file *log);

#endif
