#include <math.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "base/rng.h"
#include "dynamics/dynamics.h"

#define LARGEST_MOVE 0.25 /* box edges in one step: beyond, the run has failed */

/* Virtual sites have no mass, and are not moved by forces. */
static double inverse_of(double mass)
{
    return mass > 0 ? 1 / mass : 0;
}

void sk_dynamics_set_masses(struct sk_dynamics *d)
{
    size_t n = 3 * (size_t)d->atoms->n + 3;
    sk_reserve(&d->inverse_mass, &d->inverse_mass_capacity, n);
    sk_thermal_assign(&d->thermal, d->atoms);
    for (int i = 0; i < d->atoms->n; i++) {
        bool moves[3];
        sk_thermal_moves(&d->thermal, d->atoms, i, moves);
        for (int k = 0; k < 3; k++)
            d->inverse_mass[3 * i + k] = moves[k] ? inverse_of(d->top->kinds[d->atoms->kind[i]].mass) : 0;
    }
}

/* Along each axis, and of each temperature group. */
static void sum_kinetic(const struct sk_dynamics *d, sk_int128 sum[3], sk_int128 by_group[SK_GROUPS_MAX])
{
    int64_t part[3] = {0}, group[SK_GROUPS_MAX] = {0};
    for (int i = 0; i < d->atoms->n; i++) {
        double half_mass = 0.5 * d->top->kinds[d->atoms->kind[i]].mass;
        for (int k = 0; k < 3; k++) {
            int64_t mine = sk_round(half_mass * d->atoms->v[i][k] * d->atoms->v[i][k] * SK_ENERGY_SCALE);
            part[k] += mine;
            group[d->thermal.group[i]] += mine;
        }
    }
    for (int k = 0; k < 3; k++)
        sum[k] = part[k];
    for (int g = 0; g < d->thermal.n; g++)
        by_group[g] = group[g];
}

static void sum_momentum(const struct sk_dynamics *d, sk_int128 sum[3], sk_int128 by_group[SK_GROUPS_MAX][3])
{
    int64_t group[SK_GROUPS_MAX][3] = {{0}};
    for (int i = 0; i < d->atoms->n; i++) {
        double mass = d->top->kinds[d->atoms->kind[i]].mass;
        for (int k = 0; k < 3; k++)
            group[d->thermal.group[i]][k] += sk_round(mass * d->atoms->v[i][k] * SK_ENERGY_SCALE);
    }
    for (int k = 0; k < 3; k++) {
        sum[k] = 0;
        for (int g = 0; g < d->thermal.n; g++)
            sum[k] += by_group[g][k] = group[g][k];
    }
}

/* Kinetic energy in the observables' bath, with a sign. */
static void add_heat(struct sk_dynamics *d, double sign)
{
    for (int i = 0; i < d->atoms->n; i++) {
        double half_mass = sign * 0.5 * d->top->kinds[d->atoms->kind[i]].mass;
        for (int k = 0; k < 3; k++)
            d->observables.bath += sk_round(half_mass * d->atoms->v[i][k] * d->atoms->v[i][k] * SK_ENERGY_SCALE);
    }
}

/* The Langevin bath acts in the middle of the drift (LFMiddle). Fills move; the heat goes to the observables.
 * Velocities enter and leave without components along rigid bonds: the noise has some, which are no heat. */
static void drift_in_bath(struct sk_dynamics *d, double dt)
{
    double noise[4], half = 0.5 * dt, *v = d->atoms->v[0], *move = d->atoms->move[0];
    int n = 3 * d->atoms->n;
    add_heat(d, -1);
    for (int c = 0; c < n; c++)
        move[c] = half * v[c];
    for (int i = 0; i < d->atoms->n; i++) {
        int group = d->thermal.group[i];
        sk_rng_normal4(d->parameters->run.seed, SK_RNG_LANGEVIN, (uint64_t)d->atoms->id[i], (uint64_t)d->step, 0,
                       noise);
        for (int k = 0; k < 3; k++)
            if (d->inverse_mass[3 * i + k] > 0) {
                double width = d->langevin_b[group] * sqrt(d->inverse_mass[3 * i + k]);
                v[3 * i + k] = d->langevin_a[group] * v[3 * i + k] + width * noise[k];
            }
    }
    sk_dynamics_project(d, d->atoms->v[0], NULL, 0);
    add_heat(d, 1);
    for (int c = 0; c < n; c++)
        move[c] += half * v[c];
}

/* The first atom that moves too far (or by NaN), or -1. */
static int64_t find_runaway(const struct sk_dynamics *d, const double *move)
{
    for (int i = 0; i < d->atoms->n; i++)
        for (int k = 0; k < 3; k++)
            if (!(fabs(move[3 * i + k]) < LARGEST_MOVE * d->box->edge[k]))
                return i;
    return -1;
}

/* The moves as lengths along the diagonal of the box. */
static const double *skew_moves(struct sk_dynamics *d)
{
    const struct sk_atoms *a = d->atoms;
    if (sk_box_is_rectangular(d->box))
        return a->move[0];
    sk_reserve(&d->skewed, &d->skewed_capacity, 3 * (size_t)a->n + 3);
    for (int i = 0; i < a->n; i++)
        sk_box_skew(d->box, a->move[i], d->skewed + 3 * i);
    return d->skewed;
}

