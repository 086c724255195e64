/* Mesh: charges to grid points and the grid's potential back to atoms, with B-splines of order 4 to 6 (Essmann et al.
 * 1995). Every weight is a float polynomial, every charge at a point is rounded once to an integer, so grids are sums
 * of integers; an atom's gradient depends on its own place and the potential alone. Owns nothing, allocates nothing.
 * Not here: which grid an atom belongs to (mesh/tiles.h), transforms (fft.h). */
#ifndef SK_KERNEL_MESH_H
#define SK_KERNEL_MESH_H

#include <stddef.h>
#include <stdint.h>

#define SK_SPLINE_ORDER 6 /* the largest; the smallest is 4 */
#define SK_MESH_CHUNK   16

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

/* Sixteen atoms; those from n on are left alone. 64-byte aligned, as arrays of them must be. */
struct sk_mesh_chunk {
    _Alignas(64) float t[3][SK_MESH_CHUNK]; /* place past the first grid point, in grid steps, [0, 1] */
    float q[SK_MESH_CHUNK];                 /* charge x grid scale */
    ptrdiff_t place[SK_MESH_CHUNK];         /* of the first grid point in the grid array */
    int n;
};
/* Rows of the grid lie along z, `row` elements apart along y and `plane` along x. A row is read and written four
 * points at a time, so an atom touches 4 points (order 4) or 8 (orders 5 and 6; those beyond the order get 0 added). */
struct sk_mesh_shape {
    ptrdiff_t row, plane;
};

/* Adds round(((q wz) wy) wx) to the grid's points. */
typedef void sk_spread_kernel(const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                              const struct sk_mesh_shape *shape, int32_t *grid);
/* value[c][l]: gradient of the potential along x, y, z (per grid step), then the potential, at atom l of chunk c. */
typedef void sk_gather_kernel(const struct sk_spline *spline, const struct sk_mesh_chunk *chunks, int nchunks,
                              const struct sk_mesh_shape *shape, const float *grid, float (*value)[SK_MESH_CHUNK][4]);

#endif
