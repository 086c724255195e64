/* Fixed: the number formats of coordinates and forces (see docs/numerics.md).
 * A position is, per axis, a 64-bit fraction of the box edge that wraps, and an image count.
 * The pair kernel sees a derived 32-bit integer on a global grid of quantum 2^-k length units.
 * Not here: the box itself (box.h), unit constants (units.h). */
#ifndef SK_GEOM_FIXED_H
#define SK_GEOM_FIXED_H

#include <stdint.h>

#include "base/int128.h"

typedef int64_t sk_gid;   /* global atom id, 0-based inside, 1-based in files and hashes */
typedef uint64_t sk_frac; /* fraction of a box edge, unit 2^-64 */
typedef int64_t sk_fixed; /* fixed-point sum: force, energy, virial (scale known by context) */

/* Energy, kinetic energy and tensor terms: units of 2^-32 kJ/mol (or epsilon). */
#define SK_ENERGY_SCALE 4294967296.0

/* Place of fraction x on the kernel grid of n quanta an edge, rounded to nearest; in [0, n]. */
static inline int64_t sk_frac_to_grid(sk_frac x, uint64_t n)
{
    return (int64_t)(((sk_uint128)x * n + ((sk_uint128)1 << 63)) >> 64);
}

/* Cell index in [0, n) of fraction x. */
static inline int32_t sk_frac_to_cell(sk_frac x, int32_t n)
{
    return (int32_t)(((sk_uint128)x * (uint32_t)n) >> 64);
}

/* Nearest signed difference of two fractions, in fractions of the edge, in [-0.5, 0.5). */
static inline double sk_frac_difference(sk_frac a, sk_frac b)
{
    return (double)(int64_t)(a - b) * 0x1p-64;
}

#endif
