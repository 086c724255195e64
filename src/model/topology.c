#include "model/topology.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/sets.h"
#include "model/terms.h"

void sk_topology_init(struct sk_topology *top)
{
    memset(top, 0, sizeof *top);
    for (int k = 0; k < 3; k++)
        top->replicate[k] = 1;
}

static void moltype_clear_groups(struct sk_moltype *type)
{
    sk_free(&type->group_start);
    sk_free(&type->group_place);
    sk_free(&type->group_of);
    sk_free(&type->settle_of_group);
    sk_free(&type->residue_of);
    type->ngroups = 0;
    type->nresidues = 0;
}

void sk_topology_clear(struct sk_topology *top)
{
    for (int t = 0; t < top->nmoltypes; t++) {
        struct sk_moltype *type = &top->moltypes[t];
        sk_free(&type->atoms);
        sk_free(&type->excluded_start);
        sk_free(&type->excluded);
        sk_free(&type->settles);
        sk_free(&type->constraints);
        sk_free(&type->terms);
        sk_free(&type->sites);
        moltype_clear_groups(type);
    }
    sk_free(&top->kinds);
    sk_free(&top->moltypes);
    sk_free(&top->blocks);
    sk_topology_init(top);
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}

static enum sk_code moltype_check(const struct sk_moltype *type, struct sk_error *err)
{
    int n = type->natoms;
    for (int i = 0; i < n && type->excluded_start; i++)
        for (int k = type->excluded_start[i]; k < type->excluded_start[i + 1]; k++)
            if (type->excluded[k] < 0 || type->excluded[k] >= n)
                return sk_fail(err, SK_EINPUT,
                               "molecule type %s: an exclusion of atom %d names atom %lld, but it has %d atoms",
                               type->name, i + 1, type->excluded[k] + 1LL, n);
    for (int s = 0; s < type->nsettles; s++) {
        const int place[3] = {type->settles[s].apex, type->settles[s].leg1, type->settles[s].leg2};
        for (int k = 0; k < 3; k++)
            if (place[k] < 0 || place[k] >= n)
                return sk_fail(err, SK_EINPUT, "molecule type %s: settles names atom %lld, but it has %d atoms",
                               type->name, place[k] + 1LL, n);
        if (place[0] == place[1] || place[0] == place[2] || place[1] == place[2])
            return sk_fail(err, SK_EINPUT, "molecule type %s: settles at atom %d names an atom twice", type->name,
                           place[0] + 1);
    }
    return SK_OK;
}

/* Both directions of every pair, each row ascending without repeats. */
static void moltype_order_exclusions(struct sk_moltype *type)
{
    int n = type->natoms;
    int *start = sk_calloc((size_t)n + 2, sizeof *start);
    const int *old = type->excluded_start;
    for (int i = 0; i < n && old; i++)
        for (int k = old[i]; k < old[i + 1]; k++)
            if (type->excluded[k] != i) {
                start[i + 2]++;
                start[type->excluded[k] + 2]++;
            }
    for (int i = 0; i < n; i++)
        start[i + 2] += start[i + 1];
    int *row = sk_alloc((size_t)start[n + 1], sizeof *row);
    /* start[i + 1] is the place to fill next in row i, and so becomes the start of row i + 1. */
    for (int i = 0; i < n && old; i++)
        for (int k = old[i]; k < old[i + 1]; k++) {
            int j = type->excluded[k];
            if (j == i)
                continue;
            row[start[i + 1]++] = j;
            row[start[j + 1]++] = i;
        }
    int filled = 0;
    for (int i = 0; i < n; i++) {
        int from = start[i], to = start[i + 1];
        qsort(row + from, (size_t)(to - from), sizeof *row, compare_ints);
        start[i] = filled;
        for (int k = from; k < to; k++)
            if (filled == start[i] || row[filled - 1] != row[k])
                row[filled++] = row[k];
    }
    start[n] = filled;
    sk_free(&type->excluded_start);
    sk_free(&type->excluded);
    type->excluded_start = start;
    type->excluded = row;
}

