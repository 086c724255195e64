/* Nonbonded: from a force field and run parameters to what the pair kernels want: scaled factors, tables, shifts,
 * the force scale, and the analytic dispersion correction. Pure functions of the model; owns its tables.
 * Not here: evaluating forces (force.h). */
#ifndef SK_FORCE_NONBONDED_H
#define SK_FORCE_NONBONDED_H

#include "kernel/pair.h"
#include "model/forcefield.h"
#include "model/parameters.h"
#include "neigh/clusters.h"

struct sk_nonbonded {
    struct sk_pair_parameters pair;
    struct sk_lane *lanes;           /* [nkinds] */
    float *table;                    /* owned by this; pair.table borrows it */
    double *lj_shift, *core2;        /* the same; core2 for minimizers */
    double cutoff;                   /* the larger of the two */
    double dispersion_c6;            /* mean c6 over pairs that are not excluded */
    double dispersion_energy_volume; /* dispersion energy = this / volume + dispersion_energy_const */
    double dispersion_energy_const;
    double dispersion_pressure_volume2; /* pressure = this / volume^2 (energy / length^3) */
    double charge2, charge;             /* sums over atoms of q^2 and q */
    double ewald_beta;                  /* splitting parameter of the Ewald sum, 1 / length; 0: none */
    double ewald_self;                  /* its self energy */
    double background_volume; /* energy of the background of a net charge = this / volume; so is its pressure x V */
    struct sk_ewald_table *ewald_table; /* owned by this, as is the series; pair borrows them */
    struct sk_ewald_series *ewald_series;
};

/* Squared radius of the core of a pair, for minimizers: where the repulsion c12 (without it the attraction c6) has a
 * force of 2^31 integer units, or further out, so that the energy of two atoms on one point stays below 2^18; 0 without
 * both. Equal forces of all overlapping pairs part them side by side, where true ones, of many orders of magnitude,
 * would part them one after the other. Charges alone have a radius (pair.core_charge2) closer than any two atoms of a
 * sound structure, at which bonds and Lennard-Jones walls outweigh them: else a hydrogen without a wall that starts in
 * another atom's would never leave it. */
double sk_core2(double c6, double c12, double force_scale);
/* kind_count[nkinds]: atoms of each kind in the whole system. force_scale: 0 to choose it from the force field.
 * ewald_beta: of coulomb = pme. */
void sk_nonbonded_init(struct sk_nonbonded *nonbonded, const struct sk_parameters *parameters,
                       const struct sk_forcefield *ff, const struct sk_topology *top, const struct sk_units *units,
                       const int64_t *kind_count, double force_scale, double ewald_beta);
void sk_nonbonded_clear(struct sk_nonbonded *nonbonded);

#endif
