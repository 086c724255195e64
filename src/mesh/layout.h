/* Layout: which rank has which part of the grid at each stage of the transforms, and how parts move between stages.
 * Slabs or pencils over the first parts[0] x parts[1] ranks; the others have empty parts. Owns links and buffers.
 * Not here: arithmetic of any kind, and nothing here can change bits: numbers are copied. */
#ifndef SK_MESH_LAYOUT_H
#define SK_MESH_LAYOUT_H

#include "mesh/influence.h"
#include "par/comm.h"

/* GRID: real points, x whole, y cut in parts[1], z in parts[0]. SPECTRUM_X: the same after the transform along x,
 * n / 2 + 1 wave vectors. SPECTRUM_Y: y whole, x in parts[1], z in parts[0]. SPECTRUM_Z: z whole, x in parts[1], y in
 * parts[0]. */
enum sk_mesh_stage { SK_MESH_GRID, SK_MESH_SPECTRUM_X, SK_MESH_SPECTRUM_Y, SK_MESH_SPECTRUM_Z, SK_MESH_STAGES };

struct sk_mesh_layout {
    int n[3], parts[2];
};

enum sk_mesh_cuts { SK_MESH_AUTO, SK_MESH_SLABS, SK_MESH_PENCILS };
/* Cuts for a number of ranks: slabs (parts[1] = 1) or pencils; auto: slabs while each has at least 4 planes. Uniform.
 */
void sk_mesh_layout_choose(struct sk_mesh_layout *layout, const int n[3], int nranks, enum sk_mesh_cuts cuts);
/* Whether no part would be empty and the ranks suffice. */
bool sk_mesh_layout_fits(const struct sk_mesh_layout *layout, int nranks);
/* The part of a rank at a stage; empty (lo = hi = 0) on ranks beyond the parts. */
struct sk_mesh_block sk_mesh_layout_block(const struct sk_mesh_layout *layout, enum sk_mesh_stage stage, int rank);
/* Rank that has the grid points (y, z). */
int sk_mesh_layout_owner(const struct sk_mesh_layout *layout, int y, int z);

/* A move of complex blocks from one stage to another. */
struct sk_mesh_move;
/* Collective. The tag is one of sk_links_new, for as long as the move lives. Free before comm. */
struct sk_mesh_move *sk_mesh_move_new(struct sk_comm *comm, const struct sk_mesh_layout *layout,
                                      enum sk_mesh_stage from, enum sk_mesh_stage to, int tag);
void sk_mesh_move_free(struct sk_mesh_move **move);
/* Whether the parts are the same in both stages on all ranks: then the data may stay where they are. */
bool sk_mesh_move_is_idle(const struct sk_mesh_move *move);
/* Local, both, in this order: a rank waits for its partners only. source and target must not overlap. */
void sk_mesh_move_begin(struct sk_mesh_move *move, const float *re, const float *im);
void sk_mesh_move_end(struct sk_mesh_move *move, const float *re, const float *im, float *to_re, float *to_im);

#endif
