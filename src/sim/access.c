#include <math.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/math.h"
#include "base/memory.h"
#include "sim/sim.h"

static bool is_minimizer(const struct skein *sim)
{
    return sk_is_minimizer(sim->parameters.run.integrator);
}

/* Forces of the present step, and with them the reduction and the phase of velocities. */
static enum sk_code evaluate(struct skein *sim, bool wants_energy)
{
    if (is_minimizer(sim))
        return sk_minimize_evaluate(&sim->minimizer, wants_energy, &sim->error);
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

/* Ends before n steps if it converges or gets stuck. */
static enum sk_code sim_minimize(struct skein *sim, int64_t n)
{
    struct sk_minimizer *m = &sim->minimizer;
    enum sk_code code = sk_minimize_evaluate(m, false, &sim->error);
    for (int64_t s = 0; s < n && !code && !sk_minimize_has_converged(m) && !m->is_stuck; s++) {
        code = sk_minimize_step(m, &sim->error);
        if (!code)
            code = sk_minimize_evaluate(m, false, &sim->error);
    }
    return code;
}

static enum sk_code sim_step(struct skein *sim, int64_t n)
{
    if (is_minimizer(sim))
        return sim_minimize(sim, n);
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

int skein_get_lattice(const struct skein *sim, double lattice[3][3])
{
    sk_box_lattice(&sim->box, lattice);
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

static void fill_energies(const struct skein *sim, struct skein_energies *e)
{
    const struct sk_record *r = &sim->dynamics.record;
    *e = (struct skein_energies){.step = r->step,
                                 .time = r->time,
                                 .lj = r->lj,
                                 .coulomb = r->coulomb,
                                 .dispersion = r->dispersion,
                                 .potential = r->potential,
                                 .kinetic = r->kinetic,
                                 .total = r->total,
                                 .conserved = r->conserved,
                                 .temperature = r->temperature,
                                 .pressure = r->pressure,
                                 .has_mesh = sim->force.mesh != NULL,
                                 .coulomb_recip = r->coulomb_recip};
    sk_sim_set_bonded(sim, r->bonded, e);
}

void sk_sim_set_bonded(const struct skein *sim, const double energy[SK_BONDED_ENERGIES], struct skein_energies *e)
{
    e->has_bonded = sim->force.bonded.is_used;
    e->bond = energy[SK_ENERGY_BOND];
    e->angle = energy[SK_ENERGY_ANGLE];
    e->urey_bradley = energy[SK_ENERGY_UREY_BRADLEY];
    e->dihedral = energy[SK_ENERGY_DIHEDRAL];
    e->improper = energy[SK_ENERGY_IMPROPER];
    e->cmap = energy[SK_ENERGY_CMAP];
    e->lj_14 = energy[SK_ENERGY_LJ_14];
    e->coulomb_14 = energy[SK_ENERGY_COULOMB_14];
    e->has_restraints = sim->has_reference;
    e->position_restraint = energy[SK_ENERGY_RESTRAINT];
}

enum sk_code sk_sim_get_energies(struct skein *sim, struct skein_energies *energies)
{
    /* forces are made anew: what the step in hand collected before must not be collected twice */
    sim->dynamics.observables.is_open = sim->is_evaluated ? false : sim->dynamics.observables.is_open;
    enum sk_code code = evaluate(sim, true);
    if (code)
        return code;
    if (!is_minimizer(sim))
        code = sk_dynamics_trial(&sim->dynamics, &sim->error);
    else if (sim->minimizer.has_overlap)
        code = sk_dynamics_fail(&sim->dynamics, SK_TROUBLE_PAIR, SK_OVERLAP, &sim->error);
    fill_energies(sim, energies);
    return code;
}

int skein_get_energies(struct skein *sim, struct skein_energies *energies)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sk_sim_get_energies(sim, energies);
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

static void value_of(const struct skein *sim, enum quantity what, int i, double value[3])
{
    const struct sk_atoms *a = &sim->atoms;
    switch (what) {
    case POSITIONS: {
        double s[3];
        for (int k = 0; k < 3; k++)
            s[k] = (double)a->x[i][k] * 0x1p-64;
        sk_box_vector(&sim->box, s, value);
        break;
    }
    case VELOCITIES: memcpy(value, a->v[i], sizeof a->v[i]); break;
    case FORCES:
        for (int k = 0; k < 3; k++)
            value[k] = (double)sim->force.total[i][k] / sim->force.nonbonded.pair.force_scale;
        break;
    }
}

static void spread_quantity(struct skein *sim, enum quantity what, double *out)
{
    const struct sk_atoms *a = &sim->atoms;
    struct item *items = sk_alloc((size_t)a->n, sizeof *items);
    for (int i = 0; i < a->n; i++) {
        items[i].id = a->id[i];
        value_of(sim, what, i, items[i].value);
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
    for (int i = 0; i < a->n; i++) {
        double s[3];
        sk_box_fractions(&sim->box, positions + 3 * a->id[i], s);
        for (int k = 0; k < 3; k++) {
            double whole = floor(s[k]);
            a->image[i][k] = (int32_t)whole;
            a->x[i][k] = s[k] - whole < 1 ? (sk_frac)((s[k] - whole) * 0x1p64) : ~(sk_frac)0;
        }
    }
    sim->dynamics.needs_rebuild = true;
    sim->dynamics.observables.is_open = false;
    sim->is_evaluated = false;
    sk_minimize_restart(&sim->minimizer);
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
    if (!code)
        sk_dynamics_stop_frozen(&sim->dynamics);
    return (int)code;
}
