/* Constraints in the time step: rigid water and the network of all others, between drift and move; velocities along
 * them; and what is done when the normal number of solutions was not enough. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "dynamics/dynamics.h"

/* Legs from the apex, nearest images. */
static void water_bonds(const struct sk_dynamics *d, const int atom[3], double bond[2][3])
{
    const sk_frac(*x)[3] = (const sk_frac(*)[3])d->atoms->x;
    for (int leg = 0; leg < 2; leg++)
        sk_box_difference(d->box, x[atom[leg + 1]], x[atom[0]], bond[leg]);
}

static void add_virial(sk_int128 sum[3], double virial[3][3], double scale)
{
    for (int k = 0; k < 3; k++)
        sum[k] += sk_round(virial[k][k] * scale * SK_ENERGY_SCALE);
}

static void project_water(struct sk_dynamics *d, double *v, sk_int128 sum[3], double scale)
{
    for (int w = 0; w < d->rigid->nwaters; w++) {
        const struct sk_rigid_water *water = &d->rigid->waters[w];
        double bond[2][3], velocity[3][3], mu[3], virial[3][3] = {{0}};
        water_bonds(d, water->atom, bond);
        for (int a = 0; a < 3; a++)
            memcpy(velocity[a], v + 3 * water->atom[a], sizeof velocity[a]);
        sk_water_velocities(&d->rigid->kinds[water->kind], (const double(*)[3])bond, velocity, mu, virial);
        for (int a = 0; a < 3; a++)
            memcpy(v + 3 * water->atom[a], velocity[a], sizeof velocity[a]);
        if (sum)
            add_virial(sum, virial, scale);
    }
}

/* Changes moves and velocities so that the water is rigid after the move. */
static void constrain_water(struct sk_dynamics *d, int w, double *v, double dt, double virial_scale)
{
    double *move = d->atoms->move[0];
    const struct sk_rigid_water *water = &d->rigid->waters[w];
    const struct sk_water *kind = &d->rigid->kinds[water->kind];
    double before[2][3], after[2][3], correction[3][3], lambda[3], virial[3][3] = {{0}};
    const int *atom = water->atom;
    water_bonds(d, atom, before);
    for (int leg = 0; leg < 2; leg++)
        for (int k = 0; k < 3; k++)
            after[leg][k] = before[leg][k] + (move[3 * atom[leg + 1] + k] - move[3 * atom[0] + k]);
    double worst = sk_water_positions(kind, (const double(*)[3])before, (const double(*)[3])after, correction, lambda,
                                      virial);
    if (!(worst <= d->constraint_worst))
        d->constraint_worst = worst;
    if (!(worst <= kind->tolerance) && d->failed_water < 0)
        d->failed_water = w;
    if (d->observables.has_virial)
        add_virial(d->observables.constraint_virial, virial, virial_scale);
    for (int a = 0; a < 3; a++)
        for (int k = 0; k < 3; k++) {
            move[3 * atom[a] + k] += correction[a][k];
            if (v)
                v[3 * atom[a] + k] += correction[a][k] / dt;
        }
}

static void project_network(struct sk_dynamics *d, double *v, sk_int128 sum[3], double scale)
{
    struct sk_network *network = d->network;
    sk_network_begin(network, d->atoms, v);
    sk_network_solve(network, SK_NETWORK_VELOCITIES, d->atoms, d->box, v);
    double left = sk_network_check(network, SK_NETWORK_VELOCITIES) * d->parameters->run.dt;
    if (!(left <= d->velocity_worst))
        d->velocity_worst = left;
    sk_network_apply(network, v, NULL, 0);
    if (sum)
        sk_network_virial(network, scale, sum);
}

void sk_dynamics_project(struct sk_dynamics *d, double *v, sk_int128 sum[3], double scale)
{
    int before = sk_timer_enter(d->phases.timer, d->phase_constrain);
    project_water(d, v, sum, scale);
    if (d->network->is_used)
        project_network(d, v, sum, scale);
    sk_timer_enter(d->phases.timer, before);
}

