/* Tiles: the grid points around a rank's atoms, whatever the shape of its territory: small dense arrays of up to
 * 16^3 first points (a rank that is alone has one, of all) and the splines' overhang, summed as integers into the grid
 * parts of their owners, and the way back for the potential. Owns arrays and links. Not here: weights (kernel/mesh.h),
 * transforms (mesh/mesh.h). */
#ifndef SK_MESH_TILES_H
#define SK_MESH_TILES_H

#include "geom/fixed.h"
#include "kernel/pair.h"
#include "mesh/layout.h"

struct sk_mesh_tiles;

/* Layout, comm and variant are borrowed until free; tag and tag + 1 are those of sk_links_new. Local. */
struct sk_mesh_tiles *sk_mesh_tiles_new(struct sk_comm *comm, const struct sk_mesh_layout *layout, int order,
                                        const struct sk_kernel_variant *variant, int tag);
void sk_mesh_tiles_free(struct sk_mesh_tiles **tiles);
/* Collective. Makes the tiles that n atoms at x can need before the next call, if none moves further than `reach`
 * (fractions of the edges, at most 1/8), and the links for them. */
void sk_mesh_tiles_assign(struct sk_mesh_tiles *tiles, int n, const sk_frac (*x)[3], const double reach[3]);
/* Local. Spreads charge[i] x scale, summed into empty tiles. Returns how many atoms are outside the tiles: they are
 * left out, and the caller must assign anew and repeat. */
int sk_mesh_tiles_spread(struct sk_mesh_tiles *tiles, int n, const sk_frac (*x)[3], const double *charge, double scale);
/* Local: a rank waits for those that it shares points with. Adds all ranks' tiles to grid, an array over the rank's
 * part of the grid, which is cleared. Begin sends, end adds. */
void sk_mesh_tiles_sum_begin(struct sk_mesh_tiles *tiles);
void sk_mesh_tiles_sum_end(struct sk_mesh_tiles *tiles, int32_t *grid);
/* The other way: the potential of the rank's part to all tiles. Tiles hold it until the next spread. */
void sk_mesh_tiles_share_begin(struct sk_mesh_tiles *tiles, const float *potential);
void sk_mesh_tiles_share_end(struct sk_mesh_tiles *tiles, const float *potential);
/* Local. For the atoms of the last spread (those outside tiles get something): adds to force[i] charge[i] times the sum
 * over the three edges of the potential's gradient by grid steps times to_force[edge], rounded once. */
void sk_mesh_tiles_gather(struct sk_mesh_tiles *tiles, const double to_force[3][3], const double *charge,
                          sk_fixed (*force)[3]);
/* Bytes held, messages apart. */
size_t sk_mesh_tiles_memory(const struct sk_mesh_tiles *tiles);

#endif
