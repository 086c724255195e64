/* Bondgraph: exclusions from the graph of a molecule's bonds, for all readers.
 * Owns a list of pairs. Not here: which bonds count (the readers), groups and symmetry (model/topology.h). */
#ifndef SK_READ_BONDGRAPH_H
#define SK_READ_BONDGRAPH_H

#include <stdbool.h>
#include <stddef.h>

#include "model/topology.h"

/* Pairs of places. */
struct sk_place_pairs {
    int (*pair)[2]; /* [n] */
    size_t n, capacity;
};
#define SK_PLACE_PAIRS_MAX ((size_t)1 << 29)

void sk_place_pairs_add(struct sk_place_pairs *pairs, int i, int j);
void sk_place_pairs_clear(struct sk_place_pairs *pairs);

/* Adds to *found each pair i < j whose shortest path in the graph of `bonds` has d bonds, d <= depth, and
 * is_excluded[d - 1] (NULL: all). Places must be below natoms. False if there are too many for a template. Local. */
bool sk_bondgraph_exclude(int natoms, const struct sk_place_pairs *bonds, int depth, const bool *is_excluded,
                          struct sk_place_pairs *found);
/* Sets the exclusions of a template that has none to these pairs, one direction of each, for sk_moltype_finish to
 * complete. */
void sk_bondgraph_set(const struct sk_place_pairs *pairs, struct sk_moltype *type);

#endif
