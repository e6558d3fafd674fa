/*
 * gateway/store/path.h - the database file's surroundings: its folder and its lock.
 *
 * Owns:    the lock's file descriptor from path_lock to path_unlock.
 * Bounds:  paths up to PATH_MAX.
 * Fails:   with a sentence for people in `error`.
 * Thread:  any; blocks on the disk.
 */
#ifndef RECALLD_STORE_PATH_H
#define RECALLD_STORE_PATH_H

#include <stdbool.h>
#include <stddef.h>

/* Creates the folders that lead to `file` where they are missing, readable by their owner alone. */
bool path_make_parent(const char *file, char *error, size_t error_size);
/* Creates `file`, empty and readable by its owner alone, if there is none: what is stored in it is
 * private. Only with the lock held: closing any descriptor of the file would drop the locks that SQLite
 * holds on it in this process. */
bool path_make_private(const char *file, char *error, size_t error_size);
/* Takes the lock on `file`, which is held on `file`.lock for as long as the descriptor returned is open,
 * (it is not passed on by exec). The lock file stays: removing it would let two processes lock two
 * different files. -1: held by another process, or the file cannot be made. */
int path_lock(const char *file, char *error, size_t error_size);
/* Gives the lock back; -1 is legal. */
void path_unlock(int lock);

#endif
