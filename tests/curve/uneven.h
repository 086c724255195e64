/* Shares to try plans on: random ones, and unevenly filled boxes as the design notes of the project have them. */
#ifndef SK_TESTS_CURVE_UNEVEN_H
#define SK_TESTS_CURVE_UNEVEN_H

#include <math.h>

#include "curve/count.h"
#include "curve/plan.h"
#include "reference.h"

static inline int32_t *owners_of(const struct sk_share *share, enum sk_scheme scheme, int turn)
{
    int32_t *owner = malloc((size_t)cells_in(share->n) * sizeof *owner);
    struct sk_plan plan;
    sk_plan_make(&plan, share, scheme, turn);
    sk_plan_owners(&plan, owner);
    sk_plan_clear(&plan);
    return owner;
}

static inline void summarize(const struct sk_share *share, const int32_t *owner, struct sk_count_summary *summary)
{
    struct sk_count count;
    struct sk_stencil shell = sk_stencil_shell();
    sk_count_make(&count, share->n, share->nranks, owner, share->weight, share->atoms, &shell);
    sk_count_summarize(&count, 0, summary);
    sk_count_clear(&count);
}

static inline struct sk_share random_share(int most)
{
    struct sk_share share = {.nranks = 1 + (int)(random_u32() % 30)};
    for (int k = 0; k < 3; k++)
        share.n[k] = 1 + (int32_t)(random_u32() % (unsigned)most);
    int64_t cells = cells_in(share.n);
    int64_t *weight = malloc((size_t)cells * sizeof *weight);
    int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
    uint32_t zeros = random_u32() % 4;
    for (int64_t c = 0; c < cells; c++) {
        weight[c] = random_u32() % 4 < zeros ? 0 : random_u32() % 1000;
        atoms[c] = (int32_t)(random_u32() % 20);
    }
    share.weight = weight;
    share.atoms = atoms;
    share.slack = random_u32() % 3 * 0.05;
    return share;
}

static inline void clear_share(struct sk_share *share)
{
    free((void *)share->weight);
    free((void *)share->atoms);
}

/* Liquid of 17.6 atoms per cell of the list radius in vapour of a hundredth of it, in a cube of 32 such cells with each
 * edge divided by `fine`: 0 a slab across z, 1 a droplet, 2 thirty droplets. Weights are pairs: the atoms of a cell
 * times those within the list radius. The caller clears the share. */
static inline struct sk_share uneven_share(int kind, int fine, int nranks)
{
    const int32_t n = 32 * fine;
    int64_t cells = (int64_t)n * n * n;
    double centre[30][4], density = 17.6 / (fine * fine * fine);
    for (int j = 0; j < 30; j++)
        for (int k = 0; k < 4; k++)
            centre[j][k] = k < 3 ? random_u32() % 32000 / 1000.0 : 2.0 + random_u32() % 2000 / 1000.0;
    int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
    int64_t *weight = malloc((size_t)cells * sizeof *weight);
    for (int64_t c = 0; c < cells; c++) {
        double at[3] = {(c % n + 0.5) / fine, (c / n % n + 0.5) / fine, (c / n / n + 0.5) / fine},
               mean = density / 100.0;
        for (int j = 0; j < (kind == 2 ? 30 : 1); j++) {
            double square = 0.0;
            for (int k = kind == 0 ? 2 : 0; k < 3; k++) {
                double d = fabs(at[k] - (kind == 2 ? centre[j][k] : 16.0));
                d = d > 16.0 ? 32.0 - d : d;
                square += d * d;
            }
            double radius = kind == 0 ? 5.3 : kind == 1 ? 10.0 : centre[j][3];
            mean = square < radius * radius ? density : mean;
        }
        double spread = mean > 1.0 ? sqrt(mean) * (random_u32() % 1000 / 1000.0 - 0.5) : 0.0;
        atoms[c] = (int32_t)floor(mean + spread + random_u32() % 1000 / 1000.0);
    }
    for (int64_t c = 0; c < cells; c++) {
        int64_t around = 0;
        for (int32_t dz = -fine; dz <= fine && atoms[c]; dz++)
            for (int32_t dy = -fine; dy <= fine; dy++)
                for (int32_t dx = -fine; dx <= fine; dx++)
                    around += atoms[modulo((int32_t)(c % n) + dx, n) + n * (modulo((int32_t)(c / n % n) + dy, n) +
                                                                            n * modulo((int32_t)(c / n / n) + dz, n))];
        weight[c] = atoms[c] * around;
    }
    return (struct sk_share){{n, n, n}, nranks, weight, atoms, 0.0, NULL};
}

#endif
