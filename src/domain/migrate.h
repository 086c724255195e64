/* Migrate: moves ownership groups to the ranks that own their cells and puts atoms in home order.
 * Owns the scratch buffers and the cell of every owned atom. Not here: ghosts (halo.h). */
#ifndef SK_DOMAIN_MIGRATE_H
#define SK_DOMAIN_MIGRATE_H

#include "base/sort.h"
#include "domain/cells.h"
#include "model/atoms.h"

struct sk_home {
    int32_t (*cell)[3]; /* [atoms->n] cell of the atom's anchor at the last migration */
    size_t capacity;
    struct sk_keyed *order, *scratch; /* [groups] */
    size_t order_capacity, scratch_capacity;
    struct sk_atoms spare; /* the other half of the double buffer */
    int64_t migrated;      /* groups that changed their owner on this rank, ever */
};

void sk_home_init(struct sk_home *home);
void sk_home_clear(struct sk_home *home);
/* Curve key and first atom of every group, sorted by key: home->order[0 .. returned count). Local. */
int sk_home_sort(struct sk_home *home, struct sk_cells *cells, const struct sk_atoms *atoms);
/* Collective. Sends every group to the owner of its anchor's cell, sorts, and sets frames and cells. */
void sk_home_migrate(struct sk_home *home, struct sk_cells *cells, struct sk_comm *comm, struct sk_atoms *atoms);
/* Places are wholly known only with the frame: unwrapped coordinate of atom i on axis k, in box edges. */
static inline double sk_home_place(const struct sk_atoms *atoms, int i, int k)
{
    return (double)atoms->x[i][k] * 0x1p-64 + (double)(atoms->image[i][k] - atoms->frame[i][k]);
}

#endif
