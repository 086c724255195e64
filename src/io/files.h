/* Files: what io needs of the file system outside HDF5, with the system's own reason in every message.
 * Owns nothing. All Local; one rank calls them and agrees. Not here: contents of files. */
#ifndef SK_IO_FILES_H
#define SK_IO_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

#define SK_FILE_PATH_MAX 1100 /* a path of the parameters and a suffix */

/* path + suffix into joined[SK_FILE_PATH_MAX]; too long is SK_EENV. */
enum sk_code sk_file_join(char *joined, const char *path, const char *suffix, struct sk_error *err);
bool sk_file_exists(const char *path);
/* Makes an empty file, replacing what is there. */
enum sk_code sk_file_create(const char *path, struct sk_error *err);
/* Whether this process's size limit lets the file grow by `bytes`. For every rank, since any may write. */
enum sk_code sk_file_may_grow(const char *path, int64_t bytes, struct sk_error *err);
/* Claims `bytes` of disk beyond the file's present end, so that a full disk or a quota shows before HDF5 writes. Where
 * the file system cannot claim, zeros are written and synced. The size may change; HDF5 sets it again. */
enum sk_code sk_file_reserve(const char *path, int64_t bytes, struct sk_error *err);
/* Gives back what was claimed beyond the end and not used. */
void sk_file_trim(const char *path);
/* The file is on the disk, and no longer in the page cache where that can be had: reading it reads the disk. */
enum sk_code sk_file_sync(const char *path, struct sk_error *err);
/* Renames and syncs the folder. */
enum sk_code sk_file_rename(const char *from, const char *to, struct sk_error *err);
/* A kill between two of HDF5's writes can leave a file (of superblock version 0, as SK_H5_APPEND makes them) whose
 * recorded end lies before data that it holds, which HDF5 then refuses to touch. Sets the recorded end to the real one
 * if it lies before it; unused space is all that this can cost. Other files are left alone. */
enum sk_code sk_file_mend(const char *path, struct sk_error *err);
void sk_file_remove(const char *path);

#endif
