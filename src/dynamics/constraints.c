/* Constraints in the time step: rigid water and the network of all others, between drift and move; velocities along
 * them; and what is done when the normal number of solutions was not enough. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/math.h"
#include "base/memory.h"
#include "dynamics/dynamics.h"

/* Waters [first, first + n) of one kind in the lanes, the last again in those that are left; their bonds, leg - apex,
 * nearest images. Returns n. */
static int load_waters(const struct sk_dynamics *d, int first, struct sk_water_lanes *lanes,
                       const int *atom[SK_WATER_LANES])
{
    const struct sk_rigid *rigid = d->rigid;
    const sk_frac(*x)[3] = (const sk_frac(*)[3])d->atoms->x;
    int n = 0;
    while (n < SK_WATER_LANES && first + n < rigid->nwaters &&
           rigid->waters[first + n].kind == rigid->waters[first].kind)
        n++;
    for (int l = 0; l < SK_WATER_LANES; l++) {
        atom[l] = rigid->waters[first + (l < n ? l : n - 1)].atom;
        for (int leg = 0; leg < 2; leg++) {
            double bond[3];
            sk_box_difference(d->box, x[atom[l][leg + 1]], x[atom[l][0]], bond);
            for (int k = 0; k < 3; k++)
                lanes->before[leg][k][l] = bond[k];
        }
    }
    return n;
}

static void add_virial(sk_int128 sum[3], const struct sk_water_lanes *lanes, int n, double scale)
{
    for (int k = 0; k < 3; k++)
        for (int l = 0; l < n; l++)
            sum[k] += sk_round(lanes->virial[k][l] * scale * SK_ENERGY_SCALE);
}

static void project_waters(struct sk_dynamics *d, double *v, sk_int128 sum[3], double scale)
{
    struct sk_water_lanes lanes;
    const int *atom[SK_WATER_LANES];
    for (int w = 0, n; w < d->rigid->nwaters; w += n) {
        n = load_waters(d, w, &lanes, atom);
        for (int l = 0; l < SK_WATER_LANES; l++)
            for (int c = 0; c < 9; c++)
                lanes.change[c / 3][c % 3][l] = v[3 * atom[l][c / 3] + c % 3];
        d->force->variant->water_velocities(&d->rigid->kinds[d->rigid->waters[w].kind], &lanes);
        for (int l = 0; l < n; l++)
            for (int c = 0; c < 9; c++)
                v[3 * atom[l][c / 3] + c % 3] = lanes.change[c / 3][c % 3][l];
        if (sum)
            add_virial(sum, &lanes, n, scale);
    }
}

/* Notes how well the lanes of waters [first, first + n) were solved. */
static void check_waters(struct sk_dynamics *d, int first, int n, const struct sk_water_lanes *lanes, double tolerance)
{
    for (int l = 0; l < n; l++) {
        if (!(lanes->worst[l] <= d->constraint_worst))
            d->constraint_worst = lanes->worst[l];
        if (!(lanes->worst[l] <= tolerance) && d->failed_water < 0)
            d->failed_water = first + l;
    }
}

/* Changes moves and velocities so that waters are rigid after the move. */
static void constrain_waters(struct sk_dynamics *d, double *v, double dt, double virial_scale)
{
    double *move = d->atoms->move[0];
    struct sk_water_lanes lanes;
    const int *atom[SK_WATER_LANES];
    for (int w = 0, n; w < d->rigid->nwaters; w += n) {
        n = load_waters(d, w, &lanes, atom);
        const struct sk_water *kind = &d->rigid->kinds[d->rigid->waters[w].kind];
        for (int l = 0; l < SK_WATER_LANES; l++)
            for (int leg = 0; leg < 2; leg++)
                for (int k = 0; k < 3; k++)
                    lanes.after[leg][k][l] = lanes.before[leg][k][l] +
                                             (move[3 * atom[l][leg + 1] + k] - move[3 * atom[l][0] + k]);
        sk_water_positions(d->force->variant, kind, &lanes);
        check_waters(d, w, n, &lanes, kind->tolerance);
        if (d->observables.has_virial)
            add_virial(d->observables.constraint_virial, &lanes, n, virial_scale);
        for (int l = 0; l < n; l++)
            for (int c = 0; c < 9; c++)
                move[3 * atom[l][c / 3] + c % 3] += lanes.change[c / 3][c % 3][l];
        if (!v)
            continue;
        for (int c = 0; c < 9; c++)
            for (int l = 0; l < SK_WATER_LANES; l++)
                lanes.change[c / 3][c % 3][l] /= dt;
        for (int l = 0; l < n; l++)
            for (int c = 0; c < 9; c++)
                v[3 * atom[l][c / 3] + c % 3] += lanes.change[c / 3][c % 3][l];
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
    project_waters(d, v, sum, scale);
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
    constrain_waters(d, v, dt, virial_scale);
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
