/* Influence: what the Coulomb interaction does to each wave vector of a charge grid of smooth particle-mesh Ewald
 * (Essmann et al. 1995, equations 3.9, 4.7 and 4.8), in double with own math, and the energy and virial of each.
 * Owns the moduli. Pure per wave vector. Not here: transforms. */
#ifndef SK_MESH_INFLUENCE_H
#define SK_MESH_INFLUENCE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/int128.h"
#include "mesh/plan.h"

/* Half-open ranges of grid points or wave vectors along x, y, z. Arrays over a block run along z fastest. */
struct sk_mesh_block {
    int lo[3], hi[3];
};
static inline size_t sk_mesh_block_size(const struct sk_mesh_block *b)
{
    return (size_t)(b->hi[0] - b->lo[0]) * (size_t)(b->hi[1] - b->lo[1]) * (size_t)(b->hi[2] - b->lo[2]);
}

struct sk_influence {
    struct sk_mesh_plan plan;
    double coulomb, volume;
    double gradient[3][3]; /* of the fraction along each edge, by x, y, z: rows of the inverse lattice */
    double *modulus[3];    /* [n] |sum over k of M_p(k + 1) exp(2 pi i m k / n)|^-2 */
};

void sk_influence_init(struct sk_influence *influence, const struct sk_mesh_plan *plan, double coulomb);
void sk_influence_clear(struct sk_influence *influence);
/* Lattice vectors in the rows: a = (ax, 0, 0), b = (bx, by, 0), c = (cx, cy, cz). Local. */
void sk_influence_set_lattice(struct sk_influence *influence, const double lattice[3][3]);
/* g of the wave vector k, 0 <= k < n on each axis: potential = g x charge, transforms without 1 / n. Zero at the
 * origin. Local. */
double sk_influence_at(const struct sk_influence *influence, const int k[3]);
/* Energy of the wave vector whose transform has this squared size, and its virial (-1/2 sum of r F: xx yy zz xy xz yz).
 * Zeros where g is zero. Local. */
double sk_influence_energy(const struct sk_influence *influence, const int k[3], double g, double square,
                           double virial[6]);
/* g of each wave vector of a block of the half spectrum (x from 0 to n / 2), rounded once to float. Local. */
void sk_influence_fill(const struct sk_influence *influence, const struct sk_mesh_block *block, float *g);
/* Adds energy and virial (-1/2 sum of r F: xx yy zz xy xz yz) of the charges' transform re, im, each wave vector
 * rounded once in units of 1 / SK_ENERGY_SCALE. Returns false if one was not finite or beyond 2^30 (not added). */
bool sk_influence_sums(const struct sk_influence *influence, const struct sk_mesh_block *block, const float *g,
                       const float *re, const float *im, sk_int128 *energy, sk_int128 virial[6]);

#endif
