/* Ewald table: F/r of the real-space part of a split Coulomb interaction as a function of r^2, whatever the splitting:
 * 4 pieces an octave of r^2, found from the bits of the float, a polynomial of degree 4 in each; 32 pieces, so that
 * coefficients fit into registers. The first stands for all distances that are too close for the others, which reach
 * from 1/16 to 1/13 of the cutoff up to the cutoff.
 * Owns nothing. Not here: the splitting functions (mesh/ewald.h), cutoff and masks (pair.h). */
#ifndef SK_KERNEL_EWALD_TABLE_H
#define SK_KERNEL_EWALD_TABLE_H

#include <stdint.h>

#define SK_EWALD_PIECES    32
#define SK_EWALD_TERMS     5
/* F/r of the first piece: times the least product of charges that matters (1e-12 e^2) it is out of range of the pair
 * kernels, times zero it is nothing. */
#define SK_EWALD_TOO_CLOSE 0x1p100f

struct sk_ewald_table {
    float coefficient[SK_EWALD_TERMS][SK_EWALD_PIECES]; /* of t^k; t: significand of r^2 less the middle of its piece */
    int32_t first;                                      /* number of the first piece: bits of its r^2 >> 21 */
    float least2;                                       /* where the first piece ends */
};

/* F/r of unit charges at squared distance r2, in the caller's units. */
typedef double sk_ewald_function(double r2, const void *context);
/* Makes the table for r^2 < cutoff2 (a normal float): in each piece the polynomial whose largest error, relative to
 * 1/r^3, is least (exchange algorithm of Remez on a fine grid). Same bits everywhere if `function` has. */
void sk_ewald_table_init(struct sk_ewald_table *table, double cutoff2, sk_ewald_function *function,
                         const void *context);
/* f[i] = F/r at r2[i], r2 < cutoff2, in float; n is a multiple of 16, arrays are 64-byte aligned. The pair kernels use
 * the function inside (ewald_table.inc.h). */
typedef void sk_ewald_table_kernel(const struct sk_ewald_table *table, const float *r2, float *f, int n);

#endif
