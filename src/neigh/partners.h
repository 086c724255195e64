/* Partners: for each local atom the local atoms that the topology excludes from it, by local index.
 * Most molecules are whole ownership groups (waters): their rows come from the order of atoms alone. Exclusions that
 * leave their group (chains, proteins) go anywhere, over cells and ranks: these atoms are found by id, ghosts too.
 * Owns its rows; rebuilt as a whole. Not here: what is done with them (list.h). */
#ifndef SK_NEIGH_PARTNERS_H
#define SK_NEIGH_PARTNERS_H

#include <stdbool.h>

#include "base/idmap.h"
#include "model/atoms.h"
#include "model/topology.h"

struct sk_partners {
    int *start;   /* [nlocal + 1] */
    int *partner; /* [start[nlocal]] owned atoms first, ghost g is nowned + g */
    size_t start_capacity, partner_capacity;
    bool has_crossing;   /* some molecule type has exclusions that leave their group */
    bool *is_crossing;   /* [moltypes] which */
    struct sk_idmap ids; /* local atoms of these types */
    int *crossing;       /* scratch: the same as a list */
    size_t crossing_capacity;
};

/* Local. The topology must be finished and stay. */
void sk_partners_init(struct sk_partners *partners, const struct sk_topology *top);
void sk_partners_clear(struct sk_partners *partners);
/* Local. Rows of owned atoms in home order and of ghosts; ghosts of molecules that are whole groups have none, for
 * nobody computes a pair within a foreign group. */
void sk_partners_build(struct sk_partners *partners, const struct sk_topology *top, const struct sk_atoms *atoms,
                       const sk_gid *ghost_id, int nghosts);
size_t sk_partners_memory(const struct sk_partners *partners);

#endif
