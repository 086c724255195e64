/* Count: what a partition costs, from the map of owners alone.
 * A ghost of a rank is a cell of another rank within a stencil of one of its own cells, counted once. Two stencils:
 * the 26 periodic neighbours (cells with the list radius as edge), and the engine's corner rule. Owns what it fills.
 * Not here: who owns what (plan.h), times and bytes (they need a model). */
#ifndef SK_CURVE_COUNT_H
#define SK_CURVE_COUNT_H

#include <stdint.h>

/* Foreign cell B is a ghost of the owner of every cell c with low <= B - c <= high on each axis, periodically. */
struct sk_stencil {
    int32_t low[3], high[3]; /* low <= 0 <= high */
};
/* -1 .. 1 on each axis: the design's ghosts. */
struct sk_stencil sk_stencil_shell(void);
/* 0 .. reach: what the engine imports, for c is the corner of a pair (domain/cells.h, sk_cells_plan). */
struct sk_stencil sk_stencil_corner(const int32_t reach[3]);

struct sk_rank_count {
    int64_t cells, weight, atoms;
    int64_t ghosts, ghost_atoms; /* foreign cells received, and the atoms in them */
    int64_t sent, sent_atoms;    /* the same, given to others; a cell given to two ranks counts twice */
    int32_t neighbours;          /* ranks that it receives from */
    int32_t components;          /* of its cells, joined through faces, periodic; 0 if not asked for */
};

/* Rank `from` gives to the rank whose row it is in. */
struct sk_traffic {
    int32_t from;
    int64_t cells, atoms;
};

struct sk_count {
    int nranks;
    struct sk_rank_count *rank; /* [nranks] */
    int64_t *first;             /* [nranks + 1]: rows of traffic */
    struct sk_traffic *traffic; /* by receiving rank, then by sender, ascending */
};

/* Counts the map owner[n0 n1 n2] (x fastest, all in [0, nranks)). weight (int64) and atoms (int32) are by cell; NULL:
 * weight 1, atoms 0. O(cells) time; memory O(ranks x neighbours) beside the map. Local. */
void sk_count_make(struct sk_count *count, const int32_t n[3], int nranks, const int32_t *owner, const int64_t *weight,
                   const int32_t *atoms, const struct sk_stencil *stencil);
/* Fills components: 4 bytes per cell more. */
void sk_count_components(struct sk_count *count, const int32_t n[3], const int32_t *owner);
void sk_count_clear(struct sk_count *count);

struct sk_count_summary {
    double imbalance; /* heaviest over mean weight */
    double ghosts_mean, ghost_atoms_mean, neighbours_mean, components_mean;
    int64_t ghosts, ghosts_max, ghost_atoms, ghost_atoms_max;
    int64_t messages; /* pairs of ranks, one direction */
    int32_t neighbours_max, components_max;
    double off_node; /* share of the ghost cells that come from another node */
    double off_node_atoms;
};
/* ranks_per_node 0: every rank is a node. */
void sk_count_summarize(const struct sk_count *count, int ranks_per_node, struct sk_count_summary *summary);

/* Ghost cells of the best cube, tube or slab of `cells` cells (not necessarily whole) in the periodic box, for the
 * shell stencil: what no rank of that size goes much below. */
double sk_count_ideal(const int32_t n[3], double cells);
/* The same for a shell of `reach` cells. */
double sk_count_ideal_shell(const int32_t n[3], double cells, int reach);

#endif
