/* List: which i-clusters meet which packs. Two lists: interior (owned against owned; needs no ghost) and boundary (the
 * rest), each in an outer form that holds every pair within the list radius, and an inner form pruned from it.
 * A tile's mask holds the pairs that this rank computes: each pair of atoms and image once over all ranks (corner-cell
 * rule), exclusions taken out. Owns entries and tiles. Not here: when it is valid (force). */
#ifndef SK_NEIGH_LIST_H
#define SK_NEIGH_LIST_H

#include "model/topology.h"
#include "neigh/clusters.h"

struct sk_tile_list {
    struct sk_ientry *entries;
    struct sk_tile *tiles;
    int nentries, ntiles;
    size_t entries_capacity, tiles_capacity;
};

enum sk_list_part { SK_LIST_INTERIOR, SK_LIST_BOUNDARY, SK_LIST_PARTS };

struct sk_list {
    struct sk_tile_list outer[SK_LIST_PARTS], inner[SK_LIST_PARTS];
    struct sk_list_scratch *scratch;
};

/* What building needs to know of the domain and the molecules. */
struct sk_list_context {
    const struct sk_clusters *clusters;
    struct sk_cells *cells;
    const struct sk_atoms *atoms;
    const struct sk_topology *top;
    double radius;  /* list radius */
    double edge[3]; /* of the kernel grid, length units */
    sk_near_kernel *near;
};

void sk_list_init(struct sk_list *list);
void sk_list_clear(struct sk_list *list);
/* Local. Fills outer; inner is emptied. */
void sk_list_build(struct sk_list *list, const struct sk_list_context *context);
/* Local. inner[part] = the tiles of outer[part] with a pair closer than radius at the packs' present coordinates. */
void sk_list_prune(struct sk_list *list, enum sk_list_part part, const struct sk_packs *packs, sk_prune_kernel *prune,
                   float r2_scale, float radius2, const struct sk_shifts *shifts);
struct sk_tiles sk_list_tiles(const struct sk_tile_list *list);
size_t sk_list_memory(const struct sk_list *list);

#endif
