/* Mesh: charges to grid points and the grid's potential back to atoms, with B-splines of order 4 to 6 (Essmann et al.
 * 1995). Every weight is a float polynomial, every charge at a point is rounded once to an integer, so grids are sums
 * of integers; an atom's force depends on its own place and the potential alone and is rounded once. Owns nothing,
 * allocates nothing. Not here: which grid an atom belongs to (mesh/tiles.h), transforms (fft.h). */
#ifndef SK_KERNEL_MESH_H
#define SK_KERNEL_MESH_H

#include <stddef.h>
#include <stdint.h>

#define SK_SPLINE_ORDER 6 /* the largest; the smallest is 4 */

/* Weight j of an atom at t in [0, 1] past a grid point is the sum over k of value[j][k] t^k, that is M_p(t + p - 1 - j)
 * of the cardinal B-spline M_p; slope is its derivative. Rows from `order` on are zero. */
struct sk_spline {
    int order;
    float value[SK_SPLINE_ORDER][SK_SPLINE_ORDER];
    float slope[SK_SPLINE_ORDER][SK_SPLINE_ORDER - 1];
};
void sk_spline_init(struct sk_spline *spline, int order);
/* M_order(k) for k in [0, order): the values at the knots, for the moduli of the transform. */
void sk_spline_knots(int order, double *value);

struct sk_mesh_atom {
    float t[3];      /* place past the first grid point, in grid steps, [0, 1] */
    float q;         /* charge x grid scale */
    ptrdiff_t place; /* of the first grid point in the grid array */
};
/* Rows of the grid lie along z, `row` elements apart along y and `plane` along x. A row is read and written four
 * points at a time, so an atom touches 4 points (order 4) or 8 (orders 5 and 6; those beyond the order get 0 added). */
struct sk_mesh_shape {
    ptrdiff_t row, plane;
};

/* Adds round(((q wz) wy) wx) to the grid's points. */
typedef void sk_spread_kernel(const struct sk_spline *spline, const struct sk_mesh_atom *atoms, int n,
                              const struct sk_mesh_shape *shape, int32_t *grid);
/* Adds round(charge[i] (g_0 to_force[0] + g_1 to_force[1] + g_2 to_force[2])) to force[i], all three components, with g
 * the gradient of the potential by grid steps along x, y and z, made in float. */
typedef void sk_gather_kernel(const struct sk_spline *spline, const struct sk_mesh_atom *atoms, int n,
                              const struct sk_mesh_shape *shape, const float *grid, const double to_force[3][3],
                              const double *charge, int64_t (*force)[3]);

#endif
