/* Shares to try plans on: random ones, and unevenly filled boxes as the design notes of the project have them. */
#ifndef SK_TESTS_CURVE_UNEVEN_H
#define SK_TESTS_CURVE_UNEVEN_H

#include <math.h>

#include "curve/chain.h"
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

/* Swaps the axis of a cubic share and z, a slab is across the axis then, and shifts all periodically. */
static inline void move_share(struct sk_share *share, int axis, const int32_t shift[3])
{
    const int32_t n = share->n[0];
    int64_t cells = cells_in(share->n), *weight = malloc((size_t)cells * sizeof *weight);
    int32_t *atoms = malloc((size_t)cells * sizeof *atoms);
    for (int32_t c = 0; c < cells; c++) {
        int32_t at[3] = {c % n, c / n % n, c / n / n}, z = at[2];
        at[2] = at[axis];
        at[axis] = z;
        int32_t to = modulo(at[0] + shift[0], n) + n * (modulo(at[1] + shift[1], n) + n * modulo(at[2] + shift[2], n));
        weight[to] = share->weight[c];
        atoms[to] = share->atoms[c];
    }
    clear_share(share);
    share->weight = weight;
    share->atoms = atoms;
}

/* Exact cuts along Skilling's curve of a cube of 2^bits: what the design notes call Hilbert. */
static inline int32_t *skilling_owners(const struct sk_share *share, int bits)
{
    int64_t cells = cells_in(share->n), *prefix = malloc((size_t)(cells + 1) * sizeof *prefix);
    int64_t *cut = malloc(((size_t)share->nranks + 1) * sizeof *cut);
    int32_t *order = malloc((size_t)cells * sizeof *order), *owner = malloc((size_t)cells * sizeof *owner);
    skilling_cells(bits, order);
    prefix[0] = 0;
    for (int64_t i = 0; i < cells; i++)
        prefix[i + 1] = prefix[i] + (share->weight ? share->weight[order[i]] : 1);
    sk_chain_cut(prefix, cells, share->nranks, cut);
    for (int p = 0; p < share->nranks; p++)
        for (int64_t i = cut[p]; i < cut[p + 1]; i++)
            owner[order[i]] = p;
    free(order);
    free(cut);
    free(prefix);
    return owner;
}

/* Ghost atoms of a rank in the mean as the design notes count them: foreign atoms no farther from a cell of the rank
 * than the edge of a cell. The atoms are at random places in their cells, the same ones for every map of owners. */
static inline double ghosts_within_edge(const struct sk_share *share, const int32_t *owner)
{
    const int32_t *n = share->n;
    uint64_t seed = 12345;
    int64_t ghosts = 0;
    for (int32_t c = 0; c < cells_in(n); c++)
        for (int32_t i = 0; i < share->atoms[c]; i++) {
            double place[3];
            int32_t needs[27], count = 0;
            for (int k = 0; k < 3; k++) {
                seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                place[k] = (double)(seed >> 33) / 2147483648.0;
            }
            for (int k = 0; k < 27; k++) {
                int32_t step[3] = {k % 3 - 1, k / 3 % 3 - 1, k / 9 - 1};
                double square = 0.0;
                for (int a = 0; a < 3; a++) {
                    double gap = step[a] < 0 ? place[a] : step[a] > 0 ? 1.0 - place[a] : 0.0;
                    square += gap * gap;
                }
                int32_t rank =
                    owner[modulo(c % n[0] + step[0], n[0]) + n[0] * (modulo(c / n[0] % n[1] + step[1], n[1]) +
                                                                     n[1] * modulo(c / n[0] / n[1] + step[2], n[2]))];
                bool is_new = square <= 1.0 && rank != owner[c];
                for (int j = 0; j < count; j++)
                    is_new &= needs[j] != rank;
                if (is_new)
                    needs[count++] = rank;
            }
            ghosts += count;
        }
    return (double)ghosts / share->nranks;
}

enum { WHOLE_CELLS, WITHIN_EDGE, DEFINITIONS }; /* of a ghost: the engine's, and that of the design notes */

static inline void count_ghosts(const struct sk_share *share, const int32_t *owner, double ghosts[DEFINITIONS])
{
    struct sk_count_summary summary;
    summarize(share, owner, &summary);
    ghosts[WHOLE_CELLS] = summary.ghost_atoms_mean;
    ghosts[WITHIN_EDGE] = ghosts_within_edge(share, owner);
}

/* Ghosts along a plain Hilbert curve with exact cuts, Skilling's or this engine's, in the mean of 16 places of what is
 * in the box (a cube of 32 cells), a third of them across each axis: a slab may have a fifth more or less. */
static inline void count_plain_hilbert(const struct sk_share *share, bool is_skilling, double ghosts[DEFINITIONS])
{
    const int places = 16;
    size_t cells = (size_t)cells_in(share->n);
    ghosts[WHOLE_CELLS] = ghosts[WITHIN_EDGE] = 0.0;
    for (int j = 0; j < places; j++) {
        struct sk_share moved = *share;
        int64_t *weight = malloc(cells * sizeof *weight);
        int32_t *atoms = malloc(cells * sizeof *atoms);
        double counted[DEFINITIONS];
        moved.weight = memcpy(weight, share->weight, cells * sizeof *weight);
        moved.atoms = memcpy(atoms, share->atoms, cells * sizeof *atoms);
        moved.slack = 0.0;
        move_share(&moved, j % 3, (const int32_t[3]){2 * j, 2 * j, 2 * j});
        int32_t *owner = is_skilling ? skilling_owners(&moved, 5) : owners_of(&moved, SK_SCHEME_HILBERT, 0);
        count_ghosts(&moved, owner, counted);
        ghosts[WHOLE_CELLS] += counted[WHOLE_CELLS] / places;
        ghosts[WITHIN_EDGE] += counted[WITHIN_EDGE] / places;
        free(owner);
        clear_share(&moved);
    }
}

#endif
