/* Box: the periodic cell, spanned by a = (ax, 0, 0), b = (bx, by, 0), c = (cx, cy, cz). Lengths are double and never
 * snapped to anything. A change of the box leaves fractions alone: a place is s0 a + s1 b + s2 c.
 * Not here: cells of the domain. */
#ifndef SK_GEOM_BOX_H
#define SK_GEOM_BOX_H

#include <math.h>
#include <stdbool.h>

#include "geom/fixed.h"

struct sk_box {
    double edge[3]; /* ax, by, cz; length units of the run: nm, or sigma in reduced units */
    double tilt[3]; /* bx, cx, cy; zero in a rectangular box */
};

static inline bool sk_box_is_rectangular(const struct sk_box *box)
{
    return box->tilt[0] == 0 && box->tilt[1] == 0 && box->tilt[2] == 0;
}

static inline double sk_box_volume(const struct sk_box *box)
{
    return box->edge[0] * box->edge[1] * box->edge[2];
}

/* Vectors a, b, c in the rows. */
static inline void sk_box_lattice(const struct sk_box *box, double lattice[3][3])
{
    lattice[0][0] = box->edge[0];
    lattice[0][1] = lattice[0][2] = lattice[1][2] = 0;
    lattice[1][0] = box->tilt[0];
    lattice[1][1] = box->edge[1];
    lattice[2][0] = box->tilt[1];
    lattice[2][1] = box->tilt[2];
    lattice[2][2] = box->edge[2];
}

/* The vector s0 a + s1 b + s2 c. */
static inline void sk_box_vector(const struct sk_box *box, const double s[3], double vector[3])
{
    vector[0] = s[0] * box->edge[0] + (s[1] * box->tilt[0] + s[2] * box->tilt[1]);
    vector[1] = s[1] * box->edge[1] + s[2] * box->tilt[2];
    vector[2] = s[2] * box->edge[2];
}

/* A vector as lengths along the diagonal: component k over edge[k] is the fraction; itself in a rectangular box. */
static inline void sk_box_skew(const struct sk_box *box, const double vector[3], double skewed[3])
{
    skewed[2] = vector[2];
    skewed[1] = vector[1] - vector[2] * (box->tilt[2] / box->edge[2]);
    skewed[0] = vector[0] - (skewed[1] * (box->tilt[0] / box->edge[1]) + vector[2] * (box->tilt[1] / box->edge[2]));
}

/* The inverse of sk_box_vector. */
static inline void sk_box_fractions(const struct sk_box *box, const double vector[3], double s[3])
{
    sk_box_skew(box, vector, s);
    for (int k = 0; k < 3; k++)
        s[k] /= box->edge[k];
}

/* From `from` to `to`, the image whose fractions differ least: the nearest one if that is closer than half the smallest
 * width. */
static inline void sk_box_difference(const struct sk_box *box, const sk_frac to[3], const sk_frac from[3],
                                     double vector[3])
{
    const double s[3] = {sk_frac_difference(to[0], from[0]), sk_frac_difference(to[1], from[1]),
                         sk_frac_difference(to[2], from[2])};
    sk_box_vector(box, s, vector);
}

/* Distances between opposite faces: those that a, b, c cross. */
static inline void sk_box_widths(const struct sk_box *box, double width[3])
{
    const double *e = box->edge, *t = box->tilt, xz = t[0] * t[2] - t[1] * e[1];
    width[0] = e[0];
    width[1] = e[1];
    width[2] = e[2];
    if (sk_box_is_rectangular(box))
        return;
    /* volume over the area that the other two vectors span */
    width[0] *= e[1] * e[2] / sqrt((e[1] * e[2]) * (e[1] * e[2]) + (t[0] * e[2]) * (t[0] * e[2]) + xz * xz);
    width[1] *= e[2] / sqrt(e[2] * e[2] + t[2] * t[2]);
}

