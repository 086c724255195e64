/* Mesh: the reciprocal sum of smooth particle-mesh Ewald over all ranks: energy, virial, forces. Bits depend on the
 * atoms, plan and lattice alone: charges are summed as integers, lines are transformed each for itself, every wave
 * vector's energy and every atom's force is rounded once. Owns grids, plans of transforms, links.
 * Not here: real-space part, excluded pairs, self energy, background (mesh/ewald.h).
 *
 * A step is begin (spread, charges leave), solve (charges are added, transforms, potential leaves), end (gather), with
 * other work in between; the transposes inside solve wait. */
#ifndef SK_MESH_MESH_H
#define SK_MESH_MESH_H

#include "geom/fixed.h"
#include "kernel/pair.h"
#include "mesh/layout.h"

#define SK_MESH_TAGS 6 /* of sk_links_new, from setup.tag on */

struct sk_mesh_setup {
    struct sk_mesh_plan plan; /* checked (sk_mesh_plan_check) */
    double coulomb;           /* energy x length / charge^2 */
    int parts[2];             /* cuts of the layout (mesh/layout.h); 0 0: chosen */
    enum sk_mesh_cuts cuts;   /* how they are chosen */
    int tag;
    const struct sk_kernel_variant *variant;
};
struct sk_mesh;

/* Collective; setup is uniform but for the variant. comm is borrowed until sk_mesh_free (local). */
struct sk_mesh *sk_mesh_new(struct sk_comm *comm, const struct sk_mesh_setup *setup);
void sk_mesh_free(struct sk_mesh **mesh);
/* Uniform; before the first solve and whenever the box changes. Rows of the lattice: a = (ax, 0, 0), b = (bx, by, 0),
 * c = (cx, cy, cz). */
void sk_mesh_set_lattice(struct sk_mesh *mesh, const double lattice[3][3]);
/* Collective, at rebuilds: prepares for the n atoms of this rank to move at most `reach` (fractions of the edges, at
 * most 1/8) before the next call. Not between begin and end. */
void sk_mesh_assign(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double reach[3]);
/* Collective, after assign: the scale of grid charges for these atoms: units of 2^-24 e, or 2^-20 where more than 64 e
 * could meet at a grid point. SK_EINPUT on all ranks if even 1024 e could. To be called once, at the start; bits depend
 * on the scale, so a run that goes on sets what it had. */
enum sk_code sk_mesh_choose_charge_bits(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double *charge,
                                        struct sk_error *err);
int sk_mesh_charge_bits(const struct sk_mesh *mesh);
void sk_mesh_set_charge_bits(struct sk_mesh *mesh, int bits);

/* Local: spreads, and sends to owners of grid parts. x and charge (in e) are those of n atoms, in the order of assign
 * or any other; charge is borrowed until end. Returns how many atoms had moved out of reach: then the results of this
 * step mean nothing on any rank, but solve and end must be called all the same. */
int sk_mesh_begin(struct sk_mesh *mesh, int n, const sk_frac (*x)[3], const double *charge);
/* Local. Waits for the charges and for the other ranks' parts of the transforms. With sums: adds this rank's wave
 * vectors to energy and virial (-1/2 sum of r F: xx yy zz xy xz yz), in 1 / SK_ENERGY_SCALE, to be added over ranks;
 * NULL for none. Returns false if a grid charge is beyond half the integers' range (charges have crowded since the
 * scale was chosen) or a wave vector's energy not finite or beyond 2^30 (not added). */
struct sk_mesh_sums {
    sk_int128 energy, virial[6];
};
bool sk_mesh_solve(struct sk_mesh *mesh, struct sk_mesh_sums *sums);
/* Local. Waits for the potential; adds each atom's force, rounded once to units of 1 / scale, to force[n][3]. Forces
 * are in range where solve was content. */
void sk_mesh_end(struct sk_mesh *mesh, double scale, sk_fixed (*force)[3]);

/* Cuts of the layout in use, for the log. */
void sk_mesh_parts(const struct sk_mesh *mesh, int parts[2]);
const struct sk_mesh_plan *sk_mesh_plan(const struct sk_mesh *mesh);
/* Bytes held. */
size_t sk_mesh_memory(const struct sk_mesh *mesh);

#endif
