#include "dynamics/coupling.h"

#include "base/math.h"
#include "base/status.h"

double sk_v_rescale_factor(double kinetic, double target_kinetic, double dof, double period, double tau, uint64_t seed,
                           int64_t step, int group)
{
    SK_REQUIRE(tau > 0.0 && period >= 0.0 && dof > 0.0 && target_kinetic >= 0.0);
    if (!(kinetic > 0.0))
        return 1.0; /* no direction to scale */
    double c = sk_exp(-period / tau);
    double share = (1.0 - c) * target_kinetic / (dof * kinetic);
    struct sk_rng rng = {seed, SK_RNG_V_RESCALE, (uint64_t)group, (uint64_t)step, 0};
    /* A7 as a square plus a sum of squares, so that rounding cannot make it negative. The sum of dof - 1 squared
     * normals is 2 gamma((dof - 1) / 2), which needs no whole dof; at one degree of freedom it is empty. */
    double along = __builtin_sqrt(c) + __builtin_sqrt(share) * sk_rng_normal(&rng);
    double across = dof > 1.0 ? 2.0 * sk_rng_gamma(&rng, 0.5 * (dof - 1.0)) : 0.0;
    /* A8 gives the root the sign of `along`: reversing all velocities changes no distribution, so it is left out. */
    return __builtin_sqrt(along * along + share * across);
}

void sk_langevin_factors(double dt, double tau, double kT, double *a, double *b)
{
    SK_REQUIRE(tau > 0.0 && dt >= 0.0 && kT >= 0.0);
    *a = sk_exp(-dt / tau);
    *b = __builtin_sqrt(kT * ((1.0 - *a) * (1.0 + *a))); /* of the rounded a: a^2 kT + b^2 = kT */
}

/* The axes as groups that share a pressure and a strain: group[axis]; returns the number of groups. */
static int coupling_groups(enum sk_coupling coupling, int group[3])
{
    for (int i = 0; i < 3; i++)
        group[i] = coupling == SK_COUPLING_ISOTROPIC ? 0 : coupling == SK_COUPLING_SEMI_ISOTROPIC ? i / 2 : i;
    return group[2] + 1;
}

void sk_barostat_factors(const struct sk_parameters *parameters, const double pressure[3], double volume, double kT,
                         double period, int64_t step, double mu[3])
{
    mu[0] = mu[1] = mu[2] = 1.0;
    if (parameters->pressure.barostat == SK_BAROSTAT_NONE)
        return;
    SK_REQUIRE(parameters->pressure.tau > 0.0 && period >= 0.0 && volume > 0.0 && kT >= 0.0);
    double unit = sk_units_of(parameters->units).pressure;
    double target = parameters->pressure.target / unit;
    double rate = parameters->pressure.compressibility * unit * period / parameters->pressure.tau;
    SK_REQUIRE(rate >= 0.0);

    int group[3], groups = coupling_groups(parameters->pressure.coupling, group);
    double normal[4];
    sk_rng_normal4(parameters->run.seed, SK_RNG_C_RESCALE, 0, (uint64_t)step, 0, normal);
    for (int g = 0; g < groups; g++) {
        double sum = 0.0, axes = 0.0;
        for (int i = 0; i < 3; i++)
            if (group[i] == g) {
                sum += pressure[i];
                axes += 1.0;
            }
        double drift = -rate * (target - sum / axes) / 3.0;
        /* The group's part of log V has mobility D = (axes / 3) kT rate / V, hence noise sqrt(2 D) in it and
         * 1 / axes of that for each edge. */
        double noise = __builtin_sqrt(2.0 * kT * rate / (3.0 * axes * volume)) * normal[g];
        double factor = parameters->pressure.barostat == SK_BAROSTAT_BERENDSEN ? 1.0 + drift : sk_exp(drift + noise);
        for (int i = 0; i < 3; i++)
            if (group[i] == g)
                mu[i] = factor;
    }
}
