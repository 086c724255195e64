/* The oracle: everything by brute force in double, on ids alone: no cells, no lists, no owners, no integers. */
#include <math.h>
#include <string.h>

#include "base/fpmode.h"
#include "base/memory.h"
#include "mesh/ewald.h"
#include "mesh/reference.h"
#include "sim/sim.h"

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
        const sk_frac *head = all->x[molecule + term->atom[sk_bonded_head(v)]],
                      *tail = all->x[molecule + term->atom[sk_bonded_tail(v)]];
        for (int k = 0; k < 3; k++)
            block.d[v][k][0] = sk_frac_difference(head[k], tail[k]) * sim->box.edge[k];
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

/* The bonded terms of every size-th molecule, straight from the templates. */
static void add_terms(const struct skein *sim, const struct everything *all, double (*force)[3],
                      double energy[SK_BONDED_ENERGIES], double virial[3][3])
{
    int64_t turn = 0;
    for (sk_gid molecule = 0; molecule < sim->top.natoms; turn++) {
        const struct sk_moltype *type = &sim->top.moltypes[sk_topology_find(&sim->top, molecule).moltype];
        for (int t = 0; turn % sk_comm_size(sim->comm) == sk_comm_rank(sim->comm) && t < type->nterms; t++)
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
    double bonded[SK_BONDED_ENERGIES] = {0};
    add_terms(sim, &all, force, bonded, virial);
    double recip = sim->force.mesh ? add_ewald(sim, &all, first, end, force, &energy[1], virial) : 0;
    /* partial sums of all ranks, added in rank order */
    size_t length = (size_t)n * 3 + 6 + SK_BONDED_ENERGIES;
    double *mine = sk_alloc(length, sizeof *mine), *every = sk_alloc(length * (size_t)size, sizeof *every);
    memcpy(mine, force, (size_t)n * sizeof *force);
    mine[3 * n] = (double)energy[0];
    mine[3 * n + 1] = (double)energy[1];
    for (int k = 0; k < 3; k++)
        mine[3 * n + 2 + k] = virial[k][k];
    memcpy(mine + 3 * n + 5, bonded, sizeof bonded);
    mine[3 * n + 5 + SK_BONDED_ENERGIES] = recip;
    sk_comm_allgather(sim->comm, mine, length * sizeof *mine, every);
    memset(mine, 0, length * sizeof *mine);
    for (int r = 0; r < size; r++)
        for (size_t i = 0; i < length; i++)
            mine[i] += every[(size_t)r * length + i];
    if (forces)
        memcpy(forces, mine, (size_t)n * 3 * sizeof *forces);
    const struct sk_nonbonded *nb = &sim->force.nonbonded;
    double volume = sk_box_volume(&sim->box), background = nb->background_volume / volume;
    memset(energies, 0, sizeof *energies);
    energies->step = sim->dynamics.step;
    energies->lj = mine[3 * n];
    energies->coulomb = mine[3 * n + 1];
    energies->dispersion = nb->dispersion_energy_volume / volume + nb->dispersion_energy_const;
    energies->has_mesh = sim->force.mesh != NULL;
    energies->coulomb_recip = mine[3 * n + 5 + SK_BONDED_ENERGIES] + background;
    energies->potential = energies->lj + energies->coulomb + energies->coulomb_recip + energies->dispersion;
    for (int e = 0; e < SK_BONDED_ENERGIES; e++)
        energies->potential += mine[3 * n + 5 + e];
    sk_sim_set_bonded(sim, mine + 3 * n + 5, energies);
    energies->pressure = (-2.0 / 3 * (mine[3 * n + 2] + mine[3 * n + 3] + mine[3 * n + 4]) / volume +
                          nb->dispersion_pressure_volume2 / (volume * volume) + background / volume) *
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