/* Cosines of the angles between the normals of faces; 1 on the diagonal. */
static inline void sk_box_cosines(const struct sk_box *box, double cosine[3][3])
{
    const double *e = box->edge, *t = box->tilt;
    /* normals: gradients of the fractions */
    const double normal[3][3] = {{1 / e[0], -t[0] / (e[0] * e[1]), (t[0] * t[2] / e[1] - t[1]) / (e[0] * e[2])},
                                 {0, 1 / e[1], -t[2] / (e[1] * e[2])},
                                 {0, 0, 1 / e[2]}};
    double dot[3][3];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            dot[i][j] = normal[i][0] * normal[j][0] + normal[i][1] * normal[j][1] + normal[i][2] * normal[j][2];
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            cosine[i][j] = i == j ? 1 : dot[i][j] / sqrt(dot[i][i] * dot[j][j]);
}

/* The same lattice with tilts of at most half an edge: b less whole a, c less whole b and a. Returns whether it was
 * another. */
static inline bool sk_box_reduce(struct sk_box *box)
{
    const struct sk_box before = *box;
    double turns = rint(box->tilt[2] / box->edge[1]);
    box->tilt[2] -= turns * box->edge[1];
    box->tilt[1] -= turns * box->tilt[0];
    box->tilt[1] -= rint(box->tilt[1] / box->edge[0]) * box->edge[0];
    box->tilt[0] -= rint(box->tilt[0] / box->edge[0]) * box->edge[0];
    return before.tilt[0] != box->tilt[0] || before.tilt[1] != box->tilt[1] || before.tilt[2] != box->tilt[2];
}

/* Vectors scaled by diagonal factors: places x, y, z change by mu[0], mu[1], mu[2]. */
static inline void sk_box_scale(struct sk_box *box, const double mu[3])
{
    for (int k = 0; k < 3; k++)
        box->edge[k] *= mu[k];
    box->tilt[0] *= mu[0];
    box->tilt[1] *= mu[0];
    box->tilt[2] *= mu[1];
}

/* Vectors repeated: the box of n[0] x n[1] x n[2] copies. */
static inline struct sk_box sk_box_replicate(const struct sk_box *box, const int n[3])
{
    return (struct sk_box){{box->edge[0] * n[0], box->edge[1] * n[1], box->edge[2] * n[2]},
                           {box->tilt[0] * n[1], box->tilt[1] * n[2], box->tilt[2] * n[2]}};
}

/* The box of the kernels: vectors in whole quanta. */
struct sk_box_grid {
    uint64_t edge[3];
    int64_t tilt[3];
};

static inline struct sk_box_grid sk_box_grid_of(const struct sk_box *box, double quantum)
{
    struct sk_box_grid grid;
    for (int k = 0; k < 3; k++) {
        grid.edge[k] = (uint64_t)rint(box->edge[k] / quantum);
        grid.tilt[k] = (int64_t)rint(box->tilt[k] / quantum);
    }
    return grid;
}

/* n0 a + n1 b + n2 c. */
static inline void sk_box_grid_vector(const struct sk_box_grid *grid, const int32_t n[3], int64_t vector[3])
{
    vector[0] = n[0] * (int64_t)grid->edge[0] + n[1] * grid->tilt[0] + n[2] * grid->tilt[1];
    vector[1] = n[1] * (int64_t)grid->edge[1] + n[2] * grid->tilt[2];
    vector[2] = n[2] * (int64_t)grid->edge[2];
}

/* The place of fractions x and whole boxes n, each component summed in 128 bits and rounded once to nearest. */
static inline void sk_box_grid_place(const struct sk_box_grid *grid, const sk_frac x[3], const int32_t n[3],
                                     int64_t place[3])
{
    const sk_int128 half = (sk_int128)1 << 63, y = (sk_int128)x[1], z = (sk_int128)x[2];
    sk_box_grid_vector(grid, n, place);
    place[0] +=
        (int64_t)(((sk_int128)((sk_uint128)x[0] * grid->edge[0]) + y * grid->tilt[0] + z * grid->tilt[1] + half) >> 64);
    place[1] += (int64_t)(((sk_int128)((sk_uint128)x[1] * grid->edge[1]) + z * grid->tilt[2] + half) >> 64);
    place[2] += (int64_t)(((sk_int128)((sk_uint128)x[2] * grid->edge[2]) + half) >> 64);
}

#endif
