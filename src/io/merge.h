/* Merge: from atoms in any order on any rank to records in id order on the writing ranks. Writers own id ranges; each
 * range is done in pieces of bounded length, one a round; in a round every rank sends each writer the part of the
 * writer's piece that it owns, sorted and closed by an end mark, and the writer merges these streams with a heap.
 * Owns an order of the rank's atoms (4 bytes an atom) and buffers of a piece. Not here: files. */
#ifndef SK_IO_MERGE_H
#define SK_IO_MERGE_H

#include <stddef.h>

#include "geom/fixed.h"
#include "par/comm.h"

/* Who writes what: a function of three numbers. */
struct sk_merge_plan {
    int64_t natoms;
    int64_t unit;  /* a writer's range starts at a multiple of it */
    int64_t piece; /* atoms a writer holds at once; divides unit */
    int writers;   /* ranks 0 .. writers - 1 */
    int64_t rounds;
};
/* Uniform. Requires unit % piece == 0. */
struct sk_merge_plan sk_merge_plan_make(int64_t natoms, int ranks, int64_t unit, int64_t piece);
/* Ids [*first, *first + *n) are the writer's piece of this round; n = 0 if it has none. Uniform. */
void sk_merge_piece(const struct sk_merge_plan *plan, int writer, int64_t round, sk_gid *first, int64_t *n);

/* Writes the record of the rank's atom i; its first 8 bytes are the atom's id. */
typedef void sk_merge_fill(const void *context, int i, void *record);

struct sk_merge;
/* Collective. id[n] are this rank's atoms, any order, borrowed until free. An id outside 0..natoms-1: SK_EINTERNAL. */
enum sk_code sk_merge_new(struct sk_comm *comm, const struct sk_merge_plan *plan, int n, const sk_gid *id,
                          size_t record_size, struct sk_merge **merge, struct sk_error *err);
void sk_merge_free(struct sk_merge **merge);
/* Collective. On success *records holds this rank's piece of the round, in id order, every id exactly once; valid until
 * the next round. An id missing or doubled: SK_EINTERNAL, which names it. */
enum sk_code sk_merge_round(struct sk_merge *merge, int64_t round, sk_merge_fill *fill, const void *context,
                            const void **records, struct sk_error *err);

#endif
