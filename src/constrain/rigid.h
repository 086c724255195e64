/* Rigid: the rigid waters that a rank owns, found anew at every rebuild, and the atoms that are free of them.
 * Owns its lists. A water's three atoms share an ownership group, so no other rank is involved.
 * Not here: the arithmetic (water.h). */
#ifndef SK_CONSTRAIN_RIGID_H
#define SK_CONSTRAIN_RIGID_H

#include <stddef.h>

#include "constrain/water.h"
#include "model/atoms.h"
#include "model/topology.h"

struct sk_rigid_water {
    int atom[3]; /* apex, leg 1, leg 2: indices of owned atoms */
    int kind;    /* into kinds */
};

struct sk_rigid {
    int nkinds;
    struct sk_water *kinds; /* one for each settle of each molecule type */
    int *first_kind;        /* [moltypes] kind of the type's first settle */
    int nwaters, nfree;
    struct sk_rigid_water *waters;
    int *free_atom; /* owned atoms in no water, ascending */
    size_t waters_capacity, free_capacity;
};

void sk_rigid_init(struct sk_rigid *rigid, const struct sk_topology *top, double tolerance);
void sk_rigid_clear(struct sk_rigid *rigid);
/* Local. After the owned atoms changed their order. */
void sk_rigid_rebuild(struct sk_rigid *rigid, const struct sk_topology *top, const struct sk_atoms *atoms);

#endif
