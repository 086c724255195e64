/* Reference: the reciprocal sum of smooth particle-mesh Ewald in double on one process, by the definitions: splines by
 * recursion, transforms as sums. The oracle of mesh/mesh.h, with which it shares the influence function alone.
 * Owns nothing. Time of order n^4 in the points along an edge. */
#ifndef SK_MESH_REFERENCE_H
#define SK_MESH_REFERENCE_H

#include "geom/fixed.h"
#include "mesh/plan.h"

struct sk_mesh_reference {
    double energy, virial[6]; /* -1/2 sum of r F: xx yy zz xy xz yz */
};

/* n charges (in e) at x in a lattice (rows a, b, c); adds their forces to force[n][3]. Local. */
struct sk_mesh_reference sk_mesh_reference(const struct sk_mesh_plan *plan, double coulomb, const double lattice[3][3],
                                           int n, const sk_frac (*x)[3], const double *charge, double (*force)[3]);

#endif
