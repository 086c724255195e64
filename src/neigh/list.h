/* List: which i-clusters meet which packs. Two lists: interior (owned against owned; needs no ghost) and boundary (the
 * rest), each in an outer form that holds every pair within the list radius, and an inner form pruned from it.
 * A tile's mask holds the pairs that this rank computes: each pair of atoms and image once over all ranks (corner-cell
 * rule), exclusions taken out: two atoms that the topology excludes from each other are in no tile, in any image. What
 * is taken out is listed, for excluded pairs feel a reaction field: each once over all ranks, as other pairs.
 * Owns entries, tiles and excluded pairs. Not here: when it is valid (force). */
#ifndef SK_NEIGH_LIST_H
#define SK_NEIGH_LIST_H

#include "model/topology.h"
#include "neigh/clusters.h"
#include "neigh/partners.h"

struct sk_tile_list {
    struct sk_ientry *entries;
    struct sk_tile *tiles;
    int nentries, ntiles;
    size_t entries_capacity, tiles_capacity;
};

/* Two charged atoms that do not interact directly, in the image that was within the list radius. */
struct sk_excluded_pair {
    int32_t i, j;  /* lanes: SK_PACK * pack + lane */
    int32_t shift; /* of the i side */
    double qq;     /* product of the charges, e^2 */
};

struct sk_excluded_list {
    struct sk_excluded_pair *pairs;
    int n;
    size_t capacity;
};

enum sk_list_part { SK_LIST_INTERIOR, SK_LIST_BOUNDARY, SK_LIST_PARTS };

struct sk_list {
    struct sk_tile_list outer[SK_LIST_PARTS], inner[SK_LIST_PARTS];
    struct sk_excluded_list excluded[SK_LIST_PARTS];
    struct sk_partners partners;
    struct sk_list_scratch *scratch;
};

/* What building needs to know of the domain and the molecules. */
struct sk_list_context {
    const struct sk_clusters *clusters;
    struct sk_cells *cells;
    const struct sk_atoms *atoms;
    const sk_gid *ghost_id; /* [clusters->nghosts] */
    const struct sk_topology *top;
    double radius;              /* list radius */
    double shift[SK_SHIFTS][3]; /* periodic shifts of the kernel's box, length units */
    sk_near_kernel *near;
    bool wants_excluded; /* list the excluded pairs */
};

/* The topology must be finished and stay. */
void sk_list_init(struct sk_list *list, const struct sk_topology *top);
void sk_list_clear(struct sk_list *list);
/* Local. Fills outer and excluded; inner is emptied. */
void sk_list_build(struct sk_list *list, const struct sk_list_context *context);
/* Local. Takes the tiles out of outer that have no pair within the limit (kernel/pair.h: sk_prune_limit2) at the packs'
 * present coordinates: building goes by boxes and leaves many. After building, before the first prune. */
void sk_list_trim(struct sk_list *list, const struct sk_packs *packs, sk_prune_kernel *prune, int32_t limit2,
                  const struct sk_shifts *shifts);
/* Local. inner[part] = the tiles of outer[part] with a pair within the limit at the packs' present coordinates. */
void sk_list_prune(struct sk_list *list, enum sk_list_part part, const struct sk_packs *packs, sk_prune_kernel *prune,
                   int32_t limit2, const struct sk_shifts *shifts);
struct sk_tiles sk_list_tiles(const struct sk_tile_list *list);
size_t sk_list_memory(const struct sk_list *list);

#endif
