/*
 * fsyncs.so: preloaded into the server under measurement, counts its fsync() and fdatasync() calls where the
 * benchmark can read them. The server's own word is not asked: a commit that is fast because nothing reached
 * the disk shows here.
 *
 * BENCH_FSYNCS names a file of at least eight bytes: the count, as a uint64_t.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Atomic uint64_t *count;

__attribute__((constructor)) static void fsyncs_open(void)
{
    const char *path = getenv("BENCH_FSYNCS");
    const int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
    void *page;

    if (fd < 0)
        return;
    page = mmap(NULL, sizeof(uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED)
        count = page;
}

static int counted(long call, int fd)
{
    if (count != NULL)
        atomic_fetch_add_explicit(count, 1, memory_order_relaxed);
    return (int)syscall(call, fd);
}

/* In place of the C library's, by their names. */
int fsync(int fd)
{
    return counted(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return counted(SYS_fdatasync, fd);
}