/* Joins the roots in `joins` of all components that have at most `most` atoms. */
static void components_adopt(int *parent, int *joins, int n, int most)
{
    int *size = sk_calloc((size_t)n, sizeof *size);
    for (int i = 0; i < n; i++)
        size[sk_sets_root(joins, i)]++;
    for (int i = 0; i < n; i++)
        if (size[sk_sets_root(joins, i)] <= most)
            sk_sets_join(parent, i, sk_sets_root(joins, i));
    sk_free(&size);
}

static int *components_alone(int n)
{
    int *parent = sk_alloc((size_t)n, sizeof *parent);
    sk_sets_init(parent, n);
    return parent;
}

/* The components that make groups (see the header). */
static int *moltype_components(const struct sk_moltype *type)
{
    int n = type->natoms, *parent = components_alone(n), *joins = components_alone(n);
    for (int s = 0; s < type->nsettles; s++) {
        sk_sets_join(parent, type->settles[s].apex, type->settles[s].leg1);
        sk_sets_join(parent, type->settles[s].apex, type->settles[s].leg2);
        sk_sets_join(joins, type->settles[s].apex, type->settles[s].leg1);
        sk_sets_join(joins, type->settles[s].apex, type->settles[s].leg2);
    }
    for (int s = 0; s < type->nsites; s++)
        for (int k = 0; k < sk_virtual_atoms(type->sites[s].form); k++) {
            sk_sets_join(parent, type->sites[s].place, type->sites[s].from[k]);
            sk_sets_join(joins, type->sites[s].place, type->sites[s].from[k]);
        }
    if (!type->is_split) {
        for (int c = 0; c < type->nconstraints; c++)
            sk_sets_join(joins, type->constraints[c].i, type->constraints[c].j);
        components_adopt(parent, joins, n, SK_CLUSTER_MAX);
        for (int i = 0; i < n; i++)
            for (int k = type->excluded_start[i]; k < type->excluded_start[i + 1]; k++)
                sk_sets_join(joins, i, type->excluded[k]);
        components_adopt(parent, joins, n, SK_CLUSTER_MAX);
    }
    sk_free(&joins);
    return parent;
}

/* Groups are numbered by their anchors, ascending. */
static void moltype_build_groups(struct sk_moltype *type)
{
    int n = type->natoms, *parent = moltype_components(type);
    int ngroups = 0;
    type->group_of = sk_alloc((size_t)n, sizeof *type->group_of);
    for (int i = 0; i < n; i++) {
        int root = sk_sets_root(parent, i);
        type->group_of[i] = root == i ? ngroups++ : type->group_of[root];
    }
    type->ngroups = ngroups;
    type->group_start = sk_calloc((size_t)ngroups + 2, sizeof *type->group_start);
    type->group_place = sk_alloc((size_t)n, sizeof *type->group_place);
    for (int i = 0; i < n; i++)
        type->group_start[type->group_of[i] + 2]++;
    for (int g = 0; g < ngroups; g++)
        type->group_start[g + 2] += type->group_start[g + 1];
    for (int i = 0; i < n; i++)
        type->group_place[type->group_start[type->group_of[i] + 1]++] = i;
    sk_free(&parent);
}

static enum sk_code moltype_place_settles(struct sk_moltype *type, struct sk_error *err)
{
    type->settle_of_group = sk_alloc((size_t)type->ngroups, sizeof *type->settle_of_group);
    for (int g = 0; g < type->ngroups; g++)
        type->settle_of_group[g] = -1;
    char *is_taken = sk_calloc((size_t)type->natoms, 1);
    enum sk_code code = SK_OK;
    for (int s = 0; s < type->nsettles && !code; s++) {
        const int place[3] = {type->settles[s].apex, type->settles[s].leg1, type->settles[s].leg2};
        for (int k = 0; k < 3 && !code; k++) {
            if (is_taken[place[k]])
                code = sk_fail(err, SK_EINPUT, "molecule type %s: atom %d is in two settles", type->name, place[k] + 1);
            is_taken[place[k]] = 1;
        }
        type->settle_of_group[type->group_of[place[0]]] = s;
    }
    for (int c = 0; c < type->nconstraints && !code; c++)
        if (is_taken[type->constraints[c].i] || is_taken[type->constraints[c].j])
            code = sk_fail(err, SK_EINPUT, "molecule type %s: the constraint of atoms %d and %d meets a rigid water",
                           type->name, type->constraints[c].i + 1, type->constraints[c].j + 1);
    sk_free(&is_taken);
    return code;
}

