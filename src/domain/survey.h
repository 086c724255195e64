/* Survey: what rank 0 knows of the whole system when it shares it out: atoms, tiles and work of every cell.
 * Above SK_SURVEY_CELLS cells these are of blocks of cells, so that nothing grows with the system. Owns its arrays,
 * which are NULL on other ranks. Not here: plans (balance.h), estimates (curve/load.h). */
#ifndef SK_DOMAIN_SURVEY_H
#define SK_DOMAIN_SURVEY_H

#include "curve/count.h"
#include "curve/load.h"
#include "domain/cells.h"
#include "model/atoms.h"

#define SK_SURVEY_CELLS (1 << 18) /* or 64 for each rank, if that is more */

struct sk_survey {
    int32_t n[3], block[3]; /* blocks, and cells on an edge of one; on every rank */
    int64_t cells;
    int32_t *atoms;            /* [cells] of groups whose anchors are there */
    int64_t *tiles, *weight;   /* [cells] whose corner is there (sk_load_tiles); what they and the atoms cost */
    struct sk_stencil stencil; /* what the owner of a cell imports */
};

/* Collective. Atoms only. */
void sk_survey_count(struct sk_survey *survey, struct sk_comm *comm, const struct sk_cells *cells,
                     const struct sk_atoms *atoms);
/* Collective. All of it; radius: within which pairs are work, length units. */
void sk_survey_make(struct sk_survey *survey, struct sk_comm *comm, const struct sk_cells *cells,
                    const struct sk_atoms *atoms, const struct sk_box *box, double radius, const struct sk_cost *cost);
/* Collective. Tiles and weights as ranks have measured their sums under the present plan: work and tiles of this rank.
 */
void sk_survey_correct(struct sk_survey *survey, struct sk_comm *comm, const struct sk_cells *cells, double work,
                       double tiles);
void sk_survey_clear(struct sk_survey *survey);

/* Rank 0. Largest sum of a value of cells over a rank's, over the mean; atoms that all ranks import. */
double sk_survey_largest(const struct sk_survey *survey, const struct sk_plan *plan, const int64_t *value);
int64_t sk_survey_ghosts(const struct sk_survey *survey, const struct sk_plan *plan);

#endif
