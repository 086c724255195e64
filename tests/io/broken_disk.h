/* A disk that breaks: the test program's own pwrite, which libraries find before the system's. */
#ifndef SK_TESTS_IO_BROKEN_DISK_H
#define SK_TESTS_IO_BROKEN_DISK_H

#include <errno.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/* A disk that breaks: from now on no write of more than a block succeeds. */
static bool is_broken_disk;

__attribute__((visibility("default"))) ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    if (is_broken_disk && length > 4096) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, bytes, length, offset);
}

__attribute__((visibility("default"))) ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    if (is_broken_disk) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_pwritev, fd, parts, count, offset, 0);
}

#endif
