#include "api/rc_zip.h"

#include <stdbool.h>
#include <stdlib.h>
#include <time.h>
#include <zip.h>

/* Puts the file into the archive that `target` will hold. */
static bool add_file(zip_t *archive, const char *name, const char *text, size_t n, int64_t time_ms)
{
    zip_source_t *source = zip_source_buffer(archive, text, n, 0);
    zip_int64_t index;

    if (source == NULL)
        return false;
    index = zip_file_add(archive, name, source, ZIP_FL_ENC_UTF_8);
    if (index < 0) {
        zip_source_free(source);
        return false;
    }
    return zip_set_file_compression(archive, (zip_uint64_t)index, ZIP_CM_STORE, 0) == 0 &&
           zip_file_set_mtime(archive, (zip_uint64_t)index, (time_t)(time_ms / 1000), 0) == 0;
}

/* The finished archive's bytes. */
static char *take(zip_source_t *target, size_t *len)
{
    zip_stat_t stat;
    char *bytes = NULL;

    zip_stat_init(&stat);
    if (zip_source_stat(target, &stat) != 0 || (stat.valid & ZIP_STAT_SIZE) == 0 || zip_source_open(target) != 0)
        return NULL;
    *len = (size_t)stat.size;
    bytes = malloc(*len);
    if (bytes != NULL && zip_source_read(target, bytes, stat.size) != (zip_int64_t)stat.size) {
        free(bytes);
        bytes = NULL;
    }
    (void)zip_source_close(target);
    return bytes;
}

char *rc_zip_make(const char *name, const char *text, size_t n, int64_t time_ms, size_t *len)
{
    zip_source_t *target = zip_source_buffer_create(NULL, 0, 0, NULL);
    zip_t *archive;
    char *bytes = NULL;

    if (target == NULL)
        return NULL;
    zip_source_keep(target); /* the archive drops a reference when it is closed, and we read afterwards */
    archive = zip_open_from_source(target, ZIP_TRUNCATE, NULL);
    if (archive == NULL) {
        zip_source_free(target);
        goto done;
    }
    if (!add_file(archive, name, n != 0 ? text : "", n, time_ms) || zip_close(archive) != 0) {
        zip_discard(archive);
        goto done;
    }
    bytes = take(target, len);
done:
    zip_source_free(target);
    return bytes;
}
