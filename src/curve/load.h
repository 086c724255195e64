/* Load: how much work belongs to each cell, estimated from the number of atoms in it and around it.
 * A pair of atoms is the work of its corner cell: the componentwise minimum of the two cells, as in the engine
 * (domain/cells.h). Owns nothing. Not here: sharing the work out (plan.h), measured work (domain/balance.h). */
#ifndef SK_CURVE_LOAD_H
#define SK_CURVE_LOAD_H

#include <stdint.h>

/* What a step costs, in any unit. */
struct sk_cost {
    double pair; /* of two atoms within the list radius */
    double atom, cell;
};
/* An atom costs as much as 20 pairs in a Lennard-Jones melt and as 100 in rigid water (constraints). */
struct sk_cost sk_cost_default(void);

/* pairs[n0 n1 n2], x fastest: 16 times the expected number of pairs within the radius whose corner is the cell, were
 * atoms[] spread evenly within their cells. edge[3]: of a cell, in the unit of the radius. Every pair of images counts
 * once; images farther than half the grid are not told apart. O(atoms' cells x (radius / edge)^3). Local. */
void sk_load_pairs(const int32_t n[3], const double edge[3], double radius, const int32_t *atoms, int64_t *pairs);
/* The same for the tiles in which the pair kernel computes these pairs: eight atoms by four, of which few are within
 * the radius where atoms are few. Of p pairs an atom, about 0.7 + 1.55 p^0.42 share a tile (measured between 0.7 and
 * 200). */
void sk_load_tiles(const int32_t n[3], const double edge[3], double radius, const int32_t *atoms, int64_t *tiles);
/* weight[i] = cost of 1/16 pairs[i], of atoms[i] and of the cell, x 16, at least 0. weight may be pairs. */
void sk_load_weigh(int64_t cells, const int64_t *pairs, const int32_t *atoms, const struct sk_cost *cost,
                   int64_t *weight);

#endif