static int compare_constraints(const void *a, const void *b)
{
    const struct sk_constraint *p = a, *q = b;
    int by_i = (p->i > q->i) - (p->i < q->i);
    return by_i ? by_i : (p->j > q->j) - (p->j < q->j);
}

static enum sk_code moltype_order_constraints(struct sk_moltype *type, struct sk_error *err)
{
    struct sk_constraint *all = type->constraints;
    for (int c = 0; c < type->nconstraints; c++) {
        if (all[c].i > all[c].j)
            all[c] = (struct sk_constraint){all[c].j, all[c].i, all[c].length};
        if (all[c].i < 0 || all[c].j >= type->natoms || all[c].i == all[c].j)
            return sk_fail(err, SK_EINPUT, "molecule type %s: a constraint of atoms %lld and %lld, but it has %d atoms",
                           type->name, all[c].i + 1LL, all[c].j + 1LL, type->natoms);
        if (!(all[c].length > 0))
            return sk_fail(err, SK_EINPUT, "molecule type %s: the constraint of atoms %d and %d has length %g",
                           type->name, all[c].i + 1, all[c].j + 1, all[c].length);
    }
    if (type->nconstraints)
        qsort(all, (size_t)type->nconstraints, sizeof *all, compare_constraints);
    for (int c = 1; c < type->nconstraints; c++)
        if (compare_constraints(&all[c - 1], &all[c]) == 0)
            return sk_fail(err, SK_EINPUT, "molecule type %s: two constraints between atoms %d and %d", type->name,
                           all[c].i + 1, all[c].j + 1);
    return SK_OK;
}

static void moltype_number_residues(struct sk_moltype *type)
{
    type->residue_of = sk_alloc((size_t)type->natoms, sizeof *type->residue_of);
    for (int i = 0; i < type->natoms; i++) {
        const struct sk_template_atom *atom = &type->atoms[i];
        if (i == 0 || atom->residue_number != atom[-1].residue_number || strcmp(atom->residue, atom[-1].residue) != 0)
            type->nresidues++;
        type->residue_of[i] = type->nresidues - 1;
    }
}

enum sk_code sk_moltype_finish(struct sk_moltype *type, struct sk_error *err)
{
    enum sk_code code = moltype_check(type, err);
    if (!code)
        code = moltype_order_constraints(type, err);
    if (!code)
        code = sk_moltype_order_terms(type, err);
    if (code)
        return code;
    moltype_clear_groups(type);
    moltype_order_exclusions(type);
    moltype_build_groups(type);
    moltype_number_residues(type);
    return moltype_place_settles(type, err);
}

enum sk_code sk_topology_finish(struct sk_topology *top, struct sk_error *err)
{
    const int64_t most = (int64_t)1 << 53;
    int64_t atoms = 0, residues = 0;
    for (int b = 0; b < top->nblocks; b++) {
        struct sk_molblock *block = &top->blocks[b];
        SK_REQUIRE(block->moltype >= 0 && block->moltype < top->nmoltypes && block->count >= 0);
        const struct sk_moltype *type = &top->moltypes[block->moltype];
        SK_REQUIRE(type->natoms == 0 || type->group_of);
        if (block->count > (most - atoms) / (type->natoms > 0 ? type->natoms : 1))
            return sk_fail(err, SK_EINPUT, "the system has more than 2^53 atoms");
        block->first = atoms;
        block->first_residue = residues;
        atoms += block->count * type->natoms;
        residues += block->count * type->nresidues;
    }
    if (atoms == 0)
        return sk_fail(err, SK_EINPUT, "the system has no atoms");
    top->unit_atoms = atoms;
    top->unit_residues = residues;
    for (int k = 0; k < 3; k++) {
        if (top->replicate[k] < 1)
            return sk_fail(err, SK_EINPUT, "replicate must be at least 1 along each axis");
        if (atoms > most / top->replicate[k])
            return sk_fail(err, SK_EINPUT, "the replicated system has more than 2^53 atoms");
        atoms *= top->replicate[k];
    }
    top->natoms = atoms;
    return SK_OK;
}

