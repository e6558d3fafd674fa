#include "store/path.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

bool path_make_parent(const char *file, char *error, size_t error_size)
{
    char path[PATH_MAX];
    const size_t n = strlen(file);
    struct stat st;

    if (n == 0 || n >= sizeof(path) - sizeof(".lock")) {
        snprintf(error, error_size,
                 n == 0 ? "the database has no file name" : "the database's path is too long");
        return false;
    }
    memcpy(path, file, n + 1);
    for (char *slash = strchr(path + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            snprintf(error, error_size, "the folder %s of the database cannot be created: %s", path,
                     strerror(errno));
            return false;
        }
        if (stat(path, &st) != 0 || !S_ISDIR(st.st_mode)) {
            snprintf(error, error_size, "%s, which leads to the database, is not a folder", path);
            return false;
        }
        *slash = '/';
    }
    return true;
}

bool path_make_private(const char *file, char *error, size_t error_size)
{
    struct stat st;
    const int fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    const int why = errno;

    if (fd >= 0) {
        close(fd);
        return true;
    }
    if (stat(file, &st) == 0 && S_ISDIR(st.st_mode))
        snprintf(error, error_size, "%s is a folder: the store's path must name a file", file);
    else if (why == EROFS || why == EACCES || why == EPERM)
        snprintf(error, error_size, "the database %s is read-only for this user (%s)", file, strerror(why));
    else
        snprintf(error, error_size, "the database %s cannot be opened: %s", file, strerror(why));
    return false;
}

int path_lock(const char *file, char *error, size_t error_size)
{
    char path[PATH_MAX + sizeof(".lock")];
    char real[PATH_MAX];
    int fd;

    /* A link to the file must meet the same lock as the file itself. */
    snprintf(path, sizeof(path), "%s.lock", realpath(file, real) != NULL ? real : file);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(error, error_size, "the folder of the database is not writable: %s cannot be made (%s)",
                 path, strerror(errno));
        return -1;
    }
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK)
            snprintf(error, error_size,
                     "the database %s is in use by another recalld (it holds the lock on %s)", file, path);
        else
            snprintf(error, error_size, "the lock file %s cannot be locked: %s", path, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

void path_unlock(int lock)
{
    if (lock >= 0)
        close(lock);
}
