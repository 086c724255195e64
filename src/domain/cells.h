/* Cells: the global grid of ownership cells, the curve through them, and who owns which.
 * The owner of a cell is a function of the cut keys (O(ranks) data); what a rank has looked up it
 * remembers in a table that is emptied at every new cut. Owns its tables.
 * Not here: atoms (migrate.h), ghosts (halo.h). */
#ifndef SK_DOMAIN_CELLS_H
#define SK_DOMAIN_CELLS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/sort.h"
#include "curve/curve.h"
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
    int32_t first_export, nexports; /* first_export -1: not planned since the last cut */
    bool is_deep;                   /* planned, and every cell at offset -[0..reach] is this rank's */
};

struct sk_cells {
    int32_t n[3];
    enum sk_curve_kind curve;
    int rank, nranks;
    sk_key *cut;      /* [nranks + 1]: rank r owns keys in [cut[r], cut[r + 1]) */
    int32_t reach[3]; /* largest offset that matters for ghosts */
    struct sk_cell *table;
    size_t table_size, table_used;
    struct sk_export *exports;
    size_t exports_capacity;
    int nexports;
};

/* Edges close to max(list_radius / 2, side of 16 atoms at the mean density). All cells belong to rank 0 until the
 * first cut. */
void sk_cells_init(struct sk_cells *cells, enum sk_curve_kind curve, const struct sk_box *box, double list_radius,
                   int64_t natoms, const struct sk_comm *comm);
/* The same grid and curve for another number of ranks, none of which is this process: for what-if questions. */
void sk_cells_like(struct sk_cells *cells, const struct sk_cells *like, int nranks);
void sk_cells_clear(struct sk_cells *cells);
/* The remembered record of cell (x, y, z), coordinates already in [0, n). Valid until the next find or cut. */
struct sk_cell *sk_cells_find(struct sk_cells *cells, int32_t x, int32_t y, int32_t z);
/* Collective. New cuts so that every rank gets an equal share of the weight: work[i] at key items[i].key (sorted by key
 * on each rank, any distribution over ranks). Prefix cuts found by bisection over the keys, all cuts at once. */
void sk_cells_cut(struct sk_cells *cells, struct sk_comm *comm, const struct sk_keyed *items, const int64_t *work,
                  int n);
/* Sets the reach; forgets the export plans if it changed. */
void sk_cells_set_reach(struct sk_cells *cells, const int32_t reach[3]);
/* Fills first_export, nexports and is_deep of an owned cell: for every foreign rank that owns corner cells at offset
 * -e, 0 <= e <= reach, the smallest such offsets (see src/README.md, "Ghosts"). */
void sk_cells_plan(struct sk_cells *cells, int32_t x, int32_t y, int32_t z);

/* c is in [-n, 2 n): one period off at most. */
static inline int32_t sk_cells_wrap(int32_t c, int32_t n)
{
    return c < 0 ? c + n : c >= n ? c - n : c;
}

#endif
