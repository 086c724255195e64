#include "domain/survey.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/sort.h"

#define RATE_MOST 3.0 /* no rank's measurement is trusted further */

/* The smallest blocks of cells of which there are few enough. */
static void survey_grid(struct sk_survey *s, const struct sk_cells *cells)
{
    int64_t most = 64 * (int64_t)cells->nranks > SK_SURVEY_CELLS ? 64 * (int64_t)cells->nranks : SK_SURVEY_CELLS;
    for (int k = 0; k < 3; k++) {
        s->block[k] = 1;
        s->n[k] = cells->n[k];
    }
    while ((s->cells = (int64_t)s->n[0] * s->n[1] * s->n[2]) > most) {
        int k = s->n[0] >= s->n[1] && s->n[0] >= s->n[2] ? 0 : s->n[1] >= s->n[2] ? 1 : 2;
        s->block[k]++;
        s->n[k] = (cells->n[k] + s->block[k] - 1) / s->block[k];
    }
}

struct held {
    int64_t cell, atoms;
};

/* Atoms in the blocks where groups of this rank have their anchors; returns how many blocks. */
static int count_held(const struct sk_survey *s, const struct sk_cells *cells, const struct sk_atoms *atoms,
                      struct held **held)
{
    struct sk_keyed *item = sk_alloc((size_t)atoms->n + 1, sizeof *item),
                    *scratch = sk_alloc((size_t)atoms->n + 1, sizeof *scratch);
    int n = 0, blocks = 0;
    for (int i = 0; i < atoms->n; i += atoms->group_size[i]) {
        int32_t at[3];
        for (int k = 0; k < 3; k++)
            at[k] = sk_frac_to_cell(atoms->x[i][k], cells->n[k]) / s->block[k];
        item[n++] = (struct sk_keyed){(uint64_t)(at[0] + s->n[0] * (at[1] + (int64_t)s->n[1] * at[2])),
                                      atoms->group_size[i]};
    }
    sk_sort_keyed(item, scratch, n);
    *held = sk_alloc((size_t)n + 1, sizeof **held);
    for (int i = 0; i < n; i++) {
        if (blocks == 0 || (*held)[blocks - 1].cell != (int64_t)item[i].key)
            (*held)[blocks++] = (struct held){(int64_t)item[i].key, 0};
        (*held)[blocks - 1].atoms += item[i].value;
    }
    sk_free(&scratch);
    sk_free(&item);
    return blocks;
}

void sk_survey_count(struct sk_survey *s, struct sk_comm *comm, const struct sk_cells *cells,
                     const struct sk_atoms *atoms)
{
    *s = (struct sk_survey){0};
    survey_grid(s, cells);
    struct held *held;
    int blocks = count_held(s, cells, atoms, &held);
    struct sk_parcel parcel = {0, (size_t)blocks * sizeof *held, (unsigned char *)held};
    struct sk_receipt receipt;
    sk_comm_exchange(comm, &parcel, 1, &receipt);
    sk_free(&held);
    if (sk_comm_rank(comm) == 0)
        s->atoms = sk_calloc((size_t)s->cells, sizeof *s->atoms);
    for (int p = 0; p < receipt.count; p++)
        for (size_t at = 0; at < receipt.parcels[p].length; at += sizeof *held) {
            struct held h;
            memcpy(&h, receipt.parcels[p].bytes + at, sizeof h);
            s->atoms[h.cell] += (int32_t)h.atoms;
        }
    sk_receipt_clear(&receipt);
}

