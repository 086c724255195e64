/* H5: the few HDF5 operations the project uses, every call checked, failures with file and object in the message.
 * h5.c alone includes hdf5.h; it makes no MPI call. Owns file handles.
 * Not here: what the files mean (checkpoint, trajectory), files without HDF5 (files.h), agreement over ranks (callers).
 */
#ifndef SK_IO_H5_H
#define SK_IO_H5_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define SK_H5_RANK_MAX 3

struct sk_h5; /* an open file */

/* Element types; in the file all are little-endian. SK_H5_TEXT(n): fixed strings of n bytes, zero-padded. */
enum sk_h5_type { SK_H5_I32, SK_H5_I64, SK_H5_U64, SK_H5_F32, SK_H5_F64, SK_H5_TEXT_BASE = 1000 };
#define SK_H5_TEXT(n) (SK_H5_TEXT_BASE + (n))

enum sk_h5_mode {
    SK_H5_READ,
    SK_H5_APPEND,            /* widest compatibility */
    SK_H5_APPEND_CHECKSUMMED /* what is added carries HDF5's metadata checksums (HDF5 1.10 or later reads it) */
};

/* Part of a dataset: the rows and columns [offset, offset + count). A rank that has nothing gives count[0] = 0. */
struct sk_h5_slab {
    uint64_t offset[SK_H5_RANK_MAX], count[SK_H5_RANK_MAX];
};
struct sk_h5_shape {
    int rank;
    uint64_t size[SK_H5_RANK_MAX];
    uint64_t chunk[SK_H5_RANK_MAX]; /* chunk[0] = 0: contiguous and fixed; else the first dimension can be resized */
};

/* Local. Makes an empty HDF5 file for APPEND of the given mode and claims `bytes` of disk for it (sk_file_reserve), to
 * be opened then by all ranks. For HDF5 1.10 survives no failed write: the handle can neither be closed (ranks hang,
 * measured) nor left open (MPI_Finalize crashes), and the job has to end. So space is claimed before HDF5 writes. */
enum sk_code sk_h5_seed(const char *path, enum sk_h5_mode mode, int64_t bytes, struct sk_error *err);
/* Collective over the communicator that `mpi_comm` (see sk_comm_mpi) points to; Local if it is NULL, which SK_H5_READ
 * should prefer, for a damaged file then fails on a rank without hanging the others. SK_EENV. The status is this
 * rank's: the caller agrees. */
enum sk_code sk_h5_open(struct sk_h5 **file, const char *path, enum sk_h5_mode mode, const void *mpi_comm,
                        struct sk_error *err);
/* As open. Nulls the handle; NULL-safe. Failure of a file that was written: as a failed write. */
enum sk_code sk_h5_close(struct sk_h5 **file, struct sk_error *err);
/* All that follows is Collective with equal arguments (data, slabs apart) if the file was opened by a communicator,
 * but reading, which is Local. All: SK_EENV; every rank goes on to make the same calls until a failure is agreed. */
/* Everything written so far reaches the disk. */
enum sk_code sk_h5_flush(struct sk_h5 *file, struct sk_error *err);
/* Makes the group; parents are made as needed. */
enum sk_code sk_h5_group(struct sk_h5 *file, const char *path, struct sk_error *err);
/* A second name for an object. */
enum sk_code sk_h5_link(struct sk_h5 *file, const char *target, const char *path, struct sk_error *err);
/* Local. The open file has been renamed: messages name it so from now on. */
void sk_h5_renamed(struct sk_h5 *file, const char *path);
bool sk_h5_has(struct sk_h5 *file, const char *path);

/* Attributes of `object`. n = 0: a scalar. Text attributes are variable-length UTF-8, as readers of H5MD want them. */
enum sk_code sk_h5_attribute_write(struct sk_h5 *file, const char *object, const char *name, enum sk_h5_type type,
                                   int n, const void *data, struct sk_error *err);
enum sk_code sk_h5_attribute_read(struct sk_h5 *file, const char *object, const char *name, enum sk_h5_type type, int n,
                                  void *data, struct sk_error *err);
enum sk_code sk_h5_text_write(struct sk_h5 *file, const char *object, const char *name, int n, const char *const *text,
                              struct sk_error *err);

/* Datasets. Parents are made as needed; space is not filled. */
enum sk_code sk_h5_dataset(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_shape *shape,
                           struct sk_error *err);
/* Fills rank and size; an object that is no dataset of the given type's class and size is an error. */
enum sk_code sk_h5_shape(struct sk_h5 *file, const char *path, enum sk_h5_type type, struct sk_h5_shape *shape,
                         struct sk_error *err);
/* Sets the length of the first dimension; what lies beyond is dropped. */
enum sk_code sk_h5_resize(struct sk_h5 *file, const char *path, uint64_t rows, struct sk_error *err);
/* Transfers are independent: the order of ranks and their number of calls are free. */
enum sk_code sk_h5_write(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_slab *slab,
                         const void *data, struct sk_error *err);
enum sk_code sk_h5_read(struct sk_h5 *file, const char *path, enum sk_h5_type type, const struct sk_h5_slab *slab,
                        void *data, struct sk_error *err);

#endif
