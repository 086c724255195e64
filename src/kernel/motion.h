/* Motion: the flat loops of the integrators, over components of all atoms (x y z of atom 0, of atom 1, ...).
 * Double arithmetic without fma: the same bits in every variant. Allocates nothing, communicates nothing.
 * Not here: constraints, baths, order of the steps (dynamics). */
#ifndef SK_KERNEL_MOTION_H
#define SK_KERNEL_MOTION_H

#include "geom/fixed.h"

/* v[c] += f[c] * (scale * inverse_mass[c]) for c in [0, n). */
typedef void sk_kick_kernel(double *v, const int64_t *f, const double *inverse_mass, double scale, int n);
/* move[c] = v[c] * dt. */
typedef void sk_drift_kernel(double *move, const double *v, double dt, int n);
/* x[c] += round(move[c] * to_fraction[c % 3]), a wrap is counted in image[c]. Returns the largest |move * to_fraction|
 * (unit 2^-64 of an edge; NaN counts as infinite): beyond 2^62 the result means nothing. */
typedef double sk_move_kernel(sk_frac *x, int32_t *image, const double *move, const double to_fraction[3], int n);

#endif
