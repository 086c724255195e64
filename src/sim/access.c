#include <math.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/math.h"
#include "base/memory.h"
#include "sim/sim.h"

/* Forces of the present step, and with them the reduction and the phase of velocities. */
static enum sk_code evaluate(struct skein *sim, bool wants_energy)
{
    if (sim->is_evaluated && !wants_energy)
        return SK_OK;
    enum sk_code code = sk_dynamics_evaluate(&sim->dynamics, wants_energy, &sim->error);
    sim->is_evaluated = code == SK_OK;
    return code;
}

/* The same under the library's own floating-point mode. */
static enum sk_code evaluate_exact(struct skein *sim)
{
    unsigned mode = sk_fpmode_enter();
    enum sk_code code = evaluate(sim, false);
    sk_fpmode_leave(mode);
    return code;
}

static enum sk_code sim_step(struct skein *sim, int64_t n)
{
    for (int64_t s = 0; s < n; s++) {
        enum sk_code code = evaluate(sim, false);
        if (code)
            return code;
        sk_dynamics_advance(&sim->dynamics);
        sim->is_evaluated = false;
    }
    enum sk_code code = sk_dynamics_settle(&sim->dynamics, sim->dynamics.step, &sim->error);
    return code ? code : sk_dynamics_verify(&sim->dynamics, &sim->error);
}

int skein_step(struct skein *sim, int64_t n)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_step(sim, n);
    sk_fpmode_leave(mode);
    return code;
}

int64_t skein_step_number(const struct skein *sim)
{
    return sim->dynamics.step;
}

int64_t skein_atoms(const struct skein *sim)
{
    return sim->top.natoms;
}

int skein_is_reduced(const struct skein *sim)
{
    return sim->parameters.units == SK_UNITS_LJ;
}

int skein_get_box(const struct skein *sim, double edge[3])
{
    memcpy(edge, sim->box.edge, sizeof sim->box.edge);
    return SK_OK;
}

double skein_list_radius(const struct skein *sim)
{
    return sim->force.list_radius;
}

int skein_state_hash(struct skein *sim, uint64_t *hash)
{
    *hash = sk_dynamics_hash(&sim->dynamics);
    return SK_OK;
}

static void fill_energies(const struct sk_record *r, struct skein_energies *e)
{
    *e = (struct skein_energies){r->step,    r->time,  r->lj,        r->coulomb,     r->dispersion, r->potential,
                                 r->kinetic, r->total, r->conserved, r->temperature, r->pressure};
}

static enum sk_code sim_get_energies(struct skein *sim, struct skein_energies *energies)
{
    /* forces are made anew: what the step in hand collected before must not be collected twice */
    sim->dynamics.observables.is_open = sim->is_evaluated ? false : sim->dynamics.observables.is_open;
    enum sk_code code = evaluate(sim, true);
    if (code)
        return code;
    code = sk_dynamics_trial(&sim->dynamics, &sim->error);
    fill_energies(&sim->dynamics.record, energies);
    return code;
}

int skein_get_energies(struct skein *sim, struct skein_energies *energies)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_get_energies(sim, energies);
    sk_fpmode_leave(mode);
    return code;
}

/* One value of one atom on its way to everybody. */
struct item {
    sk_gid id;
    double value[3];
};

/* Collective. Every rank's items to every rank, into out[natoms][3] by id. */
static void spread(struct skein *sim, const struct item *items, int n, double *out)
{
    int size = sk_comm_size(sim->comm);
    struct sk_parcel *parcels = sk_alloc((size_t)size, sizeof *parcels);
    for (int r = 0; r < size; r++)
        parcels[r] = (struct sk_parcel){r, (size_t)n * sizeof *items, (unsigned char *)items};
    struct sk_receipt receipt;
    sk_comm_exchange(sim->comm, parcels, size, &receipt);
    for (int p = 0; p < receipt.count; p++)
        for (size_t i = 0; i < receipt.parcels[p].length / sizeof(struct item); i++) {
            struct item item;
            memcpy(&item, receipt.parcels[p].bytes + i * sizeof item, sizeof item);
            memcpy(out + 3 * item.id, item.value, sizeof item.value);
        }
    sk_receipt_clear(&receipt);
    sk_free(&parcels);
}

enum quantity { POSITIONS, VELOCITIES, FORCES };

