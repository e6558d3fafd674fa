/*
 * gateway/store/db_sqlite.h - the SQLite backend of db.h.
 *
 * Owns nothing, never fails; any thread. The rules it keeps: WAL with synchronous=FULL, so a commit is one
 * fsync and durable; one connection that writes and checkpoints, because SQLite 3.40 can damage a database
 * when two do; no mmap, because an I/O error would be a signal; secure_delete, so that overwritten and
 * deleted content is zeroed in the file.
 */
#ifndef RECALLD_STORE_DB_SQLITE_H
#define RECALLD_STORE_DB_SQLITE_H

struct db_backend;

/* The backend for uris "sqlite:PATH". Static. */
const struct db_backend *db_sqlite_backend(void);

#endif
