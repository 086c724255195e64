#include "force/bonded.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/math.h"
#include "base/memory.h"
#include "force/nonbonded.h"

#define POLL      32   /* batches between two polls: about 40 microseconds */
#define LONGEST   0.45 /* box edges: a longer vector may be that to another image */
#define NO_TERM   INT64_MAX
#define TERM_BITS 4 /* of forms */
#define CORE2     3 /* parameter of a 1-4 pair: its core's squared radius */

static const struct {
    sk_bonded_kernel *kernel;
    enum sk_bonded_energy energy;
} forms[SK_BONDED_FORMS] = {
    [SK_BOND_HARMONIC] = {sk_bonded_bond_harmonic, SK_ENERGY_BOND},
    [SK_BOND_G96] = {sk_bonded_bond_g96, SK_ENERGY_BOND},
    [SK_BOND_MORSE] = {sk_bonded_bond_morse, SK_ENERGY_BOND},
    [SK_BOND_FENE] = {sk_bonded_bond_fene, SK_ENERGY_BOND},
    [SK_BOND_FENE_LJ] = {sk_bonded_bond_fene_lj, SK_ENERGY_BOND},
    [SK_ANGLE_HARMONIC] = {sk_bonded_angle_harmonic, SK_ENERGY_ANGLE},
    [SK_ANGLE_G96] = {sk_bonded_angle_g96, SK_ENERGY_ANGLE},
    [SK_ANGLE_UREY_BRADLEY] = {sk_bonded_angle_urey_bradley, SK_ENERGY_UREY_BRADLEY},
    [SK_DIHEDRAL_PERIODIC] = {sk_bonded_dihedral_periodic, SK_ENERGY_DIHEDRAL},
    [SK_DIHEDRAL_RYCKAERT] = {sk_bonded_dihedral_ryckaert, SK_ENERGY_DIHEDRAL},
    [SK_IMPROPER_HARMONIC] = {sk_bonded_improper_harmonic, SK_ENERGY_IMPROPER},
    [SK_IMPROPER_PERIODIC] = {sk_bonded_dihedral_periodic, SK_ENERGY_IMPROPER},
    [SK_CMAP] = {sk_bonded_cmap, SK_ENERGY_CMAP},
    [SK_PAIR_14] = {sk_bonded_pair, SK_ENERGY_LJ_14},
};

_Static_assert(SK_BONDED_FORMS <= 1 << TERM_BITS, "a form must fit into the key of a term");
_Static_assert(SK_BONDED_VALUES <= SK_BONDED_PARAMETERS, "what kernels take has room for what force fields give");

sk_bonded_kernel *sk_bonded_kernel_of(int form)
{
    SK_REQUIRE(form >= 0 && form < SK_BONDED_FORMS && forms[form].kernel);
    return forms[form].kernel;
}

enum sk_bonded_energy sk_bonded_energy_of(int form)
{
    return forms[form].energy;
}

void sk_bonded_prepare(int form, const double *values, double coulomb, double p[SK_BONDED_PARAMETERS])
{
    memset(p, 0, SK_BONDED_PARAMETERS * sizeof *p);
    memcpy(p, values, (size_t)sk_bonded_values(form) * sizeof *p);
    if (form == SK_ANGLE_G96)
        sk_bonded_prepare_g96(values[0], values[1], p);
    else if (form == SK_DIHEDRAL_PERIODIC || form == SK_IMPROPER_PERIODIC)
        sk_bonded_prepare_periodic(values[0], values[1], (int)values[2], p);
    else if (form == SK_PAIR_14)
        p[2] = coulomb * values[2];
}

/* The place whose owner computes a term. */
static int home_of(const struct sk_term *term)
{
    return term->atom[sk_bonded_atoms(term->form) > 1];
}

