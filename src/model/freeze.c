#include "model/freeze.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* A topology while molecules are dealt out to types: those of the same origin differ in what is frozen. */
struct freezing {
    struct sk_topology *top;
    struct sk_topology before; /* a copy of it as it was */
    const struct sk_groups *groups;
    uint32_t sets;
    bool is_whole; /* along all axes */
    int *origin;   /* [nmoltypes] */
    bool *is_made; /* [nmoltypes]: its atoms are marked */
    struct sk_molblock *blocks;
    int nblocks;
    size_t moltypes_capacity, origin_capacity, made_capacity, blocks_capacity;
};

static int compare_counts(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* The molecules of a block at which what is frozen may change, from 0 to their count, ascending. */
static int64_t *find_cuts(const struct freezing *f, const struct sk_molblock *block, int *n)
{
    const struct sk_groups *groups = f->groups;
    int64_t natoms = f->top->moltypes[block->moltype].natoms, *cut;
    cut = sk_alloc(4 * (size_t)groups->nranges + 2, sizeof *cut);
    *n = 0;
    cut[(*n)++] = 0;
    cut[(*n)++] = block->count;
    for (int e = 0; e < 2 * groups->nranges; e++) {
        const struct sk_group_range *range = &groups->ranges[e / 2];
        sk_gid edge = (e % 2 ? range->end : range->first) - block->first;
        if (edge <= 0 || edge >= block->count * natoms)
            continue;
        cut[(*n)++] = edge / natoms;                /* the molecule that it cuts, or begins, ... */
        cut[(*n)++] = (edge + natoms - 1) / natoms; /* and the one after */
    }
    qsort(cut, (size_t)*n, sizeof *cut, compare_counts);
    return cut;
}

static bool is_frozen(const struct freezing *f, sk_gid molecule, const struct sk_moltype *type, int place)
{
    return (sk_groups_of(f->groups, molecule + place, type->atoms[place].kind) & f->sets) != 0;
}

static bool is_same(const struct freezing *f, const struct sk_moltype *type, sk_gid molecule)
{
    for (int i = 0; i < type->natoms; i++)
        if (type->atoms[i].is_frozen != is_frozen(f, molecule, type, i))
            return false;
    return true;
}

static enum sk_code fail_at(const struct freezing *f, sk_gid id, const char *what, struct sk_error *err)
{
    char name[SK_ATOM_NAME_MAX];
    sk_topology_name(f->top, id, -1, name);
    return sk_fail(err, SK_EINPUT, "atom %s %s", name, what);
}

/* A rigid water moves as a whole, along all axes or not at all. */
static enum sk_code check_waters(const struct freezing *f, const struct sk_moltype *type, sk_gid molecule,
                                 struct sk_error *err)
{
    for (int s = 0; s < type->nsettles; s++) {
        const int place[3] = {type->settles[s].apex, type->settles[s].leg1, type->settles[s].leg2};
        for (int a = 0; a < 3; a++) {
            if (type->atoms[place[a]].is_frozen != type->atoms[place[0]].is_frozen)
                return fail_at(f, molecule + place[0],
                               "is in a rigid water that is frozen in part; freeze all of it "
                               "or nothing",
                               err);
            if (type->atoms[place[a]].is_frozen && !f->is_whole)
                return fail_at(f, molecule + place[0], "is in a rigid water, which can only be frozen along all axes",
                               err);
        }
    }
    return SK_OK;
}

/* A virtual site goes where its atoms go; off their plane, along any axis if they move along one. */
static enum sk_code check_sites(const struct freezing *f, const struct sk_moltype *type, sk_gid molecule,
                                struct sk_error *err)
{
    for (int s = 0; s < type->nsites; s++) {
        const struct sk_virtual_site *site = &type->sites[s];
        bool is_held = f->is_whole;
        if (!type->atoms[site->place].is_frozen)
            continue;
        for (int a = 0; a < sk_virtual_atoms(site->form); a++)
            is_held &= type->atoms[site->from[a]].is_frozen;
        if (!is_held)
            return fail_at(f, molecule + site->place,
                           "is a virtual site, which goes where its atoms go; freeze them along all axes too, or "
                           "leave it out",
                           err);
    }
    return SK_OK;
}

/* Marks the atoms of a type as those of the molecule are. */
static enum sk_code mark_atoms(const struct freezing *f, struct sk_moltype *type, sk_gid molecule, struct sk_error *err)
{
    int kept = 0;
    bool has_any = false;
    for (int i = 0; i < type->natoms; i++)
        has_any |= type->atoms[i].is_frozen = is_frozen(f, molecule, type, i);
    if (!has_any)
        return SK_OK;
    if (check_waters(f, type, molecule, err) || check_sites(f, type, molecule, err))
        return err->code;
    for (int c = 0; c < type->nconstraints; c++) {
        const struct sk_constraint *constraint = &type->constraints[c];
        bool is_i = type->atoms[constraint->i].is_frozen, is_j = type->atoms[constraint->j].is_frozen;
        if ((is_i || is_j) && !f->is_whole)
            return fail_at(f, molecule + (is_i ? constraint->i : constraint->j),
                           "has constraints, and so can only be frozen along all axes", err);
        if (!is_i || !is_j)
            type->constraints[kept++] = *constraint;
    }
    type->nconstraints = kept;
    return sk_moltype_finish(type, err);
}

/* The type of a molecule, made if it is the first of its kind; -1: *err filled. */
static int type_of(struct freezing *f, int origin, sk_gid molecule, struct sk_error *err)
{
    struct sk_topology *top = f->top;
    int t = origin;
    for (; t < top->nmoltypes; t++)
        if (f->origin[t] == origin && (!f->is_made[t] || is_same(f, &top->moltypes[t], molecule)))
            break;
    if (t < top->nmoltypes && f->is_made[t])
        return t;
    if (t == top->nmoltypes) {
        size_t n = (size_t)t + 1;
        sk_reserve(&top->moltypes, &f->moltypes_capacity, n);
        sk_reserve(&f->origin, &f->origin_capacity, n);
        sk_reserve(&f->is_made, &f->made_capacity, n);
        sk_moltype_copy(&f->before.moltypes[origin], &top->moltypes[t]);
        f->origin[t] = origin;
        top->nmoltypes++;
    }
    f->is_made[t] = true;
    return mark_atoms(f, &top->moltypes[t], molecule, err) ? -1 : t;
}

static void add_block(struct freezing *f, int moltype, int64_t count)
{
    if (f->nblocks && f->blocks[f->nblocks - 1].moltype == moltype)
        f->blocks[f->nblocks - 1].count += count;
    else {
        sk_reserve(&f->blocks, &f->blocks_capacity, (size_t)f->nblocks + 1);
        f->blocks[f->nblocks++] = (struct sk_molblock){.moltype = moltype, .count = count};
    }
}

static enum sk_code deal_block(struct freezing *f, const struct sk_molblock *block, struct sk_error *err)
{
    const struct sk_moltype *type = &f->top->moltypes[block->moltype];
    int natoms = type->natoms, n;
    if (!type->nsettles && !type->nconstraints && !type->nsites) {
        add_block(f, block->moltype, block->count);
        return SK_OK;
    }
    int64_t *cut = find_cuts(f, block, &n);
    enum sk_code code = SK_OK;
    for (int c = 1; c < n && !code; c++) {
        if (cut[c] == cut[c - 1])
            continue;
        int t = type_of(f, block->moltype, block->first + cut[c - 1] * natoms, err);
        code = t < 0 ? err->code : SK_OK;
        if (!code)
            add_block(f, t, cut[c] - cut[c - 1]);
    }
    sk_free(&cut);
    return code;
}

enum sk_code sk_topology_freeze(struct sk_topology *top, const struct sk_groups *groups, uint32_t sets,
                                const bool axis[3], struct sk_error *err)
{
    size_t n = (size_t)top->nmoltypes;
    struct freezing f = {.top = top,
                         .groups = groups,
                         .sets = sets,
                         .is_whole = axis[0] && axis[1] && axis[2],
                         .moltypes_capacity = n,
                         .origin_capacity = n,
                         .made_capacity = n};
    sk_topology_copy(top, &f.before);
    f.origin = sk_alloc(n, sizeof *f.origin);
    f.is_made = sk_calloc(n, sizeof *f.is_made);
    for (int t = 0; t < top->nmoltypes; t++)
        f.origin[t] = t;
    enum sk_code code = SK_OK;
    for (int b = 0; b < top->nblocks && !code; b++)
        code = deal_block(&f, &top->blocks[b], err);
    if (!code) {
        sk_free(&top->blocks);
        top->blocks = f.blocks;
        top->nblocks = f.nblocks;
        f.blocks = NULL;
        code = sk_topology_finish(top, err);
    }
    sk_topology_clear(&f.before);
    sk_free(&f.blocks);
    sk_free(&f.origin);
    sk_free(&f.is_made);
    return code;
}