static void constrain_network(struct sk_dynamics *d, double *v, double virial_scale)
{
    struct sk_network *network = d->network;
    double *move = d->atoms->move[0];
    sk_network_solve(network, SK_NETWORK_POSITIONS, d->atoms, d->box, move);
    sk_network_apply(network, move, v, d->move_rate);
    d->virial_scale = virial_scale;
    memset(d->network_virial, 0, sizeof d->network_virial);
    if (d->observables.has_virial)
        sk_network_virial(network, virial_scale, d->network_virial);
    for (int k = 0; k < 3; k++)
        d->observables.constraint_virial[k] += d->network_virial[k];
}

void sk_dynamics_constrain(struct sk_dynamics *d, double *v, double dt, double virial_scale)
{
    int before = sk_timer_enter(d->phases.timer, d->phase_constrain);
    d->move_rate = v ? 1 / dt : 0;
    if (d->network->is_used)
        sk_network_begin(d->network, d->atoms, d->atoms->move[0]);
    for (int w = 0; w < d->rigid->nwaters; w++)
        constrain_water(d, w, v, dt, virial_scale);
    if (d->network->is_used)
        constrain_network(d, v, virial_scale);
    sk_timer_enter(d->phases.timer, before);
}

void sk_dynamics_note_solution(struct sk_dynamics *d)
{
    d->is_unchecked = d->network->is_used;
    d->moved_box = *d->box;
    for (int k = 0; k < 3; k++)
        d->velocity_divisor[k] = 1;
}

double sk_dynamics_check(struct sk_dynamics *d)
{
    if (!d->is_unchecked)
        return 0;
    d->is_unchecked = false;
    double residual = sk_network_check(d->network, SK_NETWORK_POSITIONS);
    return residual == residual ? residual : INFINITY;
}

/* Takes the last move of atom i back, bit by bit (kernel/motion.inc.h says how it was made). */
static void move_back(struct sk_dynamics *d, int i)
{
    double move[3];
    sk_box_skew(&d->moved_box, d->atoms->move[i], move);
    for (int k = 0; k < 3; k++) {
        double fraction = move[k] * (0x1p64 / d->moved_box.edge[k]);
        sk_frac step = (sk_frac)(int64_t)rint(fabs(fraction) < 0x1p63 ? fraction : 0);
        sk_frac now = d->atoms->x[i][k], old = now - step;
        d->atoms->image[i][k] -= (int32_t)((int64_t)step >= 0 && now < old) - (int32_t)((int64_t)step < 0 && now > old);
        d->atoms->x[i][k] = old;
    }
}

void sk_dynamics_retract(struct sk_dynamics *d)
{
    for (int i = 0; i < d->atoms->n; i++)
        move_back(d, i);
    d->is_unchecked = false;
    d->failed_atom = d->failed_water = -1;
}

/* Atom m, moved back, moved and sped up by another correction than that it had; sums follow. */
static void move_again(struct sk_dynamics *d, int m, const double had[3])
{
    struct sk_observables *o = &d->observables;
    int i = d->network->moved[m].atom, group = d->thermal.group[i];
    double correction[3], move[3], to_fraction[3], half_mass = 0.5 * d->top->kinds[d->atoms->kind[i]].mass;
    sk_network_correction(d->network, m, correction);
    for (int k = 0; k < 3; k++) {
        double change = correction[k] - had[k];
        double before = d->atoms->v[i][k] * d->velocity_divisor[k];
        double after = before + change * d->move_rate;
        to_fraction[k] = 0x1p64 / d->moved_box.edge[k];
        d->atoms->move[i][k] += change;
        d->atoms->v[i][k] = after / d->velocity_divisor[k];
        int64_t energy = sk_round(half_mass * after * after * SK_ENERGY_SCALE) -
                         sk_round(half_mass * before * before * SK_ENERGY_SCALE),
                momentum = sk_round(2 * half_mass * after * SK_ENERGY_SCALE) -
                           sk_round(2 * half_mass * before * SK_ENERGY_SCALE);
        o->kinetic_after[k] += energy;
        o->group_after[group] += energy;
        o->momentum[k] += momentum;
        o->group_momentum[group][k] += momentum;
    }
    sk_box_skew(&d->moved_box, d->atoms->move[i], move);
    d->force->variant->move(d->atoms->x[i], d->atoms->image[i], move, to_fraction, 3);
}