static void spread_quantity(struct skein *sim, enum quantity what, double *out)
{
    const struct sk_atoms *a = &sim->atoms;
    struct item *items = sk_alloc((size_t)a->n, sizeof *items);
    for (int i = 0; i < a->n; i++) {
        items[i].id = a->id[i];
        for (int k = 0; k < 3; k++)
            items[i].value[k] = what == POSITIONS ? (double)a->x[i][k] * 0x1p-64 * sim->box.edge[k]
                                : what == VELOCITIES
                                    ? a->v[i][k]
                                    : (double)sim->force.total[i][k] / sim->force.nonbonded.pair.force_scale;
    }
    spread(sim, items, a->n, out);
    sk_free(&items);
}

static enum sk_code sim_get_positions(struct skein *sim, double *positions)
{
    spread_quantity(sim, POSITIONS, positions);
    return SK_OK;
}

int skein_get_positions(struct skein *sim, double *positions)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_get_positions(sim, positions);
    sk_fpmode_leave(mode);
    return code;
}

int skein_get_velocities(struct skein *sim, double *velocities)
{
    enum sk_code code = evaluate_exact(sim); /* brings Verlet velocities to the step */
    if (!code)
        spread_quantity(sim, VELOCITIES, velocities);
    return (int)code;
}

static enum sk_code sim_get_forces(struct skein *sim, double *forces)
{
    enum sk_code code = evaluate(sim, false);
    if (code)
        return code;
    spread_quantity(sim, FORCES, forces);
    return SK_OK;
}

int skein_get_forces(struct skein *sim, double *forces)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_get_forces(sim, forces);
    sk_fpmode_leave(mode);
    return code;
}

/* Collective. */
static enum sk_code check_finite(struct skein *sim, const double *values, const char *what)
{
    enum sk_code code = SK_OK;
    for (int64_t i = 0; i < 3 * sim->top.natoms && !code; i++)
        if (!isfinite(values[i]))
            code = sk_fail(&sim->error, SK_EINPUT, "the %s of atom %lld is not finite", what, (long long)(i / 3 + 1));
    return sk_comm_agree(sim->comm, &sim->error, code);
}

static enum sk_code sim_set_positions(struct skein *sim, const double *positions)
{
    enum sk_code code = check_finite(sim, positions, "position");
    if (code)
        return code;
    struct sk_atoms *a = &sim->atoms;
    for (int i = 0; i < a->n; i++)
        for (int k = 0; k < 3; k++) {
            double x = positions[3 * a->id[i] + k] / sim->box.edge[k], whole = floor(x);
            a->image[i][k] = (int32_t)whole;
            a->x[i][k] = x - whole < 1 ? (sk_frac)((x - whole) * 0x1p64) : ~(sk_frac)0;
        }
    sim->dynamics.needs_rebuild = true;
    sim->dynamics.observables.is_open = false;
    sim->is_evaluated = false;
    return SK_OK;
}

int skein_set_positions(struct skein *sim, const double *positions)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_set_positions(sim, positions);
    sk_fpmode_leave(mode);
    return code;
}

int skein_set_velocities(struct skein *sim, const double *velocities)
{
    enum sk_code code = check_finite(sim, velocities, "velocity");
    if (!code)
        code = evaluate_exact(sim);
    struct sk_atoms *a = &sim->atoms;
    for (int i = 0; i < a->n && !code; i++)
        memcpy(a->v[i], velocities + 3 * a->id[i], sizeof a->v[i]);
    return (int)code;
}

/* The whole system in id order on every rank: only the oracle may. */
struct everything {
    sk_frac (*x)[3];
    int32_t *type, *excluded;
    double *charge;
    int64_t *excluded_start;
};

static void gather_everything(struct skein *sim, struct everything *all)
{
    struct oracle_atom {
        sk_gid id;
        sk_frac x[3];
        int32_t kind;
    };
    const struct sk_atoms *a = &sim->atoms;
    int size = sk_comm_size(sim->comm);
    struct oracle_atom *mine = sk_calloc((size_t)a->n, sizeof *mine);
    for (int i = 0; i < a->n; i++) {
        mine[i].id = a->id[i];
        memcpy(mine[i].x, a->x[i], sizeof mine[i].x);
        mine[i].kind = a->kind[i];
    }
    struct sk_parcel *parcels = sk_alloc((size_t)size, sizeof *parcels);
    for (int r = 0; r < size; r++)
        parcels[r] = (struct sk_parcel){r, (size_t)a->n * sizeof *mine, (unsigned char *)mine};
    struct sk_receipt receipt;
    sk_comm_exchange(sim->comm, parcels, size, &receipt);
    size_t n = (size_t)sim->top.natoms;
    all->x = sk_alloc(n, sizeof *all->x);
    all->type = sk_alloc(n, sizeof *all->type);
    all->charge = sk_alloc(n, sizeof *all->charge);
    for (int p = 0; p < receipt.count; p++)
        for (size_t i = 0; i < receipt.parcels[p].length / sizeof *mine; i++) {
            struct oracle_atom atom;
            memcpy(&atom, receipt.parcels[p].bytes + i * sizeof atom, sizeof atom);
            memcpy(all->x[atom.id], atom.x, sizeof atom.x);
            all->type[atom.id] = sim->top.kinds[atom.kind].type;
            all->charge[atom.id] = sim->top.kinds[atom.kind].charge;
        }
    sk_receipt_clear(&receipt);
    sk_free(&parcels);
    sk_free(&mine);
}

