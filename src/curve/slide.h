/* Slide: moves the cuts of a curve, within a cap on the load, to where the parts have fewer ghosts.
 * The ghosts of a part (distinct foreign cells among the 26 periodic neighbours of its cells) depend on its own two
 * cuts only, whoever owns the rest; so the sum over parts is a sum along the chain. Borrows all arrays.
 * Not here: the first cut (chain.h), counting a whole partition (count.h). */
#ifndef SK_CURVE_SLIDE_H
#define SK_CURVE_SLIDE_H

#include <stdint.h>

struct sk_slide {
    int32_t n[3];
    const int32_t *cells;  /* [n0 n1 n2]: cells in the order of the curve */
    const int64_t *prefix; /* [n0 n1 n2 + 1]: weight before a place of the curve, or NULL: every cell weighs 1 */
    const int32_t *value;  /* [n0 n1 n2], by cell: what a ghost costs (its atoms), or NULL: 1 */
    int parts;
    int64_t cap; /* a part's weight stays at most this, or what it is already */
};

/* Moves cut[parts + 1] so that the summed value of ghosts falls; never raises it. Grids of up to SK_SLIDE_FEW cells:
 * the best choice among places an eighth of the slack apart, by a shortest path over all cuts at once. Then (and on
 * larger grids only) each cut goes to its best place between its neighbours, until that gains less than half a per
 * cent. Returns the sum. About 13 and at most 4 passes over the cells. Local. */
int64_t sk_slide_cuts(const struct sk_slide *slide, int64_t *cut);

#define SK_SLIDE_FEW 4000000

#endif