/* Those that are computed here: position restraints, which are the last ones, are not. */
static int terms_of(const struct sk_moltype *type)
{
    int n = type->nterms;
    while (n > 0 && type->terms[n - 1].form == SK_POSITION_RESTRAINT)
        n--;
    return n;
}
_Static_assert(SK_POSITION_RESTRAINT == SK_BONDED_FORMS - 1, "terms are ascending by form");

static void index_type(struct sk_bonded_index *index, const struct sk_moltype *type, const struct sk_forcefield *ff,
                       double coulomb, double scale, double core_charge2)
{
    index->start = sk_calloc((size_t)type->natoms + 2, sizeof *index->start);
    index->term = sk_alloc((size_t)type->nterms, sizeof *index->term);
    index->p = sk_calloc((size_t)type->nterms, sizeof *index->p);
    int *next = index->start + 1, nterms = terms_of(type); /* next becomes the start of the place that follows */
    for (int t = 0; t < nterms; t++)
        next[home_of(&type->terms[t]) + 1]++;
    for (int a = 0; a < type->natoms; a++)
        next[a + 1] += next[a];
    for (int t = 0; t < nterms; t++) {
        const struct sk_term *term = &type->terms[t];
        index->term[next[home_of(term)]++] = t;
        if (term->form == SK_CMAP)
            index->p[t][0] = term->parameter;
        else
            sk_bonded_prepare(term->form, ff->parameters[term->parameter].p, coulomb, index->p[t]);
        double *p = index->p[t];
        if (term->form == SK_PAIR_14 && core_charge2 > 0)
            p[CORE2] = p[0] > 0 || p[1] > 0 ? sk_core2(p[0], p[1], scale) : core_charge2;
    }
}

static int64_t add_hash(int64_t sum, sk_gid molecule, int term)
{
    const int64_t id[2] = {molecule, term};
    return (int64_t)((uint64_t)sum + sk_hash(id, sizeof id));
}

/* From the topology alone: each rank counts for an equal share of all ids. */
static struct sk_bonded_census expect(const struct sk_bonded *b, struct sk_comm *comm)
{
    int64_t size = sk_comm_size(comm), rank = sk_comm_rank(comm), sums[2] = {0, 0};
    sk_gid first = (sk_gid)((sk_int128)b->top->natoms * rank / size),
           end = (sk_gid)((sk_int128)b->top->natoms * (rank + 1) / size);
    for (sk_gid id = first; id < end; id++) {
        struct sk_place at = sk_topology_find(b->top, id);
        const struct sk_bonded_index *index = &b->index[at.moltype];
        for (int k = index->start[at.place]; k < index->start[at.place + 1]; k++) {
            sums[0]++;
            sums[1] = add_hash(sums[1], at.molecule, index->term[k]);
        }
    }
    sk_comm_sum_i64(comm, sums, 2);
    return (struct sk_bonded_census){sums[0], sums[1]};
}

void sk_bonded_init(struct sk_bonded *b, struct sk_local *local, const struct sk_forcefield *ff, double coulomb,
                    double scale, double core_charge2)
{
    const struct sk_topology *top = local->top;
    memset(b, 0, sizeof *b);
    for (int t = 0; t < top->nmoltypes; t++)
        if (terms_of(&top->moltypes[t]) > 0) {
            sk_local_want(local, t);
            b->is_used = true;
        }
    if (!b->is_used)
        return;
    b->top = top;
    b->scale = scale;
    b->index = sk_calloc((size_t)top->nmoltypes, sizeof *b->index);
    for (int t = 0; t < top->nmoltypes; t++)
        index_type(&b->index[t], &top->moltypes[t], ff, coulomb, scale, core_charge2);
    b->maps = sk_calloc((size_t)ff->ncmaps, sizeof *b->maps);
    for (int m = 0; m < ff->ncmaps; m++) {
        int n = ff->cmaps[m].n;
        double(*node)[4] = sk_alloc((size_t)(n * n), sizeof *node);
        sk_bonded_prepare_map(n, ff->cmaps[m].energy, node);
        b->maps[m] = (struct sk_bonded_map){n, (const double(*)[4])node};
    }
    b->nmaps = ff->ncmaps;
    b->expected = expect(b, local->comm);
}

