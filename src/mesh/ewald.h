/* Ewald: the Gaussian splitting of 1/r as plain functions in double: real-space part, what excluded pairs must give
 * back, self energy, background of a net charge. Energies in units of `coulomb`; factors of charges are the caller's.
 * Own math only, so the bits are the same everywhere. Owns nothing. Not here: the reciprocal sum (mesh/mesh.h). */
#ifndef SK_MESH_EWALD_H
#define SK_MESH_EWALD_H

#include <stdbool.h>

/* The splitting parameter with erfc(beta cutoff) = rtol, 0 < rtol < 1, by bisection; 1 / length. Local. */
double sk_ewald_beta(double cutoff, double rtol);

/* Energy and F/r (force on i along r_i - r_j, over the distance) of unit charges, constant 1. */
struct sk_ewald_pair {
    double energy, force; /* 1 / length, 1 / length^3 */
};
/* erfc(beta r) / r: the part that the pair kernel computes; r2 > 0. */
struct sk_ewald_pair sk_ewald_real(double beta, double r2);
/* -erf(beta r) / r: what a pair without Coulomb interaction gets, because the mesh includes it; any r2 >= 0. */
struct sk_ewald_pair sk_ewald_excluded(double beta, double r2);
/* sk_ewald_real's force for sk_ewald_table_init; context: const double * to beta. */
double sk_ewald_real_force(double r2, const void *beta);

/* -coulomb beta / sqrt(pi) sum of q^2. */
double sk_ewald_self(double beta, double coulomb, double sum_q2);
/* Uniform background that neutralizes a net charge: -coulomb pi q^2 / (2 V beta^2). No force; each diagonal element of
 * the virial (-1/2 sum of r F) is -1/2 of this energy. */
double sk_ewald_background(double beta, double coulomb, double net_charge, double volume);

#endif
