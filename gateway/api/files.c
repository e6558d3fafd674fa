#include "api/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct files {
    size_t n;
    struct file file[FILES_MAX];
    char *names[FILES_MAX];
    char *bytes[FILES_MAX];
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {
        {".html", "text/html; charset=utf-8"},
        {".js", "text/javascript; charset=utf-8"},
        {".css", "text/css; charset=utf-8"},
        {".svg", "image/svg+xml"},
        {".json", "application/json"},
        {".png", "image/png"},
        {".ico", "image/x-icon"},
        {".webmanifest", "application/manifest+json"},
        {".txt", "text/plain; charset=utf-8"},
        {".woff2", "font/woff2"},
    };
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot != NULL && i < sizeof(types) / sizeof(types[0]); i++)
        if (strcmp(dot, types[i].end) == 0)
            return types[i].type;
    return "application/octet-stream";
}

/* All of an open regular file; NULL with errno. */
static char *read_all(int fd, size_t size)
{
    char *p = malloc(size + 1);
    size_t n = 0;

    while (p != NULL && n < size) {
        const ssize_t got = read(fd, p + n, size - n);

        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0) {
            free(p);
            errno = got == 0 ? EIO : errno;
            return NULL;
        }
        n += (size_t)got;
    }
    return p;
}

static bool load_one(struct files *f, int folder, const char *name, char *err, size_t n)
{
    const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    char *data = NULL;

    if (fd < 0 || fstat(fd, &st) != 0)
        goto fail;
    if (!S_ISREG(st.st_mode)) {
        (void)close(fd);
        return true;
    }
    if (f->n == FILES_MAX || st.st_size > (off_t)FILES_SIZE_MAX) {
        errno = EFBIG;
        goto fail;
    }
    data = read_all(fd, (size_t)st.st_size);
    f->names[f->n] = strdup(name);
    if (data == NULL || f->names[f->n] == NULL)
        goto fail;
    f->bytes[f->n] = data;
    f->file[f->n] = (struct file){str_c(f->names[f->n]), str_n(data, (size_t)st.st_size), type_of(name)};
    f->n++;
    (void)close(fd);
    return true;
fail:
    (void)snprintf(err, n, "The file %s of the demo page cannot be read: %s", name, strerror(errno));
    free(data);
    if (f->n < FILES_MAX) {
        free(f->names[f->n]);
        f->names[f->n] = NULL;
    }
    if (fd >= 0)
        (void)close(fd);
    return false;
}

struct files *files_load(const char *folder, char *err, size_t n)
{
    struct files *f = calloc(1, sizeof(*f));
    DIR *dir = opendir(folder);
    struct dirent *entry;

    if (f == NULL || dir == NULL) {
        (void)snprintf(err, n, "The folder %s of the demo page cannot be read: %s", folder, strerror(errno));
        goto fail;
    }
    while ((entry = readdir(dir)) != NULL)
        if (entry->d_name[0] != '.' && !load_one(f, dirfd(dir), entry->d_name, err, n))
            goto fail;
    (void)closedir(dir);
    return f;
fail:
    if (dir != NULL)
        (void)closedir(dir);
    files_free(f);
    return NULL;
}

void files_free(struct files *f)
{
    if (f == NULL)
        return;
    for (size_t i = 0; i < f->n; i++) {
        free(f->names[i]);
        free(f->bytes[i]);
    }
    free(f);
}

const struct file *files_find(const struct files *f, struct str name)
{
    for (size_t i = 0; f != NULL && i < f->n; i++)
        if (str_eq(f->file[i].name, name))
            return &f->file[i];
    return NULL;
}