int sk_topology_kind(struct sk_topology *top, int type, double charge, double mass)
{
    for (int k = 0; k < top->nkinds; k++) {
        const struct sk_kind *kind = &top->kinds[k];
        if (kind->type == type && kind->charge == charge && kind->mass == mass)
            return k;
    }
    size_t n = (size_t)top->nkinds;
    struct sk_kind *grown = sk_calloc(n + 1, sizeof *grown);
    if (n)
        memcpy(grown, top->kinds, n * sizeof *grown);
    /* -0 and 0 are one charge: equal models must have equal hashes. */
    grown[n] = (struct sk_kind){.type = type, .charge = charge + 0.0, .mass = mass};
    sk_free(&top->kinds);
    top->kinds = grown;
    return top->nkinds++;
}

struct sk_place sk_topology_find(const struct sk_topology *top, sk_gid id)
{
    SK_REQUIRE(id >= 0 && id < top->natoms);
    int64_t copy = id / top->unit_atoms, rest = id % top->unit_atoms;
    /* The last block that starts at or before the atom; empty blocks share their start with the next. */
    int low = 0, high = top->nblocks;
    while (high - low > 1) {
        int middle = low + (high - low) / 2;
        if (top->blocks[middle].first <= rest)
            low = middle;
        else
            high = middle;
    }
    const struct sk_molblock *block = &top->blocks[low];
    const struct sk_moltype *type = &top->moltypes[block->moltype];
    int64_t molecule = (rest - block->first) / type->natoms;
    struct sk_place found;
    found.moltype = block->moltype;
    found.place = (int)((rest - block->first) % type->natoms);
    found.molecule = id - found.place;
    found.residue = copy * top->unit_residues + block->first_residue + molecule * type->nresidues +
                    type->residue_of[found.place];
    return found;
}

void sk_topology_name(const struct sk_topology *top, sk_gid id, int rank, char text[SK_ATOM_NAME_MAX])
{
    struct sk_place at = sk_topology_find(top, id);
    const struct sk_template_atom *atom = &top->moltypes[at.moltype].atoms[at.place];
    char where[24] = "";
    if (rank >= 0)
        snprintf(where, sizeof where, ", rank %d", rank);
    snprintf(text, SK_ATOM_NAME_MAX, "%lld (%s, residue %s %d%s)", (long long)id + 1, atom->name, atom->residue,
             atom->residue_number, where);
}

static int64_t topology_copies(const struct sk_topology *top)
{
    return (int64_t)top->replicate[0] * top->replicate[1] * top->replicate[2];
}

int64_t sk_topology_settles(const struct sk_topology *top)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].nsettles;
    return sum * topology_copies(top);
}

int64_t sk_topology_constraints(const struct sk_topology *top)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].nconstraints;
    return sum * topology_copies(top);
}

int64_t sk_topology_sites(const struct sk_topology *top)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].nsites;
    return sum * topology_copies(top);
}

int64_t sk_topology_terms(const struct sk_topology *top, int form)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count * sk_moltype_terms(&top->moltypes[top->blocks[b].moltype], form);
    return sum * topology_copies(top);
}

int64_t sk_topology_groups(const struct sk_topology *top)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count * top->moltypes[top->blocks[b].moltype].ngroups;
    return sum * topology_copies(top);
}

int64_t sk_topology_molecules(const struct sk_topology *top)
{
    int64_t sum = 0;
    for (int b = 0; b < top->nblocks; b++)
        sum += top->blocks[b].count;
    return sum * topology_copies(top);
}
