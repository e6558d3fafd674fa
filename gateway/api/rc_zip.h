/*
 * gateway/api/rc_zip.h - one text as a ZIP archive, in memory.
 *
 * Owns:    the archive is the caller's (malloc'd). Borrows: the text, for the call.
 * Bounds:  RC_ZIP_OVERHEAD bytes more than the text. Fails: NULL without memory.
 * Thread:  any; no state.
 *
 * The text is stored, not compressed: so it stands in the archive as it is, and an answer that a slow reader takes in parts can be looked
 * through for messages that were recalled meanwhile (api/recalled.h).
 */
#ifndef RECALLD_API_RC_ZIP_H
#define RECALLD_API_RC_ZIP_H

#include <stddef.h>
#include <stdint.h>

#define RC_ZIP_OVERHEAD 1024U

/* An archive that holds one file of this name, dated `time_ms`. */
char *rc_zip_make(const char *name, const char *text, size_t n, int64_t time_ms, size_t *len);

#endif
