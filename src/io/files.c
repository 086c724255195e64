#include "io/files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static enum sk_code files_fail(struct sk_error *err, const char *what, const char *path, int reason)
{
    return sk_fail(err, SK_EENV, "cannot %s %s: %s", what, path, strerror(reason));
}

enum sk_code sk_file_join(char *joined, const char *path, const char *suffix, struct sk_error *err)
{
    int length = snprintf(joined, SK_FILE_PATH_MAX, "%s%s", path, suffix);
    if (length < 0 || length >= SK_FILE_PATH_MAX)
        return sk_fail(err, SK_EENV, "path too long: %.200s...", path);
    return SK_OK;
}

bool sk_file_exists(const char *path)
{
    struct stat about;
    return lstat(path, &about) == 0;
}

/* 0 or the errno. */
static int bytes_write(int fd, const unsigned char *bytes, size_t length, off_t at)
{
    while (length) {
        ssize_t done = pwrite(fd, bytes, length, at);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return done < 0 ? errno : EIO;
        bytes += done;
        length -= (size_t)done;
        at += done;
    }
    return 0;
}

enum sk_code sk_file_create(const char *path, struct sk_error *err)
{
    int fd = open(path, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
    if (fd < 0 || close(fd) != 0)
        return files_fail(err, "create", path, errno);
    return SK_OK;
}

enum sk_code sk_file_may_grow(const char *path, int64_t bytes, struct sk_error *err)
{
    struct stat about;
    struct rlimit limit;
    uint64_t size = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY &&
        size + (uint64_t)bytes > limit.rlim_cur)
        return files_fail(err, "write", path, EFBIG);
    return SK_OK;
}

static int zeros_write(int fd, off_t at, int64_t bytes)
{
    static const unsigned char zeros[65536];
    int reason = 0;
    while (bytes > 0 && !reason) {
        size_t length = bytes < (int64_t)sizeof zeros ? (size_t)bytes : sizeof zeros;
        reason = bytes_write(fd, zeros, length, at);
        at += (off_t)length;
        bytes -= (int64_t)length;
    }
    /* Network file systems may say only now that there is no room. */
    return reason ? reason : fsync(fd) != 0 ? errno : 0;
}

enum sk_code sk_file_reserve(const char *path, int64_t bytes, struct sk_error *err)
{
    struct stat about;
    int fd = open(path, O_WRONLY | O_CLOEXEC), reason = 0;
    if (fd < 0)
        return files_fail(err, "open", path, errno);
    if (fstat(fd, &about) != 0)
        reason = errno;
    else if (fallocate(fd, FALLOC_FL_KEEP_SIZE, about.st_size, bytes) != 0)
        reason = errno;
    if (reason == EOPNOTSUPP || reason == ENOSYS || reason == EINVAL) {
        reason = zeros_write(fd, about.st_size, bytes);
        if (reason && ftruncate(fd, about.st_size) != 0)
            errno = 0; /* the first failure is the one to report */
    }
    if (close(fd) != 0 && !reason)
        reason = errno;
    return reason ? files_fail(err, "write", path, reason) : SK_OK;
}

void sk_file_trim(const char *path)
{
    struct stat about;
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    /* Failing costs some unused disk, no data. */
    if (fstat(fd, &about) == 0 && ftruncate(fd, about.st_size) != 0)
        errno = 0;
    close(fd);
}

enum sk_code sk_file_sync(const char *path, struct sk_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC), reason = 0;
    if (fd < 0)
        return files_fail(err, "open", path, errno);
    if (fsync(fd) != 0)
        reason = errno;
    else
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    if (close(fd) != 0 && !reason)
        reason = errno;
    return reason ? files_fail(err, "sync", path, reason) : SK_OK;
}

static enum sk_code folder_sync(const char *path, struct sk_error *err)
{
    char folder[SK_FILE_PATH_MAX] = ".";
    const char *slash = strrchr(path, '/');
    if (slash) {
        size_t length = slash == path ? 1 : (size_t)(slash - path);
        if (length >= sizeof folder)
            return sk_fail(err, SK_EENV, "path too long: %.200s...", path);
        memcpy(folder, path, length);
        folder[length] = '\0';
    }
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return files_fail(err, "open", folder, errno);
    /* Some network file systems cannot sync a folder and say EINVAL: they need it not. */
    int reason = fsync(fd) != 0 && errno != EINVAL ? errno : 0;
    close(fd);
    return reason ? files_fail(err, "sync", folder, reason) : SK_OK;
}

enum sk_code sk_file_rename(const char *from, const char *to, struct sk_error *err)
{
    if (rename(from, to) != 0)
        return sk_fail(err, SK_EENV, "cannot rename %s to %s: %s", from, to, strerror(errno));
    return folder_sync(to, err);
}

enum sk_code sk_file_mend(const char *path, struct sk_error *err)
{
    /* HDF5 file format, superblock 0: signature, version at 8, size of addresses at 13, recorded end at 40. */
    static const unsigned char signature[9] = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n', 0};
    unsigned char head[48];
    struct stat about;
    uint64_t end;
    int fd = open(path, O_RDWR | O_CLOEXEC), reason = 0;
    if (fd < 0)
        return files_fail(err, "open", path, errno);
    if (fstat(fd, &about) == 0 && pread(fd, head, sizeof head, 0) == (ssize_t)sizeof head &&
        memcmp(head, signature, sizeof signature) == 0 && head[13] == sizeof end) {
        memcpy(&end, head + 40, sizeof end);
        if (end < (uint64_t)about.st_size) {
            end = (uint64_t)about.st_size;
            reason = bytes_write(fd, (const unsigned char *)&end, sizeof end, 40);
        }
    }
    if (close(fd) != 0 && !reason)
        reason = errno;
    return reason ? files_fail(err, "write", path, reason) : SK_OK;
}

void sk_file_remove(const char *path)
{
    unlink(path);
}