void sk_dynamics_displace(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    double to_fraction[3];
    for (int k = 0; k < 3; k++)
        to_fraction[k] = 0x1p64 / d->box->edge[k];
    const double *move = skew_moves(d);
    if (d->force->variant->move(a->x[0], a->image[0], move, to_fraction, 3 * a->n) >= LARGEST_MOVE * 0x1p64)
        d->failed_atom = find_runaway(d, move);
    sk_dynamics_note_solution(d);
}

void sk_dynamics_move(struct sk_dynamics *d)
{
    struct sk_atoms *a = d->atoms;
    struct sk_observables *o = &d->observables;
    const struct sk_kernel_variant *kernel = d->force->variant;
    const struct sk_parameters *p = d->parameters;
    double dt = p->run.dt, kick_time = p->run.integrator == SK_VELOCITY_VERLET ? 0.5 * dt : dt;
    bool has_kinetic = o->has_energy || o->is_coupled || o->has_momentum;
    int n = 3 * a->n;
    o->bath = 0;
    memset(o->constraint_virial, 0, sizeof o->constraint_virial);
    if (has_kinetic)
        sum_kinetic(d, o->kinetic_before, o->group_before);
    kernel->kick(a->v[0], d->force->total[0], d->inverse_mass, kick_time / d->force->nonbonded.pair.force_scale, n);
    if (p->temperature.thermostat == SK_THERMOSTAT_LANGEVIN) {
        sk_dynamics_project(d, a->v[0], o->constraint_virial, 1 / kick_time);
        drift_in_bath(d, dt);
    } else
        kernel->drift(a->move[0], a->v[0], dt, n);
    sk_dynamics_constrain(d, a->v[0], dt, 1 / (dt * kick_time));
    sk_dynamics_displace(d);
    if (has_kinetic)
        sum_kinetic(d, o->kinetic_after, o->group_after);
    if (o->has_momentum)
        sum_momentum(d, o->momentum, o->group_momentum);
}

static void apply_box(struct sk_dynamics *d)
{
    sk_box_scale(d->box, d->pending_box);
    if (d->parameters->pressure.barostat == SK_BAROSTAT_C_RESCALE) {
        for (int i = 0; i < d->atoms->n; i++)
            for (int k = 0; k < 3; k++)
                d->atoms->v[i][k] /= d->pending_box[k];
        memcpy(d->velocity_divisor, d->pending_box, sizeof d->velocity_divisor);
    }
    d->has_pending_box = false;
    sk_force_set_box(d->force, d->box);
}

void sk_dynamics_advance(struct sk_dynamics *d)
{
    sk_timer_enter(d->phases.timer, d->phase_update);
    sk_dynamics_move(d);
    d->is_on_step = false;
    if (d->has_pending_box)
        apply_box(d);
    d->step++;
}

enum sk_code sk_dynamics_trial(struct sk_dynamics *d, struct sk_error *err)
{
    struct sk_atoms *a = d->atoms;
    size_t n = (size_t)a->n;
    sk_frac(*x)[3] = sk_alloc(n, sizeof *x);
    double(*v)[3] = sk_alloc(n, sizeof *v), offset = d->conserved_offset;
    int32_t(*image)[3] = sk_alloc(n, sizeof *image);
    memcpy(x, a->x, n * sizeof *x);
    memcpy(v, a->v, n * sizeof *v);
    memcpy(image, a->image, n * sizeof *image);
    struct sk_observables kept = d->observables;
    sk_dynamics_move(d);
    enum sk_code code = sk_dynamics_settle(d, d->step, err);
    struct sk_reduction local, global;
    memset(&local, 0, sizeof local);
    sk_observe_pack(&d->observables, &local);
    sk_reduction_begin(d->comm, &local);
    sk_reduction_end(d->comm, &global);
    /* the record only: baths act in the real advance */
    d->observables.is_coupled = d->observables.has_momentum = false;
    sk_observe_complete(d, &global);
    d->observables = kept;
    d->conserved_offset = offset;
    memcpy(a->x, x, n * sizeof *x);
    memcpy(a->v, v, n * sizeof *v);
    memcpy(a->image, image, n * sizeof *image);
    sk_free(&x);
    sk_free(&v);
    sk_free(&image);
    return code;
}

uint64_t sk_dynamics_hash(struct sk_dynamics *d)
{
    int64_t sum = (int64_t)sk_atoms_hash(d->atoms);
    sk_comm_sum_i64(d->comm, &sum, 1);
    return (uint64_t)sum + sk_state_hash_frame(d->box, d->step);
}

void sk_dynamics_clear(struct sk_dynamics *d)
{
    sk_thermal_clear(&d->thermal);
    sk_free(&d->inverse_mass);
    sk_free(&d->skewed);
}

size_t sk_dynamics_memory(const struct sk_dynamics *d)
{
    return (d->inverse_mass_capacity + d->skewed_capacity) * sizeof(double) + d->thermal.group_capacity +
           d->rigid->waters_capacity * sizeof *d->rigid->waters + d->rigid->free_capacity * sizeof(int) +
           sk_network_memory(d->network);
}
