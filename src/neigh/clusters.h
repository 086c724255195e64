/* Clusters: packs of eight nearby atoms, owned packs first, then ghost packs, and a tree of bounding boxes over them.
 * Nothing that a run computes depends on which atoms share a pack. Owns packs and trees; rebuilt as a whole.
 * Not here: which packs interact (list.h). */
#ifndef SK_NEIGH_CLUSTERS_H
#define SK_NEIGH_CLUSTERS_H

#include <stdbool.h>

#include "domain/halo.h"
#include "kernel/pair.h"

/* Per kind of atom: what the kernel wants in its lanes. */
struct sk_lane {
    float q, lj[2];
    int32_t type;
    double charge;
    bool has_lj;
};

/* level[0] has the boxes of packs, SK_BRANCH to an element; level[l + 1] those of the elements of level[l]. */
struct sk_tree {
    int nlevels;
    int count[16]; /* elements of each level */
    struct sk_boxes *level[16];
    size_t capacity[16];
    float lo[3], hi[3];
};

/* The cells that the atoms of a pack live in. */
struct sk_pack_cells {
    int32_t n;
    bool is_deep; /* every pair with one of these atoms is this rank's */
    int32_t cell[SK_PACK][3];
    uint8_t lanes[SK_PACK];
};

/* The range of cells of an element of level 0 (SK_BRANCH packs). */
struct sk_cell_range {
    int32_t lo[3], hi[3];
    bool is_deep; /* all packs are */
};

struct sk_clusters {
    int nowned, nghosts; /* atoms */
    int owned_packs;     /* packs [0, owned_packs) are owned, the rest ghosts */
    struct sk_packs packs;
    int32_t *reference;          /* [packs.n][3][8] kernel coordinates at the last prune (force owns its meaning) */
    int32_t *atom;               /* [packs.n * 8] local atom (ghost g is nowned + g), or -1 */
    int32_t *slot;               /* [nowned + nghosts] 8 * pack + lane */
    uint8_t *lanes;              /* [packs.n] bit l: lane l has an atom */
    uint8_t *lj_lanes;           /* [packs.n] bit l: with Lennard-Jones parameters */
    struct sk_boxes *half_boxes; /* [ceil(packs.n / 4)]: the boxes of i-clusters, 8 to an element */
    struct sk_pack_cells *cells; /* [packs.n] filled when there are several ranks */
    struct sk_cell_range *owned_range, *ghost_range; /* [elements of level 0] likewise */
    size_t pack_capacity, slot_capacity, owned_range_capacity, ghost_range_capacity;
    struct sk_tree owned, ghosts; /* pack p of ghosts is at p - owned_packs */
    struct cluster_item *items;   /* scratch */
    size_t items_capacity;
    double (*place)[3]; /* [nowned + nghosts] unwrapped places at the build */
    size_t place_capacity;
};

void sk_clusters_init(struct sk_clusters *clusters);
void sk_clusters_clear(struct sk_clusters *clusters);
/* Local. grid[nowned + nghosts][3]: kernel coordinates (low 32 bits) of owned atoms and ghosts; lanes[kind]. */
void sk_clusters_build(struct sk_clusters *clusters, struct sk_cells *cells, const struct sk_home *home,
                       const struct sk_atoms *atoms, const struct sk_halo *halo, const int32_t (*grid)[3],
                       const struct sk_box_grid *box_grid, double quantum, const struct sk_lane *lanes);
/* Bytes held. */
size_t sk_clusters_memory(const struct sk_clusters *clusters);

#endif
