#include "force/restraint.h"

#include <string.h>

#include "base/memory.h"

void sk_restraints_init(struct sk_restraints *r, const struct sk_topology *top, const struct sk_forcefield *ff,
                        const struct sk_reference *reference, double scale)
{
    memset(r, 0, sizeof *r);
    r->top = top;
    r->reference = reference;
    r->scale = scale;
    if (!reference)
        return;
    r->constants = sk_alloc((size_t)ff->nparameters, sizeof *r->constants);
    for (int p = 0; p < ff->nparameters; p++)
        memcpy(r->constants[p], ff->parameters[p].p, sizeof *r->constants);
}

void sk_restraints_clear(struct sk_restraints *r)
{
    sk_free(&r->constants);
    sk_free(&r->blocks);
}

static void add(struct sk_restraints *r, int atom, const double constants[3])
{
    if (r->nblocks == 0 || r->blocks[r->nblocks - 1].n == SK_BONDED_BLOCK) {
        sk_reserve(&r->blocks, &r->capacity, (size_t)r->nblocks + 1);
        r->blocks[r->nblocks++].n = 0;
    }
    struct sk_restraint_block *block = &r->blocks[r->nblocks - 1];
    for (int k = 0; k < 3; k++)
        block->k[k][block->n] = constants[k];
    block->atom[0][block->n++] = atom;
}

/* Restraints of a type, a contiguous run of its terms: those of one place. */
static void add_of_place(struct sk_restraints *r, const struct sk_moltype *type, int place, int atom)
{
    int low = 0, high = type->nterms; /* terms are in the order of forms */
    while (low < high) {
        int middle = (low + high) / 2;
        if (type->terms[middle].form < SK_POSITION_RESTRAINT)
            low = middle + 1;
        else
            high = middle;
    }
    for (int t = low; t < type->nterms && type->terms[t].form == SK_POSITION_RESTRAINT; t++)
        if (type->terms[t].atom[0] == place)
            add(r, atom, r->constants[type->terms[t].parameter]);
}

void sk_restraints_rebuild(struct sk_restraints *r, const struct sk_atoms *atoms)
{
    if (!r->reference)
        return;
    r->nblocks = 0;
    for (int i = 0; i < atoms->n; i++) {
        struct sk_place at = sk_topology_find(r->top, atoms->id[i]);
        add_of_place(r, &r->top->moltypes[at.moltype], at.place, i);
    }
    size_t n = r->nblocks ? (size_t)(r->nblocks - 1) * SK_BONDED_BLOCK + (size_t)r->blocks[r->nblocks - 1].n : 0;
    sk_gid *ids = sk_alloc(n, sizeof *ids);
    sk_frac(*places)[3] = sk_alloc(n, sizeof *places);
    for (size_t i = 0; i < n; i++)
        ids[i] = atoms->id[r->blocks[i / SK_BONDED_BLOCK].atom[0][i % SK_BONDED_BLOCK]];
    sk_reference_fetch(r->reference, ids, (int)n, places);
    for (size_t i = 0; i < n; i++)
        memcpy(r->blocks[i / SK_BONDED_BLOCK].place[i % SK_BONDED_BLOCK], places[i], sizeof *places);
    sk_free(&ids);
    sk_free(&places);
}

static void compute(const struct sk_restraint_block *from, const struct sk_atoms *atoms, const struct sk_box *box,
                    struct sk_bonded_block *block)
{
    block->n = from->n;
    block->p = from->k;
    for (int l = 0; l < from->n; l++) {
        double d[3];
        sk_box_difference(box, atoms->x[from->atom[0][l]], from->place[l], d);
        for (int k = 0; k < 3; k++)
            block->d[0][k][l] = d[k];
    }
    sk_bonded_position(block);
}

void sk_restraints_run(const struct sk_restraints *r, const struct sk_atoms *atoms, const struct sk_box *box,
                       int64_t (*total)[3])
{
    for (int b = 0; b < r->nblocks; b++) {
        struct sk_bonded_block block;
        int64_t rounded[1][3][SK_BONDED_BLOCK];
        compute(&r->blocks[b], atoms, box, &block);
        sk_bonded_round(&block, 1, r->scale, rounded); /* finite: distances are at most half the box */
        sk_bonded_scatter(block.n, 1, rounded, (const int32_t(*)[SK_BONDED_BLOCK])r->blocks[b].atom, total);
    }
}

bool sk_restraints_measure(const struct sk_restraints *r, const struct sk_atoms *atoms, const struct sk_box *box,
                           sk_int128 *energy, sk_int128 virial[3])
{
    bool is_good = true;
    for (int b = 0; b < r->nblocks; b++) {
        struct sk_bonded_block block;
        int64_t e[2] = {0, 0}, w[3] = {0, 0, 0};
        compute(&r->blocks[b], atoms, box, &block);
        is_good &= sk_bonded_sum(&block, 1, 1, SK_ENERGY_SCALE, e, w) < 0;
        *energy += e[0];
        for (int k = 0; k < 3; k++)
            virial[k] += w[k];
    }
    return is_good;
}

size_t sk_restraints_memory(const struct sk_restraints *r)
{
    return r->capacity * sizeof *r->blocks;
}
