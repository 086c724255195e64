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

/* Its inverse. */
static inline void sk_box_fractions(const struct sk_box *box, const double vector[3], double s[3])
{
    s[2] = vector[2] / box->edge[2];
    s[1] = (vector[1] - s[2] * box->tilt[2]) / box->edge[1];
    s[0] = (vector[0] - (s[1] * box->tilt[0] + s[2] * box->tilt[1])) / box->edge[0];
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
    /* volume over the area that the other two vectors span */
    width[0] = e[0] * e[1] * e[2] / sqrt((e[1] * e[2]) * (e[1] * e[2]) + (t[0] * e[2]) * (t[0] * e[2]) + xz * xz);
    width[1] = e[1] * e[2] / sqrt(e[2] * e[2] + t[2] * t[2]);
    width[2] = e[2];
}

#endif
