/*
 * gateway/api/files.h - the files of one folder, read into memory once: the demo page.
 *
 * Owns:    their bytes and names. Immutable once loaded.
 * Bounds:  FILES_MAX files of at most FILES_SIZE_MAX bytes; folders in the folder and names that begin with a
 *          dot are left out.
 * Fails:   files_load returns NULL with a sentence.
 * Thread:  load and free on the main thread; look-ups on any.
 *
 * A request names a file that is in memory or none at all, so no path of a caller ever reaches the file
 * system.
 */
#ifndef RECALLD_API_FILES_H
#define RECALLD_API_FILES_H

#include "base/str.h"

#include <stddef.h>

#define FILES_MAX 64
#define FILES_SIZE_MAX (8U << 20)

struct files;
struct file {
    struct str name;
    struct str data;
    const char *type; /* MIME type, static */
};

struct files *files_load(const char *folder, char *err, size_t n);
/* NULL is legal. */
void files_free(struct files *f);
/* NULL when there is none of that name. */
const struct file *files_find(const struct files *f, struct str name);

#endif
