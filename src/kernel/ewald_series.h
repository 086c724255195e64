/* Ewald series: the real-space part of a split Coulomb interaction in double, for loops over many pairs (base/math's
 * erfc is right to the last bit and a thousand times slower). With x = (beta r)^2,
 *   erfc(beta r) / r = 1/r - beta h(x),  h(x) = erf(sqrt x) / sqrt x = 2/sqrt(pi) times the integral of exp(-x t^2),
 * t from 0 to 1, and h is its Taylor series about the middle of the range: a loop without branches. The terms of h, and
 * those of h', have one sign at x = 0, where the sum is largest, so nothing cancels.
 * Owns nothing. Not here: the float table (ewald_table.h), cutoff and masks (pair.h). */
#ifndef SK_KERNEL_EWALD_SERIES_H
#define SK_KERNEL_EWALD_SERIES_H

#define SK_EWALD_SERIES 96 /* terms at most: enough for beta cutoff <= 7, erfc 4e-23 */

struct sk_ewald_series {
    double beta, scale; /* s = scale r^2 - 1, in [-1, 1] up to the cutoff */
    int terms;
    /* beta h = sum of energy[k] s^k; -2 beta d h / d (r^2) = sum of force[k] s^k */
    double energy[SK_EWALD_SERIES], force[SK_EWALD_SERIES];
};

/* The part of 1/r that is the mesh's, of n pairs with vectors d[axis][pair] and products of charges qq (with the
 * constant): energy[SK_EWALD_LANES], qq beta h, and force[SK_EWALD_LANES] over distance; energy NULL: not wanted.
 * Returns how many pairs are beyond the range of the series: theirs mean nothing. Same bits in all variants. */
#define SK_EWALD_LANES 32
typedef int sk_ewald_part_kernel(const struct sk_ewald_series *series, int n, const double (*d)[SK_EWALD_LANES],
                                 const double *qq, double *energy, double *force);

/* For r^2 <= cutoff2, 0 < beta sqrt(cutoff2) <= 7: errors below 1e-15 beta and 1e-15 beta^3. */
void sk_ewald_series_init(struct sk_ewald_series *series, double beta, double cutoff2);

#endif
