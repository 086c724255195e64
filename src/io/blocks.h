/* Blocks: the per-atom datasets of a checkpoint and their checksums, XXH3_64 of each block of SK_BLOCK_ROWS atoms.
 * Owns buffers of a piece. Not here: the state beside the atoms, files as a whole (checkpoint.h). */
#ifndef SK_IO_BLOCKS_H
#define SK_IO_BLOCKS_H

#include "io/h5.h"
#include "io/merge.h"
#include "model/atoms.h"

#define SK_BLOCK_ROWS  65536 /* part of the file format */
#define SK_BLOCK_PIECE 16384 /* atoms in memory at once; divides SK_BLOCK_ROWS */

static inline int64_t sk_blocks_count(int64_t natoms)
{
    return (natoms + SK_BLOCK_ROWS - 1) / SK_BLOCK_ROWS;
}

/* has_moves: the file also has the last displacements, which minimizers go on from.
 * Collective as sk_h5_dataset: makes the datasets and /checksum. */
enum sk_code sk_blocks_layout(struct sk_h5 *file, int64_t natoms, bool has_moves, struct sk_error *err);
/* Bytes that natoms atoms take in the file. */
int64_t sk_blocks_bytes(int64_t natoms, bool has_moves);
/* Collective: writes all atoms and checksums. The status is agreed. */
enum sk_code sk_blocks_write(struct sk_comm *comm, struct sk_h5 *file, const struct sk_atoms *atoms, int64_t natoms,
                             bool has_moves, struct sk_error *err);
/* Local: whether the datasets have the shapes of natoms atoms. */
enum sk_code sk_blocks_shapes(struct sk_h5 *file, int64_t natoms, bool has_moves, struct sk_error *err);
/* Local: reads one block, compares its checksums, and copies ids [first, first + n) that lie in it to
 * records[id - first] (records NULL: compares only). A checksum that differs: SK_EENV. */
enum sk_code sk_blocks_read(struct sk_h5 *file, const char *path, int64_t natoms, bool has_moves, int64_t block,
                            sk_gid first, int64_t n, struct sk_atom_record *records, struct sk_error *err);

#endif
