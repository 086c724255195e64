/* Coupling: thermostat and barostat as pure functions of reduced quantities; every rank computes the same bits.
 * Owns nothing; uses base/math and base/rng only, no libm. Not here: when they act (step.c). */
#ifndef SK_DYNAMICS_COUPLING_H
#define SK_DYNAMICS_COUPLING_H

#include "base/rng.h"
#include "model/parameters.h"

/* Stochastic velocity rescaling (Bussi, Donadio, Parrinello 2007, eq. A7). kinetic: of the velocities that will be
 * scaled; target_kinetic = dof kT / 2; dof > 0 (the exact distribution for dof >= 1, whole or not); period: time since
 * the last coupling; tau > 0; group: groups of atoms that are coupled apart have noise of their own. Returns the
 * velocity factor >= 0 (1 where kinetic is 0). Local. */
double sk_v_rescale_factor(double kinetic, double target_kinetic, double dof, double period, double tau, uint64_t seed,
                           int64_t step, int group);
/* Langevin (LFMiddle, Zhang et al. 2019): v' = a v + b xi / sqrt(m); a = exp(-dt/tau), b = sqrt(kT (1 - a^2)). tau > 0.
 * Local. */
void sk_langevin_factors(double dt, double tau, double kT, double *a, double *b);
/* Edge factors mu[3] for this coupling step: edges and positions are to be multiplied by mu, and for C-rescale the
 * velocities by 1 / mu. pressure[3]: diagonal with the instantaneous kinetic energy, internal units (energy / volume);
 * target and compressibility are taken from the parameters in the run's units (bar, 1/bar). tau > 0. Local.
 * Berendsen: mu = 1 - rate (target - P) / 3, rate = compressibility period / tau (first order; the caller refuses a
 * mu far from 1, which only a start far from equilibrium gives).
 * C-rescale (Bernetti, Bussi 2020) in eps = log V, Ito: d eps = -rate (target - P) + sqrt(2 kT rate / V) xi. (A
 * drift kT/V belongs to the equation for V, dV = -rate V (target - P - kT/V) + sqrt(2 kT rate V) xi; Ito's formula
 * takes it away in log V.) mu = exp(d eps / 3). Semi-isotropic: log(area xy) and log(edge z) each with the mobility of
 * its axes, 2/3 and 1/3 of the whole; anisotropic: each axis alone. Noise from (seed, step). */
void sk_barostat_factors(const struct sk_parameters *parameters, const double pressure[3], double volume, double kT,
                         double period, int64_t step, double mu[3]);

#endif
