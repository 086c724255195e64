/* Plan: size of the grid, order of the splines and splitting parameter of particle-mesh Ewald, chosen as GROMACS does.
 * Owns nothing. Not here: who has which part of the grid (mesh/layout.h). */
#ifndef SK_MESH_PLAN_H
#define SK_MESH_PLAN_H

#include "base/status.h"

#define SK_MESH_LARGEST 4096 /* grid points along an edge */

struct sk_mesh_plan {
    int n[3];    /* grid points along each edge */
    int order;   /* of the splines: 4 to 6 */
    double beta; /* splitting parameter, 1 / length */
};

/* The least number of points >= `least` that gmx 2022 takes: up to 44 one of a list, then multiples of 4 of the form
 * b 2^k with b one of 48 50 52 54 56 60 64 70 72 75 80 81 84 (but not 140). All have factors up to 13 only. Local. */
int sk_mesh_length(int least);
/* Grid from the lengths of the box edges (`edge`: the vectors a, b, c) and the largest spacing; at least 2 (order - 1)
 * points along each. SK_EINPUT: order, spacing, cutoff or tolerance out of range, or more than
 * SK_MESH_LARGEST points. Local. */
enum sk_code sk_mesh_plan_choose(struct sk_mesh_plan *plan, const double edge[3][3], double spacing, int order,
                                 double cutoff, double rtol, struct sk_error *err);
/* The lengths alone, for a plan that has its order. Local. */
enum sk_code sk_mesh_plan_lengths(struct sk_mesh_plan *plan, const double edge[3][3], double spacing,
                                  struct sk_error *err);
/* Whether the mesh can work with a plan that the user gave: lengths that the transforms know, order, beta. Local. */
enum sk_code sk_mesh_plan_check(const struct sk_mesh_plan *plan, struct sk_error *err);

#endif
