/* Accuracy: estimates of the rms force errors of an Ewald sum, for charges that lie at random: of cutting the direct
 * part (Kolafa and Perram 1992), and of the mesh (the mean over all pairs of places, after Hockney and Eastwood, for
 * smooth particle-mesh Ewald with forces from the derivative of the splines); and a plan that keeps both under a bound.
 * Owns nothing. */
#ifndef SK_MESH_ACCURACY_H
#define SK_MESH_ACCURACY_H

#include "mesh/plan.h"

/* What errors depend on besides the plan. */
struct sk_mesh_charges {
    double coulomb; /* energy x length / charge^2 */
    double sum_q2;  /* over all atoms */
    double natoms;
    double volume;
};

/* Rms of the error vector over atoms, energy / length. Local, all. */
double sk_mesh_direct_error(const struct sk_mesh_charges *charges, double cutoff, double beta);
/* spacing: of the mesh, the same along all axes. */
double sk_mesh_recip_error(const struct sk_mesh_charges *charges, double spacing, int order, double beta);
/* The smallest beta and the coarsest mesh for which both errors are estimated to be at most bound / sqrt(2).
 * SK_EINPUT: bound out of reach. */
enum sk_code sk_mesh_plan_for_error(struct sk_mesh_plan *plan, const double edge[3][3],
                                    const struct sk_mesh_charges *charges, double cutoff, int order, double bound,
                                    struct sk_error *err);

#endif