void sk_bonded_clear(struct sk_bonded *b)
{
    if (!b->is_used)
        return;
    for (int t = 0; t < b->top->nmoltypes; t++) {
        sk_free(&b->index[t].start);
        sk_free(&b->index[t].term);
        sk_free(&b->index[t].p);
    }
    for (int m = 0; m < b->nmaps; m++)
        sk_free(&b->maps[m].node);
    sk_free(&b->index);
    sk_free(&b->maps);
    sk_free(&b->batches);
}

/* ---- rebuild ---- */

/* open[form]: batch of the form that has room, or -1. */
static void add_term(struct sk_bonded *b, struct sk_local *local, const struct sk_term *term, const double *p,
                     sk_gid molecule, int *open)
{
    int natoms = sk_bonded_atoms(term->form), *at = &open[term->form];
    if (*at < 0 || b->batches[*at].n == SK_BONDED_BLOCK) {
        *at = b->nbatches++;
        sk_reserve(&b->batches, &b->batches_capacity, (size_t)b->nbatches);
        memset(&b->batches[*at], 0, sizeof *b->batches);
        b->batches[*at].form = term->form;
    }
    struct sk_bonded_batch *batch = &b->batches[*at];
    for (int k = 0; k < SK_BONDED_PARAMETERS; k++)
        batch->p[k][batch->n] = p[k];
    for (int k = 0; k < natoms; k++)
        batch->atom[k][batch->n] = sk_local_find(local, molecule + term->atom[k]);
    batch->n++;
}

struct sk_bonded_census sk_bonded_list(struct sk_bonded *b, struct sk_local *local)
{
    struct sk_bonded_census found = {0, 0};
    int open[SK_BONDED_FORMS];
    for (int f = 0; f < SK_BONDED_FORMS; f++)
        open[f] = -1;
    b->nbatches = 0;
    for (int m = 0; b->is_used && m < local->nmine; m++) {
        struct sk_place at = sk_topology_find(b->top, local->id[m]);
        const struct sk_bonded_index *index = &b->index[at.moltype];
        for (int k = index->start[at.place]; k < index->start[at.place + 1]; k++) {
            int t = index->term[k];
            add_term(b, local, &b->top->moltypes[at.moltype].terms[t], index->p[t], at.molecule, open);
            found.terms++;
            found.hash = add_hash(found.hash, at.molecule, t);
        }
    }
    return found;
}

enum sk_code sk_bonded_verify(const struct sk_bonded *b, struct sk_comm *comm, const struct sk_bonded_census *found,
                              struct sk_error *err)
{
    int64_t sums[2] = {found->terms, found->hash};
    if (!b->is_used)
        return SK_OK;
    sk_comm_sum_i64(comm, sums, 2);
    if (sums[0] == b->expected.terms && sums[1] == b->expected.hash)
        return SK_OK;
    return sk_fail(err, SK_EINTERNAL, "census failed: %lld bonded terms of %lld%s; please report this",
                   (long long)sums[0], (long long)b->expected.terms,
                   sums[0] == b->expected.terms ? " (ids differ: one lost, another doubled)" : "");
}

/* ---- evaluation ---- */

/* Vectors of a batch's terms; false if a vector is so long that it may lead to another image. */
static bool fill_block(const struct sk_bonded *b, const struct sk_local *local, const struct sk_box *box,
                       const struct sk_bonded_batch *batch, struct sk_bonded_block *block)
{
    bool is_short = true;
    block->n = batch->n;
    block->p = batch->p;
    block->maps = b->maps;
    for (int v = 0; v < sk_bonded_vectors(sk_bonded_atoms(batch->form)); v++) {
        const int32_t *head = batch->atom[sk_bonded_head(v)], *tail = batch->atom[sk_bonded_tail(v)];
        for (int l = 0; l < batch->n; l++) {
            double s[3], d[3];
            for (int k = 0; k < 3; k++) {
                s[k] = sk_frac_difference(local->x[head[l]][k], local->x[tail[l]][k]);
                is_short &= s[k] <= LONGEST && s[k] >= -LONGEST;
            }
            sk_box_vector(box, s, d);
            for (int k = 0; k < 3; k++)
                block->d[v][k][l] = d[k];
        }
    }
    return is_short;
}

