/*
 * gateway/store/schema.h - the tables, and how an older database becomes one of this version.
 *
 * Owns nothing. Bounds: one transaction for each version step. Fails with a sentence for people; a failed
 * step leaves the database at the version before it. Thread: the one that opens the store, before any other
 * uses the connection.
 */
#ifndef RECALLD_STORE_SCHEMA_H
#define RECALLD_STORE_SCHEMA_H

#include "store/db.h"

#define SCHEMA_EPOCH_SIZE 32

/* The version that schema_migrate brings a database to. */
int64_t schema_version(void);
/* Creates the tables, or brings older ones to this version. A newer version than this program knows is
 * refused untouched, and so is a database that another program made. `uri` only names it in the sentence. */
bool schema_migrate(struct db *db, const char *uri, char *error, size_t error_size);
/* The log's epoch, zero-terminated, kept since the database was made. */
bool schema_epoch(struct db *db, char out[static SCHEMA_EPOCH_SIZE], char *error, size_t error_size);

#endif
