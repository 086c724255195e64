/* Bonded: the arithmetic of bonded terms, a block of terms of one form at a time, in double. A term is known by the
 * displacement vectors between its atoms and gives an energy and, for each vector, the force along it.
 * Owns nothing: no allocation, no communication, no globals. Not here: which atoms a term has (model/bonded.h), their
 * images and who computes it (force). Arithmetic is IEEE add, multiply, divide and square root, and base/math. */
#ifndef SK_KERNEL_BONDED_H
#define SK_KERNEL_BONDED_H

#include <stdint.h>

#define SK_BONDED_BLOCK      32 /* terms of a block */
#define SK_BONDED_VECTORS    4
#define SK_BONDED_PARAMETERS 6
#define SK_BONDED_LARGEST    0x1p56 /* rounded forces, energies and virials of a term: beyond it, it has failed */

/* The vectors of a term of atoms 0, 1, ... zigzag through them:
 *     d0 = x0 - x1,  d1 = x2 - x1,  d2 = x2 - x3,  d3 = x4 - x3,
 * as many as its atoms need; a position restraint has d0 = x0 - reference. With g_v = -dE/dd_v the force of an atom is
 * the sum of g_v over the vectors that end at it less those that begin at it. So every g_v is rounded once, the forces
 * of a term sum to zero exactly, a chain read backwards has the same bits, and the virial is -1/2 sum of d_v g_v. */
static inline int sk_bonded_head(int v)
{
    return v + v % 2;
}
static inline int sk_bonded_tail(int v)
{
    return v + 1 - v % 2;
}
static inline int sk_bonded_vectors(int natoms)
{
    return natoms > 1 ? natoms - 1 : 1;
}

/* A prepared correction map: E, dE/dt, dE/du, d2E/dt du at n x n nodes, t and u counting nodes from -pi. */
struct sk_bonded_map {
    int n;
    const double (*node)[4]; /* [n * n], index of the first dihedral first */
};

struct sk_bonded_block {
    int n;                                           /* terms, at most SK_BONDED_BLOCK */
    const double (*p)[SK_BONDED_BLOCK];              /* in: [parameter][term], as listed below */
    const struct sk_bonded_map *maps;                /* in: of sk_bonded_cmap */
    double d[SK_BONDED_VECTORS][3][SK_BONDED_BLOCK]; /* in: nm, in the interacting image */
    double energy[2][SK_BONDED_BLOCK];               /* out; the second one: Coulomb part of a pair, else unset */
    double g[SK_BONDED_VECTORS][3][SK_BONDED_BLOCK]; /* out: kJ/mol/nm */
};

/* Fills energy and g of the block's terms; what a term gets depends on its own data alone. A term that has no force
 * (FENE at r >= b, a pair at r = 0) gives NaN, which the roundings below report. Where a direction is undefined (a bond
 * of length 0, an angle that is exactly straight, a dihedral of three atoms in a line) the energy is that of the limit
 * and the force is zero. A pair within its core (0: it has none) has the force of the core's surface, and an energy
 * that goes with it. Local.                                                                           parameters */
typedef void sk_bonded_kernel(struct sk_bonded_block *block);
/* Two atoms, r = |d0| */
sk_bonded_kernel sk_bonded_bond_harmonic; /* 1/2 k (r - b)^2                                        b, k */
sk_bonded_kernel sk_bonded_bond_g96;      /* 1/4 k (r^2 - b^2)^2                                    b, k */
sk_bonded_kernel sk_bonded_bond_morse;    /* D (1 - exp(-beta (r - b)))^2                           b, D, beta */
sk_bonded_kernel sk_bonded_bond_fene;     /* -1/2 k b^2 ln(1 - r^2 / b^2)                           b, k */
sk_bonded_kernel sk_bonded_bond_fene_lj;  /* that + 4 e ((s/r)^12 - (s/r)^6) + e, r < 2^(1/6) s     b, k, e, s */
sk_bonded_kernel sk_bonded_pair;          /* c12 / r^12 - c6 / r^6  and  qq / r             c6, c12, qq, core^2 */
/* Three atoms, theta the angle at atom 1 */
sk_bonded_kernel sk_bonded_angle_harmonic;     /* 1/2 k (theta - theta0)^2                          theta0, k */
sk_bonded_kernel sk_bonded_angle_g96;          /* 1/2 k (cos theta - cos theta0)^2                  prepared: 2 */
sk_bonded_kernel sk_bonded_angle_urey_bradley; /* harmonic + 1/2 kub (r02 - b)^2                    theta0, k, b, kub */
/* Four atoms, phi the dihedral: 0 in cis, positive if d0 . (d1 x d2) > 0 */
sk_bonded_kernel sk_bonded_dihedral_periodic; /* k (1 + cos(n phi - phi0))                          prepared: 4 */
sk_bonded_kernel sk_bonded_dihedral_ryckaert; /* sum of c_n (-cos phi)^n, n = 0 .. 5                c0 .. c5 */
sk_bonded_kernel sk_bonded_improper_harmonic; /* 1/2 k x^2, x = phi - phi0 in [-pi, pi)             phi0, k */
/* Five atoms, phi of 0 1 2 3 and psi of 1 2 3 4 */
sk_bonded_kernel sk_bonded_cmap; /* bicubic interpolation in a map                                  index in maps */
/* One atom */
sk_bonded_kernel sk_bonded_position; /* 1/2 sum of k_a d_a^2                                        kx, ky, kz */

/* Parameters as force fields give them into what the kernels take. */
void sk_bonded_prepare_g96(double theta0, double k, double p[2]);
void sk_bonded_prepare_periodic(double phi0, double k, int n, double p[4]);
/* Nodes [n * n] of a map of energies [n * n] on the grid -pi + 2 pi i / n, n >= 2: derivatives of periodic cubic
 * splines through the energies along each dihedral, the mixed one of the spline through the first. */
void sk_bonded_prepare_map(int n, const double *energy, double (*node)[4]);

/* Rounds the block's g, times scale, into rounded[vector][axis][term]. Returns the first term that is not a number or
 * beyond SK_BONDED_LARGEST (it gets zeros), or -1. Local. */
int sk_bonded_round(const struct sk_bonded_block *block, int natoms, double scale,
                    int64_t rounded[][3][SK_BONDED_BLOCK]);
/* Adds to each atom's force what round gave; atom[place][term] are indices into f. Sums wrap. Local. */
void sk_bonded_scatter(int n, int natoms, int64_t rounded[][3][SK_BONDED_BLOCK], const int32_t (*atom)[SK_BONDED_BLOCK],
                       int64_t (*f)[3]);
/* Adds energies and the virial's diagonal of the block, each rounded once per term at the scale (1 per kJ/mol); `parts`
 * energies: 2 for a pair, else 1. Returns as round does. Local. */
int sk_bonded_sum(const struct sk_bonded_block *block, int natoms, int parts, double scale, int64_t energy[2],
                  int64_t virial[3]);

#endif