static void list_exclusions(struct skein *sim, struct everything *all)
{
    int64_t n = sim->top.natoms, count = 0;
    size_t capacity = 0;
    all->excluded_start = sk_alloc((size_t)n + 1, sizeof *all->excluded_start);
    all->excluded = NULL;
    sk_reserve(&all->excluded, &capacity, 1);
    for (sk_gid id = 0; id < n; id++) {
        struct sk_place at = sk_topology_find(&sim->top, id);
        const struct sk_moltype *type = &sim->top.moltypes[at.moltype];
        all->excluded_start[id] = count;
        for (int e = type->excluded_start[at.place]; e < type->excluded_start[at.place + 1]; e++) {
            sk_reserve(&all->excluded, &capacity, (size_t)count + 1);
            all->excluded[count++] = (int32_t)(at.molecule + type->excluded[e]);
        }
    }
    all->excluded_start[n] = count;
}

static enum sk_code sim_oracle(struct skein *sim, struct skein_energies *energies, double *forces)
{
    struct everything all;
    gather_everything(sim, &all);
    list_exclusions(sim, &all);
    int64_t n = sim->top.natoms;
    int size = sk_comm_size(sim->comm), rank = sk_comm_rank(sim->comm);
    /* row i has n - i - 1 pairs: equal numbers of pairs for all */
    int first = (int)((double)n * (1 - sqrt(1 - (double)rank / size)));
    int end = rank + 1 == size ? (int)n : (int)((double)n * (1 - sqrt(1 - (double)(rank + 1) / size)));
    double(*force)[3] = sk_calloc((size_t)n, sizeof *force), virial[3][3] = {{0}};
    long double energy[2] = {0, 0};
    sk_pair_oracle((int)n, first, end, (const sk_frac(*)[3])all.x, sim->box.edge, all.type, all.charge,
                   all.excluded_start, all.excluded, &sim->force.nonbonded.pair, force, energy, virial);
    /* partial sums of all ranks, added in rank order */
    size_t length = (size_t)n * 3 + 5;
    double *mine = sk_alloc(length, sizeof *mine), *every = sk_alloc(length * (size_t)size, sizeof *every);
    memcpy(mine, force, (size_t)n * sizeof *force);
    mine[3 * n] = (double)energy[0];
    mine[3 * n + 1] = (double)energy[1];
    for (int k = 0; k < 3; k++)
        mine[3 * n + 2 + k] = virial[k][k];
    sk_comm_allgather(sim->comm, mine, length * sizeof *mine, every);
    memset(mine, 0, length * sizeof *mine);
    for (int r = 0; r < size; r++)
        for (size_t i = 0; i < length; i++)
            mine[i] += every[(size_t)r * length + i];
    if (forces)
        memcpy(forces, mine, (size_t)n * 3 * sizeof *forces);
    const struct sk_nonbonded *nb = &sim->force.nonbonded;
    double volume = sk_box_volume(&sim->box);
    memset(energies, 0, sizeof *energies);
    energies->step = sim->dynamics.step;
    energies->lj = mine[3 * n];
    energies->coulomb = mine[3 * n + 1];
    energies->dispersion = nb->dispersion_energy_volume / volume + nb->dispersion_energy_const;
    energies->potential = energies->lj + energies->coulomb + energies->dispersion;
    energies->pressure = (-2.0 / 3 * (mine[3 * n + 2] + mine[3 * n + 3] + mine[3 * n + 4]) / volume +
                          nb->dispersion_pressure_volume2 / (volume * volume)) *
                         sim->dynamics.units.pressure;
    sk_free(&every);
    sk_free(&mine);
    sk_free(&force);
    sk_free(&all.x);
    sk_free(&all.type);
    sk_free(&all.charge);
    sk_free(&all.excluded);
    sk_free(&all.excluded_start);
    return SK_OK;
}

int skein_oracle(struct skein *sim, struct skein_energies *energies, double *forces)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_oracle(sim, energies, forces);
    sk_fpmode_leave(mode);
    return code;
}