/* One atom of a component that failed, on its way to the file. */
struct casualty {
    sk_gid id;
    double before[3], after[3];
};

/* Rank 0 writes the component that failed, before and after the step, beside the checkpoint. Collective. */
static void dump_failure(struct sk_dynamics *d, int64_t step)
{
    const struct sk_network *n = d->network;
    struct casualty *mine = sk_alloc((size_t)n->nmoved + 1, sizeof *mine);
    const struct sk_graph *graph = &n->graphs.of[n->failed_moltype];
    int count = 0;
    for (int m = 0; m < n->nmoved; m++) {
        int i = n->moved[m].atom, k = n->incident[n->moved[m].first].constraint;
        if (n->constraints[k].molecule != n->failed_molecule ||
            graph->component_of[n->constraints[k].index] != n->failed_component)
            continue;
        mine[count].id = d->atoms->id[i];
        double s[3];
        for (int a = 0; a < 3; a++)
            s[a] = (double)d->atoms->x[i][a] * 0x1p-64 + d->atoms->image[i][a];
        sk_box_vector(&d->moved_box, s, mine[count].after);
        for (int a = 0; a < 3; a++)
            mine[count].before[a] = mine[count].after[a] - d->atoms->move[i][a];
        count++;
    }
    struct sk_parcel parcel = {0, (size_t)count * sizeof *mine, (unsigned char *)mine};
    struct sk_receipt receipt;
    sk_comm_exchange(d->comm, &parcel, count > 0, &receipt);
    char path[SK_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s.failed.txt", d->parameters->output.checkpoint);
    FILE *file = receipt.count ? fopen(path, "w") : NULL;
    if (file)
        fprintf(file, "# step %lld: atoms of the constraints that failed: id name residue x y z before, x y z after\n",
                (long long)step);
    for (int p = 0; file && p < receipt.count; p++)
        for (size_t c = 0; c < receipt.parcels[p].length / sizeof *mine; c++) {
            const struct casualty *at = (const struct casualty *)receipt.parcels[p].bytes + c;
            struct sk_place place = sk_topology_find(d->top, at->id);
            const struct sk_template_atom *atom = &d->top->moltypes[place.moltype].atoms[place.place];
            fprintf(file, "%lld %s %s%d %.12g %.12g %.12g %.12g %.12g %.12g\n", (long long)at->id + 1, atom->name,
                    atom->residue, atom->residue_number, at->before[0], at->before[1], at->before[2], at->after[0],
                    at->after[1], at->after[2]);
        }
    if (file)
        fclose(file);
    sk_receipt_clear(&receipt);
    sk_free(&mine);
}

enum sk_code sk_dynamics_repair(struct sk_dynamics *d, int64_t step, struct sk_error *err)
{
    const struct sk_network *network = d->network;
    double(*had)[3] = sk_alloc((size_t)network->nmoved, sizeof *had);
    for (int m = 0; m < network->nmoved; m++) {
        sk_network_correction(network, m, had[m]);
        move_back(d, network->moved[m].atom);
    }
    enum sk_code code = sk_network_repair(d->network, SK_NETWORK_POSITIONS, step, err);
    for (int m = 0; m < network->nmoved; m++)
        move_again(d, m, had[m]);
    sk_free(&had);
    sk_int128 virial[3] = {0, 0, 0};
    if (d->observables.has_virial)
        sk_network_virial(d->network, d->virial_scale, virial);
    for (int k = 0; k < 3; k++) {
        d->observables.constraint_virial[k] += virial[k] - d->network_virial[k];
        d->network_virial[k] = virial[k];
    }
    if (code && !d->is_trial)
        dump_failure(d, step);
    return code;
}

enum sk_code sk_dynamics_settle(struct sk_dynamics *d, int64_t step, struct sk_error *err)
{
    if (!d->is_unchecked)
        return SK_OK;
    double residual = sk_dynamics_check(d);
    sk_comm_max_f64(d->comm, &residual, 1);
    return residual <= d->network->tolerance ? SK_OK : sk_dynamics_repair(d, step, err);
}
