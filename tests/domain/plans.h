/* Plans: who owns which cells, drawn at random, so that what is proved does not hang on good plans: every scheme and
 * turn, blocks of cells, even weights, few heavy cells, all weight on one cell (most ranks get nothing) and fewer cells
 * than ranks. The same on all ranks. */
#ifndef SK_TESTS_DOMAIN_PLANS_H
#define SK_TESTS_DOMAIN_PLANS_H

#include "par/mixer.h"

#include "base/hash.h"
#include "base/memory.h"
#include "domain/cells.h"

static inline int64_t plans_weight(uint64_t kind, uint64_t heavy, uint64_t draw, int64_t cell)
{
    switch (kind) {
    case 0: return 1 + (int64_t)(draw % 3);
    case 1: return cell == (int64_t)heavy;
    default: return draw % 13 ? 1 : 500;
    }
}

/* Gives the cells a plan. */
static inline void plans_draw(struct sk_cells *cells, uint64_t seed)
{
    struct sk_share share = {.nranks = cells->nranks};
    struct sk_plan plan;
    int32_t block[3];
    int64_t ncells = 1;
    bool has_blocks = mix4(seed, 50, 0, 0) % 3 == 0;
    for (int k = 0; k < 3; k++) {
        block[k] = has_blocks ? 1 + (int32_t)(mix4(seed, 51, (uint64_t)k, 0) % 3) : 1;
        share.n[k] = (cells->n[k] + block[k] - 1) / block[k];
        ncells *= share.n[k];
    }
    int64_t *weight = sk_alloc((size_t)ncells, sizeof *weight);
    uint64_t kind = mix4(seed, 52, 0, 0) % 4, heavy = mix4(seed, 53, 0, 0) % (uint64_t)ncells;
    for (int64_t c = 0; c < ncells; c++)
        weight[c] = plans_weight(kind, heavy, mix4(seed, 54, (uint64_t)c, 0), c);
    share.weight = weight;
    share.slack = mix4(seed, 55, 0, 0) % 2 ? 0.05 : 0;
    uint64_t draw = mix4(seed, 56, 0, 0) % 10; /* power diagrams are rare, for they take a hundred times as long */
    sk_plan_make(&plan, &share, draw == 9 ? SK_SCHEME_POWER : (enum sk_scheme)(draw % 3),
                 (int)(mix4(seed, 57, 0, 0) % SK_CURVE_TURNS));
    sk_cells_set_plan(cells, &plan, block);
    sk_free(&weight);
}

/* Of all that decides who owns a cell, and of the owners. */
static inline int64_t plans_hash(const struct sk_cells *cells)
{
    const struct sk_plan *plan = &cells->plan;
    size_t ncells = (size_t)plan->n[0] * (size_t)plan->n[1] * (size_t)plan->n[2];
    int32_t *owner = sk_alloc(ncells, sizeof *owner);
    const int32_t head[] = {(int32_t)plan->scheme, plan->turn,      plan->nranks,    cells->n[0],    cells->n[1],
                            cells->n[2],           cells->block[0], cells->block[1], cells->block[2]};
    sk_plan_owners(plan, owner);
    uint64_t hash = sk_hash(owner, ncells * sizeof *owner) + 3 * sk_hash(head, sizeof head);
    sk_free(&owner);
    return (int64_t)hash;
}

#endif
