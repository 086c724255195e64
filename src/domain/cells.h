/* Cells: the global grid of ownership cells, their order along a curve, and who owns which.
 * The owner of a cell is a function of the plan (O(ranks) data); what a rank has looked up it
 * remembers in a table that is emptied at every new plan. Owns its tables and its plan.
 * Not here: making plans (balance.h), atoms (migrate.h), ghosts (halo.h). */
#ifndef SK_DOMAIN_CELLS_H
#define SK_DOMAIN_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "curve/plan.h"
#include "geom/box.h"
#include "par/comm.h"

/* Rank that must be sent atoms of a cell B, and the offset e = B - c (in cells, unwrapped) of the nearest corner cells
 * c of that rank. */
struct sk_export {
    int32_t rank;
    int16_t offset[3];
};

/* What this rank knows of a cell. */
struct sk_cell {
    int64_t index; /* x + n0 (y + n1 z), or -1 for a free slot */
    sk_key key;
    int32_t owner;
    int32_t first_export, nexports; /* first_export -1: not planned since the last plan */
    bool is_deep;                   /* planned, and every cell at offset -[0..reach] has the same owner */
};

struct sk_cells {
    int32_t n[3];
    int rank, nranks;
    struct sk_plan plan; /* of blocks of cells; nranks 0: none yet, all cells are rank 0's */
    int32_t block[3];    /* cells on an edge of the plan's cells */
    int32_t reach[3];    /* largest offset that matters for ghosts */
    struct sk_cell *table;
    size_t table_size, table_used;
    struct sk_export *exports;
    size_t exports_capacity;
    int nexports;
};

/* Edges close to half the list radius, or a little longer, lest there be more than SK_CELLS_MOST cells and as many as
 * atoms. */
void sk_cells_init(struct sk_cells *cells, const struct sk_box *box, double list_radius, int64_t natoms,
                   const struct sk_comm *comm);
/* Makes edges longer by a factor, or more. Before anything is looked up. */
void sk_cells_coarsen(struct sk_cells *cells, double factor);
void sk_cells_clear(struct sk_cells *cells);
/* The remembered record of cell (x, y, z), coordinates already in [0, n). Valid until the next find or plan. */
struct sk_cell *sk_cells_find(struct sk_cells *cells, int32_t x, int32_t y, int32_t z);
/* Takes over a plan of blocks of cells. */
void sk_cells_set_plan(struct sk_cells *cells, struct sk_plan *plan, const int32_t block[3]);
/* Sets the reach; forgets the export plans if it changed. */
void sk_cells_set_reach(struct sk_cells *cells, const int32_t reach[3]);
/* Fills first_export, nexports and is_deep of a cell: for every rank but its owner that owns corner cells at offset
 * -e, 0 <= e <= reach, the smallest such offsets (see src/README.md, "Ghosts"). */
void sk_cells_plan(struct sk_cells *cells, int32_t x, int32_t y, int32_t z);

#define SK_CELLS_MOST (1 << 22)

/* c is in [-n, 2 n): one period off at most. */
static inline int32_t sk_cells_wrap(int32_t c, int32_t n)
{
    return c < 0 ? c + n : c >= n ? c - n : c;
}

#endif