void sk_bonded_run(struct sk_bonded *b, struct sk_local *local, const struct sk_box *box)
{
    struct sk_bonded_block block;
    int64_t rounded[SK_BONDED_VECTORS][3][SK_BONDED_BLOCK];
    b->has_failed = false;
    for (int i = 0; i < b->nbatches; i++) {
        const struct sk_bonded_batch *batch = &b->batches[i];
        int natoms = sk_bonded_atoms(batch->form);
        b->has_failed |= !fill_block(b, local, box, batch, &block);
        forms[batch->form].kernel(&block);
        b->has_failed |= sk_bonded_round(&block, natoms, b->scale, rounded) >= 0;
        sk_bonded_scatter(batch->n, natoms, rounded, (const int32_t(*)[SK_BONDED_BLOCK])batch->atom, local->f);
        if (i % POLL == POLL - 1)
            sk_local_poll(local);
    }
}

static bool is_in_core(const struct sk_bonded_block *block)
{
    bool is_in = false;
    for (int l = 0; l < block->n; l++) {
        double r2 = 0;
        for (int k = 0; k < 3; k++)
            r2 += block->d[0][k][l] * block->d[0][k][l];
        is_in |= r2 < block->p[CORE2][l];
    }
    return is_in;
}

/* What the 1-4 pairs of a batch are to pairs of groups. */
static void add_parts(const struct sk_local *local, const struct sk_bonded_batch *batch,
                      const struct sk_bonded_block *block, struct sk_parts *parts)
{
    for (int l = 0; l < batch->n; l++) {
        int part = sk_parts_of(parts, local->id[batch->atom[0][l]], local->id[batch->atom[1][l]]);
        for (int e = 0; e < 2; e++) {
            double energy = block->energy[e][l] * SK_ENERGY_SCALE;
            parts->near[part][e] += fabs(energy) <= SK_BONDED_LARGEST ? sk_round(energy) : 0; /* as sk_bonded_sum */
        }
    }
}

void sk_bonded_measure(struct sk_bonded *b, const struct sk_local *local, const struct sk_box *box,
                       sk_int128 energy[SK_BONDED_ENERGIES], sk_int128 virial[3], struct sk_parts *parts)
{
    struct sk_bonded_block block;
    b->has_core = false;
    for (int i = 0; i < b->nbatches; i++) {
        const struct sk_bonded_batch *batch = &b->batches[i];
        int64_t e[2] = {0, 0}, w[3] = {0, 0, 0}; /* a block at a time: 2^56 x 32 is less than 2^63 */
        fill_block(b, local, box, batch, &block);
        forms[batch->form].kernel(&block);
        b->has_core |= batch->form == SK_PAIR_14 && is_in_core(&block);
        b->has_overflow |= sk_bonded_sum(&block, sk_bonded_atoms(batch->form), batch->form == SK_PAIR_14 ? 2 : 1,
                                         SK_ENERGY_SCALE, e, w) >= 0;
        energy[forms[batch->form].energy] += e[0];
        energy[SK_ENERGY_COULOMB_14] += e[1];
        if (parts && batch->form == SK_PAIR_14)
            add_parts(local, batch, &block, parts);
        for (int k = 0; k < 3; k++)
            virial[k] += w[k];
    }
}

/* ---- failure ---- */

