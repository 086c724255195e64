#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/rng.h"
#include "dynamics/coupling.h"
#include "dynamics/dynamics.h"

/* Exact sums over all atoms: kinetic energy (sum[0]) and momentum (sum[1..3]), in SK_ENERGY_SCALE. */
static void sum_motion(struct sk_dynamics *d, double sum[4])
{
    sk_int128 exact[4] = {0};
    for (int i = 0; i < d->atoms->n; i++) {
        double mass = d->top->kinds[d->atoms->kind[i]].mass;
        const double *v = d->atoms->v[i];
        for (int k = 0; k < 3; k++) {
            exact[0] += sk_round(0.5 * mass * v[k] * v[k] * SK_ENERGY_SCALE);
            exact[1 + k] += sk_round(mass * v[k] * SK_ENERGY_SCALE);
        }
    }
    sk_comm_sum_i128(d->comm, exact, 4);
    for (int s = 0; s < 4; s++)
        sum[s] = (double)exact[s] / SK_ENERGY_SCALE;
}

void sk_dynamics_stop_frozen(struct sk_dynamics *d)
{
    for (int i = 0; i < d->atoms->n; i++)
        for (int k = 0; k < 3; k++)
            if (d->inverse_mass[3 * i + k] == 0)
                d->atoms->v[i][k] = d->atoms->move[i][k] = 0;
}

void sk_dynamics_place_sites(struct sk_dynamics *d)
{
    sk_sites_rebuild(d->sites, d->top, d->atoms);
    sk_sites_place(d->sites, d->box, d->atoms);
    for (int s = 0; s < d->sites->n; s++)
        memset(d->atoms->v[d->sites->site[s].atom], 0, sizeof *d->atoms->v);
}

void sk_dynamics_maxwell(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    const struct sk_parameters *p = d->parameters;
    double kT = d->units.boltzmann * p->system.maxwell, sum[4], normal[4];
    for (int i = 0; i < a->n; i++) {
        double mass = d->top->kinds[a->kind[i]].mass, width = mass > 0 ? sqrt(kT / mass) : 0;
        sk_rng_normal4(p->run.seed, SK_RNG_MAXWELL, (uint64_t)a->id[i], 0, 0, normal);
        for (int k = 0; k < 3; k++)
            a->v[i][k] = width * normal[k];
    }
    sk_dynamics_stop_frozen(d);
    sk_rigid_rebuild(d->rigid, d->top, a);
    sk_dynamics_project(d, d->atoms->v[0], NULL, 0);
    if (p->run.remove_com_every > 0) {
        sum_motion(d, sum);
        for (int i = 0; i < a->n; i++)
            for (int k = 0; k < 3; k++)
                if (d->inverse_mass[3 * i + k] > 0)
                    a->v[i][k] -= sum[1 + k] / d->thermal.total_mass[k];
    }
    sum_motion(d, sum);
    double factor = sum[0] > 0 ? sqrt(0.5 * d->dof * kT / sum[0]) : 1;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < 3; k++)
            a->v[i][k] *= factor;
}

void sk_dynamics_accept(struct sk_dynamics *d)
{
    if (!d->is_on_step)
        return;
    sk_rigid_rebuild(d->rigid, d->top, d->atoms);
    sk_dynamics_project(d, d->atoms->v[0], NULL, 0);
}

void sk_dynamics_init(struct sk_dynamics *d)
{
    const struct sk_parameters *p = d->parameters;
    bool is_langevin = p->temperature.thermostat == SK_THERMOSTAT_LANGEVIN;
    sk_thermal_init(&d->thermal, d->groups, p);
    sk_thermal_count(&d->thermal, d->comm, d->atoms, p->run.remove_com_every > 0 && !is_langevin);
    sk_reduction_set_sums(d->comm, sk_observe_sums(d->thermal.n));
    d->dof = d->thermal.total_dof;
    for (int g = 0; is_langevin && g < d->thermal.n; g++)
        sk_langevin_factors(p->run.dt, d->thermal.tau[g], d->units.boltzmann * d->thermal.target[g], &d->langevin_a[g],
                            &d->langevin_b[g]);
    sk_dynamics_set_masses(d);
    sk_dynamics_stop_frozen(d);
    d->needs_rebuild = true;
    d->failed_atom = d->failed_water = -1;
    d->constraint_worst = d->velocity_worst = 0;
    d->is_on_step = p->run.velocity_time == SK_VELOCITY_ON_STEP;
    struct sk_timer *timer = d->phases.timer;
    sk_force_phases_init(&d->phases, timer);
    d->phase_rebuild = sk_timer_phase(timer, "rebuild");
    d->phase_reduce = sk_timer_phase(timer, "reduce");
    d->phase_constrain = sk_timer_phase(timer, "constrain");
    d->phase_update = sk_timer_phase(timer, "update");
}