void sk_survey_make(struct sk_survey *s, struct sk_comm *comm, const struct sk_cells *cells,
                    const struct sk_atoms *atoms, const struct sk_box *box, double radius, const struct sk_cost *cost)
{
    sk_survey_count(s, comm, cells, atoms);
    if (sk_comm_rank(comm) != 0)
        return;
    double edge[3]; /* of a rectangular block with the same distances between faces */
    int32_t reach[3];
    sk_box_widths(box, edge);
    for (int k = 0; k < 3; k++) {
        edge[k] *= (double)s->block[k] / cells->n[k];
        double far = floor(radius / edge[k]) + 1;
        reach[k] = far < s->n[k] ? (int32_t)far : s->n[k] - 1;
    }
    s->stencil = sk_stencil_corner(reach);
    s->tiles = sk_alloc((size_t)s->cells, sizeof *s->tiles);
    s->weight = sk_alloc((size_t)s->cells, sizeof *s->weight);
    sk_load_tiles(s->n, edge, radius, s->atoms, s->tiles);
    sk_load_weigh(s->cells, s->tiles, s->atoms, cost, s->weight);
}

void sk_survey_clear(struct sk_survey *s)
{
    sk_free(&s->atoms);
    sk_free(&s->tiles);
    sk_free(&s->weight);
}

double sk_survey_largest(const struct sk_survey *s, const struct sk_plan *plan, const int64_t *value)
{
    int64_t *sum = sk_calloc((size_t)plan->nranks, sizeof *sum), largest = 0, total = 0, *at = NULL;
    int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
    sk_plan_owners(plan, owner);
    for (int64_t i = 0; i < s->cells; i++) {
        at = &sum[owner[i]];
        *at += value[i];
        total += value[i];
        largest = *at > largest ? *at : largest;
    }
    sk_free(&owner);
    sk_free(&sum);
    return total > 0 ? (double)largest * plan->nranks / (double)total : 1;
}

int64_t sk_survey_ghosts(const struct sk_survey *s, const struct sk_plan *plan)
{
    struct sk_count count;
    struct sk_count_summary summary;
    int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
    sk_plan_owners(plan, owner);
    sk_count_make(&count, s->n, plan->nranks, owner, s->weight, s->atoms, &s->stencil);
    sk_count_summarize(&count, 0, &summary);
    sk_count_clear(&count);
    sk_free(&owner);
    return summary.ghost_atoms;
}

/* Rank 0. Multiplies each cell's value by what its owner measured over what the cells of that rank sum to; both sums
 * over all ranks count as equal. */
static void correct(const struct sk_survey *s, const int32_t *owner, int nranks, const double *measured, int64_t *value)
{
    double *rate = sk_calloc((size_t)nranks, sizeof *rate), all = 0, modelled = 0;
    for (int64_t i = 0; i < s->cells; i++)
        rate[owner[i]] += (double)value[i];
    for (int r = 0; r < nranks; r++) {
        all += measured[r];
        modelled += rate[r];
    }
    for (int r = 0; r < nranks; r++) {
        rate[r] = rate[r] > 0 && all > 0 ? measured[r] / all * modelled / rate[r] : 1;
        rate[r] = rate[r] > RATE_MOST ? RATE_MOST : rate[r] < 1 / RATE_MOST ? 1 / RATE_MOST : rate[r];
    }
    for (int64_t i = 0; i < s->cells; i++)
        value[i] = (int64_t)floor((double)value[i] * rate[owner[i]] + 0.5);
    sk_free(&rate);
}

void sk_survey_correct(struct sk_survey *s, struct sk_comm *comm, const struct sk_cells *cells, double work,
                       double tiles)
{
    int nranks = cells->nranks;
    double *works = sk_alloc((size_t)nranks, sizeof *works), *all_tiles = sk_alloc((size_t)nranks, sizeof *all_tiles);
    sk_comm_gather(comm, &work, sizeof work, works, 0);
    sk_comm_gather(comm, &tiles, sizeof tiles, all_tiles, 0);
    if (sk_comm_rank(comm) == 0) {
        int32_t *owner = sk_alloc((size_t)s->cells, sizeof *owner);
        sk_plan_owners(&cells->plan, owner);
        correct(s, owner, nranks, works, s->weight);
        correct(s, owner, nranks, all_tiles, s->tiles);
        sk_free(&owner);
    }
    sk_free(&all_tiles);
    sk_free(&works);
}
