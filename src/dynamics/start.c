#include <math.h>

#include "base/math.h"
#include "base/rng.h"
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

static void project_waters(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    for (int w = 0; w < d->rigid->nwaters; w++) {
        const int *atom = d->rigid->waters[w].atom;
        double bond[2][3], v[3][3], mu[3], virial[3][3] = {{0}};
        for (int k = 0; k < 3; k++)
            for (int leg = 0; leg < 2; leg++)
                bond[leg][k] = sk_frac_difference(a->x[atom[leg + 1]][k], a->x[atom[0]][k]) * d->box->edge[k];
        for (int m = 0; m < 3; m++)
            for (int k = 0; k < 3; k++)
                v[m][k] = a->v[atom[m]][k];
        sk_water_velocities(&d->rigid->kinds[d->rigid->waters[w].kind], (const double(*)[3])bond, v, mu, virial);
        for (int m = 0; m < 3; m++)
            for (int k = 0; k < 3; k++)
                a->v[atom[m]][k] = v[m][k];
    }
}

void sk_dynamics_maxwell(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    const struct sk_parameters *p = d->parameters;
    double kT = d->units.boltzmann * p->system.maxwell, sum[4], normal[4];
    for (int i = 0; i < a->n; i++) {
        double width = sqrt(kT / d->top->kinds[a->kind[i]].mass);
        sk_rng_normal4(p->run.seed, SK_RNG_MAXWELL, (uint64_t)a->id[i], 0, 0, normal);
        for (int k = 0; k < 3; k++)
            a->v[i][k] = width * normal[k];
    }
    sk_rigid_rebuild(d->rigid, d->top, a);
    project_waters(d);
    if (p->run.remove_com_every > 0) {
        sum_motion(d, sum);
        for (int i = 0; i < a->n; i++)
            for (int k = 0; k < 3; k++)
                a->v[i][k] -= sum[1 + k] / d->total_mass;
    }
    sum_motion(d, sum);
    double factor = sum[0] > 0 ? sqrt(0.5 * d->dof * kT / sum[0]) : 1;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < 3; k++)
            a->v[i][k] *= factor;
}