/* One term of a batch, alone; false if it fails. The block has its vectors. */
static bool is_good(const struct sk_bonded *b, const struct sk_local *local, const struct sk_box *box,
                    const struct sk_bonded_batch *batch, int l, struct sk_bonded_block *block)
{
    struct sk_bonded_batch one = {.form = batch->form, .n = 1};
    int64_t rounded[SK_BONDED_VECTORS][3][SK_BONDED_BLOCK], energy[2] = {0, 0}, virial[3] = {0, 0, 0};
    int natoms = sk_bonded_atoms(batch->form);
    for (int k = 0; k < SK_BONDED_PARAMETERS; k++)
        one.p[k][0] = batch->p[k][l];
    for (int k = 0; k < natoms; k++)
        one.atom[k][0] = batch->atom[k][l];
    bool is_short = fill_block(b, local, box, &one, block);
    forms[batch->form].kernel(block);
    block->p = NULL; /* it was that of `one` */
    return is_short && sk_bonded_round(block, natoms, b->scale, rounded) < 0 &&
           sk_bonded_sum(block, natoms, batch->form == SK_PAIR_14 ? 2 : 1, SK_ENERGY_SCALE, energy, virial) < 0;
}

static enum sk_code tell(const struct sk_bonded *b, const struct sk_local *local, const struct sk_bonded_batch *batch,
                         int l, int64_t step, const struct sk_bonded_block *block, struct sk_error *err)
{
    char atoms[SK_BONDED_ATOMS * (SK_ATOM_NAME_MAX + 2)] = "", lengths[128] = "";
    int natoms = sk_bonded_atoms(batch->form);
    for (int k = 0; k < natoms; k++) {
        char name[SK_ATOM_NAME_MAX];
        sk_topology_name(b->top, local->id[batch->atom[k][l]], -1, name);
        snprintf(atoms + strlen(atoms), sizeof atoms - strlen(atoms), "%s%s", k ? ", " : "", name);
    }
    for (int v = 0; v < sk_bonded_vectors(natoms); v++) {
        double r2 = 0;
        for (int k = 0; k < 3; k++)
            r2 += block->d[v][k][0] * block->d[v][k][0];
        snprintf(lengths + strlen(lengths), sizeof lengths - strlen(lengths), "%s%.6g", v ? ", " : "", sqrt(r2));
    }
    struct sk_place at = sk_topology_find(b->top, local->id[batch->atom[0][l]]);
    return sk_fail(
        err, SK_EPHYSICS,
        "step %lld: one of the %s has no force or energy in range: atoms %s of a molecule %s, which are %s "
        "apart, on rank %d; look for a bond that is torn or reaches half the box, or take a shorter time step",
        (long long)step, sk_bonded_name(batch->form), atoms, b->top->moltypes[at.moltype].name, lengths,
        sk_comm_rank(local->comm));
}

enum sk_code sk_bonded_fail(const struct sk_bonded *b, const struct sk_local *local, const struct sk_box *box,
                            int64_t step, struct sk_error *err)
{
    struct sk_error mine;
    int64_t lowest = NO_TERM;
    for (int i = 0; i < b->nbatches; i++)
        for (int l = 0; l < b->batches[i].n; l++) {
            const struct sk_bonded_batch *batch = &b->batches[i];
            struct sk_bonded_block block;
            int64_t key = local->id[batch->atom[sk_bonded_atoms(batch->form) > 1][l]] << TERM_BITS | batch->form;
            if (key >= lowest || is_good(b, local, box, batch, l, &block))
                continue;
            lowest = key;
            tell(b, local, batch, l, step, &block, &mine);
        }
    int64_t first = lowest;
    sk_comm_min_i64(local->comm, &first, 1);
    enum sk_code code = SK_OK;
    if (first == NO_TERM)
        code = sk_fail(err, SK_EINTERNAL, "step %lld: a bonded term failed, but none can be found; please report this",
                       (long long)step);
    else if (first == lowest) {
        *err = mine;
        code = SK_EPHYSICS;
    }
    return sk_comm_agree(local->comm, err, code);
}

size_t sk_bonded_memory(const struct sk_bonded *b)
{
    return b->batches_capacity * sizeof *b->batches;
}
