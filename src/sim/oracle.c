/* The oracle: everything by brute force in double, on ids alone: no cells, no lists, no owners, no integers. */
#include <math.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/math.h"
#include "base/memory.h"
#include "mesh/ewald.h"
#include "mesh/reference.h"
#include "sim/sim.h"

/* The whole system in id order on every rank: only the oracle may. */
struct everything {
    sk_frac (*x)[3], (*reference)[3]; /* reference: of position restraints */
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

static void fetch_reference(const struct skein *sim, struct everything *all)
{
    int n = (int)sim->top.natoms;
    all->reference = NULL;
    if (!sim->has_reference)
        return;
    sk_gid *ids = sk_alloc((size_t)n, sizeof *ids);
    all->reference = sk_alloc((size_t)n, sizeof *all->reference);
    for (int i = 0; i < n; i++)
        ids[i] = i;
    sk_reference_fetch(&sim->reference, ids, n, all->reference);
    sk_free(&ids);
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

/* One term of the molecule whose first atom is given, in double. */
static void add_term(const struct skein *sim, const struct everything *all, const struct sk_term *term, sk_gid molecule,
                     double (*force)[3], double energy[SK_BONDED_ENERGIES], double virial[3][3])
{
    const struct sk_pair_parameters *pair = &sim->force.nonbonded.pair;
    int natoms = sk_bonded_atoms(term->form);
    double p[SK_BONDED_PARAMETERS] = {term->parameter}, column[SK_BONDED_PARAMETERS][SK_BONDED_BLOCK];
    struct sk_bonded_block block = {
        .n = 1, .p = (const double(*)[SK_BONDED_BLOCK])column, .maps = sim->force.bonded.maps};
    if (term->form != SK_CMAP)
        sk_bonded_prepare(term->form, sim->ff.parameters[term->parameter].p, pair->has_coulomb ? pair->coulomb : 0, p);
    for (int k = 0; k < SK_BONDED_PARAMETERS; k++)
        column[k][0] = p[k];
    for (int v = 0; v < sk_bonded_vectors(natoms); v++) {
        double d[3];
        sk_box_difference(&sim->box, all->x[molecule + term->atom[sk_bonded_head(v)]],
                          all->x[molecule + term->atom[sk_bonded_tail(v)]], d);
        for (int k = 0; k < 3; k++)
            block.d[v][k][0] = d[k];
    }
    sk_bonded_kernel_of(term->form)(&block);
    energy[sk_bonded_energy_of(term->form)] += block.energy[0][0];
    if (term->form == SK_PAIR_14)
        energy[SK_ENERGY_COULOMB_14] += block.energy[1][0];
    for (int v = 0; v < sk_bonded_vectors(natoms); v++)
        for (int k = 0; k < 3; k++) {
            double g = block.g[v][k][0];
            force[molecule + term->atom[sk_bonded_head(v)]][k] += g;
            force[molecule + term->atom[sk_bonded_tail(v)]][k] -= g;
            virial[k][k] -= 0.5 * block.d[v][k][0] * g;
        }
}

static void add_restraint(const struct skein *sim, const struct everything *all, const struct sk_term *term, sk_gid id,
                          double (*force)[3], double *energy, double virial[3][3])
{
    const double *constants = sim->ff.parameters[term->parameter].p;
    double d[3];
    sk_box_difference(&sim->box, all->x[id], all->reference[id], d);
    for (int k = 0; k < 3; k++) {
        *energy += 0.5 * constants[k] * d[k] * d[k];
        force[id][k] -= constants[k] * d[k];
        virial[k][k] += 0.5 * constants[k] * d[k] * d[k];
    }
}

/* The bonded terms of every size-th molecule, straight from the templates. */
static void add_terms(const struct skein *sim, const struct everything *all, double (*force)[3],
                      double energy[SK_BONDED_ENERGIES], double virial[3][3])
{
    int64_t turn = 0;
    for (sk_gid molecule = 0; molecule < sim->top.natoms; turn++) {
        const struct sk_moltype *type = &sim->top.moltypes[sk_topology_find(&sim->top, molecule).moltype];
        for (int t = 0; turn % sk_comm_size(sim->comm) == sk_comm_rank(sim->comm) && t < type->nterms; t++)
            if (type->terms[t].form == SK_POSITION_RESTRAINT)
                add_restraint(sim, all, &type->terms[t], molecule + type->terms[t].atom[0], force,
                              &energy[SK_ENERGY_RESTRAINT], virial);
            else
                add_term(sim, all, &type->terms[t], molecule, force, energy, virial);
        molecule += type->natoms;
    }
}

/* What this rank computes of an Ewald sum beyond its direct part: excluded pairs of the rows [first, end), and, on rank
 * 0, the reciprocal sum. */
static double add_ewald(const struct skein *sim, const struct everything *all, int first, int end, double (*force)[3],
                        long double *direct, double virial[3][3])
{
    const double beta = sim->force.nonbonded.ewald_beta, coulomb = sim->force.nonbonded.pair.coulomb;
    for (int i = first; i < end; i++)
        for (int64_t e = all->excluded_start[i]; e < all->excluded_start[i + 1]; e++) {
            int j = all->excluded[e];
            if (j <= i)
                continue;
            double d[3], qq = coulomb * all->charge[i] * all->charge[j];
            sk_box_difference(&sim->box, all->x[i], all->x[j], d);
            struct sk_ewald_pair back = sk_ewald_excluded(beta, d[0] * d[0] + d[1] * d[1] + d[2] * d[2]);
            *direct += qq * back.energy;
            for (int k = 0; k < 3; k++) {
                force[i][k] += qq * back.force * d[k];
                force[j][k] -= qq * back.force * d[k];
                virial[k][k] -= 0.5 * qq * back.force * d[k] * d[k];
            }
        }
    if (sk_comm_rank(sim->comm) != 0)
        return 0;
    double lattice[3][3];
    sk_box_lattice(&sim->box, lattice);
    struct sk_mesh_reference sums = sk_mesh_reference(sk_mesh_plan(sim->force.mesh), coulomb,
                                                      (const double(*)[3])lattice, (int)sim->top.natoms,
                                                      (const sk_frac(*)[3])all->x, all->charge, force);
    for (int k = 0; k < 3; k++)
        virial[k][k] += sums.virial[k];
    *direct += sim->force.nonbonded.ewald_self;
    return sums.energy;
}

/* Forces of virtual sites to the atoms that they are built from, x0 + a u + b v + c (u x v): by the derivatives of
 * that. Returns what the trace of -1/2 sum r F changes by. */
static double spread_sites(const struct skein *sim, const struct everything *all, double (*force)[3])
{
    double change = 0;
    for (sk_gid molecule = 0; molecule < sim->top.natoms;) {
        const struct sk_moltype *type = &sim->top.moltypes[sk_topology_find(&sim->top, molecule).moltype];
        for (int s = 0; s < type->nsites; s++) {
            const struct sk_virtual_site *site = &type->sites[s];
            const sk_gid from[3] = {molecule + site->from[0], molecule + site->from[1],
                                    molecule + (site->from[2] < 0 ? site->from[1] : site->from[2])};
            double u[3], v[3], r[3], *f = force[molecule + site->place];
            const double b = site->from[2] < 0 ? 0 : site->b, c = site->form == SK_VIRTUAL_3_OUT ? site->c : 0;
            sk_box_difference(&sim->box, all->x[from[1]], all->x[from[0]], u);
            sk_box_difference(&sim->box, all->x[from[2]], all->x[from[0]], v);
            sk_box_difference(&sim->box, all->x[molecule + site->place], all->x[from[0]], r);
            for (int k = 0; k < 3; k++) {
                const int l = (k + 1) % 3, m = (k + 2) % 3;
                const double first = site->a * f[k] + c * (v[l] * f[m] - v[m] * f[l]);
                const double second = b * f[k] + c * (f[l] * u[m] - f[m] * u[l]);
                force[from[1]][k] += first;
                force[from[2]][k] += second;
                force[from[0]][k] += f[k] - first - second;
                change -= 0.5 * (u[k] * first + v[k] * second - r[k] * f[k]);
            }
            memset(f, 0, 3 * sizeof *f);
        }
        molecule += type->natoms;
    }
    return change;
}

/* Sums of all ranks' parts of length numbers each, added in rank order. */
static void sum_parts(struct sk_comm *comm, double *part, size_t length)
{
    int size = sk_comm_size(comm);
    double *every = sk_alloc(length * (size_t)size, sizeof *every);
    sk_comm_allgather(comm, part, length * sizeof *part, every);
    memset(part, 0, length * sizeof *part);
    for (int r = 0; r < size; r++)
        for (size_t i = 0; i < length; i++)
            part[i] += every[(size_t)r * length + i];
    sk_free(&every);
}

/* The trial step with these forces [natoms][3] instead of the fast ones: kinetic energy and constraint virial. */
static enum sk_code try_step(struct skein *sim, const double *forces, struct sk_record *record, struct sk_error *err)
{
    struct sk_force *force = &sim->force;
    size_t n = (size_t)sim->atoms.n;
    int64_t(*kept)[3] = sk_alloc(n, sizeof *kept);
    memcpy(kept, force->total, n * sizeof *kept);
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < 3; k++)
            force->total[i][k] = sk_round(forces[3 * sim->atoms.id[i] + k] * force->nonbonded.pair.force_scale);
    enum sk_code code = sk_dynamics_trial(&sim->dynamics, err);
    *record = sim->dynamics.record;
    memcpy(force->total, kept, n * sizeof *kept);
    sk_free(&kept);
    return code;
}

/* Places of sums behind the forces. */
enum { LJ, COULOMB, RECIP, VIRIAL, BONDED, SUMS = BONDED + SK_BONDED_ENERGIES };

/* part[3 natoms + SUMS]: what this rank computes. */
static void compute_part(struct skein *sim, const struct everything *all, double *part)
{
    int64_t n = sim->top.natoms;
    int size = sk_comm_size(sim->comm), rank = sk_comm_rank(sim->comm);
    /* row i has n - i - 1 pairs: equal numbers of pairs for all */
    int first = (int)((double)n * (1 - sqrt(1 - (double)rank / size)));
    int end = rank + 1 == size ? (int)n : (int)((double)n * (1 - sqrt(1 - (double)(rank + 1) / size)));
    double(*force)[3] = (double(*)[3])part, *sums = part + 3 * n, virial[3][3] = {{0}};
    long double energy[2] = {0, 0};
    sk_pair_oracle((int)n, first, end, (const sk_frac(*)[3])all->x, &sim->box, all->type, all->charge,
                   all->excluded_start, all->excluded, &sim->force.nonbonded.pair, force, energy, virial);
    add_terms(sim, all, force, sums + BONDED, virial);
    if (sim->force.mesh)
        sums[RECIP] = add_ewald(sim, all, first, end, force, &energy[1], virial);
    sums[LJ] = (double)energy[0];
    sums[COULOMB] = (double)energy[1];
    sums[VIRIAL] = virial[0][0] + virial[1][1] + virial[2][2];
}

static void fill_energies(const struct skein *sim, const double *sums, const struct sk_record *record,
                          struct skein_energies *e)
{
    const struct sk_nonbonded *nb = &sim->force.nonbonded;
    double volume = sk_box_volume(&sim->box), background = nb->background_volume / volume;
    double virial = sums[VIRIAL] + record->constraint_virial;
    e->lj = sums[LJ];
    e->coulomb = sums[COULOMB];
    e->coulomb_recip = sums[RECIP] + background;
    e->dispersion = nb->dispersion_energy_volume / volume + nb->dispersion_energy_const;
    e->potential = e->lj + e->coulomb + e->coulomb_recip + e->dispersion;
    for (int b = 0; b < SK_BONDED_ENERGIES; b++)
        e->potential += sums[BONDED + b];
    sk_sim_set_bonded(sim, sums + BONDED, e);
    e->kinetic = record->kinetic;
    e->total = e->potential + e->kinetic;
    e->conserved = e->total;
    e->temperature = record->temperature;
    e->pressure = sim->dynamics.units.pressure * (2.0 / 3 * (e->kinetic - virial) / volume + background / volume +
                                                  nb->dispersion_pressure_volume2 / (volume * volume));
}

static enum sk_code sim_oracle(struct skein *sim, struct skein_energies *energies, double *forces)
{
    struct everything all;
    struct sk_record record;
    size_t n3 = (size_t)sim->top.natoms * 3;
    enum sk_code code = sk_sim_get_energies(sim,
                                            energies); /* what is no matter of forces: step, time, kinds of terms */
    if (code)
        return code;
    gather_everything(sim, &all);
    list_exclusions(sim, &all);
    fetch_reference(sim, &all);
    double *part = sk_calloc(n3 + SUMS, sizeof *part);
    compute_part(sim, &all, part);
    sum_parts(sim->comm, part, n3 + SUMS);
    part[n3 + VIRIAL] += spread_sites(sim, &all, (double(*)[3])part);
    code = try_step(sim, part, &record, &sim->error);
    fill_energies(sim, part + n3, &record, energies);
    if (forces)
        memcpy(forces, part, n3 * sizeof *forces);
    sk_free(&part);
    sk_free(&all.x);
    sk_free(&all.reference);
    sk_free(&all.type);
    sk_free(&all.charge);
    sk_free(&all.excluded);
    sk_free(&all.excluded_start);
    return code;
}

int skein_oracle(struct skein *sim, struct skein_energies *energies, double *forces)
{
    unsigned mode = sk_fpmode_enter();
    int code = (int)sim_oracle(sim, energies, forces);
    sk_fpmode_leave(mode);
    return code;
}
